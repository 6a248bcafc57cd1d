"""What `decide` reads: the frozen facts of one object, and the clauses made ready. Pure."""

from collections.abc import Iterable

import msgspec

from tearline.agreement.document import Category, Countries, Terms, Topic
from tearline.agreement.document import Clause as SignedClause
from tearline.release.categories import rules_of_category, settled
from tearline.stix import handling, marking
from tearline.topics.topic import keys_for, keys_of_anything

DAY = 86_400_000_000
"""One day in microseconds."""

HOUR = DAY // 24

FOREVER = 2**62
"""A moment after every other: where no time limit turns."""


def day_of(now: int) -> int:
    """Return the first moment of the day in UTC."""
    return now - now % DAY


def next_day(now: int) -> int:
    """Return the first moment of the next day in UTC, when every quota of a day is new."""
    return day_of(now) + DAY


GOES, WAITS, STAYS = 0, 1, 2
"""What becomes of the objects that an edge needs: the worst of them."""


class Onward(msgspec.Struct, frozen=True, gc=False):
    """What an agreement lets its receiver pass on, made ready: `to` is None for a spelled-out `*`.

    Without `allowed`, and where a limit was left out, nothing.
    """

    allowed: bool = False
    to: tuple[str, ...] | None = ()
    marking_max: int = -1
    ask_first: bool = True


class Source(msgspec.Struct, frozen=True, gc=False):
    """What the agreement that an object came under says of it now.

    `giver` is the slug of who gave it, to whom it never goes back. `in_force` is false while the
    agreement rests and once it has ended, `kept` once the clause by which the object came would not
    give it any more, `until_at` is where its giver's release ends. `consent` is the hash of the
    giver's signed yes to these exact bytes and this receiver, or ''; `refused` says that the giver
    said no.
    """

    rule: Onward
    giver: str
    in_force: bool
    kept: bool
    until_at: int
    consent: str = ""
    refused: bool = False


