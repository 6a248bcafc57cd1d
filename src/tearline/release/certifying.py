"""The certificate at an end: a receiver states under its log's key that it holds nothing more.

It names every release that was recalled or expired, by position and by one hash over what was
delivered there; the giver works out the same hash from its own releases. It is a leaf of the
receiver's log, so that its receipt is checked with nothing but a key: `tearline receipt verify`.
It is a statement: nobody can prove that no copy is left.
"""

from collections.abc import Iterable
from typing import Any

import orjson

from tearline.agreement import force, outbox
from tearline.agreement.force import InForce
from tearline.agreement.home import Home
from tearline.agreement.messages import Message, proven
from tearline.errors import RefusedError
from tearline.log import record
from tearline.release import slips
from tearline.release.delivery import delivery_hash, expand, spans
from tearline.release.expiring import must_go
from tearline.stix import canonical
from tearline.stix.timestamp import format_timestamp
from tearline.store import agreements, logs, received, releases
from tearline.store.database import Tx
from tearline.store.recalls import Certificate, certificates, put_certificate


def certify(home: Home, agreement_id: str, *, now: int) -> bool:
    """State what we hold no more under an agreement that is over; false where nothing is new."""
    with home.store.write() as tx:
        bound = force.in_force(tx, agreement_id, now=now)
        return bound is not None and certify_in(tx, home.slug, bound, now)


def certify_in(tx: Tx, us: str, bound: InForce, now: int) -> bool:
    """Do it in the transaction of an act, as soon as nothing of theirs is left here.

    Who was given nothing has nothing to state.
    """
    agreement_id = bound.agreement_id
    held = ("accepted", "quarantined", "staged")
    if bound.one_sided or not must_go(bound) or received.holds_any(tx, agreement_id, *held):
        return False
    before = certificates(tx, agreement_id).get(True)
    if before is not None and not _is_news(tx, agreement_id, before.at):
        return False
    gone = _gone(tx, agreement_id)
    hash_ = delivery_hash(gone.items())
    if not gone or (before is not None and before.hash == hash_):
        return False
    said = {"agreement": bound.hash, "party": us, "objects": len(gone)}
    said |= {"positions": spans(gone), "hash": hash_, "at": format_timestamp(now, digits=6)}
    log = record.our_log(agreement_id)
    entry = {"kind": "certificate", **said}
    leaf = record.append(tx, log, "certificate", [entry], at=now, agreement=bound.hash)
    text = orjson.dumps(said["positions"]).decode()
    put_certificate(tx, agreement_id, Certificate(True, hash_, text, now, leaf, None))  # noqa: FBT003  # `ours`
    version = agreements.version_of(tx, bound.hash)
    outbox.enqueue(tx, "certificate", bound.partner, {}, now=now, version=version, leaf=leaf)
    return True


def certified(home: Home, message: Message, *, now: int) -> None:
    """Keep a partner's certificate, once it is of its log and over exactly what we gave there.

    RefusedError where it is not: then one of us is wrong about what was given.
    """
    with home.store.write() as tx:
        version = agreements.version_of(tx, message.agreement or "")
        if version is None or version.partner != message.sender:
            raise RefusedError("This certificate is under no agreement with its sender.")
        if not agreements.remember(tx, message.id, message.sender, at=now):
            return
        agreement_id = version.agreement_id
        said = proven(message, agreement_id, "certificate")
        if said.get("party") != message.sender:
            raise RefusedError("The proof is of another party's certificate.", do="Refuse it.")
        positions = expand(said["positions"]) if said.get("positions") else []
        given = releases.releases_at(tx, agreement_id, positions)
        ours = delivery_hash((at, each.hash) for at, each in given.items())
        if len(given) != len(positions) or ours != said.get("hash"):
            raise RefusedError(
                "This certificate is not over what we released.",
                means="The partner's record of what was given differs from ours.",
                do="Compare both logs with `tearline log verify`.",
            )
        receipt = canonical.canonical(message.body["receipt"]).decode()
        text = orjson.dumps(said.get("positions") or []).decode()
        put_certificate(tx, agreement_id, Certificate(False, ours, text, now, None, receipt))  # noqa: FBT003  # `ours`
        entry = {
            "kind": "certified",
            "agreement": version.hash,
            "objects": len(positions),
            "hash": ours,
            "message": message.hash,
            "at": format_timestamp(now, digits=6),
        }
        log = record.our_log(agreement_id)
        record.append(tx, log, "recall", [entry], at=now, agreement=version.hash)


def covers(held: Certificate, positions: Iterable[int]) -> bool:
    """Whether a certificate speaks of all these releases."""
    named = orjson.loads(held.spans)
    return set(positions) <= {at for first, last in named for at in range(first, last + 1)}


def our_receipt(home: Home, agreement_id: str, *, now: int) -> dict[str, Any] | None:
    """Our certificate as the receipt that anybody can check; None where there is none yet."""
    with home.store.read() as tx:
        found = certificates(tx, agreement_id).get(True)
    if found is None or found.leaf is None:
        return None
    home.publish(agreement_id, now=now)
    with home.store.read() as tx:
        log, origin = record.our_log(agreement_id), record.origin_of(home.slug, agreement_id)
        vkey = home.log_vkey(agreement_id)
        return record.receipt(tx, log, found.leaf, 0, origin=origin, vkey=vkey)


def _is_news(tx: Tx, agreement_id: str, since: int) -> bool:
    """Whether their log told anything more, or something expired here."""
    told_at = logs.head(tx, record.their_log(agreement_id)).at
    return told_at > since or received.expired_since(tx, agreement_id, since)


def _gone(tx: Tx, agreement_id: str) -> dict[int, str]:
    """By position, the hash of every release that was recalled from us or expired here.

    What expired is asked of our log: the same bytes may have been given again since.
    """
    log = record.their_log(agreement_id)
    given: dict[int, str] = {}
    gone: set[int] = set()
    for row in logs.records(tx, log, 0, logs.head(tx, log).size):
        said = slips.read_entry(row[3])
        if isinstance(said, slips.Slip):
            given[said.position] = said.hash
        elif said is not None and said.recall:
            gone.add(said.release)
    ours = record.our_log(agreement_id)
    own = (orjson.loads(row[3]) for row in logs.records(tx, ours, 0, logs.head(tx, ours).size))
    gone |= {each["release"] for each in own if each["kind"] == "expiry"}
    return {at: given[at] for at in gone & given.keys()}
