"""The agreement as frozen values: what may stand in it, and what its lines must have in common.

A closed vocabulary: a key that is not here is refused, never ignored, because two parties that
sign the same bytes must read the same rule in them. `terms` reads and writes these values.
"""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Literal, get_args

from msgspec import Meta, Struct, field

SCHEMA = "tearline-agreement/1"

Hash = Annotated[str, Meta(pattern=r"\Asha256:[0-9a-f]{64}\Z")]
Id = Annotated[
    str,
    Meta(pattern=r"\Aurn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\Z"),
]
Label = Annotated[str, Meta(pattern=r"\A[A-Za-z][A-Za-z0-9-]{0,30}\Z")]
Slot = Annotated[str, Meta(pattern=r"\A[a-z][a-z0-9-]{0,30}\Z")]
Slug = Annotated[str, Meta(pattern=r"\A[a-z0-9][a-z0-9-]{0,62}\Z")]
Line = Annotated[str, Meta(min_length=1, max_length=500)]
Text = Annotated[str, Meta(min_length=1, max_length=10_000)]
Vkey = Annotated[str, Meta(min_length=1, max_length=300)]
Type = Annotated[str, Meta(pattern=r"\A[a-z][a-z0-9-]{2,249}\Z")]
Property = Annotated[str, Meta(pattern=r"\A[a-z_][a-z0-9_]{0,249}\*?\Z")]
Words = Annotated[tuple[Line, ...], Meta(max_length=1000)]
# Logged decisions count on this order: a new category comes last.
CategoryId = Literal[
    "victim", "personal-data", "source", "live-operation", "precise-location", "harm"
]
CATEGORIES: tuple[CategoryId, ...] = get_args(CategoryId)
Replaced = Annotated[str, Meta(pattern=r"\A[a-z][a-z0-9-]{2,249}\.[a-z_][a-z0-9_]{0,249}\Z")]

_US_PER_S = 1_000_000
_DAY = timedelta(days=1)


