"""Say each line of an agreement in English, and warn of what it does not say; pure.

A lawyer reads these sentences in place of the TOML, so each line has exactly one, keyed by its
place, and a limit that is left out has one too: it says that nothing goes.
"""

from collections.abc import Iterator

from tearline.agreement.cautions import cautions
from tearline.agreement.cut_wording import (
    category_words,
    in_words,
    review_words,
    shape_words,
    sorts,
)
from tearline.agreement.document import (
    Clause,
    Countries,
    Limits,
    Party,
    Purpose,
    Retention,
    Terms,
    Topic,
)
from tearline.agreement.onward_wording import onward_words
from tearline.stix.objects import KNOWN_TYPES

_GRADE_SOURCE = {
    "A": "completely reliable",
    "B": "usually reliable",
    "C": "fairly reliable",
    "D": "not usually reliable",
    "E": "unreliable",
    "F": "of unknown reliability",
}
_GRADE_INFORMATION = {
    "1": "confirmed",
    "2": "probably true",
    "3": "possibly true",
    "4": "doubtful",
    "5": "improbable",
    "6": "of unknown truth",
}
_REACH = {
    0: "Only the topic itself, and what carries its label, goes; nothing that is tied to it.",
    1: "What is tied to a topic by one step goes.",
    2: "What is tied to a topic by one or two steps goes.",
}
_RELATION = {
    "victim": "has its victim in",
    "actor": "has its actor in",
    "observed": "was observed in",
}
_ROLE = {
    "controller": "a controller by itself",
    "joint-controller": "a joint controller with the other",
    "processor": "a processor for the other",
}
_LEGAL_BASIS = {
    "consent": "Personal data is shared with the consent of those concerned (GDPR 6(1)(a)).",
    "contract": "Personal data is shared to fulfil a contract (GDPR 6(1)(b)).",
    "legal-obligation": "Personal data is shared because the law demands it (GDPR 6(1)(c)).",
    "vital-interests": "Personal data is shared to protect vital interests (GDPR 6(1)(d)).",
    "public-task": "Personal data is shared for a task in the public interest (GDPR 6(1)(e)).",
    "legitimate-interests": "Personal data is shared for legitimate interests (GDPR 6(1)(f)).",
    "law-enforcement": "Personal data is shared under the law for law enforcement.",
    "no-personal-data": "No personal data is meant to be shared.",
}
_SPECIAL = "What concerns health, belief, origin, orientation or crimes (GDPR 9 and 10)"
_TRANSFER = {
    "none": "Nothing leaves the area of one data protection law",
    "adequacy": "Personal data crosses borders on a decision of adequacy",
    "standard-clauses": "Personal data crosses borders under standard contractual clauses",
    "derogation": "Personal data crosses borders by a derogation for the single case",
    "law-enforcement": "Personal data crosses borders under the law for law enforcement",
}
_LEFT_OUT = "is left out, so this clause releases nothing."
_LONG_DAYS = 1100
_US_PER_DAY = 86_400_000_000


def sentences(terms: Terms) -> list[str]:
    """Return one English sentence for each line of the agreement, each after its place."""
    return [f"{place}: {text}" for place, text in _lines(terms)]


def warnings(terms: Terms, *, now: int | None = None) -> list[str]:
    """Return what is legal and yet probably not meant, each after its place.

    With `now`, also that its time is over.
    """
    found = [*_warnings(terms), *cautions(terms, now=now)]
    return [f"{place}: {text}" for place, text in found]


def _lines(terms: Terms) -> Iterator[tuple[str, str]]:
    yield "title", f"This agreement is called “{terms.title}”."
    yield "id", f"Its number, in every version, is {terms.id}."
    yield "version", f"This is version {terms.version} of it."
    if terms.replaces:
        yield "replaces", f"It replaces the version whose hash is {terms.replaces}."
    if terms.prose:
        yield "prose", f"The paper that goes with it has the hash {terms.prose}."
    if terms.one_sided:
        yield "one_sided", "One party has no keys and signed on paper; only the other gives."
        yield "paper", f"The paper that party signed has the hash {terms.paper}."
    if terms.template:
        yield "template", _template(terms.template)
    yield "valid", f"It holds from {_from(terms)} until {_until(terms)}."
    for slot, party in terms.party.items():
        yield from _party(slot, party)
    yield from _ends(terms)
    if terms.never:
        yield "never", _never(terms.never)
    for topic in terms.topic:
        yield from _topic(topic)
    for category in terms.category:
        yield from category_words(category)
    for clause in terms.clause:
        yield from _clause(terms, clause)
    yield from onward_words(terms)
    yield from _retention(terms.retention)
    yield from _limits(terms.limits)
    yield "suspend · on", _suspend(terms)


