"""A member's pages: its files, its quality, disputes and notices, watches. They only read."""
