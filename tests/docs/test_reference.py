"""The reference pages name every key and every setting that there is, and no others."""

import re
from typing import Any

import msgspec
import pytest
from starlette.routing import Route

from tearline.agreement import document
from tearline.agreement import evidence as two_faces
from tearline.agreement.card import Card
from tearline.config import Settings
from tearline.exchange import peer_server, witness_server
from tearline.exchange.taxii_server import Taxii
from tearline.log import evidence, node_log
from tearline.log.receipt import RECEIPT_SCHEMA
from tearline.web import app as web
from tests.docs.pages import ROOT

REFERENCE = ROOT / "docs" / "reference"

TABLES: list[tuple[str, str, type[msgspec.Struct]]] = [
    ("agreement.md", "## The document", document.Terms),
    ("agreement.md", "### `valid`", document.Valid),
    ("agreement.md", "### `party`", document.Party),
    ("agreement.md", "### `reviewed`", document.Review),
    ("agreement.md", "### `purpose`", document.Purpose),
    ("agreement.md", "### `transfer`", document.Transfer),
    ("agreement.md", "### `topic`", document.Topic),
    ("agreement.md", "### `clause`", document.Clause),
    ("agreement.md", "### `category`", document.Category),
    ("agreement.md", "### `coarsen`", document.Coarse),
    ("agreement.md", "### `review`", document.Waiting),
    ("agreement.md", "### `onward`", document.Onward),
    ("agreement.md", "### `retention`", document.Retention),
    ("agreement.md", "### `limits`", document.Limits),
    ("agreement.md", "### `suspend`", document.Suspend),
    ("cards.md", "# Cards and check words", Card),
]


def _page(name: str) -> str:
    return (REFERENCE / name).read_text("utf-8")


def _section(name: str, heading: str) -> str:
    """The part of a page under one heading, up to the next."""
    _, found, rest = f"\n{_page(name)}".partition(f"\n{heading}\n")
    assert found, f"{name} has no heading {heading!r}"
    return re.split(r"^#", rest, maxsplit=1, flags=re.MULTILINE)[0]


def _keys(text: str) -> list[str]:
    """The names in the first column of the first table."""
    rows = re.findall(r"^\| (`[^|]*`) \|", text, re.MULTILINE)
    return [name for row in rows for name in re.findall(r"`([^`]+)`", row)]


@pytest.mark.parametrize(("page", "heading", "struct"), TABLES)
def test_every_key_has_its_row(page: str, heading: str, struct: type[msgspec.Struct]) -> None:
    known = [each.encode_name for each in msgspec.structs.fields(struct)]
    assert sorted(_keys(_section(page, heading))) == sorted(known)


@pytest.mark.parametrize(("page", "heading", "struct"), TABLES)
def test_what_is_needed_is_said(page: str, heading: str, struct: type[msgspec.Struct]) -> None:
    said = dict(re.findall(r"^\| `([^`]+)` \| ([^|]+) \|", _section(page, heading), re.MULTILINE))
    if page != "agreement.md":
        return
    needed = {each.encode_name for each in msgspec.structs.fields(struct) if each.required}
    # Keys are needed but for one party of a one-sided agreement: `faults` sees to that.
    beyond = {"key", "log"} if struct is document.Party else set()
    named = {key for key, default in said.items() if default.startswith("needed")}
    assert named - beyond == needed


def test_every_struct_of_the_document_has_a_table() -> None:
    documented = {struct for _, _, struct in TABLES}
    found = {
        each
        for each in vars(document).values()
        if isinstance(each, type) and issubclass(each, msgspec.Struct)
        if each.__module__ == document.__name__
    }
    # Its keys stand in the row of the clause and in the table of countries.
    assert found - {document.Countries} <= documented


def test_every_setting_has_its_row() -> None:
    table = _page("settings.md").partition("Two more variables")[0]
    rows = dict(re.findall(r"^\| `TEARLINE_([A-Z_]+)` \| `([^`]*)` \|", table, re.MULTILINE))
    known = {name.upper(): str(each.default) for name, each in Settings.model_fields.items()}
    assert rows == known


def _nobody(*_: Any) -> Any:  # noqa: ANN401  # stands for a home and a door that are never asked
    raise AssertionError


def _paths() -> list[str]:
    peer = peer_server.routes(_nobody, _nobody)  # type: ignore[arg-type]  # only listed
    peer += witness_server.routes(_nobody, _nobody)  # type: ignore[arg-type]  # only listed
    return [*Taxii(_nobody, _nobody).paths, *(each.path.replace(":path", "") for each in peer)]  # type: ignore[arg-type]


def test_every_route_is_on_the_page() -> None:
    said = re.findall(r"`(?:GET|POST|DELETE) ([^`?]+)[^`]*`", _page("http.md"))
    pages = {each.path for each in web.routes(_nobody) if isinstance(each, Route)}
    shown = {each for each in pages if not each.endswith(".json")}
    assert set(said) - {"/health", "/metrics"} == {*_paths(), *shown}


def test_the_form_of_a_receipt_is_on_the_page() -> None:
    names = {"schema", "record", "salt", "item", "leaf", "proof"}
    assert RECEIPT_SCHEMA in _page("log.md")
    assert set(_keys(_section("log.md", "## A receipt"))) == names


def test_the_forms_of_the_node_log_and_of_evidence_are_on_the_page() -> None:
    page = _page("log.md")
    assert (node_log.SCHEMA in page, evidence.SCHEMA in page) == (True, True)
    assert set(_keys(_section("log.md", "## The node log"))) == node_log.KEYS
    assert set(_keys(_section("log.md", "## Evidence"))) == evidence.KEYS
    faces = msgspec.structs.fields(two_faces._Document)  # noqa: SLF001  # its form
    found = _keys(_section("log.md", "## Evidence of two faces"))
    assert set(found) == {each.encode_name for each in faces}


def test_the_form_of_a_leaf_is_on_the_page() -> None:
    names = {"v", "kind", "at", "count", "root", "agreement"}
    assert set(_keys(_section("log.md", "## Leaf format 1"))) == names
