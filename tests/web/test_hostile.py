"""Whatever partners, files and people write is text on every page, and keeps inside its window.

Script, markup, templates, hidden characters and very long words stand in every field of STIX that
takes a text, in names of files, parties and agreements, and in reasons.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser
from starlette.testclient import TestClient

from tearline import clock
from tearline.agreement.card import card_hash, check_words
from tearline.agreement.home import create_home
from tearline.agreement.partners import add_party
from tearline.node import publisher
from tearline.provenance.claims import (
    Claim,
    Likelihood,
    Link,
    Missing,
    Quantity,
    Wording,
    note_of,
)
from tearline.release import arrive, recall
from tearline.stix.objects import read
from tests.pair import START, Pair, rel, sdo, stix_id
from tests.web.served import NEEDS_CHROMIUM, ONE_BROWSER, serving
from tests.web.site import brought, put_aside, questioned, session, site
from tests.web.test_pages import ALL, addresses, heron, hospital, talk
from tests.web.test_pages import hostile as known
from tests.weighing.told import note_id, source

WORD = "w" * 400
MARKUP = "<img src=x onerror=alert(1)><script>alert(2)</script><b id=taken>"
HIDDEN = "\u202eturned\u202c\u2066\u200bzero\ufeff\u0007bell\u001b[31m\u0085next\u061c"
QUOTES = "\"'`--></title></textarea>{{7*7}}{%x%}${7*7}&lt;&#60;"
PAYLOADS = (MARKUP, HIDDEN, QUOTES, WORD)
ALL_OF_IT = f"{MARKUP}{HIDDEN}{QUOTES}{WORD}"
PRINTED = f"{MARKUP}{QUOTES}{'w' * 60}"
"""What stands in signed texts, which take no hidden characters."""

TEXTS: dict[str, tuple[str, ...]] = {
    "attack-pattern": ("name", "description", "aliases*"),
    "campaign": ("name", "description", "aliases*", "objective"),
    "course-of-action": ("name", "description"),
    "grouping": ("name", "description", "context"),
    "identity": ("name", "description", "roles*", "contact_information"),
    "indicator": ("name", "description"),
    "infrastructure": ("name", "description", "aliases*"),
    "intrusion-set": ("name", "description", "aliases*", "goals*"),
    "location": ("name", "description", "city", "street_address", "postal_code"),
    "malware": ("name", "description", "aliases*"),
    "note": ("abstract", "content", "authors*"),
    "opinion": ("explanation", "authors*"),
    "report": ("name", "description"),
    "threat-actor": ("name", "description", "aliases*", "goals*"),
    "tool": ("name", "description", "aliases*", "tool_version"),
    "vulnerability": ("name", "description"),
    "x-tearline-odd": ("name", "description", "value"),
}
NEEDED: dict[str, dict[str, Any]] = {
    "grouping": {"object_refs": [heron["id"]]},
    "note": {"object_refs": [heron["id"]]},
    "opinion": {"object_refs": [heron["id"]], "opinion": "agree"},
    "report": {"object_refs": [heron["id"]], "published": "2026-03-01T00:00:00Z"},
    "location": {"country": "se"},
}
OBSERVABLES: dict[str, tuple[str, ...]] = {
    "artifact": ("mime_type",),
    "autonomous-system": ("name",),
    "directory": ("path",),
    "email-message": ("subject", "body", "message_id"),
    "file": ("name", "mime_type"),
    "mutex": ("name",),
    "process": ("command_line", "cwd"),
    "software": ("name", "vendor", "version"),
    "user-account": ("user_id", "account_login", "display_name"),
    "windows-registry-key": ("key",),
}
BESIDE: dict[str, dict[str, Any]] = {
    "autonomous-system": {"number": 64_512},
    "email-message": {"is_multipart": False},
    "artifact": {"payload_bin": "AAAA"},
}


def objects() -> Iterator[dict[str, Any]]:
    """An object for every type and every payload, with the payload in each of its texts."""
    for number, payload in enumerate((*PAYLOADS, ALL_OF_IT)):
        for type_, names in TEXTS.items():
            doc = sdo(type_, f"hostile {number}") | NEEDED.get(type_, {})
            if type_ in {"note", "opinion"}:
                del doc["name"]
            for name in names:
                doc[name.rstrip("*")] = [payload] if name.endswith("*") else payload
            doc["labels"] = [payload]
            doc["external_references"] = [{"source_name": payload, "description": payload}]
            doc["x_tearline_odd"] = {payload[:200]: [payload]}
            yield doc
        for type_, names in OBSERVABLES.items():
            doc = {"type": type_, "spec_version": "2.1", "id": stix_id(type_, f"hostile {number}")}
            yield doc | BESIDE.get(type_, {}) | dict.fromkeys(names, payload)


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    folder = tmp_path_factory.mktemp("hostile")
    north = create_home(folder / "north", f"North {PRINTED}", None, START)
    south = create_home(folder / "south", f"South {PRINTED}", None, START)
    for us, them in ((north, south), (south, north)):
        file = (them.path / "card.json").read_bytes()
        add_party(us, file, check_words(card_hash(them.card)), now=START)
    made = Pair(north, south)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clock, "now", lambda: made.now)
        fill(made, patch)
        yield made


def claimed(at: int) -> list[dict[str, Any]]:
    """A source and its claim of an object, and a partner's version of that, all full of it."""
    radio = source("Tall Mast Radio")
    claim = Claim(
        polarity="asserted",
        certainty="alleged",
        source_chain=(Link("origin", radio["id"], cue=ALL_OF_IT, interest=ALL_OF_IT),),
        hedges=(ALL_OF_IT,),
        quantity=Quantity(1, "about", ALL_OF_IT, 2),
        missing=(Missing(ALL_OF_IT),),
        likelihood=Likelihood("stix", ALL_OF_IT),
        extractor=ALL_OF_IT,
        said="2026-01-01",
    )
    words = Wording(ALL_OF_IT, f"{ALL_OF_IT}.", (heron["id"],), lang="de")
    return [
        radio | {"name": ALL_OF_IT},
        heron | {"name": ALL_OF_IT, "description": ALL_OF_IT, "x_tearline_odd": {PRINTED: "x"}},
        note_of(claim, words, note_id=note_id("Mud is sold"), at=at),
    ]


