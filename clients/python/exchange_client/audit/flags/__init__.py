"""The flags, found again from an export: a second implementation, apart from the exchange's.

Each rule is written as its definition reads (RULES.md beside the exchange's own): for every entry,
what the log up to it shows. It is slower than the exchange's, and shares no code with it.
"""
