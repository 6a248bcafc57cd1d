"""Categories of what only people let go, and the rules that find them in an object. Pure.

What is found is a whole number with a bit for each rule. Logged decisions hold it, so a rule keeps
its place for good: a new one comes last. An agreement can add to each category, never take away.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from tearline.agreement.document import CATEGORIES, Category, CategoryId, covers
from tearline.topics.topic import keys_for, keys_of


class Rule(NamedTuple):
    """One rule: its category, what it finds in words, and the properties that it goes by.

    A clause that removes all of `by` settles it: what goes shows it no more. With `gone`, it
    counts only where a clause removes that property, which would make the object look like one.
    """

    category: CategoryId
    text: str
    by: frozenset[str] = frozenset()
    gone: str = ""


_PLACE = frozenset({"latitude", "longitude", "city", "street_address", "postal_code"})
_SANDBOX = frozenset(
    {
        "host_vm_ref",
        "operating_system_ref",
        "installed_software_refs",
        "configuration_version",
        "modules",
    }
)
_INDIVIDUAL, _CONTACT, _ACCOUNT, _MESSAGE, _MAILBOX = range(1, 6)
_AUTHORS, _SYSTEM, _SANDBOXED, _RUNNING, _ENDED, _INCIDENT = range(6, 12)
_PLACED, _CONTENT, _CREDENTIAL, _UNPUBLISHED, _PUBLISHED = range(12, 17)
RULES: tuple[Rule, ...] = (
    Rule("victim", "who is targeted, or where something was sighted, or what says so"),
    Rule("personal-data", "an identity of class individual"),
    Rule(
        "personal-data",
        "an identity with contact_information",
        frozenset({"contact_information"}),
    ),
    Rule("personal-data", "a user-account"),
    Rule("personal-data", "an email-message"),
    Rule(
        "personal-data",
        "an email-addr with display_name or belongs_to_ref",
        frozenset({"display_name", "belongs_to_ref"}),
    ),
    Rule("source", "a note or an opinion with authors", frozenset({"authors"})),
    Rule("source", "an identity of class system"),
    Rule("source", "a malware-analysis that shows what it ran in", _SANDBOX),
    Rule(
        "live-operation",
        "a campaign with first_seen and no last_seen",
        frozenset({"first_seen"}),
    ),
    Rule(
        "live-operation",
        "a campaign whose last_seen the clause removes",
        frozenset({"first_seen"}),
        gone="last_seen",
    ),
    Rule("live-operation", "an incident: it cannot say that it is over"),
    Rule("precise-location", "a location that says more than region, country and area", _PLACE),
    Rule("harm", "an artifact, which is content or where to get it"),
    Rule("harm", "a user-account with credential", frozenset({"credential"})),
    Rule("harm", "a vulnerability without a CVE id"),
    Rule(
        "harm",
        "a vulnerability whose CVE id the clause removes",
        gone="external_references",
    ),
)
"""The rules that hold under every agreement, each in its place."""

_KINDS = ("types", "properties", "labels")
_OWN = len(CATEGORIES) * len(_KINDS)
"""The lowest bits are for what agreements add: three for each category."""

VICTIM = 1 << _OWN
"""The bit of the one rule that is not found in the object itself but in what is tied to it."""

_CVE = re.compile(r"\bCVE-\d{4}-\d{4,}\b", re.ASCII | re.IGNORECASE)


def _bit(place: int) -> int:
    return 1 << _OWN + place


def _identity(doc: Mapping[str, Any]) -> int:
    found = _bit(_INDIVIDUAL) if doc.get("identity_class") == "individual" else 0
    found |= _bit(_SYSTEM) if doc.get("identity_class") == "system" else 0
    return found | (_bit(_CONTACT) if "contact_information" in doc else 0)


def _user_account(doc: Mapping[str, Any]) -> int:
    return _bit(_ACCOUNT) | (_bit(_CREDENTIAL) if "credential" in doc else 0)


def _mailbox(doc: Mapping[str, Any]) -> int:
    return 0 if RULES[_MAILBOX].by.isdisjoint(doc) else _bit(_MAILBOX)


def _authored(doc: Mapping[str, Any]) -> int:
    return _bit(_AUTHORS) if "authors" in doc else 0


def _sandboxed(doc: Mapping[str, Any]) -> int:
    return 0 if _SANDBOX.isdisjoint(doc) else _bit(_SANDBOXED)


def _campaign(doc: Mapping[str, Any]) -> int:
    if "first_seen" not in doc:
        return 0
    return _bit(_ENDED) if "last_seen" in doc else _bit(_RUNNING)


def _placed(doc: Mapping[str, Any]) -> int:
    return 0 if _PLACE.isdisjoint(doc) else _bit(_PLACED)


def _vulnerability(doc: Mapping[str, Any]) -> int:
    if _CVE.search(str(doc.get("name", ""))):
        return 0
    listed = doc.get("external_references")
    entries = listed if isinstance(listed, list) else ()
    named = (each.get("external_id") for each in entries if isinstance(each, dict))
    published = any(_CVE.fullmatch(each) for each in named if isinstance(each, str))
    return _bit(_PUBLISHED) if published else _bit(_UNPUBLISHED)


def _observed(doc: Mapping[str, Any]) -> int:
    found = 0
    for each in embedded(doc):
        found |= found_in(each)
    return found


_FINDERS: Mapping[str, Callable[[Mapping[str, Any]], int]] = {
    "artifact": lambda _: _bit(_CONTENT),
    "campaign": _campaign,
    "email-addr": _mailbox,
    "email-message": lambda _: _bit(_MESSAGE),
    "identity": _identity,
    "incident": lambda _: _bit(_INCIDENT),
    "location": _placed,
    "malware-analysis": _sandboxed,
    "note": _authored,
    "observed-data": _observed,
    "opinion": _authored,
    "user-account": _user_account,
    "vulnerability": _vulnerability,
}


def found_in(doc: Mapping[str, Any]) -> int:
    """The rules that find something in an object by itself, whatever the agreement."""
    finder = _FINDERS.get(doc["type"])
    return 0 if finder is None else finder(doc)


def embedded(doc: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The observables that an observed-data holds within itself, in its old form."""
    held = doc.get("objects")
    if doc.get("type") != "observed-data" or not isinstance(held, dict):
        return []
    return [each for each in held.values() if isinstance(each, dict) and _typed(each)]


