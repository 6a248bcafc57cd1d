"""Every page in a real browser: light and dark, wide and narrow, with scripting off as well.

Pictures of what was seen are kept in build/pages. Without Chromium on this machine these tests are
skipped: Debian has it as the package `chromium`.
"""

import shutil
import socket
import threading
import time
from collections.abc import Iterator

import pytest
import uvicorn
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright
from starlette.applications import Starlette

from tearline import clock
from tearline.release import recall
from tearline.web.app import COOKIE, routes
from tests.docs.pages import ROOT
from tests.pair import Pair, make_pair, rel, sdo
from tests.web.site import session

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
PICTURES = ROOT / "build" / "pages"
BUDGET = 60_000
"""Bytes of one page with its style, without pictures."""

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine"),
    pytest.mark.xdist_group("browser"),
]

heron = sdo("intrusion-set", "Gray Heron")
loader = sdo("malware", "Mud Loader")
hospital = sdo("identity", "a hospital")
hostile = sdo("tool", "<script>document.title='gone'</script>\u202ename " + "w" * 300)
SIGNS = [sdo("indicator", f"sign {n}") for n in range(60)]


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    with pytest.MonkeyPatch.context() as patch:
        made = make_pair(tmp_path_factory.mktemp("browser"))
        ties = [rel(each, "indicates", loader) for each in SIGNS[:20]]
        made.put(heron, loader, hospital, hostile, *SIGNS, *ties)
        made.put(rel(heron, "uses", loader), rel(heron, "targets", hospital))
        made.agree(approvals=2)
        made.sync()
        recall.recall(made.north, loader["id"], "south-isac", "a false lead", now=made.tick())
        made.reconcile()
        patch.setattr(clock, "now", lambda: made.now)
        yield made


@pytest.fixture(scope="module")
def at(pair: Pair) -> Iterator[str]:
    """Where the pages of North are served."""
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        app = Starlette(routes=routes(lambda: pair.north))
        server = uvicorn.Server(uvicorn.Config(app, log_level="error"))
        running = threading.Thread(target=server.run, kwargs={"sockets": [door]}, daemon=True)
        running.start()
        while not server.started:
            time.sleep(0.01)
        yield f"http://127.0.0.1:{door.getsockname()[1]}"
        server.should_exit = True
        running.join()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as driver:
        found = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield found
        found.close()


def places(pair: Pair, page: Page, at: str) -> dict[str, str]:
    agreement = pair.agreement_id.removeprefix("urn:uuid:")
    item = page.request.get(f"{at}/queue.json").json()["items"][0]["item"]
    return {
        "home": "/",
        "queue": "/queue",
        "item": f"/queue/{item}",
        "objects": "/objects",
        "object": f"/objects/{hospital['id']}?to=south-isac",
        "hostile": f"/objects/{hostile['id']}",
        "agreements": "/agreements",
        "agreement": f"/agreements/{agreement}?preview=1",
        "partners": "/partners",
        "recalls": "/recalls",
        "quarantine": "/quarantine",
        "log": "/log",
        "settings": "/settings",
        "sign-in": "/sign-in",
        "prove": "/prove",
    }


def broken(page: Page) -> list[str]:
    """What keeps people with other senses or hands from using a page, by axe-core."""
    found = Axe().run(page).response["violations"]
    return [f"{each['id']}: {node['html'][:200]}" for each in found for node in each["nodes"]]


WIDE, NARROW = (1360, 860), (390, 844)


@pytest.mark.parametrize(
    ("scripting", "scheme", "window"),
    [
        ("with scripts", "light", WIDE),
        ("with scripts", "dark", WIDE),
        ("with scripts", "light", NARROW),
        ("with scripts", "dark", NARROW),
        ("without", "light", WIDE),
    ],
)
def test_every_page_holds(  # what a browser can be
    pair: Pair, at: str, browser: Browser, scripting: str, scheme: str, window: tuple[int, int]
) -> None:
    width, height = window
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme=scheme,  # type: ignore[arg-type]
        java_script_enabled=scripting == "with scripts",
    )
    context.add_cookies([{"name": COOKIE, "value": session(pair.north, "officer"), "url": at}])
    page = context.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    came: list[int] = []
    page.on("response", lambda reply: came.append(len(reply.body())))
    page.on("pageerror", lambda error: said.append(str(error)))
    for name, path in places(pair, page, at).items():
        came.clear()
        reply = page.goto(f"{at}{path}", wait_until="networkidle")
        assert reply is not None
        assert reply.status == 200, name
        assert page.title().endswith("Tearline"), name
        if scripting == "with scripts":
            wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
            assert page.evaluate(wide) <= 0, f"{name} is wider than its window"
            assert sum(came) < BUDGET, name
            assert broken(page) == [], name
            PICTURES.mkdir(parents=True, exist_ok=True)
            page.screenshot(path=PICTURES / f"{name}-{scheme}-{width}.png", full_page=True)
    assert said == []
    context.close()


def test_what_waits_is_found_by_keyboard_alone(pair: Pair, at: str, browser: Browser) -> None:
    context = browser.new_context()
    session(pair.north, "approver")
    page = context.new_page()
    page.goto(f"{at}/")
    page.keyboard.type("approver")
    page.keyboard.press("Tab")
    page.keyboard.type("correct horse battery")
    page.keyboard.press("Enter")
    page.wait_for_url(f"{at}/")
    for _ in range(40):
        page.keyboard.press("Tab")
        focused = page.evaluate("document.activeElement.getAttribute('href')")
        if focused and focused.startswith("/queue/"):
            break
    page.keyboard.press("Enter")
    page.wait_for_url(f"{at}/queue/**")
    assert "tearline queue approve" in page.inner_text("main")
    context.close()
