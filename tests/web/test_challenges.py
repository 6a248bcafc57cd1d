"""What a passkey is asked counts once, for three minutes, in one browser, for one purpose."""

import json
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from tearline import clock
from tearline.agreement.assertion import Assertion, base64url, unbase64
from tearline.config import Settings
from tearline.store import passkeys as rows
from tearline.store import private
from tearline.store.passkeys import Challenge
from tearline.web import challenges, passkeys, signing_in, where
from tearline.web.app import COOKIE, routes
from tests.authenticator import Device
from tests.pair import Pair, make_pair, rel, sdo
from tests.web.site import PASSWORD

AT = "http://localhost"
heron = sdo("intrusion-set", "Gray Heron")
hospital = sdo("identity", "a hospital")


class Someone:
    """A browser of somebody, and a passkey of theirs that was added and enrolled."""

    def __init__(
        self, pair: Pair, name: str, role: str = "approver", *, enrol: bool = True
    ) -> None:
        self.pair, self.name, self.device = pair, name, Device(host="localhost")
        app = Starlette(routes=routes(lambda: pair.north))
        self.client = TestClient(app, base_url=AT, follow_redirects=False, headers={"Origin": AT})
        token = signing_in.invite(pair.north, name, role, now=clock.now())
        self.session = signing_in.accept(pair.north, token, PASSWORD, now=clock.now())
        self.client.cookies.set(COOKIE, self.session)
        id_ = base64url(self.device.credential)
        with pair.north.store.write() as tx:
            rows.add_passkey(tx, rows.Passkey(id_, name, "one", self.device.key, 0, clock.now()))
        if enrol:
            mark = challenges.mark_of(self.device.key)
            passkeys.enrol(pair.north, name, mark, also=False, now=clock.now())

    def asked(self, path: str, **given: str) -> bytes:
        reply = self.client.post(path, data=given)
        assert reply.status_code == 200, reply.text
        return unbase64(reply.json()["challenge"])

    def answer(self, challenge: bytes, **other: object) -> str:
        made = self.device.answer(challenge, origin=AT, **other)  # type: ignore[arg-type]
        return self.device.as_json(made)

    def post(self, path: str, answer: str, **given: str) -> tuple[int, str]:
        reply = self.client.post(path, data=given | {"answer": answer})
        return reply.status_code, reply.text


@pytest.fixture
def pair(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pair:
    made = make_pair(tmp_path)
    made.put(heron, hospital, rel(heron, "targets", hospital))
    made.agree(approvals=2)
    monkeypatch.setattr(clock, "now", lambda: made.tick(1_000))
    return made


@pytest.fixture
def ada(pair: Pair) -> Someone:
    return Someone(pair, "ada")


def item(someone: Someone) -> str:
    return str(someone.client.get("/queue.json").json()["items"][0]["item"])


def said(someone: Someone, name: str) -> list[str]:
    found = someone.client.get(f"/queue/{name}.json").json()["said"]
    return [f"{each['person']} {each['verdict']}" for each in found]


def test_signing_in_counts_once_and_in_the_browser_that_asked(ada: Someone) -> None:
    ada.client.cookies.clear()
    answer = ada.answer(ada.asked("/sign-in/passkey/begin"))
    door = ada.client.cookies["tearline-door"]
    ada.client.cookies.delete("tearline-door")
    code, text = ada.post("/sign-in/passkey", answer)
    assert (code, "too late" in text) == (403, True), "another browser"
    answer = ada.answer(ada.asked("/sign-in/passkey/begin"))
    assert ada.client.cookies["tearline-door"] != door
    reply = ada.client.post("/sign-in/passkey", data={"answer": answer, "next": "//evil.example"})
    assert (reply.status_code, reply.json()) == (200, {"next": "/"})
    assert "SameSite=strict" in reply.headers["set-cookie"]
    assert ada.client.get("/").status_code == 200
    ada.client.cookies.set("tearline-door", door)
    assert ada.post("/sign-in/passkey", answer)[0] == 403


def test_an_answer_too_late_is_none(ada: Someone, pair: Pair) -> None:
    answer = ada.answer(ada.asked("/sign-in/passkey/begin"))
    pair.tick(challenges.ASKED)
    assert "too late" in ada.post("/sign-in/passkey", answer)[1]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"flags": 0x01}, "did not verify"),
        ({"type_": "webauthn.create"}, "another question"),
        ({"host": "evil.example"}, "another host"),
        ({"origin": "http://localhost:3000"}, "another page"),
        ({"origin": "https://evil.example"}, "another page"),
    ],
)
def test_what_was_made_elsewhere_opens_nothing(
    ada: Someone, change: dict[str, object], why: str
) -> None:
    challenge = ada.asked("/sign-in/passkey/begin")
    made = ada.device.answer(challenge, **({"origin": AT} | change))  # type: ignore[arg-type]
    code, text = ada.post("/sign-in/passkey", ada.device.as_json(made))
    assert (code, why in text) == (403, True), text


