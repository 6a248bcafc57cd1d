"""The verbs about claims, as a reader of docs/claims.md uses them."""

import json
from pathlib import Path

import pytest

from tests.cli.calls import Sides, actor, agree, bundle, good, tearline

STORY = Path(__file__).parents[2] / "examples" / "founding-story" / "story.json"
OFFER = "note--68e0fa59-5f2a-4f9e-bc36-fd198baf30f4"
FILE = """
abstract = "Some forty members"
polarity = "asserted"
certainty = "reported"
said = 2026-02-11
quantity = { number = 40, bound = "about", unit = "members", upto = 50 }
likelihood = { scale = "icd-203", word = "likely" }
missing = [{ what = "the study" }]
hedges = ["is believed to"]
true_from = "2026-01"
own_judgement = true

[[source_chain]]
role = "publisher"
name = "Harbour Weekly"
cue = "writes"

[[source_chain]]
role = "origin"
name = "An officer"
unnamed = true
interest = "asks for a budget"
"""


def test_a_claim_by_options_and_its_denial(strangers: Sides) -> None:
    home = strangers.north
    said = ["--says", "It spares clinics", "--origin", "A blog", "--relay", "A radio"]
    made = good("claim", "add", *said, "--publisher", "A paper", "--said", "2026-02", home=home)
    assert len(made["made"]) == 3
    no = good("claim", "add", "--says", "It struck one", "--origin", "A clinic", "--denies",
              made["id"], "--about", made["made"][0], home=home)  # fmt: skip
    assert no["opinion"].startswith("opinion--")
    shown = good("claim", "show", made["id"], home=home)
    assert [(each["role"], each["name"]) for each in shown["chain"]] == [
        ("publisher", "A paper"),
        ("relay", "A radio"),
        ("origin", "A blog"),
    ]
    assert [each["id"] for each in shown["denied_by"]] == [no["id"]]
    text = tearline("claim", "show", no["id"], home=home).out
    assert f"Denies     It spares clinics  {made['id']}" in text
    listed = good("claim", "list", home=home)
    assert [each["id"] for each in listed["claims"]] == [no["id"], made["id"]]
    assert listed["number"] == 2


def test_a_claim_by_file_has_all_that_a_claim_can_have(strangers: Sides, tmp_path: Path) -> None:
    file = tmp_path / "claim.toml"
    file.write_text(FILE, "utf-8")
    made = good("claim", "add", file, "--mark", "TLP:GREEN", home=strangers.north)
    text = tearline("claim", "show", made["id"], home=strangers.north).out
    for line in (
        "Publisher  Harbour Weekly; “writes”",
        "Origin     An officer (unnamed); interest: asks for a budget",
        "Hedge      is believed to",
        "Said       2026-02-11",
        "True       2026-01 to …",
        "Quantity   about 40 to 50 members",
        "Likelihood likely (icd-203)",
        "Judgement  the reporter's own",
        "Not held   the study",
    ):
        assert line in text
    chain = [{"role": "origin", "name": "Me"}]
    short = {"abstract": "Forty", "polarity": "asserted", "certainty": "plain"}
    again = json.dumps({**short, "id": made["id"], "source_chain": chain})
    file.write_text(again, "utf-8")
    assert good("claim", "add", file, home=strangers.north)["id"] == made["id"]
    assert good("claim", "show", made["id"], home=strangers.north)["title"] == "Forty"


@pytest.mark.parametrize(
    ("text", "code", "says"),
    [
        ("polarity = ", 1, "neither JSON nor TOML"),
        ("\xff", 1, "neither JSON nor TOML"),
        ("{", 1, "Not JSON"),
        (FILE.replace("2026-01", "2027-01") + "\n", 0, ""),
        (FILE.replace('hedges = ["is believed to"]', 'true_until = "2025"'), 1, "which is before"),
        (FILE.replace('role = "origin"', 'role = "publisher"'), 1, "two of role publisher"),
        (FILE.replace("hedges", "hedge"), 1, "'hedge' is nothing that a claim has"),
    ],
)
def test_a_file_that_is_no_claim_says_so(
    strangers: Sides, tmp_path: Path, text: str, code: int, says: str
) -> None:
    file = tmp_path / "claim.toml"
    file.write_bytes(text.encode("latin-1"))
    said = tearline("claim", "add", file, home=strangers.north)
    assert (said.code, says in said.err) == (code, True), said
    assert "broke" not in said.err


def test_misuse_is_told(strangers: Sides, tmp_path: Path) -> None:
    home = strangers.north
    assert tearline("claim", "add", home=home).code == 2
    assert tearline("claim", "add", "--says", "x", home=home).code == 2
    both = tearline("claim", "add", tmp_path / "x", "--says", "x", "--origin", "y", home=home)
    assert both.code == 2
    assert tearline("claim", "show", OFFER, home=home).code == 1
    assert tearline("claim", "alike", OFFER, home=home).code == 2


def test_the_story_is_listed_shown_and_put_together(strangers: Sides) -> None:
    home = strangers.north
    good("import", STORY, "--mark", "TLP:CLEAR", home=home)
    assert good("claim", "list", home=home)["number"] == 19
    story = good("claim", "show", OFFER, home=home)
    assert [each["title"] for each in story["denied_by"]] == ["The movement denies it"]
    cast = "identity--12cef6e9-7877-4176-8a4f-8dd277ff4570"
    through = good("claim", "list", "--source", cast, home=home)["claims"]
    assert len(through) == 4
    one, other = (each["id"] for each in through[:2])
    (grouping,) = good("claim", "alike", one, other, home=home)["groupings"]
    assert tearline("claim", "alike", other, one, home=home).out.startswith(grouping)
    assert [e["id"] for e in good("claim", "show", one, home=home)["alike"]] == [other]
    assert "is revoked" in tearline("claim", "apart", one, home=home).out
    assert tearline("claim", "apart", one, home=home).code == 1


def test_a_note_that_is_no_claim_is_listed_with_what_is_wrong(strangers: Sides) -> None:
    story = json.loads(STORY.read_text("utf-8"))
    wrong = [each for each in story["objects"] if each["id"] == OFFER]
    for extension in wrong[0]["extensions"].values():
        extension["true_until"] = "1999"
    good("import", bundle(strangers.folder / "wrong.json", *wrong), home=strangers.north)
    text = tearline("claim", "list", home=strangers.north).out
    assert "1 note not a claim" in text
    assert "true_until: It is said to hold from 2015-12-25 until 1999" in text
    shown = tearline("claim", "show", OFFER, home=strangers.north)
    assert (shown.code, "is not a claim: true_until" in shown.err) == (1, True)


def test_a_claim_goes_and_its_source_is_not_named(strangers: Sides) -> None:
    home = strangers.north
    heron = actor("Gray Heron")
    held = bundle(strangers.folder / "held.json", heron)
    good("import", held, "--mark", "TLP:GREEN", "--grade", "B2", home=home)
    draft = strangers.draft.read_text("utf-8").replace('"relationship"]', '"relationship", "note"]')
    strangers.draft.write_text(draft, "utf-8")
    agree(strangers)
    made = good("claim", "add", "--says", "It rests", "--origin", "A secret source", "--about",
                heron["id"], "--mark", "TLP:GREEN", "--grade", "B2", home=home)  # fmt: skip
    assert next(iter(made["reconciled"].values()))["released"] == 1
    both = good("show", made["id"], "--to", "south-isac", home=home)
    theirs = both["agreements"][0]["theirs"]
    assert made["made"][0] not in theirs
    assert "secret" not in theirs
    assert heron["id"] in theirs
