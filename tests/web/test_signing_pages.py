"""Signing in the browser: what the partner proposes is read, counted and signed; said no to; ended.

The acts are those of the command line. Two nodes talk by carried messages; two browsers look.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page
from starlette.testclient import TestClient

from tearline import clock
from tearline.agreement import signing
from tearline.agreement.log_keys import key_of
from tearline.agreement.terms import parse_toml
from tearline.log import record
from tearline.log.receipt import verify_receipt
from tearline.web import signing_in
from tearline.web.app import COOKIE
from tests.pair import Pair, make_pair, rel, sdo
from tests.web.served import NEEDS_CHROMIUM, ONE_BROWSER, serving
from tests.web.site import AT, session, site

HOSTILE = '<img src=x onerror="document.title=1">'
heron, loader = sdo("intrusion-set", "Gray Heron"), sdo("malware", "Mud Loader")
SIGNS = [sdo("indicator", f"sign {n}") for n in range(12)]


@pytest.fixture
def pair(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pair:
    made = make_pair(tmp_path)
    made.put(heron, loader, *SIGNS, rel(heron, "uses", loader))
    made.put(*(rel(each, "indicates", heron) for each in SIGNS))
    monkeypatch.setattr(clock, "now", lambda: made.now)
    return made


@pytest.fixture
def north(pair: Pair) -> Iterator[TestClient]:
    with site(pair.north, "officer") as client:
        yield client


@pytest.fixture
def south(pair: Pair) -> Iterator[TestClient]:
    with site(pair.south, "officer") as client:
        yield client


def at(pair: Pair) -> str:
    return f"/agreements/{pair.agreement_id.removeprefix('urn:uuid:')}"


def read(client: TestClient, pair: Pair, query: str = "") -> dict[str, Any]:
    found: dict[str, Any] = client.get(f"{at(pair)}.json{query}").json()
    return found


def step(client: TestClient, pair: Pair, name: str, **given: str) -> int:
    return client.post(f"{at(pair)}/step", data={"step": name, **given}).status_code


def test_a_proposal_is_counted_and_then_signed(
    pair: Pair, north: TestClient, south: TestClient
) -> None:
    pair.propose()
    pair.carry()
    found = read(south, pair)
    assert (found["state"], found["ours"], found["counts"]) == ("proposed", False, None)
    assert found["steps"] == ["countersign", "reject", "offer"]
    assert 'value="countersign"' not in south.get(at(pair)).text
    counted = south.get(f"{at(pair)}?preview=1")
    assert 'value="countersign"' in counted.text
    assert read(south, pair, "?preview=1")["counts"]["held"] == 0
    assert step(south, pair, "countersign") == 404
    assert step(south, pair, "countersign", hash="sha256:" + "0" * 64) == 404
    assert step(south, pair, "countersign", hash=found["hash"]) == 303
    pair.carry()
    pair.reconcile()
    assert (read(north, pair)["state"], read(south, pair)["state"]) == ("active", "active")
    assert read(north, pair)["live"] == 27


def test_a_change_shows_what_differs_and_what_would_change_side(
    pair: Pair, north: TestClient, south: TestClient
) -> None:
    pair.agree()
    pair.propose(types='["indicator", "relationship", "intrusion-set"]')
    pair.carry()
    for client, ours in ((north, True), (south, False)):
        found = read(client, pair, "?preview=1")
        assert (found["version"], found["running"]["version"], found["ours"]) == (2, 1, ours)
        lines = {each["place"]: each for group in found["groups"] for each in group["lines"]}
        assert lines["clause N1 · types"]["turn"] == "narrower"
        assert "malware" in lines["clause N1 · types"]["was"]
    changes = read(north, pair, "?preview=1")["counts"]["changes"]
    assert (changes["more"], changes["fewer"]) == (0, 2)
    assert step(north, pair, "withdraw", hash=read(north, pair)["hash"], reason="no") == 303
    assert read(north, pair)["statements"][-1]["step"] == "withdrawn"
    assert read(north, pair)["versions"][0]["state"] == "withdrawn"
    pair.carry()
    assert step(south, pair, "countersign", hash=read(south, pair)["hash"]) == 400


def test_it_is_suspended_resumed_by_both_and_ended(
    pair: Pair, north: TestClient, south: TestClient
) -> None:
    pair.agree()
    assert step(north, pair, "suspend", reason="a doubt") == 303
    pair.carry()
    assert read(south, pair)["state"] == "suspended"
    assert read(south, pair)["steps"] == ["resume", "terminate"]
    assert step(north, pair, "resume", reason="it is gone") == 303
    pair.carry()
    assert read(north, pair)["state"] == "suspended"
    assert step(south, pair, "resume") == 303
    pair.carry()
    assert (read(north, pair)["state"], read(south, pair)["state"]) == ("active", "active")
    assert step(south, pair, "terminate", reason="over") == 303
    pair.carry()
    assert (read(north, pair)["state"], read(north, pair)["steps"]) == ("terminated", [])
    assert step(north, pair, "resume") == 400


def test_no_is_said_with_a_reason(pair: Pair, north: TestClient, south: TestClient) -> None:
    pair.propose()
    pair.carry()
    assert step(south, pair, "reject", hash=read(south, pair)["hash"], reason=HOSTILE) == 303
    pair.carry()
    found = read(north, pair)
    assert (found["state"], found["statements"][-1]["reason"]) == ("rejected", HOSTILE)
    assert "<img" not in north.get(at(pair)).text
    assert "&lt;img" in north.get(at(pair)).text


def test_each_side_may_tell_in_bands(pair: Pair, north: TestClient, south: TestClient) -> None:
    pair.propose()
    hash_ = read(north, pair)["hash"]
    assert step(north, pair, "offer", hash=hash_) == 303
    offered = read(north, pair)["offers"]
    assert offered["theirs"] is None
    assert {"type": "indicator", "go": "10-99", "wait": "none", "stay": "none"} in offered["ours"][
        "rows"
    ]
    assert "10-99" in north.get(at(pair)).text
    pair.carry()
    assert read(south, pair)["offers"]["theirs"]["rows"] == offered["ours"]["rows"]
    assert "10-99" in south.get(at(pair)).text


def test_an_officer_signs_and_shows_the_password_for_it(
    pair: Pair, south: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    pair.propose()
    pair.carry()
    given = {"step": "countersign", "hash": read(south, pair)["hash"]}
    for role in ("analyst", "approver", "overseer", "reader"):
        with site(pair.south, role) as other:
            assert read(other, pair)["steps"] == []
            assert other.post(f"{at(pair)}/step", data=given).status_code == 404
            assert 'name="step"' not in other.get(f"{at(pair)}?preview=1").text
    later = pair.now + signing_in.PROVEN + signing_in.HOUR
    monkeypatch.setattr(clock, "now", lambda: later)
    reply = south.post(f"{at(pair)}/step", data=given, headers={"Referer": f"{AT}{at(pair)}"})
    assert reply.headers["location"] == f"/prove?next={at(pair)}"
    assert read(south, pair)["state"] == "proposed"


def test_a_statement_has_a_receipt_that_anyone_can_check(pair: Pair, north: TestClient) -> None:
    pair.propose()
    assert [each["provable"] for each in read(north, pair)["statements"]] == [False]
    name = read(north, pair)["statements"][0]["statement"]
    assert north.get(f"{at(pair)}/statements/{name}").status_code == 400
    pair.carry()
    signing.countersign(pair.south, pair.agreement_id, now=pair.tick())
    pair.carry()
    said = [each for each in read(north, pair)["statements"] if each["provable"]]
    assert [each["step"] for each in said] == ["proposed", "activated"]
    name = said[0]["statement"]
    page = north.get(f"{at(pair)}/statements/{name}")
    assert "tearline receipt verify receipt.json" in page.text
    receipt = north.get(f"{at(pair)}/statements/{name}.json").json()
    with pair.north.store.read() as tx:
        vkey = key_of(tx, pair.north, record.our_log(pair.agreement_id))[1]
    proven = verify_receipt(receipt, vkey)
    assert proven["statement"] == name
    assert json.loads(receipt["record"]) == proven
    assert north.get(f"{at(pair)}/statements/sha256:none").status_code == 404


def test_one_sided_agreements_have_no_other_side(pair: Pair, north: TestClient) -> None:
    text = pair.terms().replace(
        f'key = "{pair.south.card.sign}"\nlog = "{pair.south.card.log}"', ""
    )
    text = text.replace("south-isac", "paper-reader").replace(
        "version = 1", f'version = 1\none_sided = true\npaper = "sha256:{"0" * 64}"'
    )
    signing.propose(pair.north, parse_toml(text), now=pair.tick())
    found = read(north, pair)
    assert (found["one_sided"], found["steps"]) == (True, ["suspend", "terminate"])
    assert "/change" not in north.get(at(pair)).text


# --------------------------------------------------------------------------------- two browsers


def opened(browser: Browser, pair: Pair, side: str, url: str, said: list[str]) -> Page:
    context = browser.new_context(viewport={"width": 1360, "height": 860})
    home = pair.north if side == "north" else pair.south
    context.add_cookies([{"name": COOKIE, "value": session(home, "officer"), "url": url}])
    page = context.new_page()
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    return page


def reached(page: Page, selector: str) -> None:
    """Go on with the keyboard alone until the focus is on what a selector names."""
    for _ in range(300):
        page.keyboard.press("Tab")
        if page.evaluate("one => document.activeElement.matches(one)", selector):
            return
    raise AssertionError(selector)


@NEEDS_CHROMIUM
@ONE_BROWSER
def test_proposed_in_one_browser_and_signed_in_the_other_by_keyboard_alone(
    pair: Pair, browser: Browser
) -> None:
    said: list[str] = []
    with serving(pair.north) as north_at, serving(pair.south) as south_at:
        north = opened(browser, pair, "north", north_at, said)
        north.goto(f"{north_at}/agreements/new")
        reached(north, "main form button")
        north.keyboard.press("Enter")
        north.wait_for_url("**/change")
        reached(north, "#title")
        north.keyboard.press("Control+A")
        north.keyboard.type(HOSTILE)
        reached(north, "#find")
        north.keyboard.type("heron")
        reached(north, "button[value=find]")
        north.keyboard.press("Enter")
        north.wait_for_url("**find=heron**")
        reached(north, "button[value^='add-topic:']")
        north.keyboard.press("Enter")
        north.wait_for_url("**/change#add-topic")
        north.wait_for_selector("[data-show='counts.stay']:text('27')")
        reached(north, "[name='clause.0.grading_min']")
        north.keyboard.press("Home")
        north.keyboard.press("ArrowDown")
        north.wait_for_selector("[data-show='counts.go']:text('27')")
        reached(north, "form.propose button")
        north.keyboard.press("Enter")
        north.wait_for_url("**/agreements/*")
        assert "it waits for them" in north.inner_text("main")
        pair.carry()
        south = opened(browser, pair, "south", south_at, said)
        south.goto(f"{south_at}/agreements")
        assert HOSTILE in south.inner_text("main")
        reached(south, "main td a")
        south.keyboard.press("Enter")
        south.wait_for_url("**/agreements/*")
        reached(south, "a[href='?preview=1#counts']")
        south.keyboard.press("Enter")
        south.wait_for_url("**preview=1**")
        reached(south, "button[value=countersign]")
        south.keyboard.press("Enter")
        south.wait_for_load_state("networkidle")
        pair.carry()
        for page in (north, south):
            page.reload()
            assert page.inner_text("h1 .state") == "active"
        assert said == []
        north.context.close()
        south.context.close()


@NEEDS_CHROMIUM
@ONE_BROWSER
def test_a_tick_counts_anew_and_without_a_script_a_button_does(
    pair: Pair, browser: Browser
) -> None:
    pair.agree()
    said: list[str] = []
    with serving(pair.north) as url:
        page = opened(browser, pair, "north", url, said)
        page.goto(f"{url}{at(pair)}/change")
        page.wait_for_selector("[data-show='counts.go']:text('27')")
        page.click("label:has([name='clause.0.type.malware'])")
        page.wait_for_selector("[data-show='counts.changes.fewer']:text('2')")
        assert "narrower" in page.inner_text(".all-lines")
        page.fill("[name='clause.0.max_age_days']", "soon")
        page.wait_for_selector(".problem:visible")
        assert "clause[0].max_age_days" in page.inner_text(".problem")
        page.fill("[name='clause.0.max_age_days']", "9")
        page.wait_for_selector(".problem", state="hidden")
        assert said == []
        cookies = page.context.cookies()
        page.context.close()
        context = browser.new_context(java_script_enabled=False)
        context.add_cookies([{"name": COOKIE, "value": cookies[0]["value"], "url": url}])
        plain = context.new_page()
        plain.goto(f"{url}{at(pair)}/change")
        assert plain.is_checked("[name='clause.0.type.malware']") is False
        plain.check("[name='clause.0.type.malware']")
        plain.click("button[value=count] >> nth=0")
        plain.wait_for_url("**count=exact**")
        assert plain.inner_text("[data-show='counts.go']") == "27"
        context.close()
