"""A line to a node in the same process, by its real routes, on a clock that the test sets."""

import atexit
import shutil
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import cast
from urllib.parse import urlencode

import pytest
from starlette.testclient import TestClient

from tearline import clock
from tearline.agreement.cards_held import cards_of
from tearline.agreement.force import InForce, in_force
from tearline.agreement.home import Home, open_home
from tearline.exchange.link import Link, Reply
from tearline.exchange.mirror import copy_log
from tearline.exchange.signatures import Signer, target_of
from tearline.node.app import create_app
from tearline.node.publisher import publish_grown, publish_node
from tearline.store import parties
from tests.pair import Pair, make_pair

MINUTE = 60_000_000
URL = "http://testserver"
"""Where the client of an app in the same process believes it is."""


class Line:
    """What `Link` does, without a network; it notes what was asked."""

    url = URL

    def __init__(self, client: TestClient, headers: Mapping[str, str], signer: Signer) -> None:
        self._client = client
        self._headers = headers
        self._signer = signer
        self.asked: list[str] = []

    def get(
        self, path: str, *, most: int, params: Mapping[str, str | int] | None = None, accept: str
    ) -> Reply:
        path += f"?{urlencode(params)}" if params else ""
        found = self._client.get(path, headers={**self._signed("GET", path), "Accept": accept})
        return self._reply("GET", path, found.status_code, found.headers, found.content, most)

    def post(self, path: str, body: bytes, *, most: int, content_type: str) -> Reply:
        headers = {**self._signed("POST", path, body), "Content-Type": content_type}
        found = self._client.post(path, content=body, headers=headers)
        return self._reply("POST", path, found.status_code, found.headers, found.content, most)

    def _signed(self, method: str, path: str, body: bytes = b"") -> dict[str, str]:
        agreement = self._headers["Tearline-Agreement"]
        target = target_of(str(self._client.base_url), path)
        made = self._signer.headers(method, target, agreement=agreement, body=body, at=clock.now())
        return {**self._headers, **made}

    def _reply(  # an answer
        self, how: str, path: str, status: int, headers: Mapping[str, str], body: bytes, most: int
    ) -> Reply:
        assert len(body) <= most
        self.asked.append(f"{how} {path.rpartition('/log/')[2]} {status}")
        return Reply(status, headers, body)


@dataclass
class Lines:
    """Two nodes of a pair, each with a line to the other."""

    pair: Pair
    clients: dict[str, TestClient]

    def force(self, home: Home) -> InForce:
        with home.store.read() as tx:
            found = in_force(tx, self.pair.agreement_id, now=self.pair.now)
        assert found is not None
        return found

    def line(self, home: Home) -> Line:
        """A line from `home` to its partner, under the agreement."""
        force = self.force(home)
        with home.store.read() as tx:
            key = parties.credential_of(tx, self.pair.agreement_id)
        named = {"Authorization": f"Bearer {key}", "Tearline-Agreement": force.hash}
        return Line(self.clients[force.partner], named, Signer.of(home))

    def other(self, home: Home) -> Home:
        return self.pair.south if home is self.pair.north else self.pair.north

    def look(self, home: Home) -> Line:
        """What a sync does with the partner's log; returns the line, which knows what was asked."""
        line = self.line(home)
        with home.store.read() as tx:
            cards = cards_of(tx, self.other(home).slug)
        assert cards is not None
        copy_log(
            home,
            cast("Link", line),
            cards,
            self.force(home),
            now=self.pair.tick(),
            served=False,
            tell=lambda _what, _count: None,
        )
        return line

    def publish(self, home: Home, span: int = MINUTE) -> None:
        """Sign what grew, and let the node log have its leaf of the next turn."""
        self.pair.tick(span)
        publish_grown(home, now=self.pair.tick())
        assert publish_node(home, now=self.pair.tick())


@contextmanager
def joined(folder: Path, patch: pytest.MonkeyPatch, *, end: str = "") -> Iterator[Lines]:
    """Two nodes that have agreed, with lines between them."""
    made = _agreed(end)
    shutil.copytree(made.north.path.parent, folder, dirs_exist_ok=True)
    north, south = open_home(folder / "north"), open_home(folder / "south")
    pair = replace(made, north=north, south=south, limits=dict(made.limits))
    patch.setattr(clock, "now", lambda: pair.now)
    with ExitStack() as opened:
        clients = {
            home.slug: opened.enter_context(TestClient(create_app(home.path, jobs=False)))
            for home in (pair.north, pair.south)
        }
        yield Lines(pair, clients)
    pair.north.store.close()
    pair.south.store.close()


@cache
def _agreed(end: str) -> Pair:
    """The pair as it is copied for each test: making and agreeing takes most of the time."""
    folder = Path(mkdtemp(prefix="lines-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    pair = make_pair(folder, URL)
    pair.agree(reach=2, end=end)
    pair.north.store.close()
    pair.south.store.close()
    return pair
