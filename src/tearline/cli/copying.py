"""Logs of ours, and receipts from them, for others to check."""

from pathlib import Path
from typing import Any, NamedTuple

from tearline import clock
from tearline.agreement.home import Home
from tearline.agreement.log_keys import THEIRS, key_of
from tearline.agreement.partners import find_party
from tearline.agreement.signing import versions_of
from tearline.cli.readings import resolve
from tearline.cli.terminal import stamp
from tearline.errors import MisuseError, RefusedError
from tearline.exchange.cosigned import outside_witness
from tearline.log import committing, record, tiles
from tearline.log.node_folder import write_openings
from tearline.store import agreements, logs, private, releases
from tearline.store.database import Tx


class Wanted(NamedTuple):
    """Of what a receipt is wanted: the release of an object to a party, or a place in a log."""

    release: str | None
    to: str | None
    log: str | None
    leaf: int | None
    item: int


def copy_log(
    home: Home, ref: str, directory: Path, *, records: bool, theirs: bool
) -> dict[str, Any]:
    """Write a log as a folder, ours after signing what it holds."""
    name = _named(home, ref, theirs=theirs)
    node = name == committing.LOG
    if not theirs and not node:
        home.publish(_agreement(name), now=clock.now())
    with home.store.read() as tx:
        origin, vkey = key_of(tx, home, name)
        own, seen = records and not node, outside_witness(home) if node else None
        tiles.write_folder(tx, name, directory, vkey=vkey, with_records=own, witnesses=seen)
        if records and node:
            write_openings(tx, home.slug, home.keys.secret, directory)
        signed = logs.last_checkpoint(tx, name)
        waiting = len(private.pending(tx)) if name == record.PRIVATE else 0
    size = signed.size if signed else 0
    done = {"log": name, "origin": origin, "vkey": vkey, "size": size, "folder": str(directory)}
    return done | {"waiting": waiting}


def copy_all(home: Home, directory: Path, *, records: bool) -> list[dict[str, Any]]:
    """Write each log of ours for its readers, into a folder of its own; not the private one."""
    with home.store.read() as tx:
        names = [each for each in logs.names(tx) if each.startswith("ours/")]
    return [
        copy_log(
            home, ref, directory / ref.removeprefix("urn:uuid:"), records=records, theirs=False
        )
        for ref in (each.removeprefix("ours/") for each in names)
    ]


def all_logs(home: Home) -> list[dict[str, Any]]:
    """Return every log, how long it is, and how much of it is signed."""
    with home.store.read() as tx:
        return [_described(tx, home, each) for each in logs.names(tx)]


def make_receipt(home: Home, wanted: Wanted) -> dict[str, Any]:
    """Return a receipt for what is wanted; our log is signed first."""
    by_release = wanted.release is not None and wanted.to is not None
    by_place = wanted.log is not None and wanted.leaf is not None
    if by_release == by_place:
        raise MisuseError(
            "Say of what: --release OBJECT --to PARTY, or --log LOG --leaf N.", do="See --help."
        )
    with home.store.read() as tx:
        if by_release:
            name, leaf, item = _released(tx, str(wanted.release), str(wanted.to))
        else:
            name, leaf, item = str(wanted.log), wanted.leaf or 0, wanted.item
        if name not in logs.names(tx):
            raise RefusedError(f"There is no log {name!r}.", do="See `tearline log list`.")
    if not name.startswith(THEIRS):
        home.publish(_agreement(name), now=clock.now())
    with home.store.read() as tx:
        origin, vkey = key_of(tx, home, name)
        return record.receipt(tx, name, leaf, item, origin=origin, vkey=vkey)


def _released(tx: Tx, stix_id: str, party: str) -> tuple[str, int, int]:
    """Return log, leaf and item of the newest release of an object, by our id or theirs."""
    partner = find_party(tx, party).slug
    ids = {each.agreement_id for each in agreements.every_version(tx, partner=partner)}
    found = []
    for agreement_id in ids:
        standing = releases.standing(tx, agreement_id, [stix_id]).get(stix_id)
        delivered = standing.delivered_id if standing and standing.delivered_id else stix_id
        last = releases.last_delivered(tx, agreement_id, [delivered]).get(delivered)
        if last is not None:
            found.append((last.at, record.our_log(agreement_id), last.leaf, last.item))
    if not found:
        raise RefusedError(
            f"{stix_id} was never released to {partner}.", do="See `tearline explain`."
        )
    return max(found)[1:]


def _named(home: Home, ref: str, *, theirs: bool) -> str:
    if ref in {record.PRIVATE, record.NODE}:
        return record.PRIVATE if ref == record.PRIVATE else committing.LOG
    ref = resolve(home, ref)
    with home.store.read() as tx:
        agreement_id = versions_of(tx, ref)[0].agreement_id
    return record.their_log(agreement_id) if theirs else record.our_log(agreement_id)


def _agreement(name: str) -> str | None:
    return name.partition("/")[2] or None


def _described(tx: Tx, home: Home, name: str) -> dict[str, Any]:
    head, signed = logs.head(tx, name), logs.last_checkpoint(tx, name)
    return {
        "log": name,
        "leaves": head.size,
        "signed": signed.size if signed else 0,
        "last": stamp(head.at),
        "origin": key_of(tx, home, name)[0],
    }
