"""One STIX object, read strictly from its exact bytes.

What others need of the room is named here too: `split_bundle` and `Limits` (bundle), `KNOWN_TYPES`
and `observable_id` (observable), `parse_timestamp` and `format_timestamp` (timestamp).
"""

import re
from typing import Any

import msgspec

from tearline.errors import InputError
from tearline.stix.bundle import DEFAULT, Limits, split_bundle
from tearline.stix.canonical import Json
from tearline.stix.observable import (
    DOMAIN_TYPES,
    KNOWN_TYPES,
    META_TYPES,
    OBSERVABLE_TYPES,
    RELATIONSHIP_TYPES,
    is_observable,
    observable_id,
)
from tearline.stix.strict import collector_paused, parse_strict, shown
from tearline.stix.timestamp import TIMESTAMP, format_timestamp, parse_timestamp

__all__ = [
    "DEFAULT",
    "DOMAIN_TYPES",
    "IDENTIFIER",
    "KNOWN_TYPES",
    "META_TYPES",
    "OBSERVABLE_TYPES",
    "RELATIONSHIP_TYPES",
    "TIMESTAMP",
    "Limits",
    "StixObject",
    "collector_paused",
    "format_timestamp",
    "is_observable",
    "observable_id",
    "parse_timestamp",
    "read",
    "references",
    "references_in",
    "split_bundle",
]

IDENTIFIER = re.compile(
    r"([a-z][a-z0-9]*(?:-[a-z0-9]+)*)--"
    r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[1-5][0-9a-fA-F]{3}-[89abAB][0-9a-fA-F]{3}-[0-9a-fA-F]{12}"
)
"""The form of an id (section 2.9, RFC 4122); group 1 is the type. Use `fullmatch`."""

_TYPE = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*")
_TYPE_LENGTHS = range(3, 251)


class StixObject(msgspec.Struct, frozen=True):
    """One version of an object: the exact bytes that came, and what they say."""

    raw: bytes
    doc: dict[str, Any]
    id: str
    type: str
    created_at: int | None
    modified_at: int | None
    revoked: bool
    spelled: bool = True
    """Whether the bytes may spell a character by its number."""


def read(raw: bytes, limits: Limits = DEFAULT) -> StixObject:
    """Read one slice; InputError, with the place in it, for everything that is not sound.

    Refused: duplicate members at any depth, NaN and Infinity, whole numbers beyond 2^53-1, bytes
    that are not UTF-8, nesting and size beyond the limits, an id or type of the wrong form (2.9),
    timestamps of the wrong form (3.12), `revoked` that is not a truth value, U+0000 in what objects
    are found by.
    """
    if len(raw) > limits.max_object_bytes:
        raise InputError(
            f"The object has {len(raw)} bytes; the limit is {limits.max_object_bytes}.",
            do="Raise TEARLINE_MAX_OBJECT_BYTES if it must be so large.",
        )
    doc = parse_strict(raw, max_depth=limits.max_depth)
    if not isinstance(doc, dict):
        raise InputError("A STIX object is a JSON object in braces; this is another value.")
    # The first look is the quicker one, and most bytes have none.
    spelled = b"\\" in raw and b"\\u" in raw
    if spelled and b"\\u0000" in raw:
        _refuse_nul(doc)
    type_ = _type(doc)
    created_at = _moment(doc, "created")
    unmodified = created_at is not None and doc.get("modified") == doc["created"]
    return StixObject(
        raw=raw,
        doc=doc,
        type=type_,
        id=_id(doc, type_),
        created_at=created_at,
        modified_at=created_at if unmodified else _moment(doc, "modified"),
        revoked=_revoked(doc),
        spelled=spelled,
    )


