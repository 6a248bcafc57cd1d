"""What a client asks of a collection: limits, filters, and the token of the next page.

A token is self-contained: it carries the position and the filters of the walk it belongs to, under
an HMAC for one collection. So whatever a client repeats, changes or forgets beside it is ignored,
every worker understands it, and it outlives a restart. Nobody can make one up.
"""

import base64
import binascii
import hmac
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from hashlib import sha256
from typing import NamedTuple, TypeAlias
from urllib.parse import parse_qsl

import msgspec
from msgspec import Struct
from starlette.requests import Request

from tearline.errors import InputError
from tearline.exchange.access import TurnedAwayError
from tearline.stix.timestamp import format_timestamp, parse_timestamp

_MAC = 16
_PURPOSE = b"tearline/taxii/next/1"
_MOST_VALUES = 1000
_SHORT = 400
"""Bytes of a query that is worth to be remembered."""
_NAMED_VERSIONS = frozenset({"first", "last", "all"})
_FILTERS = frozenset(f"match[{each}]" for each in ("id", "type", "version", "spec_version"))
_OFFSET = re.compile(r"[+ ]00:00\Z")


class Query(Struct, frozen=True, array_like=True):
    """One walk through a collection, and how far it has come.

    `versions` holds the moments of versions that were asked for, `named` their names: first,
    last, all; without either the last is meant. `nothing` when no object can match.
    """

    after: int = 0
    added_after: int | None = None
    ids: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    versions: tuple[int, ...] = ()
    nothing: bool = False
    named: tuple[str, ...] = ()

    def matches(self, version: str) -> bool:
        """Whether the only version that is live, as a text, was asked for.

        The only one is first, last and all of them at once.
        """
        return bool(self.named) or not self.versions or parse_timestamp(version) in self.versions


@lru_cache(maxsize=4)
def token_key(secret: bytes) -> bytes:
    """Return the key for tokens, derived from the node's secret."""
    return hmac.digest(secret, _PURPOSE, "sha256")


def write_token(key: bytes, collection: str, query: Query) -> str:
    """Return the token with which a walk goes on."""
    body = msgspec.msgpack.encode(query)
    return base64.urlsafe_b64encode(_mac(key, collection, body) + body).rstrip(b"=").decode()


def read_token(key: bytes, collection: str, token: str) -> Query:
    """Return the walk that a token goes on with; TurnedAwayError unless we made it, for this."""
    try:
        data = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        mac, body = data[:_MAC], data[_MAC:]
        if hmac.compare_digest(mac, _mac(key, collection, body)):
            return msgspec.msgpack.decode(body, type=Query)
    except (binascii.Error, ValueError, msgspec.DecodeError):
        pass
    raise TurnedAwayError(400, "The value of 'next' is not one that this collection gave out.")


def _mac(key: bytes, collection: str, body: bytes) -> bytes:
    return hmac.new(key, collection.encode() + b"\n" + body, sha256).digest()[:_MAC]


Fields: TypeAlias = Mapping[str, Sequence[str]]
"""The parameters of a query by name, each with its values in order."""


class Walk(NamedTuple):
    """What a request asks for: which objects, and how many on a page."""

    query: Query
    limit: int


def read_walk(
    request: Request, secret: bytes, collection: str, most: int, *, only: str | None = None
) -> Walk:
    """Return the walk of a request, as `read_query` and `read_limit` read it."""
    text = request.scope["query_string"]
    read = _known_walk if len(text) <= _SHORT else _read_walk
    return read(text, token_key(secret), collection, most, only)


def read_fields(query_string: bytes) -> Fields:
    """Return what stands in the query of an address."""
    fields: dict[str, list[str]] = {}
    for name, value in parse_qsl(query_string.decode("latin-1"), keep_blank_values=True):
        fields.setdefault(name, []).append(value)
    return fields


def _read_walk(text: bytes, key: bytes, collection: str, most: int, only: str | None) -> Walk:
    fields = read_fields(text)
    return Walk(read_query(fields, key, collection, only=only), read_limit(fields, most))


_known_walk = lru_cache(maxsize=4096)(_read_walk)
"""Who polls mostly asks what it asked before."""


def read_limit(fields: Fields, most: int) -> int:
    """Return how many objects a page may have: what was asked for, or less."""
    if "limit" not in fields:
        return most
    text = _last(fields, "limit")
    if not text.isascii() or not text.isdigit() or int(text[:19]) == 0:
        raise TurnedAwayError(400, "'limit' has to be a number above 0.")
    return min(int(text[:19]), most)


def read_query(fields: Fields, key: bytes, collection: str, *, only: str | None = None) -> Query:
    """Return the walk that a request asks for; `only` names the one object of the address.

    The filters of TAXII 2.1 section 3.4: values in one match are alternatives, different matches
    all have to hold. Raises TurnedAwayError (400) for what cannot be understood.
    """
    token = _last(fields, "next")
    if token:
        query = read_token(key, collection, token)
        if only is not None and query.ids != (only,):
            raise TurnedAwayError(400, "The value of 'next' belongs to another walk.")
        return query
    _refuse_unknown(fields)
    added_after = _last(fields, "added_after")
    spec = _values(fields, "match[spec_version]")
    versions = _values(fields, "match[version]")
    named = {each: tuple(_values(fields, f"match[{each}]")) for each in ("id", "type")}
    named |= {"id": (only,)} if only is not None else {}
    # No object has an id or a type with such signs, and not every store can be asked for them.
    ids, types = (tuple(filter(str.isprintable, each)) for each in named.values())
    impossible = (named["id"] and not ids) or (named["type"] and not types)
    return Query(
        added_after=_moment(added_after, "added_after") if added_after else None,
        ids=ids,
        types=types,
        versions=tuple(
            _moment(each, "match[version]") for each in versions if each not in _NAMED_VERSIONS
        ),
        nothing=bool(impossible or (spec and "2.1" not in spec)),
        named=tuple(each for each in versions if each in _NAMED_VERSIONS),
    )


def _refuse_unknown(fields: Fields) -> None:
    """Refuse a filter we do not know: to ignore it would answer another question."""
    for name in fields:
        if name.startswith("match[") and name not in _FILTERS:
            raise TurnedAwayError(400, "A filter in match[...] is not supported here.")


def _values(fields: Fields, name: str) -> list[str]:
    """Return the alternatives of a filter, also of one that was repeated."""
    if name not in fields:
        return []
    found = [part.strip() for text in fields[name] for part in text.split(",")]
    wanted = list(dict.fromkeys(part for part in found if part))
    if len(wanted) > _MOST_VALUES:
        raise TurnedAwayError(400, f"'{name}' has more than {_MOST_VALUES} values.")
    return wanted


def _last(fields: Fields, name: str) -> str:
    return fields[name][-1].strip() if name in fields else ""


def _moment(text: str, name: str) -> int:
    try:
        return parse_timestamp(_OFFSET.sub("Z", text))
    except InputError as error:
        raise TurnedAwayError(
            400, f"'{name}' has to be a moment like {format_timestamp(0, digits=6)}."
        ) from error
