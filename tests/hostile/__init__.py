"""The corpus of hostile inputs, one file per block; each id stands in a test name."""
