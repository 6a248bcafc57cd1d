"""A preview as the verb runs it: a sample first where everything takes a while, then everything."""

from typing import NamedTuple

from tearline.agreement.home import Home
from tearline.agreement.terms import Terms
from tearline.cli.outcomes import preview_parts, sample_parts
from tearline.cli.terminal import Part, answer, progress
from tearline.release.counting import Preview
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


def _long(home: Home) -> bool:
    with home.store.read() as tx:
        return objects.number(tx, OURS) > _LONG
