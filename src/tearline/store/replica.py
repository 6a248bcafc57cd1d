"""When a read replica may answer for the primary, and when it is left alone.

A replica shows an earlier moment than the primary, and sometimes a later one: it can hold what the
primary still waits to have confirmed. So it answers only for what stands on both exactly alike,
which one row tells: the head, which moves with everything that a page could show. Then its page is
the primary's page, byte for byte, and no cursor lies beyond what the replica showed.
"""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from threading import Lock
from typing import NamedTuple, TypeVar

import structlog
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from tearline.errors import StoreError

_FIRST_S = 1.0
_LONGEST_S = 60.0
_log = structlog.get_logger("tearline.store")
T = TypeVar("T")


class Counts(NamedTuple):
    """How many readings a replica answered, was behind for, and failed."""

    answered: int = 0
    behind: int = 0
    failed: int = 0


class Replica:
    """A server that follows the primary and is asked for pages alone."""

    def __init__(self, begin: Callable[[], AbstractContextManager[Connection]]) -> None:
        """Ask by transactions that `begin` gives; whoever fails is left alone, longer each time."""
        self._begin = begin
        self._lock = Lock()
        self._wait = 0.0
        self._again = 0.0
        self.counts = Counts()

    def pages(
        self,
        tx: Connection,
        head: Callable[[Connection], object],
        read: Callable[[Connection], T],
    ) -> T:
        """Read from the replica where its head is that of `tx`; else from `tx`, the primary's."""
        if time.monotonic() < self._again:
            return read(tx)
        try:
            with self._begin() as other:
                if head(other) == head(tx):
                    found = read(other)
                    self._came(answered=1)
                    return found
            self._came(behind=1)
        except (StoreError, DBAPIError) as error:
            self._failed(error)
        return read(tx)

    def _came(self, *, answered: int = 0, behind: int = 0) -> None:
        with self._lock:
            was, self._wait = self._wait, 0.0
            done = self.counts
            self.counts = Counts(done.answered + answered, done.behind + behind, done.failed)
        if was:
            _log.info("the replica answers again")

    def _failed(self, error: Exception) -> None:
        """Leave it alone for a while; of several requests that met the same failure, once."""
        now = time.monotonic()
        with self._lock:
            if now < self._again:
                return
            self._wait = min(max(self._wait * 2, _FIRST_S), _LONGEST_S)
            self._again = now + self._wait
            self.counts = self.counts._replace(failed=self.counts.failed + 1)
        problem = error.what if isinstance(error, StoreError) else type(error).__name__
        _log.warning("the replica is left alone", seconds=self._wait, problem=problem)
