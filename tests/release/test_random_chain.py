"""Random chains of two agreements: what East gets is what both rules let go, in whatever order."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tearline.release import replay
from tearline.release.decide import decide
from tearline.release.rules import FOREVER, Clause, Facts, Onward, Rules, Source
from tearline.stix.marking import level_name
from tests.chain import Chain
from tests.pair import rel, sdo

# ---------------------------------------------------------------------------------- one decision

SLUGS = ("east", "west", "north")
rules_on = st.builds(
    Onward,
    allowed=st.booleans(),
    to=st.none() | st.lists(st.sampled_from(SLUGS), unique=True).map(tuple),
    marking_max=st.integers(-1, 4),
    ask_first=st.booleans(),
)
sources = st.builds(
    Source,
    rule=rules_on,
    giver=st.sampled_from(("north", "south")),
    in_force=st.booleans(),
    kept=st.booleans(),
    until_at=st.sampled_from((0, FOREVER)),
    consent=st.sampled_from(("", "sha256:1")),
    refused=st.booleans(),
)


def clause(marking_max: int) -> Clause:
    return Clause(
        id="S1",
        complete=True,
        types=None,
        any_topic=False,
        keys=frozenset(),
        stix_ids=frozenset(),
        reach=1,
        members=False,
        marking_max=marking_max,
        letter_min=0,
        digit_min=0,
        max_age=None,
        reviews=0,
        approvals=1,
        within=None,
        remove=(),
    )


def outcome(rules: Rules, source: Source | None, level: int) -> str:
    facts = Facts(
        id="malware--1",
        version_at=1,
        type="malware",
        created_at=1,
        marking=level,
        grade=22,
        now=1,
        source_agreement="sha256:0",
        source=source,
        about={"S1": ("malware--1",)},
    )
    return decide(rules, facts).outcome


@given(source=sources, theirs=rules_on, receiver=st.sampled_from(SLUGS), level=st.integers(0, 4))
def test_it_goes_exactly_inside_both(
    source: Source, theirs: Onward, receiver: str, level: int
) -> None:
    rules = Rules((clause(3),), 0, FOREVER, receiver=receiver, onward=theirs)
    rule = source.rule
    inside = (
        rule.allowed
        and source.in_force
        and source.kept
        and source.until_at > 1
        and receiver != source.giver
        and (rule.to is None or receiver in rule.to)
        and level <= min(rule.marking_max, 3)
    )
    if theirs.allowed:
        asked = rule.ask_first
        further = theirs.marking_max > rule.marking_max or (
            rule.to is not None and (theirs.to is None or bool(set(theirs.to) - set(rule.to)))
        )
        inside = inside and not asked and not further
    agreed = not rule.ask_first or bool(source.consent)
    waits = inside and not agreed and not source.refused
    expected = "release" if inside and agreed else "wait" if waits else "withhold"
    if inside and agreed and source.refused:
        expected = "release"  # a yes and a no cannot both stand; a yes is what is counted
    assert outcome(rules, source, level) == expected


def test_without_anything_known_it_stays() -> None:
    rules = Rules((clause(4),), 0, FOREVER, receiver="east")
    assert outcome(rules, None, 0) == "withhold"


# ------------------------------------------------------------------------------- a whole chain

HERON = sdo("intrusion-set", "Gray Heron")
TYPES = ("malware", "tool", "indicator")


@dataclass
class Drawn:
    """Two rules, what there is, and what North would say of each."""

    first: dict[str, Any]
    second: dict[str, Any]
    objects: list[tuple[dict[str, Any], int]]
    asked: bool
    refuses: set[str]


def drawn(chance: random.Random) -> Drawn:
    def limits() -> dict[str, Any]:
        kinds = sorted(chance.sample(TYPES, chance.randint(1, 3)))
        types = ["intrusion-set", "relationship", *kinds]
        return {"types": str(types).replace("'", '"'), "ceiling": level_name(chance.randint(0, 3))}

    asked = chance.random() < 0.5
    to = chance.choice(('["east-cert"]', '["west-cert", "east-cert"]', '"*"'))
    onward = (
        f"[onward]\nallowed = true\nto = {to}\n"
        f'marking_max = "{level_name(chance.randint(0, 3))}"\nask_first = {str(asked).lower()}\n'
    )
    found: list[tuple[dict[str, Any], int]] = [(HERON, 0)]
    for number in range(5):
        doc = sdo(chance.choice(TYPES), f"thing {number}")
        tie = (
            rel(doc, "indicates", HERON) if doc["type"] == "indicator" else rel(HERON, "uses", doc)
        )
        found += [(doc, chance.randint(0, 3)), (tie, 0)]
    refuses = {doc["id"] for doc, _ in found if chance.random() < 0.3}
    return Drawn(limits() | {"onward": onward}, limits(), found, asked, refuses)


def expected(drawn: Drawn) -> set[str]:
    """Written anew from the two texts: each object inside every limit of both, and tied."""
    levels = ("TLP:CLEAR", "TLP:GREEN", "TLP:AMBER", "TLP:AMBER+STRICT")
    ceilings = [drawn.first["ceiling"], drawn.second["ceiling"]]
    ceilings.append(drawn.first["onward"].partition('marking_max = "')[2].partition('"')[0])
    most = min(map(levels.index, ceilings))
    fits = {
        doc["id"]
        for doc, level in drawn.objects
        if level <= most
        and f'"{doc["type"]}"' in drawn.first["types"]
        and f'"{doc["type"]}"' in drawn.second["types"]
        and not (drawn.asked and doc["id"] in drawn.refuses)
    }
    if HERON["id"] not in fits:
        return set()
    ties = {
        doc["id"]: {doc["source_ref"], doc["target_ref"]}
        for doc, _ in drawn.objects
        if doc["type"] == "relationship" and doc["id"] in fits
    }
    whole = {each for each, ends in ties.items() if ends <= fits}
    return {HERON["id"], *whole, *(end for each in whole for end in ties[each])}


def acts(chain: Chain, drawn: Drawn) -> list[Callable[[], object]]:
    half = len(drawn.objects) // 2
    return [
        lambda: chain.agree(first=drawn.first),
        lambda: chain.agree(second=drawn.second),
        *(
            (lambda some=some: [chain.first.put(doc, marking=level) for doc, level in some])
            for some in (drawn.objects[:half], drawn.objects[half:])
        ),
        lambda: chain.move(1),
    ]


@pytest.mark.parametrize("seed", range(5))
def test_a_random_chain_gives_what_both_let_go(strangers: Chain, seed: int) -> None:
    chance = random.Random(seed)  # a course that can be played again
    chain, made = strangers, drawn(chance)
    order = acts(chain, made)
    chance.shuffle(order)
    for act in order:
        act()
    for _ in range(3):
        chain.move(1)
        for each in chain.asked():
            chain.answer("refuse" if each.given in made.refuses else "consent", each.given)
    chain.move(2)
    assert chain.held_at_east() == expected(made)
    assert chain.rebuilt()
    assert replay.replay(chain.south).differing == ()
