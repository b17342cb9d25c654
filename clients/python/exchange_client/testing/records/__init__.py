"""The fake takes records: files whole or in parts, and single ones."""
