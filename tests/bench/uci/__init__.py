"""The UCI benchmark: answers held against what real clients did."""
