"""How often each partner asked in this hour, where its agreement sets a number.

Every request counts that came with the partner's key, whatever the answer was. The counts are of
one process and are lost with it: a node of several workers lets up to as many times the number
through. Nothing is looked up and nothing written.
"""

from threading import Lock

from tearline.exchange.access import Caller, LocalCaller, TurnedAwayError

TOO_OFTEN = "More requests than the agreement allows in an hour."
_HOUR_US = 3_600_000_000
_US_PER_S = 1_000_000


class Pace:
    """The counts of one process, by agreement, for the hour that runs."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._hour_at = 0
        self._asked: dict[str, int] = {}
        self._lock = Lock()

    def count(self, caller: Caller | LocalCaller | None, *, now: int) -> bool:
        """Count a request; whether it is still one of those that the agreement allows."""
        if not isinstance(caller, Caller):
            return True
        most = caller.force.terms.limits.requests_per_hour
        if most is None:
            return True
        hour_at = now - now % _HOUR_US
        with self._lock:
            if hour_at != self._hour_at:
                self._hour_at, self._asked = hour_at, {}
            asked = self._asked[caller.agreement_id] = self._asked.get(caller.agreement_id, 0) + 1
        return asked <= most

    def check(self, caller: Caller | LocalCaller | None, *, now: int) -> None:
        """Count a request; TurnedAwayError (429) where it is one too many."""
        if not self.count(caller, now=now):
            seconds = -((now % _HOUR_US - _HOUR_US) // _US_PER_S)
            raise TurnedAwayError(
                429,
                TOO_OFTEN,
                "The count begins anew with the next full hour.",
                headers={"Retry-After": str(seconds)},
            )
