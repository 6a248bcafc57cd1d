"""A TAXII server of somebody else, 2.1 or 2.0, with the habits that such servers have.

It answers over HTTP on loopback. A test puts objects on its shelf, with the moment at which each
was added, and says how it misbehaves.
"""

import json
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tearline.stix.timestamp import format_timestamp, parse_timestamp
from tests.exchange.nodes import free_socket, url_of

TAXII_21 = "application/taxii+json;version=2.1"
TAXII_20 = "application/vnd.oasis.taxii+json; version=2.0"
STIX_20 = "application/vnd.oasis.stix+json; version=2.0"
ONE = "1b1b0a3e-6c3b-4c52-8f0a-8f6f5f0a1c01"
TWO = "2b1b0a3e-6c3b-4c52-8f0a-8f6f5f0a1c02"
SHUT = "3b1b0a3e-6c3b-4c52-8f0a-8f6f5f0a1c03"
SECOND = 1_000_000

Doc = dict[str, Any]


@dataclass
class Foreign:
    """What the server holds, how it behaves, and what it was asked."""

    version: str = "2.1"
    shelf: list[tuple[int, Doc]] = field(default_factory=list)
    cap: int = 1000
    """The most objects that it puts on a page."""
    next_kind: str = "position"
    """How it goes on: position, counted (it counts on its side, and repeats its `next`), none."""
    dates: bool = True
    """Whether it says when objects were added."""
    habit: str = ""
    """circle, hollow, endless, forgets (no `next` is known to it), unranged, shifting."""
    needs: dict[str, str] = field(default_factory=dict)
    """A header that lets in, and its value."""
    refusals: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    """Statuses and headers that it answers first."""
    said: str = ""
    """What it says of when the objects of a page were added, whatever is true."""
    roots: list[str] = field(default_factory=lambda: ["/root/"])
    moved_to: str = ""
    body: bytes | None = None
    """What it answers instead of a page, or to everything where it is `plain`."""
    plain: bool = False
    url: str = ""
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    left: dict[str, list[tuple[int, Doc]]] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def put(self, *docs: Doc, at: int, step: int = SECOND) -> None:
        """Put objects on the shelf, each `step` later than the one before it."""
        self.shelf += [(at + step * place, doc) for place, doc in enumerate(docs)]

    @property
    def pages(self) -> list[dict[str, str]]:
        """What was asked of the objects."""
        return [params for path, params in self.asked if path.endswith("/objects/")]

    # ------------------------------------------------------------------------------ answering

    def answer(self, request: Request) -> Response:
        path = request.url.path
        with self.lock:
            self.asked.append((path, dict(request.query_params)))
            self.headers.append(dict(request.headers))
            if self.refusals:
                status, headers = self.refusals.pop(0)
                return Response(b"{}", status, headers)
            if self.moved_to and not path.startswith("/new/"):
                return Response(b"", 302, {"Location": self.moved_to + path})
            if any(request.headers.get(k) != v for k, v in self.needs.items()):
                return Response(b'{"title": "secret words"}', 401)
            if self.plain:
                return Response(self.body)
            if not self._taken(request.headers.get("accept", "")):
                return Response(b"{}", 406)
            return self._resource(path.removeprefix("/new"), request)

    def _taken(self, accept: str) -> bool:
        wanted = TAXII_21 if self.version == "2.1" else "application/vnd.oasis."
        return accept.startswith(wanted)

    def _resource(self, path: str, request: Request) -> Response:
        known = self._known()
        if path in known:
            return self._json(known[path])
        readable = {f"{base}objects/" for base, each in known.items() if each.get("can_read")}
        return self._objects(request) if path in readable else Response(b"{}", 404)

    def _known(self) -> dict[str, Doc]:
        """Every resource but objects, by path."""
        listed = [self._collection(ONE), self._collection(TWO), self._collection(SHUT, read=False)]
        discovery = "/taxii2/" if self.version == "2.1" else "/taxii/"
        return {
            discovery: {"title": "Made up", "api_roots": self.roots, "default": self.roots[0]},
            "/root/": {"title": "Root", "versions": ["x"], "max_content_length": 9},
            "/root/collections/": {"collections": listed},
            **{f"/root/collections/{each['id']}/": each for each in listed},
        }

    def _collection(self, id_: str, *, read: bool = True) -> Doc:
        return {"id": id_, "title": f"Made up {id_[0]}", "can_read": read, "can_write": False}

    def _json(self, value: Doc) -> Response:
        kind = TAXII_21 if self.version == "2.1" else TAXII_20
        return Response(json.dumps(value), 200, {"Content-Type": kind})

    def _objects(self, request: Request) -> Response:
        if self.body is not None:
            return Response(self.body)
        after = request.query_params.get("added_after")
        at = parse_timestamp(after) if after else -1
        found = [each for each in self.shelf if each[0] > at]
        if self.version == "2.0":
            return self._range(found, request.headers.get("range", ""))
        return self._page(found, request)

    # ------------------------------------------------------------------------------------ 2.1

    def _page(self, found: list[tuple[int, Doc]], request: Request) -> Response:
        limit = min(int(request.query_params.get("limit", self.cap)), self.cap)
        token = request.query_params.get("next", "")
        if token and self.habit == "forgets":
            return Response(b"{}", 400)
        if self.habit == "endless":
            made = [self._made() for _ in range(limit)]
            return self._envelope(made, {"more": True, "next": str(len(self.asked))})
        if self.habit == "hollow":
            return self._envelope([], {"more": True, "next": str(len(self.asked))})
        if self.next_kind == "counted":
            return self._counted(found, token, limit)
        start = int(token or 0)
        page, rest = found[start : start + limit], found[start + limit :]
        more: Doc = {"more": bool(rest)}
        if self.habit == "circle":
            page, more = found[:limit], {"more": True, "next": "0"}
        elif rest and self.next_kind == "position":
            more["next"] = str(start + limit)
        return self._envelope(page, more)

    def _counted(self, found: list[tuple[int, Doc]], token: str, limit: int) -> Response:
        """As medallion does: what was given is gone, under a `next` that stays the same."""
        if token and token not in self.left:
            return Response(b"{}", 400)
        waiting = self.left.pop(token) if token else found
        page, rest = waiting[:limit], waiting[limit:]
        if not rest:
            return self._envelope(page, {"more": False})
        token = token or str(uuid.uuid4())
        self.left[token] = rest
        return self._envelope(page, {"more": True, "next": token})

    def _made(self) -> tuple[int, Doc]:
        name = str(uuid.uuid4())
        at = 1_700_000_000 * SECOND + len(self.asked)
        return at, {"type": "mutex", "id": f"mutex--{name}", "name": name, "spec_version": "2.1"}

    def _envelope(self, page: list[tuple[int, Doc]], more: Doc) -> Response:
        body = {**more, "objects": [doc for _, doc in page]} if page or more["more"] else {}
        return Response(json.dumps(body), 200, self._dates(page) | {"Content-Type": TAXII_21})

    def _dates(self, page: list[tuple[int, Doc]]) -> dict[str, str]:
        if not page or not self.dates:
            return {}
        if self.said:
            return {"X-TAXII-Date-Added-First": self.said, "X-TAXII-Date-Added-Last": self.said}
        return {
            "X-TAXII-Date-Added-First": format_timestamp(page[0][0], digits=6),
            "X-TAXII-Date-Added-Last": format_timestamp(page[-1][0], digits=6),
        }

    # ------------------------------------------------------------------------------------ 2.0

    def _range(self, found: list[tuple[int, Doc]], asked: str) -> Response:
        if not found:
            return Response(b"{}", 404 if self.habit == "404" else 416)
        first, last = (int(each) for each in asked.removeprefix("items ").split("-"))
        if self.habit == "unranged":
            first, last = 0, len(found)
        if first >= len(found):
            return Response(b"", 416, {"Content-Range": f"items */{len(found)}"})
        page = found[first : min(last + 1, first + self.cap)]
        bundle = {
            "type": "bundle",
            "id": f"bundle--{uuid.uuid4()}",
            "spec_version": "2.0",
            "objects": [doc for _, doc in page],
        }
        whole = len(page) == len(found)
        told = f"items {first}-{first + len(page) - 1}/{len(found)}"
        headers = {"Content-Type": STIX_20, "Content-Range": told}
        if self.habit == "shifting" and not whole and first == 0 and self.shelf[0] in page:
            self.shelf.pop(0)
        return Response(json.dumps(bundle), 200 if whole else 206, headers | self._dates(page))


@contextmanager
def foreign(server: Foreign, **tls: str) -> Iterator[Foreign]:
    """Let the server answer, in a thread of its own; over TLS where uvicorn is given a key."""

    def endpoint(request: Request) -> Response:
        return server.answer(request)

    app = Starlette(routes=[Route("/{path:path}", endpoint)])
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=2,
        date_header=False,
        **tls,  # type: ignore[arg-type]  # names of files
    )
    running = uvicorn.Server(config)
    with free_socket() as sock:
        server.url = url_of(sock).replace("http:", "https:" if tls else "http:")
        thread = threading.Thread(target=running.run, kwargs={"sockets": [sock]}, daemon=True)
        thread.start()
        try:
            while not running.started and thread.is_alive():
                thread.join(0.01)
            yield server
        finally:
            running.should_exit = True
            thread.join(20)
