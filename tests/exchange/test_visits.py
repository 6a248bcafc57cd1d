"""What is remembered of clients' requests, and the leaf for what a plain client was served."""

import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.testclient import TestClient

from tearline.agreement import signing
from tearline.agreement.partners import block_party
from tearline.errors import StoreError
from tearline.exchange.access import Door
from tearline.exchange.connecting import connections
from tearline.exchange.taxii_server import Taxii
from tearline.exchange.visits import HOUR_US, Visits, flush, joined
from tearline.log import record
from tearline.node.gathering import Gathering
from tearline.release.serving import log_served
from tearline.store import logs, visits
from tearline.store.visits import Visit
from tests.exchange.local import shelf
from tests.exchange.nodes import Nodes, give, make_nodes
from tests.plain import sign


class Plain:
    """North gives to the East Clinic, which has no node, and remembers how it asked."""

    def __init__(self, nodes: Nodes) -> None:
        self.nodes = nodes
        self.home = nodes.north
        self.memory = Visits()
        taxii = Taxii(lambda: self.home, Door(most=5), self.memory)
        self.app = Starlette(routes=[Mount("", taxii)])
        sign(nodes, reach=2)
        self.key = self.new_key()

    def new_key(self, *, keep: bool = True) -> str:
        ref = self.nodes.agreement_id
        return signing.open_account(self.home, ref, keep=keep, now=self.nodes.tick())

    def get(self, path: str, key: str | None = None, **more: Any) -> httpx2.Response:  # noqa: ANN401
        auth = ("east-clinic", key or self.key)
        with TestClient(self.app, follow_redirects=False) as client:
            return client.get(path, auth=auth, **more)

    def objects(self, key: str | None = None, **params: str) -> httpx2.Response:
        return self.get(f"{self.nodes.path}objects/", key, params=params)

    def flush(self) -> None:
        flush(self.home, self.memory.take())

    def last(self) -> Visit:
        self.flush()
        (found,) = connections(self.home, "east-clinic", now=self.nodes.tick())
        assert found.visit is not None
        return found.visit

    def why(self) -> list[str]:
        self.flush()
        (found,) = connections(self.home, "east-clinic", now=self.nodes.tick())
        return [each.code for each in found.why]

    def records(self, kind: str) -> list[dict[str, Any]]:
        log = record.our_log(self.nodes.agreement_id)
        with self.home.store.read() as tx:
            found = [json.loads(row[3]) for row in logs.records_after(tx, log, -1)]
        return [each for each in found if each["kind"] == kind]


@pytest.fixture
def plain(tmp_path: Path) -> Iterator[Plain]:
    nodes = make_nodes(tmp_path)
    made = Plain(nodes)
    assert give(nodes, 20) == 43
    yield made
    nodes.close()


# ------------------------------------------------------------------------------ the last request


def test_the_last_request_is_remembered_with_its_counts(plain: Plain) -> None:
    assert plain.why() == ["never-connected"]
    plain.get("/taxii2/", headers={"User-Agent": "Some\tTool/1.0" + "x" * 500})
    seen = plain.last()
    assert (seen.resource, seen.status, seen.objects) == ("discovery", 200, 0)
    assert seen.agent.startswith("Some?Tool/1.0")
    assert len(seen.agent) == 200
    assert plain.why() == ["only-looked"]
    plain.objects(limit="30")
    plain.objects()
    seen = plain.last()
    assert (seen.objects, seen.objects_total, seen.requests, seen.refused) == (43, 73, 3, 0)
    assert (seen.address, seen.kind, seen.given_at) == ("testclient", "partner", seen.at)
    assert plain.why() == []


def test_a_request_writes_nothing(plain: Plain) -> None:
    plain.objects()
    with plain.home.store.read() as tx:
        assert visits.visits_of(tx, "partner", "east-clinic") == []
        assert visits.served_before(tx, 2**62) == []


def test_why_nothing_arrived_through_the_door(plain: Plain) -> None:
    plain.objects("wrong")
    assert plain.why() == ["wrong-key"]
    old, plain.key = plain.key, plain.new_key(keep=False)
    plain.objects(old)
    assert plain.why() == ["ended-key"]
    plain.objects(added_after="2099-01-01T00:00:00Z")
    assert plain.why() == ["asks-too-late"]
    plain.objects(**{"match[type]": "report"})
    assert plain.why() == ["other-types"]
    plain.get(f"{plain.nodes.path}objects/", headers={"Accept": "application/vnd.oasis.taxii+json"})
    assert plain.why() == ["accept-refused"]
    plain.get("/taxii2/agreements/collections/00000000-0000-4000-8000-000000000000/objects/")
    assert plain.why() == ["other-collection"]
    plain.get("/taxii2/nosuch/")
    assert plain.why() == ["other-address"]
    plain.objects(limit="0")
    assert plain.why() == ["bad-query"]
    plain.objects()
    assert plain.why() == []
    plain.objects(added_after="2099-01-01T00:00:00Z")
    assert plain.why() == ["up-to-date"]
    signing.suspend(plain.home, plain.nodes.agreement_id, "enough", now=plain.nodes.tick())
    plain.objects()
    assert plain.why() == ["agreement-suspended"]
    block_party(plain.home, "east-clinic", "it broke its word", now=plain.nodes.tick())
    plain.objects()
    assert plain.why() == ["blocked"]
    assert plain.last().kind == "partner"


