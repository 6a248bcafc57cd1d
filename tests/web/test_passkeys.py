"""Passkeys in a real browser, with its virtual authenticator: the whole course of one person."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, CDPSession, Page

from tearline import clock
from tearline.approval import people
from tearline.store import passkeys as rows
from tearline.store import private
from tearline.web import passkeys, signing_in
from tearline.web.app import COOKIE
from tests.pair import Pair, make_pair, rel, sdo
from tests.web.served import NEEDS_CHROMIUM, ONE_BROWSER, painted, serving
from tests.web.site import PASSWORD

pytestmark = [NEEDS_CHROMIUM, ONE_BROWSER]

heron = sdo("intrusion-set", "Gray Heron")
hospitals = [sdo("identity", f"hospital {n}") for n in range(3)]


@pytest.fixture
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    with pytest.MonkeyPatch.context() as patch:
        made = make_pair(tmp_path_factory.mktemp("passkeys"))
        made.put(heron, *hospitals, *(rel(heron, "targets", each) for each in hospitals))
        made.agree(approvals=1)
        patch.setattr(clock, "now", lambda: made.tick(1000))
        yield made


@pytest.fixture
def at(pair: Pair) -> Iterator[str]:
    """Where the pages of North are served: localhost, to which passkeys may belong."""
    with serving(pair.north, "localhost") as url:
        yield url


class Person:
    """Somebody with a browser and an authenticator in it."""

    def __init__(self, pair: Pair, browser: Browser, at: str, name: str, role: str) -> None:
        self.pair, self.at, self.name = pair, at, name
        token = signing_in.invite(pair.north, name, role, now=clock.now())
        session = signing_in.accept(pair.north, token, PASSWORD, now=clock.now())
        self.context: BrowserContext = browser.new_context()
        self.context.add_cookies([{"name": COOKIE, "value": session, "url": at}])
        self.page: Page = self.context.new_page()
        self.said: list[str] = []
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.device: CDPSession = self.context.new_cdp_session(self.page)
        self.device.send("WebAuthn.enable", {"enableUI": False})
        options = {
            "protocol": "ctap2",
            "transport": "internal",
            "hasResidentKey": True,
            "hasUserVerification": True,
            "isUserVerified": True,
            "automaticPresenceSimulation": True,
        }
        made = self.device.send("WebAuthn.addVirtualAuthenticator", {"options": options})
        self.authenticator: str = made["authenticatorId"]

    def add(self, label: str = "my laptop") -> None:
        self.page.goto(f"{self.at}/account")
        self.page.fill("#label", label)
        self.page.click("text=Add a passkey")
        self.page.wait_for_selector(f"input[name=label][value='{label}']")

    def enrol(self, *, also: bool = False) -> None:
        newest = passkeys.mine(self.pair.north, self.name)[-1][0]
        mark = self.page.request.get(f"{self.at}/account.json").json()["passkeys"][-1]["mark"]
        assert newest.label
        passkeys.enrol(self.pair.north, self.name, mark, also=also, now=clock.now())

    def items(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.page.request.get(f"{self.at}/queue.json").json()["items"]
        return found

    def credentials(self) -> list[dict[str, Any]]:
        given = {"authenticatorId": self.authenticator}
        found: list[dict[str, Any]] = self.device.send("WebAuthn.getCredentials", given)[
            "credentials"
        ]
        return found

    def verify(self, *, well: bool) -> None:
        given = {"authenticatorId": self.authenticator, "isUserVerified": well}
        self.device.send("WebAuthn.setUserVerified", given)

    def sees(self, url: str) -> None:
        self.page.wait_for_url(url)
        painted(self.page)

    def sign_out(self) -> None:
        self.context.clear_cookies()


@pytest.fixture
def ada(pair: Pair, browser: Browser, at: str) -> Iterator[Person]:
    made = Person(pair, browser, at, "ada", "approver")
    yield made
    made.context.close()


def notes(pair: Pair) -> list[dict[str, Any]]:
    with pair.north.store.read() as tx:
        return [json.loads(record) for _, record in private.pending(tx)]


def test_a_passkey_is_added_named_used_to_sign_in_seen_and_removed(ada: Person, pair: Pair) -> None:
    ada.add()
    assert len(ada.credentials()) == 1
    ada.page.fill("table input[name=label]", "the blue one")
    ada.page.click("text=Rename")
    ada.page.wait_for_selector("input[name=label][value='the blue one']")
    ada.sign_out()
    ada.page.goto(f"{ada.at}/queue")
    assert "/sign-in" in ada.page.url
    ada.page.click("text=Sign in with a passkey")
    ada.page.wait_for_url(f"{ada.at}/queue")
    found = ada.page.request.get(f"{ada.at}/account.json").json()
    assert found["passkeys"][0]["used_at"] > found["passkeys"][0]["since_at"]
    assert [each["this"] for each in found["sessions"]] == [True, False]
    assert "Chrome, Linux, 127.0.0.1" in found["sessions"][0]["place"]
    ada.page.goto(f"{ada.at}/account")
    ada.page.click("button:text('Remove')")
    ada.page.wait_for_selector("text=You have no passkey")
    ada.sign_out()
    ada.page.goto(f"{ada.at}/sign-in")
    ada.page.click("text=Sign in with a passkey")
    ada.page.wait_for_selector("text=This passkey opens nothing here")
    acts = [each["act"] for each in notes(pair) if each["kind"] == "staff"]
    assert acts == ["invited", "accepted", "passkey added", "signed in", "passkey removed"]
    assert [each for each in ada.said if "403" not in each] == []


def test_what_binds_is_proven_by_passkey_too(ada: Person, pair: Pair) -> None:
    ada.add()
    pair.tick(signing_in.PROVEN)
    ada.page.goto(f"{ada.at}/account")
    ada.page.fill("#label", "another")
    ada.page.click("text=Add a passkey")
    ada.page.wait_for_url(f"{ada.at}/prove?next=/account")
    ada.page.click("text=Go on with a passkey")
    ada.page.wait_for_url(f"{ada.at}/account")
    assert len(ada.credentials()) == 1
    assert [each for each in ada.said if "403" not in each] == []


def test_a_person_approves_on_the_page_and_it_goes(ada: Person, pair: Pair) -> None:
    ada.add()
    ada.page.goto(f"{ada.at}/queue/{ada.items()[0]['item']}")
    assert ada.page.locator("text=Approve with your passkey").count() == 0, "not let in yet"
    assert "tearline queue approve" in ada.page.inner_text("main")
    ada.enrol()
    first, second, *_ = ada.items()
    ada.page.goto(f"{ada.at}/queue/{first['item']}")
    ada.page.click("text=Approve with your passkey")
    ada.page.wait_for_url(f"{ada.at}/queue/{second['item']}")
    after = ada.page.request.get(f"{ada.at}/queue/{first['item']}.json").json()
    assert [(e["person"], e["verdict"], e["passkey"]) for e in after["said"]] == [
        ("ada", "approve", True)
    ]
    for _ in ada.items()[1:]:
        ada.page.click("text=Approve with your passkey")
        ada.page.wait_for_load_state("networkidle")
        ada.page.wait_for_timeout(300)
    assert hospitals[0]["id"] in pair.delivered()
    (said, *_) = [each for each in notes(pair) if each["kind"] == "verdict"]
    assert said["signed"]["assertion"].keys() == {
        "key",
        "authenticator_data",
        "client_data",
        "signature",
    }
    assert ada.said == []


def test_without_being_verified_nobody_approves_or_signs_in(ada: Person) -> None:
    ada.add()
    ada.enrol()
    ada.verify(well=False)
    first = ada.items()[0]
    ada.page.goto(f"{ada.at}/queue/{first['item']}")
    ada.page.click("text=Approve with your passkey")
    ada.page.wait_for_selector("text=Nothing came from the authenticator.")
    assert first["item"] in {each["item"] for each in ada.items()}


def test_a_counter_that_goes_back_suspends_a_passkey(ada: Person, pair: Pair) -> None:
    ada.add()
    (credential,) = passkeys.mine(pair.north, "ada")
    with pair.north.store.write() as tx:
        rows.used(tx, credential[0].credential, 1_000, clock.now())
    ada.sign_out()
    ada.page.goto(f"{ada.at}/sign-in")
    ada.page.click("text=Sign in with a passkey")
    ada.page.wait_for_selector("text=This passkey is suspended: its counter went back.")
    ada.page.click("text=Sign in with a passkey")
    ada.page.wait_for_selector("text=This passkey opens nothing here")
    assert "passkey suspended" in {each.get("act") for each in notes(pair)}


def test_the_queue_is_cleared_by_keyboard(ada: Person) -> None:
    ada.add()
    ada.enrol()
    page = ada.page
    items = [each["item"] for each in ada.items()]
    page.goto(f"{ada.at}/queue")
    painted(page)
    assert "j k next, previous" in " ".join(page.inner_text(".keys").split())
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("k")
    page.keyboard.press("Enter")
    ada.sees(f"{ada.at}/queue/{items[0]}")
    page.keyboard.press("j")
    ada.sees(f"{ada.at}/queue/{items[1]}")
    page.keyboard.press("k")
    ada.sees(f"{ada.at}/queue/{items[0]}")
    page.keyboard.press("n")
    assert page.evaluate("document.activeElement.id") == "reason"
    page.keyboard.type("jynk? no victim is named")
    assert page.input_value("#reason") == "jynk? no victim is named"
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    page.wait_for_selector("text=jynk? no victim is named")
    page.click("#reason")
    page.keyboard.type("it does")
    page.keyboard.press("Enter")
    page.wait_for_timeout(300)
    found = page.request.get(f"{ada.at}/queue/{items[0]}.json").json()
    assert [each["verdict"] for each in found["said"]] == ["query"], "Enter signs nothing by itself"
    page.fill("#reason", "")
    page.keyboard.press("Escape")
    page.keyboard.press("n")
    page.keyboard.type("it does")
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: items[0] not in url)
    painted(page)
    found = page.request.get(f"{ada.at}/queue/{items[0]}.json").json()
    assert [each["verdict"] for each in found["said"]] == ["query", "refuse"]
    assert found["state"] != "waits"
    left = [each["item"] for each in ada.items()]
    following = next(each for each in items[1:] if each in left)
    assert page.url == f"{ada.at}/queue/{following}"
    page.keyboard.press("y")
    page.wait_for_url(lambda url: following not in url)
    found = page.request.get(f"{ada.at}/queue/{following}.json").json()
    assert [each["verdict"] for each in found["said"]] == ["approve"]
    assert ada.said == []


def test_what_rests_by_a_refusal_is_passed_over(ada: Person) -> None:
    """Refuse what a relation leads to: the relation does not wait any more, so it is not next."""
    ada.add()
    ada.enrol()
    for hospital in hospitals:
        names = [each["item"] for each in ada.items()]
        item = next(each["item"] for each in ada.items() if each["object"] == hospital["id"])
        place = names.index(item)
        ada.page.goto(f"{ada.at}/queue/{item}")
        ada.page.fill("#reason", "no victim is named")
        with ada.page.expect_navigation():
            ada.page.click("[data-key=refuse]")
        left = {each["item"] for each in ada.items()}
        assert len(left) == len(names) - 2
        following = [each for each in names[place + 1 :] + names[:place] if each in left]
        assert ada.page.url == f"{ada.at}/queue/{[*following, item][0]}"


def test_one_key_is_one_person_and_another_browser_is_nobody(
    ada: Person, pair: Pair, browser: Browser, at: str
) -> None:
    ada.add()
    ada.enrol()
    names = [each.name for each in people.people(pair.north)]
    assert names == ["ada"]
    bo = Person(pair, browser, at, "bo", "approver")
    bo.page.goto(f"{at}/queue/{bo.items()[0]['item']}")
    assert bo.page.locator("text=Approve with your passkey").count() == 0
    bo.context.close()
