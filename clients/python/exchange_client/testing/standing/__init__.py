"""The fake's own words for what follows a record: disputes, statements, payments, events."""
