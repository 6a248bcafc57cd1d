"""Keys change between two nodes that answer on loopback, while they exchange."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tearline.agreement import signing
from tearline.agreement.card import USES
from tearline.agreement.cards_held import cards_of
from tearline.agreement.renewing import revoke, rotate
from tearline.exchange import peer
from tearline.store import agreements, parties, received
from tests.exchange.nodes import Nodes, both_serving, give

NORTH, SOUTH = "north-cert", "south-isac"


@pytest.fixture
def nodes(tmp_path: Path) -> Iterator[Nodes]:
    with both_serving(tmp_path) as made:
        yield made


def test_two_nodes_exchange_while_every_key_changes(nodes: Nodes) -> None:
    nodes.agree()
    number = 0
    for use in (*USES, *USES):
        for us, them in ((nodes.north, SOUTH), (nodes.south, NORTH)):
            rotate(us, use, now=nodes.tick())
            number += 1
            give(nodes, number)
            # The reader may come before the card does: both log keys sign.
            early = peer.sync(nodes.south, NORTH, now=nodes.tick())
            assert (early.problems, early.delivered.refused) == ([], ())
            assert peer.deliver(us, them, now=nodes.tick()).refused == ()
    assert peer.deliver(nodes.north, SOUTH, now=nodes.tick()).refused == ()
    with nodes.south.store.read() as tx:
        assert not received.in_state(tx, nodes.agreement_id, "quarantined", "staged")
        accepted = received.in_state(tx, nodes.agreement_id, "accepted")
        assert {each.delivered_id for each in accepted} == nodes.delivered().keys()
        cards = cards_of(tx, NORTH)
        assert cards is not None
        assert cards.newest == nodes.north.card
        assert len(cards.files) == 1 + 2 * len(USES)
    for home in (nodes.north, nodes.south):
        with home.store.read() as tx:
            assert parties.refusals(tx) == []


def test_a_revocation_reaches_the_partner_before_all_else(nodes: Nodes) -> None:
    nodes.agree()
    give(nodes, 3)
    signing.suspend(nodes.south, nodes.agreement_id, "a doubt", now=nodes.tick())
    revoke(nodes.south, "sign", nodes.tick(), "a laptop was lost", now=nodes.tick())
    result = peer.deliver(nodes.south, NORTH, now=nodes.tick())
    assert result.refused == ()
    with nodes.north.store.read() as tx:
        partner = parties.partner_of(tx, SOUTH)
        (version,) = agreements.versions(tx, nodes.agreement_id)
        assert parties.refusals(tx) == []
    assert partner is not None
    assert "a laptop was lost" in str(partner.doubt)
    assert (version.state, version.serving) == ("suspended", False)
