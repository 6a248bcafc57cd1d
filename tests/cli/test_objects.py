import gzip
import json
import subprocess
import sys
from pathlib import Path

import pytest

from tearline.errors import InputError
from tests.cli.calls import Sides, actor, agree, bundle, good, malware, tearline, uses

LOCK, FLY = malware("Tin Lock"), malware("Brass Fly")


@pytest.fixture
def held(tmp_path: Path) -> Path:
    return bundle(tmp_path / "held.json", LOCK, FLY, actor("Gray Heron"))


def test_an_object_is_shown_beside_what_a_partner_has(agreed: Sides) -> None:
    said = good("show", LOCK["id"], "--to", "south-isac", home=agreed.north)
    (side,) = said["agreements"]
    assert (side["has"], side["outcome"], side["difference"]) == (True, "release", [])
    assert json.loads(side["theirs"]) == said["object"] == LOCK
    text = tearline("show", LOCK["id"], "--to", "south-isac", home=agreed.north).out
    assert "What south-isac has, in" in text
    assert "No difference: these are our bytes." in text
    stays = good("show", FLY["id"], "--to", "south-isac", home=agreed.north)["agreements"][0]
    assert (stays["has"], stays["outcome"], stays["theirs"]) == (False, "withhold", None)
    assert stays["reasons"][0]["code"] == "not-about"


@pytest.mark.parametrize("words", [(LOCK["id"], "nobody"), ("malware--x", "south-isac")])
def test_nobody_has_what_is_not_known(agreed: Sides, words: tuple[str, str]) -> None:
    said = tearline("show", words[0], "--to", words[1], home=agreed.north)
    assert (said.code, said.out) == (1, "")
    assert "Traceback" not in said.err


def test_a_cut_version_is_shown_with_the_difference(strangers: Sides, tmp_path: Path) -> None:
    text = strangers.draft.read_text("utf-8")
    shape = 'pseudonymise = ["malware.x_desk"]\ncoarsen = { dates = "month" }'
    strangers.draft.write_text(text.replace("remove = []", f"remove = []\n{shape}"), "utf-8")
    dated = LOCK | {"first_seen": "2026-01-03T10:00:00Z", "x_desk": "Ada"}
    heron = actor("Gray Heron")
    held = bundle(tmp_path / "held.json", heron, dated, uses(heron, dated))
    good("import", held, "--mark", "TLP:GREEN", "--grade", "B2", home=strangers.north)
    agree(strangers)
    side = good("show", LOCK["id"], "--to", "south-isac", home=strangers.north)["agreements"][0]
    assert {each["place"] for each in side["difference"]} == {"id", "first_seen", "x_desk"}
    derived = side["delivered_id"]
    same = tearline("show", derived, "--to", "south-isac", home=strangers.north).out
    assert "What south-isac has, in" in same
    assert "2026-01-01T00:00:00.000Z" in same
    assert "a cut version" in same


def test_a_file_is_imported_once(strangers: Sides, held: Path) -> None:
    said = good("import", held, home=strangers.north)
    assert (said["stored"], said["unchanged"], said["refused"]) == (3, 0, [])
    again = good("import", held, home=strangers.north)
    assert (again["stored"], again["unchanged"]) == (0, 3)


