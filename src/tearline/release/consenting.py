"""Asking who gave us something whether it may go on, and answering who asks us.

Each act keeps what was said, logs it in our log of the agreement that the object came under, and
puts the message into the outbox, in one transaction. Nothing is released here: an answer stirs the
object, and `reconcile` weighs it. Whoever would get it is told of nothing but a yes.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Annotated, Any, NamedTuple

import msgspec
import orjson
from msgspec import Meta, Struct

from tearline.agreement import force, outbox
from tearline.agreement.cards_held import everyones
from tearline.agreement.document import Hash, Slug
from tearline.agreement.force import InForce
from tearline.agreement.home import Home
from tearline.agreement.messages import Message, proven
from tearline.errors import RefusedError, TearlineError
from tearline.log import record
from tearline.release import consents, slips
from tearline.release.consents import Line, Says
from tearline.release.facts import Known
from tearline.release.planned import Ask, Planned
from tearline.release.reviewing import item_of
from tearline.stix import canonical
from tearline.stix.timestamp import format_timestamp, parse_timestamp
from tearline.store import agreements, onward, private, received, releases, stirred
from tearline.store.agreements import Version
from tearline.store.database import Tx
from tearline.store.onward import Consent

_AT_ONCE = 500_000
"""About how many bytes of objects one message asks about."""
_MOST_OPEN = 10_000
"""How many questions under one agreement may wait for our word: each is bytes of theirs here."""
_SHORT = 8
"""The fewest hex digits that name an item."""


class Question(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One question as it is sent: see `store.onward.Consent`. `raw` is there for other bytes."""

    item: Hash
    given: Line
    given_hash: Hash
    under: Hash
    clause: Line
    object: Line
    bytes: Hash
    raw: str | None = None
    to_slug: Slug
    to_name: Line
    to_key: Annotated[str, Meta(max_length=300)]
    asked: Line


class _Questions(Struct, frozen=True, forbid_unknown_fields=True):
    questions: Annotated[tuple[Question, ...], Meta(min_length=1, max_length=5_000)]
    receipt: dict[str, Any]


class _Answer(Struct, frozen=True, forbid_unknown_fields=True):
    item: Hash
    signed: Annotated[str, Meta(max_length=consents.MOST)]
    receipt: dict[str, Any]


class Came(NamedTuple):
    """Something that a partner passed on to us, and whose word for it came along.

    `key` signed the consent, '' where none came; it is of our partner `giver`, or of nobody we
    know: then it is attested by who passed it on, and no more.
    """

    agreement_id: str
    party: str
    object: str
    source: str
    key: str
    giver: str | None


# ---------------------------------------------------------------------------------------- asking


def ask(known: Known, bound: InForce, planned: Mapping[str, Planned], *, now: int) -> None:
    """Ask who gave us what would go under an agreement and waits for them: bytes as they would go.

    In the transaction that found it.
    """
    rows: dict[str, list[Consent]] = {}
    for stix_id, each in planned.items():
        if each.ask is None or each.decided is None:
            continue
        facts = each.decided.facts
        before = each.reviewed.item if each.reviewed else None
        if facts.source and facts.source.rule.ask_first and each.ask.item != before:
            row = _row(known, bound, stix_id, each.ask, now)
            rows.setdefault(facts.source_agreement, []).append(row)
    for agreement, some in rows.items():
        version = agreements.version_of(known.tx, agreement)
        if version is not None:
            _send(known.tx, version, some, now)


def _row(known: Known, bound: InForce, stix_id: str, ask: Ask, now: int) -> Consent:
    them = bound.terms.party[bound.their_slot]
    version = known.latest([stix_id])[stix_id]
    return Consent(
        ours=True,
        party="",
        item=ask.item,
        agreement_id="",
        agreement="",
        given=stix_id,
        given_hash=version.hash,
        under=bound.hash,
        clause=ask.clause,
        object=ask.delivered_id,
        hash=ask.hash,
        raw=ask.raw,
        to_slug=them.slug,
        to_name=them.name,
        to_key=them.key or "",
        asked_at=now,
    )


def _send(tx: Tx, version: Version, rows: Sequence[Consent], now: int) -> None:
    whole = [
        each._replace(
            party=version.partner, agreement_id=version.agreement_id, agreement=version.hash
        )
        for each in rows
    ]
    onward.put_consents(tx, whole)
    for each in whole:
        onward.forget_older(tx, each)
    for some in _messages(whole):
        questions = [_question(each) for each in some]
        entries = [_entry("onward-request", each, now) for each in some]
        log = record.our_log(version.agreement_id)
        leaf = record.append(tx, log, "onward-request", entries, at=now, agreement=version.hash)
        body = {"questions": questions}
        outbox.enqueue(
            tx, "onward-request", version.partner, body, now=now, version=version, leaf=leaf
        )


