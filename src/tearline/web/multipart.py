"""Forms with files, as browsers send them (RFC 7578), read piece by piece as they come.

A file's bytes go straight to where the caller wants them; nothing is held that is longer than a
line of headers. What is not of the form is refused; names are data and never a path.
"""

import re
from collections.abc import Callable
from typing import BinaryIO

from tearline.errors import InputError

_MOST_PARTS = 200
_MOST_HEADERS = 8 << 10
_MOST_FIELDS = 64 << 10
_BOUNDARY = re.compile(
    r"multipart/form-data\s*;.*?boundary=(?:\"([^\"]{1,70})\"|([^\s;\"]{1,70}))",
    re.IGNORECASE | re.DOTALL,
)
_NAMED = re.compile(rb'[;\s](name|filename)="((?:[^"\\]|\\.)*)"', re.IGNORECASE)
_ESCAPED = {"%22": '"', "%0D": "\r", "%0A": "\n", '\\"': '"', "\\\\": "\\"}
_ESCAPE = re.compile("|".join(map(re.escape, _ESCAPED)), re.IGNORECASE)

Open = Callable[[str], BinaryIO]
"""Where the bytes of a file of this name are to go."""


def boundary_of(content_type: str) -> bytes | None:
    """Return what stands between the parts of a form with files; None if it is no such form."""
    found = _BOUNDARY.match(content_type)
    return (found[1] or found[2]).encode() if found else None


class Parts:
    """A form with files that is being read: feed it what comes, then `end` it."""

    def __init__(self, boundary: bytes, open_: Open) -> None:
        """Begin before the first part; files are opened by `open_` and closed here."""
        self.fields: dict[str, str] = {}
        self._mark = b"\r\n--" + boundary
        self._open = open_
        self._held = b"\r\n"
        self._read: Callable[[], bool] = self._preamble
        self._file: BinaryIO | None = None
        self._name = ""
        self._text: list[bytes] = []
        self._texts = 0
        self._parts = 0
        self._over = False

    def feed(self, piece: bytes) -> None:
        """Read on; InputError for what is no form with files, or has too many parts."""
        self._held += piece
        while self._read():
            pass

    def end(self) -> None:
        """Say that nothing more comes; InputError when it stopped half way."""
        self.close()
        if not self._over:
            raise InputError("The form ends half way.", means="Nothing was kept.", do="Send again.")

    def close(self) -> None:
        """Close the file that is being written, if one is."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _preamble(self) -> bool:
        at = self._held.find(self._mark)
        if at < 0:
            self._held = self._held[-len(self._mark) :]
            return False
        self._held = self._held[at + len(self._mark) :]
        self._read = self._after_mark
        return True

    def _after_mark(self) -> bool:
        if len(self._held) < 2:  # noqa: PLR2004  # two bytes say what follows
            return False
        follows, self._held = self._held[:2], self._held[2:]
        if follows == b"--":
            self._over, self._read = True, self._epilogue
        elif follows == b"\r\n":
            self._read = self._headers
        else:
            raise _malformed()
        return True

    def _epilogue(self) -> bool:
        self._held = b""
        return False

    def _headers(self) -> bool:
        at = self._held.find(b"\r\n\r\n")
        if at < 0 and len(self._held) <= _MOST_HEADERS:
            return False
        self._parts += 1
        if not 0 <= at <= _MOST_HEADERS or self._parts > _MOST_PARTS:
            raise _malformed()
        head, self._held = self._held[:at], self._held[at + 4 :]
        self._begin(head)
        self._read = self._body
        return True

    def _begin(self, head: bytes) -> None:
        lines = [e for e in head.split(b"\r\n") if e.lower().startswith(b"content-disposition:")]
        said = {name.lower(): value for name, value in _NAMED.findall(lines[0])} if lines else {}
        if b"name" not in said:
            raise _malformed()
        self._name, self._text = _plain(said[b"name"]), []
        if b"filename" in said:
            self._file = self._open(_plain(said[b"filename"]))

    def _body(self) -> bool:
        at = self._held.find(self._mark)
        end = at if at >= 0 else max(len(self._held) - len(self._mark) + 1, 0)
        self._keep(self._held[:end])
        if at < 0:
            self._held = self._held[end:]
            return False
        self._held = self._held[at + len(self._mark) :]
        if self._file is None:
            self.fields[self._name] = b"".join(self._text).decode("utf-8", "replace")
        self.close()
        self._read = self._after_mark
        return True

    def _keep(self, part: bytes) -> None:
        if self._file is not None:
            self._file.write(part)
            return
        self._texts += len(part)
        if self._texts > _MOST_FIELDS:
            raise InputError("A field of this form is too long.", means="Nothing was kept.")
        self._text.append(part)


def _plain(value: bytes) -> str:
    return _ESCAPE.sub(lambda found: _ESCAPED[found[0].upper()], value.decode("utf-8", "replace"))


def _malformed() -> InputError:
    return InputError("This is no form with files.", means="Nothing was kept.", do="Send again.")
