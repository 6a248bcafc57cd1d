"""The whole story in a browser, by keyboard alone: receive, agree, approve, release, verify.

Two nodes run, and carry by themselves what goes between them. North brings objects in, writes an
agreement, counts what it would do, signs and proposes it; South counts and signs too. A person adds
a passkey and approves with it what waits. South gets what was released and checks the receipt for
it. Whoever signs in was invited before. One step of the story is a command, because no page may do
it: `enrol_by_command` runs what the page says.
"""

import json
import shlex
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, FileChooser, Page

from tearline import clock
from tearline.agreement.home import Home
from tearline.config import settings
from tearline.store import staff
from tests.cli.calls import good
from tests.exchange.nodes import Nodes, both_serving
from tests.pair import rel, sdo
from tests.web.served import NEEDS_CHROMIUM, ONE_BROWSER, painted
from tests.web.site import PASSWORD, session

pytestmark = [NEEDS_CHROMIUM, ONE_BROWSER]

heron = sdo("intrusion-set", "Gray Heron")
loader = sdo("malware", "Mud Loader")
hospital = sdo("identity", "a hospital")
tie = rel(heron, "targets", hospital)
RECEIVED = [heron, loader, hospital, rel(heron, "uses", loader), tie]
WAITING = [hospital, tie]
"""What names a victim."""
PATIENCE_S = 20.0
_MOST_TABS = 300
_AUTHENTICATOR = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


# -------------------------------------------------------------------------- what is on no page


def enrol_by_command(approver: "Desk", home: Home) -> None:
    """Whoever runs the node types what the approver's page says (decision 0035)."""
    said = approver.page.inner_text("main pre.command")
    good(*shlex.split(said)[1:], home=home.path)


def ten_minutes_go_by(home: Home, name: str) -> None:
    """Somebody showed their password too long ago to bind anybody."""
    with home.store.write() as tx:
        for each in staff.sessions(tx, name, clock.now()):
            staff.set_proven(tx, each.token_hash, 0)


# ---------------------------------------------------------------------------------- a keyboard


class Desk:
    """Somebody at a browser who has no mouse."""

    def __init__(self, page: Page, at: str) -> None:
        self.page, self.at = page, at

    def sign_in(self, name: str) -> None:
        self.page.goto(f"{self.at}/")
        self.page.wait_for_selector("#name:focus")
        painted(self.page)
        self.type(name)
        self.tab_to("#password")
        with self.going_on():
            self.type(PASSWORD, "Enter")

    @contextmanager
    def going_on(self) -> Iterator[None]:
        """What leads to another page; it can be seen then."""
        with self.page.expect_navigation():
            yield
        painted(self.page)

    def type(self, text: str, *keys: str) -> None:
        self.page.keyboard.type(text)
        self.press(*keys)

    def press(self, *keys: str) -> None:
        for each in keys:
            self.page.keyboard.press(each)

    def tab_to(self, what: str) -> None:
        """Go on by Tab until the element of a selector has the focus; it can be seen that it has.

        The way goes round once at most.
        """
        reached = f"document.activeElement.matches({json.dumps(what)})"
        for _ in range(_MOST_TABS):
            if self.page.evaluate(reached):
                return
            self.press("Tab")
        raise AssertionError(f"{what} is not reached by Tab on {self.page.url}")

    def follow(self, what: str) -> None:
        """Go to a link or a button by Tab, and press it."""
        self.tab_to(what)
        with self.going_on():
            self.press("Enter")

    def fill(self, what: str, text: str) -> None:
        """Go to a field or a choice by Tab, and type what it says from now on."""
        self.tab_to(what)
        if not self.page.evaluate("document.activeElement.matches('select')"):
            self.press("Control+A")
        self.type(text)

    def tick(self, what: str) -> None:
        self.tab_to(what)
        self.press("Space")
        assert self.page.is_checked(what)

    def choose(self, what: str, file: Path) -> None:
        """Choose a file: the browser's own window for it is opened by the keyboard.

        It opens over the window in front of all only. A browser without a screen now and then opens
        none at the first press on a busy machine; then the key is pressed again.
        """
        opened: list[FileChooser] = []
        self.page.on("filechooser", lambda one: opened.append(one))  # noqa: PLW0108  # no builtin
        self.page.bring_to_front()
        self.tab_to(what)

        def pressed() -> list[FileChooser]:
            self.press("Space")
            self.page.wait_for_timeout(500)
            return opened

        wait_for(pressed)[0].set_files(file)
        assert self.page.evaluate("document.activeElement.files.length") == 1

    def reloaded(self, what: str) -> int:
        """How often the page has something now, asked for again as by F5."""
        self.page.reload()
        painted(self.page)
        return len(self.page.query_selector_all(what))

    def sees(self, what: str, text: str = "") -> None:
        self.page.wait_for_selector(what if not text else f"{what}:has-text({json.dumps(text)})")


