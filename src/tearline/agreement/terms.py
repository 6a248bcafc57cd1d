"""Read an agreement, write the bytes that are signed, and say each line in English.

TOML is only the writing form. What is signed is RFC 8785 canonical JSON that leaves out whatever
equals its default, so that one meaning has one sequence of bytes. Reading goes the other way
round: the bytes are verified as bytes, then parsed, then refused if they are not exactly what
writing would have given.
"""

import tomllib
import uuid
from datetime import date, datetime
from hashlib import sha256
from typing import Any

import msgspec

from tearline.agreement.document import (
    SCHEMA,
    Category,
    Clause,
    Coarse,
    Countries,
    Limits,
    Onward,
    Party,
    Purpose,
    Retention,
    Review,
    Suspend,
    Terms,
    Topic,
    Transfer,
    Valid,
    Waiting,
)
from tearline.agreement.faults import problems
from tearline.agreement.shaping import shaping_problems
from tearline.agreement.wording import sentences, warnings
from tearline.errors import InputError, ProofError
from tearline.stix import canonical

__all__ = [
    "SCHEMA",
    "Category",
    "Clause",
    "Coarse",
    "Countries",
    "Limits",
    "Onward",
    "Party",
    "Purpose",
    "Retention",
    "Review",
    "Suspend",
    "Terms",
    "Topic",
    "Transfer",
    "Valid",
    "Waiting",
    "agreement_hash",
    "collection_id",
    "parse_document",
    "parse_json",
    "parse_toml",
    "read_toml",
    "sentences",
    "to_bytes",
    "warnings",
]

MAX_BYTES = 256 * 1024
_UNSAFE = {*range(0x20), *range(0x7F, 0xA0), *range(0x202A, 0x202F), *range(0x2066, 0x206A)}


def parse_toml(text: str) -> Terms:
    """Return the agreement that `text` writes down; InputError with the place if it is none."""
    return parse_document(read_toml(text))


def read_toml(text: str) -> dict[str, Any]:
    """Return what `text` writes down as plain JSON, unchecked; InputError if it is no TOML."""
    if len(text) > MAX_BYTES:
        raise InputError("This agreement is too long.", do=f"Keep it under {MAX_BYTES} bytes.")
    try:
        document = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise InputError(
            "This is not TOML.", place=str(error), do="Compare it with `tearline agreement new`."
        ) from error
    plain: dict[str, Any] = _plain(document)
    return plain


def parse_json(document: bytes) -> Terms:
    """Return the agreement in signed bytes.

    InputError if it is no agreement; ProofError if the bytes are not the one canonical form.
    """
    if len(document) > MAX_BYTES:
        raise InputError("This agreement is too long.", do="Refuse it.")
    terms = parse_document(canonical.parse_canonical(document))
    if to_bytes(terms) != document:
        raise ProofError(
            "These agreement bytes are not in canonical form.",
            means="Another reader could see another agreement in them.",
            do="Have the sender write it again with Tearline.",
        )
    return terms


def to_bytes(terms: Terms) -> bytes:
    """Return the bytes that both parties sign: RFC 8785, without what equals its default."""
    return canonical.canonical(msgspec.json.decode(msgspec.json.encode(terms)))


def agreement_hash(document: bytes) -> str:
    """Return the name of these signed bytes: `sha256:` and 64 hex digits."""
    return canonical.sha256(document)


def collection_id(agreement_id: str, from_slot: str) -> str:
    """Return the TAXII collection id of one direction, the same for every version."""
    name = f"tearline/collection/1\n{agreement_id}\n{from_slot}".encode()
    return str(uuid.UUID(bytes=sha256(name).digest()[:16], version=4))


def parse_document(document: Any) -> Terms:  # noqa: ANN401  # any JSON value
    """Return the agreement in a document that was read; InputError with the place if it is none."""
    _refuse_unsafe(document, "")
    try:
        terms = msgspec.convert(document, Terms)
    except msgspec.ValidationError as error:
        what, _, place = str(error).partition(" - at ")
        raise InputError(
            f"{what}.",
            place=place.strip("`").removeprefix("$").removeprefix(".") or "the agreement",
            means="The vocabulary of an agreement is closed: what is not known is refused.",
            do="Compare the line with `tearline agreement new`.",
        ) from error
    for place, what, do in (*problems(terms), *shaping_problems(terms)):
        raise InputError(what, place=place, do=do)
    return terms


def _plain(value: Any) -> Any:  # noqa: ANN401  # any TOML value, to any JSON value
    """Write TOML's own dates as text, so that the value is plain JSON."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    return value.isoformat() if isinstance(value, date) else value


def _refuse_unsafe(value: Any, place: str) -> None:  # noqa: ANN401  # any JSON value
    """Refuse control and direction characters: they make a line look like another."""
    if isinstance(value, str) and not _UNSAFE.isdisjoint(map(ord, value.replace("\n", " "))):
        raise InputError(
            "A control or direction character stands in this text.",
            place=place,
            means="It could make the line look like another than the one that is signed.",
            do="Type the text again.",
        )
    if isinstance(value, dict):
        for key, item in value.items():
            _refuse_unsafe(key, place)
            _refuse_unsafe(item, f"{place}.{key}" if place else key)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            _refuse_unsafe(item, f"{place}[{index}]")