def test_packed_and_from_input_is_the_same(strangers: Sides, held: Path) -> None:
    packed = held.with_suffix(".json.gz")
    packed.write_bytes(gzip.compress(held.read_bytes()))
    assert good("import", packed, home=strangers.north)["stored"] == 3
    command = [sys.executable, "-m", "tearline", "import", "-", "--json", "--home"]
    done = subprocess.run(
        [*command, str(strangers.north)],
        input=packed.read_bytes(),
        capture_output=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["unchanged"] == 3


def test_a_document_that_does_not_parse_is_refused_whole(
    strangers: Sides, held: Path, tmp_path: Path
) -> None:
    (tmp_path / "bad.json").write_text('{"type": "bundle", "objects": [')
    said = tearline("import", held, tmp_path / "bad.json", home=strangers.north)
    assert said.code == 1
    assert "bad.json" in said.err
    assert good("objects", home=strangers.north)["held"] == 3, "the file before it is kept"


def test_an_unsound_object_is_listed_and_the_others_are_kept(
    strangers: Sides, tmp_path: Path
) -> None:
    mixed = bundle(tmp_path / "mixed.json", LOCK, FLY | {"created": "yesterday"})
    said = good("import", mixed, home=strangers.north)
    assert said["stored"] == 1
    assert said["refused"][0].keys() == {"where", "id", "reason"}
    assert said["refused"][0]["where"] == "mixed.json objects[1]"
    assert "objects[1]" in tearline("import", mixed, home=strangers.north).out


def test_an_import_of_which_nothing_is_kept_exits_1(strangers: Sides, tmp_path: Path) -> None:
    bad = bundle(tmp_path / "bad.json", FLY | {"created": "yesterday"})
    said = tearline("import", bad, "--json", home=strangers.north)
    assert said.code == 1
    assert len(said.value["refused"]) == 1


def test_what_may_go_goes_even_when_a_later_file_is_bad(
    agreed: Sides, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[object] = []

    def broken(*_arguments: object, **_more: object) -> None:
        raise InputError("It does not parse.")

    monkeypatch.setattr("tearline.cli.importing.import_files", broken)
    monkeypatch.setattr("tearline.cli.afterwards.reconcile", done.append)
    assert tearline("import", "x.json", home=agreed.north).code == 1
    assert len(done) == 1


def test_galaxies_are_listed_and_imported(strangers: Sides) -> None:
    assert "ransomware" in good("import", "--galaxies", home=strangers.north)
    marks = "--mark", "tlp:green", "--grade", "b2"
    assert good("import", "--galaxy", "tds", *marks, home=strangers.north)["stored"] > 5
    assert tearline("import", "--galaxy", "none", home=strangers.north).code == 2
    assert tearline("import", home=strangers.north).code == 2
    assert tearline("import", "x", "--mark", "TLP:BLUE", home=strangers.north).code == 1


def test_objects_are_counted_and_the_newest_listed(strangers: Sides, held: Path) -> None:
    good("import", held, "--source", "desk", home=strangers.north)
    found = good("objects", "--type", "malware", "--limit", "1", home=strangers.north)
    assert found["types"] == {"malware": 2, "intrusion-set": 1}
    assert [(each["name"], each["source"]) for each in found["objects"]] == [("Brass Fly", "desk")]
    assert "Tin Lock" in tearline("objects", home=strangers.north).out
    assert good("objects", "--limit", "0", home=strangers.north)["objects"] == []


def test_objects_are_searched_by_words(strangers: Sides, held: Path) -> None:
    good("import", held, home=strangers.north)
    found = good("objects", "--search", "TIN lock", home=strangers.north)
    assert [each["id"] for each in found["objects"]] == [LOCK["id"]]
    assert (found["whole"], found["more"], found["behind"]) == (1, False, 0)
    first = good("objects", "--search", "brass", "--type", "malware", home=strangers.north)
    assert [each["id"] for each in first["objects"]] == [FLY["id"]]
    nothing = tearline("objects", "--search", '") OR (*', home=strangers.north)
    assert (nothing.code, "Nothing has all of these words." in nothing.out) == (0, True)
    assert "Tin Lock" in tearline("objects", "--search", "tin", home=strangers.north).out


def test_marks_and_grades_go_beside_what_is_chosen(strangers: Sides, held: Path) -> None:
    north = strangers.north
    good("import", held, "--source", "desk", home=north)
    assert good("mark", "TLP:AMBER", LOCK["id"], home=north)["changed"] == 1
    assert good("mark", "TLP:GREEN", "--unmarked", "--type", "malware", home=north)["changed"] == 1
    assert good("grade", "C3", "--source", "desk", home=north)["changed"] == 3
    shown = good("show", LOCK["id"], home=north)
    assert (shown["our_marking"], shown["our_grade"]) == ("TLP:AMBER", "C3")
    assert shown["object"] == LOCK
    assert good("show", FLY["id"], home=north)["our_marking"] == "TLP:GREEN"
    assert good("mark", "TLP:RED", "--source", "elsewhere", home=north)["chosen"] == 0


def test_a_choice_is_of_objects_or_of_conditions(strangers: Sides, held: Path) -> None:
    north = strangers.north
    good("import", held, home=north)
    assert tearline("mark", "TLP:RED", home=north).code == 2
    assert tearline("mark", "TLP:RED", LOCK["id"], "--unmarked", home=north).code == 2
    unknown = "malware--00000000-0000-4000-8000-000000000000"
    assert tearline("mark", "TLP:RED", LOCK["id"], unknown, home=north).code == 1
    assert good("show", LOCK["id"], home=north)["our_marking"] is None, "none or all"
    assert tearline("show", unknown, home=north).code == 1
    assert tearline("hold", unknown, "--reason", "x", home=north).code == 1


def test_a_hold_takes_back_what_was_released(agreed: Sides) -> None:
    held = good("hold", LOCK["id"], "--reason", "Under review", home=agreed.north)
    assert held["reconciled"][agreed.agreement]["withdrawn"] == 2
    assert good("show", LOCK["id"], home=agreed.north)["hold"] == "Under review"
    again = good("hold", LOCK["id"], "--reason", "Again", home=agreed.north)
    assert again["changed"] is False
    ended = good("release-hold", LOCK["id"], "--reason", "Reviewed", home=agreed.north)
    assert ended["reconciled"][agreed.agreement]["released"] == 2


def test_a_source_or_a_topic_is_held_by_its_name(agreed: Sides) -> None:
    north = agreed.north
    held = good("hold", "gray heron", "--reason", "Under review", home=north)
    assert (held["kind"], held["reconciled"][agreed.agreement]["withdrawn"]) == ("topic", 3)
    source = good("show", LOCK["id"], home=north)["source"]
    held = good("hold", source, "--reason", "Under review", home=north)
    assert (held["kind"], held["changed"]) == ("source", True)
    assert [each["kind"] for each in good("holds", home=north)] == ["source", "topic"]
    good("release-hold", "gray heron", "--reason", "Reviewed", home=north)
    ended = good("release-hold", source, "--reason", "Reviewed", home=north)
    assert ended["reconciled"][agreed.agreement]["released"] == 3
    unknown = tearline("hold", "nobody", "--reason", "x", home=north)
    assert (unknown.code, "--kind topic" in unknown.err) == (1, True)
    assert good("hold", "nobody", "--kind", "topic", "--reason", "x", home=north)["changed"]
    assert "topic" in tearline("holds", home=north).out


def test_status_counts_what_is_held_released_and_undelivered(agreed: Sides) -> None:
    found = good("status", home=agreed.north)
    assert found["held"] == {"intrusion-set": 1, "malware": 2, "relationship": 1}
    assert found["agreements"][0]["released"] == 3
    assert found["agreements"][0]["state"] == "active"
    said = tearline("status", home=agreed.south)
    assert "Not delivered: activation to north-cert" in said.out