def _retention(retention: Retention) -> Iterator[tuple[str, str]]:
    keeps = retention.after_end == "keep"
    yield (
        "retention · after_end",
        "When the agreement ends, the receiver may keep what it got."
        if keeps
        else "When the agreement ends, all that was given is recalled.",
    )
    days = retention.recall_days
    within = "one day" if days == 1 else f"{days} days"
    yield "retention · recall_days", f"A recall is carried out and answered within {within}."
    if retention.keep_days is not None:
        keep = retention.keep_days
        span = "one day" if keep == 1 else f"{keep} days"
        yield (
            "retention · keep_days",
            f"What was given is kept no longer than {span}; then it expires.",
        )


def _template(name: str) -> str:
    """What a member can rely on: the hash is checked against the text wherever that is read."""
    return (
        f"It is one of a group: but for the member's own lines, every member of the template {name}"
        " signs these same words."
    )


def _limits(limits: Limits) -> Iterator[tuple[str, str]]:
    if limits.objects_per_day is not None:
        text = (
            f"Of what the receiver does not hold yet, nothing more goes on a day (UTC) on which "
            f"{_times(limits.objects_per_day, 'object')} went, in each direction."
        )
        yield "limits · objects_per_day", text
    if limits.requests_per_hour is not None:
        text = (
            f"Each side may ask for what is given {_times(limits.requests_per_hour, 'time')} an "
            "hour; a request that is refused counts too."
        )
        yield "limits · requests_per_hour", text


_CAUSES = {
    "split-view": "a log of the other shows two histories",
    "bad-proof": "a proof of the other's does not hold",
    "key-compromise": "a key of the other's is said to be in foreign hands",
}


def _suspend(terms: Terms) -> str:
    if terms.one_sided:
        return "Only a person suspends it: its receiver has no log and no keys."
    if not terms.suspend.on:
        return "Only a person suspends it, whatever a side finds out about the other."
    causes = [_CAUSES[each] for each in terms.suspend.on]
    said = causes[0] if len(causes) == 1 else f"{', '.join(causes[:-1])} or {causes[-1]}"
    return f"Each side's node suspends it at once when {said}; both have to agree to resume."


def _times(number: int, what: str) -> str:
    return f"one {what}" if number == 1 else f"{number:,} {what}s"


def _party(slot: str, party: Party) -> Iterator[tuple[str, str]]:
    place = f"party {slot}"
    where = f", of {party.country}," if party.country else ""
    yield place, f"“{slot}” is {party.name}{where} known as {party.slug}."
    if party.key:
        yield f"{place} · key", f"{party.name} signs with the key {party.key}."
        yield f"{place} · log", f"{party.name} signs its log with the key {party.log}."
    if party.role:
        yield f"{place} · role", f"In data protection law {party.name} is {_ROLE[party.role]}."
    if party.approver:
        approvers = in_words(party.approver, "and")
        yield f"{place} · approver", f"For {party.name}, it is approved by {approvers}."
    for review in party.reviewed:
        what = "its lawfulness" if review.what == "law" else "the harm it could do"
        yield f"{place} · reviewed", f"{review.who} reviewed {what} on {review.on}."


def _ends(terms: Terms) -> Iterator[tuple[str, str]]:
    """Why the parties share, and by what law."""
    if terms.purpose:
        yield "purpose · text", f"The parties share for this purpose: {_flat(terms.purpose.text)}"
        if terms.purpose.never:
            never = in_words(terms.purpose.never, "or")
            yield "purpose · never", f"What is shared must never be used for {never}."
        yield from _law(terms.purpose)
    if terms.transfer:
        paper = f"; it is said in {terms.transfer.paper}" if terms.transfer.paper else ""
        ground = _TRANSFER[terms.transfer.ground]
        yield "transfer", f"{ground}{paper}."