def _type(doc: dict[str, Any]) -> str:
    value = doc.get("type")
    if not isinstance(value, str):
        raise InputError("The object has no 'type' that is a text.", place="type")
    if value == "bundle":
        raise InputError("A bundle cannot be an object of a bundle.", place="type")
    if value in KNOWN_TYPES:
        return value
    if not (len(value) in _TYPE_LENGTHS and _TYPE.fullmatch(value)):
        raise InputError(
            f"{shown(value)} is no type name.", place="type", do="Use a-z, 0-9 and '-' (3 to 250)."
        )
    return value


def _id(doc: dict[str, Any], type_: str) -> str:
    value = doc.get("id")
    if not isinstance(value, str):
        raise InputError("The object has no 'id' that is a text.", place="id")
    match = IDENTIFIER.fullmatch(value)
    if match is None:
        raise InputError(f"{shown(value)} is no STIX id.", place="id", do="Write it type--UUID.")
    if match[1] != type_:
        raise InputError(f"The id {shown(value)} does not begin with the type.", place="id")
    return value


def _moment(doc: dict[str, Any], name: str) -> int | None:
    value = doc.get(name)
    if value is None and name not in doc:
        return None
    if not isinstance(value, str):
        raise InputError("A timestamp is not a text.", place=name)
    try:
        return parse_timestamp(value)
    except InputError as error:
        error.place = name
        raise


def _revoked(doc: dict[str, Any]) -> bool:
    value = doc.get("revoked", False)
    if not isinstance(value, bool):
        raise InputError("'revoked' is neither true nor false.", place="revoked")
    return value


def references(doc: dict[str, Any]) -> list[tuple[str, str]]:
    """Return every reference to another object, as (property path, target id).

    These are the texts of an id's shape in properties that end in `_ref` or `_refs`, at any
    depth; a path names properties only, without the places in lists. Markings are not among
    them: `object_marking_refs` and `granular_markings` are for `marking_of`.
    """
    found: list[tuple[str, str]] = []
    rest: list[tuple[str, Json]] = [("", doc)]
    while rest:
        path, value = rest.pop()
        if isinstance(value, list):
            rest += [(path, item) for item in value if isinstance(item, _NESTING)]
            continue
        for name, below in value.items():
            kind = below.__class__
            if kind is str:
                if name.endswith(_ENDINGS) and "--" in below:
                    found.append((f"{path}{name}", below))
            elif (kind is list or kind is dict) and name not in _MARKINGS:
                found += [(f"{path}{own}", one) for own, one in references_in(name, below)]
                rest.append((f"{path}{name}.", below))
    return found


def references_in(name: str, value: Json) -> list[tuple[str, str]]:
    """Return the references that one property states by itself, without what is nested in it."""
    if name in _MARKINGS or not name.endswith(_ENDINGS):
        return []
    if isinstance(value, str):
        return [(name, value)] if "--" in value else []
    listed = value if isinstance(value, list) else ()
    return [(name, one) for one in listed if isinstance(one, str) and "--" in one]


def _refuse_nul(doc: dict[str, Any]) -> None:
    """Refuse U+0000 in names, labels, kinds, references and property names.

    No store can be trusted with it there: PostgreSQL holds no such text, and programs in C read it
    as the end, so that two names could look like one. In any other text it is kept as it came.
    """
    rest: list[tuple[str, bool, Json]] = [("", False, doc)]
    while rest:
        place, found_by, value = rest.pop()
        if isinstance(value, str) and found_by and "\0" in value:
            raise InputError("The text holds the character U+0000.", place=place)
        if isinstance(value, list):
            rest += [(place, found_by, item) for item in value]
        elif isinstance(value, dict):
            for name, below in value.items():
                if "\0" in name:
                    raise InputError("A property's name holds the character U+0000.", place=place)
                by = name in _FOUND_BY or name.endswith(_ENDINGS)
                rest.append((f"{place}.{name}" if place else name, by, below))


_FOUND_BY = frozenset(
    {"name", "aliases", "x_mitre_aliases", "labels", "relationship_type", "external_id"}
)
_NESTING = (dict, list)
_ENDINGS = ("_ref", "_refs")
_MARKINGS = frozenset({"granular_markings", "object_marking_refs"})
