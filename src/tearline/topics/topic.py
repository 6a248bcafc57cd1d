"""What a topic is, and the keys by which an object is recognised as one. Pure.

A topic in an agreement lists names, aliases, STIX ids, ATT&CK ids and labels, so both sides sign
the same words. An object carries keys of the same form; an object is the topic when they share
one.
"""

import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any

NAMED_TYPES = frozenset({"threat-actor", "intrusion-set", "campaign", "malware"})
"""Names count on these types only: a tool or a place may share a name with a threat."""

CARRIERS = frozenset({"threat-actor", "intrusion-set", "campaign", "malware", "infrastructure"})
"""Only these carry *about* further; everything else can be reached but ends the path."""

ALONG = frozenset(
    {"uses", "delivers", "drops", "downloads", "exploits", "targets", "controls", "hosts"}
)
"""Relationships that carry *about* from their source to their target."""

WHERE = frozenset({"located-at", "originates-from"})
"""Relationships that carry *about* from whatever is somewhere to that location, and no further."""

AGAINST = frozenset({"indicates", "attributed-to", "variant-of"})
"""Relationships that carry *about* from their target to their source."""

SOMEWHERE = CARRIERS | {"identity"}
"""What can be somewhere; the location of an identity is reached, though an identity carries not."""

EDGE_REFS: Mapping[str, tuple[str, ...]] = {
    "relationship": ("source_ref", "target_ref"),
    "sighting": ("sighting_of_ref",),
    "note": ("object_refs",),
    "opinion": ("object_refs",),
    "language-content": ("object_ref",),
}
"""Objects that say something of others, and by which references: they go only where those go."""

CONTAINERS = frozenset({"report", "grouping"})
"""Objects that hold members; they carry *about* to them only where the clause says so."""

HOLDERS = CONTAINERS | {"observed-data"}
"""Objects that go only where something they hold goes."""

_DEPENDING = tuple(f"{each}--" for each in sorted(EDGE_REFS.keys() | HOLDERS))

_ATTACK_SOURCES = frozenset({"mitre-attack", "mitre-mobile-attack", "mitre-ics-attack"})
_ALIAS_PROPERTIES = ("aliases", "x_mitre_aliases")


def name_key(name: str) -> str:
    """The key of a name: NFKC, casefolded, runs of white space as one blank."""
    return "name:" + " ".join(unicodedata.normalize("NFKC", name).casefold().split())


_CALLED = """
    attack-pattern course-of-action grouping identity incident infrastructure location report tool
    vulnerability
"""
CALLED_TYPES = frozenset(_CALLED.split())
"""What is called by a name that makes it no topic, and by which it can still be kept back."""


def keys_of_anything(texts: Iterable[str]) -> frozenset[str]:
    """All keys that a text can stand for: a name of whatever has one, an ATT&CK id, a label."""
    return frozenset(
        key
        for text in texts
        for name in (name_key(text),)
        for key in (name, f"called:{name.removeprefix('name:')}", f"attack:{text}", f"label:{text}")
    )


def keys_of(doc: Mapping[str, Any]) -> list[str]:
    """All keys that an object carries, sorted, without doubles.

    `name:`, `attack:` and `label:` can make it a topic; by `called:` it is only kept back, and
    `country:` is that of a location (ISO 3166-1, two letters).
    """
    keys: list[str] = []
    type_ = doc.get("type")
    if "external_references" in doc:
        keys += [f"attack:{each}" for each in _attack_ids(doc)]
    if "labels" in doc:
        keys += [f"label:{label}" for label in _texts(doc["labels"])]
    if type_ in NAMED_TYPES:
        names = [doc.get("name"), *(n for p in _ALIAS_PROPERTIES for n in _texts(doc.get(p)))]
        keys += [name_key(name) for name in names if isinstance(name, str)]
    elif type_ in CALLED_TYPES:
        if isinstance(name := doc.get("name"), str):
            keys.append(f"called:{name_key(name).removeprefix('name:')}")
        if type_ == "location" and isinstance(country := doc.get("country"), str):
            keys.append(f"country:{country.upper()}")
    return sorted(set(keys)) if keys else keys


def keys_for(
    *,
    names: Iterable[str] = (),
    attack_ids: Iterable[str] = (),
    labels: Iterable[str] = (),
) -> set[str]:
    """The keys of a topic's names and aliases, ATT&CK ids and labels."""
    return (
        {name_key(name) for name in names}
        | {f"attack:{each}" for each in attack_ids}
        | {f"label:{label}" for label in labels}
    )


def step(kind: str, source_id: str, target_id: str) -> tuple[str, str] | None:
    """The direction in which a relationship carries *about*: (from, to), or None if it does not.

    *uses* carries from the user to what is used, never back: whoever else uses a malware is not
    the topic. *member* is a container's hold on its member.
    """
    if kind in ALONG or kind == "member":
        return source_id, target_id
    if kind in WHERE:
        return (source_id, target_id) if type_of(target_id) == "location" else None
    if kind in AGAINST:
        return target_id, source_id
    return None


def type_of(stix_id: str) -> str:
    """The type that a STIX id names."""
    return stix_id.partition("--")[0]


def depends(stix_id: str) -> bool:
    """Whether an object of this type goes only where others go."""
    return stix_id.startswith(_DEPENDING)


def _attack_ids(doc: Mapping[str, Any]) -> list[str]:
    references = doc["external_references"]
    if not isinstance(references, list):
        return []
    found = [
        each.get("external_id")
        for each in references
        if each.__class__ is dict and each.get("source_name") in _ATTACK_SOURCES
    ]
    return _texts(found) if found else []


def _texts(value: object) -> list[str]:
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []
