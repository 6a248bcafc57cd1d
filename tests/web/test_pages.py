"""Every page: as HTML and as JSON, for each role, in two languages, and with hostile content."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from tearline import clock
from tearline.release import arrive, recall
from tearline.release.arrive import Annotation
from tearline.web import signing_in, words
from tearline.web.app import HEADERS
from tearline.web.pages import FORMS, PAGES
from tearline.web.shown import NAVIGATION, seen
from tearline.web.signing_in import ROLES, WEIGHING
from tearline.weighing import worth as weighing
from tests.pair import Pair, as_object, make_pair, rel, sdo
from tests.web.site import AT, PASSWORD, brought, put_aside, questioned, session, site
from tests.weighing.told import keep, note_id, source, told

HOSTILE = "<script>alert(1)</script>\u202e{{7*7}}\x1b[31m\u200b" + "w" * 300
heron = sdo("intrusion-set", "Gray Heron")
loader = sdo("malware", "Mud Loader")
hospital = sdo("identity", "a hospital")
ALL = (heron, loader, hospital, rel(heron, "uses", loader), rel(heron, "targets", hospital))
hostile = sdo("tool", HOSTILE)
SAID = (
    source("Tall Mast Radio"),
    told("Mud is sold", "Blue Paper", "Tall Mast Radio"),
    told("No mud is sold", "Red Paper", denies="Mud is sold"),
)
"""Claims that a partner gave: they are in no list of ours, and change no count of it."""


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    made = make_pair(tmp_path_factory.mktemp("web"))
    made.put(*ALL, hostile, *(sdo("indicator", f"sign {n}") for n in range(60)))
    made.agree(approvals=2)
    made.sync()
    recall.recall(made.north, loader["id"], "south-isac", HOSTILE, now=made.tick())
    made.reconcile()
    put_aside(made.north, made.agreement_id, hostile, now=made.tick())
    brought(made.north, {"<b>sign.json": b"{"}, now=made.tick())
    questioned(made, HOSTILE)
    talk(made, *SAID)
    return made


def talk(made: Pair, *said: dict[str, Any]) -> None:
    """Have a partner say claims, sorted in and weighed."""
    with made.north.store.write() as tx:
        keep(tx, *said, origin=made.agreement_id, now=made.now)
    weighing.catch_up(made.north, now=made.now)


def addresses(pair: Pair, client: TestClient) -> list[str]:
    """An address of every page, with things that are there."""
    item = client.get("/queue.json").json()["items"][0]["item"]
    agreement = pair.agreement_id.removeprefix("urn:uuid:")
    statements = client.get(f"/agreements/{agreement}.json").json()["statements"]
    proven = next(each["statement"] for each in statements if each["provable"])
    aside = client.get("/quarantine.json").json()["quarantined"][0]["hash"]
    given = {
        "/queue/{item}": item,
        "/objects/{id}": hostile["id"],
        "/objects/{id}/recall/{party}": f"{heron['id']}/recall/south-isac",
        "/agreements/{id}": agreement,
        "/agreements/{id}/change": f"{agreement}/change",
        "/agreements/{id}/statements/{statement}": f"{agreement}/statements/{proven}",
        "/partners/{party}": "south-isac",
        "/partners/{party}/exit": "south-isac/exit",
        "/quarantine/{agreement}/{hash}": f"{agreement}/{aside.removeprefix('sha256:')}",
        "/log/{side}/{id}": f"ours/{agreement}",
        "/log/{side}/{id}/{leaf}": f"ours/{agreement}/0",
        "/hypotheses/{id}": client.get("/hypotheses.json").json()["questions"][0]["question"],
        "/claims/{id}": note_id("Mud is sold"),
        "/sources/{id}": source("Tall Mast Radio")["id"],
        "/import/{id}": client.get("/import.json").json()["imports"][0]["id"],
    }
    return [re.sub(r"\{.*", str(given.get(each.path, "")), each.path) for each in PAGES]


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()
        self.tags: list[str] = []
        self.inline: list[str] = []
        self.scripts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        src = dict(attrs).get("src") or ""
        if tag == "script" and src.startswith("/static/") and ("type", "module") in attrs:
            self.scripts.append(src)
        for name, value in attrs:
            if name in {"href", "src"}:
                self.found.add(value or "")
            if name == "style" or name.startswith("on"):
                self.inline.append(f"{tag} {name}")
        if tag == "script" and not dict(attrs).get("src"):
            self.inline.append(tag)


def parsed(text: str) -> _Links:
    found = _Links()
    found.feed(text)
    return found


def test_every_page_is_there_and_so_is_all_it_links_to(pair: Pair, officer: TestClient) -> None:
    known: set[str] = set()
    for at in addresses(pair, officer):
        reply = officer.get(at)
        assert reply.status_code == 200, (at, reply.text[-2000:])
        links = parsed(reply.text)
        assert links.tags.count("script") == len(links.scripts), "scripts are files of ours"
        assert links.inline == []
        known |= {each for each in links.found if each.startswith(("/", "?"))}
        assert {each for each in links.found if "//" in each} == set()
    for each in sorted(known):
        to = f"/agreements/{pair.agreement_id.removeprefix('urn:uuid:')}{each}"
        reply = officer.get(to if each.startswith("?") else each)
        assert reply.status_code == 200, each


def test_every_page_is_its_json_too(pair: Pair, officer: TestClient) -> None:
    for at in addresses(pair, officer):
        reply = officer.get("/home.json" if at == "/" else f"{at}.json")
        assert (reply.status_code, reply.headers["content-type"]) == (200, "application/json"), at
        assert isinstance(reply.json(), dict)


def test_every_answer_forbids_to_keep_it_and_to_run_anything(pair: Pair) -> None:
    with site(pair.north) as nobody:
        replies = [nobody.get(each) for each in ("/", "/sign-in", "/welcome/none", "/home.json")]
        replies.append(nobody.post("/sign-in", headers={"Origin": "http://elsewhere.example"}))
    for reply in replies:
        for name, value in HEADERS.items():
            assert reply.headers[name] == value
    assert "unsafe" not in HEADERS["Content-Security-Policy"]


def test_who_has_not_signed_in_sees_nothing(pair: Pair) -> None:
    with site(pair.north) as nobody:
        for page in PAGES:
            reply = nobody.get(page.path)
            assert (reply.status_code, reply.headers["location"].split("?")[0]) == (303, "/sign-in")
        assert nobody.get("/objects.json").status_code == 401
        for form in FORMS:
            reply = nobody.post(form.path)
            assert (reply.status_code, reply.headers["location"]) == (303, "/sign-in")


@pytest.mark.parametrize("role", ROLES)
def test_a_role_sees_what_it_may_and_no_link_to_the_rest(pair: Pair, role: str) -> None:
    with site(pair.north, role) as client:
        links = parsed(client.get("/").text).found
        for path, _, roles in NAVIGATION:
            assert (path in links) == (role in roles)
            assert client.get(path).status_code == (200 if role in roles else 404)
        assert ("waits" in client.get("/home.json").json()) == (role in WEIGHING)


def test_what_partners_write_is_text(officer: TestClient) -> None:
    for at in (f"/objects/{hostile['id']}", "/objects?type=tool", "/recalls"):
        text = officer.get(at).text
        assert "<script>" not in text
        assert not re.search("[\x1b\u202e\u200b]", text)
    assert seen("a\u202eb\x00") == "a⟨U+202E⟩b⟨U+0000⟩"
    assert "49" not in seen("{{7*7}}")


def test_a_list_goes_on_where_its_page_ends(officer: TestClient) -> None:
    found, before = [], ""
    while True:
        part = officer.get(f"/objects.json{before}").json()
        found += [each["id"] for each in part["objects"]]
        if part["next"] is None:
            break
        before = f"?before={part['next']}"
    assert len(found) == len(set(found)) == part["number"] == 73
    ties = officer.get("/objects.json?type=relationship").json()["objects"]
    assert {each["name"] for each in ties} == {
        "Gray Heron uses Mud Loader",
        "Gray Heron targets a hospital",
    }
    assert officer.get("/objects?before=x&type=nothing").status_code == 200


def test_could_it_go_is_asked_of_the_function_that_releases(officer: TestClient) -> None:
    (said,) = officer.get(f"/objects/{hospital['id']}.json?to=south-isac").json()["could"]
    assert said["outcome"] == "wait"
    assert {each["code"] for each in said["reasons"]} >= {"victim"}
    text = officer.get(f"/objects/{hospital['id']}?to=south-isac").text
    assert "It would wait" in text
    assert officer.get(f"/objects/{hospital['id']}?to=nobody").status_code == 400


@pytest.mark.parametrize(
    "path",
    ["/objects/tool--none", "/agreements/none", "/queue/sha256:00", "/static/../app.py", "/x"],
)
def test_what_is_not_there_is_not_there(officer: TestClient, path: str) -> None:
    reply = officer.get(path)
    assert reply.status_code == 404
    assert "Traceback" not in reply.text


# ----------------------------------------------------------------------------------------- forms


def test_signing_in_and_out_by_hand(pair: Pair) -> None:
    token = signing_in.invite(pair.north, "Ada", "officer", now=clock.now())
    with site(pair.north) as client:
        assert "Ada" not in client.get("/welcome/none").text
        assert "ada" in client.get(f"/welcome/{token}").text
        reply = client.post(f"/welcome/{token}", data={"password": "short"})
        assert reply.status_code == 400
        reply = client.post(f"/welcome/{token}", data={"password": PASSWORD})
        assert (reply.status_code, reply.headers["location"]) == (303, "/")
        cookie = reply.headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=strict" in cookie
        assert client.get("/").status_code == 200
        assert client.post("/sign-out").status_code == 303
        assert client.get("/").status_code == 303
        given = {"name": "ada", "password": "wrong and wrong", "next": "/queue"}
        assert client.post("/sign-in", data=given).status_code == 403
        reply = client.post("/sign-in", data=given | {"password": PASSWORD})
        assert (reply.status_code, reply.headers["location"]) == (303, "/queue")
        assert client.post("/sign-out", data={"everywhere": "1"}).status_code == 303


@pytest.mark.parametrize(
    "to", ["https://elsewhere.example/", "//elsewhere.example", "/\\elsewhere.example", "x", "/\n/"]
)
def test_nobody_is_sent_elsewhere_after_signing_in(pair: Pair, to: str) -> None:
    session(pair.north, "reader")
    with site(pair.north) as client:
        given = {"name": "reader", "password": PASSWORD, "next": to}
        assert client.post("/sign-in", data=given).headers["location"] == "/"


@pytest.mark.parametrize("origin", [None, "null", "http://elsewhere.example", f"{AT}.example"])
def test_a_form_of_another_site_does_nothing(pair: Pair, origin: str | None) -> None:
    agreement = pair.agreement_id.removeprefix("urn:uuid:")
    with site(pair.north, "officer") as client:
        client.headers.pop("origin")
        headers = {} if origin is None else {"Origin": origin}
        given = {"step": "suspend", "reason": "x"}
        reply = client.post(f"/agreements/{agreement}/step", data=given, headers=headers)
        assert reply.status_code == 403
        assert client.get(f"/agreements/{agreement}.json").json()["state"] == "active"
        assert client.post("/sign-in", content=b"x" * 70_000, headers=headers).status_code == 403


def test_a_form_has_a_size(officer: TestClient) -> None:
    assert officer.post("/sign-in", content=b"x" * 70_000).status_code == 413


def test_an_agreement_is_suspended_by_whoever_may_and_just_showed_the_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pair = make_pair(tmp_path)
    pair.put(*ALL)
    pair.agree()
    agreement = pair.agreement_id.removeprefix("urn:uuid:")
    at, given = f"/agreements/{agreement}", {"step": "suspend", "reason": "a doubt"}
    with site(pair.north, "reader") as reader:
        assert reader.post(f"{at}/step", data=given).status_code == 404
    later = clock.now() + signing_in.PROVEN + signing_in.HOUR
    with site(pair.north, "officer") as client:
        monkeypatch.setattr(clock, "now", lambda: later)
        reply = client.post(f"{at}/step", data=given, headers={"Referer": f"{AT}{at}"})
        assert reply.headers["location"] == f"/prove?next={at}"
        assert client.get(f"{at}.json").json()["state"] == "active"
        assert client.get(reply.headers["location"]).status_code == 200
        wrong = client.post("/prove", data={"password": "wrong and wrong", "next": at})
        assert wrong.status_code == 403
        right = client.post("/prove", data={"password": PASSWORD, "next": at})
        assert right.headers["location"] == at
        assert client.post(f"{at}/step", data={"step": "dance"}).status_code == 404
        assert client.post(f"{at}/step", data=given).headers["location"] == at
        found = client.get(f"{at}.json").json()
        assert found["state"] == "suspended"
        assert found["statements"][-1]["reason"] == "a doubt"
        assert client.post(f"{at}/step", data=given).status_code == 400


# ----------------------------------------------------------------------------------------- words


def _sentences() -> set[str]:
    folder = Path(words.__file__).with_name("templates")
    text = "".join(each.read_text("utf-8") for each in sorted(folder.iterdir()))
    return set(re.findall(r"""say\(["']([^"']+)["']""", text)) | {name for _, name, _ in NAVIGATION}


def test_every_sentence_of_a_page_is_in_every_catalogue() -> None:
    for language in words.LANGUAGES[1:]:
        known = words.catalogue(language)
        assert _sentences() - known.keys() == set()
        for english, other in known.items():
            assert sorted(set(re.findall(r"\{\w+\}", english))) == sorted(
                set(re.findall(r"\{\w+\}", other))
            ), english
            assert english.count("|") == other.count("|"), english


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("", "en"),
        ("de", "de"),
        ("de-AT,de;q=0.9,en;q=0.8", "de"),
        ("fr;q=0.9,en;q=0.2,de;q=0.3", "de"),
        ("fr", "en"),
        ("de;q=0", "en"),
        ("de;q=x,;", "en"),
    ],
)
def test_the_language_is_the_one_that_a_browser_wishes_most(accepted: str, language: str) -> None:
    assert words.chosen(accepted) == language


def test_a_page_speaks_german(officer: TestClient) -> None:
    text = officer.get("/", headers={"Accept-Language": "de-DE"}).text
    assert '<html lang="de">' in text
    assert "Wartet auf Sie" in text


def test_an_empty_node_says_how_to_begin(tmp_path: Path) -> None:
    pair = make_pair(tmp_path)
    with site(pair.north, "admin") as client:
        for page in ("/objects", "/explore"):
            assert 'Nothing of our own is held yet. <a href="/import">' in client.get(page).text
        assert 'href="/agreements/new"' in client.get("/agreements").text
        assert "First steps" in client.get("/").text
        assert client.get("/settings.json").json()["staff"][0]["name"] == "admin"


def test_the_staff_is_ended_by_an_admin_alone(tmp_path: Path) -> None:
    pair = make_pair(tmp_path)
    with site(pair.north, "officer") as officer, site(pair.north, "admin") as admin:
        given = {"name": "officer", "reason": "left"}
        assert officer.post("/settings/end", data=given).status_code == 404
        assert admin.post("/settings/end", data=given).status_code == 303
        assert officer.get("/").status_code == 303
        assert admin.post("/settings/end", data=given).status_code == 400


def test_a_hold_and_a_marking_of_ours_are_shown(tmp_path: Path) -> None:
    pair = make_pair(tmp_path)
    arrive.arrive(pair.north, [as_object(loader)], source="feed", now=pair.tick())
    arrive.annotate(pair.north, [loader["id"]], Annotation(2, 22), now=pair.tick())
    arrive.hold(pair.north, "source", "feed", "a doubt", now=pair.tick())
    with site(pair.north, "reader") as client:
        found = client.get(f"/objects/{loader['id']}.json").json()
        assert (found["our_marking"], found["our_grade"], found["hold"]) == (
            "TLP:AMBER",
            "B2",
            "a doubt",
        )
        assert json.loads(json.dumps(found["object"])) == loader
        assert "a doubt" in client.get(f"/objects/{loader['id']}").text
