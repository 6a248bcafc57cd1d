"""What the lines of an agreement must have in common, which no single line shows. Pure."""

from collections.abc import Iterator

from tearline.agreement.document import Clause, Countries, Terms, Topic, covers
from tearline.agreement.pairing import MEMBER, template_hash

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
    yield from _pair(terms)
    yield from _once("topic", [topic.id for topic in terms.topic])
    yield from _once("clause", [clause.id for clause in terms.clause])
    yield from _once("suspend on", list(terms.suspend.on))
    for topic in terms.topic:
        yield from _topic(terms, topic)
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


def _pair(terms: Terms) -> Iterator[tuple[str, str, str]]:
    """What is said to be made from a template has to be: whoever reads it can rely on that."""
    if terms.template is None:
        return
    if MEMBER not in terms.party or terms.one_sided:
        what = f"A pair of a group is between two nodes, and one is called {MEMBER!r}."
        yield "template", what, "Leave `template` out: `tearline group` writes it."
    elif terms.template != template_hash(terms):
        what = "Without the member's own lines, this is another text than the template it names."
        yield "template", what, "Leave `template` out, or have `tearline group` write the pair."


def _topic(terms: Terms, topic: Topic) -> Iterator[tuple[str, str, str]]:
    place = f"topic {topic.id}"
    lists = any((topic.names, topic.aliases, topic.stix_ids, topic.attack_ids, topic.labels))
    if not topic.between:
        if not lists:
            what = "This topic names nothing."
            yield place, what, "Give it names, aliases, stix_ids, attack_ids or labels."
        return
    if lists:
        what = "A relation between two topics has no lists of its own."
        yield f"{place} · between", what, "Leave the lists out, or leave out `between`."
    plain = [each.id for each in terms.topic if not each.between]
    if len(set(topic.between)) == 1 or _absent(topic.between, plain):
        what = "It does not name two other topics that name threats themselves."
        yield f"{place} · between", what, 'Write between = ["R1", "R2"].'


def _clause(terms: Terms, clause: Clause) -> Iterator[tuple[str, str, str]]:
    place = f"clause {clause.id}"
    if {clause.from_, clause.to} != set(terms.party):
        yield place, "It does not go from one of the two parties to the other.", _SLOTS
    elif terms.one_sided and terms.party[clause.from_].key is None:
        yield place, "The party without keys cannot give.", "Turn `from` and `to` around."
    if clause.expired and terms.retention.keep_days is not None:
        what = "It gives what has expired, so that `keep_days` would end nothing."
        yield f"{place} · expired", what, "Leave out `expired`, or `keep_days` in [retention]."
    unknown = _absent(clause.topics, [topic.id for topic in terms.topic])
    if unknown:
        yield place, f"It names topics that are not here: {', '.join(unknown)}.", "Add [[topic]]."
    if isinstance(clause.countries, Countries):
        where = f"{place} · countries"
        if not clause.countries.named:
            yield where, "It names no relation.", 'Write { victim = ["SE"] }, or "*".'
        if any(topic.between for topic in terms.topic if _picks(clause, topic)):
            what = "A clause for the relation between two threats cannot be limited by countries."
            yield where, what, 'Write countries = "*", or name the threats in another clause.'
    for given in clause.remove:
        taken = sorted(name for name in _needed(terms, clause) if covers(given, name))
        if taken:
            what = f"{given!r} would remove {', '.join(taken)}, which the receiver needs."
            yield f"{place} · remove", what, "Leave it out, or withhold the type through `types`."


_SLOTS = "Set `from` and `to` to the two names after `party.`."


def _needed(terms: Terms, clause: Clause) -> set[str]:
    """The properties that must stay: what makes the object, and what its topics are seen by."""
    named = _spelled_out(terms, [topic for topic in terms.topic if _picks(clause, topic)])
    needed = set(PROTECTED)
    if clause.confidence_min != "*":
        needed.add("confidence")
    if not clause.expired:
        needed.add("valid_until")
    if any(topic.labels for topic in named):
        needed.add("labels")
    if any(topic.attack_ids for topic in named):
        needed.add("external_references")
    if any(topic.names or topic.aliases for topic in named):
        needed.add("aliases")
    return needed


def _spelled_out(terms: Terms, topics: list[Topic]) -> list[Topic]:
    """The topics, and for a relation the two that it is between."""
    ends = {end for topic in topics for end in topic.between}
    return topics + [topic for topic in terms.topic if topic.id in ends]


def _picks(clause: Clause, topic: Topic) -> bool:
    return clause.topics is not None and clause.topics != "*" and topic.id in clause.topics


def _absent(wanted: tuple[str, ...] | str | None, there: list[str]) -> list[str]:
    if wanted is None or isinstance(wanted, str):
        return []
    return [one for one in wanted if one not in there]


def _once(what: str, names: list[str]) -> Iterator[tuple[str, str, str]]:
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield f"{what} {name}", "This name is used twice.", "Give each its own."
