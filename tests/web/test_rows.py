"""The long list in a real browser: the scrollbar is true, and keys lead through it."""

import re
from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tearline.release import listing
from tearline.release.indexing import index
from tearline.store import objects
from tearline.store.objects import OURS, NewVersion, Version
from tearline.web.app import COOKIE
from tests.pair import Pair, as_object, make_pair, sdo
from tests.web.served import NEEDS_CHROMIUM, ONE_BROWSER, serving, visit
from tests.web.site import session

NUMBER = 30_000

pytestmark = [NEEDS_CHROMIUM, ONE_BROWSER]


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    made = make_pair(tmp_path_factory.mktemp("rows"))
    model = index(as_object(sdo("indicator", "sign 0")))
    for begin in range(0, NUMBER, 5_000):
        new = []
        for n in range(begin, begin + 5_000):
            name = f"sign {n}" if n % 7 else f"<b>\u202e{n}</b>"
            type_ = "indicator" if n % 10 else "tool"
            raw = model.raw.replace(b"sign 0", name.encode()).replace(b"indicator", type_.encode())
            stix_id = f"{type_}--{n}"
            version = Version(
                0,
                stix_id,
                1,
                type_,
                1,
                made.now,
                n % 4,
                revoked=n % 100 == 0,
                latest=True,
                hash=f"sha256:{n}",
                source="feed",
            )
            new.append(NewVersion(version, raw, (), (), (), first=True))
        with made.north.store.write() as tx:
            objects.keep(tx, OURS, new)
    listing.sort_in(made.north)
    return made


@pytest.fixture(scope="module")
def at(pair: Pair) -> Iterator[str]:
    with serving(pair.north) as url:
        yield url


@pytest.fixture
def page(pair: Pair, at: str, browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1360, "height": 860}, base_url=at)
    context.add_cookies([{"name": COOKIE, "value": session(pair.north, "reader"), "url": at}])
    made = context.new_page()
    said: list[str] = []
    made.on("console", lambda message: said.append(message.text))
    made.on("pageerror", lambda error: said.append(str(error)))
    yield made
    context.close()
    assert said == []


def first(page: Page) -> int:
    """The place of the first row that is shown."""
    return int(page.evaluate("document.querySelector('tl-rows tbody tr').dataset.place"))


def scroll(page: Page, part: float) -> None:
    page.evaluate(
        "part => { const a = document.querySelector('.wide.rows');"
        " a.scrollTop = part * (a.scrollHeight - a.clientHeight); }",
        part,
    )


def test_the_scrollbar_tells_the_truth(page: Page) -> None:
    visit(page, "/objects")
    for part, name in ((0.5, "sign 15"), (1.0, "<b>⟨U+202E⟩7</b>"), (0.0, "sign 29")):
        scroll(page, part)
        page.wait_for_function(
            "part => Math.abs(document.querySelector('tl-rows').at - part * 30000) < 100", arg=part
        )
        expect(page.locator("tl-rows tbody")).to_contain_text(name)
        shown = page.evaluate(
            "(() => { const a = document.querySelector('.wide.rows');"
            " return a.scrollTop / (a.scrollHeight - a.clientHeight); })()"
        )
        assert abs(shown - part) < 0.01
    rows = page.locator("tl-rows tbody tr")
    assert 10 <= rows.count() <= 61
    assert page.locator("tl-rows table").get_attribute("aria-rowcount") == str(NUMBER + 1)


def test_the_last_row_is_reached_and_the_address_keeps_the_place(page: Page) -> None:
    visit(page, "/objects?type=tool")
    scroll(page, 1.0)
    last = page.locator("tl-rows tbody tr[data-place='2999'] a")
    expect(last).to_have_attribute("href", "/objects/tool--0")
    expect(last).to_be_in_viewport()
    expect(page.locator(".paging .place")).to_contain_text("of 3\u202f000")
    page.wait_for_url(re.compile(r"/objects\?type=tool&at=29\d\d"))
    place = first(page)
    last.click()
    page.wait_for_url("**/objects/tool--0")
    page.go_back(wait_until="networkidle")
    page.wait_for_selector("tl-rows tbody tr[data-place]")
    assert first(page) == place


def test_keys_lead_through_the_rows(page: Page) -> None:
    visit(page, "/objects")
    page.locator("tl-rows tbody a").first.focus()

    def focused() -> int:
        return int(page.evaluate("document.activeElement.closest('tr').dataset.place"))

    for key, place in (
        ("ArrowDown", 1),
        ("ArrowDown", 2),
        ("ArrowUp", 1),
        ("End", NUMBER - 1),
        ("ArrowUp", NUMBER - 2),
        ("Home", 0),
    ):
        page.keyboard.press(key)
        page.wait_for_selector(f"tr[data-place='{place}'] a:focus")
        assert focused() == place
    visible = int(page.evaluate("document.querySelector('tl-rows').visible"))
    page.keyboard.press("PageDown")
    page.wait_for_selector(f"tr[data-place='{visible}'] a:focus")
    page.keyboard.press("PageUp")
    page.wait_for_selector("tr[data-place='0'] a:focus")
    page.locator(".wide.rows").focus()
    page.keyboard.press("End")
    page.wait_for_selector(f"tr[data-place='{NUMBER - 1}'] a")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_long_list_holds_for_every_sense(page: Page, scheme: str) -> None:
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    visit(page, "/objects?at=15000")
    page.wait_for_selector("tl-rows tbody tr[data-place='15000'] a")
    page.wait_for_selector("tl-facets section")
    assert Axe().run(page).response["violations"] == []
    assert page.locator("tl-facets").inner_text().count("TLP:") == 4
    page.locator("tl-facets a", has_text="tool").click()
    page.wait_for_url("**/objects?type=tool")
    page.wait_for_selector("tl-rows tbody tr[data-place='0']")


def test_without_a_script_there_are_pages_and_counts(pair: Pair, at: str, browser: Browser) -> None:
    context = browser.new_context(java_script_enabled=False, base_url=at)
    context.add_cookies([{"name": COOKIE, "value": session(pair.north, "reader"), "url": at}])
    page = context.new_page()
    page.goto("/objects")
    page.get_by_role("link", name="Older").click()
    expect(page.locator(".paging .place")).to_contain_text("51 to 100 of 30\u202f000")
    page.get_by_role("link", name="The oldest").click()
    expect(page.locator(".paging .place")).to_contain_text("29\u202f951 to 30\u202f000")
    page.get_by_role("link", name="Filter and count").click()
    page.get_by_role("link", name="tool").click()
    expect(page.locator(".paging .place")).to_contain_text("1 to 50 of 3\u202f000")
    page.get_by_label("Search").fill("sign 11230")
    page.keyboard.press("Enter")
    expect(page.locator("tbody a").first).to_have_text("sign 11230")
    context.close()
