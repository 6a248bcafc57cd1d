"""Receipts: proof, checkable offline, that a record is in a log; and C2SP tlog-proof v1. Pure.

A receipt is JSON. Its `proof` is a whole tlog-proof (c2sp.org/tlog-proof), so that an outside tool
can check that the leaf is in the log; what Tearline adds is the step from the record to its leaf:

    schema  tearline-receipt/1
    record  the record, as the text that was committed to
    salt    base64 of the 32 bytes in its commitment
    item    {"index", "count", "proof"}: the commitment is under the leaf's root
    leaf    the leaf, as text: the entry of the log that the tlog-proof is about
    proof   the tlog-proof: header, index, hashes, empty line, checkpoint with its signatures
"""

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from tearline.errors import ProofError
from tearline.log import tree
from tearline.log.checkpoint import Checkpoint, open_checkpoint, parse_vkey
from tearline.log.verify import commitment, parse_leaf, unbase64, utf8
from tearline.stix.canonical import parse_canonical

RECEIPT_SCHEMA = "tearline-receipt/1"
PROOF_HEADER = "c2sp.org/tlog-proof@v1"
_MOST_HASHES = 63
_NAMES = {"schema", "record", "salt", "item", "leaf", "proof"}
_INDEX = re.compile(r"index (0|[1-9][0-9]{0,15})", re.ASCII)
_EXTRA = "extra "


@dataclass(frozen=True, slots=True)
class TlogProof:
    """That the leaf at `index` is under the checkpoint; `extra` is opaque and proves nothing."""

    index: int
    hashes: tuple[bytes, ...]
    checkpoint: str
    extra: bytes | None = None


class Proven(NamedTuple):
    """What a receipt shows: the record, its place, and the signed head it stands under."""

    record: dict[str, Any]
    leaf: int
    item: int
    at: str
    checkpoint: Checkpoint


# ------------------------------------------------------------------------------------ tlog-proof


def write_proof(proof: TlogProof) -> str:
    """Return the text of a tlog-proof; the checkpoint stands in it as it was signed."""
    lines = [PROOF_HEADER]
    if proof.extra is not None:
        lines.append(_EXTRA + base64.b64encode(proof.extra).decode())
    lines.append(f"index {proof.index}")
    lines += [base64.b64encode(each).decode() for each in proof.hashes]
    return "\n".join(lines) + "\n\n" + proof.checkpoint


def parse_proof(text: str) -> TlogProof:
    """Return what a tlog-proof says; ProofError if it is not exactly of that form."""
    head, mark, checkpoint = text.partition("\n\n")
    header, *lines = head.split("\n")
    if not mark or header != PROOF_HEADER:
        raise ProofError(f"The proof does not begin with {PROOF_HEADER}, or has no checkpoint.")
    extra = None
    if lines and lines[0].startswith(_EXTRA):
        extra = unbase64(lines.pop(0).removeprefix(_EXTRA))
    found = _INDEX.fullmatch(lines[0]) if lines else None
    if found is None or len(lines) > 1 + _MOST_HASHES:
        raise ProofError("The proof does not say which leaf it is about, or has too many hashes.")
    hashes = tuple(unbase64(each) for each in lines[1:])
    if any(len(each) != tree.HASH_SIZE for each in hashes):
        raise ProofError("A hash in the proof is not 32 bytes long.", means="It proves nothing.")
    return TlogProof(int(found[1]), hashes, checkpoint, extra)


def verify_proof(text: str, entry: bytes, vkey: str) -> tuple[int, Checkpoint]:
    """Return the index of an entry in the log of `vkey`, and the head; ProofError if not shown."""
    proof = parse_proof(text)
    checkpoint = open_checkpoint(proof.checkpoint, vkey, parse_vkey(vkey)[0])
    place = proof.index, checkpoint.size
    tree.verify_inclusion(tree.leaf_hash(entry), *place, proof.hashes, checkpoint.root)
    return proof.index, checkpoint


# -------------------------------------------------------------------------------------- receipts


def note_in(document: object) -> str | None:
    """Return the signed head that a receipt carries, unchecked; None if it is no receipt."""
    text = document.get("proof") if isinstance(document, dict) else None
    if not isinstance(text, str) or not text.startswith(PROOF_HEADER):
        return None
    return text.partition("\n\n")[2]


def verify_receipt(document: dict[str, Any], vkey: str) -> dict[str, Any]:
    """Return the record that a receipt proves to be in the log of `vkey`; else ProofError.

    The record's commitment is shown to be in the leaf, the leaf in the tree, and the tree under
    the signed checkpoint. Nothing but the document and the log's verifier key is needed.
    """
    return prove(document, vkey).record


def prove(document: dict[str, Any], vkey: str) -> Proven:
    """Check a receipt as `verify_receipt` does, and say where the record stands too."""
    try:
        return _prove(document, vkey)
    except (KeyError, TypeError, AttributeError) as error:
        raise ProofError("The receipt is not of the form that receipts have.") from error


def _prove(document: dict[str, Any], vkey: str) -> Proven:
    item = document["item"]
    if document["schema"] != RECEIPT_SCHEMA or document.keys() != _NAMES:
        raise ProofError(f"The receipt is not of the form {RECEIPT_SCHEMA}.")
    if item.keys() != {"index", "count", "proof"}:
        raise TypeError
    entry, record = utf8(document["leaf"]), utf8(document["record"])
    leaf = parse_leaf(entry)
    if type(item["index"]) is not int or type(item["count"]) is not int:
        raise ProofError("The receipt does not say which of the leaf's records it is about.")
    if item["count"] != leaf.count:
        raise ProofError("The receipt and its leaf name another number of records.")
    hashed = tree.leaf_hash(commitment(unbase64(document["salt"]), record))
    path: Sequence[bytes] = [unbase64(each) for each in item["proof"]]
    tree.verify_inclusion(hashed, item["index"], leaf.count, path, leaf.root)
    index, checkpoint = verify_proof(document["proof"], entry, vkey)
    value = parse_canonical(record)
    if not isinstance(value, dict):
        raise TypeError
    return Proven(value, index, item["index"], leaf.at, checkpoint)
