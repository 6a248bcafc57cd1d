"""Nothing is served from an agreement that is stopped, by any route, from the next request on.

The routes are read from the app itself, so a new one cannot be forgotten: where a route has a
parameter that nobody knows how to fill here, the test fails.
"""

import json
import re
import subprocess
import sys
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from hashlib import sha256
from itertools import product
from pathlib import Path
from typing import Any

import httpx2
import pytest
from starlette.routing import Route
from starlette.testclient import TestClient

from tearline import clock
from tearline.agreement import outbox, receiving, signing
from tearline.agreement.force import in_force
from tearline.agreement.home import Home, open_home
from tearline.agreement.partners import block_party
from tearline.exchange import peer
from tearline.node.app import create_app
from tearline.release.reconcile import reconcile_all
from tearline.store import logs, releases
from tests.exchange.nodes import Nodes, both_serving, free_socket, give, make_nodes, url_of
from tests.node.test_serve import node as running
from tests.plain import sign as sign_on_paper

QUERIES = ("limit=1", "added_after=2020-01-01T00:00:00Z", "match[type]=indicator,malware")
METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS")


@pytest.fixture
def nodes(tmp_path: Path) -> Iterator[Nodes]:
    made = make_nodes(tmp_path)
    made.agree(reach=2)
    give(made, 3)
    made.north.publish(made.agreement_id, now=made.tick())
    yield made
    made.close()


# ------------------------------------------------------------------------------------ the routes


def templates(app: Any) -> list[str]:  # noqa: ANN401  # the app
    """Every address of a node: what the router knows, and what TAXII finds by itself."""
    routes = [each for each in app.routes if isinstance(each, Route)]
    assert len(routes) == len(app.routes), "a route of another kind: fill it too"
    return [*app.taxii.paths, "/taxii2/nothing/", *(each.path for each in routes)]


OF_PAGES = ("hash", "id", "item", "leaf", "name", "party", "position", "side", "statement", "token")
"""What stands in the addresses of pages, which a partner's key does not open at all."""


def addresses(
    app: Any,  # noqa: ANN401  # the app
    nodes: Nodes,
    ids: list[str],
    *,
    asked: tuple[str, ...] = QUERIES,
    tiles: int | None = None,
) -> list[str]:
    """Every address with all that could stand in it."""
    uuid = nodes.agreement_id.removeprefix("urn:uuid:")
    parts = [f".p/{size}" for size in range(8, 0, -1)]
    paths = [f"entries/000{part}" for part in ("", *parts)] + ["0/000", "0/000.p/4", "1/000"]
    fill = {
        "agreement": [uuid],
        "collection": [nodes.collection, "feed"],
        "object": ids[-3:],
        "status": [uuid],
        "origin": [sha256(b"south-isac/log/node").hexdigest()],
        "path": paths[:tiles],
        **{name: [uuid] for name in OF_PAGES},
    }
    found = []
    for template in templates(app):
        names = re.findall(r"\{(\w+)(?::path)?\}", template)
        plain = re.sub(r"\{(\w+)(?::path)?\}", r"{\1}", template)
        found += [
            plain.format_map(dict(zip(names, values, strict=True)))
            for values in product(*(fill[name] for name in names))
        ]
    pages = [each for each in found if each.endswith(("/objects/", "/manifest/"))]
    found += [f"{page}?{query}" for page in pages for query in asked]
    records = [each for each in found if each.endswith("/records")]
    return found + [f"{each}?after={leaf}" for each in records for leaf in range(len(asked))]


def callers(nodes: Nodes, key: str, user: str) -> list[dict[str, str]]:
    """Every way to show a key, with the version relied on and without."""
    basic = b64encode(f"{user}:{key}".encode()).decode()
    named = {"Tearline-Agreement": nodes.last_hash or ""}
    bearer = {"Authorization": f"Bearer {key}"}
    return [
        bearer | named,
        bearer,
        {"Authorization": f"Basic {basic}"},
        {"X-API-Key": key} | named,
    ]


