"""Flows about single records: disputes, statements, and what reporting is worth."""
