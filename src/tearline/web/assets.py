"""The files that pages load: ours, and those of others that `make assets` puts beside them.

The address of a file carries its hash, so a browser may keep it for good and still never has an old
one. A file that was not fetched has no address; a page without it is read without what it draws.
"""

import gzip
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

_FOLDER = Path(__file__).with_name("static")
_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".mjs": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}


class Asset(NamedTuple):
    """A file as it is served, as it is and by gzip, and the beginning of its hash."""

    content: bytes
    packed: bytes
    type: str
    digest: str


@cache
def asset(name: str) -> Asset | None:
    """The file of this name, below the folder `static`; None where there is none."""
    path = {e.relative_to(_FOLDER).as_posix(): e for e in _FOLDER.rglob("*")}.get(name)
    if path is None or not path.is_file():
        return None
    content = path.read_bytes()
    kind = _TYPES.get(path.suffix, "text/plain; charset=utf-8")
    packed = gzip.compress(content, mtime=0)
    return Asset(content, packed, kind, sha256(content).hexdigest()[:12])


def address(name: str) -> str | None:
    """Where a page loads a file from; None where it was not fetched."""
    found = asset(name)
    return None if found is None else f"/static/{name}?{found.digest}"
