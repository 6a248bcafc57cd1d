"""What a partner learns of sources that stay: how many there are, and nothing else."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from tearline.agreement.home import Home
from tearline.provenance.claims import Claim, Link, Missing, Wording, claim_of, note_of
from tearline.release.arrive import Annotation
from tearline.release.cut import source_pseudonym
from tearline.store import claims, worth
from tearline.weighing import grouping as alike
from tearline.weighing import worth as judge
from tearline.weighing.explained import explain
from tearline.weighing.worth import catch_up, settle_everything
from tests.pair import START, TYPES, Pair, make_pair, sdo, stix_id

VEILED = 'pseudonymise = ["note.source_chain"]'
HERON, APART = sdo("intrusion-set", "Gray Heron"), sdo("malware", "Tin Whistle")
SOURCES = [
    sdo("identity", f"Quiet Source {word}", aliases=[f"QS-{word}"])
    for word in ("Amber", "Birch", "Cedar", "Dune", "Ember")
]
REPORT = sdo("report", "page", published="2026-03-01T00:00:00Z", object_refs=[APART["id"]])


def make(folder: Path, **more: str) -> Pair:
    made = make_pair(folder)
    made.agree(shape=VEILED, types=json.dumps([*TYPES, "grouping"]), **more)
    return made


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    return make(tmp_path)


def chain(*places: int, unnamed: bool = False) -> tuple[Link, ...]:
    """Who passed it on, by their places among the sources, the last the origin."""
    said: dict[str, Any] = {"cue": "so says QS-Cedar", "interest": "is paid for it by QS-Dune"}
    links = [Link("relay", SOURCES[each]["id"], **said) for each in places[:-1]]
    end = Link("origin", SOURCES[places[-1]]["id"], unnamed=unnamed, said="2026-02", **said)
    return (*links, end)


def told(name: str, links: tuple[Link, ...], text: str = "", denies: str = "") -> dict[str, Any]:
    claim = Claim(
        polarity="denied" if denies else "asserted",
        denies_ref=denies,
        certainty="reported",
        source_chain=links,
        report_ref=REPORT["id"],
        excerpt_start=0,
        excerpt_end=len(text or name),
        hedges=("as QS-Amber has it",),
        missing=(Missing("a letter of Quiet  source amber", SOURCES[0]["id"]),),
    )
    said = Wording(name, text or name, (HERON["id"],))
    return note_of(claim, said, note_id=stix_id("note", name), at=START)


def together(*notes: dict[str, Any]) -> dict[str, Any]:
    refs = [HERON["id"], *(each["id"] for each in notes)]
    labels = ["proposition", "gray-heron"]
    return sdo("grouping", "alike", context="unspecified", labels=labels, object_refs=refs)


def given_to(pair: Pair) -> dict[str, dict[str, Any]]:
    pair.reconcile()
    return {each.get("abstract", each["id"]): each for each in pair.delivered().values()}


def ends(doc: dict[str, Any]) -> Link:
    claim = claim_of(doc)
    assert claim is not None
    return claim.source_chain[-1]


def counted(home: Home, *ids: str) -> set[tuple[str, int, int, int]]:
    """What a node counts for the propositions of these claims: each polarity."""
    catch_up(home, now=START)
    settle_everything(home, now=START)
    with home.store.read() as tx:
        names = set(claims.propositions(tx, ids).values())
        found = worth.of(tx, names).values()
    return {(each.polarity, each.supporting, each.against, each.credibility) for each in found}


def bytes_of(folder: Path) -> bytes:
    """Everything that a node holds on its disk: objects, the log's copy, and what is said of it."""
    return b"".join(each.read_bytes() for each in folder.rglob("*") if each.is_file())


def test_a_source_that_stays_goes_under_a_pseudonym_and_says_nothing(pair: Pair) -> None:
    note = told("It drops", chain(1, 0), "It drops, says Quiet Source  AMBER (QS-Birch).")
    pair.put(HERON, APART, REPORT, *SOURCES, note)
    found = given_to(pair)["It drops"]
    claim = claim_of(found)
    assert claim is not None
    secret = (pair.north.path / "keys" / "secret").read_bytes()
    assert claim.source_chain == (
        Link("relay", source_pseudonym(secret, SOURCES[1]["id"]), pseudonym=True),
        Link("origin", source_pseudonym(secret, SOURCES[0]["id"]), said="2026-02", pseudonym=True),
    )
    assert found["object_refs"] == [HERON["id"]]
    assert found["content"] == "It drops, says a source (a source)."
    assert (claim.excerpt_start, claim.hedges) == (None, ("as a source has it",))
    assert claim.missing == (Missing("a letter of a source"),)
    pair.sync()
    held = bytes_of(pair.south.path).lower()
    for each in SOURCES:
        for secret_word in (each["id"], each["name"], *each["aliases"]):
            assert secret_word.lower().encode() not in held, secret_word
    assert b"paid for it" not in held
    assert found["id"].encode() in held


def test_without_the_line_a_source_that_stays_is_nobody(tmp_path: Path) -> None:
    pair = make_pair(tmp_path)
    pair.agree()
    pair.put(HERON, *SOURCES, told("It drops", chain(1)))
    assert ends(given_to(pair)["It drops"]) == Link("origin", said="2026-02", unnamed=True)


