"""All SQL: what the node holds, in SQLite or PostgreSQL."""
