"""Gives an answer again, as it was, while nothing at all was committed since it was made.

What may be read depends on rows: the account, its right, the agreement, the collection. As long as
the store stands as it stood before an answer was made, the same request gets the same answer, and
none of these has to be looked up: one question is left, whether the store still stands so. It is
asked before an answer is made, for what an answer is kept with must not be later than what it was
made from. Whatever the request says counts, so its name covers all of it, under a key that only
this process has: what it brings to prove itself lies nowhere in memory.

The clock changes answers too. So none is given again later than some seconds, or than a limit of
the page or of the agreement. Only what was asked for within these seconds is worth the question.
"""

from collections.abc import Hashable, Mapping
from hashlib import blake2b
from typing import Any, NamedTuple

import msgspec
from starlette.types import Scope

from tearline import clock
from tearline.agreement.home import Home
from tearline.errors import StoreError
from tearline.exchange.access import Caller, Door, TurnedAwayError
from tearline.exchange.taxii_answers import ROUTE, Page
from tearline.exchange.taxii_pages import Pages
from tearline.exchange.visits import Reply

_LIFE_US = 5_000_000
_SIGNED = {b"signature", b"signature-input"}
_encode = msgspec.msgpack.Encoder().encode


class Given(NamedTuple):
    """How a request was answered before."""

    page: Page
    reply: Reply
    scope: Mapping[str, Any]
    """What was found out of the address."""


class Asked(NamedTuple):
    """The name of a request, and how the store stood when it came; None where that is unknown."""

    name: bytes
    state: Hashable


class _About(NamedTuple):
    state: Hashable
    since: int
    reply: Reply
    scope: Mapping[str, Any]


class Again:
    """The answers that one process gave lately."""

    def __init__(self, pages: Pages, door: Door) -> None:
        """Keep them among the pages."""
        self._pages, self._door = pages, door
        self._key = clock.fresh_bytes(32)

    async def find(self, home: Home, scope: Scope, *, now: int) -> tuple[Asked, Given | None]:
        """Return how the same request was answered, if nothing has changed since.

        A signature is another for each request; it is checked, and no part of the name.
        """
        rest = [each for each in scope["headers"] if each[0] not in _SIGNED]
        said = scope["method"], scope["path"], scope["query_string"], rest
        name = blake2b(_encode(said), key=self._key, digest_size=32).digest()
        page, about = self._pages.find(name, now=now)
        if page is None or not isinstance(about, _About) or now < about.since:
            return Asked(name, None), None
        state = await home.store.state()
        if state is None or state != about.state or not self._proven(home, scope, about, now):
            return Asked(name, state), None
        return Asked(name, state), Given(page, about.reply, about.scope)

    def _proven(self, home: Home, scope: Scope, about: _About, now: int) -> bool:
        """Whether a node signed this request, too; whoever answers it else says what is wrong."""
        if isinstance(about.reply.caller, Caller):
            try:
                self._door.check_signed(home, scope, about.reply.caller, now=now)
            except (TurnedAwayError, StoreError):
                return False
        return True

    def keep(self, asked: Asked, scope: Scope, page: Page, reply: Reply, *, now: int) -> None:
        """Keep an answer; one that came without the state of the store shows what is repeated."""
        turns = page.until, self._door.until(reply.caller) if reply.caller else 0
        until = min([now + _LIFE_US, *(turn for turn in turns if turn is not None)])
        found = {each: scope[each] for each in (ROUTE, "path_params")}
        about = _About(asked.state, now, reply, found)
        self._pages.put(asked.name, page, until=until, about=about)
