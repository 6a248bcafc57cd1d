"""The logs: the signed head of each of ours and of our copies, and who witnessed it."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from tearline.agreement import force
from tearline.agreement.log_keys import key_for
from tearline.agreement.receipts import check_receipt, read_receipt
from tearline.errors import InputError, TearlineError
from tearline.log import committing, record
from tearline.log.checkpoint import parse_checkpoint
from tearline.store import logs, parties, witnessing
from tearline.store.database import Tx
from tearline.web.page import Asked, Check, Download, Drop, Form, Page
from tearline.web.signing_in import WEIGHING, Role
from tearline.web.telling import told

OVERSIGHT: tuple[Role, ...] = ("officer", "overseer", "admin")
"""Who sees the private log: what stayed here, why, and what people here did."""

_MINUTE = 60_000_000
_BEHIND = 15 * _MINUTE
"""How long a witness may take for a new head before it is late."""
_QUIET = 120 * _MINUTE
"""How long a witness may be silent on a head that does not change."""
_UNSIGNED = 5 * _MINUTE
_RECEIPT = 64 << 10


class Witness(NamedTuple):
    """Who cosigned a head: how many leaves it covers, when, and whether that is too long ago."""

    name: str
    size: int
    at: int
    late: bool


def _logs(asked: Asked) -> dict[str, Any]:
    with asked.home.store.read() as tx:
        bound = {each.agreement_id: each for each in force.all_in_force(tx, now=asked.now)}
        names = [each for each in logs.names(tx) if may_see(asked, each)]
        partners = parties.names(tx)
        heads = logs.heads(tx, names)
        given = _witnesses(tx, asked.home.slug)
        found = []
        for name in sorted(names, key=_order):
            its = bound.get(name.partition("/")[2])
            one = _one(tx, name, heads[name], asked.now)
            origin = record.origin_of(
                its.partner if its else asked.home.slug, name.partition("/")[2]
            )
            seen = [_late(each, one, asked.now) for each in given.get(name, given.get(origin, []))]
            found.append(
                one
                | {
                    "title": its.title if its else None,
                    "partner": its.partner if its else None,
                    "partner_name": partners[its.partner] if its else None,
                    "witnesses": [each._asdict() for each in seen],
                }
            )
    return {"now": asked.now, "logs": found}


def may_see(asked: Asked, name: str) -> bool:
    """Whether a viewer may look into a log."""
    return name != record.PRIVATE or asked.who.may(*OVERSIGHT)


def _order(name: str) -> tuple[int, str]:
    """The node log first, the private log last, the two sides of an agreement together."""
    side, _, rest = name.partition("/")
    first = 0 if name == committing.LOG else 2 if name == record.PRIVATE else 1
    return first, f"{rest}/{side}"


def address_of(name: str) -> str:
    """The address of a log's page."""
    side, _, rest = name.partition("/")
    return f"/log/{side}/{rest.removeprefix('urn:uuid:')}" if rest else f"/log/ours/{side}"


def _witnesses(tx: Tx, slug: str) -> dict[str, list[Witness]]:
    """By log or origin, who cosigned it: others ours, we theirs."""
    found: dict[str, list[Witness]] = {}
    for one in witnessing.cosignatures(tx):
        found.setdefault(one.log, []).append(Witness(one.name, one.size, one.at, late=False))
    for seen in witnessing.all_witnessed(tx):
        us = Witness(f"{slug}/witness", seen.size, seen.at, late=False)
        found.setdefault(seen.origin, []).append(us)
    return found


def _late(witness: Witness, head: Mapping[str, Any], now: int) -> Witness:
    behind = witness.size < head["signed"] and now - head["signed_at"] > _BEHIND
    return witness._replace(late=behind or now - witness.at > _QUIET)


def _one(tx: Tx, name: str, head: logs.Head, now: int) -> dict[str, Any]:
    signed = logs.last_checkpoint(tx, name)
    root = parse_checkpoint(signed.note.partition("\n\n")[0] + "\n").root if signed else None
    covered = signed.size if signed else 0
    return {
        "log": name,
        "address": address_of(name),
        "size": head.size,
        "last_at": head.at or None,
        "signed": covered,
        "signed_at": signed.at if signed else None,
        "root": root.hex() if root else None,
        "late": covered < head.size and now - head.at > _UNSIGNED,
    }


# ---------------------------------------------------------------------------------- a receipt


def _receipt(_asked: Asked) -> dict[str, Any]:
    return {"file": None, "good": None, "proven": None, "told": None, "problem": None}


def _checked(asked: Asked, given: Mapping[str, str]) -> dict[str, Any]:
    """Say what a receipt proves by the keys that are known here, or exactly why nothing."""
    text = given.get("file") or given.get("text", "")
    found: dict[str, Any] = {"file": given.get("file-name") or None, "good": False}
    found |= {"proven": None, "told": None, "problem": None}
    try:
        if not text.strip():
            raise InputError("There is no receipt.", do="Choose its file, or paste its text.")
        with asked.home.store.read() as tx:
            proven = check_receipt(
                read_receipt(text.encode()), lambda note: key_for(tx, asked.home, note)
            )
    except TearlineError as error:
        said = {"what": error.what, "means": error.means, "do": error.do}
        return found | {"problem": said}
    return found | {"good": True, "proven": proven, "told": told(proven["record"])}


PAGES = (
    Page("/log", "log.html", _logs, WEIGHING),
    Page("/log/check", "receipt.html", _receipt, WEIGHING),
)
FORMS: tuple[Form, ...] = ()
CHECKS = (Check("/log/check", "receipt.html", _checked, WEIGHING, _RECEIPT),)
DOWNLOADS: tuple[Download, ...] = ()
DROPS: tuple[Drop, ...] = ()
