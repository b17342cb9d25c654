"""The console's own pages: the way in, and what every page of a seat shares."""
