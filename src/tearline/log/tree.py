"""The Merkle tree of RFC 6962 and the layout of its tiles (C2SP tlog-tiles); pure.

A leaf is SHA-256(0x00 || entry), a node SHA-256(0x01 || left || right), the empty tree SHA-256 of
nothing. A tile holds 256 hashes of one level; a hash one tile level up is the root of a full tile.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import NamedTuple

from tearline.errors import ProofError

HASH_SIZE = 32
TILE_WIDTH = 256
ENTRY_LIMIT = 65_535
EMPTY_ROOT = sha256(b"").digest()

Node = Callable[[int, int], bytes]
"""From (level, index): the hash of the complete subtree of 2**level leaves at that place."""


@dataclass(frozen=True, slots=True)
class Tile:
    """A tile's place and width; the level of a bundle of entries is None."""

    level: int | None
    index: int
    width: int = TILE_WIDTH


# ------------------------------------------------------------------------------------- hashing


def leaf_hash(entry: bytes) -> bytes:
    """Return the hash of a leaf (RFC 6962 section 2.1)."""
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of an inner node (RFC 6962 section 2.1)."""
    return sha256(b"\x01" + left + right).digest()


def root(leaf_hashes: Sequence[bytes]) -> bytes:
    """Return the root over leaf hashes, or over the hashes of any one level of complete subtrees.

    A node without a right neighbour moves up unchanged, which gives the same root as the
    definition that splits at the largest power of two.
    """
    level = list(leaf_hashes)
    if not level:
        return EMPTY_ROOT
    while len(level) > 1:
        pairs = zip(level[::2], level[1::2], strict=False)
        above = [sha256(b"\x01" + left + right).digest() for left, right in pairs]
        if len(level) % 2:
            above.append(level[-1])
        level = above
    return level[0]


def range_root(node: Node, begin: int, end: int) -> bytes:
    """Return the root over leaves `begin` to `end`, from the hashes of complete subtrees.

    `begin` has to be where a subtree of at least that width begins, as in every proof.
    """
    if begin >= end:
        return EMPTY_ROOT
    width = end - begin
    if not width & (width - 1):  # one complete subtree, as most hashes of a proof are
        return node(width.bit_length() - 1, begin >> (width.bit_length() - 1))
    parts = []
    while begin < end:
        level = (end - begin).bit_length() - 1
        parts.append(node(level, begin >> level))
        begin += 1 << level
    result = parts.pop()
    while parts:
        result = node_hash(parts.pop(), result)
    return result


def subtrees(hashes: list[bytes], levels: int) -> list[list[bytes]]:
    """Return the hashes of the complete subtrees over `hashes`: of 1, 2, 4 ... `levels` levels."""
    found = [hashes]
    for _ in range(levels - 1):
        pairs = zip(found[-1][::2], found[-1][1::2], strict=False)
        found.append([sha256(b"\x01" + left + right).digest() for left, right in pairs])
    return found


class Frontier:
    """The right edge of a growing tree: at most 255 hashes of each tile level."""

    def __init__(self) -> None:
        """Begin with the empty tree."""
        self.size = 0
        self._edge: list[list[bytes]] = [[]]

    def add(self, leaf: bytes) -> list[tuple[Tile, list[bytes]]]:
        """Add one leaf hash; return the tiles that it filled, lowest first."""
        self.size += 1
        self._edge[0].append(leaf)
        if self.size % TILE_WIDTH:
            return []
        return list(self._fill())

    def extend(self, leaves: Sequence[bytes]) -> list[tuple[Tile, list[bytes]]]:
        """Add many leaf hashes; return the tiles that they filled, in the order of `add`."""
        filled: list[tuple[Tile, list[bytes]]] = []
        at = 0
        while at < len(leaves):
            part = leaves[at : at + TILE_WIDTH - len(self._edge[0])]
            self._edge[0] += part
            self.size += len(part)
            at += len(part)
            if len(self._edge[0]) == TILE_WIDTH:
                filled += self._fill()
        return filled

    def _fill(self) -> Iterator[tuple[Tile, list[bytes]]]:
        level, count = 0, self.size
        while len(self._edge[level]) == TILE_WIDTH:
            full, self._edge[level] = self._edge[level], []
            count //= TILE_WIDTH
            yield Tile(level, count - 1), full
            level += 1
            if level == len(self._edge):
                self._edge.append([])
            self._edge[level].append(root(full))

    def partial(self) -> list[tuple[Tile, list[bytes]]]:
        """Return the tiles of the right edge that are neither empty nor full."""
        return [
            (Tile(level, (self.size >> (8 * level)) // TILE_WIDTH, len(hashes)), hashes)
            for level, hashes in enumerate(self._edge)
            if hashes
        ]

    def root(self) -> bytes:
        """Return the root over all leaves so far."""
        rest: list[bytes] = []
        for hashes in self._edge:
            if hashes or rest:
                rest = [root([*hashes, *rest])]
        return rest[0] if rest else EMPTY_ROOT


# -------------------------------------------------------------------------------------- proofs


def inclusion_ranges(index: int, size: int) -> list[tuple[int, int]]:
    """Return the leaf ranges whose roots prove leaf `index` in a tree of `size`, lowest first."""
    if not 0 <= index < size:
        raise ProofError(f"There is no leaf {index} in a log of {size} leaves.")
    ranges, begin, end = [], 0, size
    while end - begin > 1:
        middle = begin + _split(end - begin)
        if index < middle:
            ranges.append((middle, end))
            end = middle
        else:
            ranges.append((begin, middle))
            begin = middle
    return ranges[::-1]


def consistency_ranges(old: int, new: int) -> list[tuple[int, int]]:
    """Return the leaf ranges whose roots prove that `new` leaves begin with the `old` ones."""
    if not 0 <= old <= new:
        raise ProofError(f"A log of {new} leaves cannot be the growth of one with {old}.")
    ranges: list[tuple[int, int]] = []
    begin, end = 0, new
    while 0 < old < end:
        middle = begin + _split(end - begin)
        if old <= middle:
            ranges.append((middle, end))
            end = middle
        else:
            ranges.append((begin, middle))
            begin = middle
    if begin > 0:
        ranges.append((begin, end))
    return ranges[::-1]


def inclusion_proof(leaf_hashes: Sequence[bytes], index: int, size: int) -> list[bytes]:
    """Return the audit path of one leaf in the tree of the first `size` (RFC 6962 2.1.1)."""
    _enough(leaf_hashes, size)
    return [root(leaf_hashes[begin:end]) for begin, end in inclusion_ranges(index, size)]


def consistency_proof(leaf_hashes: Sequence[bytes], old: int, new: int) -> list[bytes]:
    """Return the proof that the tree of `new` leaves extends that of `old` (RFC 6962 2.1.2)."""
    _enough(leaf_hashes, new)
    return [root(leaf_hashes[begin:end]) for begin, end in consistency_ranges(old, new)]


def verify_inclusion(
    leaf: bytes,
    index: int,
    size: int,
    proof: Sequence[bytes],
    expected_root: bytes,
) -> None:
    """Check that the leaf hash stands at `index` (RFC 9162 2.1.3.2); ProofError if not."""
    _check_lengths([expected_root])
    steps = climb(leaf, index, size, proof)
    if (steps[-1].result if steps else leaf) != expected_root:
        raise _different(f"that leaf {index} is in the log")


class Step(NamedTuple):
    """A step up from a leaf: the other hash, whether it stands on the left, what both make."""

    is_left: bool
    other: bytes
    result: bytes


def climb(leaf: bytes, index: int, size: int, proof: Sequence[bytes]) -> list[Step]:
    """Return the steps from a leaf hash to the root that an audit path leads to; none for one leaf.

    ProofError when the path is not one of leaf `index` in a tree of `size`.
    """
    _check_lengths([leaf, *proof])
    if not 0 <= index < size:
        raise ProofError(f"There is no leaf {index} in a log of {size} leaves.")
    found, result = [], leaf
    for is_left, other in _steps(index, size - 1, proof):
        result = node_hash(other, result) if is_left else node_hash(result, other)
        found.append(Step(is_left, other, result))
    return found


def verify_consistency(
    old: int,
    new: int,
    old_root: bytes,
    new_root: bytes,
    proof: Sequence[bytes],
) -> None:
    """Check that the new tree begins with the old one (RFC 9162 2.1.4.2); ProofError if not."""
    _check_lengths([old_root, new_root, *proof])
    if not 0 <= old <= new:
        raise ProofError(f"A log of {new} leaves cannot be the growth of one with {old}.")
    if old in {0, new}:
        _check_trivial(old, old_root, new_root, proof)
        return
    path = list(proof) if old & (old - 1) else [old_root, *proof]
    if _both_roots(old, new, path) != (old_root, new_root):
        raise _different(f"that {new} leaves begin with the {old} known before")


def shown_beginning(old: int, new: int, new_root: bytes, proof: Sequence[bytes]) -> bytes | None:
    """Return the root over the first `old` leaves of a tree where a consistency proof shows it.

    None where it shows nothing: also where `old` is a power of two, whose root is no part of the
    proof. Whoever holds another root that was signed for `old` leaves holds two histories.
    """
    if not 0 < old < new or not old & (old - 1) or any(len(one) != HASH_SIZE for one in proof):
        return None
    try:
        before, after = _both_roots(old, new, proof)
    except ProofError:
        return None
    return before if after == new_root else None


def _both_roots(old: int, new: int, path: Sequence[bytes]) -> tuple[bytes, bytes]:
    """Return the roots over `old` and over `new` leaves to which a path leads."""
    # The last old leaf stands in a complete subtree of this many levels; the path begins there.
    level = (old & -old).bit_length() - 1
    before = after = path[0] if path else EMPTY_ROOT
    for is_left, other in _steps((old - 1) >> level, (new - 1) >> level, path[1:]):
        if is_left:
            before, after = node_hash(other, before), node_hash(other, after)
        else:
            after = node_hash(after, other)
    return before, after


def _steps(place: int, last: int, proof: Sequence[bytes]) -> Iterator[tuple[bool, bytes]]:
    """Climb from a place to the root: whether each hash of the proof stands on the left."""
    for other in proof:
        if last == 0:
            raise _long()
        is_left = place % 2 == 1 or place == last
        yield is_left, other
        while is_left and place and place % 2 == 0:
            place, last = place >> 1, last >> 1
        place, last = place >> 1, last >> 1
    if last != 0:
        raise _short()


def _check_trivial(old: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]) -> None:
    if proof:
        raise _long()
    if old_root != (new_root if old else EMPTY_ROOT):
        raise _different("that the log only grew")


def _split(size: int) -> int:
    return 1 << ((size - 1).bit_length() - 1)


def _enough(leaf_hashes: Sequence[bytes], size: int) -> None:
    if size > len(leaf_hashes):
        raise ProofError(f"The log has {len(leaf_hashes)} leaves, not {size}.")


def _check_lengths(hashes: Iterable[bytes]) -> None:
    if any(len(one) != HASH_SIZE for one in hashes):
        raise ProofError("A hash in the proof is not 32 bytes long.", means="It proves nothing.")


def _long() -> ProofError:
    return ProofError("The proof has more hashes than it needs.", means="It proves nothing.")


def _short() -> ProofError:
    return ProofError("The proof has fewer hashes than it needs.", means="It proves nothing.")


def _different(claim: str) -> ProofError:
    return ProofError(
        f"The proof does not show {claim}: the roots differ.",
        means="The leaf, the proof or the checkpoint was altered, or they are not of one log.",
    )


# --------------------------------------------------------------------------------------- tiles

_PATH = re.compile(
    r"tile/(entries|0|[1-5]?[0-9]|6[0-3])/((?:x[0-9]{3}/)*[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?",
    re.ASCII,
)


def tiles_of(size: int, level: int | None) -> Iterator[Tile]:
    """Return the tiles of one level (or the bundles of entries) that hold a log of `size`."""
    count = size >> (8 * (level or 0))
    for index in range(count // TILE_WIDTH):
        yield Tile(level, index)
    if count % TILE_WIDTH:
        yield Tile(level, count // TILE_WIDTH, count % TILE_WIDTH)


def tile_path(tile: Tile) -> str:
    """Return the path of a tile below the log's address: `tile/0/x001/234.p/5`."""
    digits = f"{tile.index:03d}"
    digits = digits.zfill(-(-len(digits) // 3) * 3)
    groups = [digits[at : at + 3] for at in range(0, len(digits), 3)]
    place = "/".join([f"x{group}" for group in groups[:-1]] + groups[-1:])
    level = "entries" if tile.level is None else str(tile.level)
    partial = "" if tile.width == TILE_WIDTH else f".p/{tile.width}"
    return f"tile/{level}/{place}{partial}"


def parse_tile_path(path: str) -> Tile:
    """Return the tile that a path names; ProofError if it is not exactly such a path."""
    match = _PATH.fullmatch(path)
    if match:
        level = None if match[1] == "entries" else int(match[1])
        index = int(match[2].replace("x", "").replace("/", ""))
        tile = Tile(level, index, int(match[3] or TILE_WIDTH))
        if tile.width <= TILE_WIDTH and tile_path(tile) == path:
            return tile
    raise ProofError(f"{path[:200]!r} is not the path of a tile.")


def pack_entries(entries: Iterable[bytes]) -> bytes:
    """Return a bundle: each entry after its length in two big-endian bytes."""
    return b"".join(len(entry).to_bytes(2, "big") + entry for entry in entries)


def unpack_entries(bundle: bytes) -> list[bytes]:
    """Return the entries of a bundle; ProofError if it ends within one."""
    entries, at = [], 0
    while at < len(bundle):
        begin = at + 2
        at = begin + int.from_bytes(bundle[at:begin], "big")
        if begin > len(bundle) or at > len(bundle):
            raise ProofError("A bundle of log entries ends in the middle of an entry.")
        entries.append(bundle[begin:at])
    return entries
