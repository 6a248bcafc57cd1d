"""The cut: what is removed or replaced before release. Pure.

An object that needs no cut goes out byte for byte. A cut version loses the fields that the clause
removes and the references to what does not go; references to other cut versions are rewritten.
Any changed byte gives a derived identifier, which cannot be tied to the original without our
secret; observables get the id that the standard computes.
"""

import hmac
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from fnmatch import fnmatchcase
from hashlib import sha256
from typing import Any, TypeAlias

import orjson

from tearline.provenance.claims import EXTENSION, told
from tearline.stix.check import required_properties
from tearline.stix.marking import LEVEL_OF, marking_ref
from tearline.stix.objects import is_observable, observable_id
from tearline.stix.timestamp import format_timestamp

Deliver: TypeAlias = Callable[[str], str | None]
"""The id under which an object goes to this partner, or None where it does not go."""

KEPT = frozenset({"type", "id", "spec_version", "created", "modified", "object_marking_refs"})
"""Properties that no clause can remove."""

_MARKING_REFS = frozenset({"object_marking_refs", "granular_markings"})


def cut(
    doc: Mapping[str, Any],
    remove: Iterable[str],
    deliver: Deliver,
    *,
    naming: Collection[str] | None = None,
) -> dict[str, Any] | None:
    """The object below the tear line, still under its own id; None where nothing is cut.

    `remove` holds property names, a `*` at the end standing for any rest. `naming` is what the
    function of that name says of the object, where it is known already.
    """
    patterns = tuple(remove)
    names = naming_in(doc) if naming is None else naming
    result: dict[str, Any] = {}
    changed = False
    for name, value in doc.items():
        if patterns and name not in KEPT and any(fnmatchcase(name, each) for each in patterns):
            changed = True
        elif name not in names:
            result[name] = value
        elif (new := _cut_value(name, _told(name, value, deliver), deliver)) is _GONE:
            changed = True
        else:
            result[name] = new
            changed = changed or new != value
    return _reselect(doc, result, deliver) if changed else None


def naming_in(doc: Mapping[str, Any]) -> tuple[str, ...]:
    """The properties of an object that may name another, at any depth: all that `cut` rewrites."""
    return tuple(
        name for name, value in doc.items() if name not in _MARKING_REFS and _names(name, value)
    )


def _names(name: str, value: object) -> bool:
    if name.endswith(("_ref", "_refs")):
        return True
    if isinstance(value, dict):
        return any(_names(key, each) for key, each in value.items())
    return isinstance(value, list) and any(_names("", each) for each in value)


def marked(doc: Mapping[str, Any], level: int) -> dict[str, Any]:
    """The object with another TLP level for all of it; what is no level among its markings stays.

    A receiver without a node reads no slip, so what we say of an object has to stand in its bytes.
    """
    given = doc.get("object_marking_refs")
    refs = [each for each in given if each not in LEVEL_OF] if isinstance(given, list) else []
    return {**doc, "object_marking_refs": [*refs, marking_ref(level)]}


def bare(doc: Mapping[str, Any], deliver: Deliver) -> dict[str, Any] | None:
    """The bare revoked object: what the standard requires of its type, and that it is revoked.

    None where a required reference cannot be given.
    """
    wanted = _bare_properties(doc)
    short = {name: value for name, value in doc.items() if name in wanted}
    result = cut(short, (), deliver) or short
    return result if required_properties(doc["type"]) <= result.keys() else None


def withdrawn(
    doc: Mapping[str, Any], named: Callable[[str], bool], at: int
) -> dict[str, Any] | None:
    """A revoked version that says nothing but that the object of this id is withdrawn.

    For an id that we derived: nobody else can revoke it. What the standard requires of the type is
    filled with words that mean nothing, references are kept where they may be `named`. None where
    that makes no object of the type: then it only leaves the collection. `at` is the moment.
    """
    if is_observable(doc["type"]):
        return None
    kept = {name: doc[name] for name in _IDENTITY if name in doc}
    result = {**kept, "modified": format_timestamp(at), "revoked": True}
    for name in required_properties(doc["type"]) - result.keys():
        value = _hollow(name, doc, named)
        if value is _GONE:
            return None
        result[name] = value
    return result


