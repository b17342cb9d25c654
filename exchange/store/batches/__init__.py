"""Statements about record files, and about the one that a session is at work on."""
