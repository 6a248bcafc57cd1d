"""A line to a node whose clock is not ours, and requests that come twice, to several workers."""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest

from tearline import clock
from tearline.errors import PartnerError
from tearline.exchange import link as links
from tearline.exchange.link import Identity, Link, Reply, refused_for
from tests.exchange.forking import workers
from tests.exchange.nodes import Nodes, free_socket, give, make_nodes, serving, url_of

MINUTE = 60_000_000


@pytest.fixture(scope="module")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nodes]:
    with free_socket() as sock:
        made = make_nodes(tmp_path_factory.mktemp("link"), url_of(sock))
        made.agree(reach=2)
        give(made, 1)
        with serving(made.north, sock):
            yield made
        made.close()


def line(nodes: Nodes) -> Link:
    return Link(
        nodes.north.card.url or "",
        ours=Identity.of(nodes.south),
        key=nodes.key,
        agreement=nodes.last_hash,
    )


@pytest.mark.parametrize("apart", [-1.9, -1.1, 0.9, 1.9])
def test_clocks_up_to_two_minutes_apart_do_not_matter(
    nodes: Nodes, monkeypatch: pytest.MonkeyPatch, apart: float
) -> None:
    ours = SimpleNamespace(now=lambda: clock.now() + int(apart * MINUTE))
    monkeypatch.setattr(links, "clock", ours)
    with line(nodes) as asking:
        for _ in range(2):
            reply = asking.get(f"{nodes.path}objects/", most=1 << 20, accept="*/*")
            assert reply.status == 200


@pytest.mark.parametrize("apart", [-10, -2.2, 2.2, 10])
def test_clocks_further_apart_are_said_to_be(
    nodes: Nodes, monkeypatch: pytest.MonkeyPatch, apart: float
) -> None:
    ours = SimpleNamespace(now=lambda: clock.now() + int(apart * MINUTE))
    monkeypatch.setattr(links, "clock", ours)
    side = "ahead of" if apart < 0 else "behind"
    with line(nodes) as asking, pytest.raises(PartnerError, match=f"{side} ours") as caught:
        asking.get(f"{nodes.path}objects/", most=1 << 20, accept="*/*")
    assert "NTP" in caught.value.do


@pytest.mark.parametrize(
    "body", [b"", b"x", b"[]", b"{}", b'{"details":5}', b'{"code":"x","now":"yesterday"}', b"\xff"]
)
def test_a_refusal_that_says_nothing_is_read_as_nothing(body: bytes) -> None:
    assert refused_for(Reply(401, {}, body)) is None
    assert refused_for(Reply(200, {}, body)) is None


def test_of_one_request_sent_to_all_workers_at_once_one_is_answered(tmp_path: Path) -> None:
    with free_socket() as sock:
        address = url_of(sock)
    nodes = make_nodes(tmp_path, address)
    nodes.agree(reach=2)
    with workers(nodes.north.path, nodes.north.path / "node.db", 3) as served:
        made = httpx.Request("GET", f"{address}{nodes.path}objects/")
        made.headers["Authorization"] = f"Bearer {nodes.key}"
        headers = dict(nodes.signs(made).headers)
        del headers["host"]

        def send(_number: int) -> tuple[int, str]:
            url = f"{served.url}{nodes.path}objects/"
            reply = httpx.get(url, headers=headers, trust_env=False, timeout=60)
            return reply.status_code, reply.json().get("details", {}).get("code", "")

        with ThreadPoolExecutor(12) as pool:
            said = Counter(pool.map(send, range(60)))
    assert said == {(200, ""): 1, (401, "replay"): 59}
    nodes.close()
