"""Agreements by the command line alone: written, weighed, signed, shown, ended."""

import json
from pathlib import Path

from tests.cli.calls import Sides, actor, agree, bundle, good, make_sides, malware, tearline, uses

HERON, LOCK, FLY = actor("Gray Heron"), malware("Tin Lock"), malware("Brass Fly")


def _state(home: Path) -> str:
    state: str = good("agreement", "list", home=home)[0]["state"]
    return state


def test_two_homes_agree_by_files_until_both_are_active(strangers: Sides) -> None:
    north, south, at = strangers.north, strangers.south, strangers.folder
    offered = good("agreement", "propose", strangers.draft, "--out", at / "1", home=north)
    assert offered["delivery"]["by"] == "file"
    taken = good("agreement", "receive", at / "1", home=south)
    assert taken["messages"][0]["outcome"] == "taken"
    assert (_state(north), _state(south)) == ("proposed", "proposed")
    title = offered["title"]
    good("agreement", "countersign", title[:6], "--out", at / "2", home=south)
    assert (_state(north), _state(south)) == ("proposed", "countersigned")
    good("agreement", "receive", at / "2", "--out", at / "3", home=north)
    good("agreement", "receive", at / "3", "--out", at / "4", home=south)
    assert (_state(north), _state(south)) == ("countersigned", "active")
    good("agreement", "receive", at / "4", home=north)
    assert (_state(north), _state(south)) == ("active", "active")
    again = good("agreement", "receive", at / "1", home=south)
    assert again["messages"][0]["outcome"] == "known"


def test_an_act_says_honestly_that_nothing_was_delivered(strangers: Sides) -> None:
    said = tearline("agreement", "propose", strangers.draft, home=strangers.north)
    assert said.code == 0
    assert "names no address" in said.out
    assert "1 message not delivered" in said.out


def test_a_node_that_does_not_answer_is_said(tmp_path: Path) -> None:
    nobody = {"north": "http://127.0.0.1:9", "south": "http://127.0.0.1:9"}
    sides = make_sides(tmp_path, nobody)
    offered = good("agreement", "propose", sides.draft, home=sides.north)["delivery"]
    assert (offered["by"], offered["taken"], offered["pending"]) == ("network", 0, 1)
    assert "could not be reached" in offered["problem"]


def test_messages_are_exported_to_carry(agreed: Sides, tmp_path: Path) -> None:
    out = tmp_path / "out"
    written = good("agreement", "export", "--out", out, home=agreed.south)
    assert [each["party"] for each in written] == ["north-cert"]
    good("agreement", "receive", written[0]["file"], home=agreed.north)
    everything = good("agreement", "export", "--party", "south-isac", home=agreed.north)
    assert everything == [], "South's activation says that it saw ours"


def test_a_message_that_was_altered_is_refused(strangers: Sides) -> None:
    path = strangers.folder / "m"
    good("agreement", "propose", strangers.draft, "--out", path, home=strangers.north)
    sound = path.read_bytes()
    path.write_bytes(sound.replace(b'"payload":"', b'"payload":"A'))
    assert tearline("agreement", "receive", path, home=strangers.south).code == 1
    path.write_bytes(b"\n")
    assert tearline("agreement", "receive", path, home=strangers.south).code == 2
    assert good("agreement", "list", home=strangers.south) == []
    path.write_bytes(b"{}\n" + sound)
    said = tearline("agreement", "receive", path, "--json", home=strangers.south)
    assert said.code == 1
    assert [each["outcome"] for each in said.value["messages"]] == ["refused", "taken"]


def test_the_text_is_read_back_and_each_side_signs_one_hash(strangers: Sides) -> None:
    read = good("agreement", "check", strangers.draft)
    assert any("Gray Heron" in each for each in read["sentences"])
    assert read["warnings"]
    strangers.carry(
        "agreement", "propose", strangers.draft, sender=strangers.north, receiver=strangers.south
    )
    assert good("agreement", "list", home=strangers.south)[0]["hash"] == read["hash"]
    assert f"Hash: {read['hash']}" in tearline("agreement", "check", strangers.draft).out


