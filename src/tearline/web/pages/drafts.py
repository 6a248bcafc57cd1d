"""Writing an agreement: its terms as a form and as a document, and what they would do."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import orjson

from tearline.agreement import drafts
from tearline.agreement.document import CATEGORIES, CAUSES
from tearline.agreement.force import in_force
from tearline.agreement.terms import (
    Terms,
    agreement_hash,
    parse_json,
    parse_toml,
    read_toml,
    to_bytes,
    warnings,
)
from tearline.agreement.writing import write_toml
from tearline.errors import TearlineError
from tearline.release.onward import wider
from tearline.stix import canonical
from tearline.store import drafts as kept
from tearline.store import objects, parties, ties
from tearline.store.database import Tx
from tearline.store.objects import OURS
from tearline.topics.topic import name_key
from tearline.web import terms_form
from tearline.web.counting import counts
from tearline.web.lines import groups
from tearline.web.page import AbsentError, Asked, Form, Page
from tearline.web.signing_in import Role

WRITING: tuple[Role, ...] = ("analyst", "officer", "admin")
SIGNING: tuple[Role, ...] = ("officer", "admin")
_FOUND = 12


def _new(asked: Asked) -> dict[str, Any]:
    """With whom an agreement can be begun, and what was begun."""
    with asked.home.store.read() as tx:
        known = parties.partners(tx)
        names = parties.Names((each.slug, each.name) for each in known)
        begun = kept.all_of(tx, asked.who.name)
    return {
        "partners": [
            {"slug": each.slug, "name": each.name, "node": each.card is not None}
            for each in known
            if each.blocked_at is None
        ],
        "drafts": [
            {
                "agreement": each.agreement_id,
                "partner": each.partner,
                "partner_name": names[each.partner],
                "changed_at": each.changed_at,
            }
            for each in begun
        ],
    }


def _begin(asked: Asked, given: Mapping[str, str]) -> str:
    made = drafts.begin(asked.home, asked.who.name, given.get("partner", ""), now=asked.now)
    return _path(made.agreement_id)


def _path(agreement_id: str) -> str:
    return f"/agreements/{agreement_id.removeprefix('urn:uuid:')}/change"


def _draft(asked: Asked) -> dict[str, Any]:
    """A draft with all that is to be known before it is proposed."""
    agreement_id = f"urn:uuid:{asked.path['id']}"
    with asked.home.store.read() as tx:
        draft = drafts.draft_of(tx, asked.who.name, agreement_id, now=asked.now)
        if draft is None:
            raise AbsentError("There is no such draft.", do="Begin one with a partner.")
        known = parties.partner_of(tx, draft.partner)
        bound = in_force(tx, agreement_id, now=asked.now)
        found = _topics_like(tx, asked.query.get("find", ""))
    running = parse_json(bound.terms_bytes) if bound else None
    value: dict[str, Any] = {
        "agreement": agreement_id,
        "partner": draft.partner,
        "partner_name": known.name if known else draft.partner,
        "running": {"version": bound.version, "hash": bound.hash} if bound else None,
        "changed_at": draft.changed_at or None,
        "document": draft.document,
        "find": asked.query.get("find", ""),
        "found": found,
        "choices": _CHOICES,
        "form": None,
        "problem": None,
    }
    try:
        document = read_toml(draft.document)
        value["form"] = terms_form.shown(document, asked.home.slug)
        terms = parse_toml(draft.document)
    except TearlineError as error:
        return value | _UNREAD | {"problem": _problem(error)}
    return value | _weighed(asked, terms, running)


_CHOICES = {
    "markings": list(terms_form.MARKINGS),
    "paps": list(terms_form.PAPS),
    "grades": list(terms_form.GRADES),
    "types": list(terms_form.COMMON_TYPES),
    "categories": list(CATEGORIES),
    "causes": list(CAUSES),
}
_UNREAD: dict[str, Any] = {
    "title": None,
    "version": None,
    "hash": None,
    "groups": [],
    "warnings": [],
    "counts": None,
    "may_propose": False,
}


def _problem(error: TearlineError) -> dict[str, Any]:
    """What is wrong with a document: clause and field, as the command line says it."""
    place = getattr(error, "place", None)
    return {"place": place, "what": error.what, "means": error.means, "do": error.do}


def _weighed(asked: Asked, terms: Terms, running: Terms | None) -> dict[str, Any]:
    """What the terms say and would do; counted only where that is asked for."""
    how = asked.query.get("count")
    found: dict[str, Any] = {
        "title": terms.title,
        "version": terms.version,
        "hash": agreement_hash(to_bytes(terms)),
        "groups": groups(terms, asked.home.slug, running),
        "warnings": [{"text": each} for each in _cautions(asked, terms)],
        "counts": None,
        "may_propose": asked.who.may(*SIGNING),
    }
    if how:
        try:
            found["counts"] = counts(asked.home, terms, how, now=asked.now)
        except TearlineError as error:
            found["problem"] = _problem(error)
    return found


def _cautions(asked: Asked, terms: Terms) -> list[str]:
    return [*warnings(terms, now=asked.now), *wider(asked.home, terms, now=asked.now)]


def _topics_like(tx: Tx, text: str) -> list[dict[str, Any]]:
    """Threats that we hold whose name holds a text, as a topic would name them."""
    wanted = name_key(text).removeprefix("name:")
    if not wanted:
        return []
    ids = ties.named_like(tx, OURS, wanted, _FOUND)
    rows = objects.latest(tx, OURS, ids)
    raws = objects.raw_of(tx, [each.seq for each in rows.values()])
    return [
        {"id": each, "type": rows[each].type, **_topic_of(orjson.loads(raws[rows[each].seq]))}
        for each in ids
        if each in rows
    ]


def _topic_of(doc: Mapping[str, Any]) -> dict[str, Any]:
    """The lines of a topic that an object gives: its names, and its number in ATT&CK."""
    given = [doc.get("name"), *(doc.get("aliases") or [])]
    names = list(dict.fromkeys(each for each in given if isinstance(each, str) and each))
    refs = doc.get("external_references") or []
    attack = [
        each["external_id"]
        for each in refs
        if isinstance(each, dict)
        and str(each.get("source_name", "")).startswith("mitre")
        and isinstance(each.get("external_id"), str)
    ]
    return {"names": names[:1], "aliases": names[1:], "attack_ids": attack}


# ----------------------------------------------------------------------------------------- acts


def _change(asked: Asked, given: Mapping[str, str]) -> str:
    """Keep what was typed, in the form or in the document; then show it, counted if wanted."""
    agreement_id = f"urn:uuid:{asked.path['id']}"
    do = given.get("do", "")
    if "document" in given:
        text = given["document"].replace("\r\n", "\n")
    else:
        text = write_toml(_formed(asked, agreement_id, given, do))
    drafts.keep(asked.home, asked.who.name, agreement_id, text, now=asked.now)
    at = _path(agreement_id)
    if given.get("as") == "json":
        return f"{at}.json?count={quote(given.get('count', 'exact'))}"
    if do.startswith("find"):
        return f"{at}?find={quote(given.get('find', ''))}#topics"
    return f"{at}?count=exact#counts" if do in {"", "count"} else f"{at}#{do.partition(':')[0]}"


def _formed(asked: Asked, agreement_id: str, given: Mapping[str, str], do: str) -> dict[str, Any]:
    """The document of a draft as the form that was sent says, and as its button asks."""
    with asked.home.store.read() as tx:
        draft = drafts.draft_of(tx, asked.who.name, agreement_id, now=asked.now)
        taken = _taken(tx, do)
        bound = in_force(tx, agreement_id, now=asked.now)
    if draft is None:
        raise AbsentError("There is no such draft.", do="Begin one with a partner.")
    running = canonical.parse_canonical(bound.terms_bytes) if bound else None
    document = terms_form.applied(read_toml(draft.document), given, running)
    act, _, which = do.partition(":")
    if act == "add-clause":
        return terms_form.with_clause(document, asked.home.slug, ours=which == "ours")
    if act == "add-topic":
        return terms_form.with_topic(document, taken)
    if act in {"drop-clause", "drop-topic"} and which.isascii() and which.isdigit():
        return terms_form.without(document, act.removeprefix("drop-"), int(which))
    return document


def _taken(tx: Tx, do: str) -> dict[str, Any] | None:
    """The topic that an object of ours gives, where one was chosen."""
    act, _, stix_id = do.partition(":")
    if act != "add-topic" or not stix_id:
        return {"names": []}
    rows = objects.latest(tx, OURS, [stix_id])
    if stix_id not in rows:
        raise AbsentError("We hold no object of this id.", do="Look for it again.")
    seq = rows[stix_id].seq
    found = _topic_of(orjson.loads(objects.raw_of(tx, [seq])[seq]))
    return {name: value for name, value in found.items() if value}


def _propose(asked: Asked, given: Mapping[str, str]) -> str:
    agreement_id = f"urn:uuid:{asked.path['id']}"
    drafts.propose(asked.home, asked.who.name, agreement_id, given.get("hash", ""), now=asked.now)
    return f"/agreements/{asked.path['id']}"


def _drop(asked: Asked, _given: Mapping[str, str]) -> str:
    drafts.drop(asked.home, asked.who.name, f"urn:uuid:{asked.path['id']}")
    return "/agreements"


PAGES = (
    Page("/agreements/new", "new_agreement.html", _new, WRITING),
    Page("/agreements/{id}/change", "draft.html", _draft, WRITING),
)
FORMS = (
    Form("/agreements/new", _begin, WRITING),
    Form("/agreements/{id}/change", _change, WRITING),
    Form("/agreements/{id}/change/drop", _drop, WRITING),
    Form("/agreements/{id}/propose", _propose, SIGNING, proven=True),
)
