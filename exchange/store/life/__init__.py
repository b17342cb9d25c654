"""Statements about what becomes of records: disputes, retention, and what reporting is worth."""