def fill(made: Pair, patch: pytest.MonkeyPatch) -> None:
    """Put hostile text wherever somebody can write it."""
    terms = made.terms

    def hostile_terms(**limits: object) -> str:
        text = terms(**limits)
        for plain in ("Gray Heron against hospitals", "Detect and stop Gray Heron."):
            text = text.replace(json.dumps(plain), json.dumps(PRINTED))
        return re.sub(r"^name = .*", lambda found: name_line(found[0]), text, flags=re.MULTILINE)

    def name_line(line: str) -> str:
        whole = line.removeprefix('name = "').removesuffix('"')
        return f"name = {json.dumps(whole)}"

    patch.setattr(made, "terms", hostile_terms)
    made.put(*ALL, known)
    every = [read(json.dumps(doc).encode()) for doc in objects()]
    arrival = arrive.arrive(made.north, every, source=f"feed {ALL_OF_IT}", now=made.tick())
    assert (arrival.stored, arrival.refused) == (len(every), ())
    tools = [doc for doc in objects() if doc["type"] == "tool"]
    made.put(*tools, *(rel(heron, "uses", each) for each in tools))
    made.agree(approvals=2)
    made.sync()
    talk(made, *claimed(made.now))
    partner = made.south.slug
    recall.recall(made.north, tools[0]["id"], partner, ALL_OF_IT, now=made.tick())
    arrive.hold(made.north, "source", ALL_OF_IT, ALL_OF_IT, now=made.tick())
    made.reconcile()
    for doc in list(objects())[-len(TEXTS) :]:
        put_aside(made.north, made.agreement_id, doc, now=made.tick())
    bad = json.dumps({"type": "bundle", "objects": [{"type": MARKUP, "id": HIDDEN}]}).encode()
    brought(made.north, {f"{PRINTED[:80]}.json": bad, f"{WORD[:90]}.json": b"{"}, now=made.tick())
    questioned(made, ALL_OF_IT)
    publisher.flush_private(made.north, now=made.tick())
    publisher.publish_grown(made.north, now=made.tick())


