"""Sort claims in, with their chains and what says alike, apart from their arrival.

Everything here can be made again from what is held. What to weigh anew because of it is noted in
`worth_again`.
"""

from collections.abc import Iterable
from functools import partial
from typing import Any, NamedTuple

import orjson

from tearline.agreement.home import Home
from tearline.provenance.claims import (
    EXTENSION,
    PROPOSITION,
    Claim,
    ClaimError,
    claim_of,
    named_by,
)
from tearline.release import stepping
from tearline.release.stepping import STEP
from tearline.stix.strict import bare
from tearline.store import aliases, claims, claims_upto, objects, ties
from tearline.store.claims import About, Alike, LinkRow, Row, Said
from tearline.store.database import Tx
from tearline.store.objects import OURS, Version
from tearline.weighing import echoes, uses
from tearline.weighing.alike import assign

RECIPE = 2
"""Raised when claims are to be read in another way: then everything is sorted in again."""
TIES = frozenset({"derived-from", "duplicate-of"})
"""The kinds of relationships by which one report rests on another."""

_KINDS = frozenset({"note", "grouping", "relationship"})
_MARK = EXTENSION.encode()
_ALIKE = PROPOSITION.encode()
_LONGEST = 500


class Found(NamedTuple):
    """What is taken from versions that arrived."""

    rows: list[Row]
    links: list[LinkRow]
    about: list[About]
    alike: list[Alike]
    said: list[Said]


def behind(tx: Tx) -> int:
    """How many numbers of versions are not sorted in."""
    return stepping.behind(tx, claims_upto.SORTED_IN, RECIPE)


def sort_in(home: Home, *, steps: int | None = None) -> int:
    """Sort in what is not yet, in so many steps at most; returns how many are left."""
    return stepping.in_steps(home, claims_upto.SORTED_IN, RECIPE, partial(_step, home), steps)


def begin_again(home: Home) -> None:
    """Forget everything that is made from what is held: the next `sort_in` makes it anew."""
    with home.store.write() as tx:
        claims_upto.begin_again(tx)


def _step(home: Home, tx: Tx) -> None:
    begun = claims_upto.SORTED_IN.upto(tx, RECIPE)
    if not begun:
        claims_upto.begin_again(tx)
    found = objects.after(tx, begun, STEP)
    newest = [each for each in found if each[1].latest and each[1].type in _KINDS]
    gone = claims.drop(tx, stepping.older(tx, newest))
    fresh = _read(tx, [each for each in newest if not each[1].revoked])
    claims.put(tx, fresh.rows, fresh.links, _by_our_names(tx, fresh))
    claims.put_alike(tx, fresh.alike)
    claims.put_said(tx, fresh.said)
    claims_upto.SORTED_IN.put_upto(tx, RECIPE, found[-1][1].seq if found else begun)
    uses.in_opinions(tx, [each for each in found if each[1].latest])
    echoed = echoes.mark(home, tx, fresh.rows, fresh.links, newest)
    moved = {*gone, *echoed, *claims_upto.SORTED_IN.again.take(tx, STEP), *_touched(fresh)}
    claims_upto.WORTH_AGAIN.note(tx, {*moved, *assign(tx, moved), *_tied(tx, fresh.said)})


def _read(tx: Tx, newest: list[tuple[str, Version]]) -> Found:
    found = Found([], [], [], [], [])
    wanted = {each.seq: (origin, each) for origin, each in newest if each.type != "relationship"}
    for seq, raw in objects.raw_of(tx, wanted).items():
        origin, version = wanted[seq]
        if version.type == "note":
            _read_note(found, origin, version, raw)
        elif _may_have(_ALIKE, raw):
            found.alike.extend(_members(origin, version, orjson.loads(raw)))
    found.said.extend(_read_ties(tx, [each for each in newest if each[1].type == "relationship"]))
    return found


def _may_have(text: bytes, raw: bytes) -> bool:
    """Whether a text may stand in an object, which can spell its characters by their numbers."""
    return text in raw or b"\\u" in raw


