"""Check a whole access log without the exchange's code: policy, tiles, mirror."""
