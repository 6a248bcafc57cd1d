"""Deliveries: the partner acknowledges what arrived, and both logs show the same one hash."""

from typing import TypeGuard

from tearline.agreement import force
from tearline.agreement.home import Home
from tearline.agreement.messages import Message
from tearline.errors import RefusedError
from tearline.log import record
from tearline.release.inbound import delivery_hash
from tearline.stix.timestamp import format_timestamp
from tearline.store import agreements, releases

_MOST = 1_000_000


def acknowledged(home: Home, message: Message, *, now: int) -> None:
    """Log a partner's acknowledgement as the delivery, once it names exactly what we released.

    RefusedError when its hash is not over our releases at those positions: then one of us is
    wrong about what was given.
    """
    positions = message.body.get("positions")
    if not _are_positions(positions):
        raise RefusedError("This acknowledgement names no positions.", do="Refuse it.")
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
            "positions": sorted(given),
            "hash": ours,
            "message": message.hash,
            "at": format_timestamp(now, digits=6),
        }
        log = record.our_log(bound.agreement_id)
        record.append(tx, log, "delivery", [entry], at=now, agreement=bound.hash)


def _are_positions(value: object) -> TypeGuard[list[int]]:
    return (
        isinstance(value, list)
        and 0 < len(value) <= _MOST
        and all(isinstance(each, int) and 0 < each < 2**53 for each in value)
        and len(set(value)) == len(value)
    )
