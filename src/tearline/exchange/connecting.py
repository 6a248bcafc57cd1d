"""How the TAXII client of a party, or of an account of ours, gets in, and how that stands."""

from typing import NamedTuple

from tearline.agreement import force, signing
from tearline.agreement.force import InForce
from tearline.agreement.home import Home
from tearline.agreement.partners import find_party
from tearline.agreement.terms import collection_id
from tearline.errors import MisuseError, RefusedError
from tearline.exchange import taxii_agreements, taxii_local
from tearline.exchange.client_forms import PLACEHOLDER, Access
from tearline.store import accounts, parties, releases
from tearline.store.database import Tx

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
            return account_connections(tx, home, name, url)
        bound = [each for each in force.all_in_force(tx, now=now) if each.partner == party.slug]
        plain = [each for each in bound if each.one_sided]
        if not plain:
            raise _nothing_for(party.name, party.slug, node=party.card is not None)
        return [_connection(tx, home, party.name, each, url) for each in plain]


def account_connections(tx: Tx, home: Home, name: str, url: str | None = None) -> list[Connection]:
    """Return the local collections that an account of ours may read or write."""
    keys = tuple(KeyMade(each.key_hash, each.since_at) for each in accounts.keys_of(tx, name))
    found = [right.collection for right in accounts.rights_of(tx, name)]
    return [
        Connection(
            name,
            None,
            _access(home, taxii_local.ROOT, each.id, each.title, name, url),
            keys,
            0,
        )
        for each in found
    ]


def new_key(home: Home, agreement_id: str, *, keep: bool, now: int) -> str:
    """Return a fresh key for the receiver of a one-sided agreement; those before it end.

    With `keep` the keys before it go on opening, so that a client can change over.
    """
    return signing.open_account(home, agreement_id, keep=keep, now=now)


def _connection(tx: Tx, home: Home, name: str, bound: InForce, url: str | None) -> Connection:
    collection = collection_id(bound.agreement_id, bound.our_slot)
    access = _access(home, taxii_agreements.ROOT, collection, bound.title, bound.partner, url)
    keys = tuple(
        KeyMade(each.key_hash, each.since_at) for each in parties.accounts(tx, bound.agreement_id)
    )
    return Connection(name, bound, access, keys, releases.live_count(tx, bound.agreement_id))


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
