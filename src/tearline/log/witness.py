"""Be the witness of another's log: cosign its head, once that is seen to go on from the last one.

This is `add-checkpoint` of C2SP tlog-witness. Check and store are one transaction, finished before
the answer, so that no two heads of one log are ever cosigned that do not agree, nor a smaller one
after a larger. What the owner of the log signed and cannot be true together is kept as evidence.
"""

import base64
import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tearline.errors import ProofError
from tearline.log import tree
from tearline.log.checkpoint import (
    COSIGNATURE,
    Checkpoint,
    add_lines,
    cosign,
    cosigned_at,
    open_checkpoint,
    parse_checkpoint,
    parse_vkey,
    signed_only,
    signer,
    text_of,
)
from tearline.log.evidence import Case, Kind, Shown, write_evidence
from tearline.log.tiles import StoredTree
from tearline.stix.canonical import sha256
from tearline.stix.timestamp import format_timestamp
from tearline.store import logs, witnessing
from tearline.store.database import Tx
from tearline.store.evidence import Evidence
from tearline.store.witnessing import Witnessed

PROOF_LIMIT = 63
BODY_LIMIT = 64 << 10
_OLD = re.compile(r"old (0|[1-9][0-9]{0,18})", re.ASCII)
_LARGEST = 2**63 - 1
_SECOND_US = 1_000_000


class Submission(NamedTuple):
    """What is sent to a witness: the size it knows, the proof from there, the signed head."""

    old: int
    proof: Sequence[bytes]
    note: str


class Witness(NamedTuple):
    """Who cosigns: its party's short name, its verifier key and the key itself.

    `ever` are the verifier keys by which it ever cosigned.
    """

    slug: str
    vkey: str
    key: Ed25519PrivateKey
    ever: tuple[str, ...] = ()

    def of(self, note: str) -> str:
        """Return the verifier key by which it cosigned a note; that of today where it did not."""
        known = (self.vkey, *self.ever)
        return next((each for each in known if cosigned_at(note, each) is not None), self.vkey)


class Known(NamedTuple):
    """What a witness knows of a log: its key, whose it is, and our copy of it if we keep one.

    `also` are other keys by which its head may be signed now, `former` those of earlier heads.
    """

    vkey: str
    party: str
    copy: str | None = None
    also: tuple[str, ...] = ()
    former: tuple[str, ...] = ()

    def of(self, note: str) -> "Known":
        """Return the same with the key of those that count that signed a note, as it claims."""
        return self._replace(vkey=signer(note, (self.vkey, *self.also)))


class Outcome(NamedTuple):
    """The answer: 200 with signature lines; 409 with our size; and evidence where there is any."""

    status: int
    lines: str = ""
    size: int = 0
    evidence: Evidence | None = None


# ------------------------------------------------------------------------------- what is sent


def write_submission(given: Submission) -> bytes:
    """Return the body of `add-checkpoint`."""
    hashes = "".join(f"{base64.b64encode(each).decode()}\n" for each in given.proof)
    return f"old {given.old}\n{hashes}\n{given.note}".encode()


def parse_submission(body: bytes) -> Submission:
    """Return what a body of `add-checkpoint` says; ProofError when it is none."""
    try:
        head, mark, note = body.decode().partition("\n\n")
        first, *lines = head.split("\n")
        old = _OLD.fullmatch(first)
        proof = [base64.b64decode(each, validate=True) for each in lines]
        exact = [base64.b64encode(each).decode() for each in proof] == lines
    except ValueError as error:
        raise _malformed() from error
    if not (old and mark and exact) or len(proof) > PROOF_LIMIT:
        raise _malformed()
    if any(len(each) != tree.HASH_SIZE for each in proof):
        raise _malformed()
    checkpoint = parse_checkpoint(text_of(note))
    if checkpoint.size > _LARGEST or int(old[1]) > checkpoint.size:
        raise _malformed()
    return Submission(int(old[1]), proof, note)


def _malformed() -> ProofError:
    return ProofError("This is not what add-checkpoint takes: old size, proof and checkpoint.")


# --------------------------------------------------------------------------------- the answer


def add_checkpoint(
    tx: Tx, witness: Witness, given: Submission, known: Mapping[str, Known], *, now: int
) -> Outcome:
    """Cosign a head that goes on from the last one of its log, in the caller's write transaction.

    `known` are the logs that are witnessed, by origin. 404: none of them. 403: not signed by its
    key. 409: we cosigned another size than `old` last. 422: the proof does not hold, or the same
    size has another root. 503: our clock stands before our last cosignature. Evidence is for the
    caller to keep, in the same transaction.
    """
    origin = parse_checkpoint(text_of(given.note)).origin
    log = known.get(origin)
    if log is None:
        return Outcome(404)
    log = log.of(given.note)
    try:
        head = open_checkpoint(given.note, log.vkey, origin)
        given = given._replace(note=signed_only(given.note, log.vkey))
    except ProofError:
        return Outcome(403)
    if given.old > head.size:
        return Outcome(400)
    last = witnessing.witnessed_of(tx, origin)
    refused = _refused(tx, _Trial(witness, given, log, head, last, now))
    return refused or _cosigned(tx, witness, given, head, now=now)


