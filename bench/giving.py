"""Release at import, to many agreements at once: one object in a hundred goes under each.

What an object costs grows with the number of agreements; so the same import is measured under
several numbers of them. The floor is the same import under none.
"""

import tempfile
import time
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from bench import corpus
from bench.agreements import agree
from bench.measuring import ROUNDS, Figure, Spent, median, near, spent
from tearline import clock
from tearline.agreement.home import Home, create_home
from tearline.release import arrive
from tearline.release.indexing import index
from tearline.release.reconcile import reconcile_all
from tearline.stix import marking
from tearline.stix.objects import read
from tearline.stix.strict import collector_paused

GOAL = 5_000
AGREEMENTS = (1, 10, 50, 200)

_BATCH = 5_000
"""As large as import makes them."""
_SMALLER = 1_000
_PROBE = 100
_PROBE_S = 30.0
_ALL_S = 60.0
_GREEN = arrive.Annotation(marking.GREEN, None)


class Import(NamedTuple):
    """What one object took, from import to release and in the second step alone."""

    whole: Spent
    drain: Spent


def figures() -> Iterator[Figure]:
    """Objects a second from import to release, and how long the backlog of a batch takes."""
    floor = _measured(0)
    for number in AGREEMENTS:
        own = _measured(number)
        under = f"{number} agreement{'s' * (number > 1)}"
        goal = GOAL if number == AGREEMENTS[-1] else None
        name = f"import, released to {under}"
        yield from near(name, "objects", own.whole, floor.whole, goal, of="value")
        drain = own.drain
        yield Figure(
            f"backlog of 1,000 objects, {under}",
            drain.cpu_s * 1_000,
            "CPU s",
            note=f"{drain.wall_s * 1_000:.1f} s by the clock",
        )


def _measured(agreements: int) -> Import:
    """Import batch after batch into one home.

    How large a batch is depends on how long a small one takes; so does how many there are.
    """
    objects = corpus.objects()
    with tempfile.TemporaryDirectory(prefix="tearline-bench-") as folder:
        home = create_home(Path(folder, "home"), "Bench", None, now=clock.now())
        agree(home, agreements)
        _batch(home, islice(objects, corpus.CAST))
        probe = _batch(home, islice(objects, _PROBE)).whole.wall_s * _PROBE
        size = _BATCH if probe < _PROBE_S else _SMALLER
        done: list[Import] = []
        until = time.monotonic() + _ALL_S
        while len(done) < ROUNDS and (not done or time.monotonic() < until):
            done.append(_batch(home, islice(objects, size)))
        home.store.close()
    return Import(median([each.whole for each in done]), median([each.drain for each in done]))


def _batch(home: Home, raws: Iterable[bytes]) -> Import:
    """Import objects and release what may go."""
    batch, now = list(raws), clock.now()

    def come() -> None:
        with collector_paused():
            found = [index(read(each)) for each in batch]
            arrive.arrive(home, found, source="bench", annotation=_GREEN, now=now)

    arrival = spent(come)
    drain = spent(lambda: reconcile_all(home, now=now))
    whole = Spent(arrival.cpu_s + drain.cpu_s, arrival.wall_s + drain.wall_s)
    return Import(whole.each(len(batch)), drain.each(len(batch)))
