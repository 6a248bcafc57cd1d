"""The policy once more, by other code than the one that decides: from documents and clauses alone.

What is served must be valid STIX, name nothing that is not served, and be inside every limit of
its clause. Whether more could go is not asked here: that a rebuild gives the same is asked in
`verify`.
"""

import json
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any, NamedTuple, TypeAlias

from soak import limits
from soak.course import AGREEMENT
from soak.world import DAY
from tearline.agreement.document import Clause, Topic
from tearline.agreement.force import InForce, in_force
from tearline.agreement.home import Home
from tearline.stix import marking
from tearline.stix.check import Checker
from tearline.stix.objects import references
from tearline.stix.timestamp import parse_timestamp
from tearline.store import annotations, objects, releases
from tearline.store.database import Tx
from tearline.store.objects import OURS
from tearline.store.releases import Standing

Doc = dict[str, Any]
Docs = Mapping[str, Doc]


class _Seen(NamedTuple):
    """What the policy is checked from: the documents held, what is said beside them, the holds."""

    docs: Docs
    sources: Mapping[str, str]
    beside: Mapping[str, tuple[int | None, int | None]]
    holds: set[tuple[str, str]]
    tied: limits.Ties
    slips: Mapping[int, dict[str, Any]]
    signed: Mapping[str, tuple[str, str]]


def served(home: Home, *, now: int) -> list[str]:
    """What is served holds together, is valid STIX, and is inside every limit of its clause."""
    with home.store.read() as tx:
        force = in_force(tx, AGREEMENT, now=now)
        rows = releases.page(tx, AGREEMENT, after=0, now=now, limit=10**7)
        stood = {
            each.delivered_id: each
            for each in releases.standing_all(tx, AGREEMENT).values()
            if each.live
        }
        seen = _seen(tx)
    if force is None or not force.serving:
        return ["something is live though nothing may be served"] if rows or stood else []
    out = {row.delivered_id: json.loads(row.raw) for row in rows}
    problems, checker = [], Checker()
    near = {each.id: _distances(force, each, seen.docs) for each in force.terms.clause}
    clauses = {each.id: each for each in force.terms.clauses_from(force.our_slot)}
    for delivered_id, doc in out.items():
        problems += [f"{delivered_id}: {each}" for each in checker.problems(doc)]
        missing = {target for _, target in references(doc)} - out.keys()
        problems += [f"{delivered_id} names {each}, which is not served" for each in missing]
        standing = stood.get(delivered_id)
        if standing is None or standing.clause not in clauses:
            problems.append(f"{delivered_id} is served without a decision")
            continue
        clause = clauses[standing.clause]
        found = list(_against(clause, standing.stix_id, doc, seen, near[clause.id], now))
        found += _for_people(clause, standing, doc, seen)
        problems += [f"{delivered_id} ({standing.stix_id}) is served, but {each}" for each in found]
    keep = force.terms.retention.keep_days
    return problems + (limits.kept_too_long(home, keep * DAY, now=now) if keep else [])


def _for_people(clause: Clause, standing: Standing, doc: Doc, seen: _Seen) -> list[str]:
    """What only people may let go, and did not."""
    original = seen.docs[standing.stix_id]
    found = None if original.get("revoked") else limits.category(doc, original, seen.tied)
    if found is None:
        return []
    return list(limits.unapproved(clause, found, seen.slips[standing.position], seen.signed))


def _seen(tx: Tx) -> _Seen:
    versions = {each.stix_id: each for each in objects.latest_all(tx, OURS)}
    raws = objects.raw_of(tx, [each.seq for each in versions.values()])
    docs = {each: json.loads(raws[version.seq]) for each, version in versions.items()}
    return _Seen(
        docs=docs,
        sources={each: version.source for each, version in versions.items()},
        beside=annotations.annotations(tx, versions),
        holds=set(annotations.holds(tx)),
        tied=limits.ties(docs),
        slips=limits.last_slips(tx),
        signed=limits.approvals(tx),
    )


_FAR = 99
_Near: TypeAlias = Mapping[str, int]
_FREE = frozenset({"relationship", "sighting", "note", "opinion", "language-content"})
"""These go where what they speak of goes."""


