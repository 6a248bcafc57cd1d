"""A bundle (STIX 2.1, section 8) or a TAXII envelope becomes the exact byte slices of its objects.

Nothing is re-encoded: a slice is the record. A document that does not parse as a whole gives no
slices at all; what is wrong inside one object is for `objects.read` to refuse.
"""

import codecs
import json
import re
from typing import Any

import msgspec
import orjson

from tearline.errors import InputError
from tearline.stix.canonical import Json
from tearline.stix.strict import collector_paused, shown


class Limits(msgspec.Struct, frozen=True):
    """How much of a foreign document is read."""

    max_bytes: int = 1 << 30
    max_objects: int = 2_000_000
    max_object_bytes: int = 8 << 20
    max_depth: int = 64


DEFAULT = Limits()


class _Head(msgspec.Struct):
    """The members of the outermost object that decide what it is."""

    type: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    objects: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


_HEAD = msgspec.json.Decoder(_Head)
_SLICES = msgspec.json.Decoder(list[msgspec.Raw])
_BLANK = b" \t\r\n"
_BYTE = re.compile(r" \(byte (\d+)\)$")
_CHUNK = 1 << 20
_TEXT = rb'"[^"\\]*(?:\\.[^"\\]*)*"'
_MEMBER = re.compile(rb"[ \t\r\n]*,?[ \t\r\n]*(" + _TEXT + rb")[ \t\r\n]*:[ \t\r\n]*", re.DOTALL)
_TOKEN = re.compile(_TEXT + rb"|[\[\]{}]|[^\s\"\[\]{},:]+", re.DOTALL)


def split_bundle(document: bytes, limits: Limits = DEFAULT) -> list[bytes]:
    """Cut a bundle into the exact bytes of its objects; a single object gives a list of one.

    Raises InputError with the place when the document is too large, is not UTF-8 or JSON, is
    nested too deeply to be followed, has a member twice, is no STIX, or has too many objects.
    """
    _refuse_large(document, limits)
    _refuse_other_encodings(document)
    with collector_paused():
        head = _decode(_HEAD, document)
        if _type_of(head) != "bundle":
            return [document.strip(_BLANK)]
        return _slices(document, head.objects, limits)


class Envelope(msgspec.Struct, frozen=True):
    """A page of a TAXII 2.1 collection: the exact bytes of its objects, and where to go on."""

    objects: list[bytes]
    more: bool
    next: str | None


class _EnvelopeHead(msgspec.Struct):
    objects: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    more: bool = False
    next: str | None = None


_ENVELOPE = msgspec.json.Decoder(_EnvelopeHead)


def split_envelope(document: bytes, limits: Limits = DEFAULT) -> Envelope:
    """Cut a TAXII 2.1 envelope (section 3.7), with the refusals of `split_bundle`."""
    _refuse_large(document, limits)
    _refuse_other_encodings(document)
    with collector_paused():
        head = _decode(_ENVELOPE, document)
        return Envelope(_slices(document, head.objects, limits), head.more, head.next)


def _refuse_large(document: bytes, limits: Limits) -> None:
    if len(document) > limits.max_bytes:
        raise InputError(
            f"The document has {len(document)} bytes; the limit is {limits.max_bytes}.",
            do="Split it, or raise TEARLINE_MAX_DOCUMENT_BYTES.",
        )


def _slices(document: bytes, found: msgspec.Raw | msgspec.UnsetType, limits: Limits) -> list[bytes]:
    """Cut the list of objects that stands in a document."""
    objects = b"[]" if found is msgspec.UNSET else bytes(found)
    _refuse_repeated_members(document, objects)
    if not objects.startswith(b"["):
        raise InputError("'objects' is not a list.", place="objects", do="Send a STIX 2.1 bundle.")
    slices = _decode(_SLICES, objects)
    if len(slices) > limits.max_objects:
        raise InputError(
            f"The document has {len(slices)} objects; the limit is {limits.max_objects}.",
            place="objects",
            do="Split it, or raise TEARLINE_MAX_OBJECTS.",
        )
    return [bytes(one) for one in slices]


def _refuse_other_encodings(document: bytes) -> None:
    """Check UTF-8 piece by piece, so that a large document is not held twice."""
    if document.startswith(codecs.BOM_UTF8):
        what = "The document begins with a byte order mark."
        raise InputError(what, place="byte 0", do="Save it as UTF-8 without one.")
    if document.isascii():
        return
    decoder = codecs.getincrementaldecoder("utf-8")()
    start = kept = 0
    try:
        for start in range(0, len(document), _CHUNK):
            kept = len(decoder.getstate()[0])
            decoder.decode(document[start : start + _CHUNK], final=start + _CHUNK >= len(document))
    except UnicodeDecodeError as error:
        place = f"byte {start - kept + error.start}"
        what = "The document is not UTF-8."
        raise InputError(what, place=place, do="Save it as UTF-8.") from None


def _decode(decoder: "msgspec.json.Decoder[Any]", data: bytes) -> Json:
    try:
        return decoder.decode(data)
    except msgspec.ValidationError as error:
        raise InputError(
            f"The document has the wrong form: {error}.",
            means="Nothing of it was read.",
            do="Send a STIX 2.1 bundle, one STIX object or a TAXII 2.1 envelope.",
        ) from None
    except msgspec.DecodeError as error:
        raise _malformed(str(error)) from None
    except RecursionError:
        what = "The document is nested too deeply to be followed."
        raise InputError(what, do="Flatten it; STIX needs few levels.") from None


def _malformed(message: str) -> InputError:
    found = _BYTE.search(message)
    reason = _BYTE.sub("", message).removeprefix("JSON is malformed: ")
    return InputError(
        f"The document is not JSON: {reason}.",
        place=f"byte {found[1]}" if found else "",
        means="Nothing of it was read.",
        do="Check that the file is whole and was not edited by hand.",
    )


def _type_of(head: _Head) -> Json:
    """Return what the outermost object says it is."""
    if head.type is msgspec.UNSET:
        raise InputError(
            "The document has no 'type'.", place="type", do="Send a STIX 2.1 bundle or one object."
        )
    try:
        return orjson.loads(bytes(head.type))
    except ValueError:
        return None


def _refuse_repeated_members(document: bytes, objects: bytes) -> None:
    """Walk the outermost members; the document is known to be JSON, its objects are skipped."""
    seen: set[str] = set()
    position = document.index(b"{") + 1
    while member := _MEMBER.match(document, position):
        name = json.loads(member[1].decode())
        if name in seen:
            raise InputError(
                f"The document has the member {shown(name)} twice.",
                place=f"byte {member.start(1)}",
                means="Readers would disagree about which one counts.",
                do="Keep one of them.",
            )
        seen.add(name)
        position = member.end()
        # A JSON list ends where it ends: equal bytes here are the whole value.
        if name == "objects" and document.startswith(objects, position):
            position += len(objects)
        else:
            position = _end_of_value(document, position)


def _end_of_value(document: bytes, position: int) -> int:
    """Return where the value that begins here ends, without descending."""
    depth = 0
    for token in _TOKEN.finditer(document, position):
        first = document[token.start()]
        depth += (first in b"[{") - (first in b"]}")
        if depth == 0:
            return token.end()
    return len(document)