@pytest.mark.parametrize(
    "junk", ["", "{}", "[]", "null", '{"id":"x","response":{}}', "\x00", "{" * 9_000]
)
def test_junk_is_refused_in_words(ada: Someone, junk: str) -> None:
    name = item(ada)
    for path in ("/sign-in/passkey", "/prove/passkey", "/account/passkeys", f"/queue/{name}/say"):
        code, text = ada.post(path, junk, label="x")
        assert code in {400, 403}, text
        assert json.loads(text)["error"]["what"]


def test_an_answer_for_one_thing_is_none_for_another(ada: Someone) -> None:
    name = item(ada)
    proof = ada.answer(ada.asked("/prove/passkey/begin"))
    assert ada.post(f"/queue/{name}/say", proof)[0] == 400
    assert said(ada, name) == []
    given = {"verdict": "approve"}
    yes = ada.answer(ada.asked(f"/queue/{name}/begin", **given))
    assert ada.post("/prove/passkey", yes)[0] == 403
    assert ada.post(f"/queue/{name}/say", yes)[0] == 400, "it was tried, and is gone"
    assert said(ada, name) == []


@pytest.mark.usefixtures("either_store")
def test_an_approval_counts_once_for_the_item_that_was_signed(ada: Someone, pair: Pair) -> None:
    name, other = (each["item"] for each in ada.client.get("/queue.json").json()["items"])
    yes = ada.answer(ada.asked(f"/queue/{name}/begin", verdict="approve", reason="fits"))
    code, text = ada.post(f"/queue/{other}/say", yes, verdict="approve")
    assert code == 200, text
    assert (said(ada, name), said(ada, other)) == (["ada approve"], []), "what was signed counts"
    found = ada.client.get(f"/queue/{name}.json").json()
    assert (found["approved"], found["needed"], found["requested_by"]) == (1, 2, None)
    assert ada.post(f"/queue/{name}/say", yes)[0] == 400
    bo = Someone(pair, "bo")
    theirs = bo.answer(ada.asked(f"/queue/{name}/begin", verdict="query", reason="why?"))
    assert ada.post(f"/queue/{name}/say", theirs)[0] == 400, "another's passkey"
    mine = ada.answer(ada.asked(f"/queue/{name}/begin", verdict="query", reason="why?"))
    assert bo.post(f"/queue/{name}/say", mine)[0] == 400, "another's session"
    assert said(ada, name) == ["ada approve"]


