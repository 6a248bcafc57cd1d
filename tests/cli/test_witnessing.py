"""Publishing, node logs as folders, witnesses and evidence, from the command line."""

import json
from pathlib import Path

import pytest

from tearline.agreement.card import read_card
from tearline.agreement.home import open_home
from tearline.exchange.witnessing import keep
from tearline.log import record, tree, witness
from tearline.log.checkpoint import checkpoint_text, sign_note, vkey_for
from tearline.log.witness import Known, Submission
from tests.cli.calls import Sides, good, tearline

STEPS = 60_000_000


@pytest.fixture
def published(agreed: Sides) -> Sides:
    good("log", "publish", home=agreed.north)
    return agreed


def found_out(sides: Sides) -> str:
    """South is shown two heads of North's node log; returns the hash of the evidence."""
    north, south = open_home(sides.north), open_home(sides.south)
    origin = record.origin_of(north.slug, record.NODE)
    notes = [
        sign_note(checkpoint_text(origin, 3, tree.leaf_hash(each)), origin, north.keys.log)
        for each in (b"one", b"two")
    ]
    known = {origin: Known(vkey_for(origin, north.card.log), north.slug)}
    with south.store.write() as tx:
        first, second = (Submission(3 * place, [], note) for place, note in enumerate(notes))
        witness.add_checkpoint(tx, south.witness, first, known, now=STEPS)
        outcome = witness.add_checkpoint(tx, south.witness, second, known, now=STEPS * 2)
        assert outcome.evidence is not None
        keep(tx, south, outcome.evidence, now=STEPS * 3)
    for home in (north, south):
        home.store.close()
    return outcome.evidence.hash


def test_publish_signs_and_commits_once_for_each_turn(published: Sides) -> None:
    again = good("log", "publish", home=published.north)
    assert (again["signed"], again["node_leaf"], again["outside"]) == ([], False, [])
    names = {each["log"] for each in good("log", "list", home=published.north)}
    assert names == {"private", f"ours/{published.agreement}", "ours/node"}


def test_an_outside_witness_that_is_away_is_told(
    agreed: Sides, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tearline.config import settings  # noqa: PLC0415

    south = read_card((agreed.south / "card.json").read_bytes())
    monkeypatch.setenv("TEARLINE_WITNESS_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("TEARLINE_WITNESS_VKEY", south.witness)
    settings.cache_clear()
    try:
        said = tearline("log", "publish", "--json", home=agreed.north)
    finally:
        monkeypatch.undo()
        settings.cache_clear()
    assert said.code == 1
    assert "could not be reached" in said.value["outside"][0]["problem"]


def test_every_log_but_the_private_one_is_written_for_a_static_host(
    published: Sides, tmp_path: Path
) -> None:
    good("log", "copy", "all", tmp_path / "host", home=published.north)
    uuid = published.agreement.removeprefix("urn:uuid:")
    assert {each.name for each in (tmp_path / "host").iterdir()} == {uuid, "node"}
    card = "--card", published.folder / "north.card"
    for folder in (tmp_path / "host").iterdir():
        assert good("log", "verify", folder, *card)["good"]
        assert not (folder / "records.jsonl").exists()
        assert not (folder / "openings.jsonl").exists()


def test_an_auditor_sees_every_log_of_a_node(published: Sides, tmp_path: Path) -> None:
    folder = tmp_path / "node"
    good("log", "copy", "node", folder, "--records", home=published.north)
    card = "--card", published.folder / "north.card"
    found = good("log", "verify-node", folder, *card)
    uuid = published.agreement.removeprefix("urn:uuid:")
    assert {each["log"] for each in found["logs"]} == {
        "north-cert/log/private",
        f"north-cert/log/{uuid}",
    }
    assert tearline("log", "verify-node", folder, "--card", published.folder / "south.card").code
    opening = json.loads((folder / "openings.jsonl").read_text("utf-8"))
    for heads in (opening["heads"][1:], [*opening["heads"], opening["heads"][0]]):
        (folder / "openings.jsonl").write_text(json.dumps(opening | {"heads": heads}) + "\n")
        said = tearline("log", "verify-node", folder, *card)
        assert (said.code, "Does not hold" in said.out) == (1, True)
    (folder / "openings.jsonl").unlink()
    said = tearline("log", "verify-node", folder, *card)
    assert (said.code, "with --records" in said.out, "Errno" in said.out) == (1, True, False)
    assert tearline("log", "verify-node", tmp_path / "none").code == 2


def test_evidence_is_listed_written_and_checked_without_a_home(
    agreed: Sides, tmp_path: Path
) -> None:
    assert good("evidence", "list", home=agreed.south) == []
    name = found_out(agreed)
    (listed,) = good("evidence", "list", home=agreed.south)
    assert (listed["evidence"], listed["kind"], listed["party"]) == (
        name,
        "split-view",
        "north-cert",
    )
    assert good("status", home=agreed.south)["evidence"] == 1
    assert good("agreement", "list", home=agreed.south)[0]["state"] == "suspended"
    file, nowhere = tmp_path / "evidence.json", tmp_path / "nowhere"
    good("evidence", "export", name[7:13], "--out", file, home=agreed.south)
    card = "--card", agreed.folder / "north.card"
    found = good("evidence", "verify", file, *card)
    assert (found["proven"], found["pinned"], found["by"]) == (True, True, "south-isac")
    assert found["cosigned"] == "1970-01-01T00:01:00.000000Z"
    said = tearline("evidence", "verify", file)
    assert (said.code, "the key that the file names" in said.out) == (0, True)
    assert not nowhere.exists()
    other = "--card", agreed.folder / "south.card"
    assert tearline("evidence", "verify", file, *other).code == 1


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"split-view"', '"rollback"'),
        ('"split-view"', '"bad-proof"'),
        ('"split-view"', '"murder"'),
        ("\\n3\\n", "\\n4\\n"),
        ("tearline-evidence/1", "tearline-evidence/2"),
        ('"beginning":null', '"beginning":7'),
        ('"committed":null', '"committed":{}'),
        ("{", "["),
    ],
)
def test_altered_evidence_does_not_hold(agreed: Sides, old: str, new: str) -> None:
    name = found_out(agreed)
    file = agreed.folder / "evidence.json"
    good("evidence", "export", name, "--out", file, home=agreed.south)
    text = file.read_text("utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), "utf-8")
    said = tearline("evidence", "verify", file, "--json")
    if old == '"split-view"' and new == '"bad-proof"':
        assert not said.value["proven"]
        return
    assert (said.code, "error" in said.value) == (1, True)


def test_evidence_that_is_not_here_is_said_so(agreed: Sides) -> None:
    assert tearline("evidence", "export", "abcdef", "--out", "-", home=agreed.south).code == 2


def test_tiles_are_derived_again(published: Sides) -> None:
    done = good("log", "rebuild", home=published.north)
    assert set(done) >= {"private", "ours/node", f"ours/{published.agreement}"}


def test_who_cosigned_what_is_listed(agreed: Sides) -> None:
    assert good("log", "witnesses", home=agreed.south) == []
    found_out(agreed)
    (found,) = good("log", "witnesses", home=agreed.south)
    assert (found["log"], found["leaves"], found["by"]) == (
        "north-cert/log/node",
        3,
        "south-isac/witness",
    )
