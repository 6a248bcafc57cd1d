"""What changed between two versions of a claim, in words."""

from tearline.provenance.claims import Claim, Link, Quantity, Wording, note_of
from tearline.provenance.history import Change, changes
from tests.pair import START, stix_id

PAPER = stix_id("identity", "Blue Paper")


def note(wording: str = "It rains", **more: object) -> dict[str, object]:
    said = {"polarity": "asserted", "certainty": "plain", "source_chain": (Link("origin", PAPER),)}
    claim = Claim(**(said | more))  # type: ignore[arg-type]  # drawn together
    return note_of(claim, Wording(wording, "Rain."), note_id=stix_id("note", "it"), at=START)


def test_the_same_is_no_change() -> None:
    assert changes(note(), note()) == []


def test_each_thing_that_differs_is_told() -> None:
    later = note(
        "It pours",
        certainty="alleged",
        hedges=("perhaps",),
        true_until="2026-03",
        quantity=Quantity(1500, "about", "mm", 2000.5),
        source_chain=(Link("publisher", PAPER), Link("origin", unnamed=True)),
        own_judgement=True,
    )
    assert changes(note(), later) == [
        Change("wording", "It rains", "It pours"),
        Change("certainty", "plain", "alleged"),
        Change("hedges", "", "perhaps"),
        Change("true", "", "until 2026-03"),
        Change("quantity", "", "about 1,500 to 2,000.5 mm"),
        Change("judgement", "", "the reporter's own"),
        Change("chain", f"origin {PAPER}", f"publisher {PAPER} ← origin not named (unnamed)"),
    ]


def test_a_note_that_is_no_claim_any_more_lost_what_it_said() -> None:
    plain = {name: each for name, each in note().items() if name != "extensions"}
    found = {each.what: each.now for each in changes(note(), plain)}
    assert found == {"polarity": "", "certainty": "", "chain": ""}
