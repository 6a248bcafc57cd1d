"""Bring in a claim by hand: its note, the sources that are new, and the opinion of a denial."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from tearline import clock
from tearline.agreement.home import Home
from tearline.errors import InputError, RefusedError
from tearline.provenance.claims import (
    Claim,
    Wording,
    disagreement,
    note_of,
    read_claim,
    twice_in,
)
from tearline.release import listing
from tearline.release.arrive import NOTHING, Annotation
from tearline.stix.check import Checker
from tearline.stix.strict import shown
from tearline.stix.timestamp import format_timestamp
from tearline.store.database import Tx
from tearline.store.objects import OURS
from tearline.weighing.held import Held, held
from tearline.weighing.sources import called
from tearline.weighing.writing import next_at, put

BY_HAND = "by hand"
"""The source of what is brought in so, unless another is named."""
_WORDS = frozenset({"id", "abstract", "content", "lang", "about", "created_by_ref"})
_STEPS = 50


class Told(NamedTuple):
    """What became of a claim: its id, whether anything is new, and the sources made for it."""

    id: str
    new: bool
    made: tuple[str, ...]
    opinion: str | None


def tell(
    home: Home,
    given: Mapping[str, Any],
    *,
    source: str = BY_HAND,
    annotation: Annotation = NOTHING,
    now: int,
) -> Told:
    """Keep a claim, as of now; with the `id` of one of ours, as a newer version of it.

    `given` has the properties of the extension, and beside them `abstract` and, where they differ,
    `content`, with `lang` and `about`. A link names its source by `identity_ref` or by `name`: one
    that we hold of that name, else a new one; an unnamed one is always new. InputError for what is
    no claim; RefusedError where it refers to what is not held, or one name stands for several.
    """
    _see_keys(given)
    listing.sort_in(home, steps=_STEPS)
    with home.store.write() as tx:
        made: dict[str, dict[str, Any]] = {}
        claim = read_claim(_with_sources(tx, given, made, now))
        _see_loop(claim)
        before = _before(tx, given.get("id"), now)
        _see_held(tx, claim, _about(given), made, now)
        note = _note(claim, given, before, now)
        opinion = _opinion(tx, claim, note, before, now)
        docs = [*made.values(), note, *([opinion] if opinion else [])]
        if before is not None and _same(before.doc, note):
            return Told(note["id"], False, (), opinion["id"] if opinion else None)  # noqa: FBT003
        _see_valid(docs)
        put(tx, docs, source=source, annotation=annotation, now=now)
    return Told(note["id"], True, tuple(made), opinion["id"] if opinion else None)  # noqa: FBT003


def _see_keys(given: Mapping[str, Any]) -> None:
    known = {*_WORDS, *Claim.__struct_fields__}
    odd = next((each for each in given if each not in known), None)
    if odd is not None:
        raise InputError(
            f"{shown(odd)} is nothing that a claim has.",
            place=odd,
            do=f"It has: {', '.join(sorted(known))}.",
        )
    for name in ("abstract", "content", "lang", "created_by_ref", "id"):
        if not isinstance(given.get(name, ""), str):
            raise InputError(f"{name} is no text.", place=name, do="Write a text.")
    if not given.get("abstract"):
        raise InputError(
            "The claim says nothing.", place="abstract", do="Give its wording as abstract."
        )


def _about(given: Mapping[str, Any]) -> tuple[str, ...]:
    about = given.get("about", [])
    if not (isinstance(about, list) and all(isinstance(each, str) for each in about)):
        raise InputError("about is no list of ids.", place="about", do="List the ids of objects.")
    return tuple(about)


def _with_sources(
    tx: Tx, given: Mapping[str, Any], made: dict[str, dict[str, Any]], now: int
) -> dict[str, Any]:
    """The extension, with an id in the place of each name of a source."""
    found = {name: each for name, each in given.items() if name not in _WORDS}
    chain = found.get("source_chain")
    if isinstance(chain, list):
        found["source_chain"] = [_link(tx, each, made, now) for each in chain]
    return found


def _link(tx: Tx, link: object, made: dict[str, dict[str, Any]], now: int) -> object:
    if not isinstance(link, dict) or "name" not in link:
        return link
    rest = {name: each for name, each in link.items() if name != "name"}
    if not isinstance(link["name"], str) or not link["name"].strip() or "identity_ref" in link:
        raise InputError(
            "A link has no name that is a text, or a name and an id.",
            place="source_chain",
            do="Name its source by identity_ref or by name.",
        )
    name = link["name"].strip()
    known = [] if link.get("unnamed") else _called(tx, name, made)
    if len(known) > 1:
        raise RefusedError(
            f"{len(known)} sources are called {shown(name)}.",
            do=f"Give one of them as identity_ref: {', '.join(known)}.",
        )
    if known:
        return {**rest, "identity_ref": known[0]}
    stamp = format_timestamp(now)
    doc = {
        "type": "identity",
        "spec_version": "2.1",
        "id": f"identity--{clock.fresh_uuid()}",
        "created": stamp,
        "modified": stamp,
        "name": name,
        "identity_class": "unspecified",
    }
    made[doc["id"]] = doc
    return {**rest, "identity_ref": doc["id"]}


def _called(tx: Tx, name: str, made: Mapping[str, dict[str, Any]]) -> list[str]:
    """The identities of just this name, made a moment ago or held."""
    fresh = [each for each, doc in made.items() if doc["name"] == name]
    return fresh or called(tx, name)


def _see_loop(claim: Claim) -> None:
    twice = twice_in(claim.source_chain)
    if twice:
        raise InputError(
            f"{twice[0]} stands in the chain twice.",
            place="source_chain",
            means="A chain that comes back to itself has no origin and would count for nothing.",
            do="Leave one of the two out.",
        )


def _before(tx: Tx, note_id: str | None, now: int) -> Held | None:
    if note_id is None:
        return None
    found = held(tx, [note_id], now=now).get(note_id)
    if found is None or found.origin != OURS or found.version.type != "note":
        raise RefusedError(
            f"We hold no note {note_id} of ours.", do="Leave the id out to add a new claim."
        )
    return found


def _see_held(
    tx: Tx, claim: Claim, about: Iterable[str], made: Mapping[str, object], now: int
) -> None:
    named = [("denies_ref", claim.denies_ref), ("report_ref", claim.report_ref)]
    for place, each in enumerate(claim.source_chain):
        named.append((f"source_chain[{place}].identity_ref", each.identity_ref))
        named.append((f"source_chain[{place}].report_ref", each.report_ref))
    named += [("about", each) for each in about]
    found = held(tx, {each for _, each in named if each and each not in made}, now=now)
    for where, wanted in named:
        if wanted and wanted not in made and wanted not in found:
            raise InputError(
                f"We do not hold {shown(wanted)}.",
                place=where,
                do="Import it first, or name as missing what is cited and not held.",
            )
    if claim.denies_ref and found[claim.denies_ref].claim is None:
        raise InputError(
            f"{claim.denies_ref} is no claim.", place="denies_ref", do="Name the note of a claim."
        )


def _note(claim: Claim, given: Mapping[str, Any], before: Held | None, now: int) -> dict[str, Any]:
    abstract = given["abstract"]
    wording = Wording(abstract, given.get("content") or abstract, _about(given), given.get("lang"))
    note_id = before.stix_id if before else f"note--{clock.fresh_uuid()}"
    note = note_of(claim, wording, note_id=note_id, created_by=given.get("created_by_ref"), at=now)
    if before is None:
        return note
    kept = {name: each for name, each in before.doc.items() if name in _KEPT}
    stamps = {"created": before.doc["created"], "modified": format_timestamp(next_at(before, now))}
    return {**kept, **note, **stamps}


_KEPT = frozenset({"created_by_ref", "object_marking_refs", "granular_markings", "labels"})


def _same(before: Mapping[str, Any], note: Mapping[str, Any]) -> bool:
    rest = [{n: v for n, v in doc.items() if n != "modified"} for doc in (before, note)]
    return rest[0] == rest[1]


def _opinion(
    tx: Tx, claim: Claim, note: Mapping[str, Any], before: Held | None, now: int
) -> dict[str, Any] | None:
    """The opinion beside a denial: of the same UUID, so that a newer version finds it again."""
    opinion_id = "opinion--" + note["id"].partition("--")[2]
    old = held(tx, [opinion_id], now=now).get(opinion_id) if before else None
    at = next_at(old, now)
    if claim.denied:
        opinion = disagreement(note, claim.denies_ref, opinion_id=opinion_id, at=at)
        return {**opinion, "created": old.doc["created"]} if old else opinion
    if old is not None and not old.version.revoked:
        return {**old.doc, "modified": format_timestamp(at), "revoked": True}
    return None


def _see_valid(docs: Iterable[dict[str, Any]]) -> None:
    checker = Checker()
    for doc in docs:
        problem = next(iter(checker.problems(doc)), None)
        if problem is not None:
            raise InputError(f"This would be no valid STIX: {problem}", do="Correct the claim.")