def _messages(rows: Iterable[Consent]) -> Iterator[list[Consent]]:
    some: list[Consent] = []
    size = 0
    for each in rows:
        size += len(each.raw or b"") + 1_000
        if some and size > _AT_ONCE:
            yield some
            some, size = [], 0
        some.append(each)
    if some:
        yield some


def _question(row: Consent) -> dict[str, Any]:
    found = {name: getattr(row, name) for name in ("item", "given", "given_hash", "under")}
    found |= {name: getattr(row, name) for name in ("clause", "object", "to_slug", "to_name")}
    found |= {"bytes": row.hash, "to_key": row.to_key}
    found |= {"raw": row.raw.decode()} if row.raw is not None else {}
    return found | {"asked": format_timestamp(row.asked_at, digits=6)}


def _entry(kind: str, row: Consent, now: int) -> dict[str, Any]:
    """What both logs say of a question, or of its answer."""
    said = {"verdict": row.verdict, "signed": consents.name_of(row.signed)} if row.signed else {}
    return {
        "kind": kind,
        "agreement": row.agreement,
        "item": row.item,
        "object": row.given,
        "bytes": row.hash,
        "under": row.under,
        "to": row.to_slug,
        "at": format_timestamp(now, digits=6),
        **said,
    }


# -------------------------------------------------------------------------------- being asked


def asked(home: Home, message: Message, *, now: int) -> None:
    """Keep what a partner asks of objects that we gave it, for a person to answer.

    What it holds no more as we gave it is passed over. RefusedError when a question does not fit.
    """
    try:
        body = msgspec.convert(message.body, _Questions)
        moments = [parse_timestamp(each.asked) for each in body.questions]
    except (msgspec.ValidationError, TearlineError) as error:
        raise RefusedError(f"These are no questions: {error}.", do="Refuse them.") from error
    with home.store.write() as tx:
        version = agreements.version_of(tx, message.agreement or "")
        bound = version and force.in_force(tx, version.agreement_id, now=now)
        if not version or not bound or version.partner != message.sender:
            raise RefusedError("These questions are under no agreement with their sender.")
        _check_logged(message, version, "onward-request")
        if not agreements.remember(tx, message.id, message.sender, at=now):
            return
        rows = [
            _asked(message, version, each, at)
            for each, at in zip(body.questions, moments, strict=True)
        ]
        rows = [each for each in rows if bound.hash == version.hash and _stands(tx, each)]
        onward.put_consents(tx, rows)
        for each in rows:
            onward.forget_older(tx, each)
        if onward.unanswered(tx, version.agreement_id) > _MOST_OPEN:
            raise RefusedError(
                f"More than {_MOST_OPEN:,} questions under this agreement would wait for our word.",
                means="None of these is kept; the partner brings them again later.",
                do="Answer some with `tearline onward consent` or `tearline onward refuse`.",
            )
        if rows:
            entries = [_entry("onward-request", each, now) for each in rows]
            log = record.our_log(version.agreement_id)
            record.append(tx, log, "onward-request", entries, at=now, agreement=version.hash)


def _check_logged(message: Message, version: Version, kind: str) -> None:
    """Refuse what its sender cannot show to be in its log of the agreement."""
    if proven(message, version.agreement_id, kind).get("agreement") != version.hash:
        raise RefusedError("The proof is of another act than this one.", do="Refuse it.")


def _asked(message: Message, version: Version, each: Question, at: int) -> Consent:
    item = item_of(each.under, each.clause, each.object, each.bytes, version.hash)
    raw = None if each.raw is None else each.raw.encode()
    seen = each.given_hash if raw is None else canonical.sha256(raw)
    if item != each.item or seen != each.bytes:
        raise RefusedError("A question does not name the bytes that it shows.", do="Refuse it.")
    return Consent(
        ours=False,
        party=message.sender,
        item=each.item,
        agreement_id=version.agreement_id,
        agreement=version.hash,
        given=each.given,
        given_hash=each.given_hash,
        under=each.under,
        clause=each.clause,
        object=each.object,
        hash=each.bytes,
        raw=raw,
        to_slug=each.to_slug,
        to_name=each.to_name,
        to_key=each.to_key,
        asked_at=at,
    )


def _stands(tx: Tx, row: Consent) -> bool:
    """Whether the partner holds the object as we gave it."""
    last = releases.last_delivered(tx, row.agreement_id, [row.given]).get(row.given)
    return last is not None and last.live and last.hash == row.given_hash


