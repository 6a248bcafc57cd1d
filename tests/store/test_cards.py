"""Chains of cards and evidence, as they are kept."""

from collections.abc import Iterator

import pytest

from tearline.store import cards, evidence, owner, parties
from tearline.store.cards import CardRow
from tearline.store.database import Place, Store
from tearline.store.evidence import Evidence
from tearline.store.owner import Owner
from tearline.store.parties import Partner
from tearline.store.schema import open_store


@pytest.fixture
def store(place: Place) -> Iterator[Store]:
    made = open_store(place)
    yield made
    made.close()


ROWS = [CardRow("north", place, f"sha256:{place}", b"card", 5 + place, None) for place in range(3)]


def test_a_chain_is_kept_in_order_and_cut(store: Store) -> None:
    with store.write() as tx:
        for row in reversed(ROWS):
            cards.add(tx, row)
        cards.add(tx, ROWS[0]._replace(party="south"))
        assert cards.chain(tx, "north") == ROWS
        assert cards.documents(tx) == {"north": (b"card",) * 3, "south": (b"card",)}
        assert cards.is_held(tx, "north", "sha256:2")
        cards.set_confirmed(tx, "north", "sha256:0", at=9)
        cards.cut(tx, "north", 1)
        assert cards.chain(tx, "north") == [ROWS[0]._replace(confirmed_at=9)]
        assert not cards.is_held(tx, "north", "sha256:2")
        assert cards.chain(tx, "east") == []


def test_evidence_is_kept_once(store: Store) -> None:
    one = Evidence("sha256:x", "two-cards", "north", None, b"{}", 5)
    other = Evidence("sha256:y", "two-statements", "south", "urn:uuid:1", b"{}", 4)
    with store.write() as tx:
        assert evidence.add(tx, one)
        assert not evidence.add(tx, one._replace(at=6))
        assert evidence.add(tx, other)
        assert evidence.all_of(tx) == [other, one]
        assert evidence.all_of(tx, party="north") == [one]
        assert evidence.all_of(tx, about="urn:uuid:1") == [other]


def test_how_far_a_log_was_compared_is_kept(store: Store) -> None:
    with store.write() as tx:
        assert evidence.watched(tx, "theirs/1") == -1
        for leaf in (3, 8):
            evidence.set_watched(tx, "theirs/1", leaf)
        assert evidence.watched(tx, "theirs/1") == 8


def test_a_doubt_and_a_card_stand_with_the_partner(store: Store) -> None:
    north = Partner("north", "North", b"card", "sha256:0", 5, None, None)
    with store.write() as tx:
        parties.save_partner(tx, north)
        parties.set_doubt(tx, "north", at=7, doubt="stolen")
        parties.set_card(tx, "north", b"new", "sha256:1")
        changed = north._replace(card=b"new", card_hash="sha256:1")
        assert parties.partner_of(tx, "north") == changed._replace(doubted_at=7, doubt="stolen")
        parties.set_doubt(tx, "north", at=None, doubt=None)
        assert parties.partner_of(tx, "north") == changed
        owner.claim(tx, Owner("us", "root1", 1))
        owner.set_root(tx, "root2")
        assert owner.owner_of(tx) == Owner("us", "root2", 1)
