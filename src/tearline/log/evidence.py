"""Evidence that the owner of a log showed two histories, as one file that anyone can check; pure.

The file holds both signed notes, the log's verifier key, and what was expected. Where the two are
of different sizes, it also holds the proof of how the larger one begins. So nothing of what was
logged has to be shown for it.
"""

import base64
import binascii
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

from tearline.errors import InputError, ProofError
from tearline.log import tree
from tearline.log.checkpoint import Checkpoint, cosigned_at, open_checkpoint, parse_vkey, vkey_for
from tearline.log.node_log import verify_committed
from tearline.stix.canonical import canonical, parse_canonical

SCHEMA = "tearline-evidence/1"
Kind = Literal["split-view", "fork", "rollback", "bad-proof"]
PROVEN: frozenset[Kind] = frozenset({"split-view", "fork"})
"""What the owner's signatures alone prove; the rest is also the word of who wrote the file."""

KEYS = {"schema", "kind", "origin", "vkey", "by", "witness", "seen", "first", "second"}
KEYS |= {"former", "beginning", "proof", "committed", "expected"}


class Shown(NamedTuple):
    """How the larger of two notes begins: the root over as many leaves as the smaller has."""

    root: bytes
    proof: Sequence[bytes]


class Case(NamedTuple):
    """What two notes are about: the log, its key, who saw them, its witness key, and when.

    `former` is the key that signed the first, where the owner changed it in between.
    """

    origin: str
    vkey: str
    by: str
    witness: str
    seen: str
    former: str | None = None


class Finding(NamedTuple):
    """What evidence shows. `proven`: by the owner's signatures alone, whoever wrote the file."""

    kind: Kind
    proven: bool
    origin: str
    sizes: tuple[int, int]
    by: str
    cosigned_s: int | None
    says: str


def write_evidence(
    kind: Kind,
    case: Case,
    first: str,
    second: str,
    *,
    shown: Shown | None = None,
    committed: dict[str, Any] | None = None,
) -> bytes:
    """Return the file: `first` is what was known, `second` what came and does not fit it.

    With `committed`, the proof from a node log is what does not fit, and `first` is the note of
    that node log. `shown` without a root (empty) is the proof that was given and does not hold.
    """
    document = {
        "schema": SCHEMA,
        "kind": kind,
        **case._asdict(),
        "first": first,
        "second": second,
        "beginning": base64.b64encode(shown.root).decode() if shown and shown.root else None,
        "proof": [base64.b64encode(each).decode() for each in shown.proof] if shown else None,
        "committed": committed,
        "expected": _EXPECTED[kind],
    }
    return canonical(document)


_EXPECTED = {
    "split-view": "One history: whatever it is shown by has the same root at the same size.",
    "fork": "One history: the larger head begins with the smaller one.",
    "rollback": "A head that is as large as the one shown before, or larger.",
    "bad-proof": "A proof that the second head begins with the first one.",
}
_SAYS = {
    "split-view": "The owner of the log signed two histories. The signatures alone prove it.",
    "fork": (
        "The owner of the log signed two histories: the larger one begins in another way. The"
        " signatures alone prove it, with the hashes that lead to the larger head."
    ),
    "rollback": (
        "Both signatures hold. That the smaller head was shown after the larger one is said by"
        " who wrote this file."
    ),
    "bad-proof": (
        "Both signatures hold. The proof that came with the second does not show that it begins"
        " with the first; who sent that proof, the signatures do not say."
    ),
}


def is_about_log(document: bytes) -> bool:
    """Whether a file of evidence is one about a log, unproven; there is other evidence, too."""
    try:
        value = parse_canonical(document.strip())
    except InputError:
        return False
    return isinstance(value, dict) and "origin" in value


def verify_evidence(document: bytes, *vkeys: str) -> Finding:
    """Return what a file of evidence shows; ProofError when it does not hold.

    Needs nothing but the file. With `vkeys`, any verifier keys of the pairs that sign the owner's
    logs, the file has to be about these keys: without them, about whichever keys the file names.
    """
    value = parse_canonical(document.strip())
    try:
        return _verify(value, vkeys)
    except (KeyError, TypeError, AttributeError, ValueError, binascii.Error) as error:
        raise ProofError(
            "This is not a file of evidence.", do="Ask for what `tearline evidence export` writes."
        ) from error


def _verify(value: dict[str, Any], vkeys: Sequence[str]) -> Finding:
    origin, key = value["origin"], value["vkey"]
    former = key if value["former"] is None else value["former"]
    if value.keys() != KEYS or value["schema"] != SCHEMA or value["kind"] not in _SAYS:
        raise TypeError
    given = {parse_vkey(each)[1] for each in vkeys}
    if given and not {parse_vkey(each)[1] for each in (key, former)} <= given:
        raise ProofError(
            "The evidence is about another key than the one that was given.",
            means="Anyone can sign two histories with a key of his own.",
            do="Compare the key in the file with the card of the log's owner.",
        )
    second = open_checkpoint(value["second"], key, origin)
    if value["committed"] is not None:
        first = _committed(value, former)
    else:
        first = open_checkpoint(value["first"], former, origin)
    proof = [base64.b64decode(each, validate=True) for each in value["proof"] or ()]
    beginning = base64.b64decode(value["beginning"] or "", validate=True)
    _CHECKS[value["kind"]](first, second, beginning, proof)
    return Finding(
        kind=value["kind"],
        proven=value["kind"] in PROVEN,
        origin=origin,
        sizes=(first.size, second.size),
        by=str(value["by"]),
        cosigned_s=cosigned_at(value["first"], value["witness"]),
        says=_SAYS[value["kind"]],
    )


def _committed(value: dict[str, Any], key: str) -> Checkpoint:
    """Return the head to which the owner's node log committed."""
    node = f"{value['origin'].rpartition('/')[0]}/node"
    found = verify_committed(value["committed"], vkey_for(node, key))
    if found.head.origin != value["origin"] or value["committed"]["checkpoint"] != value["first"]:
        raise TypeError
    return found.head


def _check_split(
    first: Checkpoint, second: Checkpoint, beginning: bytes, proof: Sequence[bytes]
) -> None:
    small, large = sorted((first, second), key=lambda each: each.size)
    if small.size < large.size:
        tree.verify_consistency(small.size, large.size, beginning, large.root, proof)
    else:
        beginning = large.root
    if beginning == small.root:
        raise ProofError("The two heads agree: they are of one history.")


def _check_fork(
    first: Checkpoint, second: Checkpoint, beginning: bytes, proof: Sequence[bytes]
) -> None:
    if first.size == second.size:
        raise ProofError("The two heads are of one size: neither begins with the other.")
    _check_split(first, second, beginning, proof)


def _check_rollback(
    first: Checkpoint, second: Checkpoint, _beginning: bytes, _proof: Sequence[bytes]
) -> None:
    if second.size >= first.size:
        raise ProofError("The second head is not smaller than the first.")


def _check_bad(
    first: Checkpoint, second: Checkpoint, _beginning: bytes, proof: Sequence[bytes]
) -> None:
    try:
        tree.verify_consistency(first.size, second.size, first.root, second.root, proof)
    except ProofError:
        return
    raise ProofError("The proof holds: the second head begins with the first.")


_CHECKS = {
    "split-view": _check_split,
    "fork": _check_fork,
    "rollback": _check_rollback,
    "bad-proof": _check_bad,
}
