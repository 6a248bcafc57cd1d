"""A recall of many objects from many partners: the time until every withdrawal is queued.

What was released is held back by its source, as when a source turns out to be false; with that
everything is withdrawn, recalled and in the log of each partner. The floor is a release of the same
objects to the same partners, an event each as well.
"""

import tempfile
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from bench import corpus
from bench.agreements import agree_alike
from bench.measuring import Figure, duration, large, spent
from tearline import clock
from tearline.agreement.home import create_home
from tearline.release import arrive
from tearline.release.indexing import index
from tearline.release.reconcile import reconcile_all
from tearline.stix.objects import read

GOAL_S = 5.0
_OBJECTS, _LARGE = 500, 10_000
_PARTNERS = 20


def _going() -> Iterator[bytes]:
    """All of the corpus that is about a family, and so goes: no sightings, no organisations."""
    left = (b'{"type":"sighting"', b'{"type":"identity"')
    return (each for each in corpus.objects() if not each.startswith(left))


def figures() -> Iterator[Figure]:
    """Hold back a source that gave 500 objects to 20 partners; with `LARGE=1` 10,000."""
    objects = _LARGE if large() else _OBJECTS
    with tempfile.TemporaryDirectory(prefix="tearline-bench-") as folder:
        home = create_home(Path(folder, "home"), "Bench", None, now=clock.now())
        agree_alike(home, _PARTNERS)
        raws = islice(_going(), objects)
        some = [index(read(each)) for each in raws]
        arrive.arrive(home, some, source="doubtful", now=clock.now())
        floor = spent(lambda: reconcile_all(home, now=clock.now()))
        arrive.hold(home, "source", "doubtful", "It made things up.", now=clock.now())
        done = []
        own = spent(lambda: done.append(reconcile_all(home, now=clock.now())))
        gone = sum(each.withdrawn for each in done[0].values())
        home.store.close()
    assert gone >= objects * _PARTNERS, gone
    name = f"recall of {objects:,} objects from {_PARTNERS} partners"
    yield duration(name, own.cpu_s, floor.cpu_s, GOAL_S if large() else None)
    yield duration(f"{name}, by the clock", own.wall_s, floor.wall_s)