def _against(
    clause: Clause,
    stix_id: str,
    doc: dict[str, Any],
    seen: _Seen,
    near: _Near,
    now: int,
) -> Iterator[str]:
    """What of a clause speaks against serving `doc`, which stands for our object `stix_id`."""
    original = seen.docs[stix_id]
    if original.get("revoked"):
        if doc.keys() & {"description", "labels", "external_references"}:
            yield "revoked and not bare"
        return
    if clause.types != "*" and original["type"] not in (clause.types or ()):
        yield f"type {original['type']} is not in {clause.id}"
    if original["type"] not in _FREE and near.get(stix_id, _FAR) > (clause.reach or 0):
        yield f"not about the topic of {clause.id}"
    if any(fnmatchcase(name, pattern) for name in doc for pattern in clause.remove):
        yield "not cut"
    if _too_old(clause, original, now):
        yield "too old"
    if ("object", stix_id) in seen.holds or ("source", seen.sources[stix_id]) in seen.holds:
        yield "held"
    topics = {_plain(value) for kind, value in seen.holds if kind == "topic"}
    if original["type"] in _NAMED and _plain(original.get("name", "")) in topics:
        yield "its topic is held"
    yield from limits.against(clause, original, doc, seen.tied, seen.sources[stix_id], now)
    yield from _against_marks(clause, original, *seen.beside.get(stix_id, (None, None)))


def _too_old(clause: Clause, original: dict[str, Any], now: int) -> bool:
    if not isinstance(clause.max_age_days, int) or "created" not in original:
        return False
    return parse_timestamp(original["created"]) + clause.max_age_days * DAY <= now


def _against_marks(
    clause: Clause, original: dict[str, Any], level: int | None, grade: int | None
) -> Iterator[str]:
    """What the markings say, those in the bytes and the one beside them, and the grade."""
    ceiling = marking.parse_level(clause.marking_max or "TLP:CLEAR")
    above = [marking.marking_ref(each) for each in range(ceiling + 1, marking.RED + 1)]
    written = json.dumps(original)
    if any(f'"{each}"' in written for each in above):
        yield "marked above the ceiling"
    if level is not None and level > ceiling:
        yield "marked by us above the ceiling"
    if level is None and "marking-definition--" not in written:
        yield "unmarked"
    if clause.grading_min not in {None, "*"}:
        floor = marking.parse_grade(str(clause.grading_min))
        if grade is None or grade // 10 > floor // 10 or grade % 10 > floor % 10:
            yield "below the floor"


_ALONG = ("uses", "delivers", "drops", "downloads", "exploits", "targets", "controls", "hosts")
_AGAINST = ("indicates", "attributed-to", "variant-of")
_CARRY = ("threat-actor", "intrusion-set", "campaign", "malware", "infrastructure")
_NAMED = ("threat-actor", "intrusion-set", "campaign", "malware")


def _distances(force: InForce, clause: Clause, docs: Docs) -> dict[str, int]:
    """The steps from a clause's topics to whatever they reach, whether or not it may go.

    Of a relation between two: the longer of the two ways, but for the two themselves.
    """
    found: dict[str, int] = {}
    for each in clause.topics or ():
        topic = force.terms.topic_of(each)
        if not topic.between:
            near = _around(clause, topic, docs)
        else:
            one, other = (_around(clause, force.terms.topic_of(end), docs) for end in topic.between)
            near = {its: max(one[its], other[its]) for its in one.keys() & other.keys()}
            near |= {its: 0 for its, steps in (one | other).items() if not steps}
            near |= {its: 0 for its, steps in one.items() if not steps}
        for its, steps in near.items():
            found[its] = min(steps, found.get(its, steps))
    return found


def _around(clause: Clause, topic: Topic, docs: Docs) -> dict[str, int]:
    names = {_plain(name) for name in (*topic.names, *topic.aliases)}
    found = {
        stix_id: 0
        for stix_id, doc in docs.items()
        if set(topic.labels) & set(doc.get("labels", ()))
        or (doc["type"] in _NAMED and _plain(doc["name"]) in names)
    }
    starts = set(found)
    for steps in range(1, (clause.reach or 0) + 1):
        for doc in docs.values():
            for from_id, to_id in _moves(doc, starts, members=clause.members):
                if found.get(from_id, _FAR) < steps:
                    found.setdefault(to_id, steps)
    return found


def _plain(name: str) -> str:
    return " ".join(name.casefold().split())


def _moves(doc: dict[str, Any], starts: set[str], *, members: bool) -> Iterator[tuple[str, str]]:
    if doc["type"] == "relationship":
        kind, ends = doc["relationship_type"], (doc["source_ref"], doc["target_ref"])
        if kind in _AGAINST:
            ends = ends[::-1]
        if (kind in _ALONG or kind in _AGAINST) and ends[0].startswith(_CARRY):
            yield ends
        if kind == "located-at" and ends[1].startswith("location--"):
            yield ends
    elif members and doc["type"] in {"report", "grouping"}:
        for one in starts & {doc["id"], *doc["object_refs"]}:
            yield from ((one, each) for each in {doc["id"], *doc["object_refs"]})
