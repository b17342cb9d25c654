"""The web pages of regulator, member and borrower; they come with later issues."""
