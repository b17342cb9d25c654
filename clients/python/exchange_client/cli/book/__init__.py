"""`cx book` and `cx report`: a member's own book, looked at on its own machine."""
