"""The closed list of reasons: a code, a sentence for us, a sentence for them. Pure.

`decide` collects reasons as bits; `spell` turns bits into reasons. The sentence for us may name
what we hold; the sentence for them says no more than the agreement, which both sides signed.
"""

from collections.abc import Mapping
from enum import StrEnum
from functools import lru_cache, reduce
from operator import or_

import msgspec

from tearline.agreement.document import CATEGORIES as _CATEGORIES
from tearline.agreement.document import CategoryId
from tearline.release.categories import rules_of_category, words
from tearline.release.rules import DAY, FOREVER, Clause, Facts
from tearline.stix import handling, marking
from tearline.stix.timestamp import format_timestamp


class Code(StrEnum):
    """Every reason that a decision can have."""

    NOT_IN_FORCE = "not-in-force"
    NO_CLAUSE = "no-clause"
    LIMIT_MISSING = "limit-missing"
    TYPE_UNKNOWN = "type-unknown"
    TYPE_NOT_LISTED = "type-not-listed"
    NOT_ABOUT = "not-about"
    PATH_WAITS = "path-waits"
    END_STAYS = "end-stays"
    END_WAITS = "end-waits"
    NOTHING_LEFT = "nothing-left"
    UNMARKED = "unmarked"
    MARKING_UNKNOWN = "marking-unknown"
    MARKING_CONTRADICTS = "marking-contradicts"
    MARKING_ABOVE = "marking-above"
    UNGRADED = "ungraded"
    GRADE_BELOW = "grade-below"
    TOO_OLD = "too-old"
    NO_CONFIDENCE = "no-confidence"
    CONFIDENCE_BELOW = "confidence-below"
    EXPIRED = "expired"
    PAP_ABOVE = "pap-above"
    COUNTRY_NOT_LISTED = "country-not-listed"
    NEVER = "never"
    VICTIM = "victim"
    VICTIM_UNREVIEWED = "victim-unreviewed"
    PERSONAL_DATA = "personal-data"
    PERSONAL_DATA_UNREVIEWED = "personal-data-unreviewed"
    SOURCE = "source"
    SOURCE_UNREVIEWED = "source-unreviewed"
    LIVE_OPERATION = "live-operation"
    LIVE_OPERATION_UNREVIEWED = "live-operation-unreviewed"
    PRECISE_LOCATION = "precise-location"
    PRECISE_LOCATION_UNREVIEWED = "precise-location-unreviewed"
    HARM = "harm"
    HARM_UNREVIEWED = "harm-unreviewed"
    REVOKED = "revoked"
    HELD = "held"
    RECEIVED = "received"
    CUT_INVALID = "cut-invalid"
    REFUSED = "refused"
    SILENCE = "silence"
    QUOTA_SPENT = "quota-spent"
    ONWARD_NOT_ALLOWED = "onward-not-allowed"
    CONSENT_WAITS = "consent-waits"
    CONSENT_REFUSED = "consent-refused"


class Reason(msgspec.Struct, frozen=True, gc=False):
    """One reason: its code, and the clause that it comes from or None where any clause says so."""

    code: Code
    clause: str | None = None


_BITS = {code: 1 << place for place, code in enumerate(Code)}

