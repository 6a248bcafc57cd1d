"""The observables inside observed data of STIX 2.0, as objects of their own in 2.1.

In 2.0 they stand in a dictionary and name each other by its keys; in 2.1 each has an id that is
computed from what it is (2.9). One that has none, a process say, gets an id made from the id of
the observed data and its key. What marked the observed data marks each of them.
"""

import re
import uuid
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from tearline.errors import InputError
from tearline.stix.canonical import Json
from tearline.stix.marking import LEVEL_OF
from tearline.stix.observable import CONTRIBUTING, observable_id
from tearline.stix.strict import shown

NOTICES = {
    "observables": "observables inside observed data became objects with computed ids and its "
    "markings",
    "renamed": "properties of observables have their names of 2.1, `image_ref` for `binary_ref` "
    "say",
    "image": "the name of a process became the name of its image file",
    "aside": "properties that 2.1 does not have are kept as `x_stix20_…`",
    "hashes": "hashes named `ssdeep` are named `SSDEEP`",
    "twice": "an observable was described in several ways; the first description stays",
}

_RENAMED: dict[str, dict[str, str]] = {
    "directory": {"created": "ctime", "modified": "mtime", "accessed": "atime"},
    "file": {"created": "ctime", "modified": "mtime", "accessed": "atime"},
    "process": {"created": "created_time", "binary_ref": "image_ref"},
    "user-account": {"password_last_changed": "credential_last_changed"},
    "windows-registry-key": {"modified": "modified_time"},
}
_GONE: dict[str, frozenset[str]] = {
    "file": frozenset({"decryption_key", "encryption_algorithm", "is_encrypted"}),
    "process": frozenset({"arguments", "name"}),
}
_GONE_FROM_EXTENSION = {
    "archive-ext": "version",
    "raster-image-ext": "image_compression_algorithm",
    "socket-ext": "protocol_family",
}
_ASIDE = "x_stix20_"
_IMAGE = "\0image of "
_SPACE = uuid.UUID("c1c9a7a8-53b1-5a52-9a0c-8d5f0b9e7d20")
_SELECTOR = re.compile(r"[a-z0-9_-]{3,249}(?:\.(?:\[\d+\]|[a-z0-9_-]{1,250}))*")
_DEEPEST = 32

_Doc = dict[str, Any]


class Observed(NamedTuple):
    """Observed data with references, the observables they name, and codes of notices."""

    observed: _Doc
    observables: tuple[_Doc, ...]
    notices: frozenset[str]


def lift_observables(doc: _Doc) -> Observed:
    """Take the observables out of observed data; InputError for what holds no sound ones."""
    notices = {"observables"}
    inside = _worded(doc, notices)
    ids = _Ids(str(doc["id"]), inside).all()
    lifted = {
        key: {"spec_version": "2.1", **_resolved(each, _in(ids, key)), "id": ids[key]}
        for key, each in inside.items()
    }
    rest = _mark(doc, lifted)
    once: dict[str, _Doc] = {}
    for each in lifted.values():
        if once.setdefault(each["id"], each) != each:
            notices.add("twice")
    observed = {k: v for k, v in doc.items() if k not in {"objects", "granular_markings"}}
    observed["object_refs"] = list(once)
    if rest:
        observed["granular_markings"] = rest
    return Observed(observed, tuple(once.values()), frozenset(notices))


def granular(doc: _Doc) -> list[_Doc]:
    """Return the granular markings of an object of 2.0; InputError unless they are sound."""
    found: Json = doc.get("granular_markings", [])
    if not isinstance(found, list) or not all(map(_is_granular, found)):
        what = "A granular marking is not a marking with selectors."
        raise InputError(what, place="granular_markings")
    return found


def _is_granular(each: Json) -> bool:
    if not isinstance(each, dict) or not isinstance(each.get("marking_ref"), str):
        return False
    selectors = each.get("selectors")
    return isinstance(selectors, list) and all(isinstance(one, str) for one in selectors)


