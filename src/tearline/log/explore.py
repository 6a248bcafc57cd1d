"""Looking into a stored log: its leaves a page at a time, and the way from one leaf to the root.

Pages begin with the newest leaf. A kind is found by the tiles that have it, a moment by halving:
leaves stand in the order of their moments, unless the clock was set back. So a page takes as long
in a log of a million leaves as in one of a thousand.
"""

from collections.abc import Iterator
from typing import NamedTuple

from tearline.errors import ProofError
from tearline.log import tree
from tearline.log.checkpoint import Checkpoint
from tearline.log.tiles import StoredTree, kind_in
from tearline.log.tree import TILE_WIDTH, Step
from tearline.log.verify import Leaf, parse_leaf
from tearline.store import log_kinds, logs
from tearline.store.database import Tx

_TILES_AT_ONCE = 8
_UNREADABLE = Leaf("?", "", 0, b"", None)


class Row(NamedTuple):
    """A leaf of a page: where it stands, what it says, its hash, whether the signed root has it.

    `proven` is None for a leaf that no checkpoint covers yet.
    """

    number: int
    leaf: Leaf
    hash: bytes
    proven: bool | None


class Way(NamedTuple):
    """How a leaf is under a signed root: its hash, the steps up, and whether they end there."""

    hash: bytes
    steps: list[Step]
    root: bytes
    holds: bool


def page(
    tx: Tx,
    log: str,
    signed: Checkpoint | None,
    *,
    upto: int,
    kind: str | None,
    since: int,
    count: int,
) -> list[Row]:
    """Return leaves from `upto` back to `since`, of one kind or of all, so many at most.

    Each is proven against the signed root, really.
    """
    stored = StoredTree(tx, log)
    found = []
    for index, entry in _leaves(tx, log, upto, since, kind, count):
        found.append(_row(stored, index, entry, signed))
        if len(found) == count:
            break
    return found


def _leaves(
    tx: Tx, log: str, upto: int, since: int, kind: str | None, count: int
) -> Iterator[tuple[int, bytes]]:
    """Give leaves and their indices backwards, reading no more than is asked for."""
    if kind is None:
        begin = max(since, upto - count + 1)
        rows = logs.leaves(tx, log, begin, upto + 1)
        yield from reversed(list(enumerate(rows, begin)))
        return
    for begin, end in _spans(tx, log, upto, since, kind):
        mark = f'"kind":"{kind}"'.encode()
        found = list(enumerate(logs.leaves(tx, log, begin, end), begin))
        yield from (each for each in reversed(found) if mark in each[1])


def _spans(tx: Tx, log: str, upto: int, since: int, kind: str) -> Iterator[tuple[int, int]]:
    """Give the spans of leaves that may have one of a kind, newest first."""
    told = log_kinds.tiles_told(tx, log) * TILE_WIDTH
    for end in range(upto + 1, max(told, since), -TILE_WIDTH):
        yield max(end - TILE_WIDTH, told, since), end
    tile = min(upto, told - 1) // TILE_WIDTH
    while tile >= since // TILE_WIDTH:
        tiles = log_kinds.tiles_with(tx, log, kind, upto=tile, count=_TILES_AT_ONCE)
        for each in tiles:
            begin, end = each * TILE_WIDTH, (each + 1) * TILE_WIDTH
            if end > since:
                yield max(begin, since), min(end, upto + 1)
        if len(tiles) < _TILES_AT_ONCE:
            return
        tile = tiles[-1] - 1


def kinds(tx: Tx, log: str) -> list[str]:
    """Return every kind that a log has, in order."""
    told = log_kinds.tiles_told(tx, log) * TILE_WIDTH
    rest = logs.leaves(tx, log, told, logs.head(tx, log).size)
    return sorted({*log_kinds.kinds(tx, log), *(each for each in map(kind_in, rest) if each)})


def first_since(tx: Tx, log: str, at: str) -> int:
    """Return the first leaf at or after a moment, as STIX writes it; the size when there is none.

    A moment may be cut short: `2026-03-01` is the beginning of that day.
    """
    low, high = 0, logs.head(tx, log).size
    while low < high:
        middle = (low + high) // 2
        entry = logs.leaf(tx, log, middle)
        if entry is not None and read_leaf(entry).at < at:
            low = middle + 1
        else:
            high = middle
    return low


def read_leaf(entry: bytes) -> Leaf:
    """Return what a leaf says; one of kind `?` at no moment for bytes that are of another form."""
    try:
        return parse_leaf(entry)
    except ProofError:
        return _UNREADABLE


def way(tx: Tx, log: str, index: int, entry: bytes, signed: Checkpoint) -> Way:
    """Return the way from a leaf's bytes to the signed root; ProofError for a damaged store."""
    return _way(StoredTree(tx, log), index, entry, signed)


def _way(stored: StoredTree, index: int, entry: bytes, signed: Checkpoint) -> Way:
    found = tree.leaf_hash(entry)
    proof = stored.inclusion_proof(index, signed.size)
    steps = tree.climb(found, index, signed.size, proof)
    top = steps[-1].result if steps else found
    return Way(found, steps, top, top == signed.root)


def _row(stored: StoredTree, index: int, entry: bytes, signed: Checkpoint | None) -> Row:
    leaf, proven = read_leaf(entry), None
    if signed is not None and index < signed.size:
        try:
            proven = _way(stored, index, entry, signed).holds
        except ProofError:
            proven = False
    return Row(index, leaf, tree.leaf_hash(entry), proven)