def test_strangers_share_one_row_and_bounded_memory(plain: Plain) -> None:
    for number in range(30):
        with TestClient(plain.app) as client:
            client.get("/taxii2/", headers={"X-API-Key": f"{number}"})
            client.get("/taxii2/", auth=(f"nobody{number}", "x"))
    plain.flush()
    with plain.home.store.read() as tx:
        (row,) = visits.visits_of(tx, "stranger", "")
    assert (row.requests, row.refused) == (60, 60)


def test_an_account_of_ours_is_remembered_too(tmp_path: Path) -> None:
    with shelf(tmp_path) as node:
        memory = Visits()
        app = Starlette(routes=[Mount("", Taxii(lambda: node.home, node.door, memory))])
        with TestClient(app) as client:
            client.get(node.path("feed"), auth=("alice", "correct horse"))
            client.get(node.path("feed"), auth=("reader", "wrong"))
        flush(node.home, memory.take())
        (alice,) = connections(node.home, "alice", now=1)
        assert alice.visit is not None
        assert (alice.visit.status, alice.visit.requests) == (200, 1)
        assert [each.code for each in alice.why] == ["collection-empty"]
        (reader,) = connections(node.home, "reader", now=1)
        assert [each.code for each in reader.why] == ["wrong-key", "collection-empty"]


def test_two_processes_add_up(plain: Plain) -> None:
    plain.objects()
    first = plain.memory.take()
    plain.objects(limit="3")
    second = plain.memory.take()
    flush(plain.home, second)
    flush(plain.home, first)
    seen = plain.last()
    assert (seen.requests, seen.objects_total, seen.objects) == (2, 46, 3)


def test_what_cannot_be_written_is_kept(plain: Plain, monkeypatch: pytest.MonkeyPatch) -> None:
    gathering = Gathering(plain.home, plain.memory)
    plain.objects(limit="5")
    with monkeypatch.context() as patch:

        def away(*_: object) -> None:
            raise StoreError("It is away.")

        patch.setattr("tearline.node.gathering.flush", away)
        assert not gathering.step()
    plain.objects()
    assert gathering.step()
    assert (plain.last().requests, plain.last().objects_total) == (2, 48)
    assert log_served(plain.home, now=plain.nodes.now + 2 * HOUR_US) == 1
    (leaf,) = plain.records("served")
    assert (leaf["requests"], leaf["objects"]) == (2, 48)


# ----------------------------------------------------------------------------------- the leaf


def test_what_was_served_in_an_hour_is_one_leaf_and_never_called_received(plain: Plain) -> None:
    first = plain.objects(limit="30").json()
    plain.objects(next=first["next"])
    plain.objects()
    plain.get(f"{plain.nodes.path}manifest/")
    with TestClient(plain.app) as client:
        client.head(f"{plain.nodes.path}objects/", auth=("east-clinic", plain.key))
    plain.flush()
    assert log_served(plain.home, now=plain.nodes.tick()) == 0, "the hour is not over"
    later = plain.nodes.now + HOUR_US + 60_000_000
    assert log_served(plain.home, now=later) == 1
    assert log_served(plain.home, now=later) == 0
    (leaf,) = plain.records("served")
    assert (leaf["to"], leaf["requests"], leaf["objects"]) == ("east-clinic", 3, 86)
    assert leaf["positions"] == [[1, 43]]
    assert leaf["agreement"].startswith("sha256:")
    assert leaf["from"].endswith(":00:00.000000Z")
    assert len(leaf["key"]) == 16
    assert plain.key not in json.dumps(leaf)
    assert plain.records("delivery") == []


def test_each_key_has_its_own_leaf_and_a_receipt_proves_it(plain: Plain) -> None:
    plain.objects(limit="2")
    plain.objects(plain.new_key(), limit="1")
    plain.flush()
    assert log_served(plain.home, now=plain.nodes.now + 2 * HOUR_US) == 2
    leaves = plain.records("served")
    assert sorted(each["positions"] for each in leaves) == [[[1, 1]], [[1, 2]]]
    assert len({each["key"] for each in leaves}) == 2
    agreement, now = plain.nodes.agreement_id, plain.nodes.now + 2 * HOUR_US
    plain.home.publish(agreement, now=now)
    log = record.our_log(agreement)
    with plain.home.store.read() as tx:
        last = logs.head(tx, log).size - 1
        made = record.receipt(
            tx,
            log,
            last,
            0,
            origin=record.origin_of(plain.home.slug, agreement),
            vkey=plain.home.log_vkey(agreement),
        )
    assert json.loads(made["record"])["kind"] == "served"


def test_a_partners_node_is_not_counted_as_served(tmp_path: Path) -> None:
    nodes = make_nodes(tmp_path)
    nodes.agree(reach=2)
    give(nodes, 1)
    memory = Visits()
    app = Starlette(routes=[Mount("", Taxii(lambda: nodes.north, Door(), memory))])
    headers = {"Authorization": f"Bearer {nodes.key}", "Tearline-Agreement": nodes.last_hash or ""}
    with TestClient(app, headers=headers) as client:
        asked = client.get(f"{nodes.path}objects/", auth=nodes.signs)
        assert len(asked.json()["objects"]) == 5
    taken = memory.take()
    assert (len(taken.visits), taken.served) == (1, [])
    nodes.close()


spans = st.lists(st.tuples(st.integers(1, 60), st.integers(0, 9)), max_size=30)


@given(spans)
def test_joined_spans_hold_the_same_positions(found: list[tuple[int, int]]) -> None:
    pairs = [[first, first + more] for first, more in found]
    held = {each for first, last in pairs for each in range(first, last + 1)}
    done = joined(pairs)
    assert {each for first, last in done for each in range(first, last + 1)} == held
    assert all(a[1] + 1 < b[0] for a, b in itertools.pairwise(done))
