"""Released objects over HTTP: a page of a thousand, and the poll that finds nothing new."""

import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bench.measuring import Figure, duration
from tests.exchange.nodes import Nodes, free_socket, give, make_nodes, serving, url_of

_TAXII = "application/taxii+json;version=2.1"
_OBJECTS = 2_000
_REQUESTS = 30


def figures() -> Iterator[Figure]:
    """Seconds for one answer, asked one after the other; the floor sends the same bytes."""
    with tempfile.TemporaryDirectory(prefix="tearline-bench-") as folder, free_socket() as sock:
        nodes = make_nodes(Path(folder), url_of(sock))
        nodes.agree(reach=2)
        assert give(nodes, _OBJECTS) > _OBJECTS
        with serving(nodes.north, sock) as url:
            yield from _measured(nodes, url)
        nodes.close()


def _measured(nodes: Nodes, url: str) -> Iterator[Figure]:
    headers = {"Accept": _TAXII, "Authorization": f"Bearer {nodes.key}"}
    objects = f"{url}{nodes.path}objects/"
    with httpx.Client(headers=headers, timeout=60) as client:
        page = client.get(objects, params={"limit": 1000})
        assert page.status_code == 200, page.text
        held = len(page.json()["objects"])
        assert held == 1000, held
        later = {"added_after": "2098-01-01T00:00:00.000Z"}
        empty = client.get(objects, params=later)
        with _constant(page.content, empty.content) as floor:
            yield _one(
                "TAXII page of 1,000 objects",
                lambda: client.get(objects, params={"limit": 1000}),
                lambda: client.get(f"{floor}/page"),
            )
            yield _one(
                "TAXII poll that finds nothing new",
                lambda: client.get(objects, params=later),
                lambda: client.get(f"{floor}/empty"),
            )


def _one(
    name: str, ours: Callable[[], httpx.Response], floor: Callable[[], httpx.Response]
) -> Figure:
    pairs = [(_seconds(ours), _seconds(floor)) for _ in range(_REQUESTS)]
    return duration(name, median(own for own, _ in pairs), median(bare for _, bare in pairs))


def _seconds(ask: Callable[[], httpx.Response]) -> float:
    start = time.perf_counter()
    assert ask().status_code == 200
    return time.perf_counter() - start


@contextmanager
def _constant(page: bytes, empty: bytes) -> Iterator[str]:
    """The same kind of server with nothing behind it."""

    def answer(request: Request) -> Response:
        return Response(page if request.url.path == "/page" else empty, media_type=_TAXII)

    app = Starlette(routes=[Route("/page", answer), Route("/empty", answer)])
    with free_socket() as sock:
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [sock]}, daemon=True)
        thread.start()
        while not server.started and thread.is_alive():
            thread.join(0.01)
        yield url_of(sock)
        server.should_exit = True
        thread.join(20)