def test_a_bad_line_is_named_with_its_place(strangers: Sides) -> None:
    text = strangers.draft.read_text("utf-8")
    strangers.draft.write_text(text.replace("reach = 1", 'reach = 1\ncolour = "red"'), "utf-8")
    said = tearline("agreement", "check", strangers.draft, "--json")
    assert said.code == 1
    assert "colour" in said.value["error"]["what"]
    assert "clause" in said.value["error"]["place"]
    strangers.draft.write_bytes(b"\xff\xfe")
    assert "UTF-8" in tearline("agreement", "check", strangers.draft).err
    assert tearline("agreement", "check", strangers.folder / "none").code == 2


def test_a_draft_is_written_for_a_partner_or_a_receiver_on_paper(strangers: Sides) -> None:
    drafted = good("agreement", "new", "--with", "south-isac", home=strangers.north)["toml"]
    assert "south-isac" in drafted
    alone = tearline("agreement", "new", home=strangers.north).out
    assert "one_sided = true" in alone
    assert tearline("agreement", "new", "--with", "nobody", home=strangers.north).code == 2


def test_what_differs_is_said(strangers: Sides) -> None:
    new = strangers.folder / "new.toml"
    text = strangers.draft.read_text("utf-8")
    new.write_text(text.replace("TLP:AMBER", "TLP:GREEN"), "utf-8")
    found = good("agreement", "diff", strangers.draft, new)["changes"]
    assert any("this limit became narrower" in each for each in found)
    same = tearline("agreement", "diff", strangers.draft, strangers.draft)
    assert same.out == "They say the same.\n"


def test_a_preview_counts_as_release_would(agreed: Sides) -> None:
    found = good("agreement", "preview", agreed.draft, home=agreed.north)
    assert (found["held"], found["go"], found["stay"]) == (4, 3, 1)
    assert {each["code"]: each["total"] for each in found["reasons"]} == {"not-about": 1}
    assert good("agreement", "preview", agreed.agreement, home=agreed.north) == found
    assert "3 would go" in tearline("agreement", "preview", agreed.draft, home=agreed.north).out


def test_a_preview_of_what_is_not_imported_leaves_no_trace(agreed: Sides, tmp_path: Path) -> None:
    heron, kit = actor("Gray Heron"), malware("Never Imported")
    export = bundle(tmp_path / "export.json", heron, kit, uses(heron, kit))
    asked = ("agreement", "preview", agreed.draft, "--against", export)
    found = good(*asked, "--mark", "TLP:GREEN", "--grade", "B2", home=agreed.north)
    assert (found["held"], found["go"]) == (3, 3)
    bare = good(*asked, home=agreed.north)
    assert (bare["go"], bare["stay"]) == (0, 3)
    assert {each["code"] for each in bare["reasons"]} >= {"unmarked", "ungraded"}
    assert good("status", home=agreed.north)["held"]["malware"] == 2
    broken = tmp_path / "broken.json"
    broken.write_text("{")
    said = tearline("agreement", "preview", agreed.draft, "--against", broken, home=agreed.north)
    assert said.code == 1


def test_an_agreement_is_shown_with_its_statements(agreed: Sides) -> None:
    shown = good("agreement", "show", agreed.agreement[9:16], home=agreed.north)
    steps = [(each["step"], each["ours"]) for each in shown["statements"]]
    assert ("proposed", True) in steps
    assert ("countersigned", False) in steps
    assert (shown["state"], shown["serving"]) == ("active", True)
    said = tearline("agreement", "show", shown["hash"], home=agreed.north).out
    assert "countersigned" in said
    assert tearline("agreement", "show", "none such", home=agreed.north).code == 2


def test_an_agreement_is_named_by_id_hash_or_title(agreed: Sides) -> None:
    shown = good("agreement", "show", agreed.agreement, home=agreed.north)
    start = shown["hash"][:15]
    for ref in (agreed.agreement[9:], shown["hash"], start, start[7:], "ransomware against"):
        assert good("agreement", "show", ref, home=agreed.north)["hash"] == shown["hash"], ref


def test_a_proposal_is_rejected_or_taken_back(strangers: Sides) -> None:
    north, south = strangers.north, strangers.south
    strangers.carry("agreement", "propose", strangers.draft, sender=north, receiver=south)
    ref = strangers.agreement
    strangers.carry("agreement", "reject", ref, "--reason", "Never", sender=south, receiver=north)
    assert (_state(north), _state(south)) == ("rejected", "rejected")
    reasons = [each["reason"] for each in good("agreement", "show", ref, home=north)["statements"]]
    assert "Never" in reasons
    assert tearline("agreement", "withdraw", ref, home=north).code == 1