def _law(purpose: Purpose) -> Iterator[tuple[str, str]]:
    if purpose.legal_basis:
        yield "purpose · legal_basis", _LEGAL_BASIS[purpose.legal_basis]
    if purpose.special_categories == "excluded":
        yield "purpose · special_categories", f"{_SPECIAL} is not meant to be shared."
    elif purpose.special_categories:
        yield "purpose · special_categories", f"{_SPECIAL} is expected among what is shared."


def _topic(topic: Topic) -> Iterator[tuple[str, str]]:
    place = f"topic {topic.id}"
    if topic.between:
        first, second = topic.between
        both = "what ties the one to the other, and what is tied to both"
        text = f"{topic.id} is the relation between {first} and {second}: {both}."
        yield f"{place} · between", text
    said = {
        "names": "is the threat named",
        "aliases": "is also known as",
        "stix_ids": "is the STIX object",
        "attack_ids": "is in ATT&CK as",
        "labels": "is what carries the label",
    }
    for line, words in said.items():
        values = getattr(topic, line)
        if values:
            yield f"{place} · {line}", f"{topic.id} {words} {in_words(values, 'or')}."


def _clause(terms: Terms, clause: Clause) -> Iterator[tuple[str, str]]:
    place = f"clause {clause.id}"
    giver, taker = terms.party[clause.from_].name, terms.party[clause.to].name
    yield place, f"{giver} gives {taker} what meets every one of the following limits."
    yield f"{place} · types", _types(clause)
    yield f"{place} · topics", _topics(clause)
    reach = f"`reach` {_LEFT_OUT}" if clause.reach is None else _REACH[clause.reach]
    yield f"{place} · reach", reach
    yield (
        f"{place} · members",
        "What a report, grouping or event about a topic refers to goes with it."
        if clause.members
        else "What a report refers to does not go for that alone.",
    )
    yield f"{place} · countries", _countries(clause)
    yield f"{place} · marking_max", _marking(clause)
    yield from ((f"{place} · {line}", text) for line, text in _other_markings(clause))
    yield f"{place} · grading_min", _grading(clause)
    yield f"{place} · confidence_min", _confidence(clause)
    yield f"{place} · max_age_days", _age(clause)
    yield (
        f"{place} · expired",
        "What is past its own end of validity goes too."
        if clause.expired
        else "What is past its own end of validity does not go.",
    )
    never = _never(clause.never) if clause.never else "It names nothing that never goes."
    yield f"{place} · never", never
    if clause.remove:
        removed = in_words(clause.remove, "and")
        yield f"{place} · remove", f"Before it goes, these properties are removed: {removed}."
    yield from shape_words(place, clause)
    yield f"{place} · review", review_words(clause)


def _types(clause: Clause) -> str:
    if clause.types is None:
        return f"`types` {_LEFT_OUT}"
    if clause.types == "*":
        return "Objects of every type may go."
    return f"Only objects of these types may go: {in_words(clause.types, 'and')}."


def _topics(clause: Clause) -> str:
    if clause.topics is None:
        return f"`topics` {_LEFT_OUT}"
    if clause.topics == "*":
        return "It need not be about any topic."
    return f"Only what is about {in_words(clause.topics, 'or')} may go."


def _marking(clause: Clause) -> str:
    if clause.marking_max is None:
        return f"`marking_max` {_LEFT_OUT}"
    return f"Only what is marked {clause.marking_max} or less strictly may go."


def _other_markings(clause: Clause) -> Iterator[tuple[str, str]]:
    yield (
        "pap_max",
        f"A PAP marking may be {clause.pap_max} or less strict."
        if clause.pap_max
        else "What carries a PAP marking does not go.",
    )
    for line, words in (("statements", "a statement"), ("iep", "an IEP policy")):
        listed = getattr(clause, line)
        if listed is None:
            yield line, f"What carries {words} as a marking does not go."
        elif listed == "*":
            yield line, f"It may carry {words} as a marking, whatever it says."
        else:
            texts = in_words(listed, "or")
            yield line, f"It may carry {words} as a marking if that is {texts}."


