"""What a regulator does with the access log: exports, their verification, searches, flags."""
