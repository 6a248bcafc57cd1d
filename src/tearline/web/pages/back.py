"""What was taken back from partners, what of theirs fits no agreement, and the end with one."""

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

import orjson

from tearline.agreement import force
from tearline.errors import MisuseError
from tearline.release import inbound
from tearline.release.health import COUNTED, Counted, total
from tearline.release.leaving import Leaving, leave, leaving
from tearline.release.recall import Recalled, last_recalls, recalls_counted
from tearline.stix import canonical
from tearline.store import aliases, parties, received
from tearline.store.database import Tx
from tearline.store.recalls import receipt_of
from tearline.store.received import Received
from tearline.store.walking import Place
from tearline.web.naming import ends_of, name_of, names_of
from tearline.web.page import AbsentError, Asked, Download, File, Form, Page
from tearline.web.pages.logs import OVERSIGHT
from tearline.web.pages.stops import reason_of
from tearline.web.signing_in import WEIGHING, Role

_ROWS = 50
_POSITION, _HASH = "[0-9]{1,17}", "[0-9a-f]{64}"
"""What is a key in a list: of recalls, and of what is in quarantine."""
_SETTLING: tuple[Role, ...] = ("analyst", "officer", "admin")
_BINDING: tuple[Role, ...] = ("officer", "admin")


def _recalls(asked: Asked) -> dict[str, Any]:
    wanted, before = asked.query.get("state") or None, _place(asked, _POSITION)
    with asked.home.store.read() as tx:
        bound = {each.agreement_id: each for each in force.all_in_force(tx, now=asked.now)}
        all_ = list(bound.values())
        rows = last_recalls(tx, all_, wanted, _ROWS + 1, before, now=asked.now)
        shown = rows[:_ROWS]
        counts = recalls_counted(tx, all_, now=asked.now)
        names = _names(tx, shown)
        partners = parties.names(tx)
    number = counts.get(wanted, Counted(0, more=False)) if wanted else total([*counts.values()])
    last = Place(shown[-1].at, shown[-1].agreement_id, shown[-1].position) if shown else None
    return {
        "counts": {state: each._asdict() for state, each in counts.items()},
        "state": wanted,
        "number": number._asdict(),
        "first": before is None,
        "next": _said(last) if last and len(rows) > _ROWS else None,
        "partners": [
            {"partner": slug, "name": partners[slug]} for slug in sorted({e.partner for e in all_})
        ]
        if asked.who.may(*OVERSIGHT)
        else [],
        "recalls": [
            {
                "agreement": each.agreement_id,
                "title": bound[each.agreement_id].title,
                "partner": bound[each.agreement_id].partner,
                "partner_name": partners[bound[each.agreement_id].partner],
                "object": each.delivered_id,
                "held": held,
                "name": name,
                "position": each.position,
                "reason": each.reason,
                "at": each.at,
                "due_at": each.due_at,
                "acknowledged_at": each.acknowledged_at,
                "told": each.told,
                "told_confirmed": each.told_confirmed,
                "state": each.state,
            }
            for each in shown
            for held, name in [names.get((each.agreement_id, each.delivered_id), (None, None))]
        ],
    }


def _said(place: Place) -> str:
    """A place in a list, as an address says it."""
    key = str(place.key).removeprefix("sha256:")
    return f"{place.at}.{place.agreement_id.removeprefix('urn:uuid:')}.{key}"


def _place(asked: Asked, key: str) -> Place | None:
    """The place that an address says, with a key of this form; None where it says none."""
    text = asked.query.get("before", "")
    found = re.fullmatch(rf"([0-9]{{1,17}})\.([0-9a-f-]{{36}})\.({key})", text)
    if found is None:
        return None
    own: str | int = int(found[3]) if key == _POSITION else f"sha256:{found[3]}"
    return Place(int(found[1]), f"urn:uuid:{found[2]}", own)


