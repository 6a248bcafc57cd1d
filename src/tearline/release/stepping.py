"""Sort in by steps what arrived, apart from its arrival.

One step is one short transaction, so that who keeps objects meanwhile hardly waits. Whether a step
is done twice or never does not change what is held: what is sorted in can be made again.
"""

from collections.abc import Callable, Iterable

from tearline.agreement.home import Home
from tearline.stix.strict import collector_paused
from tearline.store import objects
from tearline.store.database import Tx
from tearline.store.objects import Version
from tearline.store.sorted_in import SortedIn

STEP = 1_000
"""How many versions are sorted in by one transaction."""


def behind(tx: Tx, place: SortedIn, recipe: int) -> int:
    """How many numbers of versions are not sorted in: at least as many as there are versions."""
    return max(objects.last(tx) - place.upto(tx, recipe), 0)


def in_steps(
    home: Home, place: SortedIn, recipe: int, step: Callable[[Tx], None], most: int | None
) -> int:
    """Sort in what is not yet, in so many steps at most; returns how many are left."""
    done = 0
    while (left := _left(home, place, recipe)) and (most is None or done < most):
        with home.store.write() as tx, collector_paused():
            step(tx)
        done += 1
    return left


def older(tx: Tx, newest: Iterable[tuple[str, Version]]) -> list[int]:
    """The numbers of the versions that were the latest until these came."""
    by_origin: dict[str, list[str]] = {}
    for origin, each in newest:
        by_origin.setdefault(origin, []).append(each.stix_id)
    return [
        each.seq
        for origin, ids in by_origin.items()
        for versions in objects.versions_of(tx, origin, ids).values()
        for each in versions
        if not each.latest
    ]


def _left(home: Home, place: SortedIn, recipe: int) -> int:
    with home.store.read() as tx:
        return behind(tx, place, recipe) or len(place.again.some(tx, 1))