def hashes_renamed(value: Json, notices: set[str]) -> Json:
    """Return a value in which each hash has the name of 2.1."""
    if isinstance(value, list):
        return [hashes_renamed(each, notices) for each in value]
    if not isinstance(value, dict):
        return value
    new = {}
    for name, each in value.items():
        if name.endswith("hashes") and isinstance(each, dict) and "ssdeep" in each:
            notices.add("hashes")
            new[name] = {"SSDEEP" if k == "ssdeep" else k: v for k, v in each.items()}
        else:
            new[name] = hashes_renamed(each, notices)
    return new


# ------------------------------------------------------------------------------------- wording


def _worded(doc: _Doc, notices: set[str]) -> dict[str, _Doc]:
    """Return the observables by key in the words of 2.1, their references still keys."""
    inside = doc.get("objects")
    if not isinstance(inside, dict) or not inside:
        raise InputError("Observed data holds no observables.", place="objects")
    found: dict[str, _Doc] = {}
    for key, each in sorted(inside.items()):  # a server may turn them as it likes
        if not isinstance(each, dict) or not isinstance(each.get("type"), str):
            raise InputError("An observable has no type.", place=_place(key))
        found[key] = _one_worded(hashes_renamed(each, notices), notices)
    for key in list(found):
        _name_image(key, found, inside[key].get("name"), notices)
    return found


def _one_worded(each: _Doc, notices: set[str]) -> _Doc:
    kind = each["type"]
    renamed, gone = _RENAMED.get(kind, {}), _GONE.get(kind, frozenset())
    new: _Doc = {}
    for name, value in each.items():
        if value == {}:
            continue  # 2.0 allowed a dictionary that says nothing
        if name in gone:
            notices.add("aside")
            new[_ASIDE + name] = value
        elif name == "extensions" and isinstance(value, dict):
            new |= _extensions(value, notices)
        else:
            new[renamed.get(name, name)] = value
    if renamed.keys() & each.keys():
        notices.add("renamed")
    return new


def _extensions(value: _Doc, notices: set[str]) -> _Doc:
    new, aside = dict(value), {}
    for name, gone in _GONE_FROM_EXTENSION.items():
        if isinstance(each := new.get(name), dict) and gone in each:
            notices.add("aside")
            aside[_ASIDE + gone] = each[gone]
            new[name] = {k: v for k, v in each.items() if k != gone}
    http = new.get("http-request-ext")
    if isinstance(http, dict) and isinstance(header := http.get("request_header"), dict):
        lists = {k: v if isinstance(v, list) else [v] for k, v in header.items()}
        new["http-request-ext"] = {**http, "request_header": lists}
    said = {name: each for name, each in new.items() if each != {}}
    return {"extensions": said, **aside} if said else aside


def _name_image(key: str, found: dict[str, _Doc], name: Json, notices: set[str]) -> None:
    """Let the name of a process be that of its image, where that says all of it."""
    each = found[key]
    if each["type"] != "process" or name is None:
        return
    if "image_ref" not in each:
        notices.add("image")
        each["image_ref"] = _IMAGE + key
        found[_IMAGE + key] = {"type": "file", "name": name}
    elif found.get(each["image_ref"], {}).get("name") != name:
        return
    del each[f"{_ASIDE}name"]


# ----------------------------------------------------------------------------- ids, references


class _Ids:
    """Finds the id of each observable, those first that others are computed from."""

    def __init__(self, owner: str, inside: dict[str, _Doc]) -> None:
        self._owner = owner
        self._inside = inside
        self._ids: dict[str, str] = {}

    def all(self) -> dict[str, str]:
        for key in self._inside:
            self._find(key, ())
        return self._ids

    def _find(self, key: str, above: tuple[str, ...]) -> str:
        if (known := self._ids.get(key)) is not None:
            return known
        if key not in self._inside:
            what = f"It refers to {shown(key)}, which is not among its objects."
            raise InputError(what, place=_place(above[-1] if above else key))
        if key in above or len(above) > _DEEPEST:
            raise InputError("Observables refer to each other in a circle.", place=_place(key))
        each = self._inside[key]
        part = {k: v for k, v in each.items() if k in CONTRIBUTING.get(each["type"], ())}
        named = _resolved(part, lambda target: self._find(target, (*above, key)))
        computed = observable_id({"type": each["type"], **named})
        made = f"{each['type']}--{uuid.uuid5(_SPACE, f'{self._owner} {key}')}"
        self._ids[key] = computed or made
        return self._ids[key]