def _countries(clause: Clause) -> str:
    if clause.countries is None:
        return f"`countries` {_LEFT_OUT}"
    if not isinstance(clause.countries, Countries):
        return "It may concern any country, or none."
    said = (
        f"{_RELATION[relation]} {in_words(listed, 'or')}"
        for relation, listed in clause.countries.named
    )
    return f"Only what {' and '.join(said)} may go."


def _confidence(clause: Clause) -> str:
    if clause.confidence_min is None:
        return f"`confidence_min` {_LEFT_OUT}"
    if clause.confidence_min == "*":
        return "Its creator may be confident of it to any degree, or say none."
    return f"Only what its creator gives a confidence of {clause.confidence_min} or more may go."


def _never(listed: tuple[str, ...]) -> str:
    return (
        f"What is {in_words(listed, 'or')}, or is called, numbered or labelled so, "
        "or comes from a source or author of that name, never goes."
    )


def _grading(clause: Clause) -> str:
    if clause.grading_min is None:
        return f"`grading_min` {_LEFT_OUT}"
    if clause.grading_min == "*":
        return "It may be of any grade, or of none."
    source = _GRADE_SOURCE[clause.grading_min[0]]
    information = _GRADE_INFORMATION[clause.grading_min[1]]
    return (
        f"Only what is graded {clause.grading_min} or better in both respects may go: "
        f"a source {source}, information {information}."
    )


def _age(clause: Clause) -> str:
    if clause.max_age_days is None:
        return f"`max_age_days` {_LEFT_OUT}"
    if clause.max_age_days == "*":
        return "It may be of any age."
    days = "one day" if clause.max_age_days == 1 else f"{clause.max_age_days} days"
    return f"Only what was created (an observable: came to the giver) in the last {days} may go."


def _warnings(terms: Terms) -> Iterator[tuple[str, str]]:
    if not terms.clause:
        yield "clause", "There is no clause, so nothing is released."
    for slot, party in terms.party.items():
        if not party.reviewed:
            yield f"party {slot}", "Nobody is named who reviewed the law or the harm."
    if terms.purpose is None:
        yield "purpose", "The purpose is not said in words."
    if terms.valid.until_at - terms.valid.from_at > _LONG_DAYS * _US_PER_DAY:
        yield "valid", "It runs for more than three years."
    used = {topic for clause in terms.clause for topic in _named(clause)}
    for topic in terms.topic:
        if topic.id not in used:
            yield f"topic {topic.id}", "No clause names this topic."
    for clause in terms.clause:
        yield from _clause_warnings(clause)


def _clause_warnings(clause: Clause) -> Iterator[tuple[str, str]]:
    place = f"clause {clause.id}"
    for limit in clause.left_out:
        yield f"{place} · {limit}", f"`{limit}` {_LEFT_OUT}"
    if clause.topics == "*":
        yield f"{place} · topics", "There is no purpose limit: it may be about anything."
    if clause.types == "*":
        yield f"{place} · types", "Every type goes, also types that nobody has thought of yet."
    for name in clause.types if isinstance(clause.types, tuple) else ():
        if name not in KNOWN_TYPES:
            yield f"{place} · types", f"{name} is no type of STIX 2.1; only custom objects have it."
    if clause.members:
        yield (
            f"{place} · members",
            "A report's members go because the report names them, not because they are about it.",
        )
    if clause.marking_max == "TLP:RED":
        yield f"{place} · marking_max", "TLP:RED is meant for named persons only, and goes."
    if clause.grading_min == "*":
        yield f"{place} · grading_min", "What nobody has graded goes too."
    if clause.review and clause.review.approvals == 1:
        text = f"One person alone lets go what {sorts(clause.review.when)}."
        yield f"{place} · review", text


def _named(clause: Clause) -> tuple[str, ...]:
    return clause.topics if isinstance(clause.topics, tuple) else ()


def _from(terms: Terms) -> str:
    return f"{terms.valid.from_}"


def _until(terms: Terms) -> str:
    through = "T" not in terms.valid.until
    return f"{'the end of ' if through else ''}{terms.valid.until} (UTC)"


def _flat(text: str) -> str:
    return " ".join(text.split())
