"""One way to write a value as bytes (RFC 8785), and the digests made from it.

What is signed, logged or hashed is written here, so that two parties who hold the same value hold
the same bytes. orjson writes most values right and twenty times faster than rfc8785; what it wrote
is read back and compared before it is believed, and everything odd goes to rfc8785.
"""

import hashlib
import re
from typing import Any, NoReturn, TypeAlias

import msgspec
import orjson
import rfc8785

from tearline.errors import InputError, ProofError

Json: TypeAlias = Any
"""A value that JSON can hold: dict, list, text, number, truth value, None."""

_OPTIONS = (
    orjson.OPT_SORT_KEYS
    | orjson.OPT_STRICT_INTEGER
    | orjson.OPT_PASSTHROUGH_DATACLASS
    | orjson.OPT_PASSTHROUGH_DATETIME
    | orjson.OPT_PASSTHROUGH_SUBCLASS
)
# RFC 8785 sorts keys as UTF-16, orjson as UTF-8: they differ only beyond the BMP, whose
# characters take four bytes.
_BEYOND_BMP = re.compile(rb"[\xf0-\xf4]")


class _OddError(Exception):
    """The fast writer cannot be trusted with this value."""


def _refuse_float(_: str) -> NoReturn:
    raise _OddError


_PLAIN = frozenset({str, int, bool, type(None)})
_READ_BACK = msgspec.json.Decoder(float_hook=_refuse_float)


def canonical(value: Json) -> bytes:
    """Write a JSON value in the one form of RFC 8785.

    Takes dict (text keys), list, tuple, text, int within 2^53-1, finite float, bool and None.
    Raises InputError for everything that has no such form.
    """
    try:
        return _fast(value)
    except (_OddError, TypeError, ValueError, RecursionError):
        return _slow(value)


def _fast(value: Json) -> bytes:
    """Write with orjson and believe it only if the bytes read back as the very same value.

    What holds nothing but texts, whole numbers and truth values under texts needs no reading back.
    """
    data = orjson.dumps(value, option=_OPTIONS)
    if not data.isascii() and _BEYOND_BMP.search(data):
        raise _OddError
    if type(value) is dict and _PLAIN.issuperset(map(type, value.values())):
        return data
    if _READ_BACK.decode(data) != value:
        raise _OddError
    return data


def _slow(value: Json) -> bytes:
    """Write with the reference implementation."""
    try:
        return rfc8785.dumps(value)
    except rfc8785.IntegerDomainError as error:
        what = "A whole number lies beyond 2^53-1."
        raise InputError(what, do="Write it as text.") from error
    except rfc8785.FloatDomainError as error:
        raise InputError("NaN and Infinity are not JSON.", do="Leave the property out.") from error
    except RecursionError as error:
        raise InputError("The value is nested too deeply to be written.") from error
    except (rfc8785.CanonicalizationError, UnicodeError) as error:
        what = "The value has no canonical JSON form (RFC 8785)."
        raise InputError(what, do="Use text, numbers, lists and objects only.") from error


def parse_canonical(data: bytes) -> Json:
    """Read bytes that claim to be canonical JSON; ProofError unless they are exactly that.

    Writing the value again must give the same bytes, which also refuses duplicate members, other
    spellings of a number and anything before or after the value. Whole numbers beyond 2^53-1 are
    refused here too, although the standard can write some: readers disagree about them.
    """
    try:
        value = orjson.loads(data)
        again = canonical(value)
    except (ValueError, InputError) as error:
        raise ProofError("The bytes are not canonical JSON (RFC 8785).") from error
    if again != data:
        raise ProofError(
            "The bytes are not canonical JSON (RFC 8785).",
            means="They are not the bytes that were signed or logged.",
        )
    return value


def sha256(data: bytes) -> str:
    """Return the SHA-256 digest of bytes as documents state it: `sha256:<hex>`."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"
