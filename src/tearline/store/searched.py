"""The index of words: FTS5 in SQLite, a `tsvector` under GIN in PostgreSQL.

What is indexed and what is asked for are words of `[0-9a-z]` alone (`stix.words`), written between
quotes, so that nothing of it can be an operator. The tables of the index are of the database's own
kind, made beside the revisions, and filled by `release.listing`.
"""

from collections.abc import Iterable, Sequence

from sqlalchemy import Connection

from tearline.stix.words import Sought, Words
from tearline.store.database import Tx

_MADE = {
    "sqlite": ("CREATE VIRTUAL TABLE searched USING fts5(whole, words, tokenize = 'ascii')",),
    "postgresql": (
        "CREATE TABLE searched (seq bigint PRIMARY KEY, words tsvector NOT NULL)",
        # Put in their places at once: what only waits for that is read whole by every search.
        "CREATE INDEX searched_words ON searched USING gin (words) WITH (fastupdate = off)",
    ),
}
_IS = "searched"


def is_of_index(table: str) -> bool:
    """Whether a table is one of the index, which the revisions do not know."""
    return table == _IS or table.startswith(f"{_IS}_")


def make_first(tx: Connection) -> None:
    """Make the index of a new store."""
    for each in _MADE[tx.dialect.name]:
        tx.exec_driver_sql(each)


def clear(tx: Tx) -> None:
    """Forget every word."""
    tx.exec_driver_sql("DROP TABLE searched")
    make_first(tx)


def put(tx: Tx, rows: Sequence[tuple[int, Words]]) -> None:
    """Index versions that are not indexed yet, by their numbers."""
    if not rows:
        return
    if tx.dialect.name == "sqlite":
        text = "INSERT INTO searched (rowid, whole, words) VALUES (?, ?, ?)"
        tx.exec_driver_sql(
            text,
            [(seq, " ".join(each.whole), " ".join(each.words)) for seq, each in rows],
        )
        return
    text = (
        "INSERT INTO searched SELECT a, b::tsvector"
        " FROM unnest(%(seqs)s::bigint[], %(texts)s::text[]) AS given(a, b)"
    )
    given = {"seqs": [seq for seq, _ in rows], "texts": [_vector(each) for _, each in rows]}
    tx.exec_driver_sql(text, given)


def drop(tx: Tx, seqs: Iterable[int]) -> None:
    """Forget the words of versions."""
    listed = list(seqs)
    if not listed:
        return
    if tx.dialect.name == "sqlite":
        tx.exec_driver_sql("DELETE FROM searched WHERE rowid = ?", [(each,) for each in listed])
    else:
        tx.exec_driver_sql("DELETE FROM searched WHERE seq = ANY (%(seqs)s)", {"seqs": listed})


def find(
    tx: Tx,
    asked: Sought,
    *,
    limit: int,
    whole: bool = False,
    before: int | None = None,
    low: int = 0,
    skip: int = 0,
) -> list[int]:
    """The numbers of versions that have all that is asked for, the newest first.

    With `whole` only those of which a whole value or name is asked for. Of numbers from `low` on,
    and lower than `before`.
    """
    if not asked.phrases:
        return []
    high = 2**62 if before is None else before
    if tx.dialect.name == "sqlite":
        text = (
            "SELECT rowid FROM searched WHERE searched MATCH ? AND rowid >= ? AND rowid < ?"
            " ORDER BY rowid DESC LIMIT ? OFFSET ?"
        )
        found = tx.exec_driver_sql(text, (_match(asked, whole=whole), low, high, limit, skip))
    else:
        _look_at_words(tx)
        text = (
            "SELECT seq FROM searched WHERE words @@ %(asked)s::tsquery"
            " AND seq >= %(low)s AND seq < %(high)s ORDER BY seq DESC"
            " LIMIT %(limit)s OFFSET %(skip)s"
        )
        given = {"asked": _query(asked, whole=whole), "low": low, "high": high}
        found = tx.exec_driver_sql(text, {**given, "limit": limit, "skip": skip})
    return [row[0] for row in found]


def kinds(tx: Tx, asked: Sought, limit: int) -> list[tuple[int, int]]:
    """The last versions that have all that is asked for, each with the number of its kind."""
    if not asked.phrases:
        return []
    if tx.dialect.name == "sqlite":
        text = (
            "SELECT listed.seq, listed.kind FROM (SELECT rowid AS seq FROM searched"
            " WHERE searched MATCH ? ORDER BY rowid DESC LIMIT ?) AS hit"
            " CROSS JOIN listed ON listed.seq = hit.seq"
        )
        found = tx.exec_driver_sql(text, (_match(asked, whole=False), limit))
    else:
        _look_at_words(tx)
        text = (
            "SELECT listed.seq, listed.kind FROM (SELECT seq FROM searched"
            " WHERE words @@ %(asked)s::tsquery ORDER BY seq DESC LIMIT %(limit)s) AS hit"
            " JOIN listed ON listed.seq = hit.seq"
        )
        given = {"asked": _query(asked, whole=False), "limit": limit}
        found = tx.exec_driver_sql(text, given)
    return [(row[0], row[1]) for row in found]


def _look_at_words(tx: Tx) -> None:
    """Have PostgreSQL plan for the words of the question, for the rest of this transaction.

    Its one plan for any words walks from the newest version down: past all, where they are rare.
    """
    tx.exec_driver_sql("SET LOCAL plan_cache_mode = force_custom_plan")


def _match(asked: Sought, *, whole: bool) -> str:
    """The question as FTS5 writes it."""
    parts = [
        f'words : "{" ".join(each.words)}"{" *" if each.begins else ""}' for each in asked.phrases
    ]
    parts += [f'whole : "{each}"' for each in asked.marks]
    if whole:
        parts.insert(0, "(" + " OR ".join(f'whole : "{each}"' for each in asked.whole) + ")")
    return " AND ".join(parts)


def _query(asked: Sought, *, whole: bool) -> str:
    """The question as PostgreSQL writes it."""
    parts = []
    for each in asked.phrases:
        words = [f"'{word}'" for word in each.words]
        words[-1] += ":*" if each.begins else ""
        parts.append("(" + " <-> ".join(words) + ")")
    parts += [f"'={each}'" for each in asked.marks]
    if whole:
        parts.insert(0, "(" + " | ".join(f"'={each}'" for each in asked.whole) + ")")
    return " & ".join(parts)


def _vector(words: Words) -> str:
    """The words with their places, and whole values, which no word can be mistaken for."""
    places: dict[str, list[str]] = {}
    for place, word in enumerate(words.words, 1):
        places.setdefault(word, []).append(str(place))
    # PostgreSQL keeps at most 255 places of a word.
    marked = [f"'{word}':{','.join(at[:255])}" for word, at in places.items()]
    return " ".join([*(f"'={each}'" for each in words.whole), *marked])
