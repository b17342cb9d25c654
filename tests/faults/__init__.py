"""What breaks: every step of what writes, and every process, at any moment."""
