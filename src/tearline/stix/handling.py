"""What markings other than TLP demand: PAP, IEP 2.0 and statements. Pure.

PAP has fixed ids (the PAP extension of OASIS' common objects); MISP writes it as a label or as a
statement, OpenCTI as a property of its own. All else stands in a marking-definition, which is read
into one line of text, its *meaning*: `PAP:AMBER`, `IEP …` or `statement …`. A definition whose
meaning is not known, or that is not held, leaves what it marks without one.
"""

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from tearline.errors import InputError
from tearline.stix.marking import (
    CONTRADICTORY,
    LEVEL_OF,
    UNKNOWN,
    is_marked,
    marking_of,
    parse_level,
    strictest,
)
from tearline.stix.strict import shown

NO_PAP: Final = -1
"""No PAP level at all."""

_PREFIX = "marking-definition--"
PAP_OF: Final = {
    f"{_PREFIX}ad15a0cd-55b6-4588-a14c-a66105329b92": 0,
    f"{_PREFIX}a3bea94c-b469-41dc-9cfe-d6e7daba7730": 0,
    f"{_PREFIX}c43594d1-4b11-4c59-93ab-1c9b14d53ce9": 1,
    f"{_PREFIX}60f8932b-e51e-4458-b265-a2e8be9a80ab": 2,
    f"{_PREFIX}740d36e5-7714-4c30-961a-3ae632ceee0e": 3,
}
"""The PAP level of each predefined marking; CLEAR was called WHITE once."""

_PAP_NAMES = ("PAP:CLEAR", "PAP:GREEN", "PAP:AMBER", "PAP:RED")
_PAP_LEVELS = {name: level for level, name in enumerate(_PAP_NAMES)} | {"PAP:WHITE": 0}
_PAP_EXTENSION = "extension-definition--f8d78575-edfd-406e-8e84-6162a8450f5b"
_IEP_EXTENSION = "extension-definition--762e2e97-ee51-43e5-a9ea-165fbb862c4a"
_PREDEFINED = LEVEL_OF.keys() | PAP_OF.keys()
_LONGEST = 500


class Handling(NamedTuple):
    """What all markings of one object demand together, TLP and the others.

    `level` is as in `stix.marking`, `pap` from 0 to 3, NO_PAP or CONTRADICTORY; `statements` are
    compared as `plain` has them, `iep` are the ids of policies.
    """

    level: int
    pap: int = NO_PAP
    statements: tuple[str, ...] = ()
    iep: tuple[str, ...] = ()


def parse_pap(text: str) -> int:
    """Return the level of a PAP label, `PAP:WHITE` included, whatever its case."""
    try:
        return _PAP_LEVELS[text.strip().upper()]
    except KeyError:
        raise InputError(f"{shown(text)} is no PAP level.") from None


def pap_name(level: int) -> str:
    """Return the PAP label of a level, or words for a level beneath 0."""
    if level == NO_PAP:
        return "no PAP"
    return "contradictory PAP levels" if level < 0 else _PAP_NAMES[level]


