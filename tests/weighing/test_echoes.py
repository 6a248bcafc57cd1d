"""Circles across partners: our own report is known when it comes back, and counts for nothing."""

import itertools
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from tearline.agreement.card import card_hash, check_words
from tearline.agreement.home import Home, create_home
from tearline.agreement.partners import add_party
from tearline.provenance.claims import Claim, Link, Wording, claim_of, note_of
from tearline.release.cut import source_pseudonym
from tearline.store import aliases, echoes
from tearline.weighing import echoes as circles
from tearline.weighing import explained, showing
from tearline.weighing.indexing import begin_again, sort_in
from tearline.weighing.worth import settle
from tests.chain import FREELY, Chain, make_chain
from tests.pair import START, TYPES, Pair, rel, sdo, stix_id
from tests.weighing.told import ANOTHER, PARTNER, group, keep, note_id, told

VEILED = 'pseudonymise = ["note.source_chain"]'
HERON = sdo("intrusion-set", "Gray Heron")
QUIET = sdo("identity", "Quiet Source")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return create_home(tmp_path / "north", "North CERT", None, START)


def put(home: Home, *docs: dict[str, Any], origin: str = "") -> None:
    with home.store.write() as tx:
        keep(tx, *docs, origin=origin)
    sort_in(home)


def gave(home: Home, name: str, delivered: str) -> None:
    """We gave what is ours under another id, as a release remembers it."""
    with home.store.write() as tx:
        aliases.put_aliases(tx, [(PARTNER, delivered, name)])


def kinds(home: Home) -> dict[str, str]:
    with home.store.read() as tx:
        return {each.stix_id: each.kind for each in echoes.newest(tx, 1000)}


def supporting(home: Home, name: str) -> int:
    settle(home, now=START)
    return explained.explain(home, note_id(name), now=START).supporting


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    """The agreement of the tests is one that we have."""
    monkeypatch.setattr("tearline.store.agreements.agreement_ids", lambda _tx: [PARTNER, ANOTHER])


def test_a_chain_that_comes_back_to_us_counts_for_nothing(home: Home) -> None:
    put(home, told("It rains", "Blue Paper"))
    put(home, told("It pours", "Red Paper", "Somebody"), origin=PARTNER)
    put(home, sdo("identity", "north  cert"), origin=PARTNER)
    put(home, told("They say so", "Red Paper", "north  cert"), origin=PARTNER)
    put(home, group("alike", "It rains", "It pours", "They say so"))
    assert kinds(home) == {note_id("They say so"): "us"}
    assert supporting(home, "It rains") == 2
    shown = circles.listed(home, limit=10, now=START)
    assert [(each.id, each.kind, each.ours) for each in shown] == [
        (note_id("They say so"), "us", "")
    ]


@pytest.mark.usefixtures("known")
def test_our_pseudonym_our_claim_and_our_report_are_known_again(home: Home) -> None:
    put(home, QUIET, told("It rains", "Quiet Source"), sdo("report", "page"))
    secret = home.keys.secret
    pseudonym = source_pseudonym(secret, QUIET["id"])
    gave(home, note_id("It rains"), note_id("as they have it"))
    gave(home, stix_id("report", "page"), stix_id("report", "as they have it"))
    ends = (Link("publisher", stix_id("identity", "Red Paper")), Link("origin", pseudonym))
    veiled = Claim(polarity="asserted", certainty="plain", source_chain=ends)
    put(
        home,
        note_of(veiled, Wording("By pseudonym", "…"), note_id=note_id("By pseudonym"), at=START),
        told("as they have it", "Red Paper"),
        told("Reported", "Red Paper", report_ref=stix_id("report", "as they have it")),
        told("News", "Red Paper", "Somebody"),
        origin=ANOTHER,
    )
    assert kinds(home) == {
        note_id("By pseudonym"): "source",
        note_id("as they have it"): "claim",
        note_id("Reported"): "report",
    }
    with home.store.read() as tx:
        found = {each.stix_id: each.ours for each in echoes.newest(tx, 9)}
    assert found[note_id("By pseudonym")] == QUIET["id"]
    assert found[note_id("as they have it")] == note_id("It rains")
    before = kinds(home)
    begin_again(home)
    sort_in(home)
    assert kinds(home) == before


_NOTES = [f"Note {number}" for number in range(6)]


