"""One TAXII request, and what an address does with it."""

from collections.abc import Callable, Mapping
from typing import Any, Generic, NamedTuple, TypeVar

from starlette.requests import Request
from starlette.responses import Response

from tearline.agreement.home import Home
from tearline.exchange.access import Caller, Door, LocalCaller
from tearline.exchange.taxii_answers import Page
from tearline.exchange.taxii_pages import Pages
from tearline.store.database import Tx

Who = TypeVar("Who", Caller, LocalCaller, Caller | LocalCaller)


class Ask(NamedTuple, Generic[Who]):
    """One request: the home and snapshot it reads, who asks, and what the address names."""

    home: Home
    tx: Tx
    caller: Who
    request: Request
    now: int
    pages: Pages


class Look(NamedTuple):
    """A request before anybody looked who asks: it may be answered at a glance."""

    home: Home
    door: Door
    pages: Pages
    request: Request
    now: int


class Glanced(NamedTuple):
    """What was answered at a glance, and to whom."""

    page: Page
    caller: Caller | LocalCaller


class Knock(NamedTuple):
    """A request that is to write: admitted, and with no snapshot open."""

    home: Home
    caller: LocalCaller
    request: Request
    now: int


class Resource(NamedTuple):
    """What one address answers, and to whom; for everybody else it does not exist.

    `glance` answers a reading by one question to the store, where there is nothing new or the page
    was made before; None where it cannot, whatever the reason. `check` turns away what is not to be
    written, before a body is read; `writes` has a function for each method that writes, which gets
    the body.
    """

    get: Callable[[Any], Response]
    callers: tuple[type, ...] = (Caller, LocalCaller)
    glance: Callable[[Look], Glanced | None] | None = None
    check: Callable[[Any], None] = lambda _ask: None
    writes: Mapping[str, Callable[[Knock, bytes], Response]] = {}

    @property
    def methods(self) -> list[str]:
        """The methods that the address has."""
        return ["GET", "HEAD", *self.writes]
