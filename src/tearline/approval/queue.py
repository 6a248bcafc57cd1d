"""What waits for people, and the one act by which a person says something of it.

A person signs a statement about one item: exact bytes under a clause of a version of an agreement.
Nothing is released here: what was said is kept and logged, and `release.reconcile` weighs it.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Literal, NamedTuple, TypeAlias

import msgspec
import orjson
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from msgspec import Meta, Struct

from tearline.agreement import by_person, force, jws
from tearline.agreement.by_person import ByPerson
from tearline.agreement.document import Hash
from tearline.agreement.force import InForce
from tearline.agreement.home import Home
from tearline.agreement.jws import Signed
from tearline.agreement.partners import find_party
from tearline.approval.people import keys_of
from tearline.errors import InputError, RefusedError
from tearline.release import reasons
from tearline.release.concern import rules_under
from tearline.release.facts import Known
from tearline.release.preview import Told
from tearline.release.reasons import Code
from tearline.release.reviewing import Reviewed, State, state_of, weigh
from tearline.release.rules import Clause
from tearline.stix import canonical
from tearline.stix.timestamp import format_timestamp, parse_timestamp
from tearline.store import objects, private, releases, reviews, stirred
from tearline.store.database import Tx
from tearline.store.objects import OURS
from tearline.store.releases import Standing
from tearline.store.reviews import Person, Place, Review, Verdict
from tearline.topics.topic import type_of

SKEW = 600_000_000
"""How far the moment in a statement may lie from ours: ten minutes, in microseconds."""

COUNTED = 10_000
"""How many items are counted where only a number is asked for."""

_SHORT = 8
"""The fewest hex digits that name an item."""

Says: TypeAlias = Literal["approve", "refuse", "query", "request"]


class Statement(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a person signs: a verdict on one item, when, and why.

    `item` is the hash over agreement, clause, delivered id and the hash of the exact bytes.
    """

    kind: Literal["verdict"] = "verdict"
    verdict: Says
    item: Hash
    person: Annotated[str, Meta(min_length=1, max_length=63)]
    text: Annotated[str, Meta(max_length=2_000)]
    at: Annotated[str, Meta(max_length=40)]


class Line(NamedTuple):
    """An item as a list has it: why it waits by codes alone; nothing of it is decided or read anew.

    `until_at` is None where silence has no limit.
    """

    review: Review
    state: State
    title: str
    partner: str
    codes: tuple[str, ...]
    until_at: int | None


class Item(NamedTuple):
    """One item of the queue: what would go to whom, why it waits, since and until when.

    `needed` people have to approve, not counting whoever requested it. `until_at` is None where
    silence has no limit.
    """

    review: Review
    state: State
    agreement: str
    title: str
    partner: str
    type: str
    reasons: tuple[Told, ...]
    needed: int
    until_at: int | None
    reviewed: Reviewed
    said: tuple[Verdict, ...]

    @property
    def line(self) -> Line:
        """The item as a list has it."""
        codes = tuple(each.code for each in self.reasons)
        return Line(self.review, self.state, self.title, self.partner, codes, self.until_at)


class Among(NamedTuple):
    """A place among what waits: the how manyth of how many, each counted up to `COUNTED` + 1.

    `previous` and `next` are the items around it, in a ring; None where nothing waits.
    """

    place: int
    number: int
    previous: str | None
    next: str | None


def items(
    home: Home, party: str | None = None, state: State | None = None, *, now: int
) -> list[Item]:
    """Everything that people were asked about, or what is in one state; the first asked first.

    `party` names one partner. MisuseError when there is no such party.
    """
    with home.store.read() as tx:
        slug = find_party(tx, party).slug if party is not None else None
        bound = _in_force(tx, now)
        wanted = [name for name, each in bound.items() if slug in {None, each.partner}]
        return _items(tx, reviews.queued(tx, state, wanted), bound, now)


def listed(
    tx: Tx, bound: Iterable[InForce], state: State, most: int, after: Place | None = None
) -> list[Line]:
    """The items in a state, from a place on, what was asked first before all else."""
    under = {each.agreement_id: each for each in bound}
    rows = reviews.queued(tx, state, under, most, after)
    stood = _stood(tx, rows)
    return [_line(row, under[row.agreement_id], stood) for row in rows]


def number(tx: Tx, bound: Iterable[InForce], state: State) -> int:
    """How many items are in a state, counted up to `COUNTED` + 1."""
    return reviews.number(tx, state, [each.agreement_id for each in bound], COUNTED + 1)


