"""What one new sighting of a threat costs while many objects are held."""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.measuring import Figure, Spent, duration, median, spent
from tearline.release import arrive, reconcile
from tearline.release.arrive import Annotation
from tests.pair import Pair, as_object, make_pair, rel, sdo

_INDICATORS = 12_500
_ROUNDS = 7
_HERON = sdo("intrusion-set", "Gray Heron")


def figures() -> Iterator[Figure]:
    """Decide around one new indicator, and everything from nothing; the two end in one state.

    Once with the indicators spread over 250 malware families, and once all on one: what stands
    beside the new indicator is decided again with it.
    """
    for families in (250, 1):
        one, whole = _measured(families)
        held = f"{2 * _INDICATORS // 1000}k held, {families} famil{'y' if families == 1 else 'ies'}"
        yield duration(f"reconcile one indicator, {held}", one.cpu_s, None)
        yield duration(f"decide all anew, {held}", whole.cpu_s, None)


def _measured(families: int) -> tuple[Spent, Spent]:
    loaders = [sdo("malware", f"Mud Loader {number}") for number in range(families)]
    with tempfile.TemporaryDirectory(prefix="tearline-bench-") as folder:
        pair = make_pair(Path(folder))
        pair.agree(reach=2)
        _put(pair, [_HERON, *loaders, *(rel(_HERON, "uses", each) for each in loaders)])
        _put(pair, _signs(range(_INDICATORS), loaders))
        pair.reconcile()
        rounds = []
        for number in range(_INDICATORS, _INDICATORS + _ROUNDS):
            _put(pair, _signs(range(number, number + 1), loaders))
            rounds.append(spent(pair.reconcile))
        whole = spent(lambda: _rebuild(pair))
        pair.north.store.close()
        pair.south.store.close()
    return median(rounds), whole


def _rebuild(pair: Pair) -> None:
    done = reconcile.reconcile(pair.north, pair.agreement_id, now=pair.tick(), whole=True)
    assert (done.released, done.withdrawn) == (0, 0)


def _signs(numbers: range, loaders: list[dict[str, Any]]) -> list[dict[str, Any]]:
    found = [sdo("indicator", f"sign {number}") for number in numbers]
    ties = [
        rel(each, "indicates", loaders[number % len(loaders)])
        for number, each in zip(numbers, found, strict=True)
    ]
    return [*found, *ties]


def _put(pair: Pair, docs: list[dict[str, Any]]) -> None:
    arrive.arrive(
        pair.north,
        [as_object(each) for each in docs],
        source="bench",
        annotation=Annotation(0, None),
        now=pair.tick(),
    )
