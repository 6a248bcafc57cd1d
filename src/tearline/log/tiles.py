"""A stored log as the tiles that C2SP tlog-tiles serves, and as a folder anyone can check.

The store keeps the hash of every leaf and, derived, the root of every full tile with those of the
sixteen subtrees in it. Any root or proof then needs a few hundred hashes, however long the log is.
"""

import os
import re
from collections.abc import Callable, Collection, Iterable
from pathlib import Path

from tearline.errors import ProofError
from tearline.log import tree
from tearline.log.checkpoint import add_lines
from tearline.log.tree import TILE_WIDTH, Tile, pack_entries, tile_path, tiles_of
from tearline.log.verify import Opening, write_opening
from tearline.store import log_kinds, logs, witnessing
from tearline.store.database import Tx

_KIND = re.compile(rb'"kind":"([a-z][a-z-]{0,39})"')
_TILE_BITS = 8
_RECORDS_AT_ONCE = 1000
_PYRAMIDS = 1000
"""The most tiles that are kept while proofs are made: some 40 MB."""
_GROUP_BITS = 4
_GROUP = 1 << _GROUP_BITS
_TOGETHER = 64
_GROUPS = 8000
"""The most groups of sixteen hashes that are kept while proofs are made: some 20 MB."""


class TiledTree:
    """The tree of a log, from its tiles: those that are asked for, each of them once."""

    def __init__(self, name: str, read: Callable[[int, int], list[bytes]]) -> None:
        """Read nothing yet; `read` takes level and index of a tile and returns its hashes."""
        self._name = name
        self._read = read
        self._tiles: dict[tuple[int, int], list[bytes]] = {}
        self._pyramids: dict[tuple[int, int], list[list[bytes]]] = {}

    def root(self, size: int) -> bytes:
        """Return the root over the first `size` leaves."""
        return tree.range_root(self._node, 0, size)

    def inclusion_proof(self, index: int, size: int) -> list[bytes]:
        """Return the audit path of one leaf in the tree of the first `size`."""
        return self._roots(tree.inclusion_ranges(index, size))

    def consistency_proof(self, old: int, new: int) -> list[bytes]:
        """Return the proof that the tree of `new` leaves extends that of `old`."""
        return self._roots(tree.consistency_ranges(old, new))

    def _roots(self, ranges: Iterable[tuple[int, int]]) -> list[bytes]:
        return [tree.range_root(self._node, begin, end) for begin, end in ranges]

    def _node(self, level: int, index: int) -> bytes:
        tile_level, up = divmod(level, _TILE_BITS)
        tile, place = divmod(index << up, TILE_WIDTH)
        hashes = self._pyramid(tile_level, tile)[up]
        if place >> up < len(hashes):
            return hashes[place >> up]
        if level == 0:
            raise ProofError(f"The log {self._name} has no leaf {index}.")
        left, right = self._node(level - 1, 2 * index), self._node(level - 1, 2 * index + 1)
        return tree.node_hash(left, right)

    def _pyramid(self, level: int, index: int) -> list[list[bytes]]:
        """A tile's hashes and those of the complete subtrees within it, level by level."""
        found = self._pyramids.get((level, index))
        if found is None:
            if len(self._pyramids) >= _PYRAMIDS:
                self._pyramids.clear()
                self._tiles.clear()
            found = tree.subtrees(self._tile(level, index), _TILE_BITS)
            self._pyramids[level, index] = found
        return found

    def _tile(self, level: int, index: int) -> list[bytes]:
        found = self._tiles.get((level, index))
        if found is None:
            found = self._tiles[level, index] = self._read(level, index)
        return found


