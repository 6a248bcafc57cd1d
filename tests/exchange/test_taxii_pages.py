"""Pages that were made before: never more, never other than what would be made now."""

import random
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from tearline import clock
from tearline.agreement import signing
from tearline.agreement.partners import block_party
from tearline.exchange import accounts
from tearline.exchange.access import Door
from tearline.exchange.taxii_answers import Page
from tearline.exchange.taxii_pages import Pages
from tearline.exchange.taxii_server import Taxii
from tearline.release import collecting
from tearline.release.recall import recall
from tests.exchange.local import PASSWORD, Shelf, cheap_passwords, indicator, post, shelf
from tests.exchange.nodes import Nodes, give, make_nodes
from tests.exchange.test_taxii_server import client_of

DAY = 86_400_000_000
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


def test_a_page_with_a_time_limit_ends_with_it() -> None:
    pages = Pages()
    pages.put("a", page(1), until=50)
    assert pages.get("a", now=49)
    assert not pages.get("a", now=50)


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
            for _ in range(2):  # the second time from the page, if there is one
                theirs, ours = fresh.get(url), kept.get(url)
                assert ours.status_code == theirs.status_code == 200
                assert ours.content == theirs.content, url
                for name in ("X-TAXII-Date-Added-First", "X-TAXII-Date-Added-Last"):
                    assert ours.headers.get(name) == theirs.headers.get(name)


@pytest.mark.parametrize("seed", range(3))
def test_a_server_with_pages_answers_as_one_without(node: Shelf, seed: int) -> None:
    chance = random.Random(seed)  # only has to differ from run to run
    kept = node.client("alice")
    held: list[str] = []
    for step in range(25):
        act = chance.choice(("new", "new", "version", "older", "delete", "one version", "nothing"))
        if act == "new" or not held:
            new = [indicator() for _ in range(chance.randrange(1, 6))]
            post(kept, node.path("feed"), *new)
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
            kept.delete(node.path("feed", f"objects/{one}/") + "?match[version]=first")
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
    made.agree(reach=2, age=3000)
    give(made, 3)
    yield made
    made.close()


def assert_same_pages(nodes: Nodes, kept: httpx2.Client, status: int = 200) -> bytes:
    fresh, found = client_of(nodes.north, nodes.key), []
    for rest in ("objects/", "objects/?limit=2", "manifest/", "objects/?match[type]=indicator"):
        for _ in range(2):
            theirs, ours = fresh.get(nodes.path + rest), kept.get(nodes.path + rest)
            assert ours.status_code == theirs.status_code == status
            if status == 200:
                assert ours.content == theirs.content
            found.append(ours.content)
    return found[0]


def test_a_release_and_a_recall_show_at_once(nodes: Nodes) -> None:
    kept = client_of(nodes.north, nodes.key)
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
    nodes: Nodes, monkeypatch: pytest.MonkeyPatch
) -> None:
    docs = client_of(nodes.north, nodes.key)
    assert b"indicator--" in docs.get(nodes.path + "objects/").content
    later = clock.now() + 3400 * DAY
    monkeypatch.setattr(clock, "now", lambda: later)
    assert docs.get(nodes.path + "objects/").content == b"{}"


def test_a_new_version_and_a_suspension_show_at_once(nodes: Nodes) -> None:
    kept = client_of(nodes.north, nodes.key)
    assert_same_pages(nodes, kept)
    nodes.agree(reach=1)
    assert_same_pages(nodes, kept)
    signing.suspend(nodes.north, nodes.agreement_id, "We look into it.", now=nodes.tick())
    assert_same_pages(nodes, kept, 404)


def test_a_block_shows_at_once(nodes: Nodes) -> None:
    kept = client_of(nodes.north, nodes.key)
    assert_same_pages(nodes, kept)
    block_party(nodes.north, "south-isac", "Their key was stolen.", now=nodes.tick())
    assert_same_pages(nodes, kept, 403)
