"""What the signed text allows, worked out again from the words of the design.

A second reading, kept apart on purpose: the judge must not ask the code that it judges. It decides
everything held at once, in three passes: what each object fails by itself, what is about a topic
over what passes, and what becomes of objects that speak of others.
"""

import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any, NamedTuple

Doc = dict[str, Any]

LEVELS = ("TLP:CLEAR", "TLP:GREEN", "TLP:AMBER", "TLP:AMBER+STRICT", "TLP:RED")
_MARKINGS = {
    "marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487": 0,
    "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb": 1,
    "marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421": 2,
    "marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003": 3,
    "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1": 4,
}
_FORWARD = ["uses", "delivers", "drops", "downloads", "exploits", "targets", "controls", "hosts"]
_BACKWARD = ["indicates", "attributed-to", "variant-of"]
_PLACES = ["located-at", "originates-from"]
_CARRY = ["threat-actor", "intrusion-set", "campaign", "malware", "infrastructure"]
_NAMED = ["threat-actor", "intrusion-set", "campaign", "malware"]
_SPEAKS_OF = {
    "relationship": ("source_ref", "target_ref"),
    "sighting": ("sighting_of_ref",),
    "note": ("object_refs",),
}
_NOT_ITS_OWN = {"not-about", "end-stays", "end-waits"}
_FOR_A_PERSON = {"victim", "end-waits", "path-waits"}


class Object(NamedTuple):
    """One object that North holds: its exact bytes, and what North put beside them."""

    raw: bytes
    doc: Doc
    source: str
    mark: str | None
    grade: str | None

    @property
    def id(self) -> str:
        """Its STIX id."""
        return str(self.doc["id"])

    @property
    def type(self) -> str:
        """Its STIX type."""
        return str(self.doc["type"])


class Expected(NamedTuple):
    """What ought to become of one object: release, wait or withhold, and every reason."""

    outcome: str
    codes: frozenset[str]


class Move(NamedTuple):
    """One step by which *about* spreads: from an object, by a relationship, to another."""

    source: str
    via: str
    target: str


