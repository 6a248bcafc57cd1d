"""Which objects change side when a version of an agreement gives way to another.

Before stands what stands now, with all that people approved and what the partner has; after, what
the other version would do. Approvals are of exact bytes under one version: what waits under the
other waits anew.
"""

from collections import Counter
from collections.abc import Collection, Iterable

import msgspec
import orjson

from tearline.agreement.force import InForce
from tearline.release.alike import Alike
from tearline.release.batch import Batch, Scene
from tearline.release.concern import rules_under
from tearline.release.decide import Outcome
from tearline.release.facts import Known
from tearline.release.reasons import Reason
from tearline.release.rules import Rules
from tearline.store import releases
from tearline.store.database import Tx
from tearline.store.objects import OURS

_ORDER: tuple[Outcome, ...] = ("release", "wait", "withhold")


class Why(msgspec.Struct, frozen=True):
    """One reason, and the clause that it comes from."""

    code: str
    clause: str | None


class Moved(msgspec.Struct, frozen=True):
    """One object that changes side: its outcome before and after, each with its reasons."""

    object: str
    before: Outcome
    after: Outcome
    reasons_before: tuple[Why, ...]
    reasons_after: tuple[Why, ...]


class Side(msgspec.Struct, frozen=True):
    """How many objects go from one side to another."""

    before: Outcome
    after: Outcome
    objects: int


class Changes(msgspec.Struct, frozen=True):
    """What is otherwise than under the version `running`: its hash; counts; and so many objects.

    What newly goes is listed first, then what newly waits, then what stays from now on.
    """

    running: str
    sides: tuple[Side, ...]
    objects: tuple[Moved, ...]


def compared(tx: Tx, running: InForce, rules: Rules, batch: Alike, listed: int, at: int) -> Changes:
    """Compare what was decided of everything with what stands; list `listed` objects at most."""
    before = releases.sides(tx, running.agreement_id)
    after = {
        stix_id: each.decision.outcome
        for stix_id, each in batch.decided.items()
        if each.decision.outcome != "withhold"
    }
    moved = sorted(
        (
            _ORDER.index(after.get(each, "withhold")),
            _ORDER.index(before.get(each, "withhold")),
            each,
        )
        for each in before.keys() | after.keys()
        if before.get(each) != after.get(each)
    )
    counts = Counter((old, new) for new, old, _ in moved)
    some = [each for *_, each in moved[:listed]]
    were = _standing(tx, running, some, at)
    now = _decided(tx, rules, batch, some, at)
    return Changes(
        running.hash,
        tuple(Side(_ORDER[o], _ORDER[n], counts[o, n]) for n, o in _pairs() if counts[o, n]),
        tuple(
            Moved(each, before.get(each, "withhold"), after.get(each, "withhold"), old, new)
            for each, old, new in ((each, were[each], now[each]) for each in some)
        ),
    )


def _pairs() -> Iterable[tuple[int, int]]:
    return ((new, old) for new in range(len(_ORDER)) for old in range(len(_ORDER)) if new != old)


def _standing(
    tx: Tx, running: InForce, ids: Collection[str], at: int
) -> dict[str, tuple[Why, ...]]:
    """Why each object stands as it does; where nothing does, it has to do with no topic."""
    stood = releases.standing(tx, running.agreement_id, ids)
    found = {
        each: tuple(Why(*reason) for reason in orjson.loads(row.reasons))
        for each, row in stood.items()
    }
    rules = rules_under(running.terms_bytes, running.our_slot)
    return found | _strangers(tx, rules, [each for each in ids if each not in found], at)


def _decided(
    tx: Tx, rules: Rules, batch: Alike, ids: Collection[str], at: int
) -> dict[str, tuple[Why, ...]]:
    found = {
        each: _spelled(batch.decided[each].decision.reasons)
        for each in ids
        if each in batch.decided
    }
    return found | _strangers(tx, rules, [each for each in ids if each not in found], at)


def _strangers(tx: Tx, rules: Rules, ids: Collection[str], at: int) -> dict[str, tuple[Why, ...]]:
    """The reasons of objects that nothing ties to a topic; none of one that is gone."""
    batch = Batch(Known(tx, OURS), Scene(rules, at, lambda _: {}))
    batch.strangers(ids)
    found = {each: _spelled(its.decision.reasons) for each, its in batch.decided.items()}
    return {each: found.get(each, ()) for each in ids}


def _spelled(given: Iterable[Reason]) -> tuple[Why, ...]:
    return tuple(Why(str(each.code), each.clause) for each in given)
