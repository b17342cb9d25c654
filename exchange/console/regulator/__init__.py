"""The regulator's pages: how the log stands, searches, flags, members' compliance."""
