"""What a claim is worth, with everything that it comes from, for a person to read."""

from collections.abc import Iterable
from functools import partial
from typing import NamedTuple

import orjson

from tearline.agreement.home import Home
from tearline.provenance import grade
from tearline.provenance.claims import claim_of
from tearline.store import objects, worth
from tearline.store.claims import DENIED
from tearline.store.database import Tx
from tearline.store.worth import Graded, Stated
from tearline.weighing import grades, sides
from tearline.weighing.held import held
from tearline.weighing.sides import Side, Sides
from tearline.weighing.worth import place_of


class Source(NamedTuple):
    """Somebody in a chain, after merging: the name, how it stands, who else it is."""

    identity: str
    name: str
    reliability: str | None
    discredited: str | None
    same_as: tuple[str, ...]


class Heard(NamedTuple):
    """A claim of the side: who says it along its chain, and the grade in force, '' for none."""

    stix_id: str
    certainty: str
    chain: tuple[str, ...]
    grade: str


class Explained(NamedTuple):
    """What one side of a proposition is worth: the proposal with its reason, and what stands."""

    stix_id: str
    proposition: str
    polarity: str
    supporting: int
    against: int
    credibility: int
    reason: str
    flags: tuple[str, ...]
    origins: tuple[Source, ...]
    denied_by: tuple[Source, ...]
    claims: tuple[Heard, ...]
    given: Graded | None


def explain(home: Home, stix_id: str, *, now: int) -> Explained:
    """Return what a claim is worth and why; RefusedError where there is no such claim."""
    with home.store.read() as tx:
        place = place_of(tx, stix_id)
        return told(tx, stix_id, place, read(tx, place[0]), now=now)


def read(tx: Tx, proposition: str) -> Sides:
    """Read both sides of a proposition, and who in its chains has an interest."""
    return sides.read(tx, [proposition], partial(_interested, tx))


def told(tx: Tx, stix_id: str, place: tuple[str, str], found: Sides, *, now: int) -> Explained:
    """Tell what a claim is worth by the sides that were read; its place is one of them."""
    proposition, polarity = place
    own, other = found.ends(proposition, polarity)
    names = _names(tx, found, now)
    made = grade.propose(own, other)
    sources = _sources(tx, found, {*own.origins, *other.origins}, names)
    return Explained(
        stix_id,
        proposition,
        polarity,
        made.supporting,
        made.against,
        made.credibility,
        grade.sentence(
            own,
            other,
            lambda number: names[found.identities[number]],
            denied=polarity == DENIED,
        ),
        tuple(grade.flag_names(made.flags)),
        tuple(sources[each] for each in own.origins),
        tuple(sources[each] for each in other.origins),
        _heard(tx, found, found.found[place], names),
        worth.graded(tx, [stix_id]).get(stix_id),
    )


def _heard(tx: Tx, found: Sides, side: Side, names: dict[str, str]) -> tuple[Heard, ...]:
    graded = grades.written(tx, {each.stix_id: each.origin for each in side.claims})
    return tuple(
        Heard(
            each.stix_id,
            each.certainty,
            tuple(names[found.identities[number]] for number in path),
            graded.get(each.stix_id, ""),
        )
        for each, (path, _) in zip(side.claims, side.chains, strict=True)
    )


def _sources(
    tx: Tx, found: Sides, numbers: Iterable[int], names: dict[str, str]
) -> dict[int, Source]:
    identities = {each: found.identities[each] for each in numbers}
    same = worth.everybody_of(tx, list(identities.values()))
    standings = worth.standings(tx, {one for each in same.values() for one in each})
    made = {}
    for number, identity in identities.items():
        judged = [standings[each] for each in same[identity] if each in standings]
        letters = sorted(each.reliability for each in judged if each.reliability)
        reasons = sorted(each.discredited for each in judged if each.discredited)
        others = tuple(each for each in same[identity] if each != identity)
        letter = letters[-1] if letters else None
        reason = reasons[0] if reasons else None
        made[number] = Source(identity, names[identity], letter, reason, others)
    return made


def _interested(tx: Tx, claims: Iterable[Stated]) -> dict[int, bool]:
    raws = objects.raw_of(tx, [each.seq for each in claims])
    found = {seq: claim_of(orjson.loads(raw)) for seq, raw in raws.items()}
    return {
        seq: any(each.interest for each in made.source_chain) for seq, made in found.items() if made
    }


def _names(tx: Tx, found: Sides, now: int) -> dict[str, str]:
    """What everybody is called, or the id of who is not held."""
    names = {each: each or "a source kept back" for each in found.identities}
    for stix_id, its in held(tx, [each for each in names if each], now=now).items():
        name = its.doc.get("name")
        if isinstance(name, str) and name:
            names[stix_id] = _in_a_sentence(name)
    return names


def _in_a_sentence(name: str) -> str:
    """A role such as *A broadcaster* begins small within a sentence."""
    article = name.startswith(("A ", "An ", "The "))
    return f"{name[0].lower()}{name[1:]}" if article else name
