"""How long the receiver may keep what was given: `keep_days` of the agreement, on our side.

The time of a version runs from its first release, and does not begin anew when it is released
again: with another slip, under another version of the agreement, after a hold. When it is over the
version is withdrawn, recalled and not given again; a newer version has a time of its own.
"""

from collections.abc import Iterable, Mapping

import msgspec

from tearline.release.facts import Known
from tearline.release.rules import HOUR, Facts
from tearline.store import aliases, releases


def first_given(known: Known, agreement_id: str, ids: Iterable[str]) -> dict[str, int]:
    """When the latest version of each of `ids` was first released, of those that were."""
    latest = known.latest(ids)
    names = {each: each for each in latest}
    names |= aliases.ours_of(known.tx, agreement_id, latest)
    found: dict[str, int] = {}
    for delivered_id, at in releases.released_at(known.tx, agreement_id, names):
        stix_id = names[delivered_id]
        if at >= latest[stix_id].arrived_at:
            found[stix_id] = min(at, found.get(stix_id, at))
    return found


def over(known: Known, agreement_id: str, keep: int, now: int) -> dict[str, int]:
    """When that was first released of which the time is over."""
    given = first_given(known, agreement_id, releases.standing_all(known.tx, agreement_id))
    return {each: at for each, at in given.items() if ends_at(at, keep) <= now}


def with_end(facts: Mapping[str, Facts], given: Mapping[str, int], keep: int) -> dict[str, Facts]:
    """The facts of what was given before, each ending when it may be kept no longer."""
    return {
        each: msgspec.structs.replace(
            its, valid_until=min(its.valid_until, ends_at(given[each], keep))
        )
        for each, its in facts.items()
        if each in given
    }


def ends_at(given_at: int, keep: int) -> int:
    """When the time of what was given at a moment is over: on the full hour before it would be.

    So it is the same for a release that is planned and the one that comes of it.
    """
    return given_at // HOUR * HOUR + keep
