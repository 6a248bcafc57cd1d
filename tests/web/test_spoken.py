"""On a page in German, what is said in English says so: a screen reader reads it in English."""

from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from tearline import clock
from tests.pair import Pair, make_pair, rel, sdo
from tests.web.debated import BROKEN, MANY, debate
from tests.web.site import brought, questioned, site
from tests.weighing.told import note_id

_VOID = {"meta", "link", "input", "br"}
heron = sdo("intrusion-set", "Gray Heron")
hospital = sdo("identity", "a hospital")


class Spoken(HTMLParser):
    """The texts of a page, by the language in which they stand."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.within: list[str] = []
        self.texts: dict[str, str] = {}
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in _VOID:
            own = dict(attrs).get("lang")
            self.within.append(own if own is not None else (self.within or [""])[-1])

    def handle_endtag(self, _tag: str) -> None:
        self.within.pop()

    def handle_data(self, data: str) -> None:
        language = self.within[-1] if self.within else ""
        self.texts[language] = f"{self.texts.get(language, '')} {' '.join(data.split())}"


@pytest.fixture
def pair(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pair:
    made = make_pair(tmp_path)
    made.put(heron, hospital, rel(heron, "targets", hospital))
    made.agree(approvals=2)
    made.reconcile()
    questioned(made, "Is it so?")
    debate(made.north, now=made.tick())
    brought(made.north, {"one.json": b"{"}, now=made.tick())
    monkeypatch.setattr(clock, "now", lambda: made.now)
    return made


@pytest.fixture
def officer(pair: Pair) -> Iterator[TestClient]:
    with site(pair.north, "officer") as client:
        client.headers["Accept-Language"] = "de"
        yield client


def in_english(client: TestClient, path: str, *texts: str) -> None:
    """A page in German holds these texts, each in English alone."""
    found = Spoken(client.get(path).text).texts
    assert "Vereinbarungen" in found["de"], "the page is in German"
    for each in texts:
        words = " ".join(each.split())
        assert words, path
        assert words in found.get("en", ""), (path, each)
        assert words not in found["de"], (path, each)


def test_the_lines_of_an_agreement_are_said_in_english(pair: Pair, officer: TestClient) -> None:
    at = f"/agreements/{pair.agreement_id.removeprefix('urn:uuid:')}"
    groups = officer.get(f"{at}.json").json()["groups"]
    lines = [line["sentence"] for group in groups for line in group["lines"]]
    assert len(lines) > 20
    in_english(officer, at, *lines)
    officer.post("/agreements/new", data={"partner": "south-isac"})
    draft = officer.get(f"{at}/change.json").json()
    said = [line["sentence"] for group in draft["groups"] for line in group["lines"]]
    in_english(officer, f"{at}/change", *said, *(each["text"] for each in draft["warnings"]))


def test_reasons_and_problems_are_said_in_english(officer: TestClient) -> None:
    (item, *_) = officer.get("/queue.json").json()["items"]
    at = f"/queue/{item['item']}"
    in_english(officer, at, *officer.get(f"{at}.json").json()["sentences"])
    at = f"/objects/{hospital['id']}"
    (could,) = officer.get(f"{at}.json?to=south-isac").json()["could"]
    in_english(officer, f"{at}?to=south-isac", *(each["sentence"] for each in could["reasons"]))
    at = f"/claims/{note_id(MANY)}"
    in_english(officer, at, officer.get(f"{at}.json").json()["worth"]["reason"])
    (wrong,) = officer.get("/claims.json?only=wrong").json()["wrong"]
    assert wrong["id"] == BROKEN["id"]
    in_english(officer, "/claims?only=wrong", wrong["problem"])
    asked = officer.get("/hypotheses.json").json()["questions"][0]["question"]
    (problem,) = officer.get(f"/hypotheses/{asked}.json").json()["problems"]
    in_english(officer, f"/hypotheses/{asked}", problem["why"])
    job = officer.get("/import.json").json()["imports"][0]["id"]
    (refusal,) = officer.get(f"/import/{job}.json").json()["refusals"]
    in_english(officer, f"/import/{job}", refusal["reason"])


def test_an_error_says_its_language_and_is_taken_as_it_is(officer: TestClient) -> None:
    asked = officer.get("/hypotheses.json").json()["questions"][0]["question"]
    reply = officer.post(f"/hypotheses/{asked}/change", data={"without": "{H|9}"})
    assert reply.status_code == 400
    found = Spoken(reply.text).texts
    assert "The question has no hypothesis {H|9}." in found["en"]
    assert "Nicht getan" in found["de"]