def _read_note(found: Found, origin: str, version: Version, raw: bytes) -> None:
    if not _may_have(_MARK, raw):
        return
    try:
        doc = orjson.loads(raw)
        claim = claim_of(doc)
    except ClaimError as error:
        said = f"{error.place}: {error.what}" if error.place else error.what
        found.rows.append(_no_claim(origin, version, bare(said, _LONGEST)))
        return
    if claim is not None:
        found.rows.append(_row(origin, version, claim))
        found.links.extend(
            LinkRow(
                version.seq,
                place,
                each.identity_ref,
                each.role,
                each.unnamed or not each.identity_ref,
                each.report_ref or None,
            )
            for place, each in enumerate(claim.source_chain)
        )
        found.about.extend(About(version.seq, each, claim.polarity) for each in _about(doc, claim))


def _about(doc: dict[str, Any], claim: Claim) -> list[str]:
    """Whom or what a claim is about: what its note refers to beside its report and its sources."""
    refs = doc.get("object_refs")
    named = set(named_by(claim))
    some = refs if isinstance(refs, list) else []
    return [each for each in dict.fromkeys(some) if isinstance(each, str) and each not in named]


def _by_our_names(tx: Tx, fresh: Found) -> list[About]:
    """What claims are about by the ids that we have: a partner may name ours by a derived one."""
    origins = {each.seq: each.origin for each in fresh.rows if each.origin != OURS}
    wanted: dict[str, list[str]] = {}
    for each in fresh.about:
        if each.seq in origins:
            wanted.setdefault(origins[each.seq], []).append(each.about)
    ours = {origin: aliases.derived(tx, origin, ids) for origin, ids in wanted.items()}
    named = (
        each._replace(about=ours.get(origins.get(each.seq, OURS), {}).get(each.about, each.about))
        for each in fresh.about
    )
    return list(dict.fromkeys(named))


def _no_claim(origin: str, version: Version, problem: str) -> Row:
    empty = None, None, None, None, None, None, None, None
    return Row(
        version.seq,
        origin,
        version.stix_id,
        claims.ASSERTED,
        None,
        "",
        *empty,
        own_judgement=False,
        problem=problem,
    )


def _row(origin: str, version: Version, claim: Claim) -> Row:
    quantity = claim.quantity
    from_at, until_at = claim.true_span
    upto = quantity.upto if quantity else None
    return Row(
        version.seq,
        origin,
        version.stix_id,
        claim.polarity,
        claim.denies_ref or None,
        claim.certainty,
        claim.said_at,
        from_at,
        until_at,
        claim.report_ref or None,
        float(quantity.number) if quantity else None,
        float(upto) if upto is not None else None,
        quantity.bound if quantity else None,
        quantity.unit if quantity else None,
        claim.own_judgement,
    )


def _members(origin: str, version: Version, doc: dict[str, Any]) -> list[Alike]:
    labels, refs = doc.get("labels"), doc.get("object_refs")
    if not (isinstance(labels, list) and PROPOSITION in labels and isinstance(refs, list)):
        return []
    notes = dict.fromkeys(
        each for each in refs if isinstance(each, str) and each.startswith("note--")
    )
    return [Alike(version.seq, each, origin, version.stix_id) for each in notes]


def _read_ties(tx: Tx, newest: list[tuple[str, Version]]) -> list[Said]:
    by_origin: dict[str, dict[str, int]] = {}
    for origin, each in newest:
        by_origin.setdefault(origin, {})[each.stix_id] = each.seq
    return [
        Said(numbers[each.via_id], origin, each.source_id, each.target_id, each.kind)
        for origin, numbers in by_origin.items()
        for each in ties.relations_via(tx, origin, numbers)
        if each.kind in TIES
        and each.source_id.startswith("report--")
        and each.target_id.startswith("report--")
    ]


def _touched(fresh: Found) -> set[str]:
    """The claims on which what came bears."""
    return (
        {each.stix_id for each in fresh.rows}
        | {each.denies for each in fresh.rows if each.denies}
        | {each.member for each in fresh.alike}
    )


def _tied(tx: Tx, said: Iterable[Said]) -> set[str]:
    """The claims in reports of which one is said to rest on the other."""
    ends = {end for each in said for end in (each.from_id, each.to_id)}
    return {each.stix_id for each in claims.of_reports(tx, ends)}
