"""Write a document as TOML, in the order in which an agreement is read; pure.

The other way round is `terms.read_toml`. Comments are not kept: who wants them writes by hand.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from tearline.agreement.document import Clause, Terms

_ORDER = tuple(Terms.__struct_encode_fields__)
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_WIDE = 96
_BARE = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
_INLINE = ("valid", "countries", "review", "coarsen")
"""Small tables, written on one line."""


def write_toml(document: Mapping[str, Any]) -> str:
    """Return a document of texts, numbers, truths, lists and tables as TOML.

    TypeError for a value that TOML has not.
    """
    lines = [*_table("", _sorted(document))]
    return "\n".join(lines).lstrip("\n") + "\n"


def _sorted(document: Mapping[str, Any]) -> dict[str, Any]:
    """Lines first, then tables, each in the order of the language; what it does not know last."""
    place = {name: number for number, name in enumerate(_ORDER)}
    return dict(sorted(document.items(), key=lambda each: place.get(each[0], len(place))))


def _table(path: str, table: Mapping[str, Any]) -> Iterator[str]:
    nested: list[tuple[str, Any]] = []
    for name, value in table.items():
        if (_is_table(value) and name not in _INLINE) or (_is_tables(value) and path == ""):
            nested.append((name, value))
        else:
            yield f"{_key(name)} = {_value(value)}"
    for name, value in nested:
        below = f"{path}.{_key(name)}" if path else _key(name)
        if _is_tables(value):
            for each in value:
                yield from ("", f"[[{below}]]", *_table(below, _limits(each)))
        elif value and all(map(_is_table, value.values())):
            yield from _table(below, value)
        else:
            yield from ("", f"[{below}]", *_table(below, value))


def _limits(table: Mapping[str, Any]) -> dict[str, Any]:
    """A clause in the order in which its lines are read; any other table as it is."""
    place = {name: number for number, name in enumerate(Clause.__struct_encode_fields__)}
    if "from" not in table:
        return dict(table)
    return dict(sorted(table.items(), key=lambda each: place.get(each[0], len(place))))


def _is_table(value: object) -> bool:
    return isinstance(value, Mapping)


def _is_tables(value: object) -> bool:
    return isinstance(value, list | tuple) and bool(value) and all(map(_is_table, value))


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, Mapping):
        return f"{{ {', '.join(f'{_key(k)} = {_value(v)}' for k, v in value.items())} }}"
    if isinstance(value, Iterable):
        return _list([_value(each) for each in value])
    raise TypeError(f"TOML has no {type(value).__name__}")


def _list(items: list[str]) -> str:
    line = f"[{', '.join(items)}]"
    if len(line) <= _WIDE:
        return line
    return "[\n" + "".join(f"    {each},\n" for each in items) + "]"


def _key(name: str) -> str:
    return name if name and _BARE.issuperset(name) else _text(name)


def _text(text: str) -> str:
    """A basic string: what TOML does not let stand in one is written by its number."""
    return f'"{"".join(map(_character, text))}"'


def _character(one: str) -> str:
    if one in _ESCAPES:
        return _ESCAPES[one]
    return f"\\u{ord(one):04X}" if ord(one) < 0x20 or ord(one) == 0x7F else one  # noqa: PLR2004  # TOML 1.0
