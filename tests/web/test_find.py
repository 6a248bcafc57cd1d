"""One field for everything: it leads to what is called just so, else to the search, never away."""

from urllib.parse import parse_qsl, urlsplit

import pytest
from playwright.sync_api import Browser
from sqlalchemy import select
from starlette.testclient import TestClient

from tearline import clock
from tearline.log import record
from tearline.store import agreements, logs
from tearline.store.agreements import agreement_version
from tearline.web.signing_in import ROLES, WEIGHING
from tests.pair import Pair, make_pair, rel, sdo
from tests.web.served import NEEDS_CHROMIUM, ONE_BROWSER, opened, serving, visit
from tests.web.site import site

heron = sdo("intrusion-set", "Gray Heron")
hospital = sdo("identity", "a hospital")
FOUND = 303


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    made = make_pair(tmp_path_factory.mktemp("find"))
    made.put(heron, hospital, rel(heron, "targets", hospital))
    made.agree(approvals=2)
    made.reconcile()
    for n in range(9):
        with made.north.store.write() as tx:
            entries = [{"kind": "staff", "act": "signed in", "name": f"n{n}"}]
            record.append(tx, record.PRIVATE, "staff", entries, at=made.tick(), agreement=None)
    return made


def find(client: TestClient, words: str) -> str:
    reply = client.get("/find", params={"q": words})
    assert reply.status_code == FOUND
    return reply.headers["location"]


def searched(to: str) -> str | None:
    """The words that are searched for among the objects; None where it leads elsewhere."""
    parts = urlsplit(to)
    query = dict(parse_qsl(parts.query))
    return query["q"] if (parts.netloc, parts.path) == ("", "/objects") and query else None


def test_what_is_called_just_so_is_led_to(pair: Pair, officer: TestClient) -> None:
    its = pair.agreement_id.removeprefix("urn:uuid:")
    with pair.north.store.read() as tx:
        title = agreements.versions(tx, pair.agreement_id)[-1].title
    item = officer.get("/queue.json").json()["items"][0]["item"]
    for words, to in {
        "south-isac": "/partners/south-isac",
        " South ISAC ": "/partners/south-isac",
        pair.agreement_id: f"/agreements/{its}",
        pair.agreement_id.upper(): f"/agreements/{its}",
        title: f"/agreements/{its}",
        heron["id"]: f"/objects/{heron['id']}",
        item: f"/queue/{item}",
        item.removeprefix("sha256:")[:16]: f"/queue/{item}",
        "": "/objects",
        " \t": "/objects",
    }.items():
        assert find(officer, words) == to, words
        assert officer.get(to).status_code == 200, to


def test_a_leaf_is_led_to_where_one_log_has_it(pair: Pair, officer: TestClient) -> None:
    with pair.north.store.read() as tx:
        sizes = {name: head.size for name, head in logs.heads(tx, logs.names(tx)).items()}
    longest = max(sizes, key=lambda name: sizes[name])
    leaf = sizes[longest] - 1
    assert [name for name, size in sizes.items() if leaf < size] == [longest]
    to = find(officer, f"leaf {leaf}")
    assert to == find(officer, f"#{leaf}") == find(officer, f"Blatt {leaf}")
    assert to.endswith(f"?leaf={leaf}")
    assert officer.get(to.replace("?", ".json?")).json()["leaves"][0]["leaf"] == leaf
    assert find(officer, "#0") == "/log"
    assert find(officer, f"leaf {10**16}") == "/log"
    assert searched(find(officer, f"leaf {10**18}")) == f"leaf {10**18}"


@pytest.mark.parametrize("role", ROLES)
def test_what_a_role_may_not_see_is_looked_for_among_the_objects(pair: Pair, role: str) -> None:
    """Whether it is there or not: the answer is the same, but for the words."""
    with site(pair.north, "officer") as client:
        item = client.get("/queue.json").json()["items"][0]["item"]
    with pair.north.store.read() as tx:
        sizes = {name: head.size for name, head in logs.heads(tx, logs.names(tx)).items()}
    private = sizes.pop(record.PRIVATE)
    assert private > max(sizes.values()), "the test asks for a leaf that only the private log has"
    with site(pair.north, role) as client:
        weighs, oversees = role in WEIGHING, role in {"officer", "overseer", "admin"}
        for words in (item, f"sha256:{'0' * 64}", "#0", "leaf 99999"):
            assert (searched(find(client, words)) == words) == (
                not weighs or words.endswith("00")
            ), words
        if weighs:
            to = "/log/ours/private" if oversees else "/log"
            assert find(client, f"#{private - 1}").partition("?")[0] == to
        assert find(client, heron["id"]) == f"/objects/{heron['id']}"


