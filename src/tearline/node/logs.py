"""The node's log: one JSON object a line on standard error, without content and without secrets.

An error is logged by its kind and its place in the code, never by its text or by variables: these
could hold what a partner sent or what nobody else may read.

A thread of its own writes the lines: who reads them slowly, or not at all, holds up no answer.
"""

import atexit
import logging
import sys
import time
import traceback
from collections import deque
from contextlib import suppress
from threading import Event, Lock, Thread
from typing import Any, TextIO

import orjson
import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

_MOST_WAITING = 10_000
_PAUSE_S = 0.05
"""How long lines gather before they are written together."""


class Lines:
    """Lines on their way to a stream; it can stand in the place of that stream."""

    def __init__(self, stream: TextIO) -> None:
        """Bind to a stream; the thread starts with the first line."""
        self._stream = stream
        self._waiting: deque[object] = deque()
        self._lost, self._writing = 0, False
        self._ready, self._lock = Event(), Lock()
        self._thread: Thread | None = None
        atexit.register(self.drain)

    def write(self, text: object) -> None:
        """Have a text written soon; it is lost where too much waits already, which is told.

        What is no text yet is made one (`str`) only then, by the thread.
        """
        if len(self._waiting) >= _MOST_WAITING:
            self._lost += 1
            return
        self._waiting.append(text)
        if not self._ready.is_set():
            self._ready.set()
            if self._thread is None or not self._thread.is_alive():
                self._start()

    def flush(self) -> None:
        """Do nothing: what waits is written anyway."""

    def drain(self, seconds: float = 2.0) -> None:
        """Wait until all that waits is written, but not for ever."""
        until = time.monotonic() + seconds
        while self._ready.is_set() or self._writing:
            if time.monotonic() > until:
                return
            time.sleep(_PAUSE_S / 10)

    def _start(self) -> None:
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                self._thread = Thread(target=self._run, name="tearline-log", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while self._ready.wait():
            time.sleep(_PAUSE_S)
            self._writing = True
            self._ready.clear()
            self._put()
            self._writing = False

    def _put(self) -> None:
        texts = [str(self._waiting.popleft()) for _ in range(len(self._waiting))]
        if self._lost:
            texts.append(line({"event": "log lines were lost", "lines": self._lost}))
            self._lost = 0
        # Where nobody reads any more there is nobody to tell.
        with suppress(OSError, ValueError):
            self._stream.write("".join(texts))
            self._stream.flush()


def line(event: dict[str, object]) -> str:
    """Return one line of the log."""
    return orjson.dumps(event).decode() + "\n"


def log_as_json(stream: TextIO | Lines | None = None) -> None:
    """Set up logging for this process, by default on standard error.

    What other packages log below a warning is left out.
    """
    out: Any = sys.stderr if stream is None else stream
    shared: list[Processor] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _name_error,
    ]
    structlog.configure(
        processors=[*shared, structlog.processors.JSONRenderer()],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.WriteLoggerFactory(out),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(out)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(),
            ],
            foreign_pre_chain=shared,
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)


def _name_error(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Put the kind of an error and where it rose in the place of the error itself."""
    given = event.pop("exc_info", None)
    if given:
        found = given if isinstance(given, tuple) else sys.exc_info()
        error = given if isinstance(given, BaseException) else found[1]
        if error is not None:
            frames = traceback.extract_tb(error.__traceback__)
            event["error"] = type(error).__qualname__
            event["at"] = [f"{each.filename}:{each.lineno} {each.name}" for each in frames]
    return event
