"""The node log: one leaf for each turn of a clock that commits to the heads of all our logs; pure.

What stands for them all is one hash, the root of a tree of fixed depth. Each log has one place in
it, which its origin alone decides, so that one leaf never says two things of one log. Places where
no log is are filled with what nobody can tell from the hash of one. So every leaf, every proof and
their sizes are alike, whether there are one or fifty agreements and whether or not anything
happened; the owner of a log gets the proof for its own place, and learns nothing about the rest.
Who is given the seed of a leaf and all heads can rebuild the whole: then nothing is hidden.
"""

import base64
import hmac
import re
from collections.abc import Sequence
from functools import lru_cache
from hashlib import sha256
from typing import Any, NamedTuple

from tearline.errors import ProofError
from tearline.log import tree
from tearline.log.checkpoint import Checkpoint, open_checkpoint, parse_vkey, unbase64
from tearline.log.verify import commitment, parse_leaf
from tearline.stix.canonical import canonical, parse_canonical

KIND = "checkpoints"
"""The kind of its leaves."""

SCHEMA = "tearline-committed/1"
DEPTH = 128
"""Levels of the tree below a leaf: nobody finds two origins with one place."""

_PLACE_BYTES = DEPTH // 8
_SIZE = 2**53 - 1
_ROOT = re.compile(r"[0-9a-f]{64}")
KEYS = {"schema", "record", "salt", "path", "leaf", "index", "proof", "checkpoint"}


class Committed(NamedTuple):
    """What a proof shows: the head of one log, in which leaf, when, under which signed head."""

    head: Checkpoint
    leaf: int
    at: str
    node: Checkpoint


class Place(NamedTuple):
    """What the owner of one log is given of a leaf: salt, record, and the path to the root."""

    salt: bytes
    record: bytes
    path: list[bytes]


# ------------------------------------------------------------------------------------ the tree


def seed_of(secret: bytes, index: int) -> bytes:
    """Return the seed of a leaf, from which its salts and its fillings are made."""
    return hmac.digest(secret, b"tearline/node-log/1\n" + str(index).encode(), "sha256")


def record_of(head: Checkpoint) -> bytes:
    """Return the record that stands for the head of one log."""
    content = {"kind": "checkpoint", "origin": head.origin, "size": head.size}
    return canonical({**content, "root": head.root.hex()})


def root_of(seed: bytes, heads: Sequence[Checkpoint]) -> bytes:
    """Return the root that a leaf commits to; ProofError when two heads are of one log."""
    return _built(seed, tuple(heads))[0]


def place_of(seed: bytes, heads: Sequence[Checkpoint], origin: str) -> Place | None:
    """Return what the owner of one log is given; None when the log is not among the heads."""
    return _built(seed, tuple(heads))[1].get(origin)


_Leaves = list[tuple[int, bytes, list[bytes]]]
"""Logs with their place, what stands there, and the path from there, as far as it is known."""


@lru_cache(maxsize=4)
def _built(seed: bytes, heads: tuple[Checkpoint, ...]) -> tuple[bytes, dict[str, Place]]:
    """Build the tree of one leaf: all owners of logs ask for their place in the same one."""
    places: dict[int, tuple[str, Place]] = {}
    for head in heads:
        where, record = _place(head.origin), record_of(head)
        if where in places:
            raise ProofError(f"The node log cannot say two things of the log {head.origin}.")
        places[where] = head.origin, Place(_salt(seed, where), record, [])
    leaves = [
        (where, tree.leaf_hash(commitment(place.salt, place.record)), place.path)
        for where, (_, place) in places.items()
    ]
    return _subtree(seed, 0, 0, leaves), dict(places.values())


def _subtree(seed: bytes, depth: int, prefix: int, leaves: _Leaves) -> bytes:
    """Return the hash of the subtree at `prefix`, which has `depth` bits; extend the paths."""
    if not leaves:
        return _nothing(seed, depth, prefix)
    if len(leaves) == 1:
        return _alone(seed, depth, *leaves[0])
    shift = DEPTH - 1 - depth
    sides: tuple[_Leaves, _Leaves] = ([], [])
    for each in leaves:
        sides[each[0] >> shift & 1].append(each)
    hashes = [_subtree(seed, depth + 1, prefix << 1 | bit, part) for bit, part in enumerate(sides)]
    for bit, part in enumerate(sides):
        for _, _, path in part:
            path.append(hashes[1 - bit])
    return tree.node_hash(*hashes)