class _Trial(NamedTuple):
    """One submission beside what is known of its log."""

    witness: Witness
    given: Submission
    log: Known
    head: Checkpoint
    last: Witnessed | None
    now: int

    @property
    def size(self) -> int:
        return self.last.size if self.last else 0

    def evidence(
        self, kind: Kind, first: str, shown: Shown | None = None, *, second: str = ""
    ) -> Evidence:
        note = second or self.given.note
        us, origin = self.witness, self.head.origin
        return found(us, self.log, origin, kind, first, note, shown, self.now)


def _refused(tx: Tx, trial: _Trial) -> Outcome | None:
    """Return why a head is not cosigned; None when it is to be."""
    head, last = trial.head, trial.last
    contradicts = _contradiction(tx, trial)
    if trial.given.old != trial.size:
        rolled = last is not None and head.size < last.size and contradicts is None
        if rolled and last is not None:
            contradicts = trial.evidence("rollback", last.note)
        return Outcome(409, size=trial.size, evidence=contradicts)
    if contradicts is not None:
        return Outcome(422, evidence=contradicts)
    if last is not None and trial.now // _SECOND_US < _last_s(trial.witness, last):
        return Outcome(503)
    root = last.root if last else tree.EMPTY_ROOT
    if head.size == 0 and head.root != tree.EMPTY_ROOT:
        return Outcome(422)
    try:
        tree.verify_consistency(trial.size, head.size, root, head.root, trial.given.proof)
    except ProofError:
        bad = last and trial.evidence("bad-proof", last.note, Shown(b"", trial.given.proof))
        return Outcome(422, evidence=bad)
    return None


def _contradiction(tx: Tx, trial: _Trial) -> Evidence | None:
    """Return the proof that a head and what its owner signed before cannot both be true."""
    head, last = trial.head, trial.last
    if last is not None and head.size == last.size and head.root != last.root:
        return trial.evidence("split-view", last.note)
    if last is not None and trial.given.old == last.size:
        begins = tree.shown_beginning(last.size, head.size, head.root, trial.given.proof)
        if begins is not None and begins != last.root:
            return trial.evidence("fork", last.note, Shown(begins, trial.given.proof))
    return _against_copy(tx, trial) if trial.log.copy else None


def _against_copy(tx: Tx, trial: _Trial) -> Evidence | None:
    """Compare with our copy of the log, as far as it reaches, this head and the last one."""
    log, head, last = str(trial.log.copy), trial.head, trial.last
    signed = logs.last_checkpoint(tx, log)
    if signed is None:
        return None
    stored = StoredTree(tx, log)
    notes = [(head.size, head.root, trial.given.note)]
    notes += [(last.size, last.root, last.note)] if last else []
    for size, root, note in notes:
        if size <= signed.size and (begins := stored.root(size)) != root:
            shown = Shown(begins, stored.consistency_proof(size, signed.size))
            kind: Kind = "fork" if size < signed.size else "split-view"
            return trial.evidence(kind, signed.note, shown, second=note)
    return None


def held_against_copy(
    tx: Tx, witness: Witness, known: Mapping[str, Known], note: str, *, now: int
) -> Evidence | None:
    """Return the proof that a signed head contradicts our copy of its log, as far as that reaches.

    For a head whose proof told nothing when it came: our copy may have grown since.
    """
    origin = parse_checkpoint(text_of(note)).origin
    log = known[origin].of(note)
    head = open_checkpoint(note, log.vkey, origin)
    trial = _Trial(witness, Submission(0, [], note), log, head, None, now)
    return _against_copy(tx, trial) if log.copy else None


def _last_s(witness: Witness, last: Witnessed) -> int:
    return cosigned_at(last.note, witness.of(last.note)) or 0


def _cosigned(
    tx: Tx, witness: Witness, given: Submission, head: Checkpoint, *, now: int
) -> Outcome:
    name = parse_vkey(witness.vkey, COSIGNATURE)[0]
    line = cosign(text_of(given.note), name, witness.key, at_s=now // _SECOND_US)
    note = add_lines(given.note, line)
    witnessing.set_witnessed(tx, Witnessed(head.origin, head.size, head.root, note, now))
    return Outcome(200, line, head.size)


# ---------------------------------------------------------------------------------- evidence


def found(  # all that a file of evidence says
    witness: Witness,
    log: Known,
    origin: str,
    kind: Kind,
    first: str,
    second: str,
    shown: Shown | None,
    now: int,
) -> Evidence:
    """Return evidence about a log, to be kept; of either note `log` has the key."""
    keys = (log.vkey, *log.also, *log.former)
    vkey, before = signer(second, keys), signer(first, keys)
    former = before if before != vkey else None
    us = witness.of(first)
    case = Case(origin, vkey, witness.slug, us, format_timestamp(now), former)
    document = write_evidence(kind, case, first, second, shown=shown)
    return Evidence(sha256(document), kind, log.party, origin, document, now)
