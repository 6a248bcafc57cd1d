"""The agreement as frozen values: what may stand in it.

A closed vocabulary: a key that is not here is refused, never ignored, because two parties that
sign the same bytes must read the same rule in them. `terms` reads and writes these values;
`faults` says what its lines must have in common.
"""

import re
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
Cause = Literal["split-view", "bad-proof", "key-compromise"]
CAUSES: tuple[Cause, ...] = get_args(Cause)
Replaced = Annotated[str, Meta(pattern=r"\A[a-z][a-z0-9-]{2,249}\.[a-z_][a-z0-9_]{0,249}\Z")]
Some = Annotated[tuple[Line, ...], Meta(min_length=1, max_length=1000)]
Country = Annotated[str, Meta(pattern=r"\A[A-Z]{2}\Z")]
Listed = Annotated[tuple[Country, ...], Meta(min_length=1, max_length=300)]

SOURCES = "note.source_chain"
"""What `pseudonymise` lists to have the sources of claims go under pseudonyms."""

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
    country: Country | None = None
    role: Literal["controller", "joint-controller", "processor"] | None = None
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
    """Why the parties share, in words, and what the material must never be used for.

    `legal_basis` is one of Article 6(1) of the GDPR, or says that another law counts;
    `special_categories` whether material under its Articles 9 and 10 is meant to be shared.
    """

    text: Text
    never: Annotated[tuple[Line, ...], Meta(max_length=100)] = ()
    legal_basis: (
        Literal[
            "consent",
            "contract",
            "legal-obligation",
            "vital-interests",
            "public-task",
            "legitimate-interests",
            "law-enforcement",
            "no-personal-data",
        ]
        | None
    ) = None
    special_categories: Literal["excluded", "expected"] | None = None


class Transfer(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """On what ground personal data may cross into another area of law, and where that is said."""

    ground: Literal["none", "adequacy", "standard-clauses", "derogation", "law-enforcement"]
    paper: Line | None = None


class Topic(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """A named threat that the agreement is limited to, by every name both sides signed.

    With `between`, and then without lists of its own: the relation between two other topics.
    """

    id: Label
    names: Words = ()
    aliases: Words = ()
    stix_ids: Words = ()
    attack_ids: Words = ()
    labels: Words = ()
    between: Annotated[tuple[Label, ...], Meta(min_length=2, max_length=2)] = ()


class Countries(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """The countries that are let through, by how an object is tied to one; each that is named."""

    victim: Listed | None = None
    actor: Listed | None = None
    observed: Listed | None = None

    @property
    def named(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """The relations that are limited, each with its countries."""
        given = (("victim", self.victim), ("actor", self.actor), ("observed", self.observed))
        return tuple((relation, listed) for relation, listed in given if listed is not None)


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
    pap_max: Literal["PAP:CLEAR", "PAP:GREEN", "PAP:AMBER", "PAP:RED"] | None = None
    statements: Some | Literal["*"] | None = None
    iep: Some | Literal["*"] | None = None
    countries: Countries | Literal["*"] | None = None
    confidence_min: Annotated[int, Meta(ge=0, le=100)] | Literal["*"] | None = None
    max_age_days: Annotated[int, Meta(ge=1, le=36_500)] | Literal["*"] | None = None
    expired: bool = False
    never: Words = ()
    remove: Annotated[tuple[Property, ...], Meta(max_length=200)] = ()
    pseudonymise: Annotated[tuple[Replaced, ...], Meta(max_length=200)] = ()
    coarsen: Coarse = Coarse()
    review: Waiting | None = None

    @property
    def left_out(self) -> tuple[str, ...]:
        """The limits that are not there, so that this clause releases nothing."""
        return tuple(limit for limit in NEEDED_LIMITS if getattr(self, limit) is None)


NEEDED_LIMITS = (
    "types",
    "topics",
    "reach",
    "countries",
    "marking_max",
    "grading_min",
    "confidence_min",
    "max_age_days",
)
"""The limits without which a clause releases nothing."""


class Onward(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Whether the receiver may pass on what it got, to whom, how marked, and who is asked first.

    `to` are slugs of parties. A limit left out lets nothing be passed on.
    """

    allowed: bool = False
    to: Annotated[tuple[Slug, ...], Meta(min_length=1, max_length=200)] | Literal["*"] | None = None
    marking_max: (
        Literal["TLP:CLEAR", "TLP:GREEN", "TLP:AMBER", "TLP:AMBER+STRICT", "TLP:RED"] | None
    ) = None
    ask_first: bool = True

    @property
    def left_out(self) -> tuple[str, ...]:
        """The limits that are not there, so that nothing is passed on."""
        return tuple(each for each in ("to", "marking_max") if getattr(self, each) is None)


class Retention(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What becomes of what was given when the agreement ends, and how soon a recall is answered.

    `keep_days` is how long what was given may be kept, from its release; None sets no limit.
    """

    after_end: Literal["recall", "keep"] = "recall"
    recall_days: Annotated[int, Meta(ge=1, le=3650)] = 7
    keep_days: Annotated[int, Meta(ge=1, le=36_500)] | None = None


class Limits(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """How much at most, in each direction by itself; None sets no number.

    `objects_per_day` counts releases by the day in UTC, `requests_per_hour` every request for what
    is given, answered or not.
    """

    objects_per_day: Annotated[int, Meta(ge=1, le=1_000_000_000)] | None = None
    requests_per_hour: Annotated[int, Meta(ge=1, le=1_000_000_000)] | None = None


class Suspend(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What suspends it by itself, at the side that finds it out; both have to agree to resume."""

    on: Annotated[tuple[Cause, ...], Meta(max_length=3)] = ("split-view", "key-compromise")


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
    template: Hash | None = None
    purpose: Purpose | None = None
    topic: Annotated[tuple[Topic, ...], Meta(max_length=200)] = ()
    category: Annotated[tuple[Category, ...], Meta(max_length=6)] = ()
    clause: Annotated[tuple[Clause, ...], Meta(max_length=200)] = ()
    never: Words = ()
    transfer: Transfer | None = None
    onward: Onward = Onward()
    retention: Retention = Retention()
    limits: Limits = Limits()
    suspend: Suspend = Suspend()

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


def covers(given: str, name: str) -> bool:
    """Whether a property as an agreement writes it, perhaps with `*` at the end, is this one."""
    return name.startswith(given[:-1]) if given.endswith("*") else given == name
