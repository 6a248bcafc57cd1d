"""What a partner has of an object, or would get: their bytes beside ours, and the difference."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import msgspec
import orjson

from tearline.agreement.document import Category
from tearline.agreement.force import InForce
from tearline.agreement.home import Home
from tearline.release.concern import rules_under
from tearline.release.facts import Known
from tearline.release.form import sealed
from tearline.release.plan import plan
from tearline.release.planned import Ground
from tearline.release.preview import Explanation, agreed, explain_under, needed
from tearline.release.rules import Facts
from tearline.stix import canonical
from tearline.stix.marking import CLEAR, CONTRADICTORY
from tearline.store import aliases, objects, releases, reviews
from tearline.store.database import Tx
from tearline.store.objects import OURS
from tearline.store.releases import Release


class Change(NamedTuple):
    """One place that differs: what stands there in ours and in theirs; None where nothing does."""

    place: str
    ours: Any
    theirs: Any


class Shown(NamedTuple):
    """One agreement's side of an object.

    `has` is true where they can read `raw` now; else it is what they would get: now, or once
    people approve it. None where it stays.
    """

    explanation: Explanation
    has: bool
    raw: bytes | None
    changes: tuple[Change, ...]

    @property
    def hash(self) -> str | None:
        """The hash of what they have or would get."""
        return None if self.raw is None else canonical.sha256(self.raw)


def show(home: Home, stix_id: str, party: str, *, now: int) -> tuple[str, list[Shown]]:
    """Return our id of an object, and its side under every agreement in force with a party.

    Accepts our id or one under which they have it. RefusedError for an object that we do not
    hold, and where there is no agreement with the party.
    """
    with home.store.read() as tx:
        bound = agreed(tx, party, now=now)
        names = (aliases.our_id(tx, each.agreement_id, stix_id) for each in bound)
        our_id = next((each for each in names if each != stix_id), stix_id)
        said = ((each, explain_under(tx, each, our_id, now=now)) for each in bound)
        return our_id, [_shown(tx, home, each, found, now) for each, found in said]


def changes(ours: dict[str, Any], theirs: dict[str, Any]) -> tuple[Change, ...]:
    """Every place in which two objects differ, in the order of ours, then what only theirs has."""
    return tuple(_changes("", ours, theirs))


def _shown(tx: Tx, home: Home, bound: InForce, said: Explanation, now: int) -> Shown:
    if said.position is not None:
        row = releases.releases_at(tx, bound.agreement_id, [said.position])[said.position]
        return _beside(tx, said, _stored(tx, row), has=True)
    raw = None
    if said.outcome != "withhold" and bound.serving:
        raw = _asked(tx, bound, said) or _would_get(tx, home, bound, said, now)
    return _beside(tx, said, raw, has=False)


def _beside(tx: Tx, said: Explanation, raw: bytes | None, *, has: bool) -> Shown:
    version = objects.latest(tx, OURS, [said.object]).get(said.object)
    if raw is None or version is None:
        return Shown(said, has, raw, ())
    ours = objects.raw_of(tx, [version.seq])[version.seq]
    return Shown(said, has, raw, changes(orjson.loads(ours), orjson.loads(raw)))


def _asked(tx: Tx, bound: InForce, said: Explanation) -> bytes | None:
    """The very bytes that people are asked about, and sign; None where nobody is."""
    for row in reviews.reviews_on(tx, [said.object]):
        if row.agreement_id == bound.agreement_id and said.outcome == "wait":
            return row.raw or objects.raw_of(tx, [row.seq or 0])[row.seq or 0]
    return None


def _would_get(tx: Tx, home: Home, bound: InForce, said: Explanation, now: int) -> bytes | None:
    """The bytes that would go, once all that waits beside it or before it went.

    What waits itself is here only where nobody is asked about it: it hangs on what waits.
    """
    known = Known(tx, OURS)
    if said.outcome == "wait":
        asked = {said.object, *(each.id for each in said.path)}
        known = _Approved(tx, {each for one in asked for each in needed(tx, one)})
    rules = rules_under(bound.terms_bytes, bound.our_slot)
    marks, secret = bound.one_sided, home.keys.secret
    ground = Ground(bound.agreement_id, bound.hash, rules, secret, now, marks=marks)
    planned = plan(known, ground, [said.object], whole=False).get(said.object)
    if planned is None or planned.form is None or planned.standing.outcome != "release":
        return None
    form = planned.form
    last = releases.last_delivered(tx, bound.agreement_id, [form.delivered_id])
    doc = known.docs([said.object])[said.object].doc
    it = sealed(form, doc, last.get(form.delivered_id))
    return it.raw or objects.raw_of(tx, [it.seq or 0])[it.seq or 0]


def _stored(tx: Tx, row: Release) -> bytes | None:
    """The bytes of a release; None where they had to be forgotten."""
    if row.cut_raw is not None or row.seq is None:
        return row.cut_raw
    return objects.raw_of(tx, [row.seq])[row.seq]


class _Approved(Known):
    """What is held, as if people had approved some of it."""

    def __init__(self, tx: Tx, ids: set[str]) -> None:
        super().__init__(tx, OURS)
        self._approved = ids

    def facts(self, ids: Iterable[str], now: int) -> dict[str, Facts]:
        """The facts, with nothing left to ask people about, nor who gave it."""
        found = super().facts(ids, now)
        for each in self._approved & found.keys():
            its = found[each]
            level = CLEAR if its.marking == CONTRADICTORY else its.marking
            source = its.source and msgspec.structs.replace(its.source, consent="given")
            found[each] = msgspec.structs.replace(its, found=0, marking=level, source=source)
        return found

    def added(self, ids: Iterable[str], added: Sequence[Category]) -> dict[str, int]:
        """What an agreement's own lines find, where nobody approved it."""
        return super().added([each for each in ids if each not in self._approved], added)


_NOTHING = object()


def _changes(place: str, ours: object, theirs: object) -> Iterator[Change]:
    if isinstance(ours, dict) and isinstance(theirs, dict):
        for key in dict.fromkeys([*ours, *theirs]):
            below = f"{place}.{key}" if place else key
            yield from _changes(below, ours.get(key, _NOTHING), theirs.get(key, _NOTHING))
    elif isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        for at, pair in enumerate(zip(ours, theirs, strict=True)):
            yield from _changes(f"{place}.[{at}]", *pair)
    elif ours != theirs:
        yield Change(place, *(None if each is _NOTHING else each for each in (ours, theirs)))
