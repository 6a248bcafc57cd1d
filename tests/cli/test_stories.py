from pathlib import Path

from tests.cli.calls import Sides, bundle, good, malware, tearline

STORY = Path(__file__).parents[2] / "examples" / "founding-story" / "story.json"
REPORT = "report--9b68f652-6094-45db-8494-0f904d3798cb"


def test_each_claim_of_a_file_keeps_its_chain() -> None:
    report = good("story", STORY)["reports"][0]
    claims = report["claims"]
    assert len(claims) == 21
    assert all(each["certainty"] for each in claims)
    denial = next(each for each in claims if each["title"] == "The movement denies it")
    assert denial["polarity"] == "denied"
    assert denial["chain"]["Origin"] == "the armed movement"
    assert "Origin" not in denial["text"]


def test_a_story_is_read_as_text() -> None:
    said = tearline("story", STORY).out
    assert "5. The movement denies it  [denied, reported]" in said
    assert "Not held  the denial itself" in said
    assert "Speaks of claim 1" in said


def test_a_story_that_is_held_is_the_same(strangers: Sides) -> None:
    assert tearline("story", home=strangers.north).code == 1
    good("import", STORY, "--mark", "TLP:CLEAR", home=strangers.north)
    assert good("story", REPORT, home=strangers.north) == good("story", STORY)
    assert good("story", home=strangers.north) == good("story", STORY)
    other = REPORT.replace("9b68", "0000")
    assert tearline("story", other, home=strangers.north).code == 1


def test_a_bundle_without_claims_is_no_story(tmp_path: Path) -> None:
    assert tearline("story", bundle(tmp_path / "b.json", malware("Tin Lock"))).code == 1
    assert tearline("story", tmp_path / "none").code == 2