@dataclass
class World:
    """Everything North holds, under one clause of the signed text, at one moment.

    `held_back` is what North holds back, `approved` and `refused` what people said of what waits.
    """

    objects: Mapping[str, Object]
    terms: Doc
    clause: Doc
    now: datetime
    held_back: frozenset[str] = frozenset()
    approved: frozenset[str] = frozenset()
    refused: frozenset[str] = frozenset()
    _fates: dict[str, Expected] = field(default_factory=dict)

    @cached_property
    def outcomes(self) -> dict[str, Expected]:
        """What ought to become of every object."""
        return {each: self._outcome(each) for each in self.objects}

    @cached_property
    def about(self) -> dict[str, int]:
        """What is about a topic of the clause, and after how many steps."""
        return self._spread(self.passes)

    @cached_property
    def about_later(self) -> dict[str, int]:
        """What would be about a topic if people approved whatever waits for them."""
        return self._spread(lambda each: each in self.objects and self._own(each) <= _FOR_A_PERSON)

    def _spread(self, passes: Callable[[str], bool]) -> dict[str, int]:
        found = dict.fromkeys(self.starts, 0)
        for step in range(1, int(self.clause["reach"]) + 1):
            for move in self.moves:
                spreads = found.get(move.source) == step - 1 and passes(move.source)
                if spreads and _carries(move) and passes(move.via):
                    found.setdefault(move.target, step)
        return {each: steps for each, steps in found.items() if each in self.objects}

    @cached_property
    def starts(self) -> set[str]:
        """What is a topic of the clause itself: by name, label, ATT&CK id or STIX id."""
        names, labels, codes, ids = set(), set(), set(), set()
        for topic in self.terms["topic"]:
            if topic["id"] in self.clause["topics"]:
                names |= {_plain(each) for each in (*_of(topic, "names"), *_of(topic, "aliases"))}
                labels |= set(_of(topic, "labels"))
                codes |= set(_of(topic, "attack_ids"))
                ids |= set(_of(topic, "stix_ids"))
        return {
            each.id
            for each in self.objects.values()
            if each.id in ids
            or labels & set(_of(each.doc, "labels"))
            or codes & set(_codes(each.doc))
            or (each.type in _NAMED and names & set(_names(each.doc)))
        }

    @cached_property
    def moves(self) -> list[Move]:
        """Every step that a relationship that is held would let *about* take."""
        found = []
        for each in self.objects.values():
            if each.type == "relationship":
                ends = each.doc["source_ref"], each.doc["target_ref"]
                kind = each.doc["relationship_type"]
                place = kind in _PLACES and _type(ends[1]) == "location"
                if kind in _FORWARD or place:
                    found.append(Move(ends[0], each.id, ends[1]))
                elif kind in _BACKWARD:
                    found.append(Move(ends[1], each.id, ends[0]))
        return found

    @cached_property
    def victims(self) -> set[str]:
        """What names a victim: who is targeted, where something was seen, and what says so."""
        found: set[str] = set()
        for each in self.objects.values():
            doc = each.doc
            if doc.get("relationship_type") == "targets" and _type(doc["target_ref"]) == "identity":
                found |= {each.id, doc["target_ref"]}
            if doc.get("where_sighted_refs"):
                found |= {each.id, *doc["where_sighted_refs"]}
        return found

    def path_holds(self, path: Iterable[str], start: str) -> bool:
        """Whether a path from a topic can be walked over what passes, within the reach."""
        ids = list(path)
        steps = len(ids) // 2
        hops = [Move(*ids[2 * i : 2 * i + 3]) for i in range(steps)]
        known = set(self.moves) if hops else set()
        return (
            len(ids) % 2 == 1
            and steps <= int(self.clause["reach"])
            and ids[0] in self.starts
            and start.partition(":")[0] in {"name", "label", "attack", "stix"}
            and all(hop in known and self.passes(hop.source) for hop in hops)
            and all(self.passes(hop.via) for hop in hops)
            and all(map(_carries, hops))
        )

    def passes(self, stix_id: str) -> bool:
        """Whether an object would go if it only were about the topic."""
        return stix_id in self.objects and not self._own(stix_id)

    # ------------------------------------------------------------------------------- deciding

    def _outcome(self, stix_id: str) -> Expected:
        if stix_id not in self._fates:
            each = self.objects[stix_id]
            codes = set(self._own(stix_id))
            if each.type in _SPEAKS_OF:
                codes |= self._ends(each)
            elif stix_id not in self.about:
                codes.add("path-waits" if stix_id in self.about_later else "not-about")
            outcome = "wait" if codes <= _FOR_A_PERSON else "withhold"
            self._fates[stix_id] = Expected(outcome if codes else "release", frozenset(codes))
        return self._fates[stix_id]

    def _ends(self, each: Object) -> set[str]:
        """What the fate of the objects that one speaks of adds to its reasons."""
        named = [n for name in _SPEAKS_OF[each.type] for n in _as_list(each.doc.get(name))]
        fates = {self._outcome(n).outcome if n in self.objects else "withhold" for n in named}
        if "withhold" in fates or not named:
            return {"end-stays"}
        return {"end-waits"} if "wait" in fates else set()

    def _own(self, stix_id: str) -> frozenset[str]:
        """The limits that an object fails by itself."""
        return self._limits[stix_id]

    @cached_property
    def _limits(self) -> dict[str, frozenset[str]]:
        return {each.id: frozenset(self._failed(each)) for each in self.objects.values()}

    def _failed(self, each: Object) -> Iterator[str]:
        level = level_of(each)
        if each.type not in self.clause["types"]:
            yield "type-not-listed"
        if level is None:
            yield "unmarked"
        elif level > LEVELS.index(self.clause["marking_max"]):
            yield "marking-above"
        yield from self._grade(each.grade)
        if "valid_until" in each.doc and self.now >= moment(each.doc["valid_until"]):
            yield "expired"
        if self.now >= moment(each.doc["created"]) + timedelta(days=self.clause["max_age_days"]):
            yield "too-old"
        if each.id in self.victims and each.id not in self.approved:
            yield "victim" if "victim" in self.clause["review"]["when"] else "victim-unreviewed"
        if each.doc.get("revoked"):
            yield "revoked"
        if each.id in self.held_back:
            yield "held"
        if each.id in self.refused:
            yield "refused"

    def _grade(self, grade: str | None) -> Iterator[str]:
        floor = self.clause["grading_min"]
        if floor != "*" and grade is None:
            yield "ungraded"
        elif floor != "*" and grade and (grade[0] > floor[0] or grade[1] > floor[1]):
            yield "grade-below"


def called(objects: Mapping[str, Object], name: str) -> frozenset[str]:
    """What has a name: a hold of the topic stops it, be it a threat or something else."""
    plain = _plain(name)
    return frozenset(
        each.id
        for each in objects.values()
        if plain in (_names(each.doc) if each.type in _NAMED else [_plain(_called(each))])
    )


def _called(each: Object) -> str:
    """The name of what is no threat and has one; of an indicator it counts for nothing."""
    return str(each.doc.get("name", "")) if each.type != "indicator" else ""


def level_of(each: Object) -> int | None:
    """The strictest of what its bytes say and what North put beside them; None if neither does."""
    said = [_MARKINGS[ref] for ref in _of(each.doc, "object_marking_refs")]
    if each.mark:
        said.append(LEVELS.index(each.mark))
    return max(said, default=None)


def moment(text: str) -> datetime:
    """The moment in a STIX timestamp."""
    return datetime.fromisoformat(text).astimezone(UTC)


def _carries(move: Move) -> bool:
    """Whether *about* goes on from where a step begins; an identity leads to where it is alone."""
    ends = _type(move.source), _type(move.target)
    return ends[0] in _CARRY or ends == ("identity", "location")


def _plain(name: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())


def _names(doc: Doc) -> Iterator[str]:
    yield from (_plain(each) for each in (doc.get("name", ""), *_of(doc, "aliases")))


def _codes(doc: Doc) -> Iterator[str]:
    for each in _of(doc, "external_references"):
        if str(each.get("source_name", "")).startswith("mitre-") and "external_id" in each:
            yield each["external_id"]


def _type(stix_id: str) -> str:
    return stix_id.partition("--")[0]


def _of(doc: Doc, name: str) -> list[Any]:
    return _as_list(doc.get(name))


def _as_list(value: Any) -> list[Any]:  # noqa: ANN401  # any JSON value
    if value is None:
        return []
    return value if isinstance(value, list) else [value]
