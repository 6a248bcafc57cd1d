"""The agreements of the demo, as the TOML that North writes."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from tearline.cli.demo.data import LABEL

TITLE = "Ransomware against hospitals"

_ALIASES = (
    "UNC1878",
    "TEMP.MixMaster",
    "Grim Spider",
    "FIN12",
    "GOLD BLACKBURN",
    "ITG23",
    "Periwinkle Tempest",
    "DEV-0193",
)
_MALWARE = {"Ryuk": "S0446", "Conti": "S0575", "TrickBot": "S0266", "Bazar": "S0534"}
_TYPES = (
    "intrusion-set",
    "threat-actor",
    "malware",
    "tool",
    "attack-pattern",
    "indicator",
    "relationship",
    "sighting",
    "identity",
    "note",
)

_TEXT = """\
schema = "tearline-agreement/1"
id = "{agreement}"
version = {version}
{replaces}title = "{title}"
valid = {{ from = "{today}", until = "{until}" }}

{parties}
[purpose]
text = "Detect and stop ransomware against hospitals."
never = ["resale", "public attribution", "anything else than this purpose"]

[[topic]]
id = "T1"
names = ["Wizard Spider"]
aliases = {aliases}
attack_ids = ["G0102"]
labels = ["{label}"]

[[topic]]
id = "T2"
names = {malware}
attack_ids = {codes}

{clauses}
[onward]
allowed = false

[retention]
after_end = "recall"
"""

_CLAUSE = """\
[[clause]]
id = "{name}"
from = "{giver}"
to = "{taker}"
types = {types}
topics = ["T1", "T2"]
reach = 2
marking_max = "{ceiling}"
grading_min = "B2"
max_age_days = 3650
countries = "*"
confidence_min = "*"
remove = ["x_north_*"]
pseudonymise = ["identity.name"]
review = {{ when = ["victim"], approvals = 2, within_hours = 72, silence = "withhold" }}
"""

_PARTY = """\
[party.{slot}]
name = "{name}"
slug = "{slug}"
key = "{sign}"
log = "{log}"
"""


def write_terms(
    agreement: str,
    cards: dict[str, dict[str, Any]],
    *,
    now: int,
    version: int = 1,
    replaces: str = "",
    ceiling: str = "TLP:AMBER",
) -> str:
    """Return the TOML of a version between the two parties of `cards`, by slot, giver first."""
    today = (datetime.fromtimestamp(0, UTC) + timedelta(microseconds=now)).date()
    giver, taker = cards
    clauses = [("N1", giver, taker), ("S1", taker, giver)]
    return _TEXT.format(
        agreement=agreement,
        version=version,
        replaces=f'replaces = "{replaces}"\n' if replaces else "",
        title=TITLE,
        today=today,
        until=today + timedelta(days=365),
        parties="\n".join(_PARTY.format(slot=slot, **card) for slot, card in cards.items()),
        aliases=json.dumps(_ALIASES),
        label=LABEL,
        malware=json.dumps(list(_MALWARE)),
        codes=json.dumps(list(_MALWARE.values())),
        clauses="\n".join(
            _CLAUSE.format(
                name=name, giver=one, taker=two, types=json.dumps(_TYPES), ceiling=ceiling
            )
            for name, one, two in clauses
        ),
    )
