"""Claims weighed again from the store: every one of them, and what rests on one edge.

The floor of everything reads the same rows in the same order and does nothing with them. Three
claims make a proposition, one of them a denial; a chain has three links, the last one of 50,000
origins. Sources that are the same, discredited, or tied by their reports are among them. Without
LARGE=1 a tenth of the claims is weighed, and the goal a tenth of that for a million.
"""

import random
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

from bench.measuring import Figure, duration, large, median, spent
from tearline import clock
from tearline.agreement.home import Home, create_home
from tearline.stix.strict import collector_paused
from tearline.store import claims, worth
from tearline.store.claims import ASSERTED, DENIED, LinkRow, Row
from tearline.weighing import worth as weighing

GOAL_S = 20
"""For a million claims."""
EDGE_GOAL_S = 0.02
ROUNDS = 3

_MILLION = 1_000_000
_BATCH = 30_000
_EDGES = 50


def figures() -> Iterator[Figure]:
    """Weigh a million claims, then merge two origins and discredit a third."""
    number = _MILLION if large() else _MILLION // 10
    with tempfile.TemporaryDirectory(prefix="tearline-bench-") as folder:
        home = create_home(Path(folder, "home"), "Bench", None, clock.now())
        origins = _fill(home, number)
        own = median([spent(lambda: _weigh(home)) for _ in range(ROUNDS)])
        bare = median([spent(lambda: _read(home)) for _ in range(ROUNDS)])
        goal = GOAL_S * number / _MILLION
        name = f"{number:,} claims weighed again"
        yield duration(f"{name}, CPU", own.cpu_s, bare.cpu_s, goal)
        yield duration(f"{name}, by the clock", own.wall_s, bare.wall_s)
        pairs = iter(zip(origins[:_EDGES], origins[_EDGES:], strict=False))
        taken = median([spent(lambda: _merge(home, *next(pairs))) for _ in range(_EDGES)])
        yield duration(f"one edge among {number:,} claims, CPU", taken.cpu_s, None, EDGE_GOAL_S)
        yield duration(f"one edge among {number:,} claims, by the clock", taken.wall_s, None)
        home.store.close()


def _weigh(home: Home) -> None:
    with home.store.write() as tx:
        tx.execute(claims.worth.delete())
    with collector_paused():
        weighing.settle_everything(home, now=clock.now())


def _read(home: Home) -> None:
    """Read what is weighed, part by part as it is weighed."""
    after = ""
    with home.store.read() as tx:
        while names := worth.names(tx, after, weighing.PART):
            rows = worth.stated_rows(tx, names)
            worth.steps(tx, [row[4] for row in rows])
            after = names[-1]


def _merge(home: Home, one: str, other: str) -> None:
    weighing.same(home, one, other, "one office", "A measurer", now=clock.now())


def _fill(home: Home, number: int) -> list[str]:
    """Put claims in as sorting in would; return some of the origins."""
    chance = random.Random(7)
    publishers, relays, origins = (_identities(chance, each) for each in (5_000, 500, 50_000))
    seq = 0
    while seq < number:
        with home.store.write() as tx, collector_paused():
            upto = min(seq + _BATCH, number)
            rows, links, alike = [], [], []
            while seq < upto:
                group = [f"note--{_uuid(chance)}" for _ in range(3)]
                for place, each in enumerate(group):
                    seq += 1
                    denies = group[0] if place == 2 else None
                    rows.append(_row(seq, each, denies))
                    chain = (publishers, relays, origins)
                    links += [
                        LinkRow(seq, at, chance.choice(some), role, unnamed=False)
                        for at, (some, role) in enumerate(
                            zip(chain, ("publisher", "relay", "origin"), strict=True)
                        )
                    ]
                    alike.append((each, min(group)))
            claims.put(tx, rows, links)
            claims.put_propositions(tx, alike)
    with home.store.write() as tx:
        for first, second in zip(origins[1_000:1_200], origins[1_200:1_400], strict=True):
            worth.put_same(tx, worth.Same(first, second, "A measurer", 0, "one office"))
        for each in origins[1_400:1_500]:
            worth.put_standing(tx, worth.Standing(each, None, "paid", "A measurer", 0))
    return origins[:1_000]


def _row(seq: int, stix_id: str, denies: str | None) -> Row:
    empty = None, None, None, None, None, None, None, None
    polarity = DENIED if denies else ASSERTED
    return Row(seq, "", stix_id, polarity, denies, "reported", *empty, own_judgement=False)


def _identities(chance: random.Random, number: int) -> list[str]:
    return [f"identity--{_uuid(chance)}" for _ in range(number)]


def _uuid(chance: random.Random) -> uuid.UUID:
    return uuid.UUID(int=chance.getrandbits(128), version=4)
