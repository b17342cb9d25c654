"""Commands about single records and what follows from them."""