NOT_IN_FORCE = _BITS[Code.NOT_IN_FORCE]
NO_CLAUSE = _BITS[Code.NO_CLAUSE]
LIMIT_MISSING = _BITS[Code.LIMIT_MISSING]
TYPE_UNKNOWN = _BITS[Code.TYPE_UNKNOWN]
TYPE_NOT_LISTED = _BITS[Code.TYPE_NOT_LISTED]
NOT_ABOUT = _BITS[Code.NOT_ABOUT]
PATH_WAITS = _BITS[Code.PATH_WAITS]
END_STAYS = _BITS[Code.END_STAYS]
END_WAITS = _BITS[Code.END_WAITS]
NOTHING_LEFT = _BITS[Code.NOTHING_LEFT]
UNMARKED = _BITS[Code.UNMARKED]
MARKING_UNKNOWN = _BITS[Code.MARKING_UNKNOWN]
MARKING_CONTRADICTS = _BITS[Code.MARKING_CONTRADICTS]
MARKING_ABOVE = _BITS[Code.MARKING_ABOVE]
UNGRADED = _BITS[Code.UNGRADED]
GRADE_BELOW = _BITS[Code.GRADE_BELOW]
TOO_OLD = _BITS[Code.TOO_OLD]
NO_CONFIDENCE = _BITS[Code.NO_CONFIDENCE]
CONFIDENCE_BELOW = _BITS[Code.CONFIDENCE_BELOW]
EXPIRED = _BITS[Code.EXPIRED]
PAP_ABOVE = _BITS[Code.PAP_ABOVE]
COUNTRY_NOT_LISTED = _BITS[Code.COUNTRY_NOT_LISTED]
NEVER = _BITS[Code.NEVER]
VICTIM = _BITS[Code.VICTIM]
VICTIM_UNREVIEWED = _BITS[Code.VICTIM_UNREVIEWED]
PERSONAL_DATA = _BITS[Code.PERSONAL_DATA]
PERSONAL_DATA_UNREVIEWED = _BITS[Code.PERSONAL_DATA_UNREVIEWED]
SOURCE = _BITS[Code.SOURCE]
SOURCE_UNREVIEWED = _BITS[Code.SOURCE_UNREVIEWED]
LIVE_OPERATION = _BITS[Code.LIVE_OPERATION]
LIVE_OPERATION_UNREVIEWED = _BITS[Code.LIVE_OPERATION_UNREVIEWED]
PRECISE_LOCATION = _BITS[Code.PRECISE_LOCATION]
PRECISE_LOCATION_UNREVIEWED = _BITS[Code.PRECISE_LOCATION_UNREVIEWED]
HARM = _BITS[Code.HARM]
HARM_UNREVIEWED = _BITS[Code.HARM_UNREVIEWED]
REVOKED = _BITS[Code.REVOKED]
HELD = _BITS[Code.HELD]
RECEIVED = _BITS[Code.RECEIVED]
CUT_INVALID = _BITS[Code.CUT_INVALID]
REFUSED = _BITS[Code.REFUSED]
SILENCE = _BITS[Code.SILENCE]
QUOTA_SPENT = _BITS[Code.QUOTA_SPENT]
ONWARD_NOT_ALLOWED = _BITS[Code.ONWARD_NOT_ALLOWED]
CONSENT_WAITS = _BITS[Code.CONSENT_WAITS]
CONSENT_REFUSED = _BITS[Code.CONSENT_REFUSED]

CATEGORIES = tuple(
    (rules_of_category(each), _BITS[Code(each)], _BITS[Code(f"{each}-unreviewed")])
    for each in _CATEGORIES
)
"""For each category its rules, the reason where people decide on it, and the one where nobody does.

The names of the reasons are those of the categories.
"""

PEOPLE = reduce(or_, (waits for _, waits, _ in CATEGORIES)) | MARKING_CONTRADICTS
"""Reasons for which people are asked about the object itself."""

ASKED = PEOPLE | CONSENT_WAITS | CONSENT_REFUSED
"""Reasons for which somebody is asked about exact bytes, or was: people here, or who gave it."""

WAITS = ASKED | END_WAITS | PATH_WAITS
"""Reasons that a person can settle: an object that fails by these alone waits, unless one said no.
"""

BY_OTHERS = NOT_ABOUT | PATH_WAITS | END_STAYS | END_WAITS | NOTHING_LEFT | COUNTRY_NOT_LISTED
"""Reasons that lie in what becomes of other objects, not in the object itself."""

