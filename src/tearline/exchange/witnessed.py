"""In a sync: cosign what the partner shows, see that its node log commits to it, find it out.

What was known is read before anything is asked for, so that answers that overtake each other are no
accusation.
"""

from collections.abc import Callable
from contextlib import suppress
from typing import Any, NamedTuple, NoReturn

import orjson

from tearline.agreement.force import InForce
from tearline.agreement.home import Home
from tearline.agreement.rotation import Cards
from tearline.errors import PartnerError, ProofError
from tearline.exchange.cosigned import FRESH_US, give_back
from tearline.exchange.link import Link
from tearline.exchange.served import served_tree
from tearline.exchange.taxii_client import NotServedError, check
from tearline.exchange.witnessing import keep, known_logs, node_origin, take
from tearline.log import record, tree, witness
from tearline.log.checkpoint import (
    Checkpoint,
    open_checkpoint,
    parse_checkpoint,
    signed_only,
    signer,
    text_of,
    vkey_for,
)
from tearline.log.evidence import PROVEN, Case, Shown, write_evidence
from tearline.log.node_log import Committed, verify_committed
from tearline.log.tiles import StoredTree, TiledTree
from tearline.log.witness import Submission
from tearline.stix.canonical import sha256
from tearline.stix.timestamp import format_timestamp
from tearline.store import evidence as kept
from tearline.store import logs, witnessing
from tearline.store.database import Tx
from tearline.store.evidence import Evidence
from tearline.store.witnessing import Head, Witnessed

PATIENCE_US = 86_400_000_000
"""How long after we saw a head the partner's node log may still leave it out: a day."""

NODE_BASE = "/peer/node/log"
_PROOF_BYTES = 1 << 20
_MOST_OPEN = 4
"""So many heads with a bad proof are looked into in one sync."""


class FoundOutError(ProofError):
    """What the partner signed cannot be true together; the evidence is kept."""


class View(NamedTuple):
    """One look at one log of a partner."""

    home: Home
    link: Link
    cards: Cards
    force: InForce
    now: int
    bring: Callable[[], None] = lambda: None
    """Bring the partner what waits for it, our card first."""

    @property
    def base(self) -> str:
        """Where the log is served."""
        return f"/peer/agreements/{self.force.agreement_id.removeprefix('urn:uuid:')}/log"

    @property
    def log(self) -> str:
        """The name of our copy."""
        return record.their_log(self.force.agreement_id)

    @property
    def origin(self) -> str:
        """The origin of the log."""
        return record.origin_of(self.slug, self.force.agreement_id)

    @property
    def slug(self) -> str:
        """The short name of the partner."""
        return self.cards.newest.slug

    def vkey(self, note: str, origin: str | None = None) -> str:
        """Return the key, of those that count now, that signed a head of this log or another."""
        return self.cards.log_key(origin or self.origin, note, self.now)

    def last(self, origin: str) -> Witnessed | None:
        """Return the head of a log that we cosigned last."""
        with self.home.store.read() as tx:
            return witnessing.witnessed_of(tx, origin)

    def submit(
        self,
        old: int,
        proof: list[bytes],
        note: str,
        *,
        asked: bool = False,
        grown: bool = False,
    ) -> int:
        """Have us cosign a head; FoundOutError when it proves a lie, else the status."""
        given, of = Submission(old, proof, note), self.force.agreement_id
        outcome = take(self.home, self.cards, of, given, now=self.now, asked=asked, grown=grown)
        if outcome.evidence is not None:
            raise _found_out(outcome.evidence)
        return outcome.status


def _found_out(found: Evidence) -> FoundOutError:
    what = {
        "split-view": f"{found.about} shows two histories.",
        "fork": f"{found.about} shows two histories: the larger one begins in another way.",
        "rollback": f"{found.about} shows an older head than it showed before.",
        "bad-proof": f"{found.about} does not prove that it only grew.",
    }[found.kind]
    return FoundOutError(
        what,
        means=f"Nothing of it is accepted. Both signed heads are kept as evidence {found.hash}.",
        do="Write it to a file with `tearline evidence export`, and talk to the partner.",
    )


# ---------------------------------------------------------------------------- heads of the log


def see_no_rollback(view: View, note: str, size: int) -> None:
    """Refuse a head that is smaller than one which we had cosigned before we asked for it."""
    last = view.last(view.origin)
    if last is not None and size < last.size and last.at < view.now:
        view.submit(size, [], note, asked=True)


def expose(view: View, note: str) -> NoReturn:
    """Keep the evidence that a head contradicts our copy, and raise it as an error."""
    size = parse_checkpoint(text_of(note)).size
    view.submit(size, [], note)
    raise ProofError(f"{view.origin} shows a head that does not fit our copy.")


