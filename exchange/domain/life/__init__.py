"""The life of a record after it was told: disputes, retention, and what reporting it is worth."""
