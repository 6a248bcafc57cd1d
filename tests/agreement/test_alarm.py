"""What suspends by itself is what each agreement says, and only with the party that was found."""

from pathlib import Path

import pytest

from tearline.agreement.alarm import raise_alarm
from tearline.agreement.document import CAUSES, Cause
from tearline.agreement.state import parse_statement
from tearline.store import agreements
from tests.pair import Pair, make_pair

REASON = "A log of the other party shows two histories."


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    return make_pair(tmp_path)


def alarm(pair: Pair, cause: Cause, party: str = "south-isac") -> list[str]:
    with pair.north.store.write() as tx:
        done = raise_alarm(tx, pair.north, party, cause, REASON, now=pair.tick())
    return [each.agreement_id for each in done]


def said(*causes: str) -> str:
    return f"[suspend]\non = {list(causes)}".replace("'", '"')


@pytest.mark.parametrize("cause", CAUSES)
def test_by_default_what_cannot_be_an_accident_suspends(pair: Pair, cause: Cause) -> None:
    pair.agree()
    expected = [] if cause == "bad-proof" else [pair.agreement_id]
    assert alarm(pair, cause) == expected


def test_each_agreement_with_the_party_is_asked(pair: Pair) -> None:
    pair.agree(end=said())
    others = {each: pair.beside(place) for place, each in enumerate(CAUSES, start=2)}
    for cause, other in others.items():
        other.agree(end=said(cause))
    for cause, other in others.items():
        assert alarm(pair, cause, party="east-clinic") == []
        assert alarm(pair, cause) == [other.agreement_id]
        assert alarm(pair, cause) == []  # it is suspended already


def test_the_statement_is_signed_says_why_and_goes_to_the_partner(pair: Pair) -> None:
    pair.agree()
    alarm(pair, "split-view")
    pair.carry()
    for home in (pair.north, pair.south):
        with home.store.read() as tx:
            version = agreements.versions(tx, pair.agreement_id)[-1]
            rows = agreements.statements(tx, pair.agreement_id)
        steps = [parse_statement(row.body) for row in rows]
        assert version.state == "suspended"
        assert [each.reason for each in steps if each.step == "suspended"] == [REASON]


def test_what_is_only_proposed_is_left_to_people(pair: Pair) -> None:
    pair.propose()
    assert alarm(pair, "split-view") == []
