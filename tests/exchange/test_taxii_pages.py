"""Answers that were given before: never more, never other than what would be made now."""

import asyncio
import os
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from tearline import clock
from tearline.agreement import home as homes
from tearline.agreement import signing
from tearline.agreement.force import in_force
from tearline.agreement.home import Home
from tearline.agreement.partners import block_party
from tearline.exchange import accounts, taxii_again, taxii_server
from tearline.exchange.access import AGREEMENT_HEADER, Door
from tearline.exchange.taxii_again import Again
from tearline.exchange.taxii_answers import Page
from tearline.exchange.taxii_pages import Pages
from tearline.exchange.taxii_server import Taxii
from tearline.release import collecting
from tearline.release.recall import recall
from tearline.store import releases
from tests.exchange.local import PASSWORD, Shelf, cheap_passwords, indicator, post, shelf
from tests.exchange.nodes import Nodes, give, make_nodes
from tests.exchange.test_taxii_server import client_of

WALKS = (
    "?limit=3",
    "?limit=100",
    "?match[type]=indicator&limit=4",
    "?match[version]=all",
    "?match[version]=first&limit=2",
    "?added_after=2026-01-01T00:00:00Z",
)


def page(size: int) -> Page:
    return Page(b"x" * size)


# ------------------------------------------------------------------------------------- the pages


def test_what_was_asked_for_last_stays() -> None:
    pages = Pages(10_000)
    for name in "abcd":
        pages.put(name, page(1_000))
    assert pages.get("a", now=0)
    pages.put("e", page(1_400))
    assert pages.get("a", now=0)
    assert not pages.get("b", now=0)
    assert pages.get("e", now=0)


def test_a_page_that_would_push_out_all_others_is_not_kept() -> None:
    pages = Pages(10_000)
    pages.put("a", page(10))
    pages.put("huge", page(5_000))
    assert pages.get("a", now=0)
    assert not pages.get("huge", now=0)


def test_the_same_name_counts_once() -> None:
    pages = Pages(8_000)
    for _ in range(50):
        pages.put("a", page(900))
    pages.put("b", page(900))
    assert pages.get("a", now=0)
    assert pages.get("b", now=0)


def test_a_page_counts_once_whatever_its_names() -> None:
    pages, big = Pages(10_000), page(1_000)
    for name in "abcdefgh":
        pages.put(name, big)
    assert pages.get("a", now=0) is big
    pages.put("i", page(1_000))
    assert not pages.get("b", now=0)
    for name in "jklmno":
        pages.put(name, page(1_000))
    assert not pages.get("a", now=0)
    assert pages._bytes <= 10_000  # noqa: SLF001  # for tests alone
    assert set(pages._names) == {held.page for held in pages._held.values()}  # noqa: SLF001


def test_a_page_with_a_time_limit_ends_with_it() -> None:
    pages = Pages()
    pages.put("a", page(1), until=50)
    assert pages.get("a", now=49)
    assert not pages.get("a", now=50)


# ------------------------------------------------------------------------------- given again

pytestmark = pytest.mark.usefixtures("either_store")


@pytest.fixture
def again(monkeypatch: pytest.MonkeyPatch) -> Counter[bool]:
    """Counts how often an answer was given again, and how often not."""
    counts: Counter[bool] = Counter()
    find = Again.find

    async def _find(*arguments: Any, **named: Any) -> Any:  # noqa: ANN401  # as it is called
        asked, found = await find(*arguments, **named)
        counts[found is not None] += 1
        return asked, found

    monkeypatch.setattr(Again, "find", _find)
    return counts


def warm(client: httpx2.Client, url: str, again: Counter[bool], **headers: str) -> httpx2.Response:
    """Ask until the answer is one that was given before."""
    until = time.monotonic() + 10
    before = again[True]
    while True:
        found = client.get(url, headers=headers)
        if again[True] > before:
            return found
        assert time.monotonic() < until


