"""How the TAXII client of a party, or of an account of ours, gets in, and how that stands."""

from collections import Counter
from typing import NamedTuple

import orjson

from tearline.agreement import force, signing
from tearline.agreement.force import InForce
from tearline.agreement.home import Home
from tearline.agreement.partners import find_party
from tearline.agreement.terms import collection_id
from tearline.errors import MisuseError, RefusedError
from tearline.exchange import taxii_agreements, taxii_local
from tearline.exchange.client_forms import PLACEHOLDER, Access
from tearline.exchange.why import Sight, Why, why
from tearline.store import accounts, collections, parties, tallies, visits
from tearline.store.database import Tx
from tearline.store.parties import Partner
from tearline.store.visits import Visit

DEFAULT_URL = "http://127.0.0.1:8400"
"""Where `tearline serve` listens if nothing else is said."""


class KeyMade(NamedTuple):
    """A key that opens now: its hash, and when it was made. The key itself is not kept."""

    key_hash: str
    since_at: int


class Connection(NamedTuple):
    """One collection that one client may read, and how that stands.

    `bound` is the agreement, None for an account of ours.
    """

    name: str
    bound: InForce | None
    access: Access
    keys: tuple[KeyMade, ...]
    released: int
    visit: Visit | None
    why: tuple[Why, ...]


def connections(home: Home, name: str, url: str | None = None, *, now: int) -> list[Connection]:
    """Return the collections of a party under its one-sided agreements, or those of an account.

    MisuseError when there is neither; RefusedError for a party with a node, which connects by
    itself, and for one without any agreement yet.
    """
    with home.store.read() as tx:
        account = accounts.account_named(tx, name) if name.isprintable() else None
        try:
            party = find_party(tx, name)
        except MisuseError:
            if account is None:
                raise
            return account_connections(tx, home, name, url, now=now)
        bound = [each for each in force.all_in_force(tx, now=now) if each.partner == party.slug]
        plain = [each for each in bound if each.one_sided]
        if not plain:
            raise _nothing_for(party.name, party.slug, node=party.card is not None)
        return [_connection(tx, home, party, each, url, now) for each in plain]


def account_connections(
    tx: Tx, home: Home, name: str, url: str | None = None, *, now: int
) -> list[Connection]:
    """Return the local collections that an account of ours may read or write."""
    keys = tuple(KeyMade(each.key_hash, each.since_at) for each in accounts.keys_of(tx, name))
    last = next(iter(visits.visits_of(tx, "account", name)), None)
    found = []
    for each in (right.collection for right in accounts.rights_of(tx, name)):
        count = collections.count_of(tx, each.number)
        sight = Sight(
            state="",
            serving=True,
            blocked=False,
            has_key=True,
            collection=each.id,
            released=count,
            types=frozenset(),
            last_at=each.last_at,
            withheld={},
            ended_keys=frozenset(),
            from_at=0,
            now=now,
        )
        access = _access(home, taxii_local.ROOT, each.id, each.title, name, url)
        found.append(Connection(name, None, access, keys, count, last, tuple(why(sight, last))))
    return found


def new_key(home: Home, agreement_id: str, *, keep: bool, now: int) -> str:
    """Return a fresh key for the receiver of a one-sided agreement; those before it end.

    With `keep` the keys before it go on opening, so that a client can change over.
    """
    return signing.open_account(home, agreement_id, keep=keep, now=now)


def _connection(
    tx: Tx, home: Home, party: Partner, bound: InForce, url: str | None, now: int
) -> Connection:
    """Return how the client of a party stands under one agreement."""
    collection = collection_id(bound.agreement_id, bound.our_slot)
    access = _access(home, taxii_agreements.ROOT, collection, bound.title, bound.partner, url)
    opened = parties.accounts(tx, bound.agreement_id)
    keys = tuple(KeyMade(each.key_hash, each.since_at) for each in opened)
    live = tallies.live_types(tx, bound.agreement_id)
    released = sum(count for count, _ in live.values())
    last = _last_visit(tx, bound)
    sight = Sight(
        state=bound.state,
        serving=bound.serving,
        blocked=party.blocked_at is not None,
        has_key=bool(keys),
        collection=collection,
        released=released,
        types=frozenset(live),
        last_at=max((at for _, at in live.values()), default=None),
        withheld=_withheld(tx, bound.agreement_id),
        ended_keys=parties.ended_keys(tx, bound.agreement_id),
        from_at=bound.from_at,
        now=now,
    )
    return Connection(party.name, bound, access, keys, released, last, tuple(why(sight, last)))


def _last_visit(tx: Tx, bound: InForce) -> Visit | None:
    """Return the last request under an agreement, or in the party's name with a wrong key."""
    rows = visits.visits_of(tx, "partner", bound.partner)
    return next((each for each in rows if each.agreement_id in {"", bound.agreement_id}), None)


def _withheld(tx: Tx, agreement_id: str) -> dict[str, int]:
    """Count what does not go by each of its reasons."""
    counts: Counter[str] = Counter()
    for text, number in tallies.reasons_counted(tx, agreement_id):
        for code in {str(code) for code, _ in orjson.loads(text)}:
            counts[code] += number
    return dict(counts)


def _access(
    home: Home, root: str, collection: str, title: str, user: str, url: str | None
) -> Access:
    base = (url or home.card.url or DEFAULT_URL).rstrip("/")
    return Access(
        discovery=f"{base}/taxii2/",
        api_root=f"{base}{root}",
        root=root.rstrip("/").rpartition("/")[2],
        collection=collection,
        title=title,
        user=user,
        secret=PLACEHOLDER,
        page_limit=home.settings.page_limit,
    )


def _nothing_for(name: str, slug: str, *, node: bool) -> RefusedError:
    if node:
        return RefusedError(
            f"{name} has a node, which connects by itself.",
            means="Its key is made and sent with the countersignature.",
            do=f"See `tearline party show {slug}` and `tearline status`.",
        )
    return RefusedError(
        f"There is no agreement with {name} yet.",
        means="A collection stands for an agreement; without one nothing is given.",
        do=f"Write one: tearline agreement new --with {slug} --paper FILE --out DRAFT, then "
        "tearline agreement propose DRAFT.",
    )