def everything(
    client: TestClient,
    nodes: Nodes,
    ids: list[str],
    key: str,
    user: str = "south-isac",
    *,
    by_all: bool = True,
) -> dict[str, bytes]:
    """What every route says: all of it to one who asks, and `by_all` methods and callers a part."""
    one_of_each = addresses(client.app, nodes, ids[-1:], asked=(), tiles=1)
    first, *others = callers(nodes, key, user)
    if user == "south-isac":
        client.auth = nodes.signs
    asked = [("GET", each, first) for each in addresses(client.app, nodes, ids)]
    asked += [("GET", f"{nodes.path}{page}/", first) for page in ("objects", "manifest")]
    if by_all:
        asked += [(method, each, first) for method in METHODS[1:] for each in one_of_each]
        asked += [("GET", each, headers) for headers in others for each in one_of_each]
    found = {}
    for number, (method, address, headers) in enumerate(asked):
        reply = client.request(method, address, headers=headers)
        said = json.dumps(dict(reply.headers)).encode() + reply.content
        found[f"{number} {method} {address}"] = said
    return found


# -------------------------------------------------------------------------- what may not be seen


class Given:
    """What stood on the pages before the stop."""

    def __init__(self, nodes: Nodes) -> None:
        with nodes.north.store.read() as tx:
            rows = releases.page(tx, nodes.agreement_id, after=0, now=nodes.now, limit=1000)
            positions = [row.position for row in rows]
            hashes = releases.releases_at(tx, nodes.agreement_id, positions)
        docs = [json.loads(row.raw) for row in rows]
        self.ids = [row.delivered_id for row in rows]
        self.words = [doc[name] for doc in docs for name in ("name", "pattern") if name in doc]
        self.words += [each.hash for each in hashes.values()]
        # A leaf says its kind, its moment and how many it stands for; a slip would say more.
        self.words += ['"attested"', '"clause"', '"spec_version"']

    def seen_in(self, said: dict[str, bytes]) -> list[str]:
        """Where any of it shows; ids alone stand in what ends a release, and there only."""
        found = []
        for asked, raw in said.items():
            answer = raw.replace(b'\\"', b'"')  # a record stands in its line as a text
            content = re.sub(rb'"kind":"(withdraw|recall-receipt)".*', b"", answer)
            echoed = [each for each in self.ids if each in asked]
            content = _without(content, asked)
            shown = [each for each in self.ids if each not in echoed and each.encode() in content]
            shown += [each for each in self.words if each.encode() in answer]
            found += [f"{asked}: {shown[0]}"] if shown else []
        return found


def _without(content: bytes, asked: str) -> bytes:
    return content.replace(asked.rpartition("/objects/")[2].encode() or b"\0", b"")


STOPS: dict[str, Callable[[Home, Nodes], Any]] = {
    "we suspend": lambda home, nodes: signing.suspend(
        home, nodes.agreement_id, "a doubt", now=nodes.tick()
    ),
    "they suspend": lambda home, nodes: _they(home, nodes, signing.suspend),
    "we end it": lambda home, nodes: signing.terminate(
        home, nodes.agreement_id, "over", now=nodes.tick()
    ),
    "we block them": lambda home, nodes: block_party(
        home, "south-isac", "a doubt", now=nodes.tick()
    ),
}


def _they(home: Home, nodes: Nodes, act: Callable[..., Any]) -> None:
    act(nodes.south, nodes.agreement_id, "a doubt", now=nodes.tick())
    for message_id, document in outbox.export_messages(nodes.south, now=nodes.tick()):
        receiving.receive(home, document, now=nodes.now)
        outbox.delivered(nodes.south, [message_id], now=nodes.now)


@pytest.mark.parametrize("stop", STOPS)
def test_from_the_next_request_on_no_route_serves_anything(nodes: Nodes, stop: str) -> None:
    given, key = Given(nodes), nodes.key
    app = create_app(nodes.north.path, jobs=False)
    with TestClient(app, raise_server_exceptions=False) as client, ExitStack() as closing:
        before = everything(client, nodes, given.ids, key, by_all=False)
        seen = {each.split()[2] for each in given.seen_in(before)}
        assert {f"{nodes.path}{page}/:" for page in ("objects", "manifest")} <= seen
        assert any("/log/records" in each for each in seen)

        other = open_home(nodes.north.path)
        closing.callback(other.store.close)
        STOPS[stop](other, nodes)
        assert given.seen_in(everything(client, nodes, given.ids, key)) == []
        reconcile_all(other, now=nodes.tick())
        assert given.seen_in(everything(client, nodes, given.ids, key)) == []