# ----------------------------------------------------------------------------------- answering


def answer(home: Home, name: str, verdict: Says, reason: str, *, now: int) -> Consent:
    """Sign our word on one question, and send it; return the question with it.

    RefusedError when no question has this name, the partner does not hold the object any more, or
    a yes was given already.
    """
    with home.store.write() as tx:
        row = _named([each for each in onward.consents(tx) if not each.ours], name)
        version = agreements.version_of(tx, row.agreement)
        if version is None or not _stands(tx, row):
            raise RefusedError(
                "They do not hold it any more as we gave it.",
                means="The question is void; if it still stands for them, they ask anew.",
                do="See `tearline onward list`.",
            )
        if row.verdict in {"consent", verdict}:
            raise RefusedError(
                "It is answered already.", do="To take it back from them, use `tearline recall`."
            )
        card, keys = home.identity
        signed = consents.sign(row, verdict, keys.sign, card.sign, now=now)
        row = row._replace(verdict=verdict, signed=signed, answered_at=now)
        onward.put_consents(tx, [row])
        leaf = _log(tx, version, row, now)
        body = {"item": row.item, "signed": signed}
        outbox.enqueue(tx, "onward-answer", row.party, body, now=now, version=version, leaf=leaf)
        note = {"kind": "onward-answer", "item": row.item, "verdict": verdict, "reason": reason}
        note["at"] = format_timestamp(now, digits=6)
        private.add(tx, "onward-answer", [orjson.dumps(note).decode()])
        return row


def answered(home: Home, message: Message, *, now: int) -> None:
    """Take a giver's answer, and have the object decided again.

    An answer to what we ask no more changes nothing. RefusedError when it does not hold.
    """
    try:
        body = msgspec.convert(message.body, _Answer)
        said, key = consents.read(body.signed)
        message.cards.check("sign", key, parse_timestamp(said.at))
    except (msgspec.ValidationError, TearlineError) as error:
        raise RefusedError(f"This is no answer: {error}.", do="Refuse it.") from error
    with home.store.write() as tx:
        if not agreements.remember(tx, message.id, message.sender, at=now):
            return
        row = onward.consents_on(tx, [body.item]).get(body.item)
        if row is None or row.party != message.sender or not consents.fits(said, row):
            return
        version = agreements.version_of(tx, row.agreement)
        if version is None or row.verdict == "consent":
            return
        _check_logged(message, version, "onward-answer")
        row = row._replace(verdict=said.verdict, signed=body.signed, answered_at=now)
        onward.put_consents(tx, [row])
        _log(tx, version, row, now)
        stirred.stir(tx, [row.given])


def _log(tx: Tx, version: Version, row: Consent, now: int) -> int:
    log, entry = record.our_log(version.agreement_id), _entry("onward-answer", row, now)
    return record.append(tx, log, "onward-answer", [entry], at=now, agreement=version.hash)


# ------------------------------------------------------------------------------------- reading


def questions(home: Home) -> list[Consent]:
    """All that was asked of passing things on, by us and of us, as far as it still stands."""
    with home.store.read() as tx:
        return onward.consents(tx)


def question(home: Home, name: str) -> Consent:
    """One question by its item or the beginning of it; RefusedError unless just one has it."""
    with home.store.read() as tx:
        return _named(onward.consents(tx), name)


def came(home: Home, *, now: int) -> list[Came]:
    """What partners passed on to us, and whose consent came along."""
    with home.store.read() as tx:
        known = everyones(tx)
        keys = {key: slug for slug, each in known.items() for key in each.not_revoked("sign")}
        keys = {key: slug for key, slug in keys.items() if slug != home.slug}
        return [
            found
            for bound in force.all_in_force(tx, now=now)
            for row in received.in_state(tx, bound.agreement_id, "accepted")
            if row.slip and (found := _came(bound, row.slip, keys)) is not None
        ]


def _came(bound: InForce, text: str, keys: Mapping[str, str]) -> Came | None:
    slip = slips.read_slip(text)
    said = slip.attested
    if said.source is None:
        return None
    key = consents.read(said.consent)[1] if said.consent else ""
    named = (bound.agreement_id, bound.partner, slip.object, said.source)
    return Came(*named, key, keys.get(key))


def _named(rows: Iterable[Consent], name: str) -> Consent:
    prefix = name if name.startswith("sha256:") else f"sha256:{name}"
    found = [each for each in rows if each.item.startswith(prefix)]
    if len(found) != 1 or len(prefix) < len("sha256:") + _SHORT:
        what = "no single question" if found else "no question"
        raise RefusedError(f"{name} names {what}.", do="See `tearline onward list`.")
    return found[0]
