"""Types of columns that mean the same in SQLite and in PostgreSQL.

Texts compare and sort as their bytes on both, whatever the language of the machine; numbers have
64 bits. A number that the store issues by itself has type `Serial`, which SQLite wants as INTEGER.
"""

import sqlalchemy as sa

from tearline.errors import InputError

Text = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
"""A text without U+0000: PostgreSQL cannot hold it, so both refuse it, stored or looked for."""
Serial = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
"""A number that is a table's whole key."""


def misfit() -> InputError:
    """Return the error for a text or a number that no column holds."""
    return InputError(
        "The store holds no text with the character U+0000 and no number beyond 64 bits.",
        means="What came in has one where it would be looked up. Nothing of it was kept.",
        do="Have it corrected where it was written.",
    )
