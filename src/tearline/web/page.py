"""One page: where it is, who may see it, what it reads, and by which template it is shown.

The value that a page reads is its JSON, at the same address with `.json`. A page that a role may
not see is not there for it.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from tearline.agreement.home import Home
from tearline.errors import TearlineError
from tearline.web.signing_in import ROLES, Role, Viewer
from tearline.web.where import Where


class Asked(NamedTuple):
    """A request for a page: of whom, for what, when, and from where."""

    home: Home
    who: Viewer
    path: Mapping[str, str]
    query: Mapping[str, str]
    now: int
    where: Where = Where()


class AbsentError(TearlineError):
    """There is no such thing, or this viewer may not know of it."""


def number_of(text: str | None) -> int | None:
    """A number in an address; None for anything else, and for what does not fit 64 bits."""
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 18 else None  # noqa: PLR2004  # far below 2**63


class Page(NamedTuple):
    """A page, and its JSON beside it."""

    path: str
    template: str
    read: Callable[[Asked], dict[str, Any]]
    roles: tuple[Role, ...] = ROLES


class Form(NamedTuple):
    """An act by a form: returns where to go next."""

    path: str
    act: Callable[[Asked, Mapping[str, str]], str]
    roles: tuple[Role, ...]
    proven: bool = False
    """Whether the password has to be shown again where it was not of late."""


class File(NamedTuple):
    """A file to be kept by whoever asks: its name, what it is, its bytes."""

    name: str
    media_type: str
    content: bytes


class Download(NamedTuple):
    """An address that answers with a file."""

    path: str
    read: Callable[[Asked], File]
    roles: tuple[Role, ...]


class Brought(NamedTuple):
    """A file that a form brought: the name that the browser says, and where its bytes lie now."""

    name: str
    size: int
    at: Path


class Drop(NamedTuple):
    """A form that brings files: they are written into a folder of the home, piece by piece.

    `act` takes over what it wants to keep of the folder; the rest is gone when it returns. It
    answers where to go next. More than `most` bytes together are refused.
    """

    path: str
    act: Callable[[Asked, Mapping[str, str], Sequence[Brought]], str]
    roles: tuple[Role, ...]
    most: Callable[[Home], int]


class Check(NamedTuple):
    """A form that is answered by a page about what it brought; nothing of it is kept.

    The answer is JSON, too, at the same address with `.json`.
    """

    path: str
    template: str
    read: Callable[[Asked, Mapping[str, str]], dict[str, Any]]
    roles: tuple[Role, ...]
    most: int


class Call(NamedTuple):
    """An act by a script of a page: takes fields as a form does, and returns JSON.

    `next` in what it returns is where the script goes on to.
    """

    path: str
    act: Callable[[Asked, Mapping[str, str]], dict[str, Any]]
    roles: tuple[Role, ...] = ROLES
    proven: bool = False
    """As of a form."""