def expose_fork(view: View, note: str) -> None:
    """Raise FoundOutError when the partner's own tiles show that its log begins in another way."""
    with view.home.store.read() as tx:
        signed = logs.last_checkpoint(tx, view.log)
        if signed is None:
            return
        before = Checkpoint(view.origin, signed.size, StoredTree(tx, view.log).root(signed.size))
    head = open_checkpoint(note, view.vkey(note), view.origin)
    with suppress(PartnerError):
        _fork(view, served_tree(view.link, view.base, head.size), before, signed.note, head, note)


def _fork(  # two heads, each with its note
    view: View, served: TiledTree, before: Checkpoint, first: str, head: Checkpoint, note: str
) -> None:
    """Raise FoundOutError when tiles prove that a larger head begins otherwise than a smaller."""
    try:
        begins = served.root(before.size)
        proof = served.consistency_proof(before.size, head.size)
        tree.verify_consistency(before.size, head.size, begins, head.root, proof)
    except ProofError:
        return
    if begins != before.root:
        every = known_logs(view.cards, view.force.agreement_id, now=view.now)
        known = every[head.origin].of(note)
        shown = Shown(begins, proof)
        us, second = view.home.witness, signed_only(note, known.vkey)
        found = witness.found(us, known, head.origin, "fork", first, second, shown, view.now)
        _keep(view, found)


def expose_brought(view: View) -> None:
    """Raise FoundOutError when a head that was brought to us is now seen to be of another history.

    The proof that came with it did not hold and told no more: where the head known before has a
    power of two as its size, a proof leaves out how the larger one begins. The partner's own tiles
    have it, or our copy, once that has grown so far.
    """
    known = known_logs(view.cards, view.force.agreement_id, now=view.now)
    with view.home.store.read() as tx:
        open_cases = [(each, *both) for each in known for both in _unsettled(tx, each)]
    for origin, first, second in open_cases:
        before = parse_checkpoint(text_of(first))
        head = open_checkpoint(second, known[origin].of(second).vkey, origin)
        base = NODE_BASE if known[origin].copy is None else view.base
        with suppress(PartnerError):
            _fork(view, served_tree(view.link, base, head.size), before, first, head, second)
        with view.home.store.read() as tx:
            us = view.home.witness
            found = witness.held_against_copy(tx, us, known, second, now=view.now)
        if found is not None:
            _keep(view, found)


def _unsettled(tx: Tx, origin: str) -> list[tuple[str, str]]:
    """Return both heads of what is only a bad proof until now, of each larger head once."""
    every = [(each.kind, orjson.loads(each.document)) for each in kept.all_of(tx, about=origin)]
    told = {found[side] for kind, found in every if kind in PROVEN for side in ("first", "second")}
    bad = {found["second"]: found["first"] for kind, found in every if kind == "bad-proof"}
    return [(first, second) for second, first in bad.items() if second not in told][-_MOST_OPEN:]


def _keep(view: View, found: Evidence) -> NoReturn:
    with view.home.store.write() as tx:
        held = keep(tx, view.home, found, now=view.now)
    raise _found_out(held)


# ---------------------------------------------------------------------------------- cosigning


def cosign(view: View, promise: "Promise") -> None:
    """Cosign the head of our copy, and that of the node log once it is seen to commit to it."""
    with view.home.store.read() as tx:
        signed = logs.last_checkpoint(tx, view.log)
    if signed is None:
        return
    last = view.last(view.origin)
    if not _is_fresh(last, signed.size, view.now) and (not last or last.size <= signed.size):
        with view.home.store.read() as tx:
            old = last.size if last else 0
            proof = StoredTree(tx, view.log).consistency_proof(old, signed.size) if old else []
        _bring(view, view.submit(old, proof, signed.note, grown=True), view.origin)
    _see_committed(view, promise)
    if promise.shown is not None:
        _cosign_node(view, promise.shown["checkpoint"])


def _is_fresh(last: Witnessed | None, size: int, now: int) -> bool:
    return last is not None and last.size == size and now - last.at < FRESH_US


def _bring(view: View, status: int, origin: str) -> None:
    last = view.last(origin)
    if status != 200 or last is None:  # noqa: PLR2004  # cosigned
        return
    if not give_back(view.link, view.force.agreement_id, last.note):
        # Our witness key may have changed since this sync began.
        view.bring()
        give_back(view.link, view.force.agreement_id, last.note)


def _cosign_node(view: View, note: str) -> None:
    """Cosign the head of the partner's node log, by the proof that its tiles make."""
    origin = node_origin(view.slug)
    head, last = open_checkpoint(note, view.vkey(note, origin), origin), view.last(origin)
    if _is_fresh(last, head.size, view.now) and last and last.root == head.root:
        return
    if last is None or last.size >= head.size:
        overtaken = last is not None and last.size > head.size and last.at >= view.now
        if not overtaken:
            old = last.size if last and last.size == head.size else 0
            old = head.size if last and last.size > head.size else old
            _bring(view, view.submit(old, [], note, asked=True), origin)
        return
    served = served_tree(view.link, NODE_BASE, head.size)
    before = Checkpoint(origin, last.size, last.root)
    _fork(view, served, before, last.note, head, note)
    proof = served.consistency_proof(last.size, head.size)
    _bring(view, view.submit(last.size, proof, note, grown=True), origin)


# ---------------------------------------------------------------------------------- node log


class Promise(NamedTuple):
    """What the partner showed of its node log now (None: nothing), and the leaf and size before."""

    shown: dict[str, Any] | None
    last: tuple[int, int] | None


def committed(view: View) -> Promise:
    """Ask for the proof that the partner's node log commits to this log.

    It is asked for before the head, so that the head cannot be the older of the two.
    """
    with view.home.store.read() as tx:
        last = witnessing.last_shown(tx, view.log)
    return Promise(_ask_committed(view), last)


def _ask_committed(view: View) -> dict[str, Any] | None:
    reply = view.link.get(f"{view.base}/committed", most=_PROOF_BYTES, accept="*/*")
    try:
        check(view.link, reply)
    except NotServedError:
        return None
    try:
        found = orjson.loads(reply.body)
    except orjson.JSONDecodeError as error:
        raise ProofError("The proof from the partner's node log is no JSON.") from error
    if not isinstance(found, dict):
        raise ProofError("The proof from the partner's node log is no object.")
    return found


def _see_committed(view: View, promise: Promise) -> None:
    """See that the node log commits to what we copied, to no less than before, and in time."""
    shown = promise.shown
    found = verify_committed(shown, _node_key(view, shown)) if shown else None
    with view.home.store.write() as tx:
        signed = logs.last_checkpoint(tx, view.log)
        evidence = _contradiction(tx, view, found, shown, signed) if found and signed else None
        if evidence is None:
            _see_in_time(tx, view, found, promise.last)
    if evidence is not None:
        _keep(view, evidence)


def _node_key(view: View, shown: dict[str, Any]) -> str:
    return view.vkey(str(shown.get("checkpoint", "")), node_origin(view.slug))


def _contradiction(
    tx: Tx,
    view: View,
    found: Committed,
    shown: dict[str, Any] | None,
    signed: logs.Signed,
) -> Evidence | None:
    """Compare what the node log commits to with our copy."""
    if found.head.origin != view.origin or found.leaf != found.node.size - 1:
        raise ProofError("The proof from the partner's node log is of another log or leaf.")
    if found.head.size > signed.size:
        raise ProofError(
            f"The node log of {view.slug} commits to {found.head.size} leaves of this log, and"
            f" {signed.size} are shown."
        )
    stored = StoredTree(tx, view.log)
    begins = stored.root(found.head.size)
    if begins == found.head.root or shown is None:
        return None
    moment = format_timestamp(view.now)
    first = shown["checkpoint"]
    known = known_logs(view.cards, view.force.agreement_id, now=view.now)
    vkey = signer(signed.note, known[view.origin].former)
    before = vkey_for(view.origin, signer(first, known[node_origin(view.slug)].former))
    former = before if before != vkey else None
    us = view.home.card.witness
    case = Case(view.origin, vkey, view.home.slug, us, moment, former)
    proof = Shown(begins, stored.consistency_proof(found.head.size, signed.size))
    document = write_evidence("split-view", case, first, signed.note, shown=proof, committed=shown)
    name = sha256(document)
    return Evidence(name, "split-view", view.slug, view.origin, document, view.now)


def _see_in_time(tx: Tx, view: View, found: Committed | None, last: tuple[int, int] | None) -> None:
    due = logs.checkpoint_before(tx, view.log, view.now - PATIENCE_US)
    size, leaf = (found.head.size, found.leaf) if found else (-1, -1)
    back = last is not None and (leaf < last[0] or size < last[1])
    if back or (due is not None and size < due.size):
        raise ProofError(
            f"The node log of {view.slug} does not commit to what its log showed us before.",
            means="A log that the node log leaves out can be shown to us and denied to others.",
            do="Ask the partner whether its node runs; nothing is accepted until it commits.",
        )
    newest = witnessing.last_shown(tx, view.log)
    if found is not None and (newest is None or newest[0] < leaf):
        witnessing.set_shown(tx, view.log, leaf, Head(size, found.head.root))
