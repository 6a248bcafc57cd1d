"""The logs in the pages: who sees which, entries, leaves with their proofs, and receipts."""

import json
import time
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from tearline import clock
from tearline.agreement.log_keys import key_of
from tearline.log import record, tree
from tearline.log.receipt import verify_receipt
from tearline.log.tiles import derive
from tearline.node import publisher
from tearline.release import recall
from tearline.store import logs, witnessing
from tearline.store.witnessing import Cosignature
from tests.pair import Pair, copy_log, make_pair, rel, sdo
from tests.web.site import site

MINUTE = 60_000_000
heron = sdo("intrusion-set", "Gray Heron")
loader = sdo("malware", "Mud Loader")


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    made = make_pair(tmp_path_factory.mktemp("logs"))
    made.put(heron, loader, rel(heron, "uses", loader))
    made.agree()
    made.sync()
    recall.recall(made.north, loader["id"], "south-isac", "a false lead", now=made.tick())
    made.sync()
    copy_log(made.south, made.north, made.agreement_id, made.tick())
    publisher.flush_private(made.north, now=made.tick())
    publisher.publish_grown(made.north, now=made.tick())
    publisher.publish_node(made.north, now=made.tick(2 * MINUTE))
    return made


def at(pair: Pair, side: str = "ours") -> str:
    return f"/log/{side}/{pair.agreement_id.removeprefix('urn:uuid:')}"


def test_each_log_has_its_head_and_the_private_one_is_for_oversight(
    pair: Pair, officer: TestClient
) -> None:
    found = {each["log"]: each for each in officer.get("/log.json").json()["logs"]}
    ours, theirs = (f"{side}/{pair.agreement_id}" for side in ("ours", "theirs"))
    assert list(found) == ["ours/node", ours, theirs, "private"]
    for each in found.values():
        assert (each["signed"], len(each["root"]), each["late"]) == (each["size"], 64, False)
    assert found[theirs]["partner"] == "south-isac"
    with site(pair.north, "analyst") as analyst:
        told = [each["log"] for each in analyst.get("/log.json").json()["logs"]]
        assert told == ["ours/node", ours, theirs]
        assert "private" not in analyst.get("/log").text.casefold()
        for page in ("/log/ours/private", "/log/ours/private.json", "/log/ours/private/0"):
            assert analyst.get(page).status_code == 404
        assert analyst.get("/log/ours/private/0/receipt").status_code == 404
    with site(pair.north, "reader") as reader:
        for page in ("/log", at(pair), f"{at(pair)}/0", f"{at(pair)}/0/receipt", "/log/check"):
            assert reader.get(page).status_code == 404


