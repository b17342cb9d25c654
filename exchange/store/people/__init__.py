"""People who are no borrowers: operators, and who sits at the console for a member."""