def _names(tx: Tx, shown: Sequence[Recalled]) -> dict[tuple[str, str], tuple[str, str]]:
    """Of what was taken back and we hold: our id and what people call it.

    By agreement and delivered id.
    """
    by_agreement: dict[str, list[str]] = {}
    for each in shown:
        by_agreement.setdefault(each.agreement_id, []).append(each.delivered_id)
    ours = {
        (agreement_id, given): originals.get(given, given)
        for agreement_id, ids in by_agreement.items()
        for originals in (aliases.derived(tx, agreement_id, ids),)
        for given in ids
    }
    names = names_of(tx, ours.values())
    return {each: (own, names[own]) for each, own in ours.items() if own in names}


def _recall_receipt(asked: Asked) -> File:
    """The receipt by which a partner confirmed a recall."""
    agreement_id, position = f"urn:uuid:{asked.path['agreement']}", asked.path["position"]
    with asked.home.store.read() as tx:
        found = re.fullmatch(_POSITION, position) and receipt_of(tx, agreement_id, int(position))
    if not found:
        raise AbsentError("There is no receipt for this recall.")
    name = f"recall-{asked.path['agreement'][:8]}-{position}.json"
    return File(name, "application/json", found.encode())


# ----------------------------------------------------------------------------------- quarantine


def _quarantine(asked: Asked) -> dict[str, Any]:
    before = _place(asked, _HASH)
    with asked.home.store.read() as tx:
        bound = {each.agreement_id: each for each in force.all_in_force(tx, now=asked.now)}
        found = received.quarantined(tx, bound, _ROWS + 1, before)
        shown = found[:_ROWS]
        numbers = received.quarantined_numbers(tx, bound, COUNTED + 1)
        number = total(list(map(Counted.of, numbers.values())))
        names = _called(tx, shown)
        partners = parties.names(tx)
    rows = [
        {
            "agreement": agreement_id,
            "title": bound[agreement_id].title,
            "partner": bound[agreement_id].partner,
            "partner_name": partners[bound[agreement_id].partner],
            "object": row.delivered_id,
            "name": names.get(row.hash),
            "hash": row.hash,
            "reasons": _reasons(row),
            "at": row.at,
        }
        for agreement_id, row in shown
    ]
    last = Place(shown[-1][1].at, shown[-1][0], shown[-1][1].hash) if shown else None
    return {
        "number": number._asdict(),
        "first": before is None,
        "next": _said(last) if last and len(found) > _ROWS else None,
        "quarantined": rows,
    }


def _called(tx: Tx, shown: Sequence[tuple[str, Received]]) -> dict[str, str]:
    """What people would call what waits, by its hash; nothing for what cannot be read."""
    by_agreement: dict[str, list[str]] = {}
    for agreement_id, row in shown:
        by_agreement.setdefault(agreement_id, []).append(row.hash)
    docs: dict[str, dict[str, Any]] = {}
    for agreement_id, hashes in by_agreement.items():
        for row in received.by_hash(tx, agreement_id, hashes):
            with suppress(orjson.JSONDecodeError):
                if isinstance(doc := orjson.loads(row.raw or b"null"), dict):
                    docs[row.hash] = doc
    ends = {end for doc in docs.values() for end in ends_of(doc)}
    named = names_of(tx, ends) | {str(doc.get("id")): name_of(doc, {}) for doc in docs.values()}
    return {each: name_of(doc, named) for each, doc in docs.items()}


def _reasons(row: Received) -> list[str]:
    found: list[Any] = orjson.loads(row.reasons or "[]")
    return [" ".join(map(str, each)) if isinstance(each, list) else str(each) for each in found]


def _waiting(asked: Asked) -> dict[str, Any]:
    """One thing in quarantine, with its bytes as they came."""
    agreement_id, hash_ = f"urn:uuid:{asked.path['agreement']}", f"sha256:{asked.path['hash']}"
    with asked.home.store.read() as tx:
        bound = force.in_force(tx, agreement_id, now=asked.now)
        rows = received.by_hash(tx, agreement_id, [hash_])
        partners = parties.names(tx)
    if bound is None or not rows or rows[0].state != "quarantined":
        raise AbsentError("This is not in quarantine.", do="Look at the list of what is.")
    row = rows[0]
    text = (row.raw or b"").decode("utf-8", "replace")
    try:
        document = orjson.loads(row.raw or b"null")
    except orjson.JSONDecodeError:
        document = None
    return {
        "agreement": agreement_id,
        "title": bound.title,
        "partner": bound.partner,
        "partner_name": partners[bound.partner],
        "object": row.delivered_id,
        "hash": row.hash,
        "reasons": _reasons(row),
        "slip": orjson.loads(row.slip) if row.slip else None,
        "at": row.at,
        "until_at": row.until_at if row.until_at < received.NEVER else None,
        "document": document,
        "text": None if document is not None else text[:20_000],
        "may_settle": asked.who.may(*_SETTLING),
    }