def _alone(seed: bytes, depth: int, where: int, found: bytes, path: list[bytes]) -> bytes:
    """Return the hash of a subtree with one log in it: all beside its path is filling."""
    for level in range(DEPTH - depth):
        prefix = where >> level
        other = _nothing(seed, DEPTH - level, prefix ^ 1)
        path.append(other)
        found = tree.node_hash(other, found) if prefix & 1 else tree.node_hash(found, other)
    return found


def _nothing(seed: bytes, depth: int, prefix: int) -> bytes:
    where = b"tearline/nothing/1\n%c" % depth + prefix.to_bytes(_PLACE_BYTES)
    return hmac.digest(seed, where, "sha256")


def _place(origin: str) -> int:
    return int.from_bytes(sha256(b"tearline/place/1\n" + origin.encode()).digest()[:_PLACE_BYTES])


def _salt(seed: bytes, place: int) -> bytes:
    return hmac.digest(seed, b"tearline/salt/1\n" + place.to_bytes(_PLACE_BYTES), "sha256")


def climb(place: Place, origin: str) -> bytes:
    """Return the root to which a path leads from a log's own place; ProofError when it cannot."""
    if len(place.path) != DEPTH or any(len(each) != tree.HASH_SIZE for each in place.path):
        raise ProofError(f"A path in the node log has {DEPTH} hashes of {tree.HASH_SIZE} bytes.")
    found, where = tree.leaf_hash(commitment(place.salt, place.record)), _place(origin)
    for level, other in enumerate(place.path):
        left = where >> level & 1
        found = tree.node_hash(other, found) if left else tree.node_hash(found, other)
    return found


# ----------------------------------------------------------------------------------- the proof


def write_committed(
    place: Place, leaf: bytes, index: int, proof: Sequence[bytes], note: str
) -> dict[str, Any]:
    """Return the document that `verify_committed` takes."""
    return {
        "schema": SCHEMA,
        "record": place.record.decode(),
        "salt": base64.b64encode(place.salt).decode(),
        "path": [base64.b64encode(each).decode() for each in place.path],
        "leaf": leaf.decode(),
        "index": index,
        "proof": [base64.b64encode(each).decode() for each in proof],
        "checkpoint": note,
    }


def verify_committed(document: dict[str, Any], vkey: str) -> Committed:
    """Return which head of a log the node log of `vkey` commits to in one leaf; else ProofError.

    Nothing but the document and the verifier key of the node log is needed.
    """
    try:
        return _verify(document, vkey)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise ProofError("This is no proof from a node log.") from error


def _verify(document: dict[str, Any], vkey: str) -> Committed:
    if document.keys() != KEYS or document["schema"] != SCHEMA:
        raise TypeError
    entry, record = document["leaf"].encode(), document["record"].encode()
    head = _head(parse_canonical(record))
    leaf = parse_leaf(entry)
    place = Place(unbase64(document["salt"]), record, [unbase64(x) for x in document["path"]])
    if (leaf.kind, leaf.count, leaf.agreement) != (KIND, 1, None):
        raise ProofError("The leaf is none of a node log.")
    if climb(place, head.origin) != leaf.root:
        raise ProofError(
            f"The leaf of the node log does not commit to this head of {head.origin}.",
            means="The head, its salt or its path was altered, or belongs to another leaf.",
        )
    origin = parse_vkey(vkey)[0]
    node = open_checkpoint(document["checkpoint"], vkey, origin)
    index = document["index"]
    if type(index) is not int:
        raise TypeError
    proof = [unbase64(each) for each in document["proof"]]
    tree.verify_inclusion(tree.leaf_hash(entry), index, node.size, proof, node.root)
    if head.origin.rpartition("/")[0] != origin.rpartition("/")[0] or head.origin == origin:
        raise ProofError(f"{origin} says nothing about {head.origin}, which is another's log.")
    return Committed(head, index, leaf.at, node)


def _head(value: Any) -> Checkpoint:  # noqa: ANN401  # JSON
    size, root = value["size"], value["root"]
    if value.keys() != {"kind", "origin", "size", "root"} or value["kind"] != "checkpoint":
        raise TypeError
    if type(size) is not int or not 0 <= size <= _SIZE or not _ROOT.fullmatch(root):
        raise TypeError
    return Checkpoint(str(value["origin"]), size, bytes.fromhex(root))


def open_leaf(entry: bytes, seed: bytes, heads: Sequence[Checkpoint]) -> None:
    """Check that a leaf commits to exactly these heads and to nothing else; else ProofError."""
    leaf = parse_leaf(entry)
    if leaf.kind != KIND or root_of(seed, heads) != leaf.root:
        raise ProofError(
            "The leaf does not commit to exactly these heads.",
            means="A log was left out, added or altered, or the seed is of another leaf.",
        )
