"""Drafts that people write on this node: begun, changed, kept until they are proposed or dropped.

A draft is the TOML itself, right or wrong; `terms` says what is wrong. Each of the staff has one of
an agreement at most, and nobody else sees it.
"""

from typing import Any

from tearline.agreement import signing
from tearline.agreement.card import read_card
from tearline.agreement.force import in_force
from tearline.agreement.home import Home
from tearline.agreement.partners import find_party
from tearline.agreement.template import template
from tearline.agreement.terms import agreement_hash, parse_toml, read_toml, to_bytes
from tearline.agreement.writing import write_toml
from tearline.errors import RefusedError
from tearline.stix import canonical
from tearline.store import agreements, drafts, parties
from tearline.store.agreements import Version
from tearline.store.database import Tx
from tearline.store.drafts import Draft

_TO_FILL = ("purpose", "topic")


def begin(home: Home, staff: str, party: str, *, now: int) -> Draft:
    """Begin an agreement with a partner: its limits are spelled out, purpose and topics are open.

    RefusedError when the partner has no card: who has no node signs paper.
    """
    with home.store.read() as tx:
        found = find_party(tx, party)
    if found.card is None:
        raise RefusedError(
            f"{found.name} has no node.",
            means="An agreement with it is one-sided, and needs the hash of a paper.",
            do="Write it with `tearline agreement new --one-sided --paper FILE`.",
        )
    document = read_toml(template(home.card, read_card(found.card), now=now))
    document = {name: value for name, value in document.items() if name not in _TO_FILL}
    document["title"] = f"{home.name} and {found.name}"
    for clause in document["clause"]:
        del clause["topics"]
    new = Draft(staff, document["id"], found.slug, write_toml(document), now)
    with home.store.write() as tx:
        drafts.put(tx, new)
    return new


def draft_of(tx: Tx, staff: str, agreement_id: str, *, now: int) -> Draft | None:
    """What somebody writes of an agreement; else the next version as it stands, not kept yet.

    None where there is neither a draft nor such an agreement.
    """
    kept = drafts.of(tx, staff, agreement_id)
    versions = agreements.versions(tx, agreement_id)
    if kept is not None or not versions:
        return kept
    document = write_toml(_next(tx, versions, now))
    return Draft(staff, agreement_id, versions[-1].partner, document, 0)


def _next(tx: Tx, versions: list[Version], now: int) -> dict[str, Any]:
    """The version after the newest, with the terms that run and the keys of today's cards."""
    newest, running = versions[-1], in_force(tx, versions[-1].agreement_id, now=now)
    document = canonical.parse_canonical(running.terms_bytes if running else newest.terms)
    known = parties.partner_of(tx, newest.partner)
    if known is not None and known.card is not None:
        card = read_card(known.card)
        document["party"][newest.their_slot] |= {"key": card.sign, "log": card.log}
    document |= {"version": newest.version + 1, "replaces": newest.hash}
    return dict(document)


def keep(home: Home, staff: str, agreement_id: str, document: str, *, now: int) -> Draft:
    """Keep what somebody typed, right or wrong; RefusedError where nothing was begun."""
    with home.store.write() as tx:
        before = draft_of(tx, staff, agreement_id, now=now)
        if before is None:
            raise _nothing()
        kept = before._replace(document=document, changed_at=now)
        drafts.put(tx, kept)
    return kept


def drop(home: Home, staff: str, agreement_id: str) -> None:
    """Forget a draft."""
    with home.store.write() as tx:
        drafts.drop(tx, staff, agreement_id)


def propose(home: Home, staff: str, agreement_id: str, hash_: str, *, now: int) -> Version:
    """Sign a draft and offer it, as `signing.propose` does; the draft is gone with it.

    `hash_` is what was read before: RefusedError when the draft says something else by now.
    """
    with home.store.write() as tx:
        draft = draft_of(tx, staff, agreement_id, now=now)
        if draft is None:
            raise _nothing()
        terms = parse_toml(draft.document)
        if agreement_hash(to_bytes(terms)) != hash_:
            raise RefusedError(
                "The draft is not what you looked at.",
                means="It was changed since, perhaps in another window.",
                do="Read it again, and propose it then.",
            )
        if terms.id != agreement_id:
            raise RefusedError(
                "The document names another agreement.", do="Leave the line `id` as it was."
            )
        done = signing.propose_in(tx, home, terms, now=now)
        drafts.drop(tx, staff, agreement_id)
    return done


def _nothing() -> RefusedError:
    return RefusedError("There is no such draft.", do="Begin one with a partner.")
