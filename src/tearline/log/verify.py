r"""Check a log and its growth from files alone; needs nothing else of Tearline.

This module also defines leaf format 1, so that who reads a leaf and who writes one agree:

    record      canonical JSON (RFC 8785)
    commitment  SHA-256("tearline/record/1\n" || salt of 32 bytes || record)
    leaf        canonical JSON {"at", "count", "kind", "root", "v": 1} and, when about one,
                "agreement"; root is the hex RFC 6962 root over `count` commitments as entries
"""

import base64
import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import sha256
from itertools import groupby, pairwise
from pathlib import Path
from typing import NamedTuple

import orjson

from tearline.errors import ProofError
from tearline.log import tree
from tearline.log.heads import OlderHead, kept_heads, keys_beside, own_keys, read_head
from tearline.log.tree import Tile, tile_path
from tearline.stix.canonical import parse_canonical

SALT_SIZE = 32
PROBLEM_LIMIT = 100
_RECORD_PREFIX = b"tearline/record/1\n"
_MOST = 2**53
_SHORT = 15
_LEAF = re.compile(
    # What canonical JSON makes of a leaf has one form, so a million are read without a parser.
    rb'\{(?:"agreement":"(sha256:[0-9a-f]{64})",)?'
    rb'"at":"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z)",'
    rb'"count":([1-9][0-9]{0,15}),"kind":"([a-z][a-z-]{0,39})",'
    rb'"root":"([0-9a-f]{64})","v":1\}'
)


# -------------------------------------------------------------------------------------- leaves


@dataclass(frozen=True, slots=True)
class Leaf:
    """What a leaf says: of which kind its records are, how many, when, under which agreement."""

    kind: str
    at: str
    count: int
    root: bytes
    agreement: str | None


class Opening(NamedTuple):
    """A record with the place of its commitment and the salt that opens it."""

    leaf: int
    item: int
    salt: bytes
    record: bytes


def commitment(salt: bytes, record: bytes) -> bytes:
    """Return the hash that stands for a record; without the salt it says nothing about it."""
    if len(salt) != SALT_SIZE:
        raise ProofError(f"A salt has {SALT_SIZE} bytes, not {len(salt)}.")
    return sha256(_RECORD_PREFIX + salt + record).digest()


def committed(salt: bytes, record: bytes) -> bytes:
    """Return the hash of a record's commitment as an entry of its leaf's small tree."""
    return sha256(b"\x00" + sha256(_RECORD_PREFIX + salt + record).digest()).digest()


def parse_leaf(entry: bytes) -> Leaf:
    """Return what a leaf of format 1 says; ProofError if anything in it is not of that form."""
    found = _LEAF.fullmatch(entry)
    if found is None:
        parse_canonical(entry)
        raise _bad_leaf()
    return _leaf(found)


def _leaf(found: re.Match[bytes]) -> Leaf:
    agreement, at, count, kind, root = found.groups()
    if int(count) >= _MOST:
        raise _bad_leaf()
    named = None if agreement is None else agreement.decode()
    return Leaf(kind.decode(), at.decode(), int(count), bytes.fromhex(root.decode()), named)


def write_leaf(kind: str, at: str, count: int, root: bytes, agreement: str | None) -> bytes:
    """Return the bytes of a leaf; ProofError where kind, moment or agreement are not of the form.

    `count` is above 0, and `root` has the 32 bytes of a hash.
    """
    begin, middle = _frame(kind, at, agreement)
    return f'{begin}{count}{middle}{root.hex()}","v":1}}'.encode()


@lru_cache(maxsize=256)
def _frame(kind: str, at: str, agreement: str | None) -> tuple[str, str]:
    """The parts of a leaf before its count and before its root; few are in use at a time."""
    begin = "{" if agreement is None else f'{{"agreement":"{agreement}",'
    begin, middle = f'{begin}"at":"{at}","count":', f',"kind":"{kind}","root":"'
    parse_leaf(f'{begin}1{middle}{"0" * 64}","v":1}}'.encode())
    return begin, middle