def _typed(doc: Mapping[str, Any]) -> bool:
    return isinstance(doc.get("type"), str)


def added_in(added: Iterable[Category], doc: Mapping[str, Any]) -> int:
    """What an agreement's own lines find in an object, and in what it holds within itself."""
    found = 0
    for each in (doc, *embedded(doc)):
        for line in added:
            place = 1 << len(_KINDS) * CATEGORIES.index(line.id)
            if each["type"] in line.types:
                found |= place
            if any(covers(given, name) for given in line.properties for name in each):
                found |= place << 1
            if line.labels and keys_for(labels=line.labels) & set(keys_of(each)):
                found |= place << 2
    return found


def rules_of_category(category: CategoryId) -> int:
    """The bits of a category: those of every rule, and those of what agreements add."""
    return _BITS[category]


def settled(added: Iterable[Category], remove: Iterable[str], *, coarse_places: bool) -> int:
    """The rules that do not count under a clause: what it cuts off is all that they go by."""
    cut = tuple(remove)
    found = 0
    for place, rule in enumerate(RULES):
        gone = bool(rule.gone) and not _all_cut({rule.gone}, cut)
        if gone or _all_cut(rule.by, cut) or (coarse_places and rule.by is _PLACE):
            found |= _bit(place)
    for line in added:
        place = 1 << len(_KINDS) * CATEGORIES.index(line.id)
        found |= place << 1 if _all_cut(line.properties, cut) else 0
        found |= place << 2 if _all_cut({"labels"}, cut) else 0
    return found


def _all_cut(names: Iterable[str], remove: tuple[str, ...]) -> bool:
    listed = list(names)
    return bool(listed) and all(any(covers(cut, name) for cut in remove) for name in listed)


def words(found: int) -> str:
    """What was found, in words: by which rules."""
    said = [rule.text for place, rule in enumerate(RULES) if found & _bit(place)]
    said += [
        f"one of the {_KINDS[place % len(_KINDS)]} that the agreement adds"
        for place in range(_OWN)
        if found & 1 << place
    ]
    return "; ".join(said)


def _bits_of(category: CategoryId) -> int:
    own = (1 << len(_KINDS)) - 1 << len(_KINDS) * CATEGORIES.index(category)
    return own | sum(_bit(at) for at, rule in enumerate(RULES) if rule.category == category)


_BITS: Mapping[CategoryId, int] = {each: _bits_of(each) for each in CATEGORIES}
