"""What was given may go on only inside what both agreements allow, and as its giver consents."""

from pathlib import Path

import pytest

from tearline.agreement import force, signing
from tearline.agreement.terms import parse_toml
from tearline.errors import RefusedError
from tearline.release import (
    arrive,
    consenting,
    expiring,
    onward,
    preview,
    recall,
    reconcile,
    replay,
    showing,
)
from tearline.release.arrive import Annotation
from tearline.stix.marking import CLEAR, marking_ref
from tearline.store import objects
from tearline.store import onward as rows
from tearline.store.objects import OURS
from tests.chain import ASKED, FREELY, Chain, make_chain
from tests.pair import DAY, START, as_object, rel, sdo
from tests.plain import sign

heron = sdo("intrusion-set", "Gray Heron")
loader = sdo("malware", "Mud Loader", x_desk="12")
uses = rel(heron, "uses", loader)
ALL = {each["id"] for each in (heron, loader, uses)}
TO_NOBODY = FREELY.replace('to = "*"', 'to = ["west-cert"]')


@pytest.fixture
def chain(strangers: Chain) -> Chain:
    strangers.first.put(heron, loader, uses)
    return strangers


def why(chain: Chain, stix_id: str) -> set[str]:
    (said,) = preview.explain(chain.south, stix_id, "east-cert", now=chain.first.now)
    return {each.code for each in said.reasons}


def test_nothing_goes_on_where_the_agreement_does_not_say_so(chain: Chain) -> None:
    chain.agree({}, {})
    chain.move()
    assert chain.at_east() == {}
    assert "received" in why(chain, heron["id"])


def test_what_may_go_on_goes_byte_for_byte_and_names_its_agreement(chain: Chain) -> None:
    chain.agree({"onward": FREELY}, {})
    chain.move()
    assert chain.at_east()[heron["id"]] == heron
    assert chain.held_at_east() == ALL
    came = consenting.came(chain.east, now=chain.first.now)
    assert {(each.object, each.source, each.key) for each in came} == {
        (stix_id, chain.first.last_hash, "") for stix_id in ALL
    }
    assert chain.rebuilt()
    assert replay.replay(chain.south).differing == ()


@pytest.mark.parametrize(("rule", "go", "wait"), [(FREELY, 3, 0), (ASKED, 0, 3), (TO_NOBODY, 0, 0)])
def test_a_preview_counts_what_may_go_on(chain: Chain, rule: str, go: int, wait: int) -> None:
    chain.agree({"onward": rule}, {})
    chain.move()
    with chain.south.store.read() as tx:
        bound = force.in_force(tx, chain.second.agreement_id, now=chain.first.now)
    assert bound is not None
    found = preview.preview(chain.south, bound.terms, now=chain.first.now)
    assert (found.go, found.wait) == (go, wait)


def test_a_limit_left_out_lets_nothing_go_on(chain: Chain) -> None:
    open_ended = "\n".join(line for line in FREELY.splitlines() if "marking_max" not in line)
    chain.agree({"onward": open_ended}, {})
    chain.move()
    assert chain.at_east() == {}


@pytest.mark.parametrize(
    ("first", "second", "code"),
    [
        ({"onward": TO_NOBODY}, {}, "onward-not-allowed"),
        ({"onward": FREELY.replace("TLP:RED", "TLP:CLEAR")}, {}, "onward-not-allowed"),
        ({"onward": FREELY}, {"ceiling": "TLP:CLEAR"}, "marking-above"),
        ({"onward": FREELY}, {"types": '["malware"]'}, "type-not-listed"),
        ({"onward": TO_NOBODY.replace("west", "east")}, {"onward": FREELY}, "onward-not-allowed"),
        ({"onward": ASKED}, {"onward": FREELY}, "onward-not-allowed"),
    ],
)
def test_the_chain_only_narrows(
    strangers: Chain, first: dict[str, str], second: dict[str, str], code: str
) -> None:
    chain = strangers
    chain.first.put(heron, loader, uses, marking=1)
    chain.agree(first, second)
    chain.move()
    assert chain.at_east() == {}
    assert code in why(chain, heron["id"])


def test_nothing_goes_back_to_who_gave_it(chain: Chain) -> None:
    back = chain.first.beside(0xBB, onward=FREELY)
    back.north, back.south = chain.south, chain.north
    chain.agree({"onward": FREELY}, {})
    back.now = chain.first.now
    back.agree()
    chain.first.now = back.now
    chain.move()
    assert back.delivered() == {}


def test_what_is_ours_goes_as_ours(chain: Chain) -> None:
    chain.agree({"onward": FREELY}, {})
    arriving, now = [as_object(heron)], chain.first.tick()
    arrive.arrive(chain.south, arriving, source="desk", annotation=Annotation(0), now=now)
    chain.move()
    assert chain.held_at_east() == ALL
    came = consenting.came(chain.east, now=chain.first.now)
    assert {each.object for each in came} == ALL - {heron["id"]}
    arrive.arrive(
        chain.south,
        [as_object(loader)],
        source="desk",
        annotation=Annotation(0),
        now=chain.first.tick(),
    )
    chain.move()
    came = consenting.came(chain.east, now=chain.first.now)
    assert {each.object for each in came} == {uses["id"]}
    assert chain.held_at_east() == ALL
    assert chain.rebuilt()


