"""What a form brings, read as it comes: files into a folder, or a little text into memory."""

from io import BytesIO
from pathlib import Path
from typing import BinaryIO
from urllib.parse import parse_qsl

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from tearline.errors import InputError
from tearline.web.multipart import Open, Parts, boundary_of
from tearline.web.page import Brought

_BESIDE = 64 << 10
"""How much longer a form may be than what it brings."""
_HEARD_OUT = 64 << 20
"""How much more is read of what is too large, so that the browser hears why it was refused."""
_NAME = 100


class TooLargeError(InputError):
    """A form brought more than is taken."""


async def into_folder(
    request: Request, folder: Path, most: int
) -> tuple[dict[str, str], list[Brought]]:
    """Write the files of a form into a folder, each by a number; return fields and files.

    InputError for what is no such form, TooLargeError beyond `most` bytes.
    """
    names: list[tuple[str, Path]] = []

    def open_(name: str) -> BinaryIO:
        at = folder / str(len(names))
        names.append((bare_name(name), at))
        return at.open("wb")

    fields = await _read(request, open_, most)
    files = [Brought(name, at.stat().st_size, at) for name, at in names]
    return fields, [each for each in files if each.size]


async def into_memory(request: Request, most: int) -> dict[str, str]:
    """Return the fields of a form; a file becomes a field, with its name as `file-name`.

    InputError for what is no form, TooLargeError beyond `most` bytes.
    """
    files: list[tuple[str, BytesIO]] = []

    class _Kept(BytesIO):
        def close(self) -> None:
            """Keep what was written."""

    def open_(name: str) -> BinaryIO:
        files.append((bare_name(name), _Kept()))
        return files[-1][1]

    fields = await _read(request, open_, most)
    for name, held in files[:1]:
        fields |= {"file": held.getvalue().decode("utf-8", "replace"), "file-name": name}
    return fields


async def _read(request: Request, open_: Open, most: int) -> dict[str, str]:
    boundary = boundary_of(request.headers.get("content-type", ""))
    if boundary is None:
        body = await _whole(request, most)
        return dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
    parts, total = Parts(boundary, open_), 0
    try:
        async for piece in request.stream():
            total += len(piece)
            if total <= most + _BESIDE:
                await run_in_threadpool(parts.feed, piece)
            elif total > most + _HEARD_OUT:
                break
        if total > most + _BESIDE:
            raise _too_large(most)
        parts.end()
    finally:
        parts.close()
    return parts.fields


async def _whole(request: Request, most: int) -> bytes:
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > most + _BESIDE:
            raise _too_large(most)
    return body


def _too_large(most: int) -> TooLargeError:
    return TooLargeError(
        f"This is more than {most} bytes.",
        means="Nothing of it was kept.",
        do="Split it, or use the command line where the node runs.",
    )


def bare_name(name: str) -> str:
    """A file's name as the name of a file: its last part, printable, and never a way elsewhere."""
    last = name.replace("\\", "/").rpartition("/")[2]
    kept = "".join(each if each.isprintable() else "�" for each in last).strip()[:_NAME]
    return kept if kept.strip(".") else "file"
