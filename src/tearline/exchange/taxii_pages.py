"""Pages that were made before, kept for whoever asks for the same.

A page is kept under two kinds of names. One is all that the page depends on: the walk, and where
the head of its collection stood; who may see it is asked each time. The other is a whole request,
as `taxii_again` names it, and holds only while nothing at all has changed. So none has to be taken
back: what changed has another name, or was made in another state of the store.
"""

from collections import Counter, OrderedDict
from collections.abc import Hashable
from threading import Lock
from typing import NamedTuple

from tearline.exchange.taxii_answers import Page

MOST_BYTES = 32 << 20
_BESIDE = 1_000
"""Bytes that are counted for a name, beside the body of its page."""


class _Held(NamedTuple):
    page: Page
    until: int | None
    about: object


class Pages:
    """The pages of one process, those that were asked for last."""

    def __init__(self, most: int = MOST_BYTES) -> None:
        """Keep up to `most` bytes."""
        self._most = most
        self._held: OrderedDict[Hashable, _Held] = OrderedDict()
        self._names: Counter[Page] = Counter()
        self._bytes = 0
        self._lock = Lock()

    def get(self, name: Hashable, *, now: int) -> Page | None:
        """Return the page of a name, while its time is not over."""
        return self.find(name, now=now)[0]

    def find(self, name: Hashable, *, now: int) -> tuple[Page | None, object]:
        """Return the page of a name, and what was kept with it."""
        with self._lock:
            page, until, about = self._held.get(name, (None, None, None))
            if page is None or (until is not None and now >= until):
                return None, None
            self._held.move_to_end(name)
            return page, about

    def put(
        self, name: Hashable, page: Page, *, until: int | None = None, about: object = None
    ) -> None:
        """Keep a page, until a moment where there is one; what is never asked for goes first.

        A page of more than a quarter of it all is not kept.
        """
        if len(page.body) + _BESIDE > self._most // 4:
            return
        with self._lock:
            if name in self._held:
                self._drop(name)
            self._held[name] = _Held(page, until, about)
            self._names[page] += 1
            self._bytes += _BESIDE + (len(page.body) if self._names[page] == 1 else 0)
            while self._bytes > self._most:
                self._drop(next(iter(self._held)))

    def _drop(self, name: Hashable) -> None:
        """Forget a name, and its page with the last of its names."""
        page = self._held.pop(name).page
        self._bytes -= _BESIDE
        self._names[page] -= 1
        if not self._names[page]:
            del self._names[page]
            self._bytes -= len(page.body)
