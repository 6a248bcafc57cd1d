"""What is legal in an agreement and yet probably not meant: contradictions, and what is open. Pure.

`wording.warnings` tells these with its own; each names the clause.
"""

from collections.abc import Iterator

from tearline.agreement.document import Clause, Countries, Terms, Topic
from tearline.agreement.onward_wording import onward_cautions

_UNREACHED = frozenset({"course-of-action", "incident", "malware-analysis", "marking-definition"})
"""Types to which no relationship leads that *about* follows."""

_TIES = frozenset({"relationship", "location"})


def cautions(terms: Terms, *, now: int | None = None) -> Iterator[tuple[str, str]]:
    """Yield (place, warning) for what contradicts itself, lets everything through, or is not said.

    With `now`, also for an agreement whose time is over.
    """
    if now is not None and terms.valid.until_at <= now:
        yield "valid", "It has ended already: nothing will go."
    yield from _law(terms)
    yield from onward_cautions(terms)
    for topic in terms.topic:
        yield from _topic(terms, topic)
    for clause in terms.clause:
        for line, text in _clause(terms, clause):
            yield f"clause {clause.id}{f' · {line}' if line else ''}", text


def _law(terms: Terms) -> Iterator[tuple[str, str]]:
    """What the law asks of who shares personal data, and is not said."""
    basis = terms.purpose.legal_basis if terms.purpose else None
    if basis == "no-personal-data":
        return
    if basis is None:
        yield "purpose · legal_basis", "It is not said on what legal basis personal data is shared."
    if terms.purpose is None or terms.purpose.special_categories is None:
        yield "purpose · special_categories", "It is not said whether they are left out."
    for slot, party in terms.party.items():
        if party.role is None:
            yield f"party {slot} · role", "It is not said what the party is in data protection law."
        for what, words in (("law", "reviewed its lawfulness"), ("harm", "reviewed the harm")):
            if party.reviewed and all(each.what != what for each in party.reviewed):
                yield f"party {slot} · reviewed", f"Nobody is named who {words}."
    countries = {party.country for party in terms.party.values()}
    if terms.transfer is None and len(countries) > 1:
        yield (
            "transfer",
            "The parties are not of one country, and no ground for a transfer is named.",
        )


def _topic(terms: Terms, topic: Topic) -> Iterator[tuple[str, str]]:
    if topic.between:
        first, second = (terms.topic_of(each) for each in topic.between)
        lists = ("names", "aliases", "stix_ids", "attack_ids", "labels")
        if any(set(getattr(first, each)) & set(getattr(second, each)) for each in lists):
            text = f"{first.id} and {second.id} share a name: what has it is both at once."
            yield f"topic {topic.id} · between", text


def _clause(terms: Terms, clause: Clause) -> Iterator[tuple[str, str]]:
    if _only_reviewed(clause):
        yield "review", "Only the review protects here: every other limit is open."
    if isinstance(clause.types, tuple):
        yield from _types(terms, clause, frozenset(clause.types))
    for named in sorted({*terms.never, *clause.never} & set(_listed(clause.topics))):
        yield "never", f"It never gives {named}, and is limited to what is about it."
    if clause.expired and clause.max_age_days == "*":
        yield "expired", "What has expired goes, however old it is."
    if isinstance(clause.countries, Countries) and clause.reach == 0:
        yield "countries", "With reach 0 no country can be shown, so only locations go."


def _types(terms: Terms, clause: Clause, types: frozenset[str]) -> Iterator[tuple[str, str]]:
    topics = [terms.topic_of(each) for each in _listed(clause.topics)]
    ends = [terms.topic_of(each) for topic in topics for each in topic.between]
    marked = any(each.labels or each.stix_ids or each.attack_ids for each in [*topics, *ends])
    if topics and not marked and not clause.members:
        for each in sorted(types & _UNREACHED):
            yield "types", f"Nothing ties a {each} to a topic, so none goes."
    if topics and clause.reach and "relationship" not in types and not clause.members:
        yield "types", "Without relationship, nothing goes that is tied to a topic."
    if isinstance(clause.countries, Countries) and not types >= _TIES:
        yield "countries", "Without relationship and location, no country can be shown."


def _only_reviewed(clause: Clause) -> bool:
    return (
        clause.review is not None
        and clause.marking_max == "TLP:RED"
        and all(
            getattr(clause, limit) == "*"
            for limit in (
                "types",
                "topics",
                "countries",
                "grading_min",
                "confidence_min",
                "max_age_days",
            )
        )
    )


def _listed(topics: tuple[str, ...] | str | None) -> tuple[str, ...]:
    return topics if isinstance(topics, tuple) else ()
