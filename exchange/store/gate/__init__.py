"""The gate in its form for many queries at once."""
