"""Clients of a running node that note what they were told, while databases die behind it.

Writers post new objects and note which were acknowledged; what raised, timed out or was refused is
in doubt. Readers keep one cursor for good and note each object that they were shown. A watcher
keeps every signed checkpoint of the agreement's log that it was given.
"""

import json
import threading
import uuid
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import httpx

from tearline.exchange.access import AGREEMENT_HEADER
from tests.exchange.nodes import Signs
from tests.pair import rel, sdo

CLEAR = "marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487"
TAXII = "application/taxii+json;version=2.1"
_EACH_POST = 2
_TIMEOUT_S = 20
_PAUSE_S = 0.1


@dataclass(frozen=True)
class Door:
    """Where a node answers, and the keys that open it."""

    url: str
    feed: str
    account_key: str
    agreement: str
    agreement_id: str
    agreement_hash: str
    partner_key: str
    signs: Signs
    topic: dict[str, Any]

    @property
    def log(self) -> str:
        """The path of the log of the agreement."""
        return f"/peer/agreements/{self.agreement_id.removeprefix('urn:uuid:')}/log/"

    def ours(self) -> httpx.Client:
        """Return a client of an account of the node's own."""
        return self._client(self.account_key)

    def partner(self) -> httpx.Client:
        """Return a client of the partner, under the agreement."""
        made = self._client(self.partner_key, **{AGREEMENT_HEADER: self.agreement_hash})
        made.auth = self.signs
        return made

    def _client(self, key: str, **headers: str) -> httpx.Client:
        return httpx.Client(
            base_url=self.url,
            headers={"X-API-Key": key, "Accept": TAXII, **headers},
            timeout=_TIMEOUT_S,
            trust_env=False,
        )


@dataclass
class Client(threading.Thread):
    """A client that does its step again and again until it is asked to end."""

    door: Door
    errors: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        """Be a thread."""
        super().__init__(daemon=True)
        self._end = threading.Event()
        self._go = threading.Event()
        self._idle = threading.Event()
        self._go.set()

    def __hash__(self) -> int:
        """Threads are kept in a set."""
        return id(self)

    def run(self) -> None:
        """Step until asked to end; wait a moment after what did not work."""
        with self.client() as client:
            while not self._end.is_set():
                if not self._go.is_set():
                    self._idle.set()
                    self._go.wait(_PAUSE_S)
                    continue
                self._idle.clear()
                try:
                    worked = self.step(client)
                except httpx.HTTPError as error:
                    self.errors[type(error).__name__] += 1
                    worked = False
                if not worked:
                    self._end.wait(_PAUSE_S)

    def client(self) -> httpx.Client:
        """Return the connection that the steps use."""
        return self.door.ours()

    def step(self, client: httpx.Client) -> bool:
        """Do one thing; False when it was of no use now."""
        raise NotImplementedError

    def rest(self) -> None:
        """Stand still after the step that is on its way."""
        self._go.clear()
        self._idle.wait(_TIMEOUT_S + 5)

    def go_on(self) -> None:
        """Step again."""
        self._idle.clear()
        self._go.set()

    def end(self) -> None:
        """End after the step that is on its way."""
        self._end.set()


@dataclass
class Writer(Client):
    """Posts new indicators, each with its relationship to what the agreement is about."""

    acknowledged: set[str] = field(default_factory=set)
    doubtful: set[str] = field(default_factory=set)

    __hash__ = Client.__hash__

    def step(self, client: httpx.Client) -> bool:
        """Post a few; whatever was not acknowledged is in doubt, and never posted again."""
        refs = [CLEAR]
        names = [uuid.uuid4().hex for _ in range(_EACH_POST)]
        signs = [sdo("indicator", name, object_marking_refs=refs) for name in names]
        loader = self.door.topic
        edges = [rel(each, "indicates", loader, object_marking_refs=refs) for each in signs]
        ids = {each["id"] for each in (*signs, *edges)}
        self.doubtful |= ids
        body = json.dumps({"objects": [*signs, *edges]}).encode()
        reply = client.post(
            f"{self.door.feed}objects/", content=body, headers={"Content-Type": TAXII}
        )
        if reply.status_code != 202:  # Accepted
            self.errors[str(reply.status_code)] += 1
            return False
        done = {each["id"] for each in reply.json().get("successes", [])}
        self.acknowledged |= done
        self.doubtful -= done
        return True


@dataclass
class Reader(Client):
    """Reads our own collection by the date added of what it saw last."""

    seen: Counter[str] = field(default_factory=Counter)
    cursor: dict[str, str] = field(default_factory=dict)

    __hash__ = Client.__hash__

    @property
    def path(self) -> str:
        """What is read."""
        return f"{self.door.feed}objects/"

    def step(self, client: httpx.Client) -> bool:
        """Read what came since; False when nothing did."""
        reply = client.get(self.path, params={"limit": "50", **self.cursor})
        if reply.status_code != 200:  # OK
            self.errors[str(reply.status_code)] += 1
            return False
        page = reply.json()
        self.seen.update(each["id"] for each in page.get("objects", []))
        self.cursor = self.after(reply, page) or self.cursor
        return bool(page.get("objects"))

    def after(self, reply: httpx.Response, _page: dict[str, Any]) -> dict[str, str]:
        """Return the cursor behind a page; empty where there is none."""
        last = reply.headers.get("X-TAXII-Date-Added-Last")
        return {"added_after": last} if last else {}


@dataclass
class Partner(Reader):
    """Reads what is given under the agreement, by the tokens that it is given."""

    __hash__ = Client.__hash__

    @property
    def path(self) -> str:
        """What is read."""
        return f"{self.door.agreement}objects/"

    def client(self) -> httpx.Client:
        """Return the connection that the steps use."""
        return self.door.partner()

    def after(self, _reply: httpx.Response, page: dict[str, Any]) -> dict[str, str]:
        """Return the cursor behind a page; empty where there is none."""
        return {"next": page["next"]} if "next" in page else {}


@dataclass
class Watcher(Client):
    """Asks for the signed head of the agreement's log, and keeps each."""

    notes: list[str] = field(default_factory=list)

    __hash__ = Client.__hash__

    def client(self) -> httpx.Client:
        """Return the connection that the steps use."""
        return self.door.partner()

    def step(self, client: httpx.Client) -> bool:
        """Ask once; always waits a moment after."""
        reply = client.get(f"{self.door.log}checkpoint")
        if reply.status_code != 200:  # OK
            self.errors[str(reply.status_code)] += 1
        elif not self.notes or self.notes[-1] != reply.text:
            self.notes.append(reply.text)
        return False
