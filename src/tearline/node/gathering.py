"""Writes what this process remembers of its clients' requests, every few seconds.

Every worker process does this for itself: what it gathered is in its own memory.
"""

import threading

import structlog

from tearline.agreement.home import Home
from tearline.errors import TearlineError
from tearline.exchange.visits import Visits, flush

EVERY_S = 5.0
_log = structlog.get_logger("tearline.node")


class Gathering:
    """The thread that flushes one process's memory."""

    def __init__(self, home: Home, visits: Visits) -> None:
        """Bind to a memory; nothing runs before `start`."""
        self._home = home
        self._visits = visits
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="tearline-gather", daemon=True)

    def start(self) -> None:
        """Run in the background until `stop`."""
        self._thread.start()

    def stop(self) -> None:
        """Ask it to flush once more and end."""
        self._stop.set()

    def join(self, seconds: float) -> None:
        """Wait for that, so long at most."""
        self._thread.join(seconds)

    def step(self) -> bool:
        """Flush once; what cannot be written is kept for the next time."""
        taken = self._visits.take()
        try:
            flush(self._home, taken)
        except TearlineError as error:
            self._visits.put_back(taken)
            _log.warning("visits not written", error=error.what)
            return False
        except Exception as error:  # noqa: BLE001  # this memory must not stop a node
            _log.error("visits lost", error=type(error).__name__, exc_info=True)
            return False
        return True

    def _run(self) -> None:
        while not self._stop.wait(EVERY_S):
            self.step()
        self.step()
