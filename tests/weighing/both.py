"""Two nodes that may give each other claims and what they say of them, and three claims."""

from pathlib import Path

from tearline.provenance.claims import Claim, Link, Wording, note_of
from tearline.release.arrive import Annotation
from tests.pair import START, Pair, make_pair, sdo, stix_id

CLEAR = Annotation(0, None)
TYPES = '["intrusion-set", "identity", "note", "opinion", "grouping"]'
BACK = f"""
[[clause]]
id = "S1"
from = "south"
to = "north"
types = {TYPES}
topics = ["T1"]
reach = 1
members = false
marking_max = "TLP:AMBER"
grading_min = "*"
max_age_days = "*"
countries = "*"
confidence_min = "*"
remove = []
review = {{ when = ["victim"], approvals = 1, within_hours = 72, silence = "withhold" }}
"""


def claim(text: str, about: dict[str, object], **more: object) -> dict[str, object]:
    says = Claim(
        polarity="asserted", certainty="reported", source_chain=(Link("origin", unnamed=True),)
    )
    wording = Wording(text, text, (str(about["id"]),))
    return note_of(says, wording, note_id=stix_id("note", text), at=START) | more


HERON = sdo("intrusion-set", "Gray Heron")
OTHER = sdo("intrusion-set", "Brown Owl")
ENVOY = claim("An envoy says that it is about money.", HERON, confidence=70)
DENIAL = claim("They deny it.", HERON)
SECRET = claim("What only we know.", OTHER)
"""Is about what no clause is about, and so stays."""


def two_ways(folder: Path) -> tuple[Pair, Pair]:
    """The same two homes twice: North giving to South, and South to North; North has claims."""
    there = make_pair(folder)
    there.limits = {"types": TYPES, "onward": BACK}
    there.put(HERON, OTHER, ENVOY, DENIAL, SECRET)
    there.agree()
    return there, Pair(there.south, there.north, agreement_id=there.agreement_id)


def give(way: Pair, other: Pair) -> None:
    """Decide what goes one way, and let the other side take it; both read one clock."""
    way.now = max(way.now, other.now)
    way.reconcile()
    way.sync()
    other.now = way.now