def test_a_witness_is_late_when_it_stays_behind_or_silent(
    pair: Pair, officer: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = record.our_log(pair.agreement_id)
    with pair.north.store.write() as tx:
        size = logs.head(tx, log).size
        for name, covers in (("good/witness", size), ("slow/witness", size - 1)):
            witnessing.set_cosignature(tx, Cosignature(log, name, covers, "line\n", pair.now))

    def late() -> dict[str, bool]:
        ours = next(e for e in officer.get("/log.json").json()["logs"] if e["log"] == log)
        return {each["name"]: each["late"] for each in ours["witnesses"]}

    assert late() == {"good/witness": False, "slow/witness": False}
    monkeypatch.setattr(clock, "now", lambda: pair.now + 20 * MINUTE)
    assert late() == {"good/witness": False, "slow/witness": True}
    assert "amber" in officer.get("/log").text
    monkeypatch.setattr(clock, "now", lambda: pair.now + 121 * MINUTE)
    assert late() == {"good/witness": True, "slow/witness": True}


def test_entries_say_what_they_are_and_each_is_proven(pair: Pair, officer: TestClient) -> None:
    found = officer.get(f"{at(pair)}.json").json()
    assert [each["leaf"] for each in found["leaves"]] == list(range(found["size"]))[::-1]
    assert {each["proven"] for each in found["leaves"]} == {True}
    released = next(each for each in found["leaves"] if each["kind"] == "release")
    assert (released["told"]["clause"], released["name"]) == ("N1", "Gray Heron")
    steps = [e["told"]["step"] for e in found["leaves"][::-1] if e["kind"] == "statement"]
    assert steps == ["proposed", "countersigned", "activated", "activated"]
    theirs = officer.get(f"{at(pair, 'theirs')}.json").json()
    assert {"accept", "recall-receipt"} <= {each["kind"] for each in theirs["leaves"]}


def test_entries_are_chosen_by_kind_day_and_number(pair: Pair, officer: TestClient) -> None:
    def leaves(query: str) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = officer.get(f"{at(pair)}.json?{query}").json()["leaves"]
        return rows

    assert {each["kind"] for each in leaves("kind=statement")} == {"statement"}
    assert leaves("kind=none") == []
    assert leaves("since=2026-03-02") == []
    assert leaves("until=2026-02-28") == []
    assert leaves("since=2026-03-01&until=2026-03-01") == leaves("")
    assert [each["leaf"] for each in leaves("leaf=2")] == [2, 1, 0]
    assert [each["leaf"] for each in leaves("leaf=0")] == [0]
    assert [each["leaf"] for each in leaves("before=2")] == [1, 0]
    for odd in ("leaf=x", "leaf=-1", "before=", "leaf=" + "9" * 40, "since=<b>", "until=~"):
        assert officer.get(f"{at(pair)}?{odd}").status_code == 200, odd


def test_a_leaf_shows_its_record_and_the_steps_to_the_root(pair: Pair, officer: TestClient) -> None:
    release = next(
        each["leaf"]
        for each in officer.get(f"{at(pair)}.json").json()["leaves"]
        if each["kind"] == "release"
    )
    found = officer.get(f"{at(pair)}/{release}.json?item=1").json()
    assert (found["proven"], found["inside"]["holds"], found["item"]) == (True, True, 1)
    assert found["record"]["object"] == loader["id"]
    hashed = bytes.fromhex(found["hash"])
    for step in found["steps"]:
        other = bytes.fromhex(step["other"])
        hashed = tree.node_hash(other, hashed) if step["left"] else tree.node_hash(hashed, other)
        assert step["result"] == hashed.hex()
    assert hashed.hex() == found["root"]
    assert officer.get(f"{at(pair)}/{release}?item=3").status_code == 404
    assert officer.get(f"{at(pair)}/999").status_code == 404
    assert officer.get(f"{at(pair)}/x").status_code == 404
    assert officer.get("/log/ours/00000000-0000-0000-0000-000000000000").status_code == 404
    assert officer.get("/log/private/x").status_code == 404


def test_an_altered_leaf_is_seen_on_its_page(tmp_path: Path) -> None:
    pair = make_pair(tmp_path)
    pair.agree()
    pair.north.publish(pair.agreement_id, now=pair.tick())
    log = record.our_log(pair.agreement_id)
    with pair.north.store.write() as tx:
        leaf = logs.leaf(tx, log, 1) or b""
        other = leaf.replace(b'"count":1', b'"count":2')
        sql = "UPDATE log_leaf SET leaf = ? WHERE log = ? AND idx = 1"
        tx.exec_driver_sql(sql, (other, log))
    with site(pair.north, "overseer") as client:
        found = client.get(f"{at(pair)}.json").json()["leaves"]
        assert [each["proven"] for each in found] == [True, True, False, True]
        one = client.get(f"{at(pair)}/1.json").json()
        assert (one["proven"], one["inside"]["holds"]) == (False, False)
        assert "does not hold" in client.get(f"{at(pair)}/1").text


def test_a_head_with_another_signature_proves_nothing(tmp_path: Path) -> None:
    pair = make_pair(tmp_path)
    pair.agree()
    pair.north.publish(pair.agreement_id, now=pair.tick())
    log = record.our_log(pair.agreement_id)
    with pair.north.store.write() as tx:
        note = (signed := logs.last_checkpoint(tx, log)) and signed.note
        assert note
        head, _, line = note.rpartition("— ")
        name, code = line.split()
        forged = f"{head}— {name} {code[:40]}{'A' * 4}{code[44:]}\n"
        tx.exec_driver_sql("UPDATE log_checkpoint SET note = ? WHERE log = ?", (forged, log))
    with site(pair.north, "overseer") as client:
        found = client.get(f"{at(pair)}.json").json()
        assert found["problem"]
        assert {each["proven"] for each in found["leaves"]} == {None}


# ------------------------------------------------------------------------------------- receipts


def receipt(officer: TestClient, page: str) -> bytes:
    reply = officer.get(f"{page}/receipt?item=0")
    assert reply.status_code == 200, reply.text
    assert "attachment" in reply.headers["content-disposition"]
    return reply.content


def test_a_receipt_is_handed_out_and_holds_with_a_key_alone(
    pair: Pair, officer: TestClient
) -> None:
    for side in ("ours", "theirs"):
        content = receipt(officer, f"{at(pair, side)}/0")
        with pair.north.store.read() as tx:
            _, key = key_of(tx, pair.north, f"{side}/{pair.agreement_id}")
        assert verify_receipt(orjson.loads(content), key)["kind"] == "statement"


def check(client: TestClient, content: bytes, name: str = "receipt.json") -> dict[str, Any]:
    reply = client.post("/log/check.json", files={"file": (name, content)})
    assert reply.status_code == 200, reply.text
    found: dict[str, Any] = reply.json()
    return found


def test_a_receipt_is_checked_as_a_file_and_as_text(pair: Pair, officer: TestClient) -> None:
    content = receipt(officer, f"{at(pair, 'theirs')}/1")
    as_file = check(officer, content)
    as_text = officer.post("/log/check.json", data={"text": content.decode()}).json()
    assert as_file["proven"] == as_text["proven"]
    assert (as_file["good"], as_file["proven"]["leaf"]) == (True, 1)
    assert as_file["proven"]["origin"].startswith("south-isac/log/")
    page = officer.post("/log/check", files={"file": ("receipt.json", content)})
    assert (page.status_code, "It holds." in page.text) == (200, True)


def test_every_altered_receipt_is_refused(pair: Pair, officer: TestClient) -> None:
    good = json.loads(receipt(officer, f"{at(pair)}/1"))

    def altered(**more: Any) -> bytes:  # noqa: ANN401  # JSON
        return json.dumps(good | more).encode()

    other = json.loads(receipt(officer, f"{at(pair)}/2"))
    wrong = [
        altered(record=good["record"].replace("statement", "Statement")),
        altered(leaf=other["leaf"]),
        altered(salt=other["salt"]),
        altered(proof=other["proof"]),
        altered(proof=good["proof"].replace("north-cert/log", "south-isac/log")),
        altered(proof=good["proof"].replace("north-cert", "nobody")),
        altered(item={"index": 5, "count": 1, "proof": []}),
        altered(more=1),
    ]
    for content in wrong:
        found = check(officer, content)
        assert (found["good"], found["proven"]) == (False, None)
        assert found["problem"]["what"]


HOSTILE = [
    b"",
    b" \n",
    b"nothing",
    b"[]",
    b'"text"',
    b"{}",
    b"[" * 50_000,
    b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
    b"\xff\xfe\x00",
    b'{"proof": "c2sp.org/tlog-proof@v1\\n"}',
    b'{"proof": "c2sp.org/tlog-proof@v1\\n\\n<script>alert(1)</script>\\n1\\n=\\n"}',
    b'{"proof": {"a": 1}, "schema": "tearline-receipt/1"}',
]


@pytest.mark.parametrize("content", HOSTILE)
def test_a_hostile_file_is_refused_in_words(officer: TestClient, content: bytes) -> None:
    found = check(officer, content, "<img src=x onerror=alert(1)>\u202e.json")
    assert found["good"] is False
    page = officer.post("/log/check", files={"file": ("<b>\u202ename</b>", content)}).text
    assert page.count("<script") == 1, "ours, on every page"
    assert "<b>name" not in page
    assert "\u202e" not in page


def test_what_is_too_long_for_a_receipt_is_refused(officer: TestClient) -> None:
    reply = officer.post("/log/check", files={"file": ("a.json", b"x" * 400_000)})
    assert reply.status_code == 413


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.dictionaries(
        st.sampled_from(["schema", "record", "salt", "item", "leaf", "proof"]),
        st.recursive(
            st.none() | st.integers() | st.text(max_size=9) | st.floats(allow_nan=False),
            lambda some: (
                st.lists(some, max_size=3)
                | st.dictionaries(st.sampled_from(["index", "count", "proof"]), some, max_size=3)
            ),
            max_leaves=6,
        ),
    )
)
def test_no_altered_receipt_breaks_the_page(
    pair: Pair, officer: TestClient, parts: dict[str, Any]
) -> None:
    good = json.loads(receipt(officer, f"{at(pair)}/1"))
    found = check(officer, json.dumps(good | parts).encode())
    assert found["good"] == all(good[name] == part for name, part in parts.items())


