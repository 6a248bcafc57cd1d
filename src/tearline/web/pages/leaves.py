"""One log: its leaves a page at a time, and one leaf with the way from its record to the root."""

from typing import Any

import orjson

from tearline.agreement import force
from tearline.agreement.log_keys import key_of
from tearline.errors import ProofError
from tearline.log import committing, explore, record, tree
from tearline.log.checkpoint import Checkpoint, open_checkpoint
from tearline.log.explore import Row, Way
from tearline.log.verify import Leaf, commitment
from tearline.stix import canonical
from tearline.stix.timestamp import parse_timestamp
from tearline.store import aliases, logs, parties
from tearline.store.database import Tx
from tearline.web.naming import names_of
from tearline.web.page import AbsentError, Asked, Download, File, Form, Page, number_of
from tearline.web.pages.logs import address_of, may_see
from tearline.web.signing_in import WEIGHING
from tearline.web.telling import told

_ROWS = 50
_MOMENT = len("2026-03-01T12:00:00.000000Z")
_NOTHING: dict[str, Any] = {"told": None, "name": None, "held": None}


def _named(asked: Asked) -> tuple[str, str]:
    """The name of the log that an address is of; AbsentError where there is none for the viewer."""
    side, name = asked.path["side"], asked.path["id"]
    if side == "ours" and name in {record.NODE, record.PRIVATE}:
        log = committing.LOG if name == record.NODE else record.PRIVATE
    else:
        log = f"{side}/urn:uuid:{name}"
    with asked.home.store.read() as tx:
        if side not in {"ours", "theirs"} or log not in logs.names(tx) or not may_see(asked, log):
            raise AbsentError("There is no such log.", do="Look at the list of logs.")
    return log, name


def _signed(tx: Tx, asked: Asked, log: str) -> tuple[Checkpoint | None, str]:
    """The signed head of a log, its signature checked; and the problem where it does not hold."""
    last = logs.last_checkpoint(tx, log)
    if last is None:
        return None, ""
    try:
        origin, key = key_of(tx, asked.home, log)
        return open_checkpoint(last.note, key, origin), ""
    except ProofError as error:
        return None, error.what


def _entries(asked: Asked) -> dict[str, Any]:
    log, _ = _named(asked)
    kind, since, until = (asked.query.get(each) or None for each in ("kind", "since", "until"))
    with asked.home.store.read() as tx:
        size = logs.head(tx, log).size
        signed, problem = _signed(tx, asked, log)
        begin = explore.first_since(tx, log, since) if since else 0
        end = explore.first_since(tx, log, f"{until}~") if until else size
        leaf = number_of(asked.query.get("leaf"))
        before = number_of(asked.query.get("before"))
        upto = min(end, size, *(each for each in (leaf and leaf + 1, before) if each)) - 1
        if leaf == 0:
            upto = min(upto, 0)
        rows = explore.page(tx, log, signed, upto=upto, kind=kind, since=begin, count=_ROWS + 1)
        shown = rows[:_ROWS]
        said = _said(tx, log, shown)
        kinds = explore.kinds(tx, log)
    return {
        **_about(asked, log),
        "size": size,
        "signed": signed.size if signed else 0,
        "problem": problem or None,
        "kinds": kinds,
        "kind": kind,
        "since": since,
        "until": until,
        "before": before,
        "leaf": leaf,
        "next": shown[-1].number if len(rows) > _ROWS else None,
        "leaves": [_row(each) | said.get(each.number, _NOTHING) for each in shown],
    }


def _about(asked: Asked, log: str) -> dict[str, Any]:
    """Which log it is: of whom, under which agreement."""
    agreement_id = log.partition("/")[2]
    with asked.home.store.read() as tx:
        bound = force.in_force(tx, agreement_id, now=asked.now) if agreement_id else None
        names = parties.names(tx)
    return {
        "log": log,
        "address": address_of(log),
        "title": bound.title if bound else None,
        "partner": bound.partner if bound else None,
        "partner_name": names[bound.partner] if bound else None,
        "agreement": bound.agreement_id if bound else None,
    }


def _row(row: Row) -> dict[str, Any]:
    return _leaf(row.number, row.leaf) | {"hash": row.hash.hex(), "proven": row.proven}


def _leaf(index: int, leaf: Leaf) -> dict[str, Any]:
    at = parse_timestamp(leaf.at) if leaf.at else None
    return {"leaf": index, "kind": leaf.kind, "at": at, "count": leaf.count}


