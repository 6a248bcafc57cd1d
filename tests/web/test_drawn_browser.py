"""What is drawn, in a real browser: nothing overlaps or is cut off, and a choice is in the address.

Pictures are kept in build/pages. Without Chromium on this machine these tests are skipped.
"""

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from tearline import clock
from tearline.release import recall
from tearline.web import assets
from tearline.web.app import COOKIE
from tearline.web.drawn import places
from tests.pair import DAY, START, Pair, make_pair, rel, sdo
from tests.web.debated import ready
from tests.web.served import NEEDS_CHROMIUM, ONE_BROWSER, look, serving, visit
from tests.web.site import session
from tests.web.test_browser import NARROW, WIDE, hold
from tests.weighing.told import source, told

pytestmark = [NEEDS_CHROMIUM, ONE_BROWSER]
BUDGET = {"map": 220_000}
ELSE = 60_000
"""Bytes of a page with its style and scripts."""

us = sdo("identity", "the research team of our own computer emergency response unit")
heron = sdo("intrusion-set", "Gray Heron", created_by_ref=us["id"])
loader = sdo("malware", "Mud Loader", created_by_ref=us["id"])
hospital = sdo("identity", "a hospital")
lead = sdo("tool", "W" * 60)
hostile = sdo("tool", "<b>\u202e" + "\u200b" * 40)
LANDS = [sdo("location", code, country=code) for code in ("DE", "GL", "NZ", "MT", "US")]
SIGNS = [sdo("indicator", f"sign {n}", START - n * DAY) for n in range(40)]
RAIDS = [sdo("campaign", f"raid {n} with a long name 漢字", START - 5 * n * DAY) for n in range(60)]
OBJECTS = [us, heron, loader, hospital, lead, hostile, *LANDS, *SIGNS, *RAIDS]
TIES = [
    rel(heron, "uses", loader),
    rel(heron, "uses", lead),
    rel(heron, "uses", hostile),
    rel(heron, "targets", hospital),
    rel(hospital, "located-at", LANDS[0]),
    *(rel(each, "indicates", loader) for each in SIGNS),
    *(rel(each, "targets", LANDS[n % 5]) for n, each in enumerate(RAIDS)),
    *(rel(each, "attributed-to", heron) for each in RAIDS[:4]),
]


def claims() -> list[dict[str, Any]]:
    """More about one thing than is drawn, one of them a denial, and one that it says itself."""
    said = [
        told(f"Mud was seen {n} times in the harbour 漢字", f"witness {n}", "a spokeswoman")
        for n in range(9)
    ]
    said += [told("W" * 80, "W" * 40), told("No mud", "W" * 40, denies="W" * 80)]
    for each in said:
        each["object_refs"].append(hospital["id"])
    own = told("V" * 80, hospital["name"])
    return [source("a spokeswoman"), source("W" * 40), *said, own]


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    with pytest.MonkeyPatch.context() as patch:
        made = make_pair(tmp_path_factory.mktemp("drawn"))
        made.put(*OBJECTS, *TIES)
        made.agree(approvals=2, reach=2)
        made.sync()
        made.now = START + DAY
        made.put(loader | {"modified": "2026-03-02T00:00:00.000Z", "description": "It loads."})
        made.put(*claims())
        ready(made.north, now=made.now)
        recall.recall(made.north, lead["id"], "south-isac", "a false lead", now=made.tick())
        made.reconcile()
        made.north.publish(made.agreement_id, now=made.tick())
        patch.setattr(clock, "now", lambda: made.now)
        yield made


@pytest.fixture(scope="module")
def at(pair: Pair) -> Iterator[str]:
    """Where the pages of North are served."""
    with serving(pair.north) as url:
        yield url


def opened(pair: Pair, at: str, browser: Browser, **more: object) -> BrowserContext:
    context = browser.new_context(**more)  # type: ignore[arg-type]
    context.add_cookies([{"name": COOKIE, "value": session(pair.north, "officer"), "url": at}])
    return context


def drawn(pair: Pair) -> dict[str, str]:
    receipt = pair.agreement_id.removeprefix("urn:uuid:")
    return {
        "life": f"/objects/{loader['id']}?to=south-isac&receipt={receipt}",
        "life-claimed": f"/objects/{hospital['id']}",
        "life-hostile": f"/objects/{hostile['id']}",
        "life-recalled": f"/objects/{lead['id']}",
        "map": "/map",
        "map-country": "/map?country=DE&type=campaign",
        "map-time": "/map?relation=actor&from=2026-01-01&to=2026-02-01",
        "explore": f"/explore?id={heron['id']}",
        "explore-far": f"/explore?id={loader['id']}&depth=3",
        "explore-begin": "/explore",
    }


