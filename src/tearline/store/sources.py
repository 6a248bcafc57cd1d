"""Foreign TAXII servers that we read, and how far we have read each of their collections.

What lets us in there (a password, a key) is kept whole, for it must be sent; it is erased when the
source is ended. It is never shown and never logged. Who can read here can read at those servers in
our name; who can write here can let other objects in under a source's name and marking, and the
private log, which has a leaf for each import with its source and its hash, shows it.
"""

from typing import NamedTuple

from sqlalchemy import BigInteger, Boolean, Column, Integer, Table, delete, insert, select, update

from tearline.store.columns import Text
from tearline.store.database import Tx, metadata

source = Table(
    "source",
    metadata,
    Column("name", Text, primary_key=True),
    Column("url", Text, nullable=False),
    Column("way", Text, nullable=False),
    Column("login", Text, nullable=False),
    Column("secret", Text, nullable=False),
    Column("plain_http", Boolean, nullable=False),
    Column("marking", Integer),
    Column("grade", Integer),
    Column("page", Integer, nullable=False),
    Column("every_s", Integer, nullable=False),
    Column("since_at", BigInteger, nullable=False),
    Column("ended_at", BigInteger),
)
source_collection = Table(
    "source_collection",
    metadata,
    Column("source", Text, primary_key=True),
    Column("url", Text, primary_key=True),
    Column("id", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("version", Text, nullable=False),
    # How far it is read.
    Column("done_at", BigInteger),
    Column("after_at", BigInteger),
    Column("next", Text, nullable=False),
    Column("sure", Boolean, nullable=False),
    Column("top_at", BigInteger),
    Column("ordered", Boolean, nullable=False),
    Column("open", Boolean, nullable=False),
    Column("fresh", Boolean, nullable=False),
    Column("met", BigInteger, nullable=False),
    # What became of what came.
    Column("stored", BigInteger, nullable=False),
    Column("unchanged", BigInteger, nullable=False),
    Column("refused", BigInteger, nullable=False),
    Column("lifted", BigInteger, nullable=False),
    Column("reasons", Text, nullable=False),
    # How the last try went, and when the next one comes.
    Column("last_at", BigInteger),
    Column("problem", Text, nullable=False),
    Column("failures", Integer, nullable=False),
    Column("again_at", BigInteger),
    Column("wait_at", BigInteger),
    Column("stopped", Boolean, nullable=False),
)


class Source(NamedTuple):
    """A foreign server under the name that we gave it.

    `way` says how it lets us in: '' for nothing, `basic`, `bearer`, or the name of a header that
    carries the key. `page` is how many objects are asked for at a time; `every_s` 0 is never by
    itself.
    """

    name: str
    url: str
    way: str
    login: str
    secret: str
    plain_http: bool
    marking: int | None
    grade: int | None
    page: int
    every_s: int
    since_at: int
    ended_at: int | None


class Walk(NamedTuple):
    """How far a collection is read.

    A walk asks for what was added after `after_at`, page by page, to the end. `next` is the
    server's word for the page to come; it is `sure` when nobody can have used it already. `top_at`
    is the latest moment of adding that the walk met, `ordered` whether these moments never fell.
    An `open` walk has not come to its end; `fresh` says that it brought something new, `met` how
    many objects it came by. All that was added up to `done_at` was read by walks before it.
    """

    done_at: int | None = None
    after_at: int | None = None
    next: str = ""
    sure: bool = False
    top_at: int | None = None
    ordered: bool = True
    open: bool = False
    fresh: bool = False
    met: int = 0


class Tally(NamedTuple):
    """What became of all objects that came, and the first reasons for refusals as JSON."""

    stored: int = 0
    unchanged: int = 0
    refused: int = 0
    lifted: int = 0
    reasons: str = "[]"


class Turn(NamedTuple):
    """How the last try went, and when the next may come.

    `again_at` is our own patience after `failures` in a row, `wait_at` what the server asked for.
    What is `stopped` waits for a person.
    """

    last_at: int | None = None
    problem: str = ""
    failures: int = 0
    again_at: int | None = None
    wait_at: int | None = None
    stopped: bool = False


class Reading(NamedTuple):
    """One collection of a source, and all that we know of reading it."""

    source: str
    url: str
    id: str
    title: str
    version: str
    walk: Walk = Walk()
    tally: Tally = Tally()
    turn: Turn = Turn()


_OWN = 5
_WALK = _OWN + len(Walk._fields)
_TALLY = _WALK + len(Tally._fields)


def add(tx: Tx, entry: Source, readings: list[Reading]) -> None:
    """Keep a source and its collections, in the place of an ended one of that name."""
    tx.execute(delete(source).where(source.c.name == entry.name))
    tx.execute(delete(source_collection).where(source_collection.c.source == entry.name))
    tx.execute(insert(source).values(entry._asdict()))
    for each in readings:
        named = dict(zip(Reading._fields[:_OWN], each[:_OWN], strict=True))
        values = named | each.walk._asdict() | each.tally._asdict() | each.turn._asdict()
        tx.execute(insert(source_collection).values(values))


def source_named(tx: Tx, name: str) -> Source | None:
    """Return the source of a name, ended or not."""
    row = tx.execute(select(source).where(source.c.name == name)).one_or_none()
    return Source(*row) if row else None


def sources(tx: Tx) -> list[Source]:
    """Return every source, by name, ended ones included."""
    return [Source(*row) for row in tx.execute(select(source).order_by(source.c.name))]


def readings_of(tx: Tx, name: str) -> list[Reading]:
    """Return the collections of a source, by title and address."""
    of = source_collection.c
    query = select(source_collection).where(of.source == name).order_by(of.title, of.url)
    return [_reading(tuple(row)) for row in tx.execute(query)]


def reading_at(tx: Tx, name: str, url: str) -> Reading | None:
    """Return one collection of a source that is not ended."""
    of = source_collection.c
    query = (
        select(source_collection)
        .join(source, source.c.name == of.source)
        .where(of.source == name, of.url == url, source.c.ended_at.is_(None))
    )
    row = tx.execute(query).one_or_none()
    return _reading(tuple(row)) if row else None


def put_walk(tx: Tx, at: Reading, walk: Walk) -> None:
    """Say how far a collection is read."""
    _put(tx, at, walk._asdict())


def put_tally(tx: Tx, at: Reading, tally: Tally) -> None:
    """Say what became of what came from a collection."""
    _put(tx, at, tally._asdict())


def put_turn(tx: Tx, at: Reading, turn: Turn) -> None:
    """Say how the last try of a collection went."""
    _put(tx, at, turn._asdict())


def put_login(tx: Tx, name: str, *, way: str, login: str, secret: str) -> None:
    """Let us in at a source in another way from now on."""
    values = {"way": way, "login": login, "secret": secret}
    tx.execute(update(source).where(source.c.name == name).values(values))


def end(tx: Tx, name: str, *, at: int) -> None:
    """End a source: what it gave stays, what lets us in there is erased."""
    erased = {"ended_at": at, "secret": "", "login": ""}
    tx.execute(update(source).where(source.c.name == name).values(erased))


def _put(tx: Tx, at: Reading, values: dict[str, object]) -> None:
    of = source_collection.c
    tx.execute(
        update(source_collection).where(of.source == at.source, of.url == at.url).values(values)
    )


def _reading(row: tuple[object, ...]) -> Reading:
    own, walk = row[:_OWN], Walk._make(row[_OWN:_WALK])
    tally, turn = Tally._make(row[_WALK:_TALLY]), Turn._make(row[_TALLY:])
    return Reading._make((*own, walk, tally, turn))
