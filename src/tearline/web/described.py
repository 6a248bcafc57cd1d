"""What the JSON of each page is, for programs: OpenAPI 3.1, put together from one file for a page.

`shapes/<template>.json` has of a page what it is (`summary`), what its address may ask (`query`)
and the schema of its answer (`schema`). Tests hold every answer that they get against it.
"""

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import orjson

from tearline import __version__
from tearline.web.page import Check, Page
from tearline.web.pages import CHECKS, PAGES

_FOLDER = Path(__file__).with_name("shapes")
_ERROR = {
    "type": "object",
    "required": ["error"],
    "additionalProperties": False,
    "properties": {
        "error": {
            "type": "object",
            "description": "What happened, what it means and what to do.",
            "required": ["what", "means", "do"],
            "additionalProperties": False,
            "properties": {
                "what": {"type": "string"},
                "means": {"type": ["string", "null"]},
                "do": {"type": ["string", "null"]},
            },
        }
    },
}


def shape_file(page: Page | Check) -> Path:
    """Where the shape of a page's JSON is kept."""
    return _FOLDER / f"{page.template.removesuffix('.html')}.json"


def address_of(page: Page | Check) -> str:
    """The address of a page's JSON."""
    return "/home.json" if page.path == "/" else f"{page.path}.json"


@cache
def shape_of(page: Page | Check) -> Mapping[str, Any] | None:
    """The shape of a page's JSON; None where nobody wrote one yet."""
    file = shape_file(page)
    found: dict[str, Any] | None = orjson.loads(file.read_bytes()) if file.exists() else None
    return found


@cache
def description() -> bytes:
    """The description of all of them, as JSON."""
    paths: dict[str, dict[str, Any]] = {}
    for page in PAGES:
        paths.setdefault(address_of(page), {})["get"] = _operation(page, "get")
    for check in CHECKS:
        paths.setdefault(address_of(check), {})["post"] = _operation(check, "post")
    document = {
        "openapi": "3.1.0",
        "info": {
            "title": "Tearline: the pages as JSON",
            "version": __version__,
            "description": (
                "Each page is its JSON, at the same address with `.json`, for who is signed in to "
                "it: the cookie is that of the browser. What a role may not see is not there (404)."
            ),
        },
        "components": {
            "schemas": {"Error": _ERROR},
            "securitySchemes": {
                "session": {"type": "apiKey", "in": "cookie", "name": "tearline"},
            },
        },
        "security": [{"session": []}],
        "paths": paths,
    }
    return orjson.dumps(document, option=orjson.OPT_INDENT_2)


def _operation(page: Page | Check, method: str) -> dict[str, Any]:
    shape = shape_of(page) or {}
    name = page.template.removesuffix(".html")
    operation: dict[str, Any] = {
        "operationId": name if method == "get" else f"{name}_of",
        "summary": shape.get("summary", ""),
        "description": f"For {', '.join(page.roles)}.",
        "parameters": [*_in_path(page.path), *_in_query(shape.get("query", {}))],
        "responses": {
            "200": {
                "description": "The page.",
                "content": {"application/json": {"schema": shape.get("schema", {})}},
            },
            **{code: _error(what) for code, what in _REFUSED.items()},
        },
    }
    if method == "post":
        operation["requestBody"] = _FILE
        operation["parameters"] = []
    return operation


_REFUSED = {
    "400": "This cannot be done.",
    "401": "Nobody is signed in.",
    "404": "There is no such thing, or not for this role.",
}
_FILE = {
    "content": {
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "properties": {
                    "file": {"type": "string", "format": "binary"},
                    "text": {"type": "string"},
                },
            }
        }
    }
}


def _error(what: str) -> dict[str, Any]:
    schema = {"$ref": "#/components/schemas/Error"}
    return {"description": what, "content": {"application/json": {"schema": schema}}}


def _in_path(path: str) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in re.findall(r"\{(\w+)\}", path)
    ]


def _in_query(query: Mapping[str, str]) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "query", "description": what, "schema": {"type": "string"}}
        for name, what in query.items()
    ]