OVERLAPS = """() => {
  const wrong = [];
  const boxes = [...document.querySelectorAll('.life .box, .graph .box')];
  for (const box of boxes) {
    const room = box.getBBox();
    for (const text of box.parentNode.querySelectorAll('text')) {
      const its = text.getBBox();
      const inside = its.x >= room.x && its.x + its.width <= room.x + room.width
        && its.y >= room.y - 1 && its.y + its.height <= room.y + room.height + 1;
      if (!inside) wrong.push(text.textContent);
    }
  }
  const labels = [...document.querySelectorAll('.bars .time')].map((each) => each.getBBox());
  labels.forEach((each, n) => {
    if (n && labels[n - 1].x + labels[n - 1].width > each.x) wrong.push('time ' + n);
  });
  return wrong;
}"""


@pytest.mark.parametrize("window", [WIDE, NARROW], ids=["wide", "narrow"])
def test_every_picture_holds(
    pair: Pair, at: str, browser: Browser, window: tuple[int, int]
) -> None:
    size = {"width": window[0], "height": window[1]}
    context = opened(pair, at, browser, viewport=size)
    page = context.new_page()
    said: list[str] = []
    came: list[int] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("response", lambda reply: came.append(len(reply.body())))
    for name, path in drawn(pair).items():
        came.clear()
        look(page, f"{at}{path}", name)
        assert page.evaluate(OVERLAPS) == [], name
        assert sum(came) < BUDGET.get(name.partition("-")[0], ELSE), name
        hold(page, name)
    assert said == []
    context.close()


def test_no_country_is_cut_off(pair: Pair, at: str, browser: Browser) -> None:
    if assets.asset(places.ATLAS) is None:
        pytest.skip("the shapes are not here: make assets")
    context = opened(pair, at, browser)
    page = context.new_page()
    page.goto(f"{at}/map")
    boxes = page.evaluate("""() => {
      const frame = document.querySelector('svg.world').getBoundingClientRect();
      const found = {};
      for (const each of document.querySelectorAll('svg.world a, svg.world .land')) {
        const its = each.getBoundingClientRect();
        found[each.getAttribute('aria-label') || 'land'] = [its.left - frame.left,
          its.top - frame.top, frame.right - its.right, frame.bottom - its.bottom];
      }
      return found;
    }""")
    assert {"Greenland: 12", "New Zealand: 12", "Malta: 12", "land"} <= boxes.keys()
    for name, gaps in boxes.items():
        assert min(gaps) > 0, name
    context.close()


def query(page: Page) -> dict[str, list[str]]:
    return parse_qs(urlsplit(page.url).query)


def test_a_time_is_chosen_by_dragging_and_a_click_still_narrows(
    pair: Pair, at: str, browser: Browser
) -> None:
    context = opened(pair, at, browser, viewport={"width": 1360, "height": 1400})
    page = context.new_page()
    visit(page, f"{at}/map?type=campaign")
    box = page.locator("svg.bars").bounding_box()
    assert box is not None
    across = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] * 0.4, across)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.6, across, steps=5)
    assert page.locator(".brush").count() == 1
    page.mouse.up()
    page.wait_for_url("**from=**")
    chosen = query(page)
    assert chosen["type"] == ["campaign"]
    assert "2025-05-01" < chosen["from"][0] < chosen["to"][0] < "2026-01-31"
    page.locator("svg.bars a").first.click()
    page.wait_for_load_state()
    assert query(page)["from"] >= chosen["from"]
    context.close()


def test_without_a_script_pictures_lead_on(pair: Pair, at: str, browser: Browser) -> None:
    context = opened(pair, at, browser, java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{at}/map")
    page.locator("th a", has_text="Germany").click()
    assert query(page)["country"] == ["DE"]
    page.goto(f"{at}/explore?id={heron['id']}")
    page.locator(".graph a", has_text="Mud Loader").first.click()
    assert query(page)["id"] == [loader["id"]]
    page.locator(".graph a", has_text="40").first.click()
    assert urlsplit(page.url).fragment == "ties"
    context.close()


def test_a_picture_is_walked_by_keyboard(pair: Pair, at: str, browser: Browser) -> None:
    context = opened(pair, at, browser)
    page = context.new_page()
    visit(page, f"{at}/explore?id={heron['id']}")
    page.locator("svg.graph").locator("a").first.focus()
    page.keyboard.press("Tab")
    label = page.evaluate("document.activeElement.getAttribute('aria-label')")
    assert "Gray Heron" in label or "raid" in label or "Mud Loader" in label
    page.keyboard.press("Enter")
    page.wait_for_load_state()
    assert urlsplit(page.url).path in {"/explore", f"/objects/{heron['id']}"}
    context.close()