class StoredTree(TiledTree):
    """The tree of a stored log, seen from one transaction."""

    def __init__(self, tx: Tx, log: str) -> None:
        """Read nothing yet; tiles are read when needed and kept for the next question."""
        super().__init__(log, self._stored)
        self._tx = tx
        self._ends: dict[int, int] = {}
        self._groups: dict[tuple[int, int], list[list[bytes]]] = {}
        self._inners: dict[tuple[int, int], list[bytes]] = {}

    def _node(self, level: int, index: int) -> bytes:
        """Return a hash in a full tile from sixteen others: of its leaves, or of its subtrees."""
        tile_level, up = divmod(level, _TILE_BITS)
        if index >> (_TILE_BITS - up) >= self._end(tile_level + 1):
            return super()._node(level, index)
        half, up = divmod(up, _GROUP_BITS)
        shift = _GROUP_BITS - up
        place = 2 * tile_level + half, index >> shift
        found = self._groups.get(place) or self._group(*place)
        return found[up][index & ((1 << shift) - 1)]

    def _group(self, half: int, index: int) -> list[list[bytes]]:
        """Sixteen hashes and those of the subtrees over them; every other level is within tiles."""
        if len(self._groups) >= _GROUPS:
            self._groups.clear()
        level, inner = divmod(half, 2)
        if inner:
            hashes = _cut(self._inner(level + 1, index))
        else:
            begin = index * _GROUP
            hashes = _hashes(self._tx, self._name, level, begin, begin + _GROUP)
        found = self._groups[half, index] = tree.subtrees(hashes, _GROUP_BITS)
        return found

    def _inner(self, level: int, index: int) -> bytes:
        """The hashes within one full tile; those of its neighbours are read with them."""
        part, place = divmod(index, _TOGETHER)
        found = self._inners.get((level, part))
        if found is None:
            if len(self._inners) >= _PYRAMIDS:
                self._inners.clear()
            begin = part * _TOGETHER
            end = min(begin + _TOGETHER, self._end(level))
            found = logs.within(self._tx, self._name, level, begin, end)
            self._inners[level, part] = found
        return found[place] if place < len(found) else b""

    def _end(self, level: int) -> int:
        """Return how many hashes of a tile level the store should hold."""
        found = self._ends.get(level)
        if found is None:
            found = self._ends[level] = _end(self._tx, self._name, level)
        return found

    def _stored(self, level: int, index: int) -> list[bytes]:
        begin = index * TILE_WIDTH
        end = min(begin + TILE_WIDTH, self._end(level))
        return _hashes(self._tx, self._name, level, begin, end)


def _end(tx: Tx, log: str, level: int) -> int:
    """Return how many hashes of a tile level the store should hold."""
    return logs.tile_count(tx, log, level) if level else logs.head(tx, log).size


def _hashes(tx: Tx, log: str, level: int, begin: int, end: int) -> list[bytes]:
    """Return exactly the hashes asked for; ProofError if the store has a hole there."""
    found = logs.hashes(tx, log, level, begin, end) if begin < end else []
    if len(found) != max(end - begin, 0):
        raise ProofError(
            f"The log {log} lacks hashes between {begin} and {end} of tile level {level}.",
            means="The store is damaged, or was altered by hand.",
            do="Restore the newest backup and compare with the last checkpoint.",
        )
    return found


def derive(tx: Tx, log: str) -> None:
    """Store the roots of the tiles that have become full since the last time, and their kinds."""
    level, count = 0, logs.head(tx, log).size
    while count >= TILE_WIDTH:
        full = count // TILE_WIDTH
        have = logs.tile_count(tx, log, level + 1)
        begins = [index * TILE_WIDTH for index in range(have, full)]
        roots = [_derived(_hashes(tx, log, level, at, at + TILE_WIDTH)) for at in begins]
        logs.add_tiles(tx, log, level + 1, have, roots)
        level, count = level + 1, full
    _tell_kinds(tx, log)


def _tell_kinds(tx: Tx, log: str) -> None:
    """Note of each full tile of leaves which kinds are in it, so that a kind is found again."""
    full = logs.head(tx, log).size // TILE_WIDTH
    for index in range(log_kinds.tiles_told(tx, log), full):
        begin = index * TILE_WIDTH
        leaves = logs.leaves(tx, log, begin, begin + TILE_WIDTH)
        kinds = {kind for each in leaves if (kind := kind_in(each))}
        log_kinds.add(tx, log, [(index, kind) for kind in sorted(kinds)])


