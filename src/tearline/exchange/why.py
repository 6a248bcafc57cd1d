"""Why nothing arrived at a client, as far as this node can tell. Pure.

Every reason that holds is told, the one that stops most first. None of them means that the client
received anything: a plain client acknowledges nothing.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from tearline.exchange.pace import TOO_OFTEN
from tearline.exchange.signatures import TITLES
from tearline.stix.timestamp import format_timestamp
from tearline.store.visits import Visit

_OK = range(200, 300)


class Why(NamedTuple):
    """A reason: a code for scripts, what it is, and what to do."""

    code: str
    sentence: str
    do: str = ""


class Sight(NamedTuple):
    """What is known when somebody asks why.

    `state` is that of the agreement, empty for an account. `withheld` counts objects by the reason
    that stopped them; `types` are those of what is released; `last_at` is when the last release was
    added, None without any. `ended_keys` are hashes of keys that opened once.
    """

    state: str
    serving: bool
    blocked: bool
    has_key: bool
    collection: str
    released: int
    types: frozenset[str]
    last_at: int | None
    withheld: Mapping[str, int]
    ended_keys: frozenset[str]
    from_at: int
    now: int


def why(sight: Sight, visit: Visit | None) -> list[Why]:
    """Return every reason why nothing arrives; empty when the last request got objects."""
    found = [*_stopped(sight), *_empty(sight)]
    if visit is None:
        if not sight.has_key:
            found.append(Why("no-key", "No key was made for it yet.", "Make one with --new-key."))
        found.append(
            Why(
                "never-connected",
                "It has never asked for anything here.",
                "See that it reaches the address; whatever stands before the node may stop it.",
            )
        )
        return found
    return [*_turned_away(sight, visit), *found, *_asked(sight, visit)]


def _stopped(sight: Sight) -> Iterator[Why]:
    """What stops everybody, whatever a client does."""
    if sight.blocked:
        yield Why("blocked", "The party is blocked.", "See `tearline party unblock`.")
    if not sight.state or sight.serving:
        return
    if sight.state == "active" and sight.now < sight.from_at:
        begins = format_timestamp(sight.from_at)
        yield Why("not-yet", f"The agreement begins at {begins}.", "Wait, or write a new version.")
    elif not sight.blocked:
        yield Why(
            f"agreement-{sight.state}",
            f"The agreement is {sight.state}.",
            "See `tearline agreement show` for what it waits for.",
        )


def _empty(sight: Sight) -> Iterator[Why]:
    """Whether there is nothing to get."""
    if sight.released or (sight.state and not sight.serving):
        return
    reasons = sorted(sight.withheld.items(), key=lambda each: (-each[1], each[0]))
    counted = ", ".join(f"{code} {number:,}" for code, number in reasons)
    if not sight.state:
        yield Why("collection-empty", "The collection is empty.", "Post or put something into it.")
    elif counted:
        do = "Ask for one object: tearline explain OBJECT --to PARTY."
        yield Why("nothing-released", f"Nothing is released under it; reasons: {counted}.", do)
    else:
        do = "Import something, or see `tearline status`: it may not be decided yet."
        yield Why("nothing-held", "Nothing is held that it could be about.", do)


def _turned_away(sight: Sight, visit: Visit) -> Iterator[Why]:
    """Why its last request was refused."""
    status = visit.status
    if status in _OK:
        return
    if visit.title in TITLES:
        yield Why("unproven", visit.title, "A node signs each request; see docs/tls.md.")
    elif status == 401:  # noqa: PLR2004  # HTTP
        old = visit.key_hash in sight.ended_keys
        yield Why(
            "ended-key" if old else "wrong-key",
            f"It came with {'a key that has ended' if old else 'a wrong key'}.",
            "Make a new one with --new-key and hand it over.",
        )
    elif status == 403 and sight.blocked:  # noqa: PLR2004
        return
    elif visit.title == TOO_OFTEN:
        yield Why(
            "too-often",
            "It asks more often than the agreement allows in an hour.",
            "Set a longer interval in its form; the count begins anew each full hour.",
        )
    elif status == 404 and visit.collection not in {"", sight.collection}:  # noqa: PLR2004
        yield Why(
            "other-collection",
            f"It asked for the collection {visit.collection}, which is not this one.",
            f"Write {sight.collection} into its form.",
        )
    elif status == 404 and (not visit.collection or sight.serving or not sight.state):  # noqa: PLR2004
        yield Why(
            "other-address",
            f"It asked for an address that is not there ({visit.resource}).",
            "Write the API root into its form, not the discovery address, or the other way round.",
        )
    elif status != 404:  # noqa: PLR2004
        yield _REFUSED.get(status) or Why(
            f"status-{status}",
            f"Its last request was answered with {status}.",
            "See the node's log.",
        )


_REFUSED: Mapping[int, Why] = {
    400: Why(
        "bad-query",
        "Its question could not be understood.",
        "See the line of the node's log with this status.",
    ),
    403: Why("read-only", "It tried to write, and may only read.", "Set it up to poll."),
    405: Why("wrong-method", "It used a method that the address does not have.", "Set it to poll."),
    406: Why(
        "accept-refused",
        "It does not take application/taxii+json;version=2.1.",
        "Set it to TAXII 2.1; a client for 1.x or 2.0 alone cannot read here.",
    ),
    409: Why(
        "other-version",
        "It relies on another version of the agreement.",
        "A plain client names none: leave the header Tearline-Agreement out.",
    ),
    415: Why("media-type", "What it posted is not application/taxii+json.", "Set it to TAXII 2.1."),
    429: Why(
        "too-many-failures",
        "There were too many failed attempts from its address.",
        "Give it the right key; that opens at once.",
    ),
    503: Why("store-away", "The store did not answer.", "See that the database is there."),
}


def _asked(sight: Sight, visit: Visit) -> Iterator[Why]:
    """Why a request that was answered got nothing."""
    if visit.status not in _OK or visit.objects or not sight.released:
        return
    if visit.resource not in {"objects", "object"}:
        if visit.given_at is None:
            yield Why(
                "only-looked",
                f"It has looked at {visit.resource}, and never asked for objects.",
                "See that its form names the collection, and that the feed is switched on.",
            )
        return
    wanted = frozenset(filter(None, visit.types.split(",")))
    if wanted and sight.types and not wanted & sight.types:
        yield Why(
            "other-types",
            f"It asks for {_listed(wanted)} only; released are {_listed(sight.types)}.",
            "Change its types, or the types of the clause.",
        )
    if visit.added_after is not None and sight.last_at and visit.added_after >= sight.last_at:
        asks = format_timestamp(visit.added_after)
        last = format_timestamp(sight.last_at)
        if visit.given_at is None:
            yield Why(
                "asks-too-late",
                f"It asks for what was added after {asks}; the last was added at {last}.",
                "Empty its start date, or set it back.",
            )
        else:
            yield Why("up-to-date", f"It has asked for everything up to {last}; nothing is new.")


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)) or "nothing"
