"""The demonstration: a newcomer sees the exchange work."""
