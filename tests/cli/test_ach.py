"""Views of claims, and questions with hypotheses, by the command line."""

from pathlib import Path
from typing import Any

from tearline.provenance.claims import Claim, Link, Wording, note_of
from tests.cli.calls import Sides, actor, bundle, good, tearline

HERON = actor("Gray Heron")
PERCENT = [5, 20]


def _claim(number: int, text: str, confidence: int | None = None) -> dict[str, Any]:
    says = Claim(
        polarity="asserted", certainty="reported", source_chain=(Link("origin", unnamed=True),)
    )
    note_id = f"note--5a0e0f53-6d3a-4b0e-9a0f-1d6a2f2f9b{number:02x}"
    made = note_of(
        says, Wording(text, text, (HERON["id"],)), note_id=note_id, at=1_770_000_000_000_000
    )
    return made if confidence is None else made | {"confidence": confidence}


ENVOY = _claim(1, "An envoy says that it is about money.", 90)
DENIAL = _claim(2, "They deny it.")


def _held(sides: Sides) -> Path:
    good("import", bundle(sides.folder / "claims.json", HERON, ENVOY, DENIAL), home=sides.north)
    return sides.north


def test_a_view_is_said_changed_and_shown_at_equal_rank(strangers: Sides) -> None:
    home = _held(strangers)
    likely = ("--likely", "very unlikely", "--grade", "C-", "--reason", "One source.")
    said = good("claim", "view", ENVOY["id"], "--disagree", *likely, home=home)
    assert said["grade"] == "C-"
    assert said["percent"] == PERCENT
    again = good("claim", "view", ENVOY["id"], "--neutral", "--wording", "Money.", home=home)
    assert again["view"] == said["view"]
    found = good("claim", "views", ENVOY["id"], home=home)
    assert found["current"] is None
    assert [(each["opinion"], each["signature"]) for each in found["views"]] == [
        ("neutral", "signed")
    ]
    picked = good("claim", "views", ENVOY["id"], "--side", "north-cert", home=home)
    assert picked["current"]["wording"] == "Money."
    shown = tearline("claim", "views", ENVOY["id"], "--side", "south-isac", home=home)
    assert "south-isac said nothing of it." in shown.out
    assert tearline("claim", "views", DENIAL["id"], home=home).out.startswith("Nobody said")


def test_what_is_no_view_is_refused_with_what_to_do(strangers: Sides) -> None:
    home = _held(strangers)
    for wrong, code, says in (
        (["--agree", "--disagree"], 2, "Say one opinion."),
        ([], 2, "Say one opinion."),
        (["--agree", "--grade", "G9"], 1, "no grade"),
        (["--agree", "--mark", "TLP:PINK"], 1, "TLP:PINK"),
    ):
        found = tearline("claim", "view", ENVOY["id"], *wrong, home=home)
        assert found.code == code, found
        assert says in found.err
    assert "is no claim" in tearline("claim", "view", HERON["id"], "--agree", home=home).err
    unknown = "note--5a0e0f53-6d3a-4b0e-9a0f-1d6a2f2f9bff"
    assert "is not held" in tearline("claim", "views", unknown, home=home).err


def test_a_question_is_asked_changed_rated_and_shown(strangers: Sides) -> None:
    home = _held(strangers)
    assert "No question yet" in tearline("ach", "list", home=home).out
    texts = ("--hypothesis", "A common enemy", "--hypothesis", "Something to pass on")
    made = good("ach", "new", "Why?", *texts, "--claim", ENVOY["id"], home=home)
    question = made["question"]
    changed = good(
        "ach", "add", question, "--claim", DENIAL["id"], "--hypothesis", "Strength", home=home
    )
    assert list(changed["hypotheses"]) == ["H1", "H2", "H3"]
    changed = good("ach", "add", question, "--without", "H3", home=home)
    assert changed["dropped"] == {"H3": "Strength"}
    rated = good(
        "ach",
        "rate",
        question,
        ENVOY["id"],
        "H1=II",
        "h2=C",
        "--why",
        "H1=It cost more.",
        home=home,
    )
    assert [each["rating"] for each in rated["ratings"]] == ["II", "C"]
    good("ach", "rate", question, DENIAL["id"], "H1=N", "H2=II", home=home)
    plain = good("ach", "show", question, home=home)["sides"]["north-cert"]
    assert plain["against"] == {"H1": "2", "H2": "2"}
    assert plain["order"] == [["H1", "H2"]]
    weighted = good("ach", "show", question, "--weighted", home=home)["sides"]["north-cert"]
    assert weighted["against"] == {"H1": "1.80", "H2": "1"}
    shown = tearline("ach", "show", question, home=home)
    assert "least against H1 (2 against) = H2 (2 against)." in shown.out
    assert "without E1 the order would be H1, H2." in shown.out
    assert [each["text"] for each in good("ach", "list", home=home)] == ["Why?"]


def test_what_is_no_rating_is_refused_with_what_to_do(strangers: Sides) -> None:
    home = _held(strangers)
    made = good("ach", "new", "Why?", "--hypothesis", "Money", "--claim", ENVOY["id"], home=home)[
        "question"
    ]
    for wrong, code, says in (
        (["H1=CCC"], 2, "no rating"),
        (["H1"], 2, "A rating is H1=…"),
        (["H9=C"], 1, "no hypothesis H9"),
        (["H1=C", "--why", "H2=No."], 2, "H2 has a reason"),
    ):
        found = tearline("ach", "rate", made, ENVOY["id"], *wrong, home=home)
        assert found.code == code, found
        assert says in found.err
    assert tearline("ach", "add", made, home=home).code == MISUSE
    assert "at least" in tearline("ach", "new", "Why?", home=home).err
    assert "asks no question" in tearline("ach", "show", ENVOY["id"], home=home).err


MISUSE = 2
