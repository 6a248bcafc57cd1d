"""A recall of many objects from many partners' nodes: the time until every withdrawal is queued.

What was released is held by its source, as when a source turns out to be false. With the hold
everything is withdrawn, recalled, and in the log of each partner. What follows from it for other
objects, and the record of each decision, is `reconcile`, which is timed apart. The floor is a
release of the same objects to the same partners, an event each as well. Receivers without a node
get revoked versions from `reconcile`, and are timed too.
"""

import tempfile
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from bench import corpus
from bench.agreements import agree_alike, agree_with_nodes
from bench.measuring import Figure, duration, large, spent
from tearline import clock
from tearline.agreement.home import Home, create_home
from tearline.release import arrive
from tearline.release.indexing import index
from tearline.release.reconcile import reconcile_all
from tearline.stix.objects import read
from tearline.store.annotations import SOURCE

GOAL_S = 5.0
_OBJECTS, _LARGE = 500, 10_000
_PARTNERS = 20


def _going() -> Iterator[bytes]:
    """All of the corpus that is about a family, and so goes: no sightings, no organisations."""
    left = (b'{"type":"sighting"', b'{"type":"identity"')
    return (each for each in corpus.objects() if not each.startswith(left))


def figures() -> Iterator[Figure]:
    """Hold a source that gave 500 objects to 20 partners; with `LARGE=1` 10,000."""
    objects = _LARGE if large() else _OBJECTS
    for nodes in (True, False):
        with tempfile.TemporaryDirectory(prefix="tearline-bench-") as folder:
            home = create_home(Path(folder, "home"), "Bench", None, now=clock.now())
            if nodes:
                agree_with_nodes(home, Path(folder), _PARTNERS)
            else:
                agree_alike(home, _PARTNERS)
            yield from _recalled(home, objects, nodes=nodes)
            home.store.close()


def _recalled(home: Home, objects: int, *, nodes: bool) -> Iterator[Figure]:
    some = [index(read(each)) for each in islice(_going(), objects)]
    arrive.arrive(home, some, source="doubtful", now=clock.now())
    floor = spent(lambda: reconcile_all(home, now=clock.now()))
    ended: list[dict[str, int] | None] = []
    why = "It made things up."
    held = spent(lambda: ended.append(arrive.hold(home, SOURCE, "doubtful", why, now=clock.now())))
    done = []
    rest = spent(lambda: done.append(reconcile_all(home, now=clock.now())))
    at_once = sum((ended[0] or {}).values())
    gone = at_once + sum(each.withdrawn for each in done[0].values())
    # The last may be an indicator whose tie did not come any more.
    assert gone >= (objects - 1) * _PARTNERS, gone
    assert at_once == (gone if nodes else 0), at_once
    if nodes:
        name = f"recall of {objects:,} objects from {_PARTNERS} partners, queued"
        yield duration(name, held.cpu_s, floor.cpu_s, GOAL_S if large() else None)
        yield duration(f"{name}, by the clock", held.wall_s, floor.wall_s)
        yield duration("what follows from it, decided and noted", rest.cpu_s, floor.cpu_s)
    else:
        name = f"the same from {_PARTNERS} receivers without a node"
        yield duration(name, held.cpu_s + rest.cpu_s, floor.cpu_s)