def among_waiting(home: Home, at: Place, *, now: int) -> Among:
    """Where a place is among what waits, and which items wait before and after it."""
    with home.store.read() as tx:
        bound = _in_force(tx, now)
        first = reviews.queued(tx, "waits", bound, 1)
        following = reviews.queued(tx, "waits", bound, 1, at) or first
        last = reviews.last_before(tx, "waits", bound)
        return Among(
            reviews.number(tx, "waits", bound, COUNTED + 1, at) + 1,
            reviews.number(tx, "waits", bound, COUNTED + 1),
            reviews.last_before(tx, "waits", bound, at) or last,
            following[0].item if following else None,
        )


def _in_force(tx: Tx, now: int) -> dict[str, InForce]:
    return {each.agreement_id: each for each in force.all_in_force(tx, now=now)}


def item(home: Home, name: str, *, now: int) -> tuple[Item, bytes]:
    """One item by its hash or the beginning of it, and the exact bytes that would go.

    RefusedError when none has this name, or two have.
    """
    with home.store.read() as tx:
        row = _named(tx, name)
        found = _items(tx, [row], _bound(tx, row, now), now)[0]
        raw = row.raw if row.seq is None else objects.raw_of(tx, [row.seq])[row.seq]
        return found, raw or b""


def statement(item_hash: str, person: str, verdict: Says, text: str, *, now: int) -> Statement:
    """What a person is to sign."""
    at = format_timestamp(now, digits=6)
    return Statement(verdict=verdict, item=item_hash, person=person, text=text, at=at)


def sign(said: Statement, person: Person, key: Ed25519PrivateKey) -> Signed:
    """Return a statement under the signature of its person."""
    return jws.sign(body_of(said), key, person.key)


def body_of(said: Statement) -> bytes:
    """The bytes of a statement that are signed, by whatever key: canonical JSON."""
    return canonical.canonical(msgspec.to_builtins(said))


def say(home: Home, signed: ByPerson, *, now: int) -> Item:
    """Keep what a person said of an item, in the private log too, and stir what it concerns.

    RefusedError when nobody is enrolled under the name, the item waits no more as it was signed, or
    the verdict cannot be said of it now; ProofError when the signature is not that person's.
    """
    try:
        said = msgspec.convert(canonical.parse_canonical(signed.body), Statement)
        at = parse_timestamp(said.at)
    except (msgspec.ValidationError, InputError) as error:
        raise InputError("This is no verdict.", do="Sign it with Tearline.") from error
    with home.store.write() as tx:
        by_person.verify(signed, *keys_of(tx, said.person))
        if abs(at - now) > SKEW:
            raise RefusedError(
                "The statement was not signed just now.",
                means="Its moment lies more than ten minutes from this node's clock.",
                do="Set the clocks, and sign again.",
            )
        row = _named(tx, said.item)
        bound = _bound(tx, row, now)
        found = _items(tx, [row], bound, now)[0]
        check(found, said)
        if said.verdict == "request":
            reviews.spend(tx, [row.item])
            reviews.ask_again(tx, row.item, said.person, now)
        document = by_person.dump(signed)
        name = canonical.sha256(document)
        told = (0, row.item, said.person, said.verdict, said.text, document.decode(), name, at)
        reviews.add_verdict(tx, Verdict(*told, spent=False))
        _record(tx, row, found.agreement, signed, now)
        stirred.stir(tx, [row.stix_id])
        return _items(tx, [_named(tx, said.item)], bound, now)[0]


def check(found: Item, said: Statement) -> None:
    """Refuse what cannot be said of an item as it stands."""
    person, state = said.person, found.state
    if said.verdict != "approve" and not said.text.strip():
        raise RefusedError("This needs a reason.", do="Give it with --reason.")
    if said.verdict == "query":
        return
    if state == "approved":
        raise RefusedError(
            "It is approved already, and goes.", do="To take it back, use `tearline recall`."
        )
    if said.verdict == "request":
        return
    if state in {"refused", "lapsed"}:
        why = "A person refused it." if state == "refused" else "Nobody approved it in time."
        raise RefusedError(
            why,
            means="It stays, whatever is said of it now.",
            do="Whoever wants it to go asks anew: `tearline queue request`.",
        )
    if said.verdict == "approve" and person == found.review.requested_by:
        raise RefusedError(
            f"{person} requested it.",
            means="Who requests a release cannot approve it.",
            do="Have somebody else approve it.",
        )
    if any(v.person == person and v.verdict == said.verdict for v in _standing_said(found)):
        raise RefusedError(f"{person} has said that already.", do="See `tearline queue show`.")