def test_the_same_source_has_one_pseudonym_in_all_that_we_give(pair: Pair) -> None:
    other = pair.beside(7, names='["Tin Whistle"]', labels='["tin-whistle"]')
    other.agree()
    second = told("It plays", chain(2))
    second["object_refs"] = [APART["id"]]
    pair.put(HERON, APART, *SOURCES, told("It drops", chain(2)), told("It rests", chain(3)), second)
    found = given_to(pair)
    assert ends(found["It drops"]).identity_ref != ends(found["It rests"]).identity_ref
    there = given_to(other)["It plays"]
    assert ends(there).identity_ref == ends(found["It drops"]).identity_ref
    assert found["It drops"]["id"] != told("It drops", chain(2))["id"]


def test_whom_we_hold_goes_under_our_pseudonym_whatever_the_claim_says(pair: Pair) -> None:
    strange = stix_id("identity", "somebody of another node")
    for number, source in enumerate((SOURCES[1]["id"], strange)):
        note = told(f"Note {number}", (Link("origin", source, pseudonym=True),))
        pair.put(HERON, *SOURCES, note)
        end = ends(given_to(pair)[f"Note {number}"])
        assert end.pseudonym
        assert (end.identity_ref == source) is (source == strange)


def test_who_goes_by_name_is_named(pair: Pair) -> None:
    pair.agree(topics='"*"')
    note = told("It drops", chain(1, 0))
    pair.put(HERON, APART, REPORT, *SOURCES, note)
    assert given_to(pair)["It drops"] == note


def worth_at(home: Home, doc: dict[str, Any]) -> tuple[int, int, list[str]]:
    """What a node's own count says of a claim: its claims, its origins, and who they are."""
    catch_up(home, now=START)
    found = explain(home, doc["id"], now=START)
    return len(found.claims), found.supporting, sorted(each.name for each in found.origins)


def test_what_a_person_says_is_alike_is_one_proposition_over_there(pair: Pair) -> None:
    known = SOURCES[2] | {"labels": ["gray-heron"]}
    first, second, third = (
        told(name, chain(place))
        for name, place in (("It drops", 0), ("It falls", 2), ("Down it comes", 0))
    )
    pair.put(HERON, APART, REPORT, SOURCES[0], known, first, second, third)
    ids = [each["id"] for each in (first, second)]
    note = Annotation(marking=0)
    alike.together(pair.north, ids, labels=["gray-heron"], annotation=note, now=pair.tick())
    theirs = given_to(pair)
    pair.sync()
    secret = (pair.north.path / "keys" / "secret").read_bytes()
    veiled = source_pseudonym(secret, SOURCES[0]["id"])
    two = (2, 2, sorted([veiled, known["name"]]))
    assert worth_at(pair.north, first)[:2] == (2, 2)
    assert worth_at(pair.south, theirs["It drops"]) == two
    assert worth_at(pair.south, theirs["It falls"]) == two
    assert worth_at(pair.south, theirs["Down it comes"]) == (1, 1, [veiled])

    judge.same(pair.south, veiled, known["id"], "One office.", "An analyst", now=START)
    assert worth_at(pair.south, theirs["It falls"])[:2] == (2, 1)
    judge.apart(pair.south, veiled, "Two, after all.", now=START)

    alike.together(pair.north, [first["id"], third["id"]], now=pair.tick())
    theirs = given_to(pair)
    pair.sync()
    assert worth_at(pair.south, theirs["It drops"]) == (3, *two[1:])

    alike.apart(pair.north, [second["id"]], now=pair.tick())
    theirs = given_to(pair)
    pair.sync()
    assert worth_at(pair.south, theirs["It drops"]) == (2, 1, [veiled])
    assert worth_at(pair.south, theirs["It falls"]) == (1, 1, [known["name"]])


_PATHS = st.lists(st.integers(0, 4), min_size=1, max_size=4, unique=True)


@settings(
    max_examples=4,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(told_by=st.lists(st.tuples(_PATHS, st.booleans(), st.booleans()), min_size=1, max_size=6))
@example(told_by=[([0], False, False), ([1, 0, 2], False, False)])
def test_the_partner_counts_as_many_as_we_do(
    tmp_path_factory: pytest.TempPathFactory, told_by: list[tuple[list[int], bool, bool]]
) -> None:
    pair = make(tmp_path_factory.mktemp("border"))
    first = told("First", chain(*told_by[0][0]))
    notes = [first] + [
        told(f"Also {number}", chain(*places, unnamed=unnamed), denies=first["id"] * denies)
        for number, (places, unnamed, denies) in enumerate(told_by[1:])
    ]
    pair.put(HERON, APART, REPORT, *SOURCES, *notes, together(*notes))
    theirs = given_to(pair)
    pair.sync()
    ours = counted(pair.north, *(each["id"] for each in notes))
    assert len(ours) in {1, 2}
    there = [each["id"] for each in theirs.values() if each["type"] == "note"]
    assert counted(pair.south, *there) == ours
