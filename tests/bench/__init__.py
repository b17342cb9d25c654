"""Benchmarks: ratios taken inside one run, as JSON; never timed tests."""
