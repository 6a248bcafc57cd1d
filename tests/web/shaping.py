"""Every JSON answer that a test gets from a page is held against the page's described shape.

    TEARLINE_SHAPES=write python -m pytest -n 0 tests/web

writes, from all answers of the tests, the shapes that are missing and widens those that do not
fit (src/tearline/web/shapes). Read what it wrote: the summary is yours, and so is to say what a
free object or a list that was always empty may hold.
"""

import atexit
import os
import re
from collections.abc import Iterable
from functools import cache
from typing import Any

import jsonschema_rs
import orjson

from tearline.web.described import address_of, shape_file, shape_of
from tearline.web.page import Check, Page
from tearline.web.pages import CHECKS, PAGES

FREE = {"object", "ours", "theirs", "record", "document", "slip"}
"""Members that hold what somebody else wrote, of whatever form."""
MAPS = {"types", "counts", "parties"}
"""Members whose own members are data: names, types, states."""

_WRITING = os.environ.get("TEARLINE_SHAPES") == "write"
_seen: dict[Page | Check, list[Any]] = {}


def hold(method: str, path: str, answer: bytes) -> None:
    """Hold an answer against its page's shape; AssertionError where it has another, or none."""
    page = page_at(method, path)
    if page is None:
        return
    value = orjson.loads(answer)
    if _WRITING:
        _seen.setdefault(page, []).append(value)
        return
    shape = shape_of(page)
    assert shape, f"{shape_file(page)} is missing: see tests/web/shaping.py"
    problems = [
        f"{'/'.join(map(str, e.instance_path))}: {e.message[:300]}" for e in _faults(page, value)
    ]
    assert not problems, f"{path} has another shape than {shape_file(page)}: {problems}"


def page_at(method: str, path: str) -> Page | Check | None:
    """The page whose JSON is at an address."""
    found: Iterable[Page | Check] = PAGES if method == "GET" else CHECKS
    return next((each for each in found if _pattern(each).fullmatch(path)), None)


def _faults(page: Page | Check, value: object) -> list[jsonschema_rs.ValidationError]:
    return list(_validator(page).iter_errors(value))


@cache
def _validator(page: Page | Check) -> Any:  # noqa: ANN401  # one of the validators of the library
    shape = shape_of(page)
    assert shape
    return jsonschema_rs.Draft202012Validator(shape["schema"])


@cache
def _pattern(page: Page | Check) -> re.Pattern[str]:
    parts = re.split(r"\{\w+\}", address_of(page))
    return re.compile("[^/]+".join(map(re.escape, parts)))


# --------------------------------------------------------------------------------------- writing


def schema_of(value: object, name: str = "") -> dict[str, Any]:
    """The narrowest schema that one value has."""
    if isinstance(value, dict):
        if name in FREE:
            return {"type": "object"}
        if name in MAPS:
            return {
                "type": "object",
                "additionalProperties": joined(map(schema_of, value.values())),
            }
        return {
            "type": "object",
            "required": sorted(value),
            "additionalProperties": False,
            "properties": {each: schema_of(value[each], each) for each in sorted(value)},
        }
    if isinstance(value, list):
        items = joined(schema_of(each, name) for each in value)
        return {"type": "array", "items": items} if value else {"type": "array"}
    kinds = {bool: "boolean", int: "integer", float: "number", str: "string", type(None): "null"}
    return {"type": kinds[type(value)]}


def joined(schemas: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """The narrowest schema that takes what any of these takes."""
    found: dict[str, Any] = {}
    for each in schemas:
        found = _join(found, each) if found else each
    return found


def _join(one: dict[str, Any], two: dict[str, Any]) -> dict[str, Any]:
    types = {*_types(one), *_types(two)}
    found: dict[str, Any] = {"type": sorted(types) if len(types) > 1 else min(types)}
    if "description" in one:
        found["description"] = one["description"]
    if "items" in one or "items" in two:
        found["items"] = joined(e["items"] for e in (one, two) if "items" in e)
    objects = [each for each in (one, two) if "object" in _types(each)]
    if not objects or any("additionalProperties" not in each for each in objects):
        return found
    if any(each["additionalProperties"] is not False for each in objects):
        found["additionalProperties"] = joined(e["additionalProperties"] for e in objects)
        return found
    names = {name for each in objects for name in each["properties"]}
    found["required"] = sorted(set.intersection(*(set(each["required"]) for each in objects)))
    found["additionalProperties"] = False
    found["properties"] = {
        name: joined(e["properties"][name] for e in objects if name in e["properties"])
        for name in sorted(names)
    }
    return found


def _types(schema: dict[str, Any]) -> list[str]:
    types = schema.get("type", [])
    return [types] if isinstance(types, str) else list(types)


def _write() -> None:
    for page, values in _seen.items():
        shape: dict[str, Any] = dict(shape_of(page) or {"summary": "", "query": {}})
        if "schema" in shape and not any(_faults(page, value) for value in values):
            continue
        inferred = joined(map(schema_of, values))
        shape["schema"] = _join(shape["schema"], inferred) if "schema" in shape else inferred
        text = orjson.dumps(shape, option=orjson.OPT_INDENT_2) + b"\n"
        shape_file(page).write_bytes(text)


if _WRITING:
    atexit.register(_write)
