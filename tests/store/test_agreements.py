"""Rows of agreements, statements and messages."""

from collections.abc import Iterator

import pytest
from sqlalchemy.exc import IntegrityError

from tearline.store import agreements
from tearline.store.agreements import Outgoing, StatementRow, Version
from tearline.store.database import Place, Store
from tearline.store.schema import open_store

ID = "urn:uuid:1"
ONE = Version(
    hash="sha256:01",
    agreement_id=ID,
    version=1,
    title="Hospitals",
    terms=b"{}",
    signed=b"{}",
    our_slot="north",
    their_slot="south",
    partner="south-isac",
    one_sided=False,
    from_at=1,
    until_at=9,
    state="proposed",
    ours=True,
    serving=False,
    accepting=False,
    arrived_at=5,
)
SAID = StatementRow(
    hash="sha256:a",
    agreement_id=ID,
    agreement=ONE.hash,
    ours=True,
    place=0,
    body=b"body",
    signed=b"signed",
    at=5,
    leaf=0,
)
OUT = Outgoing(
    seq=0,
    id="m1",
    party="south-isac",
    kind="proposal",
    agreement_id=ID,
    agreement=ONE.hash,
    body=b"{}",
    leaf=None,
    statement="sha256:a",
    rendered=None,
    receipt_hash=None,
    at=5,
    delivered_at=None,
    attempts=0,
)


@pytest.fixture
def store(place: Place) -> Iterator[Store]:
    made = open_store(place)
    yield made
    made.close()


def test_versions_are_kept_in_order_with_their_state(store: Store) -> None:
    two = ONE._replace(hash="sha256:02", version=2)
    other = ONE._replace(hash="sha256:03", agreement_id="urn:uuid:2", partner="west")
    with store.write() as tx:
        for version in (two, ONE, other):
            agreements.add_version(tx, version)
        assert agreements.versions(tx, ID) == [ONE, two]
        assert agreements.every_version(tx, partner="west") == [other]
        assert len(agreements.every_version(tx)) == 3
        assert agreements.agreement_ids(tx) == [ID, "urn:uuid:2"]
        agreements.set_state(tx, ONE.hash, "active", serving=True, accepting=True)
        agreements.set_signed(tx, ONE.hash, b"both")
        assert agreements.agreement_ids(tx, state="active") == [ID]
        changed = ONE._replace(state="active", serving=True, accepting=True, signed=b"both")
        assert agreements.version_of(tx, ONE.hash) == changed
        assert agreements.version_of(tx, "sha256:99") is None


def test_a_place_in_a_chain_is_taken_once(store: Store) -> None:
    with store.write() as tx:
        agreements.add_statement(tx, SAID)
        agreements.add_statement(tx, SAID._replace(hash="sha256:b", ours=False, leaf=1))
        agreements.add_statement(tx, SAID._replace(hash="sha256:c", place=1, leaf=2))
        assert [row.hash[-1] for row in agreements.statements(tx, ID)] == ["a", "b", "c"]
        last = agreements.last_statement(tx, ID, ours=True)
        assert last is not None
        assert last.hash == "sha256:c"
        assert agreements.last_statement(tx, "urn:uuid:2", ours=True) is None
    with pytest.raises(IntegrityError), store.write() as tx:
        agreements.add_statement(tx, SAID._replace(hash="sha256:d"))


def test_a_statement_that_counts_for_nothing_is_not_the_last_one(store: Store) -> None:
    with store.write() as tx:
        agreements.add_version(tx, ONE)
        agreements.add_statement(tx, SAID)
        agreements.add_statement(tx, SAID._replace(hash="sha256:c", place=1, leaf=1))
        agreements.set_void(tx, "sha256:c", void=True)
        last = agreements.last_statement(tx, ID, ours=True)
        assert last == SAID
        assert [row.void for row in agreements.statements(tx, ID)] == [False, True]
        agreements.drop_statement(tx, "sha256:c")
        assert agreements.statements(tx, ID) == [SAID]


def test_a_card_leaves_first_and_a_newer_one_in_its_place(store: Store) -> None:
    with store.write() as tx:
        for name, kind in (("m1", "proposal"), ("m2", "card"), ("m3", "statement")):
            agreements.add_outgoing(tx, OUT._replace(id=name, kind=kind))
        assert [each.id for each in agreements.pending(tx)] == ["m2", "m1", "m3"]
        agreements.drop_pending(tx, "card", OUT.party)
        assert [each.id for each in agreements.pending(tx)] == ["m1", "m3"]


def test_a_message_is_rendered_once_and_leaves_when_delivered(store: Store) -> None:
    with store.write() as tx:
        agreements.add_outgoing(tx, OUT)
        agreements.add_outgoing(tx, OUT._replace(id="m2", party="west", statement=None))
        assert [each.id for each in agreements.pending(tx)] == ["m1", "m2"]
        assert [each.id for each in agreements.pending(tx, "west")] == ["m2"]
        assert agreements.set_rendered(tx, "m1", b"first", "sha256:r") == b"first"
        assert agreements.set_rendered(tx, "m1", b"second", None) == b"first"
        assert agreements.receipt_sent(tx, ONE.hash, "sha256:r")
        assert not agreements.receipt_sent(tx, ONE.hash, "sha256:q")
        agreements.count_attempt(tx, "m1")
        assert agreements.pending(tx, "south-isac")[0].attempts == 1
        assert agreements.outgoing_for(tx, ["sha256:a"]) == ["m1"]
        agreements.set_delivered(tx, ["m1"], at=7)
        assert [each.id for each in agreements.pending(tx)] == ["m2"]


def test_a_message_is_remembered_by_its_sender(store: Store) -> None:
    with store.write() as tx:
        assert agreements.remember(tx, "m1", "south-isac", at=5)
        assert not agreements.remember(tx, "m1", "south-isac", at=6)
        assert agreements.remember(tx, "m1", "west", at=6)


def test_what_waits_is_kept_once_until_it_is_taken(store: Store) -> None:
    with store.write() as tx:
        agreements.wait(tx, "west", "sha256:d", b"document", at=5)
        agreements.wait(tx, "west", "sha256:d", b"document", at=6)
        assert [each.document for each in agreements.waiting(tx, "west")] == [b"document"]
        assert agreements.waiting(tx, "east") == []
        agreements.stop_waiting(tx, "sha256:d")
        assert agreements.waiting(tx, "west") == []
