"""The third process: what it may see, and that it says no to what it was not shown."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tearline.agreement import jws
from tearline.cli.demo import evidence
from tearline.cli.demo.known import Case
from tearline.log.checkpoint import vkey

Json = dict[str, Any]


def case_of(folder: Path, **more: object) -> Path:
    """Write a case in which nothing is held and nothing happens."""
    (folder / "closer.txt").write_text("")
    case: Json = {
        "agreement": "urn:uuid:00000000-0000-4000-8000-000000000000",
        "collection": "none",
        "nodes": {"north": "http://127.0.0.1:9"},
        "cards": {},
        "inputs": [],
        "closer": {"path": str(folder / "closer.txt"), "mark": "TLP:RED"},
        "story": {},
        "homes": [f"{folder / 'north'}/"],
        "verdict": str(folder / "verdict.json"),
    }
    path = folder / "case.json"
    path.write_text(json.dumps(case | more))
    return path


def judged(case: Path, *moments: Json) -> tuple[int, list[Json], Json]:
    """Return the judge's exit code, its answers, and its verdict."""
    done = subprocess.run(
        [sys.executable, "-m", "tearline.cli.demo.judge", str(case)],
        input="".join(json.dumps(each) + "\n" for each in moments),
        env={name: value for name, value in os.environ.items() if "TEARLINE" not in name},
        capture_output=True,
        text=True,
        check=False,
    )
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    verdict = case.with_name("verdict.json")
    return done.returncode, answers, json.loads(verdict.read_text()) if verdict.exists() else {}


def test_a_judge_that_was_shown_nothing_says_no(tmp_path: Path) -> None:
    code, _, verdict = judged(case_of(tmp_path))
    assert (code, verdict["good"]) == (1, False)
    missing = {each["moment"] for each in verdict["checks"] if not each["holds"]}
    assert {"rejected", "announced", "delivered", "approved", "held"} <= missing
    assert {"stopped", "lied", "recalled", "left"} <= missing


def test_it_works_without_any_of_the_code_that_it_judges(tmp_path: Path) -> None:
    _, _, verdict = judged(case_of(tmp_path))
    assert next(each for each in verdict["checks"] if each["moment"] == "end")["holds"]


def test_evidence_that_cannot_be_read_does_not_hold(tmp_path: Path) -> None:
    moment = {"moment": "announced", "logs": str(tmp_path / "nothing"), "hash": "sha256:0"}
    _, answers, _ = judged(case_of(tmp_path), moment)
    assert [each["holds"] for each in answers[0]["checks"]] == [False]


def test_it_cannot_open_a_home(tmp_path: Path) -> None:
    (tmp_path / "north").mkdir()
    (tmp_path / "north" / "closer.txt").write_text("")
    closer = {"path": str(tmp_path / "north" / "closer.txt"), "mark": "TLP:RED"}
    code, _, verdict = judged(case_of(tmp_path, closer=closer))
    assert code == 1
    assert verdict == {}


def test_objects_are_taken_as_the_very_bytes_that_came() -> None:
    first, second = b'{"id":"a--1", "n": 1.50,"t":"\xc3\xa9]}"}', b'{"id":"b--2"}'
    body = b'{"more":false,"objects":[' + first + b"," + second + b"]}"
    assert evidence.objects_in(body) == {"a--1": first, "b--2": second}
    assert evidence.objects_in(b"{}") == {}


def test_the_label_of_an_import_is_for_what_carries_no_marking(tmp_path: Path) -> None:
    docs: list[Json] = [{"type": "tool", "id": f"tool--{n}"} for n in (1, 2)]
    docs.append({"type": "tool", "id": "tool--3", "object_marking_refs": ["m"]})
    lines = ",\n".join(json.dumps(doc, separators=(",", ":")) for doc in docs)
    bundle, closer = tmp_path / "bundle.json", tmp_path / "closer.txt"
    bundle.write_text(f'{{"type":"bundle","id":"bundle--0","objects":[\n{lines}\n]}}\n')
    closer.write_text("tool--2\n")
    given = {"path": str(bundle), "source": "s", "mark": "TLP:GREEN", "grade": "B2"}
    held = evidence.read_inputs([given], {"path": str(closer), "mark": "TLP:RED"})
    assert {each: held[each].mark for each in held} == {
        "tool--1": "TLP:GREEN",
        "tool--2": "TLP:RED",
        "tool--3": None,
    }
    assert held["tool--1"].raw == json.dumps(docs[0], separators=(",", ":")).encode()


@pytest.mark.parametrize("flaw", ["", "payload", "signature", "missing", "extra"])
def test_signatures_are_checked_without_our_own_code(flaw: str) -> None:
    keys = {name: Ed25519PrivateKey.generate() for name in ("north", "south")}
    names = {n: vkey(f"{n}/sign", k.public_key().public_bytes_raw()) for n, k in keys.items()}
    one, other = (jws.sign(b"agreed", keys[n], names[n]) for n in keys)
    document = jws.builtins(jws.join(one, other))
    wanted = list(names.values())
    if flaw == "payload":
        document["payload"] = jws.builtins(jws.sign(b"x", keys["north"], names["north"]))["payload"]
    elif flaw == "signature":
        document["signatures"][0]["signature"] = document["signatures"][1]["signature"]
    elif flaw == "missing":
        document["signatures"].pop()
    elif flaw == "extra":
        wanted.pop()
    assert evidence.signed_by(document, wanted) == (flaw == "")


def test_a_case_has_every_field_that_the_judge_reads(tmp_path: Path) -> None:
    assert Case(**json.loads(case_of(tmp_path).read_text())).homes
