"""What the exchange tells its members unasked: events, doorbells, lists of states, watches."""
