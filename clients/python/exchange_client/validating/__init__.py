"""Check a batch file offline, by the rules that need nothing stored.

A second implementation of the exchange's own, held equal to it by vectors and by random rows: a
member must be able to judge its export without trusting the exchange's code.
"""