@pytest.mark.parametrize(
    "words",
    [
        "//elsewhere.example",
        "https://elsewhere.example/",
        "/\\elsewhere.example",
        "..",
        "../../settings",
        "x&type=tool#y",
        "%2f%2felsewhere.example",
        "a\r\nLocation: https://elsewhere.example",
        "\0",
        "south-isac\0",
        "\u202egnp",
        "'; DROP TABLE party; --",
        "sha256:" + "f" * 64,
        "sha256:%%%%%%%%%%%%%%%%",
        "urn:uuid:00000000-0000-0000-0000-000000000000",
        "tool--00000000-0000-4000-8000-000000000000",
        "note--../../../../../../../../../../../../x",
        "leaf -1",
        "leaf ٣",  # a digit of another script
        "{{7*7}}<script>",
    ],
)
def test_whatever_is_asked_it_leads_to_our_own_search(officer: TestClient, words: str) -> None:
    to = find(officer, words)
    assert searched(to) == " ".join(words.split())
    assert to.startswith("/objects?q=")
    reply = officer.get(to)
    assert reply.status_code in {200, 400}
    assert "<script>" not in reply.text


def test_what_is_asked_has_a_length(officer: TestClient) -> None:
    assert searched(find(officer, "w" * 5_000)) == "w" * 1_000
    assert searched(find(officer, "\N{FIRE}" * 5_000)) == "\N{FIRE}" * 1_000


def test_two_of_a_name_lead_to_their_list(pair: Pair, officer: TestClient) -> None:
    with pair.north.store.write() as tx:
        (row,) = tx.execute(select(agreement_version)).mappings().all()
        tx.execute(
            agreement_version.insert().values({**row, "hash": "x", "agreement_id": "urn:uuid:x"})
        )
    try:
        assert find(officer, row["title"]) == "/agreements"
    finally:
        with pair.north.store.write() as tx:
            tx.execute(agreement_version.delete().where(agreement_version.c.hash == "x"))


def test_nobody_finds_anything(pair: Pair) -> None:
    with site(pair.north) as nobody:
        reply = nobody.get("/find", params={"q": "south-isac"})
        assert reply.headers["location"] == "/sign-in?next=/find"
        assert nobody.post("/find", data={"q": "x"}).status_code == 405
        assert 'role="search"' not in nobody.get("/sign-in").text


# ------------------------------------------------------------------------------------- a browser


@NEEDS_CHROMIUM
@ONE_BROWSER
def test_a_key_leads_to_the_field_and_not_while_somebody_types(
    pair: Pair, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock, "now", lambda: pair.now)
    focused = "document.activeElement.id"
    with serving(pair.north) as at, opened(browser, pair.north, at) as (page, _):
        visit(page, "/objects")
        page.keyboard.press("/")
        assert page.evaluate(focused) == "anything"
        page.keyboard.type("a/b")
        assert page.input_value("#anything") == "a/b"
        page.focus("#q")
        page.keyboard.press("/")
        assert (page.evaluate(focused), page.input_value("#q")) == ("q", "/")
        page.locator("h1").click()
        page.keyboard.press("Control+/")
        assert page.evaluate(focused) != "anything"
        page.keyboard.press("/")
        page.keyboard.type("South ISAC")
        page.keyboard.press("Enter")
        page.wait_for_url("**/partners/south-isac")
        page.emulate_media(media="print")
        assert not page.is_visible("#anything")


@NEEDS_CHROMIUM
@ONE_BROWSER
def test_the_field_finds_without_a_script(
    pair: Pair, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock, "now", lambda: pair.now)
    with (
        serving(pair.north) as at,
        opened(browser, pair.north, at, role="reader", java_script_enabled=False) as (page, _),
    ):
        page.goto("/")
        assert not page.is_visible(".find kbd"), "a key that does nothing is not named"
        page.get_by_label("Find object, partner, leaf").fill("heron & co")
        page.keyboard.press("Enter")
        page.wait_for_url("**/objects?q=heron+%26+co")
        assert page.input_value("#q") == "heron & co"
