"""Logs of ours, and receipts from them, for others to check."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple, cast

from tearline import clock
from tearline.agreement.home import Home
from tearline.agreement.log_keys import THEIRS, key_of, keys_of
from tearline.agreement.signing import versions_of
from tearline.cli.options import write_bytes
from tearline.cli.readings import resolve
from tearline.cli.terminal import stamp
from tearline.errors import MisuseError, RefusedError
from tearline.exchange.cosigned import outside_witness
from tearline.log import committing, record, tiles
from tearline.log.checkpoint import add_lines
from tearline.log.node_folder import write_openings
from tearline.release import tracing
from tearline.store import agreements, logs, private, witnessing
from tearline.store.database import Tx

_CHECKPOINTS = 100
"""The most older checkpoints that a copy carries."""


class Wanted(NamedTuple):
    """Of what a receipt is wanted: an act and of what, or a place in a log.

    `acts` has by its name of what each act is wanted; `theirs` takes the record from our copy of
    the partner's log.
    """

    acts: Mapping[str, str | None]
    to: str | None
    theirs: bool
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
        keys = "\n".join(dict.fromkeys((vkey, *keys_of(tx, home, name)[1])))
        own, seen = records and not node, outside_witness(home) if node else None
        tiles.write_folder(tx, name, directory, vkey=keys, with_records=own, witnesses=seen)
        if records and node:
            write_openings(tx, home.slug, home.keys.secret, directory)
        signed = logs.last_checkpoint(tx, name)
        _write_beside(tx, name, directory, texts=own)
        waiting = len(private.pending(tx)) if name == record.PRIVATE else 0
    size = signed.size if signed else 0
    done = {"log": name, "origin": origin, "vkey": vkey, "size": size, "folder": str(directory)}
    return done | {"waiting": waiting}


def _write_beside(tx: Tx, name: str, directory: Path, *, texts: bool) -> None:
    """Write checkpoints that were signed before, of many some, and the signed texts."""
    (directory / "checkpoints").mkdir(exist_ok=True)
    signed = logs.checkpoints(tx, name)
    given = {each.size: each.line for each in witnessing.covers(tx, name) if each.line}
    for place, each in enumerate(signed):
        if each.size in given or place % -(-len(signed) // _CHECKPOINTS) == 0:
            note = add_lines(each.note, given.get(each.size, ""))
            write_bytes(directory / "checkpoints" / str(each.size), note.encode())
    if not texts:
        return
    (directory / "agreements").mkdir(exist_ok=True)
    agreement_id = _agreement(name)
    every = agreements.versions(tx, agreement_id) if agreement_id else agreements.every_version(tx)
    for version in every:
        if version.signed is not None:
            file = version.hash.removeprefix("sha256:") + ".json"
            write_bytes(directory / "agreements" / file, version.signed)


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
    named = [(act, of) for act, of in wanted.acts.items() if of is not None]
    by_place = wanted.log is not None and wanted.leaf is not None
    if len(named) + by_place != 1:
        raise MisuseError(
            "Say of what: one of --release, --delivery, --recall, --approval and --statement, or "
            "--log LOG --leaf N.",
            do="See --help.",
        )
    if named:
        name, leaf, item = _traced(home, *named[0], wanted)
    else:
        name, leaf, item = str(wanted.log), wanted.leaf or 0, wanted.item
    with home.store.read() as tx:
        if name not in logs.names(tx):
            raise RefusedError(f"There is no log {name!r}.", do="See `tearline log list`.")
    if not name.startswith(THEIRS):
        home.publish(_agreement(name), now=clock.now())
    with home.store.read() as tx:
        origin, vkey = key_of(tx, home, name)
        return record.receipt(tx, name, leaf, item, origin=origin, vkey=vkey)


def _traced(home: Home, act: str, of: str, wanted: Wanted) -> tuple[str, int, int]:
    """Return log, leaf and item of the record of an act."""
    if act == "statement":
        return _statement(home, of, theirs=wanted.theirs)
    with home.store.read() as tx:
        if act == "approval":
            return tracing.approval(tx, of)[:3]
        if wanted.to is None:
            raise MisuseError(f"Say with whom: --{act} OBJECT --to PARTY.", do="See --help.")
        kind = cast("tracing.Act", act)
        return tracing.object_act(tx, kind, of, wanted.to, theirs=wanted.theirs)[:3]


def _statement(home: Home, name: str, *, theirs: bool) -> tuple[str, int, int]:
    """Find a statement by its hash, or the newest about the agreement that is named."""
    with home.store.read() as tx:
        every = {
            row.hash: row.agreement_id
            for agreement_id in agreements.agreement_ids(tx)
            for row in agreements.statements(tx, agreement_id)
        }
        found = [each for each in every if each.startswith(name)] if ":" in name else []
        if len(found) == 1:
            return tracing.statement(tx, every[found[0]], found[0], theirs=theirs)[:3]
    ref = resolve(home, name)
    with home.store.read() as tx:
        agreement_id = versions_of(tx, ref)[0].agreement_id
        return tracing.statement(tx, agreement_id, "", theirs=theirs)[:3]


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
