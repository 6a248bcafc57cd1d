"""What previews read of everything held, kept in memory between one change of a draft and the next.

It is good while nothing of it changes in the store, which is asked each time, and while a minute
lasts: what is decided from it is decided as of the full minute. How it is decided is `preview`'s.
"""

from collections.abc import Callable, Hashable
from threading import Lock
from typing import Any, TypeVar

from tearline.agreement import force
from tearline.release.clause_sql import reached, with_speaking
from tearline.release.rules import Rules
from tearline.release.swept import Swept
from tearline.store import annotations, stirred, sweeping
from tearline.store.database import Tx
from tearline.store.objects import OURS

MINUTE = 60_000_000
MOST = 100_000
"""So many objects are kept at most; of more, a sample says first what everything says later."""
_FEW = 8

_Made = TypeVar("_Made")


class Warm(Swept):
    """Everything that is ours, read once for many transactions in which it is the same."""

    def __init__(self, tx: Tx, state: Hashable) -> None:
        """Read what ties objects; `state` says when it holds no more."""
        super().__init__(tx)
        self.state = state
        self._at = 0
        self._made: dict[Hashable, Any] = {}

    def go_on(self, tx: Tx, at: int) -> None:
        """Answer in another transaction, at a moment; what hung on the one before is forgotten."""
        self.tx = tx
        if at != self._at:
            self._facts = {}
            self._made = {}
            self._at = at

    def once(self, key: Hashable, make: Callable[[], _Made]) -> _Made:
        """What was made before, of the few things made last."""
        if key not in self._made:
            while len(self._made) >= _FEW:
                self._made.pop(next(iter(self._made)))
            self._made[key] = make()
        found: _Made = self._made[key]
        return found

    def near(self, rules: Rules) -> set[str] | None:
        """What paths may lead to by these rules, and what speaks of it; None for everything."""
        wanted = tuple(
            (e.complete and e.any_topic, e.keys, e.stix_ids, e.pairs, e.reach, e.members)
            for e in rules.clauses
        )
        return self.once(("near", wanted), lambda: self._reached(rules))

    def _reached(self, rules: Rules) -> set[str] | None:
        found = reached(self.tx, rules)
        return None if found is None else with_speaking(self, found)


class Kept:
    """The warm reading of one store; whoever decides from it holds the lock."""

    def __init__(self) -> None:
        """Nothing is read yet."""
        self.lock = Lock()
        self._warm: Warm | None = None

    def warm(self, tx: Tx, at: int, *, now: int) -> Warm | None:
        """What is kept, read anew where anything changed; None where too much is held."""
        state = _state(tx, now)
        if self._warm is None or self._warm.state != state:
            self._warm = None
            if state[0][0] > MOST:
                return None
            self._warm = Warm(tx, state)
        self._warm.go_on(tx, at)
        return self._warm


def _state(tx: Tx, now: int) -> tuple[tuple[int, ...], int, Hashable, Hashable]:
    """What is another as soon as anything is that a preview reads of what is held."""
    bound = tuple((e.hash, e.state, e.accepting) for e in force.all_in_force(tx, now=now))
    holds = tuple(sorted(annotations.holds(tx).items()))
    return sweeping.state(tx, OURS), stirred.last(tx), holds, bound