def test_what_cannot_be_said_is_not_asked_for(ada: Someone, pair: Pair) -> None:
    name = item(ada)
    for given in ({"verdict": "refuse"}, {"verdict": "all"}, {}):
        assert ada.client.post(f"/queue/{name}/begin", data=given).status_code == 400
    stranger = Someone(pair, "cy", enrol=False)
    reply = stranger.client.post(f"/queue/{name}/begin", data={"verdict": "approve"})
    assert "None of your passkeys may approve" in reply.text
    reader = Someone(pair, "dee", "analyst", enrol=False)
    assert (
        reader.client.post(f"/queue/{name}/begin", data={"verdict": "approve"}).status_code == 404
    )
    assert reader.client.post(f"/queue/{name}/say", data={"answer": "{}"}).status_code == 404


def test_only_a_passkey_of_an_approver_is_enrolled(pair: Pair, ada: Someone) -> None:
    dee = Someone(pair, "dee", "analyst", enrol=False)
    for name, mark, why in (
        ("dee", challenges.mark_of(dee.device.key), "approves nothing"),
        ("ada", challenges.mark_of(dee.device.key), "has no passkey"),
        ("ada", challenges.mark_of(ada.device.key), "This is the key of ada"),
        ("eve", "0000", "uses the pages"),
    ):
        with pytest.raises(Exception, match=why):
            passkeys.enrol(pair.north, name, mark, also=True, now=clock.now())


def test_who_is_ended_has_no_passkey_any_more(pair: Pair, ada: Someone) -> None:
    signing_in.end(pair.north, "ada", "left", now=clock.now())
    answer = ada.answer(ada.asked("/sign-in/passkey/begin"))
    assert "opens nothing" in ada.post("/sign-in/passkey", answer)[1]
    token = signing_in.invite(pair.north, "ada", "approver", now=clock.now())
    signing_in.accept(pair.north, token, PASSWORD, now=clock.now())
    assert passkeys.mine(pair.north, "ada") == [], "a new Ada begins anew"
    with pair.north.store.read() as tx:
        acts = [json.loads(r)["act"] for k, r in private.pending(tx) if k == "person"]
    assert acts == ["enrolled", "ended"]


def test_a_copy_is_found_by_its_counter(ada: Someone, pair: Pair) -> None:
    name = item(ada)
    ada.device.counter = 7
    yes = ada.answer(ada.asked(f"/queue/{name}/begin", verdict="approve"))
    ada.device.counter = 3
    no = ada.answer(ada.asked(f"/queue/{name}/begin", verdict="refuse", reason="x"))
    assert ada.post(f"/queue/{name}/say", no)[0] == 200
    ada.device.counter = 3
    again = ada.answer(ada.asked(f"/queue/{name}/begin", verdict="query", reason="x"))
    code, text = ada.post(f"/queue/{name}/say", again)
    assert (code, "counter went back" in text) == (400, True)
    assert ada.client.get("/account.json").json()["passkeys"][0]["suspended_at"]
    reply = ada.client.post(f"/queue/{name}/begin", data={"verdict": "query", "reason": "x"})
    assert "None of your passkeys" in reply.text
    assert ada.post(f"/queue/{name}/say", yes)[0] == 400
    assert pair.now


def test_a_passkey_works_at_its_own_address_alone(pair: Pair) -> None:
    app = Starlette(routes=routes(lambda: pair.north))
    elsewhere = "http://127.0.0.1:8400"
    with TestClient(app, base_url=elsewhere, headers={"Origin": elsewhere}) as client:
        token = signing_in.invite(pair.north, "ada", "approver", now=clock.now())
        client.cookies.set(COOKIE, signing_in.accept(pair.north, token, PASSWORD, now=clock.now()))
        text = client.get("/account").text
        assert "These pages are at http://localhost:8400" in text
        assert "Add a passkey" not in text
        reply = client.post("/account/passkeys/begin")
        assert (reply.status_code, "No passkey works at this address" in reply.text) == (400, True)
        assert client.post("/sign-in/passkey/begin").status_code == 400


