"""Rows of partners, keys and refusals."""

from collections.abc import Iterator

import pytest

from tearline.store import parties
from tearline.store.database import Place, Store
from tearline.store.parties import Account, Partner, Refusal
from tearline.store.schema import open_store

NORTH = Partner("north-cert", "North CERT", b"card", "sha256:aa", 5, None, None)


@pytest.fixture
def store(place: Place) -> Iterator[Store]:
    made = open_store(place)
    yield made
    made.close()


def test_a_partner_is_kept_and_replaced(store: Store) -> None:
    with store.write() as tx:
        parties.save_partner(tx, NORTH)
        parties.save_partner(tx, NORTH._replace(name="North"))
        assert parties.partners(tx) == [NORTH._replace(name="North")]
        assert parties.partner_of(tx, "south") is None
        assert parties.partners_named(tx, "NORTH") == [NORTH._replace(name="North")]
        names = parties.names(tx)
        assert (names["north-cert"], names["nobody"]) == ("North", "nobody")


def test_the_key_of_a_blocked_party_opens_nothing(store: Store) -> None:
    with store.write() as tx:
        parties.save_partner(tx, NORTH)
        entry = Account("sha256:bb", "urn:uuid:1", "north-cert", 5)
        parties.add_account(tx, entry)
        parties.add_account(tx, entry._replace(agreement_id="urn:uuid:2"))
        assert parties.account_of(tx, "sha256:bb") == entry
        assert parties.accounts(tx, "urn:uuid:1") == [entry]
        parties.set_blocked(tx, "north-cert", at=6, reason="why")
        assert parties.account_of(tx, "sha256:bb") is None
        parties.set_blocked(tx, "north-cert", at=None, reason=None)
        assert parties.account_of(tx, "sha256:bb") == entry
        parties.end_accounts(tx, "urn:uuid:1", at=7)
        assert parties.account_of(tx, "sha256:bb") is None
        assert parties.accounts(tx, "urn:uuid:1") == []


def test_a_credential_is_kept_once(store: Store) -> None:
    with store.write() as tx:
        assert parties.credential_of(tx, "urn:uuid:1") is None
        parties.save_credential(tx, "urn:uuid:1", "secret", at=5)
        assert parties.credential_of(tx, "urn:uuid:1") == "secret"


def test_refusals_are_counted_by_party_and_listed_newest_first(store: Store) -> None:
    with store.write() as tx:
        rows = [Refusal(at, "north-cert", "key", f"sha256:{at}") for at in range(4)]
        for row in rows:
            parties.add_refusal(tx, row)
        parties.add_refusal(tx, Refusal(9, "south-isac", "size", "sha256:9"))
        assert parties.refusals_since(tx, "north-cert", 2) == 2
        assert parties.refusals(tx, "north-cert") == rows[::-1]
        assert len(parties.refusals(tx, limit=2)) == 2
        assert parties.refusals(tx)[0].party == "south-isac"
