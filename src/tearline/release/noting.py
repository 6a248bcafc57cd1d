"""What the private log says of decisions, with the facts from which they can be taken again.

A decision that stands is noted for its agreement. What concerns an agreement not at all is noted
once for all of them: its facts, and under which *scopes* it was decided. The agreements of a scope
are listed in a record of its own, once for each list, by whose hash decisions name it.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from tearline.agreement.document import Category
from tearline.agreement.home import Home
from tearline.release.concern import Decided, anything, rules_under, scope_of, unconcerned
from tearline.release.decide import Decision, decide
from tearline.release.facts import Known, gather
from tearline.release.rules import FOREVER, Facts, Rules
from tearline.stix import canonical, handling
from tearline.stix.strict import collector_paused
from tearline.store import agreements, objects, private, releases, stirred
from tearline.store.database import Tx, in_chunks
from tearline.store.objects import OURS
from tearline.store.stirred import Seen

_AT_ONCE = 5_000


class Scope(NamedTuple):
    """Agreements whose rules are equal but for their topics, by the hashes of their versions.

    `places` has where in the list an agreement stands, by its id; `hash` names the list.
    """

    rules: Rules
    hashes: tuple[str, ...]
    places: Mapping[str, int]
    hash: str


def lines(agreement: str, noted: Iterable[Decided]) -> list[str]:
    """Return the records of decisions that stand, or stood, under one agreement."""
    return [
        _line(
            {
                "kind": "decision",
                "agreement": agreement,
                "object": each.facts.id,
                "outcome": each.decision.outcome,
                **_answer(each.decision),
                "facts": _exact(each.facts),
            }
        )
        for each in noted
    ]


def settle(home: Home, *, idle: Mapping[str, str], upto: int, now: int) -> None:
    """Note and forget what every agreement has decided, where there is anything.

    `idle` has the agreements, with the version decided under, that nothing stirred up to the
    number `upto` concerns: they need not have written anything.
    """
    with home.store.read() as tx:
        seen = stirred.seen_by(tx)
        if not seen.whole and stirred.last(tx) == seen.everybody:
            return
    with collector_paused(), home.store.write() as tx:
        settle_in(Known(tx, OURS), idle=idle, upto=upto, now=now)


def settle_in(known: Known, *, idle: Mapping[str, str], upto: int, now: int) -> None:
    """Do what `settle` does inside a transaction of the caller."""
    tx = known.tx
    seen = stirred.seen_by(tx)
    bound = {each.agreement_id: each.hash for each in releases.heads(tx) if each.hash}
    reached = _reached(tx, seen, bound, idle, upto)
    whole = {each for each in seen.whole & bound.keys() if seen.by(each) <= reached}
    if reached == seen.everybody and not whole:
        return
    ids = {stix_id for seq, stix_id in stirred.since(tx, seen.everybody) if seq <= reached}
    steady = [each for each in bound if each not in seen.whole or each in whole]
    _note_unconcerned(known, ids, scopes(tx, bound, steady), now)
    if whole:
        held = (each.stix_id for each in objects.latest_all(tx, OURS))
        rest = [each for each in held if each not in ids]
        _note_unconcerned(known, rest, scopes(tx, bound, whole), now)
    stirred.prune(tx, reached)


def _reached(
    tx: Tx, seen: Seen, bound: Mapping[str, str], idle: Mapping[str, str], upto: int
) -> int:
    """The number up to which every agreement that decides has come."""
    places = [
        max(seen.by(each), upto if idle.get(each) == version else 0)
        for each, version in bound.items()
    ]
    return min(places, default=stirred.last(tx))


def scopes(tx: Tx, bound: Mapping[str, str], wanted: Collection[str]) -> list[Scope]:
    """Group agreements by what they share; left out are those that everything concerns."""
    found: dict[Rules, list[tuple[str, str]]] = {}
    terms = agreements.terms_of(tx, [bound[each] for each in wanted])
    for each in wanted:
        if bound[each] in terms:
            rules = rules_under(*terms[bound[each]])
            if not anything(rules):
                found.setdefault(scope_of(rules), []).append((bound[each], each))
    return [_scope(rules, sorted(its)) for rules, its in found.items()]


def _scope(rules: Rules, its: Sequence[tuple[str, str]]) -> Scope:
    hashes = tuple(each for each, _ in its)
    name = canonical.sha256(canonical.canonical(hashes))
    return Scope(rules, hashes, {each: place for place, (_, each) in enumerate(its)}, name)


def _note_unconcerned(known: Known, ids: Collection[str], under: Sequence[Scope], now: int) -> None:
    """Queue one record for each object that does not concern all of the agreements.

    Where agreements add to the categories, what is found differs: those have records of their own.
    """
    if not ids or not under:
        return
    tx = known.tx
    fresh = stirred.list_scopes(tx, [each.hash for each in under])
    listed = [
        _line({"kind": "scope", "scope": each.hash, "agreements": each.hashes})
        for each in under
        if each.hash in fresh
    ]
    private.add(tx, "scope", listed)
    alike: dict[tuple[Category, ...], list[Scope]] = {}
    for each in under:
        alike.setdefault(each.rules.added, []).append(each)
    for some in in_chunks(sorted(ids), _AT_ONCE):
        concerned = _concerned(tx, some)
        for added, its in alike.items():
            found = gather(known, some, now, delivered={}, added=added)
            facts = [unconcerned(each) for _, each in sorted(found.items())]
            records = (_record(each, its, concerned.get(each.id, frozenset())) for each in facts)
            private.add(tx, "decision", [_line(each) for each in records if each])


def _concerned(tx: Tx, ids: Iterable[str]) -> dict[str, set[str]]:
    """For each object, the agreements that it concerns."""
    found: dict[str, set[str]] = {}
    for agreement_id, decided in releases.standing_on(tx, ids).items():
        for stix_id in decided:
            found.setdefault(stix_id, set()).add(agreement_id)
    return found


def _record(
    facts: Facts, under: Sequence[Scope], concerned: Collection[str]
) -> dict[str, Any] | None:
    answers = list(_answers(facts, under, concerned))
    if not answers:
        return None
    return {
        "kind": "decision",
        "object": facts.id,
        "outcome": "withhold",
        "scopes": answers,
        "facts": _exact(facts),
    }


def _answers(
    facts: Facts, under: Sequence[Scope], concerned: Collection[str]
) -> Iterator[dict[str, Any]]:
    """What each scope says; `but` are the places in its list of the agreements concerned."""
    for each in under:
        but = sorted(each.places[one] for one in concerned if one in each.places)
        if len(but) < len(each.hashes):
            yield {"scope": each.hash, "but": but, **_answer(decide(each.rules, facts))}


def _answer(decision: Decision) -> dict[str, Any]:
    return {
        "clause": decision.clause,
        "reasons": decision.reasons,
        "until": str(decision.until_at),
    }


_NO_END = str(FOREVER)


class _Exact(msgspec.Struct, gc=False, omit_defaults=True):
    """Facts with moments as text: canonical JSON keeps whole numbers only up to 2^53."""

    id: str
    version_at: str
    type: str
    created_at: str
    marking: int
    grade: int
    now: str
    revoked: bool
    delivered: str
    held: bool
    source_agreement: str
    found: int
    ends: int
    about: dict[str, tuple[str, ...]]
    about_waiting: dict[str, tuple[str, ...]]
    approvals: dict[str, int]
    uncuttable: bool
    refused: bool = False
    asked_at: str = "0"
    confidence: int = -1
    pap: int = handling.NO_PAP
    statements: tuple[str, ...] = ()
    iep: tuple[str, ...] = ()
    never: tuple[str, ...] = ()
    countries: dict[str, tuple[str, ...]] = {}
    places: tuple[str, ...] = ()
    spent: bool = False
    source: dict[str, Any] | None = None
    valid_until: str = _NO_END


_SOURCE = Facts.__struct_fields__.index("source")
_ASKED_AT = Facts.__struct_fields__.index("asked_at")


def _exact(facts: Facts) -> _Exact:
    found: list[Any] = list(msgspec.structs.astuple(facts))
    found[_ASKED_AT] = str(facts.asked_at)
    found[_SOURCE] = facts.source and {
        **msgspec.to_builtins(facts.source),
        "until_at": str(facts.source.until_at),
    }
    found[-1] = _NO_END if facts.valid_until == FOREVER else str(facts.valid_until)
    id_, version_at, type_, created_at, marking, grade, now, *rest = found
    return _Exact(id_, str(version_at), type_, str(created_at), marking, grade, str(now), *rest)


def _line(record: dict[str, Any]) -> str:
    return msgspec.json.encode(record).decode()