def check_openings(leaf: Leaf, openings: list[Opening]) -> None:
    """Check that these are all the records of a leaf, unaltered and in order; else ProofError."""
    if [opening.item for opening in openings] != list(range(leaf.count)):
        raise ProofError(
            f"The leaf has {leaf.count} records; {len(openings)} are here, or out of order.",
            means="Records were left out, repeated or moved.",
        )
    hashes = [tree.leaf_hash(commitment(one.salt, one.record)) for one in openings]
    if tree.root(hashes) != leaf.root:
        raise ProofError(
            "The records are not those that the leaf stands for.",
            means="A record or its salt was altered after it was logged.",
        )


def write_opening(opening: Opening) -> bytes:
    """Return the line of records.jsonl for one opening, newline included."""
    value = {
        "leaf": opening.leaf,
        "item": opening.item,
        "salt": base64.b64encode(opening.salt).decode(),
        "record": opening.record.decode(),
    }
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def parse_opening(line: bytes) -> Opening:
    """Return the opening in a line of records.jsonl; ProofError if it is not one."""
    try:
        value = orjson.loads(line)
    except ValueError:
        value = None
    if not isinstance(value, dict) or value.keys() != {"leaf", "item", "salt", "record"}:
        raise ProofError("A line of records is not of the form leaf, item, salt, record.")
    if not _is(value["leaf"]) or not _is(value["item"]) or not isinstance(value["record"], str):
        raise ProofError("A line of records does not name its leaf and item as numbers.")
    record = utf8(value["record"])
    return Opening(value["leaf"], value["item"], unbase64(value["salt"]), record)


# ------------------------------------------------------------------------------------- folders


@dataclass(slots=True)
class Verdict:
    """What a folder holds and everything that is wrong with it; good when nothing is.

    `pinned` says that the caller gave the verifier key. Without it the folder's own was used,
    which shows that the folder is consistent, not whose it is. `unopened` counts the leaves
    without records. `problems` names at most PROBLEM_LIMIT.
    """

    origin: str = ""
    size: int = 0
    root: bytes = b""
    pinned: bool = False
    kinds: Counter[str] = field(default_factory=Counter)
    records: int = 0
    unopened: int = 0
    problems: list[str] = field(default_factory=list)

    @property
    def good(self) -> bool:
        """Whether everything held."""
        return not self.problems

    def blame(self, place: str, error: object) -> None:
        """Note a problem with the place where it is."""
        if len(self.problems) < PROBLEM_LIMIT:
            self.problems.append(f"{place}: {error}")


def verify_folder(
    directory: Path,
    vkey: str | Sequence[str] | None = None,
    since: Sequence[Path] = (),
    *,
    former: Sequence[str] = (),
) -> Verdict:
    """Rebuild the tree of a log folder from its entries and check all else against it.

    Checks the checkpoint's signature, every entry, every tile that is there, every opened record,
    and that the log only grew since each older checkpoint: those that lie in the folder under
    `checkpoints/`, and those of `since`, each a folder or a file. When a signature holds and the
    roots do not agree, the two checkpoints prove that the log's owner keeps two histories.

    Reads bundle by bundle. What lies beyond the checkpoint's size is not signed and not read. Never
    raises for what is in the folder: see `problems`. Of several keys any may have signed; those
    that are `former` count for older checkpoints alone, as do the folder's own for those that lie
    in it: they could have been left out. Without a key the oldest folder's is taken.
    """
    keys = [vkey] if isinstance(vkey, str) else list(vkey or ())
    verdict = Verdict(pinned=bool(keys))
    older: dict[int, list[OlderHead]] = {}
    for path in (*since, *kept_heads(directory)):
        try:
            keys = keys or keys_beside(path, directory)
            own = [] if path in since else own_keys(directory, keys)
            before = read_head(path, [*keys, *former, *own])
            older.setdefault(before.size, []).append(OlderHead(path.name, before))
        except (ProofError, OSError, ValueError) as error:
            verdict.blame(f"{path.name}: older checkpoint", error)
    try:
        checkpoint = read_head(directory, keys or keys_beside(directory, directory))
    except (ProofError, OSError, ValueError) as error:
        verdict.blame("checkpoint", error)
        return verdict
    verdict.origin, verdict.size = checkpoint.origin, checkpoint.size
    verdict.root = checkpoint.root
    for size in older:
        if size > checkpoint.size:
            name = older[size][0].name
            verdict.blame(
                "checkpoint", f"The log shrank from the {size} leaves of {name}: a rollback."
            )
    _walk(directory, verdict, older)
    return verdict