def test_when_its_time_is_over_no_route_serves_anything(
    nodes: Nodes, monkeypatch: pytest.MonkeyPatch
) -> None:
    given, key = Given(nodes), nodes.key
    with nodes.north.store.read() as tx:
        bound = in_force(tx, nodes.agreement_id, now=nodes.now)
    assert bound is not None
    end = bound.until_at
    app = create_app(nodes.north.path, jobs=False)
    with TestClient(app, raise_server_exceptions=False) as client:
        monkeypatch.setattr(clock, "now", lambda: nodes.now)
        assert given.seen_in(everything(client, nodes, given.ids, key, by_all=False))
        monkeypatch.setattr(clock, "now", lambda: end)
        assert given.seen_in(everything(client, nodes, given.ids, key)) == []
        reconcile_all(nodes.north, now=end)
        assert given.seen_in(everything(client, nodes, given.ids, key)) == []


def test_a_receiver_on_paper_is_served_nothing_either(tmp_path: Path) -> None:
    nodes = make_nodes(tmp_path)
    sign_on_paper(nodes, reach=2)
    give(nodes, 3)
    key = signing.open_account(nodes.north, nodes.agreement_id, now=nodes.tick())
    given = Given(nodes)
    app = create_app(nodes.north.path, jobs=False)
    with TestClient(app, raise_server_exceptions=False) as client:
        before = everything(client, nodes, given.ids, key, "east-clinic", by_all=False)
        assert any(f"GET {nodes.path}objects/" in each for each in given.seen_in(before))
        signing.suspend(nodes.north, nodes.agreement_id, "a doubt", now=nodes.tick())
        for _ in range(2):
            said = everything(client, nodes, given.ids, key, "east-clinic")
            assert given.seen_in(said) == []
            nodes.reconcile()
    nodes.close()


# ------------------------------------------------------------------------------- several workers


def test_every_worker_stops_at_the_next_request(tmp_path: Path) -> None:
    """Real workers that all gave the page before; the stop comes from another process."""
    with free_socket() as sock:
        address = url_of(sock)
    nodes = make_nodes(tmp_path, address)
    nodes.agree(reach=2)
    give(nodes, 3)
    headers = callers(nodes, nodes.key, "south-isac")[0]
    with running(nodes.north, workers=2), ExitStack() as closing:
        clients = [
            closing.enter_context(httpx2.Client(base_url=address, headers=headers, trust_env=False))
            for _ in range(12)
        ]
        for client in clients:
            client.auth = nodes.signs
        for _ in range(5):
            for client in clients:
                assert client.get(f"{nodes.path}objects/").json()["objects"]
        command = [sys.executable, "-m", "tearline", "agreement", "suspend", nodes.agreement_id]
        command += ["--reason", "a doubt", "--home", str(nodes.north.path)]
        subprocess.run(command, check=True, capture_output=True)  # our own verb
        for client in clients:
            for rest in ("objects/", "manifest/", "objects/?limit=1"):
                assert client.get(nodes.path + rest).status_code == 404
    nodes.close()


# ------------------------------------------------------------------------- what both still check


def test_the_log_stays_checkable_and_recalls_arrive_without_slips(tmp_path: Path) -> None:
    with both_serving(tmp_path) as nodes:
        nodes.agree(reach=2)
        given = give(nodes, 3)
        (synced,) = peer.sync(nodes.south, "north-cert", now=nodes.tick()).agreements
        assert synced.settled is not None
        assert synced.settled.accepted == given
        give(nodes, 5)  # South has not read these when the agreement stops
        signing.suspend(nodes.north, nodes.agreement_id, "a doubt", now=nodes.tick())
        (early,) = peer.sync(nodes.south, "north-cert", now=nodes.tick()).agreements
        assert "503" in str(early.problem)  # not before the withdrawals are in the log
        nodes.reconcile()
        (done,) = peer.sync(nodes.south, "north-cert", now=nodes.tick()).agreements
        assert done.problem is None
        assert done.settled is not None
        assert done.settled.recalled == given
        theirs = f"theirs/{nodes.agreement_id}"
        with nodes.south.store.read() as tx:
            size = logs.head(tx, theirs).size
            opened = {row[0] for row in logs.records(tx, theirs, 0, size)}
        assert len(set(range(size)) - opened) == 1  # the one leaf with slips that never came

        peer.deliver(nodes.north, "south-isac", now=nodes.tick())
        for home, other in ((nodes.south, "north-cert"), (nodes.north, "south-isac")):
            signing.resume(home, nodes.agreement_id, now=nodes.tick())
            peer.deliver(home, other, now=nodes.tick())
        nodes.reconcile()
        (again,) = peer.sync(nodes.south, "north-cert", now=nodes.tick()).agreements
        assert again.problem is None
        assert again.settled is not None
        assert again.settled.accepted == len(nodes.delivered()) > given
        assert again.settled.quarantined == 0
