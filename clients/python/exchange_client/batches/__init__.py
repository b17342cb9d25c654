"""Batches: rows in, one signed file out, a receipt bound to its bytes back."""
