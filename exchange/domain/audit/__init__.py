"""What a regulator reads of the access log: rows, filters, exports."""
