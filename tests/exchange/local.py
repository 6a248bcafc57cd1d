"""A node with local collections and accounts, and what is posted to it, with invented names."""

import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.testclient import TestClient
from starlette.types import ASGIApp

from tearline import clock
from tearline.agreement.home import Home, create_home
from tearline.approval import passwords
from tearline.exchange import accounts
from tearline.exchange.access import Door
from tearline.exchange.taxii_server import Taxii
from tearline.release import collecting

TAXII = "application/taxii+json;version=2.1"
STAMP = "2026-01-05T10:00:00.000Z"
PASSWORD = "correct horse"  # made up


@dataclass
class Shelf:
    """A home, its door, and the ids of its collections by name."""

    home: Home
    ids: dict[str, str] = field(default_factory=dict)
    door: Door = field(default_factory=lambda: Door(most=5))

    def collection(self, name: str) -> str:
        made = collecting.add_collection(self.home, name, "", "", now=clock.now())
        self.ids[name] = made.id
        return made.id

    def account(self, name: str, **rights: tuple[str, ...]) -> None:
        accounts.add_account(self.home, name, PASSWORD, **rights, now=clock.now())

    def path(self, name: str, rest: str = "objects/") -> str:
        return f"/taxii2/local/collections/{self.ids[name]}/{rest}"

    def client(self, user: str | None = None, app: ASGIApp | None = None) -> TestClient:
        app = app or Starlette(routes=[Mount("", Taxii(lambda: self.home, self.door))])
        made = TestClient(app, follow_redirects=False, raise_server_exceptions=False)
        if user is not None:
            made.auth = httpx2.BasicAuth(user, PASSWORD)
        return made


@contextmanager
def cheap_passwords() -> Iterator[None]:
    """Hash new passwords with little work: most tests are about something else."""
    before = passwords._MEMORY_KIB, passwords._PASSES  # noqa: SLF001  # for tests alone
    passwords._MEMORY_KIB, passwords._PASSES = 64, 1  # noqa: SLF001
    yield
    passwords._MEMORY_KIB, passwords._PASSES = before  # noqa: SLF001


@contextmanager
def shelf(folder: Path) -> Iterator[Shelf]:
    """One node, one collection, and three accounts: one reads and writes, the others do one."""
    home = create_home(folder / "home", "North CERT", None, clock.now())
    made = Shelf(home)
    made.collection("feed")
    with cheap_passwords():
        made.account("alice", read=("feed",), write=("feed",))
        made.account("reader", read=("feed",))
        made.account("poster", write=("feed",))
    yield made
    home.store.close()


def indicator(id: str = "", modified: str = STAMP, **more: object) -> dict[str, Any]:
    return {
        "type": "indicator",
        "spec_version": "2.1",
        "id": id or f"indicator--{uuid.uuid4()}",
        "created": STAMP,
        "modified": modified,
        "pattern": "[domain-name:value = 'mud.example']",
        "pattern_type": "stix",
        "valid_from": STAMP,
        **more,
    }


def post(client: httpx2.Client, url: str, *objects: object, **headers: str) -> httpx2.Response:
    return post_raw(client, url, json.dumps({"objects": objects}).encode(), **headers)


def post_raw(client: httpx2.Client, url: str, body: bytes, **headers: str) -> httpx2.Response:
    return client.post(url, content=body, headers={"Content-Type": TAXII, **headers})


def walk(client: httpx2.Client, url: str, by: str = "next", **params: str) -> list[Any]:
    """Read to the end, by `next` or by the last date added; what stands on the pages, in order."""
    found: list[Any] = []
    step: dict[str, str] = {}
    while True:
        reply = client.get(url, params=params | step)
        assert reply.status_code == 200, reply.text
        page = reply.json()
        found += page.get("objects", page.get("versions", []))
        if not page.get("more"):
            return found
        last = reply.headers["X-TAXII-Date-Added-Last"]
        step = {"next": page["next"]} if by == "next" else {"added_after": last}
