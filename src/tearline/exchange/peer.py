"""Work with a partner's node: bring our messages, read what it gives, copy its log, settle.

Every step is durable before the next begins, and each can be done again: whoever kills a sync and
starts another loses nothing and takes nothing twice.
"""

from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple

from tearline.agreement import force as forces
from tearline.agreement.card import Card, read_card
from tearline.agreement.fitting import known_cards
from tearline.agreement.force import InForce
from tearline.agreement.home import Home
from tearline.agreement.outbox import delivered, export_messages, undelivered
from tearline.agreement.partners import find_party
from tearline.agreement.state import ENDED
from tearline.agreement.terms import collection_id
from tearline.agreement.watching import compare_log
from tearline.errors import PartnerError, ProofError, RefusedError, TearlineError
from tearline.exchange import taxii_client
from tearline.exchange.link import Identity, Link
from tearline.exchange.mirror import copy_log
from tearline.exchange.taxii_client import NotServedError
from tearline.release import inbound
from tearline.release.inbound import Settled
from tearline.stix.bundle import Limits
from tearline.store import agreements, parties
from tearline.store.parties import Partner

_ANSWER_BYTES = 64 << 10
_REFUSING = frozenset({400, 403, 409, 413, 422})


class NotTaken(NamedTuple):
    """A message of ours that the partner refused; it is kept, and tried again later."""

    id: str
    kind: str
    reason: str


class Delivered(NamedTuple):
    """What one delivery did: messages taken, and those refused."""

    taken: int
    refused: tuple[NotTaken, ...]


class Progress(NamedTuple):
    """Where a sync is: under which agreement, what is read (objects, leaves, records), how many."""

    agreement_id: str
    what: str
    number: int


class Synced(NamedTuple):
    """What a sync did under one agreement; `problem` when it stopped early."""

    agreement_id: str
    title: str
    objects: int
    leaves: int
    records: int
    settled: Settled | None
    problem: TearlineError | None


class SyncResult(NamedTuple):
    """What a sync with one partner did."""

    party: str
    delivered: Delivered
    agreements: tuple[Synced, ...]

    @property
    def problems(self) -> list[TearlineError]:
        """What went wrong, one for each agreement where something did."""
        return [each.problem for each in self.agreements if each.problem is not None]


def _quiet(_progress: Progress) -> None:
    """Tell nobody."""


# ------------------------------------------------------------------------------------ messages


def deliver(home: Home, party: str, *, now: int) -> Delivered:
    """Bring the partner what waits for it in the outbox, in order, and mark what was taken.

    PartnerError when its node cannot be reached; a message it refuses is kept and named.
    """
    with home.store.read() as tx:
        partner = find_party(tx, party)
        kinds = {each.id: each.kind for each in agreements.pending(tx, partner.slug)}
    if not kinds:
        return Delivered(0, ())
    taken, refused = 0, []
    with _link(home, partner) as link:
        for message_id, document in export_messages(home, partner.slug, now=now):
            reason = _post(home, link, message_id, document)
            if reason is None:
                delivered(home, [message_id], now=now)
                taken += 1
            else:
                refused.append(NotTaken(message_id, kinds.get(message_id, "message"), reason))
    return Delivered(taken, tuple(refused))


def _post(home: Home, link: Link, message_id: str, document: bytes) -> str | None:
    """Send one message; return why it was refused, None when it was taken."""
    try:
        reply = link.post(
            "/peer/messages", document, most=_ANSWER_BYTES, content_type="application/jose+json"
        )
    except PartnerError:
        undelivered(home, message_id)
        raise
    if reply.status in {200, 202}:
        return None
    undelivered(home, message_id)
    if reply.status in _REFUSING:
        return f"{link.url} answered {reply.status}: it does not say why; its private log does."
    raise PartnerError(
        f"{link.url} answered {reply.status} to a message.",
        means="It was not taken; it waits in the outbox.",
        do="Try again later.",
    )


def address(partner: Partner) -> str | None:
    """Return where the partner's node answers, if its card says so."""
    return _card(partner).url if partner.card is not None else None


def _address(partner: Partner) -> str:
    url = _card(partner).url
    if url is None:
        raise RefusedError(
            f"The card of {partner.name} names no address.",
            means="Its node cannot be reached from here.",
            do="Carry messages as files: `tearline agreement export`.",
        )
    return url