def verify_growth(old: Path, new: Path, vkey: str | None = None) -> Verdict:
    """Check a log folder, and that it only grew since an older folder or checkpoint."""
    return verify_folder(new, vkey, [old])


def _walk(directory: Path, verdict: Verdict, older: dict[int, list[OlderHead]]) -> None:
    """Go once through entries, tiles and records, side by side."""
    frontier = tree.Frontier()
    records = _Records(directory / "records.jsonl", verdict)
    _compare(older, frontier, verdict)
    for bundle in tree.tiles_of(verdict.size, None):
        entries = _read_bundle(directory, bundle, verdict)
        if entries is None:
            return
        _check_entries(entries, frontier.size, verdict, records)
        hashes = [tree.leaf_hash(each) for each in entries]
        for part in _parts(hashes, frontier.size, older):
            for tile, full in frontier.extend(part):
                _check_tile(directory, tile, full, verdict)
            _compare(older, frontier, verdict)
    for tile, hashes in frontier.partial():
        _check_tile(directory, tile, hashes, verdict)
    records.finish()
    if frontier.root() != verdict.root:
        verdict.blame("checkpoint", "The root over the entries is not the one that was signed.")


def _compare(older: dict[int, list[OlderHead]], frontier: tree.Frontier, verdict: Verdict) -> None:
    for name, before in older.get(frontier.size, ()):
        if frontier.root() != before.root:
            verdict.blame(
                "checkpoint",
                f"The first {frontier.size} leaves are not those that {name} was signed over: a "
                "second history.",
            )


def _parts(
    hashes: list[bytes], begin: int, older: dict[int, list[OlderHead]]
) -> Iterator[list[bytes]]:
    """Cut leaf hashes where an older checkpoint ends."""
    ends = [size - begin for size in older if begin < size < begin + len(hashes)]
    for first, last in pairwise([0, *sorted(ends), len(hashes)]):
        yield hashes[first:last]


def _check_entries(entries: list[bytes], begin: int, verdict: Verdict, records: "_Records") -> None:
    kinds: list[bytes] = []
    for index, entry in enumerate(entries, begin):
        found = _LEAF.fullmatch(entry)
        if found is None or records.leaf <= index or len(found[3]) > _SHORT:
            _check_entry(entry, index, verdict, records)
        else:
            kinds.append(found[4])
    verdict.unopened += len(kinds)
    verdict.kinds.update({kind.decode(): number for kind, number in Counter(kinds).items()})


def _check_entry(entry: bytes, index: int, verdict: Verdict, records: "_Records") -> None:
    try:
        leaf = parse_leaf(entry)
        verdict.kinds[leaf.kind] += 1
        openings = records.of(index)
        if openings:
            check_openings(leaf, openings)
            for opening in openings:
                parse_canonical(opening.record)
        else:
            verdict.unopened += 1
        verdict.records += len(openings)
    except ProofError as error:
        verdict.blame(f"leaf {index}", error)


