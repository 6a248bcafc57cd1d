"""Pages that were made before, kept for whoever asks for the same.

A page is named by all that it depends on: the walk, and where the head of its collection stood. So
none has to be taken back: what changed has another name. Who may see a page is asked each time.
"""

from collections import OrderedDict
from collections.abc import Hashable
from threading import Lock

from tearline.exchange.taxii_answers import Page

MOST_BYTES = 32 << 20
_BESIDE = 1_000
"""Bytes that are counted for a page beside its body."""


class Pages:
    """The pages of one process, those that were asked for last."""

    def __init__(self, most: int = MOST_BYTES) -> None:
        """Keep up to `most` bytes."""
        self._most = most
        self._held: OrderedDict[Hashable, tuple[Page, int | None]] = OrderedDict()
        self._bytes = 0
        self._lock = Lock()

    def get(self, name: Hashable, *, now: int) -> Page | None:
        """Return the page of a name, while its time is not over."""
        with self._lock:
            page, until = self._held.get(name, (None, None))
            if page is None or (until is not None and now >= until):
                return None
            self._held.move_to_end(name)
            return page

    def put(self, name: Hashable, page: Page, *, until: int | None = None) -> None:
        """Keep a page, until a moment where there is one; what is never asked for goes first.

        A page of more than a quarter of it all is not kept.
        """
        size = len(page.body) + _BESIDE
        if size > self._most // 4:
            return
        with self._lock:
            before, _ = self._held.pop(name, (None, None))
            self._bytes += size - (len(before.body) + _BESIDE if before else 0)
            self._held[name] = page, until
            while self._bytes > self._most:
                _, (gone, _) = self._held.popitem(last=False)
                self._bytes -= len(gone.body) + _BESIDE
