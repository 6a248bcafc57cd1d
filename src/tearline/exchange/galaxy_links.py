"""What a link between two galaxy clusters is called in STIX, and which way it points.

The pairs are those of STIX 2.1 appendix B, plus one that ATT&CK itself publishes (tool uses
attack-pattern). A word that has no standard meaning between two types becomes related-to, and
the word is kept as the description: 'similar' says that people suspect one thing under two names,
never that one is a variant of the other.
"""

import msgspec

RELATED = "related-to"

_WEAPONS = ("attack-pattern", "infrastructure", "malware", "tool")
_VICTIMS = ("identity", "location", "vulnerability")

# (source type, relationship type) -> target types.
_TABLE: dict[tuple[str, str], tuple[str, ...]] = {
    ("attack-pattern", "delivers"): ("malware",),
    ("attack-pattern", "targets"): _VICTIMS,
    ("attack-pattern", "uses"): ("malware", "tool"),
    ("campaign", "attributed-to"): ("intrusion-set", "threat-actor"),
    ("campaign", "originates-from"): ("location",),
    ("campaign", "targets"): _VICTIMS,
    ("campaign", "uses"): _WEAPONS,
    ("course-of-action", "mitigates"): ("attack-pattern", "malware", "tool", "vulnerability"),
    ("course-of-action", "remediates"): ("malware", "vulnerability"),
    ("intrusion-set", "attributed-to"): ("threat-actor",),
    ("intrusion-set", "originates-from"): ("location",),
    ("intrusion-set", "targets"): _VICTIMS,
    ("intrusion-set", "uses"): _WEAPONS,
    ("malware", "authored-by"): ("intrusion-set", "threat-actor"),
    ("malware", "controls"): ("malware",),
    ("malware", "downloads"): ("malware", "tool"),
    ("malware", "drops"): ("malware", "tool"),
    ("malware", "exploits"): ("vulnerability",),
    ("malware", "originates-from"): ("location",),
    ("malware", "targets"): (*_VICTIMS, "infrastructure"),
    ("malware", "uses"): _WEAPONS,
    ("malware", "variant-of"): ("malware",),
    ("threat-actor", "attributed-to"): ("identity",),
    ("threat-actor", "impersonates"): ("identity",),
    ("threat-actor", "located-at"): ("location",),
    ("threat-actor", "targets"): _VICTIMS,
    ("threat-actor", "uses"): _WEAPONS,
    ("tool", "delivers"): ("malware",),
    ("tool", "drops"): ("malware",),
    ("tool", "has"): ("vulnerability",),
    ("tool", "targets"): (*_VICTIMS, "infrastructure"),
    ("tool", "uses"): ("attack-pattern", "infrastructure"),
}

# Words of the galaxies that mean a STIX relationship: (relationship type, points the other way).
_WORDS: dict[str, tuple[str, bool]] = {
    "authored": ("authored-by", True),
    "controlled-by": ("controls", True),
    "delivered-by": ("delivers", True),
    "deploys": ("uses", False),
    "downloaded-by": ("downloads", True),
    "dropped": ("drops", False),
    "dropped-by": ("drops", True),
    "executed-by": ("uses", True),
    "executes": ("uses", False),
    "exploited-by": ("exploits", True),
    "is-deployed-by": ("uses", True),
    "mitigated-by": ("mitigates", True),
    "targeted-by": ("targets", True),
    "used-by": ("uses", True),
    **{word: (word, False) for _, word in _TABLE},
}

# These say the same from either end.
_SYMMETRIC = frozenset({"associated-with", "interacts-with", "overlaps", RELATED, "similar"})


class End(msgspec.Struct, frozen=True):
    """One end of a link: a loaded object's STIX type and id."""

    type: str
    id: str


class Link(msgspec.Struct, frozen=True):
    """A link in the words of STIX; `said` is the galaxy's word where STIX has none for it."""

    source: str
    relation: str
    target: str
    said: str = ""


def link(source: End, word: str, target: End) -> Link:
    """Return the STIX relationship for `source` --word--> `target`.

    Words that say the same from either end are put in the order of the ids, so that a pair noted
    at both ends is one relationship.
    """
    word = word.strip()
    relation, turned = _WORDS.get(word, (RELATED, False))
    first, second = (target, source) if turned else (source, target)
    if second.type in _TABLE.get((first.type, relation), ()):
        return Link(first.id, relation, second.id)
    one, other = sorted((source.id, target.id)) if word in _SYMMETRIC else (source.id, target.id)
    return Link(one, RELATED, other, "" if word == RELATED else word)
