"""Sort what arrived into the lists, and its words into the index, apart from its arrival."""

from collections.abc import Iterable, Mapping

import orjson

from tearline.agreement.home import Home
from tearline.release import stepping
from tearline.release.stepping import STEP
from tearline.stix.marking import NO_GRADE
from tearline.stix.words import RECIPE, Words, words_of
from tearline.store import annotations, listed, objects, searched
from tearline.store.database import Tx
from tearline.store.listed import Kind
from tearline.store.objects import OURS, Version


def behind(tx: Tx) -> int:
    """How many numbers of versions are not sorted in."""
    return stepping.behind(tx, listed.SORTED_IN, RECIPE)


def sort_in(home: Home, *, steps: int | None = None) -> int:
    """Sort in what is not yet, in so many steps at most; returns how many are left."""
    return stepping.in_steps(home, listed.SORTED_IN, RECIPE, _step, steps)


def kinds_of(tx: Tx, versions: Iterable[tuple[str, Version]]) -> dict[int, Kind]:
    """The kind of each version: of its own properties, and of what we say of it."""
    rows = list(versions)
    said = annotations.annotations(tx, [each.stix_id for origin, each in rows if origin == OURS])
    return {each.seq: _kind(origin, each, said) for origin, each in rows}


def documents(tx: Tx, seqs: Iterable[int]) -> dict[int, Words]:
    """The words of versions, by their numbers."""
    return {seq: words_of(orjson.loads(raw)) for seq, raw in objects.raw_of(tx, seqs).items()}


def _step(tx: Tx) -> None:
    begun = listed.SORTED_IN.upto(tx, RECIPE)
    if not begun:
        listed.begin_again(tx)
    found = objects.after(tx, begun, STEP)
    held = [each for each in found if each[1].latest]
    gone = stepping.older(tx, held)
    listed.drop(tx, gone)
    searched.drop(tx, gone)
    listed.put(tx, list(kinds_of(tx, held).items()))
    searched.put(tx, list(documents(tx, [each.seq for _, each in held]).items()))
    listed.SORTED_IN.put_upto(tx, RECIPE, found[-1][1].seq if found else begun)
    _change(tx)


def _change(tx: Tx) -> None:
    """Move what we marked or graded anew to its other kind."""
    ids = listed.SORTED_IN.again.take(tx, STEP)
    now = [(OURS, each) for each in objects.latest(tx, OURS, ids).values()]
    there = listed.of_kinds(tx, [each.seq for _, each in now])
    listed.put(tx, [each for each in kinds_of(tx, now).items() if each[0] in there])


def _kind(origin: str, version: Version, said: Mapping[str, tuple[int | None, int | None]]) -> Kind:
    marking, grade = said.get(version.stix_id, (None, None)) if origin == OURS else (None, None)
    return Kind(
        origin,
        version.type,
        version.source,
        version.marking if marking is None else marking,
        NO_GRADE if grade is None else grade,
        version.revoked,
    )
