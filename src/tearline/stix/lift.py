"""Lifting STIX 2.0 objects to 2.1: the same objects under the same ids, in today's words.

An object other than an observable without `spec_version` is one of 2.0 (STIX 2.1, section 3.2).
What 2.1 says in another way is said in that way; what it has no words for is kept as
`x_stix20_…`; what cannot be lifted is refused. Nothing is derived from chance or time: the same
object gives the same bytes each time, so that reading it again changes nothing.
"""

from collections import Counter
from typing import Any, NamedTuple

from tearline.errors import InputError
from tearline.stix import lift_observed
from tearline.stix.canonical import canonical
from tearline.stix.marking import LEVEL_OF, TLP_1
from tearline.stix.observable import DOMAIN_TYPES, KNOWN_TYPES, META_TYPES, OBSERVABLE_TYPES

NOTICES = {
    "lifted": "STIX 2.0, lifted to 2.1 under the same id",
    "types": "labels that say a type became a property of their own, `malware_types` say",
    "placeholder": "the label that only repeats the object's type was left out",
    "roles": "the labels of identities became `roles`",
    "family": "2.0 does not say whether malware is a family; it is taken as one (`is_family`)",
    "pattern": "the pattern is said to be a STIX pattern of version 2.0; its text is unchanged",
    "tlp": "a TLP marking was replaced by the same one as STIX 2.1 prints it",
    **lift_observed.NOTICES,
}
"""What a lift may do to the meaning of an object, by its code."""

_NEW_TYPES = DOMAIN_TYPES & {
    "grouping",
    "incident",
    "infrastructure",
    "location",
    "malware-analysis",
    "note",
    "opinion",
}
_OLD_TYPES = (KNOWN_TYPES - _NEW_TYPES - META_TYPES - OBSERVABLE_TYPES) | {"marking-definition"}

# For each type, the property of 2.1 for the labels that say a type, and the vocabulary of those
# labels in 2.0 (its section 6).
_LABELS = """
indicator indicator_types anomalous-activity anonymization benign compromised
  malicious-activity attribution
malware malware_types adware backdoor bot ddos dropper exploit-kit keylogger ransomware
  remote-access-trojan resource-exploitation rogue-security-software rootkit screen-capture
  spyware trojan virus worm
report report_types threat-report attack-pattern campaign identity indicator malware
  observed-data threat-actor tool vulnerability
threat-actor threat_actor_types activist competitor crime-syndicate criminal hacker
  insider-accidental insider-disgruntled nation-state sensationalist spy terrorist
tool tool_types denial-of-service exploitation information-gathering network-capture
  credential-exploitation remote-access vulnerability-scanning
"""
_TYPED = {
    kind: (name, frozenset(vocabulary))
    for kind, name, *vocabulary in map(str.split, _LABELS.replace("\n ", "").strip().split("\n"))
}

_NEW_PROPERTIES = frozenset(
    {"confidence", "extensions", "is_family", "lang", "pattern_type"}
    | {name for name, _ in _TYPED.values()}
)


class Lifted(NamedTuple):
    """A lifted object, the observables that stood inside it, and codes of `NOTICES`."""

    docs: tuple[dict[str, Any], ...]
    notices: frozenset[str]

    @property
    def raws(self) -> list[bytes]:
        """The bytes of each: canonical, so that they are the same whenever it is lifted."""
        return [canonical(doc) for doc in self.docs]


def is_old(doc: dict[str, Any]) -> bool:
    """Whether an object is one of STIX 2.0.

    It says so, or it says no version and is nothing that only 2.1 knows.
    """
    kind = doc.get("type")
    if not isinstance(kind, str):
        return False
    if kind not in _OLD_TYPES and (kind in KNOWN_TYPES or "modified" not in doc):
        return False
    if "spec_version" in doc:
        return bool(doc["spec_version"] == "2.0")
    if kind == "observed-data" and "object_refs" in doc:
        return False
    return "created" in doc and not doc.keys() & _NEW_PROPERTIES


def lift(doc: dict[str, Any]) -> Lifted:
    """Lift an object of STIX 2.0, as `is_old` tells it; its id and its moments stay.

    The first of the result is the object; observables that it held follow. InputError, with the
    place, for what has no form in 2.1. The result is still to be checked.
    """
    if (level := LEVEL_OF.get(str(doc.get("id")))) is not None:
        return Lifted((_tlp(str(doc["id"]), level),), frozenset({"lifted", "tlp"}))
    new = {**doc, "spec_version": "2.1"}
    notices = {"lifted"}
    moved = _part_labels(new, notices)
    _reselect(new, moved)
    if doc["type"] == "malware":
        new["is_family"] = True
        notices.add("family")
    if doc["type"] == "indicator":
        new |= {"pattern_type": "stix", "pattern_version": "2.0"}
        notices.add("pattern")
    if isinstance(references := new.get("external_references"), list):
        new["external_references"] = lift_observed.hashes_renamed(references, notices)
    if doc["type"] != "observed-data":
        return Lifted((new,), frozenset(notices))
    inside = lift_observed.lift_observables(new)
    return Lifted((inside.observed, *inside.observables), frozenset(notices | inside.notices))


def notice_lines(counts: Counter[str]) -> list[str]:
    """Say how many objects each notice is about, in the order of `NOTICES`."""
    return [f"{counts[code]:,} times: {line}." for code, line in NOTICES.items() if counts[code]]


def _tlp(ref: str, level: int) -> dict[str, Any]:
    """The marking of the standard (2.1, section 7.2.1.4), which no document may say otherwise."""
    if ref != TLP_1.get(level):
        raise InputError("TLP 2.0 has no markings in STIX 2.0.", place="id")
    colour = ("white", "green", "amber", "", "red")[level]
    return {
        "type": "marking-definition",
        "spec_version": "2.1",
        "id": ref,
        "created": "2017-01-20T00:00:00.000Z",
        "definition_type": "tlp",
        "name": f"TLP:{colour.upper()}",
        "definition": {"tlp": colour},
    }


def _part_labels(new: dict[str, Any], notices: set[str]) -> dict[str, list[str]]:
    """Part the labels that say a type from the others; return where each selector points now."""
    kind, labels = new["type"], new.get("labels")
    name, vocabulary = _TYPED.get(kind, ("roles", None))
    if not isinstance(labels, list) or not (kind in _TYPED or kind == "identity"):
        return {}
    parts: dict[str, list[Any]] = {name: [], "labels": []}
    moved: dict[str, list[str]] = {}
    for place, label in enumerate(labels):
        if label == kind:
            notices.add("placeholder")
            moved[f"labels.[{place}]"] = []
            continue
        part = name if vocabulary is None or label in vocabulary else "labels"
        moved[f"labels.[{place}]"] = [f"{part}.[{len(parts[part])}]"]
        parts[part].append(label)
    if parts[name]:
        notices.add("roles" if vocabulary is None else "types")
    moved["labels"] = [part for part, found in parts.items() if found]
    del new["labels"]
    new |= {part: found for part, found in parts.items() if found}
    return moved


def _reselect(new: dict[str, Any], moved: dict[str, list[str]]) -> None:
    """Let the markings of labels select them where they stand now."""
    if not moved or "granular_markings" not in new:
        return
    markings = []
    for marking in lift_observed.granular(new):
        selectors = [each for old in marking["selectors"] for each in moved.get(old, [old])]
        if selectors:
            markings.append({**marking, "selectors": selectors})
    del new["granular_markings"]
    if markings:
        new["granular_markings"] = markings
