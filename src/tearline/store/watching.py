"""What tells that nothing more was committed in PostgreSQL: one snapshot, asked for many at once.

A snapshot names the transactions that it does not see: all from `xmax` on, and those of `xip`. One
of these that ends leaves `xip`, or moves `xmax` beyond itself; what begins later has a number from
`xmax` on. So while the text of a snapshot stays the same nothing became visible, whoever wrote:
subtransactions show with the transaction that they are part of, prepared ones stay in `xip` until
they are committed, and a commit that waits for standbys is not visible yet. All this holds on a
primary alone: the snapshot of a standby has no `xip`. So the connection is one of the pool's, which
prove that they are to the primary, and is used only while it is believed.

One question is under way at a time, and whoever comes meanwhile waits for the next one: a question
answers only those who came before it. The event loop asks; a thread has no part in it.
"""

import asyncio
import time
from threading import Lock, Thread
from typing import Any, NamedTuple, cast

import psycopg
from psycopg.pq import ExecStatus
from sqlalchemy import Engine, PoolProxiedConnection
from sqlalchemy.exc import SQLAlchemyError

from tearline.store.primary import Proven

SET_UP = "PREPARE tearline_snapshot AS SELECT pg_current_snapshot()::text"
_NAME = b"tearline_snapshot"
_PATIENCE_S = 0.25
"""How long a request waits for the answer before it goes the ordinary way."""
_PAUSE_S = 1.0
"""How long no connection is asked for after there was none."""


class State(NamedTuple):
    """All that was committed, as one connection sees it; that of another is never equal."""

    seen_by: object
    snapshot: bytes


class Watcher:
    """Asks a database for its state, for all requests of a process.

    What is not certain is answered with None: then a request goes the ordinary way, which finds
    out what is wrong and says so.
    """

    def __init__(self, engine: Engine) -> None:
        """Bind to a pool; nothing is opened yet."""
        self._engine = engine
        self._lock = Lock()
        self._lent: PoolProxiedConnection | None = None
        self._driver: Proven | None = None
        self._socket = -1
        self._opening, self._closed, self._again = False, False, 0.0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._asking = self._late = False
        self._timer: asyncio.TimerHandle | None = None
        self._asked: list[asyncio.Future[State | None]] = []
        self._next: list[asyncio.Future[State | None]] = []
        self._result: Any = None

    async def state(self) -> State | None:
        """Return what stays equal as long as nothing more becomes visible; None if not known."""
        loop = asyncio.get_running_loop()
        with self._lock:
            if not self._is_ready(loop):
                return None
            answer: asyncio.Future[State | None] = loop.create_future()
            self._next.append(answer)
            if not self._asking:
                self._asking = True
                # Whoever else comes in this turn of the loop is answered by the same question.
                loop.call_soon(self._ask)
        return await answer

    def close(self) -> None:
        """Give the connection back, from whichever thread."""
        with self._lock:
            self._closed = True
            if not self._asking:
                self._give_back()
            elif self._loop is not None and self._loop.is_running():
                self._loop.call_soon_threadsafe(self._drop)
            else:
                self._lose()

    # ------------------------------------------------------------------------- the connection

    def _is_ready(self, loop: asyncio.AbstractEventLoop) -> bool:
        if self._loop is not loop:
            if self._asking and self._loop is not None and self._loop.is_running():
                return False
            if self._asking:
                self._lose()
            self._loop = loop
        if self._lent is None and not self._opening and time.monotonic() >= self._again:
            self._opening, self._closed = True, False
            Thread(target=self._open, name="tearline-watch", daemon=True).start()
        return self._lent is not None and not self._late

    def _open(self) -> None:
        """Borrow a connection that proves itself, for which the event loop has no time."""
        lent, driver, socket = None, None, -1
        try:
            lent = self._engine.raw_connection()
            driver = cast("Proven", lent.driver_connection)
            socket = driver.fileno()
        except (psycopg.Error, SQLAlchemyError):
            self._again = time.monotonic() + _PAUSE_S
        finally:
            with self._lock:
                self._opening = False
                self._lent, self._driver, self._socket = lent, driver, socket
                if self._closed:
                    self._lose()

    def _give_back(self) -> None:
        """Return a connection on which nothing is under way."""
        if self._lent is not None:
            self._lent.close()
        self._lent = self._driver = None

    def _drop(self) -> None:
        with self._lock:
            self._lose()

    def _lose(self) -> None:
        """Throw the connection away, and send all who wait the ordinary way."""
        self._end_question()
        self._answer(None)
        self._next, self._asked = [], self._next
        self._answer(None)
        self._asking = False
        if self._lent is not None:
            self._lent.invalidate()
        self._give_back()

    # ---------------------------------------------------------------------------- the questions

    def _ask(self) -> None:
        with self._lock:
            if self._timer is not None:
                return  # a question is under way
            self._asked, self._next = self._next, []
            if not self._asked or self._loop is None or self._driver is None:
                self._answer(None)
                self._asking = False
                return
            if not self._driver.is_believed:
                self._answer(None)
                self._asking = False
                self._give_back()
                return
            try:
                self._driver.pgconn.send_query_prepared(_NAME, [])
            except psycopg.Error:
                self._lose()
                return
            self._loop.add_reader(self._socket, self._read)
            self._timer = self._loop.call_later(_PATIENCE_S, self._give_up)

    def _read(self) -> None:
        with self._lock:
            if self._driver is None:
                return
            wire = self._driver.pgconn
            try:
                wire.consume_input()
                while not wire.is_busy():
                    result = wire.get_result()
                    if result is None:
                        self._answered()
                        return
                    self._result = result
            except psycopg.Error:
                self._lose()

    def _answered(self) -> None:
        """Tell those who waited, and ask for those who came meanwhile."""
        result, self._result = self._result, None
        if result is None or result.status != ExecStatus.TUPLES_OK:
            self._lose()
            return
        self._end_question()
        self._answer(State(self._driver, result.get_value(0, 0)))
        self._asking = bool(self._next)
        if self._asking and self._loop is not None:
            self._loop.call_soon(self._ask)

    def _give_up(self) -> None:
        """Let nobody wait longer; until the answer has come nobody asks."""
        with self._lock:
            self._late = True
            self._answer(None)
            self._asked, self._next = self._next, []
            self._answer(None)

    def _end_question(self) -> None:
        self._late = False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._loop is not None and not self._loop.is_closed():
            self._loop.remove_reader(self._socket)

    def _answer(self, state: State | None) -> None:
        waiting, self._asked = self._asked, []
        if self._loop is None or self._loop.is_closed():
            return
        for each in waiting:
            if not each.done():
                each.set_result(state)
