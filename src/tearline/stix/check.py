"""Checking objects against the OASIS STIX 2.1 schemas, offline.

The schemas come with the `stix2-validator` package; only its files are read, its code is not
imported. Each type is compiled when it is first met. Open vocabularies are not enforced: the
standard only recommends them.
"""

import json
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


class Checker:
    """Checks objects against the schema of their type; cheap to make."""

    def problems(self, doc: dict[str, Any]) -> list[str]:
        """Return what is wrong, as 'place: message', the first few; empty when all is well.

        Types that are not of the standard are checked against its common properties only.
        Messages name places, property names and rules, never what a property holds.
        """
        validator = _of_type(doc.get("type")) or _validator(_schema_for(doc))
        try:
            if validator.is_valid(doc):
                return []
            return [_line(error) for error in islice(validator.iter_errors(doc), _MOST_PROBLEMS)]
        except (ValueError, TypeError, RecursionError):
            return ["The object cannot be checked: it is nested too deeply or holds no JSON."]


def required_properties(type: str) -> frozenset[str]:
    """Return the properties that the standard demands of every object of this type.

    What is demanded in one case only is not among them (a file needs a name or a hash). For a
    type that is not of the standard, those of any object.
    """
    return _required(_file_of(type))


def _schema_for(doc: dict[str, Any]) -> str:
    kind = doc.get("type")
    if kind in KNOWN_TYPES:
        _met[kind] = _validator(_file_of(kind))
        return _file_of(kind)
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
    return jsonschema_rs.Draft202012Validator(
        _schema(file), retriever=_retrieve, mask="the value", pattern_options=_LINEAR
    )


def _of_type(type: object) -> jsonschema_rs.Draft202012Validator | None:
    """Return what checks a type of the standard that was met before."""
    return _met.get(type) if type.__class__ is str else None


_met: dict[object, jsonschema_rs.Draft202012Validator] = {}


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
