"""Pinning a card by its words, and stopping everything with a partner."""

from pathlib import Path

import pytest

from tearline.agreement import signing
from tearline.agreement.card import card_hash, check_words, read_card
from tearline.agreement.home import create_home
from tearline.agreement.partners import add_party, block_party, find_party, unblock_party
from tearline.agreement.renewing import renew
from tearline.errors import MisuseError, RefusedError
from tearline.log import record
from tearline.store import logs, parties
from tests.agreement.sides import (
    DAY,
    NOW,
    Sides,
    carry,
    paper_terms,
    standing,
    states,
    terms,
)


def private_records(sides: Sides) -> list[bytes]:
    with sides.north.store.read() as tx:
        return [row[3] for row in logs.records_after(tx, record.PRIVATE, -1)]


def test_trust_on_first_use_is_refused(sides: Sides, tmp_path: Path) -> None:
    newcomer = create_home(tmp_path / "third", "Third CERT", None, NOW)
    newcomer.store.close()
    document = (newcomer.path / "card.json").read_bytes()
    words = check_words(card_hash(newcomer.card))
    for wrong in ("", "yes", words[:-5], check_words(card_hash(sides.south.card))):
        with pytest.raises(RefusedError) as caught:
            add_party(sides.north, document, wrong, now=NOW)
        assert words not in str(caught.value)  # else anyone could read them off the refusal
        with sides.north.store.read() as tx:
            assert parties.partner_of(tx, "third-cert") is None
    assert add_party(sides.north, document, words, now=NOW) == newcomer.card
    assert b'"act":"added"' in private_records(sides)[-1]


def test_adding_the_same_card_twice_changes_nothing(sides: Sides) -> None:
    before = private_records(sides)
    document = (sides.south.path / "card.json").read_bytes()
    add_party(sides.north, document, check_words(card_hash(sides.south.card)), now=NOW + 1)
    assert private_records(sides) == before


def test_two_parties_of_one_short_name_are_refused(sides: Sides, tmp_path: Path) -> None:
    for name, why in (("South ISAC", "already"), ("North CERT", "our own")):
        double = create_home(tmp_path / name, name, None, NOW)
        double.store.close()
        document = (double.path / "card.json").read_bytes()
        with pytest.raises(RefusedError, match=why):
            add_party(sides.north, document, check_words(card_hash(double.card)), now=NOW)


def test_a_renewed_card_takes_the_place_of_the_old_one_and_not_the_other_way(sides: Sides) -> None:
    old, words_before = (
        (sides.south.path / "card.json").read_bytes(),
        check_words(card_hash(sides.south.card)),
    )
    new = renew(sides.south, "https://south.example", now=NOW + DAY).document
    words = check_words(card_hash(read_card(new)))
    assert add_party(sides.north, new, words, now=NOW + DAY).url == "https://south.example"
    with pytest.raises(RefusedError, match="older"):
        add_party(sides.north, old, words_before, now=NOW + DAY)


def test_an_expired_card_is_refused(sides: Sides, tmp_path: Path) -> None:
    newcomer = create_home(tmp_path / "third", "Third CERT", None, NOW)
    newcomer.store.close()
    document = (newcomer.path / "card.json").read_bytes()
    words = check_words(card_hash(newcomer.card))
    with pytest.raises(RefusedError, match="expired"):
        add_party(sides.north, document, words, now=NOW + 3000 * DAY)


def test_a_block_stops_everything_at_once(sides: Sides) -> None:
    version = signing.propose(sides.north, terms(sides), now=NOW)
    carry(sides)
    signing.countersign(sides.south, version.agreement_id, now=NOW)
    carry(sides)
    signing.propose(sides.south, terms(sides, version=2, replaces=version.hash), now=NOW)
    carry(sides)
    assert list(states(sides.north).values()) == ["active", "proposed"]
    block_party(sides.north, "south isac", "it was on the list", now=NOW)
    assert list(states(sides.north).values()) == ["suspended", "rejected"]
    found = standing(sides.north)
    assert found is not None
    assert (found.serving, found.accepting) == (False, False)
    with pytest.raises(RefusedError, match="blocked"):
        signing.propose(sides.north, terms(sides, title="New"), now=NOW)
    carry_one_way(sides)
    assert list(states(sides.south).values()) == ["suspended", "rejected"]
    assert b"it was on the list" in private_records(sides)[-1]


def carry_one_way(sides: Sides) -> None:
    from tearline.agreement.receiving import receive  # noqa: PLC0415  # used once
    from tests.agreement.sides import outgoing  # noqa: PLC0415  # used once

    for document in outgoing(sides.north):
        receive(sides.south, document, now=NOW)


def test_lifting_a_block_leaves_the_agreement_suspended(sides: Sides) -> None:
    version = signing.propose(sides.north, terms(sides), now=NOW)
    carry(sides)
    signing.countersign(sides.south, version.agreement_id, now=NOW)
    carry(sides)
    block_party(sides.north, "South ISAC", "doubt", now=NOW)
    block_party(sides.north, "South ISAC", "doubt again", now=NOW)
    unblock_party(sides.north, "South ISAC", "cleared", now=NOW)
    unblock_party(sides.north, "South ISAC", "cleared", now=NOW)
    assert states(sides.north) == {version.hash: "suspended"}
    signing.resume(sides.north, version.agreement_id, now=NOW)
    carry(sides)
    assert states(sides.north) == {version.hash: "suspended"}
    signing.resume(sides.south, version.agreement_id, now=NOW)
    carry(sides)
    assert states(sides.north) == states(sides.south) == {version.hash: "active"}


def test_a_block_stops_a_receiver_on_paper_too(sides: Sides) -> None:
    version = signing.propose(sides.north, paper_terms(sides.north), now=NOW)
    signing.open_account(sides.north, version.agreement_id, now=NOW)
    block_party(sides.north, "east-clinic", "doubt", now=NOW)
    found = standing(sides.north)
    assert found is not None
    assert not found.serving


def test_reasons_and_names_have_to_be_there(sides: Sides) -> None:
    with pytest.raises(MisuseError, match="reason"):
        block_party(sides.north, "South ISAC", "  ", now=NOW)
    with pytest.raises(MisuseError, match="reason"):
        unblock_party(sides.north, "South ISAC", "", now=NOW)
    with sides.north.store.read() as tx, pytest.raises(MisuseError, match="not a partner"):
        find_party(tx, "West")
