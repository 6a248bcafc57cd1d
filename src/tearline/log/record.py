"""Write history: append records to a log, sign its checkpoints, hand out receipts.

Leaf format 1 is defined in `tearline.log.verify`. A leaf stands for one or more records and says
only their kind, number, moment and agreement; what they contain is behind salted commitments.
"""

import base64
import re
from collections.abc import Mapping, Sequence
from itertools import accumulate, chain, count
from pathlib import Path
from typing import Any, NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tearline import clock
from tearline.errors import MisuseError, ProofError
from tearline.log import tree
from tearline.log.checkpoint import (
    Checkpoint,
    checkpoint_text,
    open_checkpoint,
    parse_vkey,
    sign_note,
    signed_by,
    signer,
    vkey,
)
from tearline.log.receipt import RECEIPT_SCHEMA, TlogProof, verify_receipt, write_proof
from tearline.log.tiles import StoredTree, derive, write_durably
from tearline.log.verify import SALT_SIZE, Opening, commitment, committed, write_leaf
from tearline.stix.canonical import canonical
from tearline.stix.strict import collector_paused
from tearline.stix.timestamp import format_timestamp
from tearline.store import logs
from tearline.store.database import Store, Tx

__all__ = [
    "NODE",
    "PRIVATE",
    "Entry",
    "append",
    "append_all",
    "commitment",
    "entries",
    "entry",
    "origin_of",
    "our_log",
    "publish",
    "receipt",
    "their_log",
]

PRIVATE = "private"
"""The name of the log that only this node reads: imports, withheld, waiting, refusals."""

NODE = "node"
"""What stands in the place of an agreement's id for the node log: see `node_log`."""

_THEIRS = re.compile(r"theirs/")


def our_log(agreement_id: str) -> str:
    """Return the name of our side's log of an agreement."""
    return f"ours/{agreement_id}"


def their_log(agreement_id: str) -> str:
    """Return the name of our copy of the partner's log of an agreement."""
    return f"theirs/{agreement_id}"


def origin_of(slug: str, agreement_id: str | None = None) -> str:
    """Return the origin of a party's log: of one agreement, of its node, or its private one."""
    return f"{slug}/log/{agreement_id.removeprefix('urn:uuid:') if agreement_id else PRIVATE}"


# -------------------------------------------------------------------------------------- append


def append(
    tx: Tx,
    log: str,
    kind: str,
    records: Sequence[Mapping[str, Any]],
    *,
    at: int,
    agreement: str | None,
) -> int:
    """Append one leaf that stands for `records` and return its index.

    All in the caller's transaction: leaf, hash, head, and the records with fresh salts.
    `agreement` is the hash of the agreement that the records are about, if any. Raises
    MisuseError for no records, an unknown form of kind, or a log that is not ours to write.
    """
    return append_all(tx, [entry(log, kind, records, agreement)], at=at)[0]


class Entry(NamedTuple):
    """A leaf to append: each record with its salt, and what stands for it in the leaf."""

    log: str
    kind: str
    agreement: str | None
    opened: list[tuple[bytes, bytes]]
    commitments: list[bytes]


def entry(
    log: str, kind: str, records: Sequence[Mapping[str, Any]], agreement: str | None
) -> Entry:
    """Write records for a leaf that `append_all` appends, with fresh salts; as `append` raises."""
    return entries(log, kind, [records], agreement)[0]


def entries(
    log: str, kind: str, batches: Sequence[Sequence[Mapping[str, Any]]], agreement: str | None
) -> list[Entry]:
    """Write records for many leaves of one log and kind: the salts of all are drawn at once."""
    _check_ours(log)
    if not all(batches):
        raise MisuseError("A leaf stands for at least one record.")
    lengths = [len(each) for each in batches]
    salts = clock.fresh_bytes(SALT_SIZE * sum(lengths))
    with collector_paused():
        opened = [
            (salts[place : place + SALT_SIZE], canonical({**each}))
            for place, each in zip(
                count(step=SALT_SIZE), chain.from_iterable(batches), strict=False
            )
        ]
        hashes = [committed(*each) for each in opened]
        ends = list(accumulate(lengths))
        return [
            Entry(log, kind, agreement, opened[begin:end], hashes[begin:end])
            for begin, end in zip([0, *ends], ends, strict=False)
        ]


def append_all(tx: Tx, entries: Sequence[Entry], *, at: int) -> list[int]:
    """Append leaves to many logs, in the order given, and return their indices there."""
    if not entries:
        return []
    sizes = {log: its.size for log, its in logs.heads(tx, {each.log for each in entries}).items()}
    moment = format_timestamp(at, digits=6)
    leaves, rows, indices = [], [], []
    with collector_paused():
        for log, kind, agreement, opened, commitments in entries:
            index = sizes[log]
            sizes[log] = index + 1
            leaf = _leaf(kind, commitments, moment, agreement)
            leaves.append((log, index, leaf, tree.leaf_hash(leaf)))
            for item, (salt, written) in enumerate(opened):
                rows.append((log, index, item, salt, written))  # one leaf, one row
            indices.append(index)
        logs.extend(tx, leaves, at=at)
        logs.add_records_of(tx, rows)
    return indices


def _leaf(kind: str, commitments: list[bytes], at: str, agreement: str | None) -> bytes:
    try:
        return write_leaf(kind, at, len(commitments), tree.root(commitments), agreement)
    except ProofError as error:
        raise MisuseError(f"{kind!r} about {agreement!r} does not make a leaf.") from error


