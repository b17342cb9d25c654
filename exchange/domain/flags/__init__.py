"""Flags: what a regulator should look at, found by fixed rules over the opened log.

A flag is a function of the log up to its last hit and of the parameters, of nothing else: no
clock, no order of jobs. So whoever holds an export finds the same flags. RULES.md says exactly
when each is raised. Source: log.md, 13.
"""
