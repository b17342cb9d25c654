"""The borrower's pages."""

HOME = "/borrower"
