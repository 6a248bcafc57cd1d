"""Every door in and out: TAXII, files and other nodes; it carries and never decides."""
