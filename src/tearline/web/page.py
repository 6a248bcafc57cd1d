"""One page: where it is, who may see it, what it reads, and by which template it is shown.

The value that a page reads is its JSON, at the same address with `.json`. A page that a role may
not see is not there for it.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from tearline.agreement.home import Home
from tearline.errors import TearlineError
from tearline.web.signing_in import ROLES, Role, Viewer


class Asked(NamedTuple):
    """A request for a page: of whom, for what, and when."""

    home: Home
    who: Viewer
    path: Mapping[str, str]
    query: Mapping[str, str]
    now: int


class AbsentError(TearlineError):
    """There is no such thing, or this viewer may not know of it."""


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