def test_nothing_of_a_receipt_is_kept(pair: Pair, officer: TestClient) -> None:
    content = receipt(officer, f"{at(pair)}/1")

    def everything() -> list[tuple[Path, int]]:
        found = [each for each in pair.north.path.rglob("*") if each.is_file()]
        return [(each, each.stat().st_size) for each in found if "-wal" not in each.name]

    before = everything()
    check(officer, content)
    check(officer, b"{}")
    assert everything() == before


# ---------------------------------------------------------------------------------- a long log


def test_pages_of_a_long_log_take_as_long_as_those_of_a_short_one(tmp_path: Path) -> None:
    """The bound is three times what a million leaves took, for this machine is never idle."""
    pair = make_pair(tmp_path)
    pair.agree()
    log, many = record.our_log(pair.agreement_id), 100_000
    with pair.north.store.write() as tx:
        batch = record.entries(log, "delivery", [[{"kind": "delivery", "n": 1}]] * many, None)
        record.append_all(tx, batch, at=pair.tick())
        derive(tx, log)
    pair.north.publish(pair.agreement_id, now=pair.tick())
    with site(pair.north, "overseer") as client:
        for page in ("", f"/{many // 2}", "?kind=statement", "?since=2026-03-01", "?leaf=50000"):
            client.get(f"{at(pair)}{page}")
            spent = []
            for _ in range(5):
                begin = time.thread_time() + time.process_time()
                assert client.get(f"{at(pair)}{page}").status_code == 200
                spent.append(time.thread_time() + time.process_time() - begin)
            assert min(spent) < 0.12, page
