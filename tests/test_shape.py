"""The shape of the source, as far as a machine can check it. CONTRIBUTING.md says why."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCES = sorted((ROOT / "src" / "tearline").rglob("*.py"))

# Names that say nothing about the domain; what is called so grows without end.
EMPTY_NAMES = {"base", "common", "core", "helper", "helpers", "manager", "managers"}
EMPTY_NAMES |= {"misc", "service", "services", "shared", "types", "util", "utils"}
MOST_LINES = 450

each_source = pytest.mark.parametrize(
    "source", [pytest.param(path, id=str(path.relative_to(ROOT / "src"))) for path in SOURCES]
)


def _functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def _arguments(function: ast.FunctionDef | ast.AsyncFunctionDef) -> list[ast.arg]:
    every = function.args
    stars = [star for star in (every.vararg, every.kwarg) if star is not None]
    named = [*every.posonlyargs, *every.args, *every.kwonlyargs, *stars]
    return [argument for argument in named if argument.arg not in {"self", "cls"}]


@each_source
def test_no_module_has_an_empty_name(source: Path) -> None:
    words = {word for part in source.relative_to(ROOT / "src").parts for word in part.split("_")}
    assert not {word.removesuffix(".py") for word in words} & EMPTY_NAMES


@each_source
def test_every_argument_is_annotated(source: Path) -> None:
    tree = ast.parse(source.read_text("utf-8"))
    missing = [
        f"{source.name}:{argument.lineno} {function.name}({argument.arg})"
        for function in _functions(tree)
        for argument in _arguments(function)
        if argument.annotation is None
    ]
    assert missing == []


@each_source
def test_no_module_is_too_long_to_read(source: Path) -> None:
    if source.parent.name == "versions":
        return  # a list of tables that a program wrote
    lines = source.read_text("utf-8").count("\n")
    assert lines <= MOST_LINES


@each_source
def test_every_module_says_what_it_is_for(source: Path) -> None:
    assert ast.get_docstring(ast.parse(source.read_text("utf-8")))


def test_the_sources_are_found() -> None:
    assert ROOT / "src" / "tearline" / "__init__.py" in SOURCES