def elsewhere(home: Home, *words: str) -> None:
    """Run a command of ours on a home, as a process of its own."""
    place = homes.store_of(home.path)
    store = "" if isinstance(place, Path) else place
    command = [sys.executable, "-m", "tearline", *words, "--home", str(home.path)]
    done = subprocess.run(
        command, env=os.environ | {"TEARLINE_STORE": store}, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_what_another_process_revokes_ends_at_the_next_request(
    node: Shelf, again: Counter[bool]
) -> None:
    key = accounts.add_key(node.home, "alice", now=clock.now())
    with node.client() as client:
        client.headers["Authorization"] = f"Bearer {key}"
        post(client, node.path("feed"), indicator())
        assert warm(client, node.path("feed"), again).status_code == 200
        elsewhere(node.home, "account", "deny", "alice", "--read", "feed")
        assert client.get(node.path("feed")).status_code == 403
        elsewhere(node.home, "account", "grant", "alice", "--read", "feed")
        assert warm(client, node.path("feed"), again).status_code == 200
        elsewhere(node.home, "account", "end", "alice")
        assert client.get(node.path("feed")).status_code == 401


def test_an_answer_is_given_again_only_to_the_same_request(
    node: Shelf, again: Counter[bool]
) -> None:
    with node.client() as client:
        url = node.path("feed")
        post(node.client("alice"), url, indicator())
        client.auth = httpx2.BasicAuth("alice", PASSWORD)
        whole = warm(client, url, again)
        assert client.get(url, headers={"Accept": "text/html"}).status_code == 406
        assert client.get(url + "?match[type]=malware").json() == {}
        assert client.get(node.path("feed", "manifest/")).content != whole.content
        assert client.head(url).headers["Content-Length"] == str(len(whole.content))
        assert client.get(url).content == whole.content
        client.auth = httpx2.BasicAuth("poster", PASSWORD)
        assert client.get(url).status_code == 403
        client.auth = httpx2.BasicAuth("nobody", PASSWORD)
        assert client.get(url).status_code == 401
        assert client.delete(url).status_code == 401


def test_what_is_committed_while_an_answer_is_made_shows_in_the_next(
    node: Shelf, again: Counter[bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An answer is kept with the state of before, not of after it was made."""
    url, answered, other = node.path("feed"), taxii_server._answered, node.client("alice")  # noqa: SLF001
    post(other, url, indicator())
    going: list[str] = []

    async def _late(*arguments: Any) -> Any:  # noqa: ANN401  # as it is called
        made = await answered(*arguments)
        while going:
            collecting.take_out(node.home, node.ids["feed"], [going.pop()], now=clock.now())
            await asyncio.sleep(0)
        return made

    monkeypatch.setattr(taxii_server, "_answered", _late)
    with node.client("alice") as client:
        for _ in range(3):
            before = warm(client, url, again).content
            new = indicator()
            post(other, url, new)
            going.append(new["id"])
            assert new["id"] in client.get(url).text
            assert not going
            assert client.get(url).content == before
            assert client.get(url).content == before


def test_an_answer_is_not_given_again_for_long(
    node: Shelf, again: Counter[bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    with node.client("alice") as client:
        warm(client, node.path("feed"), again)
        later = clock.now() + taxii_again._LIFE_US  # noqa: SLF001  # for tests alone
        for moment in (later, later - 3_600_000_000):
            monkeypatch.setattr(clock, "now", lambda at=moment: at)
            before = again[True]
            client.get(node.path("feed"))
            assert again[True] == before


def test_no_credentials_lie_in_memory(node: Shelf, again: Counter[bool]) -> None:
    key = accounts.add_key(node.home, "alice", now=clock.now())
    app = Taxii(lambda: node.home, Door())
    with node.client(None, Starlette(routes=[Mount("", app)])) as client:
        warm(client, node.path("feed"), again, Authorization=f"Bearer {key}")
    held = repr(app._pages._held)  # noqa: SLF001  # for tests alone
    assert "/taxii2/local/" in held
    assert key not in held


# ------------------------------------------------------------------------------ local collections


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Shelf]:
    with shelf(tmp_path) as made:
        yield made


def fresh_client(node: Shelf, user: str) -> httpx2.Client:
    """A client of a server that has no page yet."""
    return node.client(user, Starlette(routes=[Mount("", Taxii(lambda: node.home, Door()))]))


def assert_alike(node: Shelf, kept: httpx2.Client) -> None:
    fresh = fresh_client(node, "alice")
    for what in ("objects/", "manifest/"):
        for walk in WALKS:
            url = node.path("feed", what) + walk
            theirs = fresh.get(url)
            for _ in range(4):  # from the page, if there is one; then as it was given
                ours = kept.get(url)
                assert ours.status_code == theirs.status_code == 200
                assert ours.content == theirs.content, url
                for name in ("X-TAXII-Date-Added-First", "X-TAXII-Date-Added-Last"):
                    assert ours.headers.get(name) == theirs.headers.get(name)


@pytest.mark.parametrize("seed", [7])
def test_a_server_with_pages_answers_as_one_without(
    node: Shelf, again: Counter[bool], seed: int
) -> None:
    with node.client("alice") as kept:
        warm(kept, node.path("feed"), again)
        play(node, kept, random.Random(seed))
        assert again[True] > 100


def play(node: Shelf, kept: httpx2.Client, chance: random.Random) -> None:
    """Change things, and compare after each act; some acts go through another server."""
    held: list[str] = []
    other = fresh_client(node, "alice")
    for step in range(16):
        act = chance.choice(("new", "new", "version", "older", "delete", "one version", "nothing"))
        if act == "new" or not held:
            new = [indicator() for _ in range(chance.randrange(1, 6))]
            post(chance.choice((kept, other)), node.path("feed"), *new)
            held += [each["id"] for each in new]
        elif act in {"version", "older"}:
            year = 2027 if act == "version" else 2020
            stamp = f"{year}-01-01T00:00:{step:02}.000Z"
            post(kept, node.path("feed"), indicator(chance.choice(held), stamp, created=stamp))
        elif act == "delete":
            gone = held.pop(chance.randrange(len(held)))
            kept.delete(node.path("feed", f"objects/{gone}/"))
        elif act == "one version":
            one = chance.choice(held)
            other.delete(node.path("feed", f"objects/{one}/") + "?match[version]=first")
        assert_alike(node, kept)


def test_what_others_add_and_take_shows_at_once(node: Shelf) -> None:
    kept = node.client("alice")
    first, second = indicator(), indicator()
    post(kept, node.path("feed"), first)
    assert_alike(node, kept)
    node.collection("other")
    with cheap_passwords():
        node.account("carol", write=("other",))
    post(node.client("carol"), node.path("other"), second)
    collecting.put(node.home, "feed", [second["id"]], now=clock.now())
    assert_alike(node, kept)
    collecting.take_out(node.home, node.ids["feed"], [first["id"]], now=clock.now())
    assert_alike(node, kept)


def test_a_page_is_for_those_alone_who_may_read(node: Shelf) -> None:
    app = Starlette(routes=[Mount("", Taxii(lambda: node.home, node.door))])
    alice, poster = node.client("alice", app), node.client("poster", app)
    post(alice, node.path("feed"), indicator())
    for _ in range(2):
        assert alice.get(node.path("feed")).status_code == 200
        assert poster.get(node.path("feed")).status_code == 403
        assert node.client(None, app).get(node.path("feed")).status_code == 401


def test_a_right_a_password_and_a_key_end_at_once(node: Shelf) -> None:
    alice, reader = node.client("alice"), node.client("reader")
    key = accounts.add_key(node.home, "alice", now=clock.now())
    keyed = node.client()
    keyed.headers["Authorization"] = f"Bearer {key}"
    post(alice, node.path("feed"), indicator())
    for client in (alice, reader, keyed) * 2:
        assert client.get(node.path("feed")).status_code == 200
    accounts.deny(node.home, "reader", read=("feed",), now=clock.now())
    assert reader.get(node.path("feed")).status_code == 404
    with cheap_passwords():
        accounts.set_password(node.home, "alice", PASSWORD + "!", now=clock.now())
    assert alice.get(node.path("feed")).status_code == 401
    assert keyed.get(node.path("feed")).status_code == 200
    accounts.end_account(node.home, "alice", now=clock.now())
    assert keyed.get(node.path("feed")).status_code == 401


# ------------------------------------------------------------------------------ under agreements


@pytest.fixture
def nodes(tmp_path: Path) -> Iterator[Nodes]:
    made = make_nodes(tmp_path)
    made.agree(reach=2, age=1000, until="2029-12-31")  # while the cards are good
    give(made, 3)
    yield made
    made.close()


@pytest.fixture
def kept(nodes: Nodes) -> Iterator[httpx2.Client]:
    """A client of a server that keeps what it gave."""
    with client_of(nodes.north, nodes.key, nodes.signs) as made:
        yield made


def assert_same_pages(nodes: Nodes, kept: httpx2.Client, status: int = 200) -> bytes:
    fresh, found = client_of(nodes.north, nodes.key, nodes.signs), []
    for rest in ("objects/", "objects/?limit=2", "manifest/", "objects/?match[type]=indicator"):
        theirs = fresh.get(nodes.path + rest)
        for _ in range(4):
            ours = kept.get(nodes.path + rest)
            assert ours.status_code == theirs.status_code == status
            if status == 200:
                assert ours.content == theirs.content
            found.append(ours.content)
    return found[0]


def test_a_release_and_a_recall_show_at_once(nodes: Nodes, kept: httpx2.Client) -> None:
    first = assert_same_pages(nodes, kept)
    give(nodes, 5)
    second = assert_same_pages(nodes, kept)
    assert len(second) > len(first)
    gone = next(iter(nodes.delivered()))
    recall(nodes.north, gone, "south-isac", "A mistake.", now=nodes.tick())
    assert assert_same_pages(nodes, kept) != second
    reply = kept.get(nodes.path + "objects/", params={"match[id]": gone}).json()
    assert not reply or reply["objects"][0].get("revoked")


def test_what_grew_too_old_goes_from_a_page_by_the_clock_alone(
    nodes: Nodes,
    kept: httpx2.Client,
    again: Counter[bool],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with nodes.north.store.read() as tx:
        rows = releases.page(tx, nodes.agreement_id, after=0, now=clock.now(), limit=100)
    turn = min(row.until_at for row in rows)
    monkeypatch.setattr(clock, "now", lambda: turn - 1)
    before = warm(kept, nodes.path + "objects/", again)
    assert len(before.json()["objects"]) == len(rows)
    monkeypatch.setattr(clock, "now", lambda: turn)
    assert kept.get(nodes.path + "objects/").content != before.content


def test_an_agreement_ends_by_the_clock_alone(
    nodes: Nodes, again: Counter[bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    with nodes.north.store.read() as tx:
        force = in_force(tx, nodes.agreement_id, now=clock.now())
    assert force is not None
    end = force.until_at
    nothing = nodes.path + "objects/?added_after=2098-01-01T00:00:00Z"
    with client_of(nodes.north, nodes.key, nodes.signs) as kept:
        monkeypatch.setattr(clock, "now", lambda: end - 1)
        assert warm(kept, nothing, again).json() == {}
        monkeypatch.setattr(clock, "now", lambda: end)
        assert kept.get(nothing).status_code == 404


def test_an_answer_is_for_one_version_of_the_agreement(
    nodes: Nodes, kept: httpx2.Client, again: Counter[bool]
) -> None:
    warm(kept, nodes.path + "objects/", again)
    named = {AGREEMENT_HEADER: "sha256:" + "0" * 64}
    assert kept.get(nodes.path + "objects/", headers=named).status_code == 409
    assert warm(kept, nodes.path + "objects/", again).status_code == 200


def test_what_is_given_again_is_given_to_who_signs(
    nodes: Nodes, kept: httpx2.Client, again: Counter[bool]
) -> None:
    """A signature is no part of what an answer is kept under, and is looked at all the same."""
    url = nodes.path + "objects/"
    first = warm(kept, url, again).request
    bare = {"Tearline-Agreement": nodes.last_hash or ""}
    kept.auth = lambda request: request  # signs nothing
    for headers, code in (
        (bare, "unsigned"),
        (dict(first.headers), "replay"),
        ({**first.headers, "signature": f"tearline=:{'A' * 86}==:"}, "signature"),
    ):
        reply = kept.get(url, headers=headers)
        assert (reply.status_code, reply.json()["details"]["code"]) == (401, code)


def test_a_key_that_another_process_blocks_opens_nothing_more(
    nodes: Nodes, kept: httpx2.Client, again: Counter[bool]
) -> None:
    warm(kept, nodes.path + "objects/", again)
    elsewhere(nodes.north, "party", "block", "south-isac", "--reason", "Stolen.")
    assert kept.get(nodes.path + "objects/").status_code == 403


def test_a_new_version_and_a_suspension_show_at_once(nodes: Nodes, kept: httpx2.Client) -> None:
    assert_same_pages(nodes, kept)
    nodes.agree(reach=1)
    assert kept.get(nodes.path + "objects/").status_code == 409
    kept.auth = nodes.signs  # under the new version
    assert_same_pages(nodes, kept)
    signing.suspend(nodes.north, nodes.agreement_id, "We look into it.", now=nodes.tick())
    assert_same_pages(nodes, kept, 404)


def test_a_block_shows_at_once(nodes: Nodes, kept: httpx2.Client) -> None:
    assert_same_pages(nodes, kept)
    block_party(nodes.north, "south-isac", "Their key was stolen.", now=nodes.tick())
    assert_same_pages(nodes, kept, 403)
