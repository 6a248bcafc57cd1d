"""Every page in a real browser: light and dark, wide and narrow, with scripting off as well.

Pictures of what was seen are kept in build/pages. Without Chromium on this machine these tests are
skipped: Debian has it as the package `chromium`.
"""

from collections.abc import Iterator, Mapping
from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from tearline import clock
from tearline.node import publisher
from tearline.release import recall
from tests.docs.pages import ROOT
from tests.pair import Pair, make_pair, rel, sdo
from tests.web import debated
from tests.web.served import NEEDS_CHROMIUM, ONE_BROWSER, look, opened, painted, serving
from tests.web.site import brought, put_aside, questioned, session
from tests.weighing.told import note_id, source

PICTURES = ROOT / "build" / "pages"
BUDGET = 60_000
"""Bytes of one page with its style, without pictures."""
LARGER = {"draft": 90_000}
"""Pages that hold a whole document: once as a form, once as sentences, and once as it is."""

pytestmark = [NEEDS_CHROMIUM, ONE_BROWSER]

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
        put_aside(made.north, made.agreement_id, hostile, now=made.tick())
        brought(made.north, {"<b>sign.json": b"{", "good.json": b"[]"}, now=made.tick())
        questioned(made, "An envoy says that it is about money.")
        debated.debate(made.north, now=made.tick())
        publisher.flush_private(made.north, now=made.tick())
        publisher.publish_grown(made.north, now=made.tick())
        patch.setattr(clock, "now", lambda: made.now)
        yield made


@pytest.fixture(scope="module")
def at(pair: Pair) -> Iterator[str]:
    """Where the pages of North are served."""
    with serving(pair.north) as url:
        yield url


def places(pair: Pair, page: Page, at: str) -> dict[str, str]:
    agreement = pair.agreement_id.removeprefix("urn:uuid:")
    item = page.request.get(f"{at}/queue.json").json()["items"][0]["item"]
    aside = page.request.get(f"{at}/quarantine.json").json()["quarantined"][0]["hash"]
    imported = page.request.get(f"{at}/import.json").json()["imports"][0]["id"]
    asked = page.request.get(f"{at}/hypotheses.json").json()["questions"][0]["question"]
    return {
        "home": "/",
        "queue": "/queue",
        "item": f"/queue/{item}",
        "objects": "/objects",
        "object": f"/objects/{hospital['id']}?to=south-isac",
        "hostile": f"/objects/{hostile['id']}",
        "agreements": "/agreements",
        "agreement": f"/agreements/{agreement}?preview=1",
        "new-agreement": "/agreements/new",
        "draft": f"/agreements/{agreement}/change?find=heron",
        "partners": "/partners",
        "partner": f"/partners/south-isac?stayed={pair.agreement_id}",
        "found": "/objects?q=sign&type=indicator",
        "counts": "/objects/counts",
        "recalls": "/recalls",
        "quarantine": "/quarantine",
        "quarantined": f"/quarantine/{agreement}/{aside.removeprefix('sha256:')}",
        "holds": f"/holds?kind=object&what={heron['id']}",
        "recall": f"/objects/{heron['id']}/recall/south-isac",
        "exit": "/partners/south-isac/exit",
        "hypotheses": "/hypotheses",
        "hypothesis": f"/hypotheses/{asked}?weighted=1",
        "import": "/import",
        "imported": f"/import/{imported}",
        "claims": "/claims",
        "claim": f"/claims/{note_id(debated.MANY)}",
        "denial": f"/claims/{note_id(debated.NO)}",
        "not-claims": "/claims?only=wrong",
        "source": f"/sources/{source('a spokeswoman')['id']}",
        "log": "/log",
        "entries": f"/log/ours/{agreement}",
        "entries-private": "/log/ours/private?kind=decision",
        "leaf": f"/log/ours/{agreement}/4",
        "receipt": "/log/check",
        "settings": "/settings",
        "account": "/account",
        "sign-in": "/sign-in",
        "prove": "/prove",
    }


def broken(page: Page, *rules: str) -> list[str]:
    """What keeps people with other senses or hands from using a page, by axe-core's rules."""
    options = {"resultTypes": ["violations"]} | ({"runOnly": rules} if rules else {})
    found = Axe().run(page, options=options).response["violations"]
    return [f"{each['id']}: {node['html'][:200]}" for each in found for node in each["nodes"]]


