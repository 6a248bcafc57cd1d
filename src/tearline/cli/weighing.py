"""A preview as the verb runs it: a sample first where everything takes a while, then everything."""

from typing import Any, NamedTuple

from tearline.agreement.home import Home
from tearline.agreement.terms import Terms, agreement_hash, to_bytes, warnings
from tearline.cli.outcomes import offered_parts, preview_parts, sample_parts
from tearline.cli.readings import offered
from tearline.cli.terminal import Part, answer, count, progress
from tearline.release.counting import Preview
from tearline.release.onward import wider
from tearline.release.preview import preview
from tearline.release.sampling import Sampled, sample
from tearline.store import objects
from tearline.store.objects import OURS

_LONG = 20_000
"""From so many objects on, everything takes longer than a second."""


class How(NamedTuple):
    """What is asked for: a sample alone, how many changes to list, and JSON."""

    sample: bool
    listed: int
    as_json: bool


def weigh(home: Home, terms: Terms, how: How, *, now: int) -> tuple[Preview | Sampled, list[Part]]:
    """Return a preview or a sample, and how to show it; what comes first is shown at once."""
    if how.sample:
        drawn = sample(home, terms, now=now)
        return drawn, sample_parts(drawn)
    if not how.as_json and _long(home):
        answer(False, None, *sample_parts(sample(home, terms, now=now)))  # for people
    with progress("Deciding everything", as_json=how.as_json) as tell:
        found = preview(home, terms, listed=how.listed, tell=tell, now=now)
    return found, preview_parts(found)


def beside(home: Home, terms: Terms, *, go: int, now: int) -> tuple[dict[str, Any], list[Part]]:
    """Return what is to be known beside the numbers, and how to show it.

    Warnings that name their clause; on how many days it would go where there is a quota; and what
    each side offered as a preview of this version, the only word on what the partner would send.
    """
    cautions = [*warnings(terms, now=now), *wider(home, terms, now=now)]
    most = terms.limits.objects_per_day
    days = -(-go // most) if most else None
    with home.store.read() as tx:
        previews = offered(tx, agreement_hash(to_bytes(terms)))
    lines = [f"Warning: {each}" for each in cautions]
    if most and days and days > 1:
        lines.append(
            f"With {most:,} a day, it takes at least {count(days, 'day')} until all of it went."
        )
    return {"warnings": cautions, "days": days, "previews": previews}, [
        *lines,
        *offered_parts(previews),
    ]


def _long(home: Home) -> bool:
    with home.store.read() as tx:
        return objects.number(tx, OURS) > _LONG
