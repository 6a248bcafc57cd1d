"""A preview over many objects: a sample's first counts, and everything.

With `LARGE=1` a million objects, without 50,000. The floor of everything is one reading of the same
rows, with nothing made of them. What says how many go is the same code either way.
"""

from collections.abc import Iterator

from bench.agreements import terms
from bench.loading import held
from bench.measuring import Figure, duration, large, median, spent
from tearline import clock
from tearline.agreement.home import Home
from tearline.agreement.terms import Terms
from tearline.release.preview import preview
from tearline.release.sampling import sample
from tearline.store import sweeping
from tearline.store.objects import OURS

SIZE, LARGE = 50_000, 1_000_000
GOAL_SAMPLE_S, GOAL_S = 1.0, 15.0
_ROUNDS = 3
_ALL = ("malware", "indicator", "relationship", "sighting")


def figures() -> Iterator[Figure]:
    """For an agreement about one family of the corpus, about a fifth of all, and limited more."""
    size = LARGE if large() else SIZE
    with held(size) as home:
        fifth = range(16)
        for name, draft in {
            "one object in a hundred goes": terms(home, 0, range(1)),
            "one in five": terms(home, 0, fifth, types=_ALL),
            "one in five by topic, of which two thirds may": terms(
                home, 0, fifth, types=_ALL, marking_max="TLP:GREEN", max_age_days="2000"
            ),
        }.items():
            yield from _measured(home, f"{name}, {size:,}", draft)


def _measured(home: Home, name: str, draft: Terms) -> Iterator[Figure]:
    first = median([spent(lambda: sample(home, draft, now=clock.now())) for _ in range(_ROUNDS)])
    yield duration(f"sample, {name}", first.cpu_s, None, GOAL_SAMPLE_S)
    yield duration(f"sample, {name}, by the clock", first.wall_s, None)
    rounds = [
        (spent(lambda: preview(home, draft, now=clock.now())), spent(lambda: _read(home)))
        for _ in range(_ROUNDS)
    ]
    own, floor = (median([each[place] for each in rounds]) for place in (0, 1))
    yield duration(f"preview, {name}", own.cpu_s, floor.cpu_s, GOAL_S)
    yield duration(f"preview, {name}, by the clock", own.wall_s, floor.wall_s)


def _read(home: Home) -> None:
    """Read what a preview has to read of each object."""
    with home.store.read() as tx:
        for _ in sweeping.rows(tx, OURS, [], clock.now()):
            pass
