"""What was given may go on only inside what both agreements allow, and as its giver consents."""

from pathlib import Path

import pytest

from tearline.release import consenting, preview, recall
from tests.chain import ASKED, FREELY, Chain, make_chain
from tests.pair import rel, sdo

heron = sdo("intrusion-set", "Gray Heron")
loader = sdo("malware", "Mud Loader")
uses = rel(heron, "uses", loader)
ALL = {each["id"] for each in (heron, loader, uses)}


@pytest.fixture
def chain(tmp_path: Path) -> Chain:
    made = make_chain(tmp_path)
    made.first.put(heron, loader, uses)
    return made


def why(chain: Chain, stix_id: str) -> set[str]:
    (said,) = preview.explain(chain.south, stix_id, "east-cert", now=chain.first.now)
    return {each.code for each in said.reasons}


def test_nothing_goes_on_where_the_agreement_does_not_say_so(chain: Chain) -> None:
    chain.agree({}, {})
    chain.move()
    assert chain.at_east() == {}
    assert "received" in why(chain, heron["id"])


def test_what_may_go_on_goes_byte_for_byte(chain: Chain) -> None:
    chain.agree({"onward": FREELY}, {})
    chain.move()
    assert chain.at_east().keys() == ALL
    assert chain.at_east()[heron["id"]] == heron


def test_what_needs_a_consent_waits_for_it_and_takes_it_along(chain: Chain) -> None:
    chain.agree({"onward": ASKED}, {})
    chain.move()
    assert chain.at_east() == {}
    assert why(chain, heron["id"]) == {"consent-waits"}
    assert {each.given for each in chain.asked()} == ALL
    chain.answer()
    chain.move()
    assert chain.at_east().keys() == ALL
    came = consenting.came(chain.east, now=chain.first.now)
    assert {each.object for each in came} == ALL
    assert {(each.key, each.giver) for each in came} == {(chain.north.card.sign, None)}


def test_a_refusal_keeps_it_here(chain: Chain) -> None:
    chain.agree({"onward": ASKED}, {})
    chain.move()
    chain.answer("refuse", loader["id"])
    chain.answer("consent")
    chain.move()
    assert chain.at_east().keys() == {heron["id"]}
    assert why(chain, loader["id"]) == {"consent-refused"}


def test_a_recall_reaches_the_second_hop_and_its_receipt_says_so(chain: Chain) -> None:
    chain.agree({"onward": FREELY}, {})
    chain.move()
    recall.recall(chain.north, loader["id"], "south-isac", "an error", now=chain.first.tick())
    chain.sync(chain.first)
    (ordered, _) = recall.recalls(chain.north, now=chain.first.now)
    assert (ordered.state, ordered.told, ordered.told_confirmed) == ("confirmed", 1, 0)
    chain.move()
    assert chain.at_east().keys() == {heron["id"]}
    for ordered in recall.recalls(chain.north, now=chain.first.now):
        assert (ordered.state, ordered.told, ordered.told_confirmed) == ("confirmed", 1, 1)