def wait_for(what: Callable[[], Any]) -> Any:  # noqa: ANN401  # whatever is waited for
    """Ask again and again until there is something."""
    end = time.monotonic() + PATIENCE_S
    while not (found := what()):
        assert time.monotonic() < end, "this takes too long"
        time.sleep(0.1)
    return found


@pytest.fixture
def nodes(tmp_path: Path) -> Iterator[Nodes]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TEARLINE_POLL_SECONDS", "2")  # once a minute is too long for a test
        settings.cache_clear()  # a test before this one may have read them
        with both_serving(tmp_path, jobs=True) as made:
            assert made.south.settings.poll_seconds == 2
            yield made
    settings.cache_clear()


def desk(browser: Browser, home: Home, name: str, said: list[str]) -> Desk:
    """Somebody signed in at the node of a home; what its console says is noted.

    They ask for it as localhost, to which passkeys may belong.
    """
    session(home, name)
    page = browser.new_context(accept_downloads=True).new_page()
    page.set_default_timeout(PATIENCE_S * 1_000)
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    made = Desk(page, (home.card.url or "").replace("127.0.0.1", "localhost"))
    made.sign_in(name)
    return made


def test_the_story_by_keyboard_alone(nodes: Nodes, browser: Browser, tmp_path: Path) -> None:
    said: list[str] = []
    north = desk(browser, nodes.north, "officer", said)
    receive(north, tmp_path)
    draft(north)
    ten_minutes_go_by(nodes.north, "officer")
    propose(north)
    south = desk(browser, nodes.south, "officer", said)
    countersign(south)
    agreed(south)
    agreed(north)
    approver = desk(browser, nodes.north, "approver", said)
    add_passkey(approver)
    enrol_by_command(approver, nodes.north)
    approve(approver)
    released(north)
    verify(south, tmp_path)
    assert said == []


def receive(north: Desk, folder: Path) -> None:
    """Bring a bundle in, marked, and wait until it is held."""
    file = folder / "heron.json"
    file.write_text(json.dumps({"type": "bundle", "objects": RECEIVED}))
    north.follow("nav a[href='/import']")
    north.choose("#files", file)
    north.tab_to("#mark")
    north.type("TLP:CLEAR")
    north.follow("#bring button")
    north.sees(".state.done")
    north.sees(".figures", str(len(RECEIVED)))


def draft(north: Desk) -> None:
    """Write the agreement in its form: nothing that names a victim goes before a person said yes.

    What it would do is counted, and nothing is sent by that.
    """
    north.follow("nav a[href='/agreements']")
    north.follow("main a[href='/agreements/new']")
    north.tab_to("#partner")
    north.follow("main form button")
    north.fill("#find", "heron")
    north.follow("button[value=find]")
    north.follow("button[value^='add-topic:']")
    north.fill("#title", "Gray Heron against hospitals")
    north.tick("[name='clause.0.type.identity']")
    north.fill("[name='clause.0.marking_max']", "TLP:GREEN")
    north.fill("[name='clause.0.grading_min']", "*")
    north.fill("[name='clause.0.max_age_days']", "*")
    north.tick("[name='clause.0.when.victim']")
    north.fill("[name='clause.0.approvals']", "1")
    north.follow("button.main[value=count]")
    assert counted(north) == [len(RECEIVED) - len(WAITING), len(WAITING), 0]


