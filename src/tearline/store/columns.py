"""Types of columns that mean the same in SQLite and in PostgreSQL.

Texts compare and sort as their bytes on both, whatever the language of the machine; numbers have
64 bits. A number that the store issues by itself has type `Serial`, which SQLite wants as INTEGER.
"""

import json
from collections.abc import Collection
from typing import Any, Self

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine.interfaces import Dialect
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeDecorator, TypeEngine

from tearline.errors import InputError

Text = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
"""A text without U+0000: PostgreSQL cannot hold it, so both refuse it, stored or looked for."""
Serial = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
"""A number that is a table's whole key."""


def misfit() -> InputError:
    """Return the error for a text or a number that no column holds."""
    return InputError(
        "The store holds no text with the character U+0000 and no number beyond 64 bits.",
        means="What came in has one where it would be looked up. Nothing of it was kept.",
        do="Have it corrected where it was written.",
    )


class Many(TypeDecorator[Any]):
    """Many values as one parameter: an array in PostgreSQL, JSON in SQLite."""

    impl = sa.Text
    cache_ok = True

    def __init__(self, numbers: bool) -> None:  # noqa: FBT001  # part of a cache key
        super().__init__()
        self.numbers = numbers

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Return the type of the parameter."""
        if dialect.name != "postgresql":
            return sa.Text()
        return postgresql.ARRAY(sa.BigInteger() if self.numbers else sa.Text())

    def process_bind_param(self, value: Any, dialect: Dialect) -> object:  # noqa: ANN401  # its own
        """Return the values as the driver takes them."""
        if dialect.name == "postgresql":
            return value
        try:
            text = orjson.dumps(value).decode()
        except TypeError:  # a number beyond 64 bits, or half a character
            text = json.dumps(value)
        if r"\u0000" in text and any("\0" in each for each in value if not self.numbers):
            raise misfit()
        return text


class _Among(FunctionElement[bool]):
    """Whether a column holds one of many values, in one text whatever their number."""

    name = "among"
    type = sa.Boolean()
    inherit_cache = True

    def self_group(self, against: object = None) -> Self:  # noqa: ARG002  # SQLAlchemy's signature
        """Stand in a condition as it is: `… = 1`, as SQLAlchemy writes it, would use no index."""
        return self


@compiles(_Among, "postgresql")
def _any(element: _Among, compiler: SQLCompiler, **more: Any) -> str:  # noqa: ANN401  # its own
    column, values = element.clauses
    return f"{compiler.process(column, **more)} = ANY ({compiler.process(values, **more)})"


@compiles(_Among, "sqlite")
def _in_json(element: _Among, compiler: SQLCompiler, **more: Any) -> str:  # noqa: ANN401  # its own
    column, values = element.clauses
    each = f"json_each({compiler.process(values, **more)})"
    return f"{compiler.process(column, **more)} IN (SELECT value FROM {each})"  # noqa: S608  # a mark and our names


def among(
    column: sa.ColumnElement[Any], values: Collection[str] | Collection[int] | sa.BindParameter[Any]
) -> _Among:
    """Whether a column holds one of `values`; as `in_`, several times as quick for many.

    The statement's text is always the same: it is compiled once, and planned once. A parameter
    without a value stands for a list that comes when a `Statement` is run.
    """
    numbers = isinstance(column.type, sa.Integer)
    if isinstance(values, sa.BindParameter):
        return _Among(column, sa.bindparam(values.key, type_=Many(numbers)))
    return _Among(column, sa.bindparam(None, list(values), type_=Many(numbers)))


class _Each(FunctionElement[Any]):
    """Many values as the rows of a table."""

    name = "each"
    inherit_cache = True


@compiles(_Each, "postgresql")
def _unnested(element: _Each, compiler: SQLCompiler, **more: Any) -> str:  # noqa: ANN401  # its own
    return f"(SELECT unnest({compiler.process(element.clauses, **more)}) AS value)"


@compiles(_Each, "sqlite")
def _from_json(element: _Each, compiler: SQLCompiler, **more: Any) -> str:  # noqa: ANN401  # its own
    return f"json_each({compiler.process(element.clauses, **more)})"


def of_each(asked: str) -> sa.Select[Any]:
    """For each text of the parameter `ids`, itself and what is `asked`, which calls it `its.value`.

    What is asked for begins with SELECT and finds one value.
    """
    ids = _Each(sa.bindparam("ids", type_=Many(numbers=False)))
    its = ids.table_valued("value", name="its")
    return sa.select(its.c.value, sa.text(f"({asked})")).select_from(its)


def number_of_each(rows: str) -> sa.Select[Any]:
    """How many rows there are for each text of `ids`, counted up to the parameter `most`.

    `rows` names their table and says which they are, in the order of an index.
    """
    return of_each(f"SELECT count(*) FROM (SELECT 1 FROM {rows} LIMIT :most) AS found")  # noqa: S608  # our own names


class _Aside(FunctionElement[Any]):
    """A column that SQLite chooses no index by."""

    name = "aside"
    inherit_cache = True

    def self_group(self, against: object = None) -> Self:  # noqa: ARG002  # SQLAlchemy's signature
        """Stand in a condition as it is."""
        return self


@compiles(_Aside, "postgresql")
def _as_it_is(element: _Aside, compiler: SQLCompiler, **more: Any) -> str:  # noqa: ANN401  # its own
    return compiler.process(element.clauses.clauses[0], **more)


@compiles(_Aside, "sqlite")
def _with_plus(element: _Aside, compiler: SQLCompiler, **more: Any) -> str:  # noqa: ANN401  # its own
    return f"+{compiler.process(element.clauses.clauses[0], **more)}"


def aside(column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    """Return a column to compare without SQLite's choosing an index by it.

    Without statistics, which our files do not have, it prefers the first columns of a table's key
    to any index, however many rows have the same values there.
    """
    return _Aside(column)
