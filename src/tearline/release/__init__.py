"""May this object go to that party, in what form, and how it is taken back."""