def _said(tx: Tx, log: str, rows: list[Row]) -> dict[int, dict[str, Any]]:
    """What the first record of each leaf says, and the name of its object."""
    records = logs.first_records(tx, log, [each.number for each in rows])
    said = {index: told(orjson.loads(raw)) for index, raw in records.items()}
    ids = {each["object"] for each in said.values() if each["object"]}
    ours = _ours(tx, log, ids)
    return {
        index: {
            "told": each,
            "name": names[1] if names else None,
            "held": names[0] if names else None,
        }
        for index, each in said.items()
        for names in [ours.get(each["object"])]
    }


def _ours(tx: Tx, log: str, ids: set[str]) -> dict[str, tuple[str, str]]:
    """Of objects as they were given: our id, and what we call it, of those that we hold."""
    agreement_id = log.partition("/")[2]
    mine = {each: each for each in ids} | aliases.derived(tx, agreement_id, ids)
    names = names_of(tx, mine.values())
    return {each: (our, names[our]) for each, our in mine.items() if our in names}


# ------------------------------------------------------------------------------------ one leaf


def _one(asked: Asked) -> dict[str, Any]:
    log, name = _named(asked)
    index, item = number_of(asked.path["leaf"]), number_of(asked.query.get("item", "0"))
    with asked.home.store.read() as tx:
        entry = logs.leaf(tx, log, index) if index is not None else None
        if entry is None or index is None or item is None:
            raise AbsentError("There is no such leaf.", do="Look at the entries of the log.")
        signed, problem = _signed(tx, asked, log)
        leaf, size = explore.read_leaf(entry), logs.head(tx, log).size
        way, problem = _way(tx, log, index, entry, signed, problem)
        opened = logs.records(tx, log, index, index + 1)
        if item >= (len(opened) or 1):
            raise AbsentError("The leaf has no such record.", do="Look at its first one.")
        content = orjson.loads(opened[item][3]) if opened else None
        said = told(content) if content else None
        ids = {said["object"]} if said and said["object"] else set()
        held = next(iter(_ours(tx, log, ids).values()), None)
    return {
        **_about(asked, log),
        **_leaf(index, leaf),
        "name": held[1] if held else None,
        "held": held[0] if held else None,
        "size": size,
        "item": item,
        "opened": len(opened),
        "told": said,
        "record": content,
        "record_hash": canonical.sha256(opened[item][3]) if opened else None,
        "inside": _inside(opened, item, leaf) if opened else None,
        "hash": tree.leaf_hash(entry).hex(),
        "signed": signed.size if signed else 0,
        "root": signed.root.hex() if signed else None,
        "origin": signed.origin if signed else None,
        "steps": [_step(each) for each in way.steps] if way else None,
        "proven": way.holds if way else None,
        "problem": problem or None,
        "file": f"receipt-{name[:8]}-{index}-{item}.json" if way and opened else None,
    }


def _way(
    tx: Tx, log: str, index: int, entry: bytes, signed: Checkpoint | None, problem: str
) -> tuple[Way | None, str]:
    if signed is None or index >= signed.size:
        return None, problem
    try:
        return explore.way(tx, log, index, entry, signed), problem
    except ProofError as error:
        return None, error.what


def _step(step: tree.Step) -> dict[str, Any]:
    return {"left": step.is_left, "other": step.other.hex(), "result": step.result.hex()}


def _inside(opened: list[logs.OpenedRow], item: int, leaf: Leaf) -> dict[str, Any]:
    """The way from a record to what its leaf says: commitment, steps, and whether they meet."""
    hashes = [tree.leaf_hash(commitment(each[2], each[3])) for each in opened]
    path = tree.inclusion_proof(hashes, item, len(hashes))
    steps = tree.climb(hashes[item], item, len(hashes), path)
    top = steps[-1].result if steps else hashes[item]
    return {
        "commitment": hashes[item].hex(),
        "steps": [_step(each) for each in steps],
        "root": leaf.root.hex(),
        "holds": top == leaf.root and len(hashes) == leaf.count,
    }


def _receipt(asked: Asked) -> File:
    """The receipt of one record, as `tearline receipt make` writes it."""
    log, name = _named(asked)
    index, item = number_of(asked.path["leaf"]), number_of(asked.query.get("item", "0"))
    if index is None or item is None:
        raise AbsentError("There is no such leaf.")
    with asked.home.store.read() as tx:
        origin, key = key_of(tx, asked.home, log)
        made = record.receipt(tx, log, index, item, origin=origin, vkey=key)
    content = canonical.canonical(made) + b"\n"
    return File(f"receipt-{name[:8]}-{index}-{item}.json", "application/json", content)


PAGES = (
    Page("/log/{side}/{id}", "leaves.html", _entries, WEIGHING),
    Page("/log/{side}/{id}/{leaf}", "leaf.html", _one, WEIGHING),
)
FORMS: tuple[Form, ...] = ()
DOWNLOADS = (Download("/log/{side}/{id}/{leaf}/receipt", _receipt, WEIGHING),)