def _check_ours(log: str) -> None:
    if _THEIRS.match(log):
        raise MisuseError(f"The log {log} is the partner's: only its owner writes and signs it.")


# ------------------------------------------------------------------------------------- publish


def publish(
    store: Store,
    log: str,
    origin: str,
    private_key: Ed25519PrivateKey,
    *,
    now: int,
    guard: Path | None = None,
    also: Sequence[Ed25519PrivateKey] = (),
    before: Sequence[str] = (),
) -> str:
    """Sign and keep a checkpoint over all durable leaves; return the note.

    Returns the last one when nothing was appended since and the key is the same. `guard` is a file
    outside the database that holds the last note: it is written first, so that no note is seen
    anywhere before it. The keys in `also` sign too; the last note may be of one of the verifier
    keys `before`. A ProofError, and no signature, when the log is shorter than, or does not begin
    with, what the last stored checkpoint or the guard's was signed over: a restored backup, or
    altered history.
    """
    _check_ours(log)
    key = vkey(origin, private_key.public_key().public_bytes_raw())
    with store.read() as tx:
        last = logs.last_checkpoint(tx, log)
        same = last and last.size == logs.head(tx, log).size and signed_by(last.note, key)
        if last and same and _guarded(guard) in {None, last.note}:
            return last.note
    with store.write() as tx:
        derive(tx, log)
        size, stored = logs.head(tx, log).size, StoredTree(tx, log)
        for note in _signed_before(tx, log, guard):
            of = signer(note, (key, *before))
            _check_growth(open_checkpoint(note, of, origin), size, stored)
        text = checkpoint_text(origin, size, stored.root(size))
        note = sign_note(text, origin, private_key)
        for each in also:
            note += sign_note(text, origin, each).rpartition("\n\n")[2]
        if guard is not None:
            write_durably(guard, note.encode())
        if last and last.size == size:  # by another key
            logs.drop_checkpoint(tx, log, size)
        logs.add_checkpoint(tx, log, size, note, at=now)
    return note


def _signed_before(tx: Tx, log: str, guard: Path | None) -> list[str]:
    last = logs.last_checkpoint(tx, log)
    return [note for note in (last and last.note, _guarded(guard)) if note]


def _guarded(guard: Path | None) -> str | None:
    if guard is None:
        return None
    try:
        return guard.read_bytes().decode()
    except FileNotFoundError:
        return ""
    except UnicodeDecodeError as error:
        raise ProofError(f"The checkpoint in {guard} cannot be read.") from error


def _check_growth(signed: Checkpoint, size: int, stored: StoredTree) -> None:
    if signed.size > size:
        raise ProofError(
            f"The log has {size} leaves, but {signed.size} were signed before.",
            means="The store is older than a checkpoint that others may hold: a restored backup. "
            "Signing now would show them two histories.",
            do="Restore a newer backup. If there is none, tell the partner and sign a new "
            "agreement, which begins new logs.",
        )
    if stored.root(signed.size) != signed.root:
        raise ProofError(
            f"The first {signed.size} leaves are not those that were signed before.",
            means="History was altered, or a restored backup was written on. Signing now would "
            "show the partner two histories.",
            do="Restore a backup that fits the last checkpoint.",
        )


# ------------------------------------------------------------------------------------ receipts


def receipt(tx: Tx, log: str, index: int, item: int, *, origin: str, vkey: str) -> dict[str, Any]:
    """Return the proof, checkable offline, that a record is in the log (tearline-receipt/1).

    Works for our logs and for our copy of a partner's. The receipt is checked before it is
    returned. Raises ProofError when no checkpoint covers the leaf yet or the record is not here.
    """
    entry, signed = logs.leaf(tx, log, index), logs.last_checkpoint(tx, log)
    if entry is None or signed is None or signed.size <= index:
        raise ProofError(
            f"No checkpoint covers leaf {index} of the log {log} yet.",
            means="A receipt needs the log's signature over the leaf.",
            do="Publish the log, or wait for the next checkpoint, and ask again.",
        )
    openings = [Opening(*row) for row in logs.records(tx, log, index, index + 1)]
    if not 0 <= item < len(openings):
        raise ProofError(f"Record {item} of leaf {index} in the log {log} is not held here.")
    path = StoredTree(tx, log).inclusion_proof(index, signed.size)
    document = _receipt(entry, openings, item)
    document["proof"] = write_proof(TlogProof(index, tuple(path), signed.note))
    if parse_vkey(vkey)[0] != origin:
        raise MisuseError(f"The key {vkey.partition('+')[0]!r} is not of the log {origin!r}.")
    verify_receipt(document, vkey)
    return document


def _receipt(entry: bytes, openings: list[Opening], item: int) -> dict[str, Any]:
    hashes = [tree.leaf_hash(commitment(one.salt, one.record)) for one in openings]
    place = {
        "index": item,
        "count": len(hashes),
        "proof": _base64(tree.inclusion_proof(hashes, item, len(hashes))),
    }
    return {
        "schema": RECEIPT_SCHEMA,
        "record": openings[item].record.decode(),
        "salt": base64.b64encode(openings[item].salt).decode(),
        "item": place,
        "leaf": entry.decode(),
    }


def _base64(hashes: Sequence[bytes]) -> list[str]:
    return [base64.b64encode(one).decode() for one in hashes]