THEIRS = {
    Code.NOT_IN_FORCE: "The agreement is not in force.",
    Code.NO_CLAUSE: "The agreement has no clause for this direction.",
    Code.LIMIT_MISSING: "The clause leaves a limit out and so releases nothing.",
    Code.TYPE_UNKNOWN: "Objects of this type are not released.",
    Code.TYPE_NOT_LISTED: "The clause does not list this type.",
    Code.NOT_ABOUT: "Not about a topic of the clause.",
    Code.PATH_WAITS: "What ties it to a topic of the clause is not released yet.",
    Code.END_STAYS: "What it speaks of is not released.",
    Code.END_WAITS: "What it speaks of is not released yet.",
    Code.NOTHING_LEFT: "Nothing that it holds is released.",
    Code.UNMARKED: "It carries no marking.",
    Code.MARKING_UNKNOWN: "It carries a marking that the agreement does not name.",
    Code.MARKING_CONTRADICTS: "Its markings await a person.",
    Code.MARKING_ABOVE: "Its marking is above the ceiling of the clause.",
    Code.UNGRADED: "It has no grade.",
    Code.GRADE_BELOW: "Its grade is below the floor of the clause.",
    Code.TOO_OLD: "It is older than the clause allows.",
    Code.NO_CONFIDENCE: "It has no confidence.",
    Code.CONFIDENCE_BELOW: "Its confidence is below the floor of the clause.",
    Code.EXPIRED: "It has expired.",
    Code.PAP_ABOVE: "Its PAP marking is above the ceiling of the clause.",
    Code.COUNTRY_NOT_LISTED: "The clause does not list its country.",
    Code.NEVER: "The clause never gives it.",
    **{Code(each): "A person decides on it." for each in _CATEGORIES},
    **{
        Code(f"{each}-unreviewed"): "The clause does not allow this category."
        for each in _CATEGORIES
    },
    Code.REVOKED: "Its creator has revoked it.",
    Code.HELD: "It is not released at present.",
    Code.RECEIVED: "It may not be passed on.",
    Code.CUT_INVALID: "No valid form of it can be released.",
    Code.REFUSED: "It is not released.",
    Code.SILENCE: "It is not released.",
    Code.QUOTA_SPENT: "As much went today as the agreement allows; it follows on another day.",
    Code.ONWARD_NOT_ALLOWED: "It may not be passed on.",
    Code.CONSENT_WAITS: "It may not be passed on.",
    Code.CONSENT_REFUSED: "It may not be passed on.",
}
"""What the other side may be told: nothing that the agreement does not already say."""


