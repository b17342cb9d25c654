"""Figures about record files."""
