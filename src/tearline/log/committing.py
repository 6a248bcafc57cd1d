"""Write the node log, and give the owner of a log the proof for its place in it."""

from typing import Any

from tearline.log import node_log, record, tree
from tearline.log.checkpoint import Checkpoint, parse_checkpoint, text_of
from tearline.log.tiles import StoredTree, cosigned_note
from tearline.stix.canonical import canonical
from tearline.stix.timestamp import format_timestamp
from tearline.store import logs, witnessing
from tearline.store.database import Tx
from tearline.store.witnessing import Head

LOG = record.our_log(record.NODE)
"""The name of the node log."""


def add_leaf(tx: Tx, slug: str, secret: bytes, *, at: int) -> int | None:
    """Append the leaf for the turn that began at `at`, and return its index; None if it is there.

    It commits to the last signed head of each log of ours, whatever it is and however many.
    """
    last = logs.head(tx, LOG)
    if last.size and last.at >= at:
        return None
    heads = {}
    for log in _logs(tx):
        signed = logs.last_checkpoint(tx, log)
        if signed is not None:
            heads[log] = Head(signed.size, parse_checkpoint(text_of(signed.note)).root)
    seed = node_log.seed_of(secret, last.size)
    root = node_log.root_of(seed, [_checkpoint(slug, *each) for each in heads.items()])
    moment = format_timestamp(at, digits=6)
    value = {"v": 1, "kind": node_log.KIND, "at": moment, "count": 1, "root": root.hex()}
    leaf = canonical(value)
    logs.add_leaves(tx, LOG, [(leaf, tree.leaf_hash(leaf))], at=at)
    witnessing.commit(tx, last.size, heads)
    return last.size


def heads_in(tx: Tx, slug: str, index: int) -> list[Checkpoint]:
    """Return the heads to which a leaf commits: with the leaf's seed, all that it hides."""
    found = [(log, witnessing.committed_at(tx, log, index)) for log in _logs(tx)]
    return [_checkpoint(slug, log, head) for log, head in found if head is not None]


def committed(
    tx: Tx, slug: str, secret: bytes, log: str, witnesses: frozenset[str]
) -> dict[str, Any] | None:
    """Return the proof that the last signed leaf of the node log commits to a head of a log.

    None while it commits to none. `witnesses` are those whose cosignatures on the node log the
    receiver may see.
    """
    signed = logs.last_checkpoint(tx, LOG)
    if signed is None:
        return None
    index = signed.size - 1
    seed = node_log.seed_of(secret, index)
    origin = record.origin_of(slug, log.partition("/")[2] or None)
    place = node_log.place_of(seed, heads_in(tx, slug, index), origin)
    leaf = logs.leaf(tx, LOG, index)
    if place is None or leaf is None:
        return None
    proof = StoredTree(tx, LOG).inclusion_proof(index, signed.size)
    note = cosigned_note(tx, LOG, signed, witnesses)
    return node_log.write_committed(place, leaf, index, proof, note)


def _logs(tx: Tx) -> list[str]:
    """Return every log of ours but the node log itself."""
    return [
        each
        for each in logs.names(tx)
        if each != LOG and (each == record.PRIVATE or each.startswith("ours/"))
    ]


def _checkpoint(slug: str, log: str, head: Head) -> Checkpoint:
    return Checkpoint(record.origin_of(slug, log.partition("/")[2] or None), *head)
