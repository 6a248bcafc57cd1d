"""Writers and pollers on several worker processes, and workers that are killed among them."""

import base64
import json
import random
import signal
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from sqlalchemy import func, select

from tearline.agreement import home as homes
from tearline.agreement.home import open_home
from tearline.store import collections
from tearline.store.collections import collected
from tearline.store.database import Place
from tearline.store.objects import object_version
from tests.exchange.forking import Workers, workers
from tests.exchange.local import PASSWORD, TAXII, indicator, shelf

KILLS = 20
"""How often a worker is killed; with PostgreSQL, whose servers are killed elsewhere, less often."""


@pytest.fixture
def feed(tmp_path: Path, place: Place, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The id of a collection in a home whose store is in either place."""
    if isinstance(place, str):
        monkeypatch.setattr(homes, "store_of", lambda _path: place)
    with shelf(tmp_path) as made:
        yield made.ids["feed"]


@pytest.fixture
def file_feed(tmp_path: Path) -> Iterator[str]:
    """The same, in a file."""
    with shelf(tmp_path) as made:
        yield made.ids["feed"]


class Load:
    """Clients in threads, what they were told, and what they saw."""

    def __init__(self, running: Workers, feed: str) -> None:
        self.url = f"{running.url}/taxii2/local/collections/{feed}/objects/"
        self.done = threading.Event()
        self.written = threading.Event()
        self.sent: list[str] = []
        self.doubtful: list[str] = []
        self.codes: Counter[int] = Counter()
        self._threads: list[threading.Thread] = []
        self._errors: list[BaseException] = []

    def run(self, act: Callable[[httpx.Client], None], count: int = 1) -> None:
        for _ in range(count):
            thread = threading.Thread(target=self._safely, args=(act,), name=act.__name__)
            thread.start()
            self._threads.append(thread)

    def _safely(self, act: Callable[[httpx.Client], None]) -> None:
        try:
            with httpx.Client(auth=("alice", PASSWORD), trust_env=False, timeout=30) as client:
                act(client)
        except BaseException as error:  # noqa: BLE001  # told at the end
            self._errors.append(error)

    def join(self) -> None:
        """Let the writers end, and then the pollers, who were started after them."""
        self.done.set()
        for thread in self._threads:
            if thread.name == "poll":
                self.written.set()
            thread.join()
        assert not self._errors, self._errors

    def write(self, client: httpx.Client) -> None:
        """Post envelopes of twenty; of two that are not acknowledged, one is not sent again."""
        patient = False
        while not self.done.is_set():
            some = [indicator() for _ in range(20)]
            body = json.dumps({"objects": some}).encode()
            ids = [each["id"] for each in some]
            told = self._posted(client, body)
            patient ^= not told
            while patient and not told and not self.done.is_set():
                told = self._posted(client, body)
            (self.sent if told else self.doubtful).extend(ids)

    def has_sent_more_than(self, count: int) -> bool:
        return len(self.sent) > count

    def _posted(self, client: httpx.Client, body: bytes) -> bool:
        try:
            reply = client.post(self.url, content=body, headers={"Content-Type": TAXII})
        except httpx.HTTPError:
            return False
        self.codes[reply.status_code] += 1
        if reply.status_code != httpx.codes.ACCEPTED:
            return False
        told = reply.json()
        assert (told["success_count"], told["failure_count"]) == (20, 0)
        return True

    def page(self, client: httpx.Client, **params: Any) -> httpx.Response:  # noqa: ANN401  # any
        while True:
            try:
                reply = client.get(self.url, params=params)
            except httpx.HTTPError:
                continue
            self.codes[reply.status_code] += 1
            if reply.status_code == httpx.codes.OK:
                return reply

    def follow(self, seen: list[str], *, by_next: bool) -> Callable[[httpx.Client], None]:
        """Poll until everything that was acknowledged was seen, or nothing new has come."""

        def poll(client: httpx.Client) -> None:
            after, token, idle = "1970-01-01T00:00:00.000000Z", None, 0
            while idle < 3:
                ending = self.written.is_set()
                params = {"limit": 33, "added_after": after}
                reply = self.page(client, **params, **({"next": token} if token else {}))
                found = reply.json()
                seen.extend(each["id"] for each in found.get("objects", []))
                after = reply.headers.get("X-TAXII-Date-Added-Last", after)
                token = found.get("next") if by_next else None
                idle = idle + 1 if ending and not found else 0

        return poll


def all_of(load: Load, client: httpx.Client) -> list[str]:
    """The collection from its first page to its last."""
    found: list[str] = []
    params: dict[str, Any] = {}
    while True:
        page = load.page(client, **params).json()
        found += [each["id"] for each in page.get("objects", [])]
        if not page.get("more"):
            return found
        params = {"next": page["next"]}


def check_store(home: Path, feed: str, present: list[str]) -> None:
    """What the store holds is what was shown: once, with its flags, and the head at its end."""
    opened = open_home(home)
    with closing(opened.store), opened.store.read() as tx:
        (found,) = [each for each in collections.collections(tx) if each.id == feed]
        listed = collections.listing(tx, found.number, after=0, limit=10**6)
        rows = tx.execute(select(func.count()).select_from(object_version)).scalar()
        placed = tx.execute(select(func.count()).select_from(collected)).scalar()
    assert [each.stix_id for each in listed] == present
    assert all(each.earliest and each.latest for each in listed)
    assert listed[-1].at == found.last_at
    assert rows == placed == len(present)


def test_pollers_of_both_kinds_see_each_object_once(
    tmp_path: Path, place: Place, feed: str
) -> None:
    by_date: list[str] = []
    by_next: list[str] = []
    with workers(tmp_path / "home", place, 3) as running:
        load = Load(running, feed)
        load.run(load.write, 3)
        load.run(load.follow(by_date, by_next=False))
        load.run(load.follow(by_next, by_next=True))
        time.sleep(4)
        load.join()
    assert len(load.sent) > 100
    assert set(load.codes) == {200, 202}
    assert by_date == by_next
    assert sorted(by_date) == sorted(load.sent)
    check_store(tmp_path / "home", feed, by_date)


def test_what_was_acknowledged_outlives_kill_9_and_is_there_once(
    tmp_path: Path, place: Place, feed: str
) -> None:
    chance = random.Random(9)  # moments to kill at
    seen: list[str] = []
    with workers(tmp_path / "home", place, 2) as running:
        load = Load(running, feed)
        load.run(load.write, 2)
        load.run(load.follow(seen, by_next=True))
        for _ in range(KILLS if isinstance(place, Path) else KILLS // 3):
            until(partial(load.has_sent_more_than, len(load.sent)))
            time.sleep(chance.uniform(0, 0.2))
            running.stop(signal.SIGKILL)
            running.start()
        load.join()
        with httpx.Client(auth=("alice", PASSWORD), trust_env=False, timeout=30) as client:
            present = all_of(load, client)
    acknowledged, doubtful = set(load.sent), set(load.doubtful)
    assert acknowledged <= set(present) <= acknowledged | doubtful
    assert len(present) == len(set(present))
    assert seen == present
    whole = Counter(each in present for each in load.doubtful)
    assert all(count % 20 == 0 for count in whole.values())
    assert set(load.codes) <= {200, 202}
    check_store(tmp_path / "home", feed, present)


def until(holds: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.01)


def test_sigterm_lets_a_post_end_that_has_begun(tmp_path: Path, file_feed: str) -> None:
    body = json.dumps({"objects": [indicator() for _ in range(50)]}).encode()
    begun = threading.Event()
    with workers(tmp_path / "home", tmp_path, 1) as running:
        load = Load(running, file_feed)

        def halves() -> Iterator[bytes]:
            yield body[:1000]
            begun.wait(30)
            yield body[1000:]

        replies: list[httpx.Response] = []

        def post(client: httpx.Client) -> None:
            assert client.get(load.url).json() == {}
            headers = {"Content-Type": TAXII}
            replies.append(client.post(load.url, content=halves(), headers=headers))

        load.run(post)
        time.sleep(1)
        running.stop(signal.SIGTERM)
        time.sleep(0.5)
        begun.set()
        load.join()
        (reply,) = replies
        assert (reply.status_code, reply.json()["success_count"]) == (202, 50)
        running.start()
        with httpx.Client(auth=("alice", PASSWORD), trust_env=False, timeout=30) as client:
            assert len(all_of(load, client)) == 50


def test_a_slow_body_is_given_up_and_holds_up_nobody(
    tmp_path: Path, file_feed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEARLINE_BODY_SECONDS", "1")
    with workers(tmp_path / "home", tmp_path, 1) as running:
        load = Load(running, file_feed)
        url = urlsplit(load.url)
        key = base64.b64encode(f"alice:{PASSWORD}".encode()).decode()
        head = f"POST {url.path} HTTP/1.1\r\nHost: x\r\nContent-Type: {TAXII}\r\n"
        head += f"Content-Length: 5000\r\nAuthorization: Basic {key}\r\n\r\n"
        with (
            socket.create_connection((str(url.hostname), int(url.port or 0)), 30) as slow,
            httpx.Client(auth=("alice", PASSWORD), trust_env=False, timeout=30) as client,
        ):
            slow.sendall(head.encode() + b'{"objects":[')
            for _ in range(20):
                assert load.page(client).json() == {}
            told = b"".join(iter(partial(slow.recv, 4096), b"")).decode()
        assert told.startswith("HTTP/1.1 408 ")
        assert '"http_status":"408"' in told
