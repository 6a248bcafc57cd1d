"""How often somebody lately failed to show who they are.

The counts are of one process and are lost with it: they protect the machine and slow down who
guesses. They are no lock on an account.
"""

from collections import OrderedDict, deque
from threading import Lock


class Attempts:
    """Failures of each caller within a span of time; of so many callers at most."""

    def __init__(self, *, most: int, span_us: int, callers: int = 10_000) -> None:
        """Allow `most` failures of one caller in the span; remember so many callers."""
        self._most = most
        self._span = span_us
        self._callers = callers
        self._failures: OrderedDict[str, deque[int]] = OrderedDict()
        self._lock = Lock()

    def wait_us(self, caller: str, *, now: int) -> int:
        """How long a caller has to wait until its next attempt counts; 0 where it need not."""
        with self._lock:
            held = self._failures.get(caller)
            while held and held[0] <= now - self._span:
                held.popleft()
            if not held or len(held) < self._most:
                return 0
            return held[0] + self._span - now

    def failed(self, caller: str, *, now: int) -> None:
        """Count a failure."""
        with self._lock:
            self._failures.setdefault(caller, deque(maxlen=self._most)).append(now)
            self._failures.move_to_end(caller)
            if len(self._failures) > self._callers:
                self._failures.popitem(last=False)

    def succeeded(self, caller: str) -> None:
        """Forget what failed before."""
        with self._lock:
            self._failures.pop(caller, None)

    def __len__(self) -> int:
        """Of how many callers it knows."""
        return len(self._failures)
