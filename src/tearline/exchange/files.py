"""Files on their way in: STIX bundles and MISP events, plain or gzip; and the galaxies.

A document that does not parse as a whole stores nothing. In one that does, each object is read
and checked for itself (`keeping`); one of STIX 2.0 is lifted to 2.1 first.
"""

import gzip
import io
import re
import sys
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

import msgspec

from tearline.agreement.home import Home
from tearline.errors import InputError, MisuseError
from tearline.exchange.galaxies import galaxy_objects
from tearline.exchange.keeping import (
    Document,
    ImportResult,
    Progress,
    Refused,
    keep,
    limits_of,
)
from tearline.release.arrive import Annotation
from tearline.stix.bundle import DEFAULT, Limits, split_bundle
from tearline.stix.strict import collector_paused, parse_strict

_CHUNK = 1 << 20
_GZIP = b"\x1f\x8b"
_STDIN = Path("-")
_SAYS_TYPE = re.compile(rb'[ \t\r\n]*{[ \t\r\n]*"type"[ \t\r\n]*:')
"""How most bundles begin; a MISP event has no such member."""


class _Outline(msgspec.Struct):
    """The outermost members that tell a MISP event from STIX."""

    type: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    event: msgspec.Raw | msgspec.UnsetType = msgspec.field(name="Event", default=msgspec.UNSET)
    response: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    info: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


_OUTLINE = msgspec.json.Decoder(_Outline)


def import_files(
    home: Home,
    paths: Sequence[Path | None],
    *,
    mark: int | None = None,
    grade: int | None = None,
    source: str | None = None,
    progress: Progress | None = None,
    now: int,
) -> ImportResult:
    """Import files in turn; None or '-' is standard input.

    `mark` and `grade` are put beside every object; `source` names where they come from, else each
    file's own name does. Raises InputError or MisuseError for a file that cannot be read or does
    not parse: nothing of that one is stored, the files before it are.
    """
    limits = limits_of(home.settings)
    annotation = Annotation(mark, grade)
    total = ImportResult()
    for path in paths:
        opened = _open_source(path, source, limits)
        total += keep(home, opened, annotation, progress=progress, now=now)
    return total


def import_galaxies(
    home: Home,
    names: Sequence[str],
    *,
    mark: int | None = None,
    grade: int | None = None,
    source: str | None = None,
    progress: Progress | None = None,
    now: int,
) -> ImportResult:
    """Import galaxies together, so that links between them are kept.

    Raises MisuseError, before anything is stored, when a name is unknown.
    """
    name = source or f"galaxy/{'+'.join(sorted(set(names)))}"
    with collector_paused():
        slices = tuple(galaxy_objects(names))
    opened = Document(name, name, slices)
    return keep(home, opened, Annotation(mark, grade), progress=progress, now=now)


def read_document(path: Path | None, limits: Limits = DEFAULT) -> bytes:
    """Return the bytes of a file or of standard input, unpacked if they are gzip.

    Never holds more than twice the limit, whatever a file unpacks to. Raises MisuseError when
    there is no such file, InputError when it cannot be read, is cut off or is too large.
    """
    if path is None or path == _STDIN:
        return _unpacked(_bounded(sys.stdin.buffer, limits), limits)
    try:
        with path.open("rb") as file:
            return _unpacked(_bounded(file, limits), limits)
    except FileNotFoundError:
        raise MisuseError(f"There is no file {path}.", do="Check the name.") from None
    except (IsADirectoryError, NotADirectoryError):
        raise MisuseError(f"{path} is not a file.", do="Name the files in it.") from None
    except PermissionError:
        raise InputError(
            "The file may not be read by this user.", place=str(path), do="Change its permissions."
        ) from None
    except InputError as error:
        raise _placed(error, str(path)) from None
    except OSError as error:
        what = f"The file cannot be read: {error.strerror}."
        raise InputError(what, place=str(path)) from None


def _bounded(stream: BinaryIO | gzip.GzipFile, limits: Limits) -> bytes:
    """Read to the end, or to just beyond the limit."""
    held = io.BytesIO()
    while chunk := stream.read(_CHUNK):
        held.write(chunk)
        if held.tell() > limits.max_bytes:
            raise InputError(
                f"The document has more than {limits.max_bytes} bytes.",
                means="Nothing of it was stored.",
                do="Split it, or raise TEARLINE_MAX_DOCUMENT_BYTES.",
            )
    return held.getvalue()


def _unpacked(data: bytes, limits: Limits) -> bytes:
    if not data.startswith(_GZIP):
        return data
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as file:
            return _bounded(file, limits)
    except EOFError:
        what = "The gzip file is cut off."
    except (gzip.BadGzipFile, zlib.error):
        what = "The gzip file is damaged."
    raise InputError(what, means="Nothing of it was stored.", do="Copy or download it again.")


def _placed(error: InputError, place: str) -> InputError:
    """The same error, with the file's name before the place in it."""
    inside = f" {error.place}" if error.place else ""
    return InputError(error.what, place=f"{place}{inside}", means=error.means, do=error.do)


def _open_source(path: Path | None, source: str | None, limits: Limits) -> Document:
    """Read and parse one document; InputError names the file."""
    if path is None or path == _STDIN:
        place, stem = "standard input", "stdin"
    else:
        place, stem = path.name, _stem(path)
    document = read_document(path, limits)
    try:
        if not _looks_like_misp(document):
            return Document(place, source or stem, split_bundle(document, limits))
        # Its converter takes seconds to import, and most files do without.
        from tearline.exchange.misp import read_misp  # noqa: PLC0415

        with collector_paused():
            converted = read_misp(parse_strict(document, max_depth=limits.max_depth))
    except InputError as error:
        raise _placed(error, place) from None
    lost = tuple(Refused(place, "", reason) for reason in converted.lost)
    remarks = tuple(f"{place}: {remark}" for remark in converted.remarks)
    return Document(
        place, source or stem, converted.objects, ImportResult(refused=lost, remarks=remarks)
    )


def _stem(path: Path) -> str:
    """The file's name without the endings that say how it is packed."""
    return path.name.removesuffix(".gz").removesuffix(".json") or path.name


def _looks_like_misp(document: bytes) -> bool:
    """Tell by the outermost members alone; what is no JSON is left to the STIX reader to name."""
    if _SAYS_TYPE.match(document):
        return False
    if document.lstrip(b" \t\r\n").startswith(b"["):
        return True
    try:
        outline = _OUTLINE.decode(document)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return False
    said = (outline.event, outline.response, outline.info)
    return outline.type is msgspec.UNSET and any(part is not msgspec.UNSET for part in said)