def test_what_needs_a_consent_waits_for_it_and_takes_it_along(chain: Chain) -> None:
    chain.agree({"onward": ASKED}, {})
    chain.move()
    assert chain.at_east() == {}
    assert why(chain, heron["id"]) == {"consent-waits"}
    assert {each.given for each in chain.asked()} == ALL
    chain.answer()
    chain.move()
    assert chain.held_at_east() == ALL
    came = consenting.came(chain.east, now=chain.first.now)
    assert {each.object for each in came} == ALL
    assert {(each.key, each.giver) for each in came} == {(chain.north.card.sign, None)}
    assert chain.rebuilt()
    assert replay.replay(chain.south).differing == ()


def test_a_consent_to_a_cut_shows_its_bytes(chain: Chain) -> None:
    chain.agree({"onward": ASKED}, {"remove": '["x_desk"]'})
    chain.move()
    asked = {each.given: each for each in chain.asked()}
    assert asked[heron["id"]].raw is None
    assert b"x_desk" not in (asked[loader["id"]].raw or b"x_desk")
    _, (shown,) = showing.show(chain.south, loader["id"], "east-cert", now=chain.first.now)
    assert shown.raw == asked[loader["id"]].raw, "and here one sees the same"
    chain.answer()
    chain.move()
    assert len(chain.held_at_east()) == 3
    assert not chain.held_at_east() & {loader["id"], uses["id"]}


def test_a_refusal_keeps_it_here_and_what_hangs_on_it(chain: Chain) -> None:
    chain.agree({"onward": ASKED}, {})
    chain.move()
    chain.answer("refuse", loader["id"])
    chain.answer("consent")
    chain.move()
    assert chain.held_at_east() == {heron["id"]}
    assert why(chain, loader["id"]) == {"consent-refused"}
    assert chain.rebuilt()
    assert replay.replay(chain.south).differing == ()


def test_other_bytes_are_asked_about_anew(chain: Chain) -> None:
    chain.agree({"onward": ASKED}, {})
    chain.move()
    chain.answer()
    chain.move()
    newer = heron | {"modified": "2026-03-02T00:00:00.000Z", "description": "new"}
    chain.first.put(newer)
    chain.move()
    assert [each.given for each in chain.asked()] == [heron["id"]]
    assert heron["id"] not in chain.at_east()
    chain.answer()
    chain.move()
    assert chain.at_east()[heron["id"]] == newer


@pytest.mark.parametrize("which", ["first", "second"])
def test_another_version_of_either_agreement_is_asked_about_anew(chain: Chain, which: str) -> None:
    chain.agree({"onward": ASKED}, {})
    chain.move()
    chain.answer()
    chain.move()
    assert chain.held_at_east() == ALL
    chain.agree(**{which: {"age": 300}})
    chain.move()
    assert chain.at_east() == {}
    assert {each.given for each in chain.asked()} == ALL
    chain.answer()
    chain.move()
    assert chain.held_at_east() == ALL


def test_a_recall_reaches_the_second_hop_and_its_receipt_says_so(chain: Chain) -> None:
    chain.agree({"onward": FREELY}, {})
    chain.move()
    recall.recall(chain.north, loader["id"], "south-isac", "an error", now=chain.first.tick())
    chain.sync(chain.first)
    (ordered, _) = recall.recalls(chain.north, now=chain.first.now)
    assert (ordered.state, ordered.told, ordered.told_confirmed) == ("confirmed", 1, 0)
    assert chain.at_east().keys() == {heron["id"]}, "served no more, even before it is withdrawn"
    chain.move()
    assert chain.held_at_east() == {heron["id"]}
    for ordered in recall.recalls(chain.north, now=chain.first.now):
        assert (ordered.state, ordered.told, ordered.told_confirmed) == ("confirmed", 1, 1)
    with chain.south.store.read() as tx:
        assert objects.latest(tx, OURS, ALL).keys() == {heron["id"]}
    assert chain.rebuilt()


def test_what_was_recalled_and_is_given_again_is_asked_about_again(chain: Chain) -> None:
    chain.agree({"onward": ASKED}, {})
    chain.move()
    chain.answer()
    chain.move()
    recall.recall(chain.north, heron["id"], "south-isac", "an error", now=chain.first.tick())
    chain.move()
    assert chain.held_at_east() == set()
    arrive.release_hold(chain.north, "object", heron["id"], "right", now=chain.first.tick())
    chain.move()
    assert {each.given for each in chain.asked()} == ALL
    chain.answer()
    chain.move()
    assert chain.held_at_east() == ALL


def test_a_source_that_rests_stops_it_and_takes_it_back(chain: Chain) -> None:
    chain.agree({"onward": FREELY}, {})
    chain.move()
    now = chain.first.tick()
    signing.suspend(chain.south, chain.first.agreement_id, reason="a doubt", now=now)
    done = chain.reconcile(chain.south)
    assert done[chain.second.agreement_id].withdrawn == 3
    assert why(chain, heron["id"]) >= {"onward-not-allowed"}
    chain.sync(chain.second)
    assert chain.held_at_east() == set()
    chain.move()
    further = {(each.told, each.told_confirmed) for each in recall.recalls(chain.north, now=now)}
    assert further == {(1, 1)}


