"""Keys change between two nodes that answer on loopback, while they exchange."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tearline.agreement import signing
from tearline.agreement.card import USES, write_cards
from tearline.agreement.cards_held import cards_of, our_cards
from tearline.agreement.renewing import revoke, rotate
from tearline.cli.checking import Given
from tearline.cli.comparing import check_both
from tearline.cli.copying import copy_log
from tearline.exchange import peer
from tearline.log import record, tiles
from tearline.log.checkpoint import cosigned_at
from tearline.store import agreements, logs, parties, received
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


def test_a_witness_key_that_changes_within_a_sync_is_made_known_within_it(nodes: Nodes) -> None:
    """The cosignature of the new key is of no use before the card; nobody has to sync again."""
    nodes.agree()
    give(nodes, 2)
    changed: list[str] = []

    def change(at: peer.Progress) -> None:
        if at.what == "leaves" and not changed:
            rotate(nodes.south, "witness", now=nodes.tick())
            changed.append(nodes.south.card.witness)

    assert peer.sync(nodes.south, NORTH, now=nodes.tick(), progress=change).problems == []
    with nodes.north.store.read() as tx:
        log = record.our_log(nodes.agreement_id)
        signed = logs.last_checkpoint(tx, log)
        assert signed is not None
        note = tiles.cosigned_note(tx, log, signed, None)
    assert cosigned_at(note, changed[0]) is not None


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


@pytest.mark.parametrize("early", [False, True])
def test_an_auditor_judges_a_revoked_key_by_the_witnesses_of_both_logs(
    nodes: Nodes, tmp_path: Path, *, early: bool
) -> None:
    """What North said stands if South had cosigned it, before the moment that North names."""
    before = nodes.tick()
    nodes.agree()
    for _ in range(2):
        assert peer.sync(nodes.south, NORTH, now=nodes.tick(2_000_000)).problems == []
    nodes.tick(2_000_000)
    since = before if early else nodes.now
    revoke(nodes.north, "sign", since, "a laptop was lost", now=nodes.tick())
    assert peer.deliver(nodes.north, SOUTH, now=nodes.tick()).refused == ()
    folders = tmp_path / "north-log", tmp_path / "south-log"
    cards = []
    for home, folder in zip((nodes.north, nodes.south), folders, strict=True):
        copy_log(home, nodes.agreement_id, folder, records=True, theirs=False)
        cards.append(folder.with_suffix(".cards"))
        with home.store.read() as tx:
            cards[-1].write_bytes(write_cards(our_cards(tx, home).files))
    found = check_both(folders, Given(cards=cards), [])
    assert found.good, found.compared.problems
    told = [each.what for each in found.compared.open if "revoked" in each.what]
    assert bool(told) is early