def kind_in(entry: bytes) -> str | None:
    """Return the kind that a leaf says; None for bytes of another form, which a partner may log."""
    found = _KIND.search(entry)
    return found[1].decode() if found else None


def _derived(hashes: list[bytes]) -> tuple[bytes, bytes]:
    """Return the root of a full tile, and the roots of the sixteen subtrees in it."""
    inner = tree.subtrees(hashes, _GROUP_BITS + 1)[-1]
    return tree.root(inner), b"".join(inner)


def _cut(hashes: bytes) -> list[bytes]:
    size = tree.HASH_SIZE
    if len(hashes) != _GROUP * size:
        raise ProofError(
            "The hashes within a tile of a log are not here.",
            means="The store is damaged, or was altered by hand.",
            do="Run `tearline log rebuild`.",
        )
    return [hashes[at : at + size] for at in range(0, len(hashes), size)]


def rebuild(tx: Tx, log: str) -> None:
    """Drop what is derived of a log, and derive it again from its leaves."""
    logs.drop_tiles(tx, log)
    log_kinds.drop(tx, log)
    derive(tx, log)


def cosigned_note(tx: Tx, log: str, signed: logs.Signed, names: Collection[str] | None) -> str:
    """Return a checkpoint with the cosignatures that witnesses of these names gave on it.

    None stands for all. Of the node log only those may be shown to a partner that do not say with
    whom else we have an agreement.
    """
    given = [
        each.line
        for each in witnessing.cosignatures(tx, log)
        if each.size == signed.size and (names is None or each.name in names)
    ]
    return add_lines(signed.note, "".join(given))


def read_tile(tx: Tx, log: str, tile: Tile) -> bytes | None:
    """Return the bytes of a tile or bundle, or None if the signed log does not reach that far."""
    signed = logs.last_checkpoint(tx, log)
    begin = tile.index * TILE_WIDTH
    end = begin + tile.width
    if signed is None or end > signed.size >> (_TILE_BITS * (tile.level or 0)):
        return None
    if tile.level is None:
        return pack_entries(logs.leaves(tx, log, begin, end))
    return b"".join(logs.hashes(tx, log, tile.level, begin, end))


def write_folder(  # what stands in a folder, each said by name
    tx: Tx,
    log: str,
    directory: Path,
    *,
    vkey: str,
    with_records: bool,
    witnesses: Collection[str] | None = None,
) -> None:
    """Write what the last checkpoint covers: entries, tiles, vkey, records, the checkpoint last.

    The checkpoint has the cosignatures of `witnesses`, None for all who gave one.

    The folder can be served as it is by any web server, except records.jsonl, which opens what
    the leaves only commit to. Raises ProofError when no checkpoint has been signed yet.
    """
    signed = logs.last_checkpoint(tx, log)
    if signed is None:
        raise ProofError(
            f"The log {log} has no signed checkpoint yet.",
            do="Run the node once; it publishes what its logs hold.",
        )
    levels = max(signed.size.bit_length() - 1, 0) // _TILE_BITS + 1
    for level in (None, *range(levels)):
        for tile in tiles_of(signed.size, level):
            _write(directory / tile_path(tile), read_tile(tx, log, tile) or b"")
    _write(directory / "vkey", vkey.encode() + b"\n")
    if with_records:
        _write_records(tx, log, directory / "records.jsonl", signed.size)
    note = cosigned_note(tx, log, signed, witnesses)
    write_durably(directory / "checkpoint", note.encode())


def _write_records(tx: Tx, log: str, path: Path, size: int) -> None:
    with path.open("wb") as file:
        last = -1
        while rows := logs.records_after(tx, log, last, count=_RECORDS_AT_ONCE):
            file.writelines(write_opening(Opening(*row)) for row in rows if row[0] < size)
            last = rows[-1][0]


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def write_durably(path: Path, data: bytes) -> None:
    """Replace a file so that after a power cut it holds either the old bytes or the new ones."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(path.name + ".new")
    with fresh.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