def test_a_proposal_is_withdrawn(strangers: Sides) -> None:
    good("agreement", "propose", strangers.draft, home=strangers.north)
    done = good("agreement", "withdraw", strangers.agreement, home=strangers.north)
    assert done["state"] == "withdrawn"


def test_suspending_recalls_and_resuming_takes_both(agreed: Sides) -> None:
    north, south, ref = agreed.north, agreed.south, agreed.agreement
    done = good("agreement", "suspend", ref, "--reason", "We talk", home=north)
    assert done["state"] == "suspended"
    assert done["reconciled"][ref]["withdrawn"] == 3
    agreed.carry("agreement", "resume", ref, sender=north, receiver=south)
    assert _state(south) == "suspended"
    agreed.carry("agreement", "resume", ref, sender=south, receiver=north)
    assert (_state(north), _state(south)) == ("active", "active")
    assert good("status", home=north)["agreements"][0]["released"] == 3


def test_an_end_is_an_end(agreed: Sides) -> None:
    ref = agreed.agreement
    good("agreement", "terminate", ref, "--reason", "Over", home=agreed.north)
    assert tearline("agreement", "resume", ref, home=agreed.north).code == 1


def test_a_receiver_on_paper_gets_a_key_of_which_only_the_hash_stays(
    strangers: Sides, tmp_path: Path
) -> None:
    draft = tmp_path / "paper.toml"
    good("agreement", "new", "--out", draft, home=strangers.north)
    said = tearline("agreement", "propose", draft, home=strangers.north)
    assert "tell it yourself" in said.out
    key = good("agreement", "account", strangers.agreement, home=strangers.north)["key"]
    assert key.encode() not in (strangers.north / "node.db").read_bytes()


def test_every_outcome_is_explained(agreed: Sides) -> None:
    goes = good("explain", LOCK["id"], "--to", "south-isac", home=agreed.north)
    assert (goes["outcome"], goes["clause"], goes["reasons"]) == ("release", "N1", [])
    assert goes["path"][0] == HERON["id"]
    assert goes["names"][LOCK["id"]] == "Tin Lock"
    stays = good("explain", FLY["id"], "--to", "South ISAC", home=agreed.north)
    assert stays["outcome"] == "withhold"
    assert stays["reasons"][0].keys() == {"code", "clause", "sentence"}
    assert stays["agreements"][0]["state"] == "active"
    said = tearline("explain", FLY["id"], "--to", "south-isac", home=agreed.north)
    assert said.code == 0
    assert "It stays" in said.out
    assert "not-about" in said.out


def test_what_is_not_known_is_not_explained(agreed: Sides) -> None:
    unknown = "malware--00000000-0000-4000-8000-000000000000"
    assert tearline("explain", unknown, "--to", "south-isac", home=agreed.north).code == 1
    said = tearline("explain", LOCK["id"], "--to", "nobody", "--json", home=agreed.north)
    assert said.code == 1
    assert "nobody" in json.loads(said.out)["error"]["what"]


def test_what_is_left_of_today_is_shown(strangers: Sides) -> None:
    heron, lock = actor("Gray Heron"), malware("Tin Lock")
    path = bundle(strangers.folder / "held.json", heron, lock, uses(heron, lock))
    good("import", path, "--mark", "TLP:GREEN", "--grade", "B2", home=strangers.north)
    text = strangers.draft.read_text("utf-8") + "\n[limits]\nobjects_per_day = 2\n"
    strangers.draft.write_text(text, "utf-8")
    agree(strangers)
    shown = good("agreement", "show", strangers.agreement, home=strangers.north)["limits"]
    assert (shown["objects_per_day"], shown["given_today"], shown["left_today"]) == (2, 1, 1)
    for verb in (("agreement", "show", strangers.agreement), ("status",)):
        said = tearline(*verb, home=strangers.north).out
        assert "1 new object went of 2; 1 left." in said
    why = good("explain", lock["id"], "--to", "south-isac", home=strangers.north)
    assert [each["code"] for each in why["reasons"]] == ["quota-spent"]
