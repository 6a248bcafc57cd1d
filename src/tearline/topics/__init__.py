"""Named threats, and which objects are about which of them, by which path."""
