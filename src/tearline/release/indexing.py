"""What is kept of an object beside its bytes: all that later questions are answered from. Pure.

It is taken as soon as an object is read, while its parsed form is at hand; that form, some twenty
times as large, can then go.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from tearline.errors import InputError
from tearline.provenance.claims import fate_of
from tearline.release.categories import found_in
from tearline.stix import canonical, handling, marking
from tearline.stix.objects import StixObject, parse_timestamp, references, references_in
from tearline.store.objects import MEMBER, Relation
from tearline.topics.topic import CONTAINERS, keys_of

MARKED = "object_marking_refs"
"""The role in which a marking is named whose meaning stands in a definition of its own."""

SOURCE = "source_chain"
"""The role in which a claim names a source or its report among its `object_refs`."""

_MOST = 100


class Indexed(NamedTuple):
    """One version of an object: its exact bytes, and what is indexed of them.

    `unmarked` is true where the bytes state no marking at all. `version` is the text of
    `modified`, else of `created`; '' where it has neither. `found` are the rules of `categories`
    that find something in it, as bits.
    """

    id: str
    type: str
    raw: bytes
    hash: str
    created_at: int | None
    modified_at: int | None
    revoked: bool
    marking: int
    unmarked: bool
    relations: tuple[Relation, ...]
    references: list[tuple[str, str]]
    keys: list[str]
    version: str
    pap: int = handling.NO_PAP
    confidence: int | None = None
    valid_until: int | None = None
    found: int = 0


def index(each: StixObject) -> Indexed:
    """Take from a parsed object all that is indexed of it."""
    doc = each.doc
    level = marking.marking_of(doc)
    pap = handling.pap_of(doc)
    if level == marking.UNKNOWN and pap != handling.NO_PAP:
        level = marking.marking_of(doc, silent=handling.PAP_OF)
    named = _named(each)
    if each.type == "note" and "extensions" in doc:
        named = _of_claim(doc, named)
    if level == marking.UNKNOWN:
        named = [*named, *((MARKED, other) for other in handling.others_of(doc))]
    return Indexed(
        each.id,
        each.type,
        each.raw,
        canonical.sha256(each.raw),
        each.created_at,
        each.modified_at,
        each.revoked,
        # A level on parts alone leaves the rest open: no rank.
        level if level < 0 or marking.is_marked(doc) else marking.UNKNOWN,
        level == marking.UNMARKED,
        _relations(each),
        named,
        keys_of(doc),
        doc.get("modified", doc.get("created", "")),
        pap,
        _confidence(doc),
        _valid_until(each),
        found_in(doc),
    )


def _confidence(doc: Mapping[str, Any]) -> int | None:
    """The confidence from 0 to 100 (3.2); anything else is none."""
    value = doc.get("confidence")
    if value is None or value.__class__ is not int or not 0 <= value <= _MOST:
        return None
    return int(value)


def _valid_until(each: StixObject) -> int | None:
    """When an indicator ends (4.7); what is no moment has ended already."""
    if each.type != "indicator" or "valid_until" not in each.doc:
        return None
    try:
        return parse_timestamp(each.doc["valid_until"])
    except (InputError, TypeError, AttributeError):
        return 0


def _named(each: StixObject) -> list[tuple[str, str]]:
    """What `references` finds, without the walk where the bytes show that nothing is nested.

    They do where `_ref` stands in them just as often as in the object's own property names, and
    no escape can spell it in another way.
    """
    doc, raw = each.doc, each.raw
    names = [name for name in doc if "_ref" in name]
    if each.spelled or raw.count(b"_ref") != len(names):
        return references(doc)
    found: list[tuple[str, str]] = []
    for name in names:
        value = doc[name]
        if value.__class__ is str and name.endswith("_ref"):
            if "--" in value:
                found.append((name, value))
        elif name != "object_marking_refs":
            found += references_in(name, value)
    return found


def _of_claim(doc: Mapping[str, Any], named: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """What a note names, where it is a claim: on its sources its fate does not hang.

    They are named where they go, and cut away elsewhere; a denial hangs on what it denies.
    """
    sources, denied = fate_of(doc)
    found = [
        (SOURCE if role == "object_refs" and to in sources else role, to) for role, to in named
    ]
    return [*found, ("object_refs", denied)] if denied else found


def _relations(each: StixObject) -> tuple[Relation, ...]:
    doc = each.doc
    if each.type == "relationship":
        kind = doc.get("relationship_type")
        source, target = doc.get("source_ref"), doc.get("target_ref")
        # A relationship that calls itself so holds nothing: only a container has members.
        if kind == MEMBER or not (
            isinstance(kind, str) and isinstance(source, str) and isinstance(target, str)
        ):
            return ()
        return (Relation(each.id, kind, source, target),)
    if each.type in CONTAINERS:
        members = doc.get("object_refs", ())
        return tuple(Relation(each.id, MEMBER, each.id, member) for member in members)
    return ()