_IDENTITY = ("type", "spec_version", "id", "created", "object_marking_refs")
_HOLLOW: Mapping[str, Any] = {
    "content": "Withdrawn",
    "context": "unspecified",
    "is_family": False,
    "name": "Withdrawn",
    "number_observed": 1,
    "opinion": "neutral",
    "pattern": "[x-withdrawn:value = 'withdrawn']",
    "pattern_type": "stix",
    "product": "withdrawn",
    "relationship_type": "related-to",
}
_MOMENTS = frozenset({"first_observed", "last_observed", "published", "valid_from"})


def _hollow(name: str, doc: Mapping[str, Any], named: Callable[[str], bool]) -> object:
    """What stands for a required property of a withdrawn object."""
    if name in _MOMENTS:
        return doc.get("created", _GONE)
    if name.endswith(("_ref", "_refs")):
        return _cut_value(name, doc.get(name), lambda each: each if named(each) else None)
    return _HOLLOW.get(name, _GONE)


def is_bare(doc: Mapping[str, Any]) -> bool:
    """Whether a revoked object says no more than a bare one does."""
    return doc.get("revoked") is True and doc.keys() <= _bare_properties(doc)


def _bare_properties(doc: Mapping[str, Any]) -> frozenset[str]:
    return required_properties(doc["type"]) | _IN_SOME_CASES.get(doc["type"], _NONE) | _REVOKED


_REVOKED = KEPT | {"revoked"}
_NONE: frozenset[str] = frozenset()
_IN_SOME_CASES: Mapping[str, frozenset[str]] = {
    "location": frozenset({"region", "country", "latitude", "longitude"}),
    "malware": frozenset({"name"}),
    "observed-data": frozenset({"object_refs"}),
}
"""What the standard demands of a type not always: one of these, or this of a family."""


class Pseudonyms:
    """Makes the ids of cut versions under one agreement, and the words for what is not named.

    A keyed pseudonym in the form of a version-4 UUID: the same for all versions of an agreement,
    different for every agreement.
    """

    def __init__(self, secret: bytes, agreement_id: str) -> None:
        """Begin with what is the same for all objects."""
        self._begun = hmac.new(secret, f"tearline/derived/1\n{agreement_id}\n".encode(), sha256)
        self._sources = hmac.new(secret, b"tearline/origin/1\n", sha256)
        self._words = hmac.new(secret, f"tearline/pseudonym/1\n{agreement_id}\n".encode(), sha256)

    def of(self, original: str) -> str:
        """The derived id of an object."""
        return _formed(self._begun, original)

    def source(self, original: str) -> str:
        """The pseudonym of a source that a claim names: the same under every agreement of ours."""
        return _formed(self._sources, original)

    def word(self, text: str) -> str:
        """What stands in the place of a text: 16 hex digits."""
        made = self._words.copy()
        made.update(text.encode())
        return made.hexdigest()[:16]


def _formed(begun: hmac.HMAC, original: str) -> str:
    made = begun.copy()
    made.update(original.encode())
    number = int.from_bytes(made.digest()[:16]) & _NO_FORM | _FORM_4
    text = f"{number:032x}"
    form = f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
    return f"{original.partition('--')[0]}--{form}"


_FORM_4 = 0x4 << 76 | 0x2 << 62
"""Version 4 and the variant of RFC 4122."""
_NO_FORM = ~(0xF << 76 | 0x3 << 62)


def derived_id(secret: bytes, agreement_id: str, original: str) -> str:
    """The id of a cut version."""
    return Pseudonyms(secret, agreement_id).of(original)


def source_pseudonym(secret: bytes, original: str) -> str:
    """The pseudonym of a source, whichever agreement it goes under."""
    return Pseudonyms(secret, "").source(original)


def identified(doc: dict[str, Any], derived: str) -> dict[str, Any]:
    """Give a cut version its id: the derived one, or for observables what the standard computes."""
    if is_observable(doc["type"]):
        return {**doc, "id": observable_id(doc) or derived}
    return {**doc, "id": derived}


