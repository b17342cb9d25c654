"""Seats: who signs in to the console, and for which member."""
