"""The pages of claims in a real browser: full and empty, hostile, in German, and by keyboard."""

from collections.abc import Iterator
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser

from tearline import clock
from tearline.provenance.claims import Claim, Link, Quantity, Wording, note_of
from tests.pair import Pair, make_pair, sdo
from tests.web.debated import MANY, NO, debate, ready
from tests.web.served import NEEDS_CHROMIUM, ONE_BROWSER, look, opened, serving
from tests.web.test_browser import NARROW, WIDE, hold
from tests.weighing.told import note_id, source

pytestmark = [NEEDS_CHROMIUM, ONE_BROWSER]
BUDGET, MAP = 60_000, 220_000
PLAIN = {"java_script_enabled": False, "locale": "de-DE"}
EVIL = "<b id=taken>\u202e{{7*7}}\u200b" + "w" * 400
nasty = sdo("identity", EVIL)


def hostile(at: int) -> dict[str, object]:
    claim = Claim(
        polarity="asserted",
        certainty="hearsay",
        source_chain=(Link("origin", nasty["id"], cue=EVIL, interest=EVIL),),
        hedges=(EVIL,),
        said="2026-01-01",
        quantity=Quantity(1, "over", EVIL),
    )
    return note_of(claim, Wording(EVIL, EVIL + "."), note_id=note_id("evil"), at=at)


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    with pytest.MonkeyPatch.context() as patch:
        made = make_pair(tmp_path_factory.mktemp("claims"))
        debate(made.north, hostile(made.now), nasty, now=made.tick())
        ready(made.north, now=made.now)
        patch.setattr(clock, "now", lambda: made.now)
        yield made


@pytest.fixture(scope="module")
def at(pair: Pair) -> Iterator[str]:
    with serving(pair.north) as url:
        yield url


def places() -> dict[str, str]:
    return {
        "claims": "/claims",
        "claims-none": "/claims?report=none",
        "claims-wrong": "/claims?only=wrong",
        "claim": f"/claims/{note_id(MANY)}",
        "claim-denial": f"/claims/{note_id(NO)}",
        "claim-hostile": f"/claims/{note_id('evil')}",
        "source": f"/sources/{source('a spokeswoman')['id']}",
        "source-hostile": f"/sources/{quote(nasty['id'])}",
        "map-claims": "/map?layer=claims",
        "hypotheses-asking": f"/hypotheses?claim={note_id(MANY)}",
    }


@pytest.mark.parametrize("window", [WIDE, NARROW], ids=["wide", "narrow"])
def test_the_pages_hold(pair: Pair, at: str, browser: Browser, window: tuple[int, int]) -> None:
    size = {"width": window[0], "height": window[1]}
    with opened(browser, pair.north, at, viewport=size) as (page, came):
        for name, path in places().items():
            came.clear()
            look(page, path, name)
            assert page.query_selector("#taken") is None, name
            assert sum(came) < (MAP if "map" in name else BUDGET), name
            hold(page, name)


def test_a_grade_is_given_without_script_in_german(pair: Pair, at: str, browser: Browser) -> None:
    with opened(browser, pair.north, at, role="analyst", **PLAIN) as (page, _):
        page.goto(f"/claims/{note_id(NO)}")
        page.click("text=4 übernehmen, wie vorgeschlagen")
        page.wait_for_url("**#worth")
        assert "analyst gab 4, als 4 vorgeschlagen war" in page.inner_text("main")


def test_a_question_is_asked_and_rated_without_script(
    pair: Pair, at: str, browser: Browser
) -> None:
    with opened(browser, pair.north, at, role="analyst", **PLAIN) as (page, _):
        page.goto(f"/claims/{note_id(MANY)}")
        page.click("text=Zu einer Frage hinzufügen")
        page.fill("#question", "Who promised arms?")
        page.fill("#hypotheses", "The ministry\nNobody")
        page.click("button:has-text('Frage stellen')")
        page.select_option("select[name$='.H1']", "II")
        page.fill("input[name$='.H1.why']", "It denies it.")
        page.click("text=Unsere Einstufungen unterschreiben")
        assert page.input_value("input[name$='.H1.why']") == "It denies it."
        asked = page.url
        page.goto(f"/hypotheses?claim={note_id(NO)}")
        page.click("tbody button")
        assert page.url == asked
        assert page.locator("tbody >> text=E2").count() > 0