def hold(page: Page, name: str) -> None:
    """See that a page shuts nobody out, in light and in dark, and keep a picture of it in each.

    Dark is the same page in other colours: of it these are looked at.
    """
    PICTURES.mkdir(parents=True, exist_ok=True)
    assert page.viewport_size is not None
    for scheme, rules in LOOKS.items():
        page.emulate_media(color_scheme=scheme)
        painted(page)
        assert broken(page, *rules) == [], f"{name} in {scheme}"
        width = page.viewport_size["width"]
        page.screenshot(path=PICTURES / f"{name}-{scheme}-{width}.png", full_page=True)


LOOKS: Mapping[Literal["light", "dark"], tuple[str, ...]] = {
    "light": (),
    "dark": ("color-contrast", "link-in-text-block"),
}
"""The rules of axe-core for each, all of them where none is named."""

WIDE, NARROW = (1360, 860), (390, 844)


@pytest.mark.parametrize("window", [WIDE, NARROW], ids=["wide", "narrow"])
def test_every_page_holds(pair: Pair, at: str, browser: Browser, window: tuple[int, int]) -> None:
    size = {"width": window[0], "height": window[1]}
    with opened(browser, pair.north, at, viewport=size) as (page, came):
        for name, path in places(pair, page, at).items():
            came.clear()
            look(page, path, name)
            assert page.title().endswith("Tearline"), name
            assert sum(came) < LARGER.get(name, BUDGET), name
            hold(page, name)


def test_every_page_is_there_without_a_script(pair: Pair, at: str, browser: Browser) -> None:
    with opened(browser, pair.north, at, java_script_enabled=False) as (page, _):
        for name, path in places(pair, page, at).items():
            reply = page.goto(path)
            assert reply is not None
            assert reply.status == 200, name
            assert page.title().endswith("Tearline"), name


_PAPER = 695
"""The width of an A4 page between its margins, in pixels of a style sheet."""
_READ = """() => {
  const shown = (e) => e.checkVisibility({visibilityProperty: true}) && !e.closest(".quiet");
  const all = (what) => [...document.querySelectorAll(what)].filter(shown);
  const colours = (each) => [getComputedStyle(each).backgroundColor, getComputedStyle(each).color];
  const light = (colour) => {
    const [r, g, b, alpha] = colour.match(/[0-9.]+/g).map(Number);
    return alpha === 0 ? null : (r + g + b) / 765;
  };
  const dark = (e) => (light(getComputedStyle(e).backgroundColor) ?? 1) < 0.7;
  const pale = (e) => (light(getComputedStyle(e).color) ?? 0) > 0.6;
  return {
    unreadable: all("main *").filter(e => dark(e) || pale(e)).map(e => e.outerHTML.slice(0, 200)),
    clickable: all("nav, button, select, input, textarea, .button, .crumbs").map(e => e.outerHTML),
    cut: all("main *").filter(e => e.getBoundingClientRect().right > innerWidth + 1
      || (e.scrollWidth > e.clientWidth + 1 && getComputedStyle(e).overflowX !== "visible"))
      .map(e => e.outerHTML.slice(0, 200)),
    heads: all("thead").map(e => getComputedStyle(e).display),
    paper: [document.body, document.querySelector("main"), ...all("table")].map(colours),
    links: all("main a").map(e => getComputedStyle(e).color),
    line: document.querySelector("p.printed").innerText,
  };
}"""


def test_pages_are_printed_whole_in_black_on_white(pair: Pair, at: str, browser: Browser) -> None:
    size = {"width": _PAPER, "height": 1000}
    with opened(browser, pair.north, at, viewport=size, color_scheme="dark") as (page, _):
        page.emulate_media(media="print", color_scheme="dark")
        for name, path in places(pair, page, at).items():
            if name in {"sign-in", "prove", "draft", "new-agreement"}:
                continue
            page.goto(path, wait_until="networkidle")
            found = page.evaluate(_READ)
            assert found["clickable"] == [], name
            assert found["unreadable"] == [], name
            assert found["cut"] == [], name
            assert set(found["heads"]) <= {"table-header-group"}, name
            black, white = "rgb(0, 0, 0)", "rgb(255, 255, 255)"
            assert all(each == [white, black] for each in found["paper"]), name
            assert set(found["links"]) <= {black}, name
            assert f"{page.url.removeprefix('http://')} · printed by officer, 2026" in found["line"]
        page.goto(places(pair, page, at)["hypothesis"])
        assert page.locator("tbody td >> text=north-cert").count() > 0, "what was rated is printed"
        assert page.pdf(format="A4").startswith(b"%PDF")


def test_what_waits_is_found_by_keyboard_alone(pair: Pair, at: str, browser: Browser) -> None:
    context = browser.new_context()
    session(pair.north, "approver")
    page = context.new_page()
    page.goto(f"{at}/")
    page.wait_for_selector("#name:focus")
    painted(page)
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
