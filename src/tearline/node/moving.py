"""Moving a node from its SQLite file into a PostgreSQL database.

All of it in one transaction of the database, so that a break half way leaves nothing there; the
file is locked meanwhile, so that nobody writes what would not come along. Before the transaction
ends, every row is counted and every log is computed again, leaf by leaf, and held against each
checkpoint that was signed. Afterwards the file gets another name: a node that had two stores would
show its partners two histories.
"""

from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from tearline.agreement.home import Home
from tearline.agreement.log_keys import keys_of
from tearline.errors import HomeError, ProofError, RefusedError
from tearline.log import tree
from tearline.log.checkpoint import open_checkpoint, signer
from tearline.node.runner import LEASE_US
from tearline.store import jobs, logs, moving, owner
from tearline.store.database import Store, Tx
from tearline.store.moving import Progress
from tearline.store.schema import open_store

_LEAVES = 4_096


class MovedLog(NamedTuple):
    """A log as it is in the new store: leaves, checkpoints that hold, root over all leaves."""

    log: str
    leaves: int
    checkpoints: int
    root: str


class Moved(NamedTuple):
    """What came along, and under which name the old file is kept."""

    rows: dict[str, int]
    logs: list[MovedLog]
    store: str
    kept: Path


def move(home: Home, url: str, *, tell: Progress, now: int) -> Moved:
    """Copy a node's store into an empty PostgreSQL database, check it, and set the file aside.

    RefusedError when the node is being served or has no file; HomeError when the database cannot
    be used or is not empty; ProofError when a log does not hold, then or before. Whatever is
    raised, the file is as it was and the database holds nothing of the node.
    """
    path = home.store.path
    if path is None:
        raise RefusedError(
            f"This node's store is {home.store.shown} already.",
            do="To move on from there, use the tools of PostgreSQL.",
        )
    target = open_store(url)
    try:
        rows, found = _copy(home, target, tell, now)
    finally:
        target.close()
    home.store.close()
    return Moved(rows, found, target.shown, _set_aside(path))


def _set_aside(path: Path) -> Path:
    """Rename the file, and what SQLite keeps beside it, to a name that is free."""
    kept, number = path.with_name(f"{path.name}.moved"), 1
    while kept.exists():
        number += 1
        kept = path.with_name(f"{path.name}.moved-{number}")
    for companion in ("", "-wal", "-shm"):
        with suppress(FileNotFoundError):
            path.with_name(f"{path.name}{companion}").rename(f"{kept}{companion}")
    return kept


def _copy(
    home: Home, target: Store, tell: Progress, now: int
) -> tuple[dict[str, int], list[MovedLog]]:
    with home.store.write() as source:
        _refuse_served(source, now)
        with target.write() as other:
            _refuse_full(other, target.shown)
            rows = moving.row_counts(source)
            moving.copy(source, other, sum(rows.values()), tell)
            _compare(rows, moving.row_counts(other))
            return rows, [_check(home, source, other, name) for name in logs.names(source)]


def _refuse_served(tx: Tx, now: int) -> None:
    held = jobs.held(tx, now=now, span_us=LEASE_US)
    if held:
        raise RefusedError(
            f"This node is running: a process holds its job {held[0]!r}.",
            means="It would go on in the old store.",
            do=f"Stop it. If it was killed, wait {LEASE_US // 1_000_000} seconds.",
        )


def _refuse_full(tx: Tx, shown: str) -> None:
    found = owner.owner_of(tx)
    full = [name for name, count in moving.row_counts(tx).items() if count]
    if found is not None or full:
        whose = f"the node {found.slug!r}" if found else f"rows in {full[0]}"
        raise HomeError(
            f"The store {shown} is not empty: it holds {whose}.",
            means="A store is moved as a whole, into a database of its own.",
            do="Name an empty database, or drop what an earlier move left there.",
        )


def _compare(rows: dict[str, int], found: dict[str, int]) -> None:
    for name, count in rows.items():
        if found[name] != count:
            raise ProofError(f"Of {count} rows of {name} there are {found[name]} in the new store.")


def _check(home: Home, source: Tx, target: Tx, name: str) -> MovedLog:
    """Compute a log from its leaves in the new store; ProofError unless each checkpoint holds."""
    origin, vkeys = keys_of(target, home, name)
    notes = [each.note for each in logs.checkpoints(target, name)]
    signed = [open_checkpoint(note, signer(note, vkeys), origin) for note in notes]
    roots = {each.size: each.root for each in signed}
    root = _root(target, name, roots)
    if roots or root != _root(source, name, {}):
        raise _another(name, min(roots, default=0))
    return MovedLog(name, logs.head(target, name).size, len(signed), root.hex())


def _root(tx: Tx, name: str, signed: dict[int, bytes]) -> bytes:
    """Compute the root of a log from its leaves; take those that were signed and hold out."""
    grown, size = tree.Frontier(), logs.head(tx, name).size
    if signed.get(0) == grown.root():
        del signed[0]
    for begin in range(0, size, _LEAVES):
        for leaf in logs.leaves(tx, name, begin, min(begin + _LEAVES, size)):
            grown.add(tree.leaf_hash(leaf))
            if grown.size in signed and signed[grown.size] == grown.root():
                del signed[grown.size]
    return grown.root()


def _another(name: str, size: int) -> ProofError:
    return ProofError(
        f"The log {name} is not the one that was signed, at {size} leaves.",
        means="The file was damaged or altered before, or the copy is wrong. Nothing was moved.",
        do="Run `tearline log copy` and `tearline log verify` on it.",
    )
