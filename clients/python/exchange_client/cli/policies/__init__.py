"""`cx policy`: the member's own policy, from its file to the notice that a borrower is owed."""