def test_it_ends_with_the_clock_of_its_source(chain: Chain) -> None:
    chain.agree({"onward": FREELY, "until": "2026-04-01"}, {})
    chain.move()
    chain.first.now = START + 40 * DAY
    assert chain.at_east() == {}
    chain.move()
    assert chain.held_at_east() == set()


def test_who_asks_without_end_is_refused_and_asks_again_later(
    chain: Chain, monkeypatch: pytest.MonkeyPatch
) -> None:
    chain.agree({"onward": ASKED}, {})
    monkeypatch.setattr(consenting, "_MOST_OPEN", 2)
    with pytest.raises(RefusedError, match="would wait for our word"):
        chain.move()
    assert chain.asked() == []
    monkeypatch.setattr(consenting, "_MOST_OPEN", 3)
    chain.move()
    assert {each.given for each in chain.asked()} == ALL


def test_a_consent_that_is_to_something_else_is_not_taken(
    chain: Chain, monkeypatch: pytest.MonkeyPatch
) -> None:
    chain.agree({"onward": ASKED}, {})
    chain.move()
    monkeypatch.setattr(rows, "consents_on", _exchanged)
    chain.answer("consent")
    monkeypatch.setattr("tearline.release.consents._holds", lambda *_: True)
    chain.move()
    with pytest.raises(AssertionError):
        chain.held_at_east()


_genuine = rows.consents_on


def _exchanged(tx: object, items: object) -> dict[str, rows.Consent]:
    """What was asked, each with the answer that belongs to another."""
    found = _genuine(tx, items)  # type: ignore[arg-type]
    signed = sorted(each.signed for each in found.values())
    if "" in signed:
        return found
    return {
        item: each._replace(signed=next(s for s in signed if s != each.signed))
        for item, each in found.items()
    }


def test_a_draft_that_promises_more_names_its_clause(chain: Chain) -> None:
    chain.agree({"onward": TO_NOBODY}, {})
    chain.move()
    said = onward.wider(chain.south, parse_toml(chain.second.terms()), now=chain.first.now)
    (line,) = said
    assert line.startswith("clause N1 · to: What came under “Gray Heron against hospitals” may not")
    chain.agree({"onward": ASKED.replace("TLP:RED", "TLP:GREEN")})
    chain.move()
    draft = parse_toml(chain.second.terms(onward=FREELY))
    said = onward.wider(chain.south, draft, now=chain.first.now)
    assert [each.partition(": ")[0] for each in said] == [
        "clause N1 · marking_max",
        "clause N1 · to",
        "onward · allowed",
        "onward · marking_max",
    ]


def test_a_receiver_without_a_node_gets_it_with_the_giver_s_marking(chain: Chain) -> None:
    plain = chain.second.beside(0xCC)
    chain.agree({"onward": FREELY})
    chain.move()
    plain.now = chain.first.now
    sign(plain)
    chain.first.now = plain.now
    chain.reconcile(chain.south)
    (name,) = [each for each in plain.delivered().values() if each.get("name") == "Gray Heron"]
    assert name["object_marking_refs"] == [marking_ref(CLEAR)]
    newer = loader | {"modified": "2026-03-02T00:00:00.000Z", "description": "new"}
    chain.first.put(newer)
    chain.move()
    assert len(plain.delivered()) == 3
    done = reconcile.reconcile(chain.south, plain.agreement_id, now=chain.first.tick(), whole=True)
    assert done == (0, 0, 0)


@pytest.mark.usefixtures("either_store")
def test_the_course_is_the_same_on_either_store(tmp_path: Path) -> None:
    chain = make_chain(tmp_path)
    chain.first.put(heron, loader, uses)
    chain.agree({"onward": ASKED}, {"remove": '["x_desk"]'})
    chain.move()
    chain.answer("consent")
    chain.move()
    assert len(chain.held_at_east()) == 3
    recall.recall(chain.north, loader["id"], "south-isac", "an error", now=chain.first.tick())
    chain.move()
    assert chain.held_at_east() == {heron["id"]}
    further = recall.recalls(chain.north, now=chain.first.now)
    assert {(each.told, each.told_confirmed) for each in further} == {(1, 1)}
    assert chain.rebuilt()


def test_what_may_be_kept_no_longer_is_taken_back_further_on(chain: Chain) -> None:
    chain.agree({"onward": f"{FREELY}\n[retention]\nkeep_days = 5\n"}, {})
    chain.move()
    assert chain.held_at_east() == ALL
    chain.first.now += 6 * DAY
    expiring.expire_all(chain.south, now=chain.first.now)
    assert chain.at_east() == {}
    with chain.south.store.read() as tx:
        assert not objects.latest(tx, OURS, ALL)
    chain.reconcile(chain.south)
    chain.sync(chain.second)
    assert chain.held_at_east() == set()