@pytest.mark.usefixtures("known")
@settings(
    max_examples=15,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    ties=st.sets(st.tuples(st.integers(0, 5), st.integers(0, 5)), max_size=9),
    ours=st.sets(st.integers(0, 5), max_size=2),
    order=st.permutations(range(16)),
    again=st.booleans(),
)
@example(ties=set(itertools.pairwise(range(6))), ours={5}, order=[*range(16)], again=False)
def test_what_is_derived_from_ours_is_known_round_every_ring(
    tmp_path_factory: pytest.TempPathFactory,
    ties: set[tuple[int, int]],
    ours: set[int],
    order: list[int],
    again: bool,  # noqa: FBT001  # drawn
) -> None:
    home = create_home(tmp_path_factory.mktemp("ring"), "North CERT", None, START)
    notes = [told(name, "Red Paper", "Somebody") for name in _NOTES]
    edges = [rel(notes[one], "derived-from", notes[two]) for one, two in sorted(ties) if one != two]
    put(home, told("Our own", "Blue Paper"))
    for each in ours:
        gave(home, note_id("Our own"), notes[each]["id"])
    docs = [*notes, *edges]
    for each in sorted(range(len(docs)), key=order.index):
        put(home, docs[each], origin=PARTNER)
    if again:
        begin_again(home)
        sort_in(home)
    expected = set(ours)
    for _ in notes:
        expected |= {one for one, two in ties if two in expected}
    assert kinds(home).keys() == {notes[each]["id"] for each in expected}


def test_a_relationship_that_is_revoked_ties_no_more(home: Home) -> None:
    put(home, sdo("identity", "North CERT"), origin=PARTNER)
    put(home, told("First", "North CERT"), told("Second", "Somebody"), origin=PARTNER)
    tie = rel(told("Second"), "derived-from", told("First"))
    put(home, tie, origin=PARTNER)
    assert kinds(home) == {note_id("First"): "us", note_id("Second"): "derived"}
    put(home, {**tie, "modified": "2026-03-05T00:00:00.000Z", "revoked": True}, origin=PARTNER)
    assert kinds(home) == {note_id("First"): "us"}


# ------------------------------------------------------------------------------- three real nodes


def _about(name: str, *links: Link) -> dict[str, Any]:
    claim = Claim(polarity="asserted", certainty="reported", source_chain=links)
    return note_of(claim, Wording(name, name, (HERON["id"],)), note_id=note_id(name), at=START)


def _ring(folder: Path) -> tuple[Chain, Pair]:
    """North gives South, South East, and East North."""
    chain = make_chain(folder)
    for us, them in ((chain.east, chain.north), (chain.north, chain.east)):
        file = (them.path / "card.json").read_bytes()
        add_party(us, file, check_words(card_hash(them.card)), now=START)
    wanted = {"shape": VEILED, "onward": FREELY, "types": json.dumps(TYPES)}
    chain.agree(wanted, wanted)
    last = f"{chain.first.agreement_id[:-4]}00bb"
    third = Pair(chain.east, chain.north, now=chain.second.now, agreement_id=last)
    third.agree(**wanted)
    chain.first.now = chain.second.now = third.now
    return chain, third


def test_three_nodes_in_a_ring_know_their_own(tmp_path: Path) -> None:
    chain, third = _ring(tmp_path)
    chain.first.put(HERON, QUIET, _about("It rains", Link("origin", QUIET["id"])))
    chain.move()
    # South writes it anew, and names nobody but the pseudonym that it was given.
    there = next(each for each in chain.at_east().values() if each["type"] == "note")
    read = claim_of(there)
    assert read is not None
    assert read.source_chain[-1].pseudonym
    own = sdo("identity", "South ISAC")
    anew = _about("It rains, we hear", Link("publisher", own["id"]), read.source_chain[-1])
    south = Pair(chain.south, chain.east, now=chain.second.now)
    south.put(own, anew)
    chain.first.now = chain.second.now = south.now
    chain.move()
    third.now = max(third.now, chain.second.now)
    third.reconcile()
    third.sync()
    assert b"Quiet Source" not in b"".join(
        each.read_bytes() for each in chain.east.path.rglob("*") if each.is_file()
    )
    sort_in(chain.north)
    found = circles.listed(chain.north, limit=10, now=third.now)
    assert {each.title: each.kind for each in found} == {
        "It rains": "claim",
        "It rains, we hear": "source",
    }
    assert {each.ours_title for each in found} == {"It rains", "Quiet Source"}
    settle(chain.north, now=third.now)
    for each in found:
        seen = showing.show(chain.north, each.id, now=third.now)
        assert [its.why for its in seen.echoes] == [each.why]
        if each.kind == "source":
            assert explained.explain(chain.north, each.id, now=third.now).supporting == 0
