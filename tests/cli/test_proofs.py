"""Logs and receipts, checked by who has only a key and files."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, update

from tearline.agreement.home import open_home
from tearline.store import private
from tests.cli.calls import Sides, good, malware, tearline

LOCK, FLY = malware("Tin Lock"), malware("Brass Fly")


@pytest.fixture
def copied(agreed: Sides) -> Path:
    """North's log of the agreement as a folder, with records."""
    folder = agreed.folder / "log"
    good("log", "copy", agreed.agreement, folder, "--records", home=agreed.north)
    return folder


@pytest.fixture
def receipt(agreed: Sides) -> Path:
    """The receipt of a release, as North made it."""
    path = agreed.folder / "receipt.json"
    which = "--release", LOCK["id"], "--to", "south-isac"
    good("receipt", "make", *which, "--out", path, home=agreed.north)
    return path


def test_a_copied_log_holds_for_whoever_has_the_card(agreed: Sides, copied: Path) -> None:
    nowhere = agreed.folder / "nowhere"
    card = agreed.folder / "north.card"
    found = good("log", "verify", copied, "--card", card, home=nowhere)
    assert found["good"]
    assert found["pinned"]
    assert found["kinds"]["statement"] == 4
    assert found["records"] > 0
    vkey = (copied / "vkey").read_text().strip()
    assert good("log", "verify", copied, "--vkey", vkey, home=nowhere)["pinned"]
    assert not nowhere.exists()


def test_without_a_key_the_pinned_partners_are_tried(agreed: Sides, copied: Path) -> None:
    for home in (agreed.north, agreed.south):
        assert good("log", "verify", copied, home=home)["pinned"]
    said = tearline("log", "verify", copied, home=agreed.folder / "nowhere")
    assert said.code == 0
    assert "not whose it is" in said.out


def test_the_card_of_another_does_not_do(agreed: Sides, copied: Path) -> None:
    said = tearline("log", "verify", copied, "--card", agreed.folder / "south.card")
    assert said.code == 1
    assert "is not of South ISAC" in said.err


@pytest.mark.parametrize("name", ["records.jsonl", "checkpoint", "tile/entries/000.p/5"])
def test_an_altered_log_does_not_hold(agreed: Sides, copied: Path, name: str) -> None:
    path = copied / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    said = tearline("log", "verify", copied, "--card", agreed.folder / "north.card", "--json")
    assert said.code == 1
    assert said.value.get("problems") or said.value["error"]


def test_a_log_only_grows(agreed: Sides, copied: Path) -> None:
    ref, later = agreed.agreement, agreed.folder / "later"
    good("agreement", "suspend", ref, "--reason", "A pause", home=agreed.north)
    good("log", "copy", ref, later, home=agreed.north)
    card = "--card", agreed.folder / "north.card"
    assert good("log", "verify", later, "--since", copied, *card)["good"]
    assert tearline("log", "verify", copied, "--since", later, *card).code == 1


def test_the_private_log_and_the_list(agreed: Sides, tmp_path: Path) -> None:
    done = good("log", "copy", "private", tmp_path / "p", "--records", home=agreed.north)
    assert done["origin"] == "north-cert/log/private"
    assert done["waiting"] > 0
    names = {each["log"] for each in good("log", "list", home=agreed.north)}
    assert names == {"private", f"ours/{agreed.agreement}"}
    assert tearline("log", "copy", "none such", tmp_path / "q", home=agreed.north).code == 2
    assert tearline("log", "verify", tmp_path / "none").code == 2


def test_every_logged_decision_is_taken_again(agreed: Sides) -> None:
    found = good("log", "replay", home=agreed.north)
    assert found["decisions"] >= 4
    assert found["differing"] == []
    assert good("replay", agreed.agreement[9:17], home=agreed.north) == found
    assert good("replay", home=agreed.north) == found
    assert tearline("replay", "no such agreement", home=agreed.north).code == 2


def test_an_answer_that_is_not_the_logged_one_is_listed(agreed: Sides) -> None:
    with open_home(agreed.north).store.write() as tx:
        column = private.private_pending.c.record
        changed = func.replace(column, '"outcome":"release"', '"outcome":"wait"')
        tx.execute(update(private.private_pending).values(record=changed))
    said = tearline("replay", agreed.agreement, "--json", home=agreed.north)
    assert said.code == 1
    assert {each["logged"]["outcome"] for each in said.value["differing"]} == {"wait"}
    assert {each["now"]["outcome"] for each in said.value["differing"]} == {"release"}
    assert "answered otherwise" in tearline("replay", home=agreed.north).out


def test_a_receipt_holds_for_whoever_has_the_card(agreed: Sides, receipt: Path) -> None:
    card = agreed.folder / "north.card"
    found = good("receipt", "verify", receipt, "--card", card, home=agreed.folder / "nowhere")
    assert found["record"]["object"] == LOCK["id"]
    assert found["record"]["kind"] == "release"
    assert good("receipt", "verify", receipt, home=agreed.south) == found
    assert "The receipt holds" in tearline("receipt", "verify", receipt, home=agreed.north).out


def test_a_receipt_without_any_key_proves_nothing(agreed: Sides, receipt: Path) -> None:
    said = tearline("receipt", "verify", receipt, home=agreed.folder / "nowhere")
    assert said.code == 1
    assert "No key here" in said.err
    other = tearline("receipt", "verify", receipt, "--card", agreed.folder / "south.card")
    assert other.code == 1


@pytest.mark.parametrize(
    ("part", "value"),
    [("record", "{}"), ("salt", "AAAA"), ("index", 0), ("checkpoint", "north-cert/log/x\n")],
)
def test_an_altered_receipt_does_not_hold(
    agreed: Sides, receipt: Path, part: str, value: object
) -> None:
    document: dict[str, Any] = json.loads(receipt.read_bytes())
    receipt.write_text(json.dumps(document | {part: value}))
    card = agreed.folder / "north.card"
    assert tearline("receipt", "verify", receipt, "--card", card).code == 1


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"checkpoint": 5}', "[" * 100_000])
def test_what_is_no_receipt_is_refused(agreed: Sides, receipt: Path, content: str) -> None:
    receipt.write_text(content)
    said = tearline("receipt", "verify", receipt, "--card", agreed.folder / "north.card")
    assert said.code == 1
    assert "broke inside" not in said.err


def test_a_receipt_is_made_of_any_leaf(agreed: Sides) -> None:
    where = "--log", f"ours/{agreed.agreement}", "--leaf", "0"
    made = good("receipt", "make", *where, home=agreed.north)
    assert json.loads(made["record"])["kind"] == "statement"


def test_a_receipt_is_not_made_of_what_is_not_there(agreed: Sides) -> None:
    def make(*which: str) -> int:
        return tearline("receipt", "make", *which, home=agreed.north).code

    assert make("--release", FLY["id"], "--to", "south-isac") == 1
    assert make("--log", f"ours/{agreed.agreement}", "--leaf", "99") == 1
    assert make("--log", "ours/none", "--leaf", "0") == 1
    assert make("--release", LOCK["id"]) == 2
    assert make() == 2


def test_a_folder_whose_files_are_gone_does_not_hold(agreed: Sides, copied: Path) -> None:
    shutil.rmtree(copied / "tile")
    assert tearline("log", "verify", copied, home=agreed.south).code == 1
