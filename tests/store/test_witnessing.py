from collections.abc import Iterator

import pytest

from tearline.store import cards, evidence, witnessing
from tearline.store.cards import Vouch
from tearline.store.database import Place, Store
from tearline.store.evidence import Evidence
from tearline.store.schema import open_store
from tearline.store.witnessing import Cosignature, Covering, Head, Witnessed

ROOT = bytes(range(32))


@pytest.fixture
def store(place: Place) -> Iterator[Store]:
    made = open_store(place)
    yield made
    made.close()


def test_the_last_head_takes_the_place_of_the_one_before(store: Store) -> None:
    first, second = (Witnessed("n/log/node", size, ROOT, "note", size) for size in (3, 5))
    with store.write() as tx:
        assert witnessing.witnessed_of(tx, "n/log/node") is None
        for each in (first, second):
            witnessing.set_witnessed(tx, each)
        assert witnessing.witnessed_of(tx, "n/log/node") == second
        assert witnessing.all_witnessed(tx) == [second]


def test_a_cosignature_on_a_smaller_head_comes_too_late(store: Store) -> None:
    given = [Cosignature("ours/a", "s/witness", size, f"line {size}", 1) for size in (3, 5, 4, 5)]
    with store.write() as tx:
        for each in given:
            witnessing.set_cosignature(tx, each)
        witnessing.set_cosignature(tx, given[0]._replace(log="ours/b"))
        assert witnessing.cosignatures(tx, "ours/a") == [given[1]]
        assert [each.log for each in witnessing.cosignatures(tx)] == ["ours/a", "ours/b"]


def test_each_leaf_knows_its_heads_though_only_changes_are_kept(store: Store) -> None:
    sizes = [{"private": 1}, {"private": 1, "ours/a": 2}, {"private": 4, "ours/a": 2}]
    with store.write() as tx:
        for index, each in enumerate(sizes):
            heads = {log: Head(size, ROOT) for log, size in each.items()}
            witnessing.commit(tx, index, heads)
        rows = tx.exec_driver_sql("SELECT count(*) FROM committed").scalar()
        assert rows == 3
        for index, each in enumerate(sizes):
            for log in ("private", "ours/a"):
                found = witnessing.committed_at(tx, log, index)
                assert (found.size if found else None) == each.get(log)


def test_of_a_partners_node_log_the_last_is_kept(store: Store) -> None:
    with store.write() as tx:
        assert witnessing.last_shown(tx, "theirs/a") is None
        for index in (3, 8):
            witnessing.set_shown(tx, "theirs/a", index, Head(index * 2, ROOT))
        assert witnessing.last_shown(tx, "theirs/a") == (8, 16)


def test_evidence_is_kept_once_in_a_span_and_never_dropped(store: Store) -> None:
    first = Evidence("sha256:1", "split-view", "north", "north/log/node", b"{}", 100)
    again = first._replace(hash="sha256:2", at=150)
    with store.write() as tx:
        assert evidence.add_in_span(tx, first, since=0) == first
        assert evidence.add_in_span(tx, again, since=90) == first
        for other in (again._replace(kind="rollback"), again._replace(about="north/log/x")):
            found = other._replace(hash=f"{other.kind} {other.about}")
            assert evidence.add_in_span(tx, found, since=90) == found
        assert evidence.add_in_span(tx, again, since=100) == again
        assert len(evidence.all_of(tx)) == 4


def test_what_a_witness_had_seen_is_kept_once_for_each_size(store: Store) -> None:
    first = Covering("ours/a", 3, "east/witness", None, 100)
    later = Covering("ours/a", 5, "south/witness", "— south/witness AAAA\n", 200)
    with store.write() as tx:
        for each in (later, first, first._replace(at=7), Covering("ours/b", 9, "x", None, 1)):
            witnessing.cover(tx, each)
    with store.read() as tx:
        assert witnessing.covers(tx, "ours/a") == [first, later]
        assert witnessing.covered(tx) == {"ours/a": 5, "ours/b": 9}
        assert witnessing.covers(tx, "ours/c") == []


def test_a_party_vouches_for_a_card_once(store: Store) -> None:
    with store.write() as tx:
        for document in (b"1", b"2"):
            cards.keep_vouch(tx, Vouch("sha256:a", "south", document, 5))
        cards.keep_vouch(tx, Vouch("sha256:a", "east", b"3", 6))
    with store.read() as tx:
        found = [(each.by, bytes(each.document)) for each in cards.vouches(tx, "sha256:a")]
        assert found == [("east", b"3"), ("south", b"2")]
        assert cards.vouches(tx, "sha256:b") == []
