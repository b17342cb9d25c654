"""Rounds of kill -9 under load, judged by the clients' ledgers and `exchange verify-run`."""