def _link(
    home: Home, partner: Partner, *, key: str | None = None, agreement: str | None = None
) -> Link:
    """Return a line to the partner's node, on which we prove who we are, and it who it is."""
    pins = _card(partner).tls
    return Link(_address(partner), ours=Identity.of(home), pins=pins, key=key, agreement=agreement)


def _card(partner: Partner) -> Card:
    if partner.card is None:
        raise RefusedError(
            f"{partner.name} has no node.",
            means="It reads what we give with a TAXII client, and sends no messages.",
            do="There is nothing to sync.",
        )
    return read_card(partner.card)


# ---------------------------------------------------------------------------------------- sync


def sync(
    home: Home, party: str, *, now: int, progress: Callable[[Progress], None] = _quiet
) -> SyncResult:
    """Bring what waits, read what the partner gives under each agreement, answer for it.

    PartnerError when our messages cannot be brought; a problem under one agreement stops that one
    alone and is in the result.
    """
    with home.store.read() as tx:
        partner = find_party(tx, party)
        bound = [
            (each, key)
            for each in forces.all_in_force(tx, now=now)
            if each.partner == partner.slug
            and not each.one_sided
            and (key := parties.credential_of(tx, each.agreement_id)) is not None
        ]
    if partner.blocked_at is not None:
        raise RefusedError(f"{partner.name} is blocked.", do="Unblock it first.")
    _address(partner)
    before = deliver(home, partner.slug, now=now)
    done = tuple(
        _sync_one(home, partner, force, key, now=now, progress=progress) for force, key in bound
    )
    after = deliver(home, partner.slug, now=now)
    again = {each.id for each in after.refused}
    refused = (*(each for each in before.refused if each.id not in again), *after.refused)
    return SyncResult(partner.slug, Delivered(before.taken + after.taken, refused), done)


def _sync_one(
    home: Home,
    partner: Partner,
    force: InForce,
    key: str,
    *,
    now: int,
    progress: Callable[[Progress], None],
) -> Synced:
    """Read pages, then their log, then settle; in this order, so that each object has its slip."""
    objects = leaves = records = 0
    settled, problem = None, None

    def tell(what: str, count: int) -> None:
        progress(Progress(force.agreement_id, what, count))

    def bring() -> None:
        with suppress(PartnerError):
            deliver(home, partner.slug, now=now)

    try:
        with _link(home, partner, key=key, agreement=force.hash) as link:
            served = force.accepting
            if force.accepting:
                objects, served = _read_pages(home, link, force, now=now, tell=tell)
            with home.store.read() as tx:
                cards = known_cards(tx, partner, now=now)
            leaves, records = copy_log(
                home, link, cards, force, now=now, served=served, tell=tell, bring=bring
            )
        compare_log(home, force.agreement_id, now=now)
        settled = inbound.settle(home, force.agreement_id, now=now)
    except TearlineError as error:
        over = force.state in ENDED and isinstance(error, PartnerError)
        problem = None if over else _advised(error)
    return Synced(force.agreement_id, force.title, objects, leaves, records, settled, problem)


def _advised(error: TearlineError) -> TearlineError:
    """Say what to do about what a partner's node sent, where whoever found it wrong could not."""
    if isinstance(error, ProofError) and not error.do:
        error.means = error.means or "Nothing of it was kept; what was held before still is."
        error.do = "Sync again. If it stays so, keep what the private log has, and ask the partner."
    return error


def _read_pages(
    home: Home, link: Link, force: InForce, *, now: int, tell: Callable[[str, int], None]
) -> tuple[int, bool]:
    """Stage the collection from where we stand to its end.

    Returns how many objects came, and whether the collection was there to its end.
    """
    collection = collection_id(force.agreement_id, force.their_slot)
    path = f"/taxii2/agreements/collections/{collection}/"
    start = inbound.cursor(home, force.agreement_id).next
    count = 0
    try:
        for page in taxii_client.pages(
            link, path, start, limit=home.settings.page_limit, limits=_limits(home)
        ):
            inbound.stage(home, force.agreement_id, page.raws, next_=page.resume, now=now)
            count += len(page.raws)
            tell("objects", count)
    except NotServedError:
        tell("objects", count)
        return count, False
    return count, True


def _limits(home: Home) -> Limits:
    """How much of a page is read; not by way of `files`, whose converters are slow to load."""
    own = home.settings
    return Limits(own.max_document_bytes, own.max_objects, own.max_object_bytes, own.max_depth)