class _Records:
    """The lines of records.jsonl, handed out leaf by leaf in the order they have to have."""

    def __init__(self, path: Path, verdict: Verdict) -> None:
        self._verdict = verdict
        self._groups = groupby(_lines(path, verdict), key=lambda opening: opening.leaf)
        self._next: tuple[int, list[Opening]] | None = None
        self.leaf = 0
        """The next leaf that has records; beyond every leaf when there is none."""
        self._advance()

    def of(self, index: int) -> list[Opening]:
        """Return the openings of a leaf, which has to come after those asked for before."""
        while self._next is not None and self._next[0] < index:
            self._verdict.blame("records.jsonl", f"Leaf {self._next[0]} comes again or too late.")
            self._advance()
        if self._next is None or self._next[0] != index:
            return []
        found = self._next[1]
        self._advance()
        return found

    def finish(self) -> None:
        """Blame what is left over: records of leaves that the checkpoint does not cover."""
        while self._next is not None:
            self._verdict.blame("records.jsonl", f"The log has no leaf {self._next[0]} here.")
            self._advance()

    def _advance(self) -> None:
        found = next(self._groups, None)
        self._next = None if found is None else (found[0], list(found[1]))
        self.leaf = _MOST if found is None else found[0]


def _lines(path: Path, verdict: Verdict) -> Iterator[Opening]:
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file, 1):
                try:
                    yield parse_opening(line)
                except ProofError as error:
                    verdict.blame(f"records.jsonl line {number}", error)
    except FileNotFoundError:
        return
    except OSError as error:
        verdict.blame("records.jsonl", error)


def _read_tile(directory: Path, tile: Tile) -> bytes | None:
    """Return a tile's bytes, also from the full tile that has taken a partial one's place."""
    for path in (tile_path(tile), tile_path(Tile(tile.level, tile.index))):
        with suppress(OSError):
            return (directory / path).read_bytes()
    return None


def _read_bundle(directory: Path, bundle: Tile, verdict: Verdict) -> list[bytes] | None:
    data = _read_tile(directory, bundle)
    if data is None:
        verdict.blame(
            tile_path(bundle),
            "The entries are missing or unreadable, so the log cannot be checked.",
        )
        return None
    try:
        entries = tree.unpack_entries(data)
    except ProofError as error:
        verdict.blame(tile_path(bundle), error)
        return None
    exact = (directory / tile_path(bundle)).exists()
    if len(entries) < bundle.width or (exact and len(entries) > bundle.width):
        verdict.blame(tile_path(bundle), f"It has {len(entries)} entries, not {bundle.width}.")
    return entries[: bundle.width]


def _check_tile(directory: Path, tile: Tile, hashes: list[bytes], verdict: Verdict) -> None:
    data = _read_tile(directory, tile)
    if data is None:
        return
    expected = b"".join(hashes)
    exact = (directory / tile_path(tile)).exists()
    if (data if exact else data[: len(expected)]) != expected:
        verdict.blame(tile_path(tile), "Its hashes are not those of the entries.")


# --------------------------------------------------------------------------------------- forms


def _is(value: object, least: int = 0, most: int = 2**53 - 1) -> bool:
    """Whether a value is a whole number (not a truth value) within bounds."""
    return type(value) is int and least <= value <= most


def utf8(text: str) -> bytes:
    """Return the bytes of a text; ProofError where it has none."""
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise ProofError("A text in the proof cannot be written as UTF-8.") from error


def unbase64(text: str) -> bytes:
    """Return the bytes that base64 in its one form stands for; ProofError otherwise."""
    try:
        data = base64.b64decode(text, validate=True)
    except ValueError as error:
        raise ProofError("A value in the proof is not base64.") from error
    if base64.b64encode(data).decode() != text:
        raise ProofError("A value in the proof is not base64 in its one form.")
    return data


def _bad_leaf() -> ProofError:
    return ProofError("The leaf is not of format 1.", means="This program cannot read it.")