def _in(ids: dict[str, str], key: str) -> Callable[[str], str]:
    def find(target: str) -> str:
        if target not in ids:
            what = f"It refers to {shown(target)}, which is not among its objects."
            raise InputError(what, place=_place(key))
        return ids[target]

    return find


def _resolved(value: Json, find: Callable[[str], str]) -> Json:
    """Return a value in which each reference is an id, at any depth."""
    if isinstance(value, list):
        return [_resolved(each, find) for each in value]
    if not isinstance(value, dict):
        return value
    return {name: _reference(name, each, find) for name, each in value.items()}


def _reference(name: str, value: Json, find: Callable[[str], str]) -> Json:
    if name.endswith("_ref") and isinstance(value, str):
        return find(value)
    if name.endswith("_refs") and isinstance(value, list):
        return [find(each) if isinstance(each, str) else each for each in value]
    return _resolved(value, find)


# ------------------------------------------------------------------------------------ markings


def _mark(doc: _Doc, lifted: dict[str, _Doc]) -> list[_Doc]:
    """Mark each observable as the observed data marked it; return the markings that stay there."""
    whole: dict[str, list[str]] = {key: [] for key in lifted}
    parts: dict[str, list[_Doc]] = {key: [] for key in lifted}
    rest = []
    for marking in granular(doc):
        stay = []
        for selector in marking["selectors"]:
            if selector.partition(".")[0] != "objects":
                stay.append(selector)
            for key, part in _selected(selector, lifted):
                if part:
                    one = {"marking_ref": marking["marking_ref"], "selectors": [part]}
                    parts[key].append(one)
                else:
                    whole[key].append(marking["marking_ref"])
        if stay:
            rest.append({**marking, "selectors": stay})
    for key, each in lifted.items():
        if refs := _strictest_refs([*_refs(doc), *whole[key]]):
            each["object_marking_refs"] = refs
        if parts[key]:
            each["granular_markings"] = parts[key]
    return rest


def _selected(selector: str, lifted: dict[str, _Doc]) -> Iterator[tuple[str, str]]:
    """Yield the key of each observable that a selector means, and which part, '' for all of it."""
    first, _, below = selector.partition(".")
    if first != "objects":
        return
    if not below:
        yield from ((key, "") for key in lifted)
        return
    key, _, part = below.partition(".")
    if key not in lifted:
        what = "A granular marking selects what is not there."
        raise InputError(what, place="granular_markings")
    name, _, more = part.partition(".")
    new = _RENAMED.get(lifted[key]["type"], {}).get(name, name) + (f".{more}" if more else "")
    # What stands elsewhere now, or cannot be selected in 2.1, marks the whole: never less.
    found = part and _SELECTOR.fullmatch(new) and _stands(new, lifted[key])
    yield key, new if found else ""
    if not found and _IMAGE + key in lifted:
        yield _IMAGE + key, ""


def _stands(selector: str, each: Json) -> bool:
    """Whether a selector selects something in an object."""
    for step in selector.split("."):
        if step.startswith("["):
            place = int(step[1:-1])
            if not isinstance(each, list) or place >= len(each):
                return False
            each = each[place]
        elif isinstance(each, dict) and step in each:
            each = each[step]
        else:
            return False
    return True


def _refs(doc: _Doc) -> list[str]:
    found = doc.get("object_marking_refs", [])
    if not isinstance(found, list) or not all(isinstance(each, str) for each in found):
        raise InputError("Markings are not a list of ids.", place="object_marking_refs")
    return found


def _strictest_refs(refs: list[str]) -> list[str]:
    """Keep the strictest TLP level of several, and every other marking."""
    levels = [LEVEL_OF[each] for each in refs if each in LEVEL_OF]
    kept = [each for each in refs if each not in LEVEL_OF or LEVEL_OF[each] == max(levels)]
    return list(dict.fromkeys(kept))


def _place(key: str) -> str:
    return f"objects.{shown(key.removeprefix(_IMAGE))}"