class Facts(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The frozen record that `decide` reads for one object under one agreement.

    `marking` and `grade` are in the codes of `stix.marking`; `created_at` is the object's own
    `created`, for observables without it the moment of arrival; `delivered` is the clause under
    which the partner holds the object now, or ''; `about` has the path for each clause under
    which the object is about a topic, `about_waiting` for those where only what waits for a person
    ties it to one; `ends` is `GOES`, `WAITS` or `STAYS` for objects that go
    only where others go; `found` are the rules of `categories` that find something in it, as bits.
    `approvals` has by clause how many people approved these exact bytes, `asked_at` the moment from
    which they wait for people, 0 where nobody was asked; `refused` says that a person said no.
    `spent` says that as much went today as the agreement allows before its turn came.
    `source_agreement` names the version of the agreement that a partner gave it under, or '';
    `source` what that one says of passing it on, None where nothing is known of it.
    """

    id: str
    version_at: int
    type: str
    created_at: int
    marking: int
    grade: int
    now: int
    revoked: bool = False
    delivered: str = ""
    held: bool = False
    source_agreement: str = ""
    found: int = 0
    ends: int = GOES
    about: dict[str, tuple[str, ...]] = {}
    about_waiting: dict[str, tuple[str, ...]] = {}
    approvals: dict[str, int] = {}
    uncuttable: bool = False
    refused: bool = False
    asked_at: int = 0
    confidence: int = -1
    pap: int = handling.NO_PAP
    statements: tuple[str, ...] = ()
    iep: tuple[str, ...] = ()
    never: tuple[str, ...] = ()
    countries: dict[str, tuple[str, ...]] = {}
    places: tuple[str, ...] = ()
    spent: bool = False
    source: Source | None = None
    valid_until: int = FOREVER


class Named(msgspec.Struct, frozen=True, gc=False):
    """By what objects are recognised: the keys that they carry, and their ids."""

    keys: frozenset[str] = frozenset()
    stix_ids: frozenset[str] = frozenset()


class Clause(msgspec.Struct, frozen=True, gc=False):
    """One clause, made ready: `None` stands for a spelled-out `*`.

    `complete` is false where a limit was left out; `keys` and `stix_ids` recognise its topics,
    `pairs` the two ends of each topic that is a relation. `pap_max` beneath 0 allows no PAP at all;
    `never` and `never_from` are what never goes, by itself and by its source. `reviews`
    are the rules of `categories` on whose finds people decide, `settles` those that find nothing in
    what is left after the cut, both as bits. `approvals` people have to approve what waits,
    `within` that span in microseconds.
    """

    id: str
    complete: bool
    types: frozenset[str] | None
    any_topic: bool
    keys: frozenset[str]
    stix_ids: frozenset[str]
    reach: int
    members: bool
    marking_max: int
    letter_min: int
    digit_min: int
    max_age: int | None
    reviews: int
    approvals: int
    within: int | None
    remove: tuple[str, ...]
    pseudonymise: tuple[str, ...] = ()
    dates: str | None = None
    places: str | None = None
    settles: int = 0
    pairs: tuple[tuple[Named, Named], ...] = ()
    countries: tuple[tuple[str, frozenset[str]], ...] = ()
    confidence_min: int | None = None
    pap_max: int = handling.NO_PAP
    statements: frozenset[str] | None = frozenset()
    iep: frozenset[str] | None = frozenset()
    expired: bool = False
    never: Named = Named()
    never_from: frozenset[str] = frozenset()

    @property
    def topics(self) -> Named:
        """All by which an object may be a topic of the clause, or an end of one."""
        ends = [end for pair in self.pairs for end in pair]
        return Named(
            self.keys.union(*(each.keys for each in ends)),
            self.stix_ids.union(*(each.stix_ids for each in ends)),
        )


class Rules(msgspec.Struct, frozen=True, cache_hash=True):
    """What one agreement says for one direction, made ready for `decide`.

    `added` is what the parties add to the categories; `receiver` the slug of who gets it, `onward`
    what that one may pass on, `keep` how long what was given may be kept.
    """

    clauses: tuple[Clause, ...]
    valid_from: int
    valid_until: int
    added: tuple[Category, ...] = ()
    receiver: str = ""
    onward: Onward = Onward()
    keep: int | None = None


def rules_of(terms: Terms, from_slot: str) -> Rules:
    """Make the clauses that bind what `from_slot` gives ready for `decide`."""
    return Rules(
        clauses=tuple(_ready(terms, each) for each in terms.clauses_from(from_slot)),
        valid_from=terms.valid.from_at,
        valid_until=terms.valid.until_at,
        added=terms.category,
        receiver=terms.party[terms.other(from_slot)].slug,
        onward=onward_of(terms),
        keep=terms.retention.keep_days * DAY if terms.retention.keep_days else None,
    )


def onward_of(terms: Terms) -> Onward:
    """Make what the receiver may pass on ready for `decide`."""
    rule = terms.onward
    if not rule.allowed or rule.to is None or rule.marking_max is None:
        return Onward(ask_first=rule.ask_first)
    to = None if rule.to == "*" else tuple(sorted(set(rule.to)))
    return Onward(rule.allowed, to, marking.parse_level(rule.marking_max), rule.ask_first)


def _ready(terms: Terms, clause: SignedClause) -> Clause:
    grade = 0 if clause.grading_min in {None, "*"} else marking.parse_grade(str(clause.grading_min))
    age = clause.max_age_days
    review = clause.review
    named = [terms.topic_of(each) for each in clause.topics or () if clause.topics != "*"]
    topics = _named(each for each in named if not each.between)
    never, never_from = _never(terms, clause)
    return Clause(
        id=clause.id,
        complete=not clause.left_out,
        types=None if clause.types == "*" else frozenset(clause.types or ()),
        any_topic=clause.topics == "*",
        keys=topics.keys,
        stix_ids=topics.stix_ids,
        reach=clause.reach or 0,
        members=clause.members,
        marking_max=marking.parse_level(clause.marking_max) if clause.marking_max else -1,
        letter_min=grade // 10,
        digit_min=grade % 10,
        max_age=age * DAY if isinstance(age, int) else None,
        reviews=sum(map(rules_of_category, review.when)) if review is not None else 0,
        approvals=review.approvals if review is not None else 1,
        within=review.within_hours * HOUR if review is not None else None,
        remove=clause.remove,
        pseudonymise=clause.pseudonymise,
        dates=clause.coarsen.dates,
        places=clause.coarsen.places,
        settles=settled(terms.category, clause.remove, coarse_places=bool(clause.coarsen.places)),
        pairs=tuple(_pair(terms, each) for each in named if each.between),
        countries=_countries(clause),
        confidence_min=clause.confidence_min if isinstance(clause.confidence_min, int) else None,
        pap_max=handling.parse_pap(clause.pap_max) if clause.pap_max else handling.NO_PAP,
        statements=_allowed(tuple(map(handling.plain, clause.statements or ())), clause.statements),
        iep=_allowed(clause.iep or (), clause.iep),
        expired=clause.expired,
        never=never,
        never_from=never_from,
    )


def _named(topics: Iterable[Topic]) -> Named:
    found = list(topics)
    keys = (
        keys_for(names=each.names + each.aliases, attack_ids=each.attack_ids, labels=each.labels)
        for each in found
    )
    return Named(
        frozenset().union(*keys), frozenset(stix_id for each in found for stix_id in each.stix_ids)
    )


def _pair(terms: Terms, topic: Topic) -> tuple[Named, Named]:
    first, second = (_named([terms.topic_of(each)]) for each in topic.between)
    return first, second


def _countries(clause: SignedClause) -> tuple[tuple[str, frozenset[str]], ...]:
    if not isinstance(clause.countries, Countries):
        return ()
    return tuple((relation, frozenset(listed)) for relation, listed in clause.countries.named)


def _allowed(listed: Iterable[str], written: object) -> frozenset[str] | None:
    return None if written == "*" else frozenset(listed)


def _never(terms: Terms, clause: SignedClause) -> tuple[Named, frozenset[str]]:
    """What never goes: what a text names in any way, or a topic of the document by its id."""
    given = dict.fromkeys((*terms.never, *clause.never))
    by_id = {each.id: each for each in terms.topic if not each.between}
    topics = _named(by_id[each] for each in given if each in by_id)
    texts = [each for each in given if each not in by_id]
    keys = keys_of_anything(texts)
    ids = frozenset(each for each in texts if "--" in each)
    return Named(topics.keys | keys, topics.stix_ids | ids), frozenset(texts)