class Review(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Who looked at the agreement before it was signed, for law or for harm, and when."""

    who: Line
    what: Literal["law", "harm"]
    on: Annotated[str, Meta(pattern=r"\A\d{4}-\d{2}-\d{2}\Z")]


class Party(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """One of the two sides: its names, and the public keys that bind it.

    `key` signs the agreement and statements, `log` signs the checkpoints of its logs; both are
    verifier keys in the form of C2SP signed-note. Only the receiver of a one-sided agreement has
    neither.
    """

    name: Line
    slug: Slug
    key: Vkey | None = None
    log: Vkey | None = None
    country: Annotated[str, Meta(pattern=r"\A[A-Z]{2}\Z")] | None = None
    approver: Annotated[tuple[Line, ...], Meta(max_length=20)] = ()
    reviewed: Annotated[tuple[Review, ...], Meta(max_length=20)] = ()


class Valid(Struct, frozen=True, forbid_unknown_fields=True):
    """The span in which it can be in force: `from_` <= moment < `until`.

    Dates or RFC 3339 moments in UTC; a bare `until` date counts to its end.
    """

    from_: Annotated[str, Meta(max_length=40)] = field(name="from")
    until: Annotated[str, Meta(max_length=40)]

    @property
    def from_at(self) -> int:
        """The first moment in force, in microseconds."""
        return moment(self.from_)

    @property
    def until_at(self) -> int:
        """The first moment no longer in force, in microseconds."""
        return moment(self.until, end=True)


class Purpose(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Why the parties share, in words, and what the material must never be used for."""

    text: Text
    never: Annotated[tuple[Line, ...], Meta(max_length=100)] = ()


class Topic(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """A named threat that the agreement is limited to, by every name both sides signed."""

    id: Label
    names: Words = ()
    aliases: Words = ()
    stix_ids: Words = ()
    attack_ids: Words = ()
    labels: Words = ()


class Category(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """What else is of a category: whatever is of one of the types, or has one of the rest."""

    id: CategoryId
    types: Annotated[tuple[Type, ...], Meta(max_length=200)] = ()
    properties: Annotated[tuple[Property, ...], Meta(max_length=200)] = ()
    labels: Words = ()


class Coarse(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """How exact dates and places may still be when an object goes; None leaves them as they are."""

    dates: Literal["day", "month"] | None = None
    places: Literal["country", "region"] | None = None


class Waiting(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What waits for people, for how many of them, how long, and what silence means."""

    when: Annotated[tuple[CategoryId, ...], Meta(min_length=1, max_length=6)]
    approvals: Literal[1, 2]
    within_hours: Annotated[int, Meta(ge=1, le=8760)]
    silence: Literal["withhold"]


class Clause(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """One release rule: every line is a limit, and a limit left out releases nothing."""

    id: Label
    from_: Slot = field(name="from")
    to: Slot
    types: Annotated[tuple[Type, ...], Meta(min_length=1, max_length=200)] | Literal["*"] | None = (
        None
    )
    topics: (
        Annotated[tuple[Label, ...], Meta(min_length=1, max_length=200)] | Literal["*"] | None
    ) = None
    reach: Literal[0, 1, 2] | None = None
    members: bool = False
    marking_max: (
        Literal["TLP:CLEAR", "TLP:GREEN", "TLP:AMBER", "TLP:AMBER+STRICT", "TLP:RED"] | None
    ) = None
    grading_min: Annotated[str, Meta(pattern=r"\A([A-F][1-6]|\*)\Z")] | None = None
    max_age_days: Annotated[int, Meta(ge=1, le=36_500)] | Literal["*"] | None = None
    remove: Annotated[tuple[Property, ...], Meta(max_length=200)] = ()
    pseudonymise: Annotated[tuple[Replaced, ...], Meta(max_length=200)] = ()
    coarsen: Coarse = Coarse()
    review: Waiting | None = None

    @property
    def left_out(self) -> tuple[str, ...]:
        """The limits that are not there, so that this clause releases nothing."""
        limits = ("types", "topics", "reach", "marking_max", "grading_min", "max_age_days")
        return tuple(limit for limit in limits if getattr(self, limit) is None)


class Onward(Struct, frozen=True, forbid_unknown_fields=True):
    """Whether the receiver may pass it on. Not yet: version 1 knows only no."""

    allowed: Literal[False] = False


class Retention(Struct, frozen=True, forbid_unknown_fields=True):
    """What becomes of what was given when the agreement ends."""

    after_end: Literal["recall", "keep"] = "recall"


class Terms(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """One version of an agreement between exactly two parties.

    Made by `terms.parse_toml` or `terms.parse_json`, which also check what no single line shows.
    """

    schema: Annotated[str, Meta(pattern=r"\Atearline-agreement/1\Z")]
    id: Id
    version: Annotated[int, Meta(ge=1, le=1_000_000)]
    title: Line
    valid: Valid
    party: Annotated[dict[Slot, Party], Meta(min_length=2, max_length=2)]
    replaces: Hash | None = None
    prose: Hash | None = None
    one_sided: bool = False
    paper: Hash | None = None
    purpose: Purpose | None = None
    topic: Annotated[tuple[Topic, ...], Meta(max_length=200)] = ()
    category: Annotated[tuple[Category, ...], Meta(max_length=6)] = ()
    clause: Annotated[tuple[Clause, ...], Meta(max_length=200)] = ()
    onward: Onward = Onward()
    retention: Retention = Retention()

    def clauses_from(self, slot: str) -> tuple[Clause, ...]:
        """The clauses under which the party in `slot` gives, in their order."""
        return tuple(clause for clause in self.clause if clause.from_ == slot)

    def topic_of(self, topic_id: str) -> Topic:
        """The topic with this id; KeyError when there is none."""
        for topic in self.topic:
            if topic.id == topic_id:
                return topic
        raise KeyError(topic_id)

    def other(self, slot: str) -> str:
        """The slot of the other party; KeyError when `slot` is none of the two."""
        first, second = self.party
        return {first: second, second: first}[slot]

    def slot_of(self, slug: str) -> str | None:
        """The slot of the party with this slug, if it is one of the two."""
        return next((slot for slot, party in self.party.items() if party.slug == slug), None)


def moment(text: str, *, end: bool = False) -> int:
    """Return the moment of a date or RFC 3339 text with `Z`; ValueError for anything else.

    With `end`, a bare date stands for the first moment after it.
    """
    if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
        at = datetime.combine(date.fromisoformat(text), datetime.min.time(), UTC)
        return _microseconds(at + _DAY if end else at)
    if re.fullmatch(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,6})?Z", text):
        return _microseconds(datetime.fromisoformat(text))
    raise ValueError(text)


def _microseconds(at: datetime) -> int:
    since = at - datetime.fromtimestamp(0, UTC)
    return (since.days * 86_400 + since.seconds) * _US_PER_S + since.microseconds


# What makes an object that object, what a reader needs to understand it, and what says how it must
# be treated: a clause may not remove it.
_NEEDED = """
    type id spec_version created modified revoked name object_marking_refs granular_markings
    definition definition_type extensions extension_types extension_type schema version
    source_ref target_ref relationship_type sighting_of_ref object_refs
    pattern pattern_type valid_from is_family product context opinion content published
    value values key path hashes number protocols src_ref dst_ref subject is_multipart
    region country latitude longitude account_login user_id serial_number payload_bin url
"""
PROTECTED = frozenset(_NEEDED.split())


def problems(terms: Terms) -> Iterator[tuple[str, str, str]]:
    """Yield (place, what is wrong, what to do) for all that no single line shows."""
    yield from _span(terms)
    yield from _parties(terms)
    yield from _once("topic", [topic.id for topic in terms.topic])
    yield from _once("clause", [clause.id for clause in terms.clause])
    for topic in terms.topic:
        if not any((topic.names, topic.aliases, topic.stix_ids, topic.attack_ids, topic.labels)):
            yield (
                f"topic {topic.id}",
                "This topic names nothing.",
                "Give it names, aliases, stix_ids, attack_ids or labels.",
            )
    for clause in terms.clause:
        yield from _clause(terms, clause)


def _span(terms: Terms) -> Iterator[tuple[str, str, str]]:
    try:
        empty = terms.valid.from_at >= terms.valid.until_at
    except (ValueError, OverflowError):
        yield (
            "valid",
            "This is neither a date nor a moment in UTC.",
            'Write "2026-01-31" or "2026-01-31T12:00:00Z".',
        )
    else:
        if empty:
            yield "valid", "It ends before it begins.", "Set `until` after `from`."
    if (terms.version == 1) != (terms.replaces is None):
        yield (
            "replaces",
            "Version 1 replaces nothing, and every later version names the one it follows.",
            "Give the hash of the version before this one, or leave `replaces` out of version 1.",
        )


def _parties(terms: Terms) -> Iterator[tuple[str, str, str]]:
    slugs = [party.slug for party in terms.party.values()]
    yield from _once("party slug", slugs)
    keyless = [slot for slot, party in terms.party.items() if not (party.key and party.log)]
    halves = [slot for slot in keyless if terms.party[slot].key or terms.party[slot].log]
    if terms.one_sided and (len(keyless) != 1 or halves or terms.paper is None):
        yield (
            "one_sided",
            "It has one party without keys, and the hash of the paper that party signed.",
            "Leave out `key` and `log` of the receiver, and give `paper`.",
        )
    if not terms.one_sided and (keyless or terms.paper is not None):
        yield (
            f"party {', '.join(keyless)}" if keyless else "paper",
            "Both parties need `key` and `log`; `paper` belongs to a one-sided agreement.",
            "Copy the keys from the party's card, or write one_sided = true.",
        )
    keys = [key for party in terms.party.values() for key in (party.key, party.log) if key]
    yield from _once("key", keys)


def _clause(terms: Terms, clause: Clause) -> Iterator[tuple[str, str, str]]:
    place = f"clause {clause.id}"
    if {clause.from_, clause.to} != set(terms.party):
        yield place, "It does not go from one of the two parties to the other.", _SLOTS
    elif terms.one_sided and terms.party[clause.from_].key is None:
        yield place, "The party without keys cannot give.", "Turn `from` and `to` around."
    unknown = _absent(clause.topics, [topic.id for topic in terms.topic])
    if unknown:
        yield place, f"It names topics that are not here: {', '.join(unknown)}.", "Add [[topic]]."
    for given in clause.remove:
        taken = sorted(name for name in _needed(terms, clause) if covers(given, name))
        if taken:
            what = f"{given!r} would remove {', '.join(taken)}, which the receiver needs."
            yield f"{place} · remove", what, "Leave it out, or withhold the type through `types`."


_SLOTS = "Set `from` and `to` to the two names after `party.`."


def _needed(terms: Terms, clause: Clause) -> set[str]:
    """The properties that must stay: what makes the object, and what its topics are seen by."""
    named = [topic for topic in terms.topic if _picks(clause, topic)]
    needed = set(PROTECTED)
    if any(topic.labels for topic in named):
        needed.add("labels")
    if any(topic.attack_ids for topic in named):
        needed.add("external_references")
    if any(topic.names or topic.aliases for topic in named):
        needed.add("aliases")
    return needed


def _picks(clause: Clause, topic: Topic) -> bool:
    return clause.topics is not None and clause.topics != "*" and topic.id in clause.topics


def covers(given: str, name: str) -> bool:
    """Whether a property as an agreement writes it, perhaps with `*` at the end, is this one."""
    return name.startswith(given[:-1]) if given.endswith("*") else given == name


def _absent(wanted: tuple[str, ...] | str | None, there: list[str]) -> list[str]:
    if wanted is None or isinstance(wanted, str):
        return []
    return [one for one in wanted if one not in there]


def _once(what: str, names: list[str]) -> Iterator[tuple[str, str, str]]:
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield f"{what} {name}", "This name is used twice.", "Give each its own."
