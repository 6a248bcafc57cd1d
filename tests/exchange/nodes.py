"""Two nodes that answer on loopback, with invented names, on the clock of the machine."""

import secrets
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import uvicorn

from tearline import clock
from tearline.agreement.card import card_hash, check_words
from tearline.agreement.home import Home, create_home
from tearline.agreement.partners import add_party
from tearline.agreement.terms import collection_id
from tearline.exchange.signatures import Signer, target_of
from tearline.node.app import create_app
from tearline.release import arrive
from tearline.release.arrive import Annotation
from tearline.store import parties
from tests.pair import Pair, as_object, rel, sdo

SERVED = "http://testserver"
"""The address of a node that is asked in its own process."""
heron = sdo("intrusion-set", "Gray Heron")
loader = sdo("malware", "Mud Loader")
FOREVER = "2099-12-31"


class Signs:
    """Signs the requests of a client, of httpx or requests, as the node of a home does."""

    def __init__(self, home: Home, url: str | None, agreement: str | None) -> None:
        self.signer, self.url, self.agreement = Signer.of(home), url or "", agreement
        self.ahead_us = 0

    def __call__(self, request: Any) -> Any:  # noqa: ANN401  # of either library
        asked = urlsplit(str(request.url))
        path = asked.path + (f"?{asked.query}" if asked.query else "")
        if self.agreement is not None:
            request.headers.setdefault("Tearline-Agreement", self.agreement)
        body = request.content if hasattr(request, "content") else request.body or b""
        request.headers.update(
            self.signer.headers(
                request.method,
                target_of(self.url, path),
                agreement=_stripped(request.headers.get("Tearline-Agreement")),
                body=body,
                at=clock.now() + self.ahead_us,
                nonce=secrets.token_hex(16),  # also where a test lets chance fall the same
            )
        )
        return request


def _stripped(value: Any) -> str | None:  # noqa: ANN401  # text or bytes
    """As a header arrives: without the space around it."""
    text = value.decode("latin-1") if isinstance(value, bytes) else value
    return text.strip(" \t") if text is not None else None


@dataclass
class Nodes(Pair):
    """A pair whose homes know each other's address; its clock is the machine's."""

    plain_key: str = ""
    """That of a receiver without a node in South's place, where there is one."""

    def tick(self, span: int = 0) -> int:
        self.now = max(clock.now(), self.now + 1 + span)
        return self.now

    @property
    def collection(self) -> str:
        return collection_id(self.agreement_id, "north")

    @property
    def path(self) -> str:
        return f"/taxii2/agreements/collections/{self.collection}/"

    @property
    def key(self) -> str:
        """South's key at North."""
        with self.south.store.read() as tx:
            return parties.credential_of(tx, self.agreement_id) or ""

    @property
    def signs(self) -> Signs:
        """Signs as South, for North."""
        return Signs(self.south, self.north.card.url, self.last_hash)

    def close(self) -> None:
        self.north.store.close()
        self.south.store.close()


def make_nodes(folder: Path, north: str | None = SERVED, south: str | None = None) -> Nodes:
    """Two fresh homes that pinned each other's card."""
    now = clock.now()
    homes = [
        create_home(folder / "north", "North CERT", north, now),
        create_home(folder / "south", "South ISAC", south, now),
    ]
    for us, them in (homes, homes[::-1]):
        file = (them.path / "card.json").read_bytes()
        add_party(us, file, check_words(card_hash(them.card)), now=now)
    return Nodes(homes[0], homes[1], now=now, limits={"until": FOREVER})


def signs(number: int) -> list[dict[str, object]]:
    """Gray Heron, its loader, and so many indicators of it with their relationships."""
    found = [sdo("indicator", f"sign {place}") for place in range(number)]
    edges = [rel(each, "indicates", loader) for each in found]
    return [heron, loader, rel(heron, "uses", loader), *found, *edges]


def give(nodes: Nodes, number: int) -> int:
    """Put objects into North and release them; return how many went."""
    arrive.arrive(
        nodes.north,
        [as_object(doc) for doc in signs(number)],
        source="test",
        annotation=Annotation(0, None),
        now=nodes.tick(),
    )
    return nodes.reconcile().released


def free_socket() -> socket.socket:
    """Bind a free port of loopback; it stays ours until the socket is closed."""
    sock = socket.socket()
    sock.bind(("127.0.0.1", 0))
    return sock


def url_of(sock: socket.socket) -> str:
    return f"http://127.0.0.1:{sock.getsockname()[1]}"


@contextmanager
def serving(home: Home, sock: socket.socket, *, jobs: bool = False) -> Iterator[str]:
    """Run the node of a home on a bound socket, in a thread of its own."""
    app = create_app(home.path, jobs=jobs)
    config = uvicorn.Config(app, log_config=None, access_log=False, timeout_graceful_shutdown=2)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [sock]}, daemon=True)
    thread.start()
    try:
        while not server.started and thread.is_alive():
            thread.join(0.01)
        yield url_of(sock)
    finally:
        server.should_exit = True
        thread.join(20)


@contextmanager
def both_serving(folder: Path, *, jobs: bool = False) -> Iterator[Nodes]:
    """Two nodes that pinned each other and answer."""
    with free_socket() as north, free_socket() as south:
        nodes = make_nodes(folder, url_of(north), url_of(south))
        with (
            serving(nodes.north, north, jobs=jobs),
            serving(nodes.south, south, jobs=jobs),
            suppress(KeyboardInterrupt),
        ):
            yield nodes
        nodes.close()