def counted(at: Desk) -> list[int]:
    """What would go, wait and stay."""
    at.sees("[data-show='counts.go']")
    sides = ("go", "wait", "stay")
    return [int(at.page.inner_text(f"[data-show='counts.{side}']")) for side in sides]


def propose(north: Desk) -> None:
    """Sign it and send it; the password is asked again, for this binds."""
    north.follow("form.propose button")
    north.sees("#password:focus")
    with north.going_on():
        north.type(PASSWORD, "Enter")
    north.follow("form.propose button")
    north.sees("h1 .state.proposed")
    north.sees("main .call", "it waits for them")


def countersign(south: Desk) -> None:
    """Read what came, count what would go back, and sign exactly that."""
    south.follow("nav a[href='/agreements']")
    wait_for(lambda: south.reloaded("main td a[href^='/agreements/']"))
    south.follow("main td a[href^='/agreements/']")
    south.sees("h1 .state.proposed")
    south.follow("main a[href^='?preview']")
    assert counted(south) == [0, 0, 0], "South holds nothing"
    south.follow("button[value=countersign]")


def agreed(at: Desk) -> None:
    """Both signed, and this side sees it."""
    wait_for(lambda: at.reloaded("h1 .state.active"))


def add_passkey(approver: Desk) -> None:
    """Have the browser make a passkey; it may approve nothing yet."""
    device = approver.page.context.new_cdp_session(approver.page)
    device.send("WebAuthn.enable", {"enableUI": False})
    device.send("WebAuthn.addVirtualAuthenticator", {"options": _AUTHENTICATOR})
    approver.follow("header a[href='/account']")
    approver.sees("form[data-passkey=create]")
    approver.fill("#label", "my laptop")
    approver.follow("form[data-passkey=create] button")
    approver.sees("main pre.command", "--passkey")


def approve(approver: Desk) -> None:
    """Open each thing that waits, see exactly what they would get, and say yes with a key."""
    waits = "main td a[href^='/queue/']"
    approver.follow("nav a[href='/queue']")
    wait_for(lambda: approver.reloaded(waits) == len(WAITING))
    with approver.going_on():
        approver.press("j", "Enter")
    for _ in WAITING:
        approver.sees("main", "Exactly our bytes: nothing is cut.")
        approver.sees("[data-key=approve]")
        with approver.going_on():
            approver.press("y")
    approver.sees("h1 .state.approved")
    approver.follow("nav a[href='/queue']")
    approver.sees("main .nothing")


def released(north: Desk) -> None:
    """What was approved goes, and stands in the log."""
    north.follow("nav a[href='/objects']")
    north.sees("tl-facets .facet")
    north.follow("tl-facets a[href='/objects?type=identity']")
    north.sees("tl-facets .facet")
    north.follow("main td a[href^='/objects/identity--']")
    wait_for(lambda: north.reloaded("#sides ~ .wide .stands.has"))


def verify(south: Desk, folder: Path) -> None:
    """Find the release of what was approved in the giver's log, take its receipt, and check it."""
    leaf, newest = "td a[href^='/log/theirs/']", "main tbody tr:first-child"
    south.follow("nav a[href='/log']")
    south.follow(leaf)
    wait_for(lambda: south.reloaded("#kind option[value=release]"))
    south.fill("#kind", "release")
    south.follow(".filters button")
    wait_for(lambda: south.reloaded(f"{newest}:has-text('yes by')"))
    south.follow(f"{newest} {leaf}")
    south.sees("h1 .state.confirmed")
    south.tab_to("a[download]")
    with south.page.expect_download() as found:
        south.press("Enter")
    receipt = folder / "receipt.json"
    found.value.save_as(receipt)
    south.follow("nav a[href='/log']")
    south.follow("main a[href='/log/check']")
    south.choose("#file", receipt)
    south.follow("form.card button")
    south.sees(".verdict.good")
    verdict = south.page.inner_text(".verdict")
    assert "north-cert/log/" in verdict
    assert "release" in verdict
    assert any(each["id"] in verdict for each in WAITING)
