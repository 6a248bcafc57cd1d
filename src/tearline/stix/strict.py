"""Reading JSON from outside without guessing.

Common parsers keep the last of two members of one name, a partner's may keep the first: a marking
could be seen by one and not by the other. Here duplicate members are refused at any depth, as are
NaN, Infinity, integers beyond 2^53-1, text that is not Unicode and nesting beyond a limit.
"""

import gc
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import accumulate
from math import isinf
from typing import Any, NoReturn

import msgspec
import orjson

from tearline.errors import InputError
from tearline.stix.canonical import Json

DOUBT = object()
"""What `read_plain` answers where it leaves the text to `read_carefully`."""

_BLANK = " \t\r\n"
_LARGEST = 2**53 - 1
_LONGEST_NUMBER = len(str(-_LARGEST))
_LONGEST_SHOWN = 60
_TEXTS = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_NOT_BRACKETS = bytes(byte for byte in range(256) if byte not in b"[]{}")
_STEP = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}
_SURROGATE = re.compile("[\ud800-\udfff]")


def bare(text: str, most: int = _LONGEST_SHOWN) -> str:
    """Make a piece of foreign text fit for a message: short, on one line, printable only."""
    cut = text if len(text) <= most else text[: most - 1] + "…"
    return "".join(mark if mark.isprintable() else "\N{REPLACEMENT CHARACTER}" for mark in cut)


def shown(text: str) -> str:
    """Quote a piece of foreign text for a message, as `bare` makes it."""
    return f"'{bare(text)}'"


@contextmanager
def collector_paused() -> Iterator[None]:
    """Switch the cyclic garbage collector off while many objects are parsed.

    Parsed JSON holds no cycles, and the collector would walk all of it again and again: parsing
    is three times as fast without.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def parse_strict(raw: bytes, *, max_depth: int) -> Json:
    """Read one JSON value; InputError with the place for everything a parser might guess at."""
    if raw.count(b"{") + raw.count(b"[") > max_depth:
        _refuse_deep(raw, max_depth)
    value = read_plain(raw)
    return read_carefully(raw, max_depth) if value is DOUBT else value


def read_plain(raw: bytes) -> Json:
    r"""Read text that nothing can be wrong with, six times as fast; `DOUBT` for all other text.

    Mostly the value is written out again as the very text that it was read from: then no member
    came twice. Where they differ, as by white space, the value must have as many colons as the
    text. Each member has one, each other stands inside a text, and none can come by a way round,
    because `\u003a` is left to the careful reader. A member that comes twice is read once and takes
    its colon, and those in its value, away: then the counts differ.
    """
    try:
        value = _PLAIN.decode(raw)
        again = orjson.dumps(value, option=orjson.OPT_STRICT_INTEGER)
    except (msgspec.MsgspecError, ValueError, TypeError, RecursionError):
        return DOUBT
    if again == raw:
        return value
    return value if raw.count(b":") == again.count(b":") and b"\\u003" not in raw else DOUBT


def read_carefully(raw: bytes, max_depth: int) -> Json:
    """Read any text, and name what is wrong with it."""
    try:
        text = raw.decode().strip(_BLANK)
        value, end = _DECODER.raw_decode(text)
    except UnicodeDecodeError as error:
        place = f"byte {error.start}"
        raise InputError("The text is not UTF-8.", place=place, do="Save it as UTF-8.") from None
    except json.JSONDecodeError as error:
        # `error.doc` holds the whole text: name the place only.
        what = f"Not JSON: {error.msg[:1].lower()}{error.msg[1:]}."
        raise InputError(what, place=f"character {error.pos}") from None
    except RecursionError:
        raise _too_deep(max_depth) from None
    if end != len(text):
        raise InputError("Not JSON: more follows the value.", place=f"character {end}")
    if "\\u" in text:
        _refuse_surrogates(value)
    return value


def _refuse_deep(raw: bytes, max_depth: int) -> None:
    """Follow the brackets outside texts, without descending."""
    brackets = _TEXTS.sub(b"", raw).translate(None, _NOT_BRACKETS)
    if max(accumulate(map(_STEP.__getitem__, brackets)), default=0) > max_depth:
        raise _too_deep(max_depth)


def _too_deep(max_depth: int) -> InputError:
    return InputError(
        f"Nested deeper than {max_depth} levels.",
        do="Flatten it, or raise TEARLINE_MAX_DEPTH.",
    )


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Make an object of its members; refuse a name that comes twice."""
    members = dict(pairs)
    if len(members) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise InputError(
            f"The member {shown(twice)} comes twice in one object.",
            means="Readers would disagree about which one counts.",
            do="Keep one of them.",
        )
    return members


def _integer(digits: str) -> int:
    number = int(digits) if len(digits) <= _LONGEST_NUMBER else _LARGEST + 1
    if not -_LARGEST <= number <= _LARGEST:
        raise InputError(
            "A whole number lies beyond 2^53-1.",
            means="Many readers would round it.",
            do="Write it as text.",
        )
    return number


def _float(digits: str) -> float:
    number = float(digits)
    if isinf(number):
        raise InputError("A number is too large to be read.", do="Write it as text.")
    return number


def _constant(name: str) -> NoReturn:
    raise InputError(f"{name} is not JSON.", do="Leave the property out.")


def _refuse_surrogates(value: Json) -> None:
    """Refuse half a character, which JSON can spell and UTF-8 cannot write."""
    rest = [value]
    while rest:
        item = rest.pop()
        if isinstance(item, dict):
            rest += item.keys()
            rest += item.values()
        elif isinstance(item, list):
            rest += item
        elif isinstance(item, str) and _SURROGATE.search(item):
            raise InputError("A text holds half a character (an unpaired surrogate).")


_PLAIN = msgspec.json.Decoder()
_DECODER = json.JSONDecoder(
    object_pairs_hook=_members,
    parse_int=_integer,
    parse_float=_float,
    parse_constant=_constant,
)
