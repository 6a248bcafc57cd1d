"""The arguments that many verbs share, and what they are read into."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from tearline.agreement.home import Home

Place = Annotated[
    Path | None,
    typer.Option("--home", help="The node's home folder; default TEARLINE_HOME or ~/.tearline."),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON value for scripts.")]
Reason = Annotated[str, typer.Option("--reason", help="Why, in one sentence; it is logged.")]
Ref = Annotated[
    str, typer.Argument(metavar="ID", help="The agreement's id, the start of it, or a hash.")
]
ObjectId = Annotated[str, typer.Argument(metavar="OBJECT", help="The object's STIX id.")]
ClaimId = Annotated[str, typer.Argument(metavar="CLAIM", help="The id of the claim's note.")]
Party = Annotated[str, typer.Argument(metavar="PARTY", help="The partner's short name or name.")]
Limit = Annotated[int, typer.Option("--limit", min=1, help="How many to list.")]
Out = Annotated[Path | None, typer.Option("--out", help="Write it to this file.")]


def place_of(home: Path | None) -> Path:
    """Return the home folder that was named, or the one from the settings."""
    from tearline.config import settings

    return settings().home if home is None else home


def open_home(home: Path | None) -> "Home":
    """Open the home that was named, or the one from the settings."""
    from tearline.agreement import home as homes

    return homes.open_home(place_of(home))


def read_bytes(path: Path) -> bytes:
    """Return the bytes of a file, or of standard input for `-`; MisuseError if there is none."""
    import sys

    from tearline.errors import MisuseError

    if path == Path("-"):
        return sys.stdin.buffer.read()
    try:
        return path.read_bytes()
    except OSError as error:
        raise MisuseError(
            f"{path} cannot be read: {error.strerror}.", do="Check the name of the file."
        ) from error


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file; MisuseError when that cannot be done."""
    from tearline.errors import MisuseError

    try:
        path.write_bytes(content)
    except OSError as error:
        raise MisuseError(
            f"{path} cannot be written: {error.strerror}.", do="Name another file."
        ) from error
