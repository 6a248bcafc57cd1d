"""Checking objects against the OASIS STIX 2.1 schemas, offline.

The schemas come with the `stix2-validator` package; only its files are read, its code is not
imported. Each type is compiled when it is first met. Open vocabularies are not enforced: the
standard only recommends them.
"""

import json
import re
from functools import cache
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from typing import Any

import jsonschema_rs

from tearline.errors import TearlineError
from tearline.stix.observable import (
    DOMAIN_TYPES,
    KNOWN_TYPES,
    OBSERVABLE_TYPES,
    RELATIONSHIP_TYPES,
)
from tearline.stix.strict import bare

_MOST_PROBLEMS = 3
_LONGEST_MESSAGE = 160
# Never slower than the text is long, whatever a partner writes.
_LINEAR = jsonschema_rs.RegexOptions()
_SCHEMAS = "schemas-2.1/schemas"
_CORE = "common/core.json"
_OBSERVABLE_CORE = "common/cyber-observable-core.json"
_NAMES = "common/properties.json"
_PATTERNS = (
    "^[a-z][a-z0-9_]{0,245}_bin$",
    "^[a-z][a-z0-9_]{0,245}_hex$",
    "^([a-z][a-z0-9_]{2,249})|id$",
)
"""What the schemas match every name of a property with, on every object."""
_KINDS = ["array", "string", "integer", "boolean", "number", "object"]
_VALUES = {"anyOf": [{"type": "array", "minItems": 1}, *({"type": each} for each in _KINDS[1:])]}
"""What they demand of the value where a name matches the last; it says the same as the next."""
_WITH_A_VALUE = {"type": _KINDS, "minItems": 1}
_ONLY_THE_LAST = re.compile(r"(?:id|[a-z][a-z0-9_]{2,248})(?<!_bin)(?<!_hex)")
MOST_PLAIN = 512
_MOST_NAMES = 64


class Checker:
    """Checks objects against the schema of their type; cheap to make."""

    def problems(self, doc: dict[str, Any]) -> list[str]:
        """Return what is wrong, as 'place: message', the first few; empty when all is well.

        Types that are not of the standard are checked against its common properties only.
        Messages name places, property names and rules, never what a property holds.
        """
        try:
            if validator_of(doc).is_valid(doc):
                return []
            found = validator_of(doc, whole=True).iter_errors(doc)
            return [_line(error) for error in islice(found, _MOST_PROBLEMS)]
        except (ValueError, TypeError, RecursionError):
            return ["The object cannot be checked: it is nested too deeply or holds no JSON."]


def required_properties(type: str) -> frozenset[str]:
    """Return the properties that the standard demands of every object of this type.

    What is demanded in one case only is not among them (a file needs a name or a hash). For a
    type that is not of the standard, those of any object.
    """
    return _required(_file_of(type))


def validator_of(doc: dict[str, Any], *, whole: bool = False) -> jsonschema_rs.Draft202012Validator:
    """Return what checks an object: the whole schema of its type, or what is as good for it."""
    file = _FILES.get(doc["type"]) if doc.get("type").__class__ is str else None
    file = file or _schema_for(doc)
    return _short(file) if not whole and has_plain_names(doc) else _validator(file)


def has_plain_names(doc: dict[str, Any]) -> bool:
    """Whether every name of a property matches the last of the schemas' patterns and no other.

    Sets of names that were found plain are remembered, as far as they are short.
    """
    names = tuple(doc)
    if names in PLAIN:
        return True
    if len(names) > _MOST_NAMES or not all(map(_ONLY_THE_LAST.fullmatch, names)):
        return False
    if len(PLAIN) >= MOST_PLAIN:
        PLAIN.clear()
    PLAIN.add(names)
    return True


PLAIN: set[tuple[str, ...]] = set()
"""The sets of names that were found plain, each in the order in which it came."""


def _schema_for(doc: dict[str, Any]) -> str:
    # Custom observables carry neither moment (11.2, 7.3).
    return _OBSERVABLE_CORE if not doc.keys() & {"created", "modified"} else _CORE


