"""Deliveries: the partner acknowledges what arrived, and both logs show the same one hash."""

from collections.abc import Iterable

from tearline.agreement import force
from tearline.agreement.home import Home
from tearline.agreement.messages import Message
from tearline.errors import RefusedError
from tearline.log import record
from tearline.stix import canonical
from tearline.stix.timestamp import format_timestamp
from tearline.store import agreements, releases

_MOST = 5_000_000
"""The most objects in one delivery."""


def acknowledged(home: Home, message: Message, *, now: int) -> None:
    """Log a partner's acknowledgement as the delivery, once it names exactly what we released.

    RefusedError when its hash is not over our releases at those positions: then one of us is
    wrong about what was given.
    """
    positions = expand(message.body.get("positions"))
    with home.store.write() as tx:
        version = agreements.version_of(tx, message.agreement or "")
        bound = version and force.in_force(tx, version.agreement_id, now=now)
        if not bound or bound.partner != message.sender:
            raise RefusedError("This acknowledgement is under no agreement with its sender.")
        if not agreements.remember(tx, message.id, message.sender, at=now):
            return
        given = releases.releases_at(tx, bound.agreement_id, positions)
        ours = delivery_hash((at, each.hash) for at, each in given.items())
        if len(given) != len(positions) or ours != message.body.get("hash"):
            raise RefusedError(
                "This acknowledgement is not over what we released.",
                means="The partner's record of the delivery differs from ours.",
                do="Compare both logs with `tearline log verify`.",
            )
        entry = {
            "kind": "delivery",
            "agreement": bound.hash,
            "positions": spans(given),
            "hash": ours,
            "message": message.hash,
            "at": format_timestamp(now, digits=6),
        }
        log = record.our_log(bound.agreement_id)
        record.append(tx, log, "delivery", [entry], at=now, agreement=bound.hash)


def delivery_hash(positions: Iterable[tuple[int, str]]) -> str:
    """The one hash that acknowledges a delivery: over position and hash of each release in it."""
    lines = (f"{position} {each}\n" for position, each in sorted(positions))
    return canonical.sha256("".join(lines).encode())


def spans(positions: Iterable[int]) -> list[list[int]]:
    """Positions as spans, each [first, last]: what is given in one go is mostly one span."""
    found: list[list[int]] = []
    for each in sorted(positions):
        if found and each == found[-1][1] + 1:
            found[-1][1] = each
        else:
            found.append([each, each])
    return found


def expand(value: object) -> list[int]:
    """The positions of spans, rising; RefusedError for anything that is not exactly that."""
    positions: list[int] = []
    for span in value if isinstance(value, list) else ():
        if not _is_span(span, positions[-1] if positions else 0):
            raise _unreadable()
        if span[1] - span[0] >= _MOST - len(positions):
            raise _unreadable()
        positions.extend(range(span[0], span[1] + 1))
    if not positions:
        raise _unreadable()
    return positions


def _is_span(span: object, after: int) -> bool:
    return (
        isinstance(span, list)
        and len(span) == 2  # noqa: PLR2004  # first and last
        and all(type(each) is int for each in span)
        and after < span[0] <= span[1] < 2**53
    )


def _unreadable() -> RefusedError:
    return RefusedError("This acknowledgement names no positions.", do="Refuse it.")
