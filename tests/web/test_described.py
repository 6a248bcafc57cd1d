"""The description of the pages' JSON: every page is in it, and it says all that it may hold.

That the answers are so is held in `shaping`, for every JSON that any test of the pages gets.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import schemathesis
from jsonschema_rs import ValidationError

from tearline.web.described import address_of, description, shape_file, shape_of
from tearline.web.page import Check, Page
from tearline.web.pages import CHECKS, PAGES
from tests.pair import make_pair
from tests.web import shaping
from tests.web.site import site

EVERY: tuple[Page | Check, ...] = (*PAGES, *CHECKS)


@pytest.mark.parametrize("page", EVERY, ids=lambda page: str(page.path))
def test_every_page_has_a_shape_that_leaves_nothing_open(page: Page | Check) -> None:
    shape = shape_of(page)
    assert shape is not None, f"write {shape_file(page)}: see tests/web/shaping.py"
    assert shape["summary"], f"say in one line what {page.path} is"
    jsonschema_rs.meta.validate(shape["schema"])
    for at, each in inside(shape["schema"], page.path):
        assert shaping._types(each) != ["null"], f"{at}: say what else it may be"  # noqa: SLF001
        if "object" in shaping._types(each):  # noqa: SLF001  # the same reading
            closed = each.get("additionalProperties") is not None
            assert closed or each.get("description"), f"{at}: say what it holds"
        if "array" in shaping._types(each):  # noqa: SLF001
            assert "items" in each, f"{at}: say what the list holds"


def inside(schema: dict[str, Any], at: str) -> Iterator[tuple[str, dict[str, Any]]]:
    yield at, schema
    for name, each in schema.get("properties", {}).items():
        yield from inside(each, f"{at}/{name}")
    for name in ("items", "additionalProperties"):
        if isinstance(schema.get(name), dict):
            yield from inside(schema[name], f"{at}/{name}")


def test_there_is_no_shape_without_its_page() -> None:
    files = {shape_file(page) for page in EVERY}
    assert files == set(next(iter(files)).parent.iterdir())


def test_the_description_is_openapi_and_names_every_page(tmp_path: Path) -> None:
    with site(make_pair(tmp_path).north) as nobody:
        assert nobody.get("/openapi-pages.json").status_code == 401
    with site(make_pair(tmp_path / "more").north, "reader") as reader:
        reply = reader.get("/openapi-pages.json")
    assert (reply.status_code, reply.content) == (200, description())
    document = reply.json()
    assert set(document["paths"]) == {address_of(page) for page in EVERY}
    names = [e["operationId"] for path in document["paths"].values() for e in path.values()]
    assert len(names) == len(set(names)) == len(EVERY)
    assert len(list(schemathesis.openapi.from_dict(document).get_all_operations())) == len(EVERY)


def test_another_shape_and_a_page_without_one_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shaping, "_WRITING", False)
    with pytest.raises(AssertionError, match="another shape"):
        shaping.hold("GET", "/log.json", b'{"now": 1, "logs": [], "more": 1}')
    shaping.hold("GET", "/log.json", b'{"now": 1, "logs": []}')
    shaping.hold("GET", "/nowhere.json", b"x")
    monkeypatch.setattr(shaping, "shape_of", lambda _page: None)
    with pytest.raises(AssertionError, match="is missing"):
        shaping.hold("GET", "/log.json", b"{}")


@pytest.mark.parametrize(
    "values",
    [
        [{"a": 1}, {"a": None, "b": []}],
        [{"a": []}, {"a": [1, "x"]}, {"a": [None]}],
        [{"counts": {"x": 1}}, {"counts": {"y": None}}, {"counts": {}}],
        [{"record": {"any": 1}}, {"record": None}],
        [{"a": {"b": {"c": 1.5}}}, {"a": None}, {"a": {"b": {"d": True}}}],
    ],
)
def test_a_written_shape_takes_what_it_was_written_from(values: list[dict[str, Any]]) -> None:
    schema = shaping.joined(map(shaping.schema_of, values))
    for value in values:
        jsonschema_rs.validate(schema, value)
    with pytest.raises(ValidationError):
        jsonschema_rs.validate(schema, {"other": 1})