def everywhere(pair: Pair, client: TestClient) -> list[str]:
    """Every page, every hostile object, and every leaf that speaks of them."""
    found = [at.replace("south-isac", pair.south.slug) for at in addresses(pair, client)]
    found += ["/objects?type=tool", f"/holds?kind=object&what={heron['id']}", "/holds?what=%3Cb%3E"]
    found += [f"/objects/{doc['id']}" for doc in objects()]
    found += [f"/objects/{heron['id']}", f"/claims?about={heron['id']}"]
    found.append(f"/objects/{hospital['id']}?to={pair.south.slug}")
    private = client.get("/log/ours/private.json").json()["leaves"]
    agreement = pair.agreement_id.removeprefix("urn:uuid:")
    found += [f"/log/ours/private/{each['leaf']}" for each in private]
    found += [f"/log/ours/{agreement}/{leaf}" for leaf in (0, 3, 4, 5)]
    return [*found, f"/agreements/{agreement}?preview=1", "/log/ours/private"]


def see_text(at: str, page: str) -> None:
    """See that a page has no element of theirs, and nothing hidden in what is shown."""
    shown = re.sub(r'<input type="hidden"[^>]*>', "", page)
    assert not re.search(r"<(img|b id|script>)", shown), at
    assert not re.search("[\x07\x1b\x85\u061c\u200b\u202c\u202e\u2066\ufeff]", shown), at


def test_nothing_that_was_written_is_markup_or_hidden(pair: Pair) -> None:
    with site(pair.north, "officer") as client:
        for at in everywhere(pair, client):
            for language in ("en", "de"):
                reply = client.get(at, headers={"Accept-Language": language})
                assert reply.status_code == 200, at
                see_text(at, reply.text)
            assert client.get(f"{at.partition('?')[0] or '/home'}.json").status_code in {200, 404}


def test_a_hostile_claim_and_version_are_on_the_page_of_their_object(pair: Pair) -> None:
    with site(pair.north, "officer") as client:
        value = client.get(f"/objects/{heron['id']}.json").json()
        page = client.get(f"/objects/{heron['id']}").text
    assert [each["title"] for each in value["life"]["claims"]] == [ALL_OF_IT]
    (theirs,) = value["beside"]
    assert {each["place"] for each in theirs["difference"]} >= {"name", "description"}
    assert page.count("alert(2)") > 4, "it is shown, as text"


def test_refusals_echo_nothing_as_markup(pair: Pair) -> None:
    with site(pair.north, "officer") as client:
        asked = [
            client.get("/objects/%3Cimg%20src=x%3E"),
            client.get("/holds?kind=%3Cimg%3E"),
            client.get("/log/ours/%3Cimg%3E"),
            client.get("/import/%3Cimg%3E"),
            client.post("/import", files={"files": (MARKUP, b"x")}, data={"mark": MARKUP}),
            client.post("/import", files={"files": ("a", b"x")}, data={"grade": ALL_OF_IT}),
            client.post("/log/check", data={"text": ALL_OF_IT}),
        ]
    for reply in asked:
        assert reply.status_code in {200, 400, 404}
        see_text(str(reply.url), reply.text)


@NEEDS_CHROMIUM
@ONE_BROWSER
def test_every_page_keeps_inside_a_narrow_window_and_says_nothing(
    pair: Pair, browser: Browser
) -> None:
    said: list[str] = []
    wide = "document.scrollingElement.scrollWidth - innerWidth"
    with serving(pair.north) as at, site(pair.north, "admin") as client:
        token = session(pair.north, "officer")
        context = browser.new_context(viewport={"width": 390, "height": 844})
        context.add_cookies([{"name": "tearline", "value": token, "url": at}])
        page = context.new_page()
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("dialog", lambda dialog: said.append(dialog.message))
        for path in everywhere(pair, client):
            reply = page.goto(f"{at}{path}")
            assert reply is not None
            assert reply.status == 200, path
            if page.evaluate(wide) > 0:
                said.append(f"{path} is wider than its window")
            assert page.query_selector("#taken, main img, main iframe") is None, path
        context.close()
    assert said == []
