"""What was agreed, between whom, and in which state it is."""
