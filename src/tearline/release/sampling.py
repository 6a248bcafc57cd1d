"""A first answer from a sample: what would go, wait and stay, with how far off it may be.

Every object is drawn with the same chance, and decided with all that it hangs on, so what is said
of the sample is exact; only what it says of everything is an estimate. The draw is always the same.
"""

from collections import Counter
from math import sqrt

import msgspec

from tearline.agreement import force
from tearline.agreement.home import Home
from tearline.agreement.terms import Terms
from tearline.release.batch import Batch
from tearline.release.facts import Known
from tearline.release.preview import needed_by, rules_for, stage
from tearline.release.reasons import Code
from tearline.stix.strict import collector_paused
from tearline.store import objects, sweeping
from tearline.store.objects import OURS

SIZE = 2_000
_Z = 1.96
"""Of a normal distribution, 95 % lie within so many deviations."""


class Estimate(msgspec.Struct, frozen=True):
    """How many of everything, by a sample: what is likely, and what holds in 95 of 100 samples."""

    likely: int
    low: int
    high: int


class Sampled(msgspec.Struct, frozen=True):
    """What a sample of `size` out of `held` objects says; reasons with how many have them."""

    size: int
    held: int
    go: Estimate
    wait: Estimate
    stay: Estimate
    reasons: tuple[tuple[Code, Estimate], ...]


def sample(home: Home, terms: Terms, *, size: int = SIZE, now: int) -> Sampled:
    """Decide a sample of what is held by a draft or an agreement, as `preview` does everything.

    RefusedError when we are no party.
    """
    rules, at = rules_for(home, terms, now)
    outcomes: Counter[str] = Counter()
    codes: Counter[Code] = Counter()
    with collector_paused(), home.store.read() as tx:
        held = objects.number(tx, OURS)
        known = Known(tx, OURS)
        drawn = sweeping.drawn(tx, OURS, min(size, held))
        around = needed_by(known, drawn)
        running = force.in_force(tx, terms.id, now=now)
        batch = Batch(known, stage(tx, terms, rules, at, running).scene)
        batch.objects(around)
        batch.edges(around)
        for each in drawn:
            decision = batch.decided[each].decision
            outcomes[decision.outcome] += 1
            codes.update({reason.code for reason in decision.reasons})
    go, wait, stay = (
        _estimate(outcomes[each], len(drawn), held) for each in ("release", "wait", "withhold")
    )
    return Sampled(
        len(drawn),
        held,
        go,
        wait,
        stay,
        tuple((each, _estimate(codes[each], len(drawn), held)) for each in Code if codes[each]),
    )


def _estimate(found: int, size: int, held: int) -> Estimate:
    """The interval of Wilson, which holds for the rare as well; exact where all were drawn."""
    if size == held:
        return Estimate(found, found, found)
    share, spread = found / size, _Z * _Z / size
    middle = (share + spread / 2) / (1 + spread)
    off = _Z * sqrt(share * (1 - share) / size + spread / (4 * size)) / (1 + spread)
    low, high = max(0.0, middle - off), min(1.0, middle + off)
    # What was drawn is there, whatever the estimate.
    return Estimate(
        round(share * held),
        max(found, round(low * held)),
        min(held - (size - found), round(high * held)),
    )
