"""Holds, recalls, quarantine and the end with a partner, by forms: each is one act of before."""

import json
import sqlite3
from pathlib import Path

import orjson
import pytest
from sqlalchemy import Pool, event
from starlette.testclient import TestClient

from tearline import clock
from tearline.agreement import signing
from tearline.agreement.log_keys import key_of
from tearline.log.receipt import verify_receipt
from tearline.release import arrive, health, taking_back
from tearline.store import annotations, private, recalls, received
from tearline.web import signing_in
from tearline.web.pages import back
from tests.pair import Pair, make_pair, rel, sdo
from tests.web.site import AT, put_aside, site

heron = sdo("intrusion-set", "Gray Heron")
loader = sdo("malware", "Mud Loader")
lamp = sdo("tool", "Reed Lamp")
uses, also = rel(heron, "uses", loader), rel(heron, "uses", lamp)
ALL = (heron, loader, lamp, uses, also)


@pytest.fixture
def pair(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pair:
    made = make_pair(tmp_path)
    made.put(*ALL)
    made.agree()
    made.sync()
    monkeypatch.setattr(clock, "now", lambda: made.now)
    return made


def noted(pair: Pair) -> list[dict[str, str]]:
    with pair.north.store.read() as tx:
        return [json.loads(line) for _, line in private.pending(tx)]


# --------------------------------------------------------------------------------------- holds


@pytest.mark.parametrize(
    ("kind", "what", "gone"),
    [
        ("object", loader["id"], {loader["id"], uses["id"]}),
        ("topic", "Mud Loader", {loader["id"], uses["id"]}),
        ("object", heron["id"], {each["id"] for each in ALL}),
        ("source", "test", {each["id"] for each in ALL}),
        ("object", "tool--nothing", set()),
        ("source", "nobody", set()),
    ],
)
def test_what_a_hold_would_recall_is_what_it_recalls(
    pair: Pair, kind: str, what: str, gone: set[str]
) -> None:
    found = taking_back.would_stop(pair.north, kind, what, now=pair.now)
    assert {each for taken in found.taken for each in taken.ids} == gone
    assert found.whole
    before = set(pair.delivered())
    arrive.hold(pair.north, kind, what, "a doubt", now=pair.tick())
    pair.reconcile()
    assert before - set(pair.delivered()) == gone
    assert taking_back.would_stop(pair.north, kind, what, now=pair.now).reason == "a doubt"


def test_to_ask_what_a_hold_would_do_changes_nothing(pair: Pair, officer: TestClient) -> None:
    before = pair.delivered(), noted(pair)
    found = officer.get(f"/holds.json?kind=object&what={loader['id']}").json()
    assert (found["name"], found["would"]["named"]) == ("Mud Loader", 1)
    assert [each["number"] for each in found["would"]["taken"]] == [2]
    assert (found["holds"], (pair.delivered(), noted(pair))) == ([], before)
    pair.reconcile()
    assert pair.delivered() == before[0]


def test_of_many_only_those_that_are_named_are_counted(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(taking_back, "_MOST", 1)
    found = taking_back.would_stop(pair.north, "source", "test", now=pair.now)
    assert (found.whole, len(found.taken[0].ids)) == (False, len(ALL))


def test_a_hold_is_at_once_and_ends_with_a_reason(pair: Pair, officer: TestClient) -> None:
    given = {"kind": "topic", "what": "Mud Loader", "reason": "a doubt"}
    assert officer.post("/holds", data=given).headers["location"] == "/holds"
    pair.reconcile()
    assert set(pair.delivered()) == {heron["id"], lamp["id"], also["id"]}
    assert "a doubt" in officer.get("/holds").text
    with pair.north.store.read() as tx:
        assert annotations.holds(tx) == {("topic", "Mud Loader"): "a doubt"}
    (held,) = officer.get("/holds.json").json()["holds"]
    ending = {"hold": held["hold"], "reason": "seen"}
    assert officer.post("/holds/end", data=ending | {"reason": " "}).status_code == 400
    assert officer.post("/holds/end", data=ending | {"hold": "none"}).status_code == 404
    assert officer.post("/holds/end", data=ending).status_code == 303
    pair.reconcile()
    assert set(pair.delivered()) == {each["id"] for each in ALL}
    assert [each["kind"] for each in noted(pair) if "hold" in each["kind"]] == [
        "hold",
        "hold-ended",
    ]


@pytest.mark.parametrize(
    "given",
    [
        {"kind": "object", "what": loader["id"]},
        {"kind": "object", "what": " ", "reason": "x"},
        {"kind": "world", "what": "x", "reason": "x"},
        {"kind": "object", "what": loader["id"], "reason": "x" * 501},
        {"kind": "object", "what": "\0", "reason": "x"},
    ],
)
def test_a_hold_without_sense_or_reason_changes_nothing(
    pair: Pair, officer: TestClient, given: dict[str, str]
) -> None:
    assert officer.post("/holds", data=given).status_code == 400
    with pair.north.store.read() as tx:
        assert annotations.holds(tx) == {}


def test_who_may_hold_may_not_always_end_or_recall(pair: Pair) -> None:
    given = {"kind": "object", "what": loader["id"], "reason": "a doubt"}
    at = f"/objects/{loader['id']}/recall/south-isac"
    with site(pair.north, "analyst") as analyst, site(pair.north, "overseer") as overseer:
        assert overseer.post("/holds", data=given).status_code == 404
        assert analyst.post("/holds/end", data=given).status_code == 404
        assert analyst.get(at).status_code == 404
        assert analyst.post(at, data=given).status_code == 404
        assert at not in analyst.get(f"/objects/{loader['id']}").text
        assert analyst.post("/holds", data=given).status_code == 303
        assert overseer.get("/holds").status_code == 200


# -------------------------------------------------------------------------------------- recall


def test_a_recall_shows_what_it_takes_and_is_answered(
    pair: Pair, officer: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = f"/objects/{loader['id']}/recall/south-isac"
    assert at in officer.get(f"/objects/{loader['id']}").text
    found = officer.get(f"{at}.json").json()
    assert (found["name"], found["would"]["taken"][0]["number"]) == ("Mud Loader", 2)
    due_at = found["would"]["taken"][0]["due_at"]
    given = {"reason": "a false lead"}
    proven = pair.now
    pair.tick(signing_in.PROVEN + 1)
    reply = officer.post(at, data=given, headers={"Referer": f"{AT}{at}"})
    assert reply.headers["location"] == f"/prove?next={at}", "a recall binds"
    monkeypatch.setattr(pair, "now", proven)
    assert officer.post(at, data={"reason": ""}).status_code == 400
    assert officer.post(at, data=given).headers["location"] == "/recalls"
    rows = officer.get("/recalls.json").json()["recalls"]
    assert [(each["state"], each["due_at"]) for each in rows] == [("open", due_at)] * 2
    assert {each["name"] for each in rows} == {"Mud Loader", "Gray Heron uses Mud Loader"}
    assert {each["held"] for each in rows} >= {loader["id"]}
    shown = officer.get("/recalls").text
    assert f'<a href="/objects/{loader["id"]}">Mud Loader</a>' in shown
    assert '<a href="/partners/south-isac/exit">South ISAC</a>' in shown
    pair.sync()
    found = officer.get("/recalls.json").json()
    assert "confirmed" in {each["state"] for each in found["recalls"]}
    confirmed = next(each for each in found["recalls"] if each["state"] == "confirmed")
    agreement = pair.agreement_id.removeprefix("urn:uuid:")
    receipt = officer.get(f"/recalls/{agreement}/{confirmed['position']}/receipt")
    assert orjson.loads(receipt.content)
    assert officer.get(f"/recalls/{agreement}/999/receipt").status_code == 404
    assert officer.get(at).status_code == 404, "they hold nothing of it now"
    assert officer.post(at, data=given).status_code == 400


# ---------------------------------------------------------------------------------- quarantine


def test_what_waits_in_quarantine_is_shown_taken_and_refused(
    pair: Pair, officer: TestClient
) -> None:
    agreement = pair.agreement_id.removeprefix("urn:uuid:")
    docs = [sdo("tool", "<b>one</b>"), sdo("tool", "two")]
    hashes = [put_aside(pair.north, pair.agreement_id, doc, now=pair.tick()) for doc in docs]
    one, two = (f"/quarantine/{agreement}/{each.removeprefix('sha256:')}" for each in hashes)
    found = officer.get(f"{one}.json").json()
    assert (found["document"], found["slip"]) == (docs[0], None)
    assert found["reasons"] == ["type-not-agreed", "marking-too-strict"]
    assert "<b>one" not in officer.get(one).text
    for given in ({"act": "accept"}, {"act": "other", "reason": "x"}, {"reason": "x"}):
        assert officer.post(one, data=given).status_code == 400
    assert officer.post(one, data={"act": "accept", "reason": "fits"}).status_code == 303
    assert officer.post(two, data={"act": "refuse", "reason": "no"}).status_code == 303
    with pair.north.store.read() as tx:
        rows = {each.hash: each for each in received.by_hash(tx, pair.agreement_id, hashes)}
    assert [(rows[each].state, rows[each].raw is None) for each in hashes] == [
        ("accepted", False),
        ("refused", True),
    ]
    assert officer.get(one).status_code == 404
    assert officer.post(two, data={"act": "accept", "reason": "x"}).status_code == 400
    reasons = [each["reason"] for each in noted(pair) if each["kind"].startswith("quarantine-")]
    assert reasons == ["fits", "no"]
    with site(pair.north, "overseer") as overseer:
        assert overseer.post(two, data={"act": "accept", "reason": "x"}).status_code == 404


def test_bytes_that_are_no_object_are_shown_as_text_and_only_refused(
    pair: Pair, officer: TestClient
) -> None:
    agreement = pair.agreement_id.removeprefix("urn:uuid:")
    hash_ = f"sha256:{'0' * 64}"
    with pair.north.store.write() as tx:
        row = received.Received(hash_, "", b"<b>\xff\x1b", "", "quarantined", "[]", pair.now)
        received.stage(tx, pair.agreement_id, [row])
    at = f"/quarantine/{agreement}/{'0' * 64}"
    listed = officer.get("/quarantine.json").json()["quarantined"]
    assert {each["partner_name"] for each in listed} == {"South ISAC"}
    assert [each["name"] for each in listed if each["hash"] == hash_] == [None]
    assert officer.get("/quarantine").status_code == 200
    assert "<b>" not in officer.get(at).text.partition("<main")[2]
    assert officer.get(f"{at}.json").json()["document"] is None
    assert officer.post(at, data={"act": "accept", "reason": "x"}).status_code == 400
    assert officer.post(at, data={"act": "refuse", "reason": "x"}).status_code == 303


# ---------------------------------------------------------------------------------- many of each


MANY, PART = 3_000, 50


@pytest.fixture
def crowded(pair: Pair) -> Pair:
    """North with thousands in quarantine and thousands of recalls, a third of each answered."""
    with pair.north.store.write() as tx:
        rows = [
            received.Received(
                f"sha256:{n:064x}", f"tool--{n}", b"{}", "", "quarantined", "[]", pair.now + n // 99
            )
            for n in range(MANY)
        ]
        received.stage(tx, pair.agreement_id, rows)
        ordered = [(9 + n, f"tool--{n}", "held", pair.now + n // 99) for n in range(MANY)]
        recalls.add_recalls(tx, pair.agreement_id, ordered)
        answered = range(9, 9 + MANY, 3)
        recalls.acknowledge_recalls(tx, pair.agreement_id, answered, "{}", pair.now)
    return pair


def walked(client: TestClient, at: str, member: str) -> list[dict[str, object]]:
    found: list[dict[str, object]] = []
    sep, before = "&" if "?" in at else "?", ""
    while True:
        part = client.get(f"{at}{before}").json()
        assert len(part[member]) <= PART
        assert part["first"] == (not before)
        found += part[member]
        if part["next"] is None:
            return found
        before = f"{sep}before={part['next']}"


@pytest.mark.usefixtures("crowded")
def test_many_are_read_part_by_part(officer: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    waiting = walked(officer, "/quarantine.json", "quarantined")
    assert len({each["hash"] for each in waiting}) == len(waiting) == MANY
    assert officer.get("/quarantine.json").json()["number"] == {"number": MANY, "more": False}
    every = walked(officer, "/recalls.json", "recalls")
    assert len({each["position"] for each in every}) == len(every) == MANY
    for state, number in (("confirmed", MANY // 3), ("open", MANY - MANY // 3), ("overdue", 0)):
        found = walked(officer, f"/recalls.json?state={state}", "recalls")
        assert {each["state"] for each in found} == ({state} if number else set())
        counts = officer.get(f"/recalls.json?state={state}").json()
        assert counts["number"]["number"] == counts["counts"][state]["number"] == number
        assert len(found) == number
    shown = officer.get("/recalls?state=open").text
    assert 'rel="next" href="/recalls?state=open&amp;before=' in shown
    assert 'rel="next" href="/quarantine?before=' in officer.get("/quarantine").text
    for wrong in ("x", "9.x.9", f"9.{'0' * 36}.9", f"9.{'0' * 36}.{'a' * 64}", "9" * 30, "\0"):
        for at in ("/recalls", "/quarantine"):
            assert officer.get(at, params={"before": wrong}).status_code == 200, (at, wrong)
    monkeypatch.setattr(health, "COUNTED", 100)
    monkeypatch.setattr(back, "COUNTED", 100)
    assert officer.get("/quarantine.json").json()["number"] == {"number": 100, "more": True}


@pytest.mark.usefixtures("crowded")
@pytest.mark.parametrize("at", ["/quarantine", "/recalls", "/recalls?state=open", "/"])
def test_a_page_reads_what_it_shows(officer: TestClient, at: str) -> None:
    officer.get(at)
    asked, rows = read(officer, at)
    assert 5 < asked <= 60
    assert rows <= 5 * PART


def read(client: TestClient, at: str) -> tuple[int, int]:
    """How many statements a page runs, and how many rows it gets from the store."""
    asked: list[object] = []
    rows: list[object] = []

    def count(_: object, row: object) -> object:
        rows.append(row)
        return row

    def look(driver: sqlite3.Connection, *_: object) -> None:
        driver.set_trace_callback(asked.append)
        driver.row_factory = count

    def leave(driver: sqlite3.Connection, *_: object) -> None:
        driver.set_trace_callback(None)
        driver.row_factory = None

    event.listen(Pool, "checkout", look)
    event.listen(Pool, "checkin", leave)
    assert client.get(at).status_code == 200
    event.remove(Pool, "checkout", look)
    event.remove(Pool, "checkin", leave)
    return len(asked), len(rows)


# ------------------------------------------------------------------------------------- the end


def test_the_end_with_a_partner_is_a_list_that_gets_done(pair: Pair, officer: TestClient) -> None:
    at = "/partners/south-isac/exit"

    def told() -> dict[str, object]:
        found: dict[str, object] = officer.get(f"{at}.json").json()["agreements"][0]
        return found

    assert "<h1>The end with South ISAC</h1>" in officer.get(at).text
    assert (told()["ended"], told()["live"], told()["done"]) == (False, 5, False)
    signing.terminate(pair.north, pair.agreement_id, "over", now=pair.tick())
    pair.reconcile()
    pair.carry()
    pair.sync()
    assert officer.post(at).headers["location"] == at
    found = told()
    assert (found["ended"], found["live"], found["open_recalls"]) == (True, 0, 0)
    assert (found["done"], found["certificates"]) == (
        True,
        {"ours": False, "theirs": True, "lacking": []},
    )
    agreement = pair.agreement_id.removeprefix("urn:uuid:")
    certificate = officer.get(f"{at}/{agreement}/theirs").content
    with pair.north.store.read() as tx:
        _, key = key_of(tx, pair.north, f"theirs/{pair.agreement_id}")
    assert verify_receipt(orjson.loads(certificate), key)["kind"] == "certificate"
    assert officer.get(f"{at}/{agreement}/1").status_code == 200
    assert officer.get(f"{at}/{agreement}/ours").status_code == 404
    assert officer.get("/partners/nobody/exit").status_code == 404
    with site(pair.north, "analyst") as analyst:
        assert analyst.get(at).status_code == 404