def _file_of(type: str) -> str:
    """Return the schema file of a type, relative to the folder of schemas."""
    if type in DOMAIN_TYPES:
        return f"sdos/{type}.json"
    if type in RELATIONSHIP_TYPES:
        return f"sros/{type}.json"
    if type in OBSERVABLE_TYPES:
        return f"observables/{type}.json"
    return f"common/{type}.json" if type in KNOWN_TYPES else _CORE


_FILES = {type: _file_of(type) for type in KNOWN_TYPES}


@cache
def _folder() -> Path:
    """Find the schemas without importing the package, which takes seconds."""
    spec = find_spec("stix2validator")
    folder = Path(spec.origin).parent / _SCHEMAS if spec and spec.origin else None
    if folder is None or not folder.is_dir():
        raise TearlineError(
            "The OASIS STIX 2.1 schemas are missing.",
            means="No object can be checked.",
            do="Install stix2-validator.",
        )
    return folder


@cache
def _schema(file: str) -> dict[str, Any]:
    schema: dict[str, Any] = json.loads((_folder() / file).read_bytes())
    return schema


def _retrieve(uri: str) -> dict[str, Any]:
    """Answer a schema's reference to another from the folder; nothing is fetched."""
    return _schema("/".join(uri.split("/")[-2:]))


@cache
def _validator(file: str) -> jsonschema_rs.Draft202012Validator:
    return _compiled(_schema(file))


@cache
def _short(file: str) -> jsonschema_rs.Draft202012Validator:
    """Return what answers as `_validator` does for objects that have plain names only.

    Half of a check's time is matching the names of an object's own properties with the patterns of
    the schemas. Where it is known what matches, only what follows from it is left to be checked.
    """
    rules = _schema(_NAMES)["patternProperties"]
    if (*rules,) != _PATTERNS or rules[_PATTERNS[-1]] != _VALUES:
        return _validator(file)
    return _compiled(_without_names(file, {"additionalProperties": _WITH_A_VALUE}))


def _without_names(file: str, instead: dict[str, Any]) -> dict[str, Any]:
    """Return a schema that refers to the rules for names nowhere for the object itself.

    What is nested in the object keeps them. References are relative to folders that lie side by
    side, so they mean the same in the schema that another one is put into.
    """
    schema = dict(_schema(file))
    parts: list[dict[str, Any]] = []
    for part in schema.get("allOf", ()):
        ref = str(part.get("$ref", "")).removeprefix("../")
        if ref == _NAMES:
            parts.append(instead)
        elif ref in {_CORE, _OBSERVABLE_CORE}:
            inside = _without_names(ref, instead)
            parts.append({name: inside[name] for name in inside.keys() - {"$id", "$schema"}})
        else:
            parts.append(part)
    return schema | ({"allOf": parts} if parts else {})


def _compiled(schema: dict[str, Any]) -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator(
        schema, retriever=_retrieve, mask="the value", pattern_options=_LINEAR
    )


def _line(error: jsonschema_rs.ValidationError) -> str:
    place = ".".join(bare(str(step)) for step in error.instance_path)
    return f"{place or 'object'}: {bare(error.message, _LONGEST_MESSAGE)}"


@cache
def _required(file: str) -> frozenset[str]:
    return _demanded(file, _schema(file))


def _demanded(file: str, schema: dict[str, Any]) -> frozenset[str]:
    """Collect what a schema demands without condition: its own and what every choice has."""
    names = frozenset(schema.get("required", ()))
    for part in schema.get("allOf", ()):
        names |= _demanded(file, part)
    for choice in ("anyOf", "oneOf"):
        if parts := schema.get(choice):
            names |= frozenset.intersection(*(_demanded(file, part) for part in parts))
    if (ref := schema.get("$ref")) and not ref.startswith("#"):
        target = (Path(file).parent / ref).as_posix()
        names |= _required("/".join(target.split("/")[-2:]))
    return names