def with_modified(doc: Mapping[str, Any], at: int) -> dict[str, Any]:
    """The cut version as of a moment; types without `modified` are left as they are."""
    return {**doc, "modified": format_timestamp(at)} if "modified" in doc else dict(doc)


def basis(doc: Mapping[str, Any]) -> str:
    """What two cut versions share when only their `modified` differs."""
    rest = dict(doc)
    rest.pop("modified", None)
    return "cut:" + sha256(orjson.dumps(rest)).hexdigest()


def encode(doc: Mapping[str, Any]) -> bytes:
    """The bytes of a cut version, which from then on are never encoded again."""
    return orjson.dumps(doc)


class _Gone:
    """Stands for a value that does not go."""


_GONE = _Gone()


def _told(name: str, value: object, deliver: Deliver) -> object:
    """The value without what a claim says of sources that do not go."""
    if name != "extensions" or not isinstance(value, dict) or EXTENSION not in value:
        return value
    extension = value[EXTENSION]
    if not isinstance(extension, dict):
        return value
    return {**value, EXTENSION: told(extension, lambda each: deliver(each) is not None)}


def _cut_value(name: str, value: object, deliver: Deliver) -> object:
    if isinstance(value, str) and name.endswith("_ref"):
        new = deliver(value)
        return _GONE if new is None else new
    if isinstance(value, list) and name.endswith("_refs"):
        listed = [
            deliver(each) if isinstance(each, str) else _cut_value("", each, deliver)
            for each in value
        ]
        return [each for each in listed if each is not None] or _GONE
    if isinstance(value, dict):
        pairs = ((key, _cut_value(key, each, deliver)) for key, each in value.items())
        return _unsealed(value, {key: each for key, each in pairs if each is not _GONE})
    if isinstance(value, list):
        return [_cut_value("", each, deliver) for each in value]
    return value


def _unsealed(before: Mapping[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    """Without the hash of what goes under another id, and the signature that is over it.

    Who guesses what was cut could see by them that the guess is right.
    """
    gone = {
        f"{key.removesuffix('_ref')}_hash"
        for key, each in before.items()
        if key.endswith("_ref") and after.get(key) != each
    }
    if gone.isdisjoint(after):
        return after
    return {key: each for key, each in after.items() if key not in gone and key != "signature"}


def _reselect(before: Mapping[str, Any], after: dict[str, Any], deliver: Deliver) -> dict[str, Any]:
    """Recompute granular markings: selectors follow what moved, and end with what is gone."""
    granular = before.get("granular_markings")
    if not isinstance(granular, list):
        return after
    kept = []
    for each in granular:
        found = (_moved(old, before, after, deliver) for old in each.get("selectors", ()))
        selectors = [new for new in found if new is not None]
        if selectors:
            kept.append({**each, "selectors": selectors})
    rest = {name: value for name, value in after.items() if name != "granular_markings"}
    return {**rest, "granular_markings": kept} if kept else rest


_INDEX = re.compile(r"\[(\d+)\]", re.ASCII)


def _moved(
    selector: str, before: Mapping[str, Any], after: Mapping[str, Any], deliver: Deliver
) -> str | None:
    """A selector in the cut version: the same, with other list indexes, or none.

    Lists keep their order and their length, but for references to what does not go.
    """
    old: Any = before
    new: Any = after
    name, steps = "", []
    for step in selector.split("."):
        index = _INDEX.fullmatch(step)
        if index is None:
            if not (isinstance(old, dict) and isinstance(new, dict) and step in old.keys() & new):
                return None
            old, new, name = old[step], new[step], step
            steps.append(step)
            continue
        if not (isinstance(old, list) and isinstance(new, list)):
            return None
        kept = [at for at, each in enumerate(old) if not _goes_out(name, each, deliver)]
        if int(index[1]) not in kept:
            return None
        at = kept.index(int(index[1]))
        old, new, name = old[int(index[1])], new[at], ""
        steps.append(f"[{at}]")
    return ".".join(steps)


def _goes_out(name: str, each: object, deliver: Deliver) -> bool:
    return name.endswith("_refs") and isinstance(each, str) and deliver(each) is None


def shape_selectors(before: Mapping[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    """Recompute the granular markings of an object that lost properties, and no references."""
    return _reselect(before, after, lambda each: each)
