"""The commands on the page about previews run, and show what the page says."""

import re
from pathlib import Path

from tests.cli.calls import Sides, actor, bundle, good, malware, tearline, uses

PAGE = (Path(__file__).parents[2] / "docs" / "previewing.md").read_text("utf-8")
HERON, LOCK, FLY = actor("Gray Heron"), malware("Tin Lock"), malware("Brass Fly")


def test_the_commands_of_the_page_run(strangers: Sides) -> None:
    sides = strangers
    commands = re.findall(r"^\$ tearline (.+)$", PAGE, re.MULTILINE)
    assert len(commands) == 3
    file = bundle(sides.folder / "b.json", HERON, LOCK, FLY, uses(HERON, LOCK))
    good("import", file, "--mark", "TLP:GREEN", "--grade", "B2", home=sides.north)
    preview, sample, offer = (each.split() for each in commands)
    said = tearline(*_with(preview, sides.draft), home=sides.north)
    assert said.code == 0
    for word in ("would go", "this reason alone", "The rarest topic is", "The rarest source is"):
        assert word in said.out
    assert "By a sample of 4 of 4" in tearline(*_with(sample, sides.draft), home=sides.north).out
    proposed = tearline(
        "agreement", "propose", sides.draft, "--out", sides.folder / "1", home=sides.north
    )
    warned = [each for each in proposed.out.splitlines() if each.startswith("Warning: ")]
    assert len(warned) == len(good("agreement", "check", sides.draft)["warnings"])
    good("agreement", "receive", sides.folder / "1", home=sides.south)
    name = good("agreement", "list", home=sides.north)[0]["agreement"]
    offered = [name if each == "ID" else each for each in offer]
    good(*offered, "--out", sides.folder / "2", home=sides.north)
    good("agreement", "receive", sides.folder / "2", home=sides.south)
    shown = good("agreement", "show", name, home=sides.south)
    assert shown["previews"]["ours"] is None
    bands = shown["previews"]["theirs"]["bands"]
    assert bands["malware"] == {"go": "1-9", "wait": "none", "stay": "1-9"}
    assert "They say, signed" in tearline("agreement", "show", name, home=sides.south).out
    assert "They say, signed" in tearline("agreement", "preview", name, home=sides.south).out
    assert good("agreement", "preview", name, home=sides.south)["previews"] == shown["previews"]


def test_a_quota_and_what_only_people_hold_back_are_said_beside_the_numbers(
    strangers: Sides,
) -> None:
    sides = strangers
    file = bundle(sides.folder / "b.json", HERON, LOCK, FLY, uses(HERON, LOCK))
    good("import", file, "--mark", "TLP:GREEN", "--grade", "B2", home=sides.north)
    before = good("agreement", "preview", sides.draft, home=sides.north)
    assert (before["go"], before["days"]) == (3, None)
    text = sides.draft.read_text("utf-8")
    sides.draft.write_text(f"{text}\n[limits]\nobjects_per_day = 2\n", "utf-8")
    after = good("agreement", "preview", sides.draft, home=sides.north)
    assert (after["go"], after["days"]) == (3, 2)
    said = tearline("agreement", "preview", sides.draft, home=sides.north).out
    assert "With 2 a day, it takes at least 2 days until all of it went." in said
    assert after["warnings"] == good("agreement", "check", sides.draft)["warnings"] != []
    assert f"Warning: {after['warnings'][0]}" in said


def _with(words: list[str], draft: Path) -> list[str | Path]:
    return [draft if each == "agreement.toml" else each for each in words]