def _standing_said(found: Item) -> Iterable[Verdict]:
    return (each for each in found.said if not each.spent)


# --------------------------------------------------------------------------------------- reading


def _items(tx: Tx, rows: Sequence[Review], bound: dict[str, InForce], now: int) -> list[Item]:
    keys = reviews.keys_by_name(tx)
    said = reviews.verdicts_on(tx, [each.item for each in rows])
    known = Known(tx, OURS)
    known.facts([each.stix_id for each in rows], now)
    stood = _stood(tx, rows)
    return [
        _item(
            row,
            bound[row.agreement_id],
            stood.get((row.agreement_id, row.stix_id)),
            said.get(row.item, []),
            keys,
            known,
            now,
        )
        for row in rows
    ]


def _stood(tx: Tx, rows: Sequence[Review]) -> dict[tuple[str, str], Standing]:
    """By agreement and object, the standing decisions on what people were asked about."""
    ids: dict[str, list[str]] = {}
    for each in rows:
        ids.setdefault(each.agreement_id, []).append(each.stix_id)
    return {
        (agreement_id, stix_id): each
        for agreement_id, its in ids.items()
        for stix_id, each in releases.standing(tx, agreement_id, its).items()
    }


def _codes(standing: Standing | None) -> list[tuple[str, str | None]]:
    return orjson.loads(standing.reasons) if standing is not None else []


def _clauses(bound: InForce) -> dict[str, Clause]:
    return {each.id: each for each in rules_under(bound.terms_bytes, bound.our_slot).clauses}


def _until(row: Review, clause: Clause | None) -> int | None:
    """When silence ends an item; of a version amended just now, the clause may be gone."""
    return row.asked_at + clause.within if clause and clause.within else None


def _line(row: Review, bound: InForce, stood: Mapping[tuple[str, str], Standing]) -> Line:
    standing = stood.get((row.agreement_id, row.stix_id))
    return Line(
        row,
        state_of(standing),
        bound.title,
        bound.partner,
        tuple(code for code, _ in _codes(standing)),
        _until(row, _clauses(bound).get(row.clause)),
    )


def _item(  # what an item is made of
    row: Review,
    bound: InForce,
    standing: Standing | None,
    said: list[Verdict],
    keys: dict[str, tuple[str, ...]],
    known: Known,
    now: int,
) -> Item:
    clauses = _clauses(bound)
    clause = clauses.get(row.clause)
    facts = known.facts([row.stix_id], now).get(row.stix_id)
    told = [
        Told(Code(code), name, reasons.ours(Code(code), facts, clauses.get(name or "")))
        for code, name in _codes(standing)
        if facts is not None
    ]
    return Item(
        review=row,
        state=state_of(standing),
        agreement=bound.hash,
        title=bound.title,
        partner=bound.partner,
        type=type_of(row.stix_id),
        reasons=tuple(told),
        needed=clause.approvals if clause else 0,
        until_at=_until(row, clause),
        reviewed=weigh(row, said, keys),
        said=tuple(said),
    )


def _named(tx: Tx, name: str) -> Review:
    prefix = name if name.startswith("sha256:") else f"sha256:{name}"
    long_enough = len(prefix) >= len("sha256:") + _SHORT
    found = reviews.reviews_named(tx, prefix) if long_enough else []
    if len(found) == 1:
        return found[0]
    if found or not long_enough:
        raise RefusedError(f"{name} names no single item.", do="Write more of its hash.")
    raise RefusedError(
        f"Nobody is asked about {name}.",
        means="It went, it stays, or its bytes or the agreement changed: then it has a new name.",
        do="See `tearline queue list`.",
    )


def _bound(tx: Tx, row: Review, now: int) -> dict[str, InForce]:
    one = force.in_force(tx, row.agreement_id, now=now)
    if one is None:
        raise RefusedError("Its agreement binds no more.", do="See `tearline agreement list`.")
    return {row.agreement_id: one}


def _record(tx: Tx, row: Review, agreement: str, signed: ByPerson, now: int) -> None:
    record = {
        "kind": "verdict",
        "agreement": agreement,
        "clause": row.clause,
        "object": row.delivered_id,
        "bytes": row.hash,
        "signed": by_person.builtins(signed),
        "at": format_timestamp(now, digits=6),
    }
    private.add(tx, "verdict", [orjson.dumps(record).decode()])