def test_behind_a_proxy_with_tls_the_cookie_is_secure(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = Settings(pages_url="https://Tearline.example/")
    monkeypatch.setattr(where, "settings", lambda: given)
    token = signing_in.invite(pair.north, "ada", "approver", now=clock.now())
    signing_in.accept(pair.north, token, PASSWORD, now=clock.now())
    for at, secure in (("http://tearline.example", True), ("http://127.0.0.1:8400", False)):
        app = Starlette(routes=routes(lambda: pair.north))
        with TestClient(app, base_url=at, headers={"Origin": at}, follow_redirects=False) as client:
            reply = client.post("/sign-in", data={"name": "ada", "password": PASSWORD})
            assert ("Secure" in reply.headers["set-cookie"]) == secure
            asked = client.post("/sign-in/passkey/begin")
            assert asked.status_code == (200 if secure else 400)
            assert asked.json().get("rpId") == ("tearline.example" if secure else None)


def test_sessions_are_listed_and_ended_one_by_one_and_all(pair: Pair, ada: Someone) -> None:
    agent = "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/5 Chrome/120.0 Safari/537.36 Edg/120.0"
    given = {"name": "ada", "password": PASSWORD}
    reply = ada.client.post("/sign-in", data=given, headers={"User-Agent": agent})
    second = reply.cookies[COOKIE]
    found = ada.client.get("/account.json", headers={"Cookie": f"{COOKIE}={second}"}).json()
    assert [each["this"] for each in found["sessions"]] == [True, False]
    assert found["sessions"][0]["place"] == "Edge, Windows, testclient"
    bo = Someone(pair, "bo")
    theirs = {"session": found["sessions"][1]["session"]}
    assert bo.client.post("/account/sessions/end", data=theirs).status_code == 400
    ada.client.cookies.set(COOKIE, second)
    assert ada.client.post("/account/sessions/end", data=theirs).status_code == 303
    assert signing_in.viewer(pair.north, ada.session, now=clock.now()) is None
    assert signing_in.viewer(pair.north, second, now=clock.now()) is not None
    ada.client.post("/sign-out", data={"everywhere": "1"})
    assert signing_in.viewer(pair.north, second, now=clock.now()) is None
    assert signing_in.viewer(pair.north, bo.session, now=clock.now()) is not None


def test_a_passkey_is_of_one_person(pair: Pair, ada: Someone) -> None:
    bo = Someone(pair, "bo")
    theirs = {"id": base64url(ada.device.credential), "label": "mine now"}
    assert bo.client.post("/account/passkeys/rename", data=theirs).status_code == 400
    assert bo.client.post("/account/passkeys/remove", data=theirs).status_code == 400
    proof = ada.answer(bo.asked("/prove/passkey/begin"))
    assert "somebody else" in bo.post("/prove/passkey", proof)[1]
    for label in ("", " ", "x" * 61, "a\u202eb"):
        given = theirs | {"label": label}
        assert ada.client.post("/account/passkeys/rename", data=given).status_code == 400
    assert ada.client.post("/account/passkeys/rename", data=theirs).status_code == 303
    assert ada.client.get("/account.json").json()["passkeys"][0]["label"] == "mine now"


@pytest.mark.usefixtures("either_store")
def test_challenges_that_wait_are_few(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(challenges, "_MOST", 3)
    for n in range(9):
        challenges.put(pair.north, "sign in", f"door {n}", b"", now=clock.now())
    with pair.north.store.read() as tx:
        assert len(tx.execute(rows.staff_challenge.select()).all()) == 3
    with pair.north.store.write() as tx:
        late = Challenge("x", "sign in", "y", b"", pair.now + 1)
        rows.add_challenge(tx, late, now=pair.now + challenges.ASKED, most=3)
        assert len(tx.execute(rows.staff_challenge.select()).all()) == 1


def test_an_answer_is_read_as_a_browser_writes_it() -> None:
    given = Assertion("k", "AA", "AA", "AA")
    assert json.loads(Device().as_json(given))["response"]["signature"] == "AA"
