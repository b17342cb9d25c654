"""The SDK's protocol without its I/O: flows that ask for calls and are handed verified replies."""
