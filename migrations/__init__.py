"""The database's numbered revisions; `exchange migrate` applies them."""
