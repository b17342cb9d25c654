"""Record files over HTTP."""
