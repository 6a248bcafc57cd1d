"""How far the TLP of a MISP event and of its attributes reaches."""

from collections import defaultdict
from typing import Any

from tearline.stix.marking import LEVEL_OF, UNMARKED, marking_of, strictest
from tearline.stix.objects import references

_CONTAINERS = frozenset({"grouping", "report"})


def inherit(docs: list[dict[str, Any]], event_uuid: str) -> None:
    """Mark every object of an event that carries no TLP of its own, in place.

    It gets the strictest of what the event carries and what its neighbours carry of their own:
    the observables of an attribute tagged TLP:RED are as red as the attribute. The event itself
    and who created an object are no neighbours.
    """
    own = {doc["id"]: refs for doc in docs if (refs := _tlp(doc))}
    container = next((doc["id"] for doc in docs if _is_container(doc, event_uuid)), "")
    neighbours = _neighbours(docs, container)
    for doc in docs:
        if doc["type"] == "marking-definition" or doc["id"] in own:
            continue
        refs = own.get(container, [])
        if doc["id"] != container:
            for other in sorted(neighbours[doc["id"]]):
                refs = _stricter(refs, own.get(other, []))
        if refs:
            doc["object_marking_refs"] = [*doc.get("object_marking_refs", []), *refs]


def _tlp(doc: dict[str, Any]) -> list[str]:
    return [ref for ref in doc.get("object_marking_refs", []) if ref in LEVEL_OF]


def _is_container(doc: dict[str, Any], event_uuid: str) -> bool:
    return doc["type"] in _CONTAINERS and str(doc["id"]).endswith(event_uuid)


def _neighbours(docs: list[dict[str, Any]], container: str) -> dict[str, set[str]]:
    """Who refers to whom, from both ends."""
    found: dict[str, set[str]] = defaultdict(set)
    for doc in docs:
        if doc["id"] == container:
            continue
        for place, target in references(doc):
            if place != "created_by_ref":
                found[doc["id"]].add(target)
                found[target].add(doc["id"])
    return found


def _stricter(first: list[str], second: list[str]) -> list[str]:
    levels = [marking_of({"object_marking_refs": refs}) if refs else UNMARKED
              for refs in (first, second)]  # fmt: skip
    return first if strictest(*levels) == levels[0] else second
