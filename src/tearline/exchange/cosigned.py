"""Have our own logs witnessed: send their heads to a witness, keep the cosignatures that come back.

A witness is a partner's node, in every sync, or one that the settings name (C2SP tlog-witness).
What does not come back today comes another time: nothing waits for a cosignature.
"""

import re
from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus
from typing import NamedTuple

from tearline.agreement.covering import cover
from tearline.agreement.home import Home
from tearline.agreement.rotation import Cards
from tearline.errors import MisuseError, PartnerError, ProofError
from tearline.exchange.link import Link, Reply
from tearline.log import committing, record
from tearline.log.checkpoint import (
    COSIGNATURE,
    add_lines,
    cosignature_line,
    cosigned_at,
    parse_checkpoint,
    parse_vkey,
    text_of,
)
from tearline.log.tiles import StoredTree
from tearline.log.witness import Submission, write_submission
from tearline.store import logs, witnessing
from tearline.store.database import Tx
from tearline.store.witnessing import Cosignature

FRESH_US = 3_600_000_000
"""How long a cosignature on a head that did not change is not asked for again."""

SIZE_TYPE = "text/x.tlog.size"
_ANSWER_BYTES = 64 << 10
_NUMBER = re.compile(rb"(0|[1-9][0-9]{0,18})\n?", re.ASCII)
_TRIES = 2

Post = Callable[[bytes], Reply]
"""Send the body of `add-checkpoint` to one witness."""


class Sent(NamedTuple):
    """What became of the head of one log: the size, and why it was not cosigned, if it was not."""

    log: str
    size: int
    problem: str


def offer(home: Home, link: Link, cards: Cards, agreement_id: str, *, now: int) -> list[Sent]:
    """Have a partner's node cosign our log of an agreement and our node log."""
    home.publish(agreement_id, now=now)

    def _post(body: bytes) -> Reply:
        path = "/peer/witness/add-checkpoint"
        return link.post(path, body, most=_ANSWER_BYTES, content_type="text/plain")

    names = record.our_log(agreement_id), committing.LOG
    vkeys = cards.valid("witness", now)
    sent = [submit(home, log, vkeys, _post, now=now) for log in names]
    return [each for each in sent if each is not None]


def outside_witness(home: Home) -> frozenset[str]:
    """Return the name of the outside witness of the settings: whose cosignature anyone may see."""
    vkey = home.settings.witness_vkey
    return frozenset({parse_vkey(vkey, COSIGNATURE)[0]} if vkey else ())


def outside(home: Home, *, now: int) -> list[Sent]:
    """Have the outside witness of the settings cosign our logs; PartnerError when it is away.

    MisuseError when its address or its key cannot be used.
    """
    own = home.settings
    if not own.witness_url:
        return []
    if not own.witness_vkey:
        raise MisuseError(
            "The outside witness has no key.", do="Set TEARLINE_WITNESS_VKEY to its verifier key."
        )
    parse_vkey(own.witness_vkey, COSIGNATURE)
    with home.store.read() as tx:
        ours = [each for each in logs.names(tx) if each.startswith("ours/")]
    wanted = ours if own.witness_logs == "all" else [committing.LOG]
    with Link(own.witness_url) as link:

        def _post(body: bytes) -> Reply:
            path = "/add-checkpoint"
            return link.post(path, body, most=_ANSWER_BYTES, content_type="text/plain")

        sent = [submit(home, log, (own.witness_vkey,), _post, now=now) for log in wanted]
    return [each for each in sent if each is not None]


def submit(home: Home, log: str, vkeys: tuple[str, ...], post: Post, *, now: int) -> Sent | None:
    """Send the head of one log to a witness; None when there is nothing new to be cosigned.

    `vkeys` are the keys by which it may cosign now, all of one name, the newest first.
    PartnerError when the witness cannot be reached.
    """
    name = parse_vkey(vkeys[0], COSIGNATURE)[0]
    with home.store.read() as tx:
        signed = logs.last_checkpoint(tx, log)
        given = next((each for each in witnessing.cosignatures(tx, log) if each.name == name), None)
    if signed is None or (given and given.size == signed.size and now - given.at < FRESH_US):
        return None
    old = given.size if given else 0
    reply = None
    for _ in range(_TRIES):
        if old > signed.size:
            return Sent(log, signed.size, f"it has cosigned a head of {old} leaves already")
        reply = post(write_submission(_submission(home, log, old, signed)))
        known = _known_size(reply)
        if known is None or known == old:
            break
        old = known
    return _settled(home, log, vkeys, signed, reply, now)


def _submission(home: Home, log: str, old: int, signed: logs.Signed) -> Submission:
    with home.store.read() as tx:
        stored = StoredTree(tx, log)
        proof = stored.consistency_proof(old, signed.size) if old else []
    return Submission(old, proof, signed.note)


def _known_size(reply: Reply) -> int | None:
    """Return the size that the witness says it cosigned last, where it says so."""
    kind = reply.headers.get("content-type", "").partition(";")[0].strip()
    found = _NUMBER.fullmatch(reply.body) if reply.status == 409 and kind == SIZE_TYPE else None  # noqa: PLR2004  # conflict
    return int(found[1]) if found else None


def _settled(
    home: Home, log: str, vkeys: tuple[str, ...], signed: logs.Signed, reply: Reply | None, now: int
) -> Sent:
    if reply is None or reply.status != 200:  # noqa: PLR2004  # cosigned
        return Sent(log, signed.size, f"it answered {reply.status if reply else 'nothing'}")
    try:
        note = add_lines(signed.note, reply.body.decode())
        with home.store.write() as tx:
            take_back(tx, log, note, vkeys, now=now)
    except (ProofError, UnicodeDecodeError) as error:
        return Sent(log, signed.size, f"its cosignature does not hold: {error}")
    return Sent(log, signed.size, "")


def take_back(tx: Tx, log: str, note: str, vkeys: tuple[str, ...], *, now: int) -> None:
    """Keep the cosignature that a witness gave on a head of ours, by one of its keys.

    ProofError unless it holds, and the head is one that we signed and still hold.
    """
    text = text_of(note)
    size = parse_checkpoint(text).size
    signed = logs.checkpoint_at(tx, log, size)
    if signed is None or text_of(signed.note) != text:
        raise ProofError("What was cosigned is no head of ours that we still hold.")
    found = [(cosigned_at(note, each), cosignature_line(note, each)) for each in vkeys]
    for at_s, line in found:
        if at_s is not None and line is not None:
            name = parse_vkey(vkeys[0], COSIGNATURE)[0]
            witnessing.set_cosignature(tx, Cosignature(log, name, size, line, now))
            cover(tx, log, size, name, line, at_s=at_s)
            return
    raise ProofError("The head carries no cosignature of the expected witness.")


def give_back(link: Link, agreement_id: str, note: str) -> bool:
    """Bring a partner the cosignature that we gave on a head of its log; it may pass it over.

    False where it is of no use there: of a key that is on no card of ours that the partner has.
    """
    path = f"/peer/agreements/{agreement_id.removeprefix('urn:uuid:')}/log/cosignature"
    with suppress(PartnerError):
        reply = link.post(path, note.encode(), most=_ANSWER_BYTES, content_type="text/plain")
        return reply.status != HTTPStatus.UNPROCESSABLE_ENTITY
    return True
