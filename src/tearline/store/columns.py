"""Types of columns that mean the same in SQLite and in PostgreSQL.

Texts compare and sort as their bytes on both, whatever the language of the machine; numbers have
64 bits. A number that the store issues by itself has type `Serial`, which SQLite wants as INTEGER.
"""

import sqlalchemy as sa

Text = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
"""A text without U+0000, which PostgreSQL cannot hold; see `insert_rows`."""
Serial = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
"""A number that is a table's whole key."""