def ours(code: Code, facts: Facts, clause: Clause | None) -> str:
    """The sentence for us: what failed, with the values on both sides."""
    limit = f"clause {clause.id}" if clause is not None else "the agreement"
    values: dict[str, object] = {
        "limit": limit,
        "type": facts.type,
        "source": facts.source_agreement,
        "found": "",
    }
    if clause is not None:
        named = (each for each in _CATEGORIES if code in {each, f"{each}-unreviewed"})
        bits = sum(map(rules_of_category, named))
        values["found"] = words(facts.found & ~clause.settles & bits)
        floor = clause.letter_min * 10 + clause.digit_min
        values |= {
            "reach": f"{clause.reach} step{'s' * (clause.reach != 1)}",
            "marking": marking.level_name(facts.marking),
            "ceiling": marking.level_name(clause.marking_max) if clause.complete else "",
            "grade": marking.grade_name(facts.grade),
            "floor": marking.grade_name(floor) if floor else "",
            "age": str((facts.now - facts.created_at) // DAY),
            "days": str((clause.max_age or 0) // DAY),
            "confidence": facts.confidence,
            "confident": clause.confidence_min,
            "expiry": _moment(facts.valid_until),
            "pap": handling.pap_name(facts.pap),
            "pap_max": handling.pap_name(clause.pap_max),
            "countries": " and ".join(_listed(*each) for each in clause.countries),
            "places": ", ".join(facts.places) or "none",
        }
    return OURS[code].format_map(values)


def _listed(relation: str, countries: frozenset[str]) -> str:
    return f"{relation} {' or '.join(sorted(countries))}"


def _moment(at: int) -> str:
    return format_timestamp(at) if at < FOREVER else "for ever"


@lru_cache(maxsize=65_536)
def spell(shared: int, masks: tuple[tuple[str, int], ...]) -> tuple[Reason, ...]:
    """Turn bits into reasons: first what any clause says, then clause by clause."""
    found = [Reason(code) for code, bit in _BITS.items() if shared & bit]
    for clause_id, mask in masks:
        own = mask & ~shared
        found.extend(Reason(code, clause_id or None) for code, bit in _BITS.items() if own & bit)
    return tuple(found)


_SAID: Mapping[CategoryId, str] = {
    "victim": "It names a victim",
    "personal-data": "It holds personal data",
    "source": "It shows a source",
    "live-operation": "It shows what is going on",
    "precise-location": "It shows an exact place",
    "harm": "It could help to hurt others",
}

OURS = {
    Code.NOT_IN_FORCE: "The agreement is not valid at this moment.",
    Code.NO_CLAUSE: "The agreement has no clause from us to them.",
    Code.LIMIT_MISSING: "{limit} leaves a limit out, and so releases nothing.",
    Code.TYPE_UNKNOWN: "{type} is not a type of STIX 2.1; unknown types stay.",
    Code.TYPE_NOT_LISTED: "{limit} does not list the type {type}.",
    Code.NOT_ABOUT: "No path of what may go ties it to a topic of {limit} within {reach}.",
    Code.PATH_WAITS: "Only what waits for a person ties it to a topic of {limit}.",
    Code.END_STAYS: "What it speaks of does not go.",
    Code.END_WAITS: "What it speaks of waits for a person.",
    Code.NOTHING_LEFT: "None of what it holds may go.",
    Code.UNMARKED: "It is unmarked; mark it to let the agreement decide.",
    Code.MARKING_UNKNOWN: "It carries a marking that we cannot rank, or {limit} does not name.",
    Code.MARKING_CONTRADICTS: "Its markings contradict each other; a person must say.",
    Code.MARKING_ABOVE: "Marked {marking}, above {ceiling} of {limit}.",
    Code.UNGRADED: "It has no grade, and {limit} demands one.",
    Code.GRADE_BELOW: "Graded {grade}, below {floor} of {limit}.",
    Code.TOO_OLD: "{age} days old; {limit} allows {days}.",
    Code.NO_CONFIDENCE: "It has no confidence, and {limit} demands one.",
    Code.CONFIDENCE_BELOW: "Confidence {confidence}, below {confident} of {limit}.",
    Code.EXPIRED: "Its time was over on {expiry}, and {limit} gives nothing that has expired.",
    Code.PAP_ABOVE: "Marked {pap}, above {pap_max} of {limit}.",
    Code.COUNTRY_NOT_LISTED: "{limit} allows {countries}; known of it, going or not: {places}.",
    Code.NEVER: "{limit} never gives what is so named.",
    **{
        code: text
        for each, said in _SAID.items()
        for code, text in (
            (Code(each), f"{said} ({{found}}); {{limit}} lets a person decide."),
            (
                Code(f"{each}-unreviewed"),
                f"{said} ({{found}}), and {{limit}} has no review for that.",
            ),
        )
    },
    Code.REVOKED: "Its creator has revoked it, and they never had it.",
    Code.HELD: "We hold it back ourselves.",
    Code.RECEIVED: "We hold it under agreement {source}; it may not be passed on.",
    Code.CUT_INVALID: "Cut as the agreement demands it, it would not be valid STIX.",
    Code.REFUSED: "A person refused exactly these bytes; see `tearline queue show`.",
    Code.SILENCE: "Nobody approved it in the time that the clause gives for that.",
    Code.QUOTA_SPENT: "As much went today (UTC) as the agreement allows; its turn comes by itself.",
    Code.ONWARD_NOT_ALLOWED: "It came under {source}, which does not let it go on to them.",
    Code.CONSENT_WAITS: "It came under {source}; its giver has not consented yet.",
    Code.CONSENT_REFUSED: "It came under {source}; its giver refused to let it go on to them.",
}
"""What our own people are told; `ours` fills in the values of the object and of the clause."""