def _settle(asked: Asked, given: Mapping[str, str]) -> str:
    """Take something out of quarantine, or refuse it."""
    agreement_id, hash_ = f"urn:uuid:{asked.path['agreement']}", f"sha256:{asked.path['hash']}"
    acts = {"accept": inbound.accept_quarantined, "refuse": inbound.refuse_quarantined}
    act = acts.get(given.get("act", ""))
    if act is None:
        raise MisuseError("There is no such act.", do="Accept it or refuse it.")
    act(asked.home, agreement_id, hash_, reason_of(given), now=asked.now)
    return "/quarantine"


# ------------------------------------------------------------------------------------- the end


def _exit(asked: Asked) -> dict[str, Any]:
    party, left = asked.path["party"], _leaving(asked)
    with asked.home.store.read() as tx:
        partners = parties.names(tx)
    return {
        "partner": party,
        "partner_name": partners[party],
        "may_act": asked.who.may(*_BINDING),
        "agreements": [_left(each) for each in left],
    }


def _leaving(asked: Asked) -> list[Leaving]:
    try:
        return leaving(asked.home, asked.path["party"], now=asked.now)
    except MisuseError as error:
        raise AbsentError(error.what, means=error.means, do=error.do) from error


def _left(each: Leaving) -> dict[str, Any]:
    states = [one.state for one in each.recalled]
    return {
        "agreement": each.agreement_id,
        "title": each.title,
        "state": each.state,
        "ended": each.has_ended,
        "done": each.is_done,
        "keeps": each.keeps,
        "live": each.live,
        "open_recalls": each.open_recalls,
        "unconfirmable": states.count("unconfirmable"),
        "held": each.held,
        "undelivered": each.undelivered,
        "receipts": len(each.receipts),
        "certificates": {
            "ours": each.certificate is not None,
            "theirs": each.their_certificate is not None,
            "lacking": list(each.lacks),
        },
    }


def _leave(asked: Asked, _given: Mapping[str, str]) -> str:
    """Do what is ours to do at an end: let go of what expired, and certify that nothing is left."""
    leave(asked.home, asked.path["party"], now=asked.now)
    return f"/partners/{asked.path['party']}/exit"


def _certificate(asked: Asked) -> File:
    """A certificate of one side, or a receipt of theirs by its number."""
    name, agreement_id = asked.path["name"], f"urn:uuid:{asked.path['agreement']}"
    found = [each for each in _leaving(asked) if each.agreement_id == agreement_id]
    texts: dict[str, str] = {}
    for each in found:
        texts |= {str(number): text for number, text in enumerate(each.receipts, 1)}
        if each.their_certificate is not None:
            texts["theirs"] = each.their_certificate
        if each.certificate is not None:
            texts["ours"] = canonical.canonical(each.certificate).decode()
    if name not in texts:
        raise AbsentError("There is no such certificate.")
    file = f"certificate-{asked.path['agreement'][:8]}-{name}.json"
    return File(file, "application/json", texts[name].encode())


PAGES = (
    Page("/recalls", "recalls.html", _recalls),
    Page("/quarantine", "quarantine.html", _quarantine, WEIGHING),
    Page("/quarantine/{agreement}/{hash}", "quarantined.html", _waiting, WEIGHING),
    Page("/partners/{party}/exit", "exit.html", _exit, OVERSIGHT),
)
FORMS = (
    Form("/quarantine/{agreement}/{hash}", _settle, _SETTLING),
    Form("/partners/{party}/exit", _leave, _BINDING, proven=True),
)
DOWNLOADS = (
    Download("/recalls/{agreement}/{position}/receipt", _recall_receipt, OVERSIGHT),
    Download("/partners/{party}/exit/{agreement}/{name}", _certificate, OVERSIGHT),
)
