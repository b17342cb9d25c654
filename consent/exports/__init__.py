"""A grant written down in the forms of others: generated each time, never the truth."""