def plain(text: str) -> str:
    """A statement as it is compared: NFKC, casefolded, runs of white space as one blank."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def pap_of(doc: Mapping[str, Any]) -> int:
    """The PAP level that an object states by itself, in a predefined marking or a label."""
    if "labels" not in doc and (refs := _for_the_whole(doc)) is not None:
        # Nearly every object.
        return PAP_OF.get(refs[0], NO_PAP) if refs else NO_PAP
    levels = {_PAP_LEVELS[each.upper()] for each in _labels(doc) if each.upper() in _PAP_LEVELS}
    levels |= {PAP_OF[each] for each in _stated(doc) if each in PAP_OF}
    return _one_pap(levels)


def others_of(doc: Mapping[str, Any]) -> list[str]:
    """The markings of an object, and of its parts, whose meaning stands in a definition."""
    refs = _for_the_whole(doc)
    if refs is not None:
        return [] if not refs or refs[0] in _PREDEFINED else [refs[0]]
    return [each for each in dict.fromkeys(_stated(doc)) if each not in _PREDEFINED]


def meaning(doc: Mapping[str, Any]) -> str | None:
    """What a marking-definition says, in one line; None where we cannot tell, or it is long."""
    extensions = doc.get("extensions")
    extensions = extensions if isinstance(extensions, dict) else {}
    if set(extensions) - {_PAP_EXTENSION, _IEP_EXTENSION} or len(extensions) > 1:
        return None
    said: str | None = None
    if _PAP_EXTENSION in extensions:
        said = _of(extensions[_PAP_EXTENSION], "pap")
        said = said and f"PAP:{said}"
    elif _IEP_EXTENSION in extensions:
        return _policy(extensions[_IEP_EXTENSION])
    elif doc.get("x_opencti_definition_type") == "PAP":
        said = _of(doc, "x_opencti_definition")
    elif doc.get("definition_type") == "statement":
        said = _of(doc.get("definition"), "statement")
        if said and said.strip().upper() not in _PAP_LEVELS:
            return f"statement {said}" if len(said) <= _LONGEST else None
    return pap_name(parse_pap(said)) if said and said.strip().upper() in _PAP_LEVELS else None


def handling_of(doc: dict[str, Any], meanings: Mapping[str, str]) -> Handling:
    """What an object's markings demand, where `meanings` has what definitions say.

    A marking without a meaning makes it UNKNOWN, and so does a meaning of no known form. PAP levels
    that differ contradict each other; the TLP level of a policy only makes it stricter.
    """
    own = pap_of(doc)
    level = marking_of(doc, silent=meanings.keys() | PAP_OF.keys())
    if level >= 0 and not is_marked(doc):
        level = UNKNOWN
    papas = set() if own == NO_PAP else {own}
    statements, policies = set(), set()
    for each in others_of(doc):
        kind, _, rest = meanings.get(each, "").partition(" ")
        if kind in _PAP_LEVELS:
            papas.add(_PAP_LEVELS[kind])
        elif kind == "statement" and rest:
            statements.add(plain(rest))
        elif kind == "IEP" and rest:
            policy, _, tlp = rest.rpartition(" ")
            policies.add(policy)
            level = _with_policy(level, tlp)
        else:
            level = UNKNOWN
    pap = CONTRADICTORY if CONTRADICTORY in papas else _one_pap(papas)
    return Handling(level, pap, tuple(sorted(statements)), tuple(sorted(policies)))


def _with_policy(level: int, tlp: str) -> int:
    try:
        claimed = parse_level(tlp)
    except InputError:
        return UNKNOWN
    return strictest(level, claimed) if level >= 0 else level


def _policy(stated: object) -> str | None:
    """An IEP by its id and TLP; one that begins or ends at a moment, or has no TLP, says nothing.

    The default of IEP is no limit; we take what is not said for a thing that we do not know.
    """
    policy, tlp = _of(stated, "iep_id"), _of(stated, "tlp")
    dated = isinstance(stated, dict) and bool(stated.get("start_date") or stated.get("end_date"))
    if not policy or not tlp or dated or any(each.isspace() for each in policy + tlp):
        return None
    return f"IEP {policy} TLP:{tlp.upper()}" if len(policy) <= _LONGEST else None


def _one_pap(levels: Iterable[int]) -> int:
    found = set(levels)
    if not found:
        return NO_PAP
    return found.pop() if len(found) == 1 else CONTRADICTORY


def _for_the_whole(doc: Mapping[str, Any]) -> Sequence[str] | None:
    """The one marking of an object that has one at most, none of them on a part; else None."""
    if "granular_markings" in doc or "objects" in doc:
        return None
    refs = doc.get("object_marking_refs", ())
    if refs.__class__ is list and len(refs) == 1 and refs[0].__class__ is str:
        return refs
    return () if "object_marking_refs" not in doc else None


def _stated(doc: Mapping[str, Any]) -> list[str]:
    """The ids of all markings, of the object, its parts and the observables inside."""
    refs = doc.get("object_marking_refs")
    found = [each for each in (refs if isinstance(refs, list) else ()) if isinstance(each, str)]
    granular = doc.get("granular_markings")
    parts = [each for each in (granular if isinstance(granular, list) else ()) if _is_map(each)]
    found += [ref for each in parts if isinstance(ref := each.get("marking_ref"), str)]
    inside = doc.get("objects")
    for each in inside.values() if isinstance(inside, dict) else ():
        if isinstance(each, dict):
            found += _stated(each)
    return found


def _is_map(value: object) -> bool:
    return isinstance(value, dict)


def _labels(doc: Mapping[str, Any]) -> list[str]:
    labels = doc.get("labels")
    return [each for each in labels if isinstance(each, str)] if isinstance(labels, list) else []


def _of(value: object, name: str) -> str | None:
    found = value.get(name) if isinstance(value, dict) else None
    return found if isinstance(found, str) and found else None
