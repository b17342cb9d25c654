"""Who looked: the entries of the log about a person, as they may see and prove them."""
