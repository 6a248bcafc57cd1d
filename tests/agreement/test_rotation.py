"""Chains of cards, for any course of changes: in any order, forged, cut, replayed, forked."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from tearline.agreement import evidence, jws
from tearline.agreement.card import (
    CardFile,
    card_hash,
    read_cards,
    read_file,
    write_card,
    write_cards,
)
from tearline.agreement.key_files import vkey_of
from tearline.agreement.rotation import Cards, extend, revoked_by
from tearline.agreement.state import Statement, statement_bytes
from tearline.errors import InputError, ProofError
from tearline.log.checkpoint import checkpoint_text, sign_note, vkey_for
from tearline.stix import canonical
from tearline.stix.timestamp import format_timestamp
from tests.agreement.made_cards import DAY, START, Owner, key_of

CHANGES: dict[str, Callable[[Owner], CardFile]] = {
    "renew": Owner.renew,
    "sign": lambda owner: owner.rotate("sign"),
    "log": lambda owner: owner.rotate("log", days=0),
    "root": Owner.turn_root,
    "revoke sign": lambda owner: owner.rotate("sign", days=-1, revoked="lost"),
    "revoke root": lambda owner: owner.turn_root(both=False, revoked="lost"),
}
courses = st.lists(st.sampled_from(sorted(CHANGES)), min_size=1, max_size=6)


def course(changes: list[str]) -> Owner:
    owner = Owner().begin()
    for each in changes:
        CHANGES[each](owner)
    return owner


@given(courses, st.data())
def test_cards_are_taken_in_any_order_and_how_often_they_come(
    changes: list[str], data: st.DataObject
) -> None:
    owner = course(changes)
    first = data.draw(st.integers(0, len(owner.files) - 1))
    arrived = data.draw(st.permutations([*owner.files, *owner.files[:2]]))
    found = extend(Cards(owner.files[first : first + 1]), arrived)
    assert found.forks == ()
    assert found.cards.newest == owner.card
    assert [each.card for each in found.new] == [each.card for each in owner.files[first + 1 :]]
    again = extend(found.cards, arrived)
    assert (again.new, again.forks) == ((), ())


@given(courses, st.data())
def test_a_chain_that_is_cut_is_refused_whole(changes: list[str], data: st.DataObject) -> None:
    owner = course(["renew", *changes])
    missing = data.draw(st.integers(1, len(owner.files) - 2))
    arrived = owner.files[:missing] + owner.files[missing + 1 :]
    with pytest.raises(ProofError, match="does not follow"):
        extend(Cards(owner.files[:1]), arrived)


@given(courses, st.sampled_from(["sign", "log"]))
def test_a_forger_without_a_root_key_gets_nowhere(changes: list[str], use: str) -> None:
    owner = course(changes)
    thief = owner.twin(1000)
    thief.keys["root"] = key_of(2000)
    named: dict[str, Any] = {use: thief.vkey(use)}
    forged = thief.issue(root=thief.vkey("root"), **named)
    with pytest.raises(ProofError, match="Its root key is neither"):
        extend(Cards(owner.files), [forged])


@given(courses)
def test_the_thief_of_a_root_key_cannot_name_the_next_one(changes: list[str]) -> None:
    owner = course(changes)
    thief = owner.twin(1000)
    forged = thief.issue(next_root="sha256:" + "0" * 64)
    with pytest.raises(ProofError, match="another root key to come"):
        extend(Cards(owner.files), [forged])


def test_the_key_to_come_alone_turns_no_root_in_silence() -> None:
    owner = Owner().begin()
    file = owner.turn_root(both=False)
    with pytest.raises(ProofError, match="has not signed it"):
        Cards([owner.files[0], file])
    other = Owner().begin()
    file = other.turn_root(both=False, revoked="stolen")
    assert Cards(other.files).revoked("root") == (other.files[0].card.root,)
    assert [each.use for each in revoked_by(Cards(other.files[:1]), file.card)] == ["root"]


@given(courses, courses, st.integers(0, 3))
def test_two_successors_of_one_card_are_evidence_in_any_order(
    changes: list[str], others: list[str], extra: int
) -> None:
    owner = course(changes)
    twin = owner.twin(1000)
    first, second = owner.renew(), CHANGES[others[0]](twin)
    for each in others[1 : 1 + extra]:
        CHANGES[each](twin)
    base = Cards(owner.files[:-1])
    if card_hash(first.card) == card_hash(second.card):
        return
    behind = extend(Cards(owner.files), [second])
    beside = extend(base, [second, first])
    for found in (behind, beside):
        (fork,) = found.forks
        assert {fork.first.card, fork.second.card} == {first.card, second.card}
        assert found.new == ()
    assert behind.cards.newest == first.card
    assert beside.cards.newest == base.newest
    made = [evidence.of_cards(base, each.forks[0], at=1) for each in (behind, beside)]
    assert made[0] == made[1]
    proven = evidence.check(made[0].document)
    assert (proven.kind, proven.party) == ("two-cards", "north-cert")


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"slug": "south-isac"}, "key of this card is named"),
        ({"name": "Other"}, "another party"),
        ({"issued": format_timestamp(START - DAY, digits=6)}, "dated before"),
        ({"replaces": None}, "does not name"),
    ],
)
def test_what_does_not_follow_is_refused(changes: dict[str, Any], why: str) -> None:
    owner = Owner().begin()
    with pytest.raises(ProofError, match=why):
        Cards([owner.files[0], owner.issue(**changes)])


def test_a_key_does_not_come_back() -> None:
    owner = Owner().begin()
    old = owner.keys["sign"]
    owner.rotate("sign", days=0)
    owner.issue(former=())
    owner.keys["sign"] = old
    with pytest.raises(ProofError, match="brings back"):
        Cards([*owner.files, owner.issue(sign=owner.vkey("sign"))])


def test_a_later_card_shortens_a_span_and_never_lengthens_it() -> None:
    owner = Owner().begin()
    key = owner.vkey("sign")
    owner.rotate("sign", days=30)
    (aside,) = owner.card.former
    late = msgspec.structs.replace(aside, until=format_timestamp(START + 900 * DAY, digits=6))
    owner.issue(former=(late,))
    assert Cards(owner.files).spans["sign", key].until_at == START + 30 * DAY
    soon = msgspec.structs.replace(aside, until=format_timestamp(START + 3 * DAY, digits=6))
    owner.issue(former=(soon,))
    assert Cards(owner.files).spans["sign", key].until_at == START + 3 * DAY


@given(st.integers(0, 60), st.integers(0, 60))
def test_both_keys_count_in_the_overlap_and_one_outside_of_it(days: int, after: int) -> None:
    owner = Owner().begin()
    old = owner.vkey("sign")
    owner.rotate("sign", days=days)
    cards, at = Cards(owner.files), START + after * DAY
    counting = cards.valid("sign", at)
    assert (old in counting) == (after < days)
    assert (owner.vkey("sign") in counting) == (after >= 1)


def test_a_revoked_key_counts_for_nothing_whatever_moment_is_written() -> None:
    owner = Owner().begin()
    stolen, vkey = owner.keys["sign"], owner.vkey("sign")
    owner.rotate("sign", days=-1, revoked="a laptop was lost")
    cards = Cards(owner.files)
    signed = jws.sign(b"{}", stolen, vkey)
    for at in (START, START + DAY, START + 9 * DAY):
        with pytest.raises(ProofError, match="a laptop was lost"):
            cards.verify(signed, "sign", at)
    with pytest.raises(ProofError, match="no sign key"):
        cards.verify(jws.sign(b"{}", key_of(77), "x/sign"), "sign", START)


def test_a_note_is_read_by_the_key_that_signed_it() -> None:
    owner = Owner().begin()
    old = owner.keys["log"]
    owner.rotate("log", days=5)
    cards, origin = Cards(owner.files), "north-cert/log/private"
    text = checkpoint_text(origin, 3, b"\1" * 32)
    for key in (old, owner.keys["log"]):
        note = sign_note(text, origin, key)
        of = cards.log_key(origin, note, START + 2 * DAY)
        assert of == vkey_for(origin, cards.every("log")[0 if key is not old else 1])
    with pytest.raises(ProofError, match="counts only until"):
        cards.log_key(origin, sign_note(text, origin, old), START + 9 * DAY)
    stranger = sign_note(text, origin, key_of(4000))
    assert cards.log_key(origin, stranger) == vkey_for(origin, cards.newest.log)


@given(courses)
def test_a_file_of_cards_holds_them_all(changes: list[str]) -> None:
    owner = course(changes)
    assert read_cards(write_cards(owner.files)) == owner.files
    assert read_cards(owner.files[0].document) == owner.files[:1]
    with pytest.raises(InputError):
        read_cards(b'{"schema":"tearline-cards/1","cards":[{}]}')


@given(courses, st.data())
def test_any_altered_bit_of_a_card_file_is_refused_or_says_the_same(
    changes: list[str], data: st.DataObject
) -> None:
    owner = course(changes)
    document = bytearray(owner.files[-1].document)
    place = data.draw(st.integers(0, len(document) - 1))
    document[place] ^= 1 << data.draw(st.integers(0, 7))
    try:
        read = read_file(bytes(document))
        found = extend(Cards(owner.files[:-1]), [read])
    except (InputError, ProofError):
        return
    assert found.cards.newest == owner.card


def test_two_statements_are_evidence_only_under_the_partys_own_good_keys() -> None:
    owner = Owner().begin()
    stolen, stolen_vkey = owner.keys["sign"], owner.vkey("sign")
    owner.rotate("sign", days=-1, revoked="lost")

    def proof(key: Ed25519PrivateKey, vkey: str) -> bytes:
        said = [
            Statement(
                id="urn:uuid:5d3bd1a4-7f0a-4e8f-9a53-0d6ef04c2a10",
                agreement="sha256:" + "0" * 64,
                step="suspended",
                previous=None,
                seen=None,
                by="north",
                at=format_timestamp(START),
                reason=reason,
                proof=None,
            )
            for reason in ("to you", "to others")
        ]
        one, other = (jws.sign(statement_bytes(each), key, vkey) for each in said)
        return evidence.of_statements(Cards(owner.files), said[0].id, one, other, at=1).document

    good = proof(owner.keys["sign"], owner.vkey("sign"))
    assert evidence.check(good).kind == "two-statements"
    stranger = key_of(4000)
    for bad in (proof(stolen, stolen_vkey), proof(stranger, vkey_of("x", "sign", stranger))):
        with pytest.raises(ProofError, match="none of this party's, or was revoked"):
            evidence.check(bad)


def test_evidence_that_proves_nothing_is_refused() -> None:
    owner = Owner().begin()
    twin = owner.twin(1000)
    base, first, second = Cards(owner.files), owner.renew(), twin.rotate("sign")
    (fork,) = extend(Cards(owner.files), [second]).forks
    good = canonical.parse_canonical(evidence.of_cards(base, fork, at=1).document)
    same = canonical.parse_canonical(first.document)
    other = Owner(slug="east", name="East", fresh=500).begin()
    for change, why in (
        ({"both": [same, same]}, "the same card"),
        ({"party": "east"}, "another party"),
        ({"cards": [canonical.parse_canonical(other.files[0].document)]}, "another party"),
        ({"kind": "two-statements"}, "JWS"),
        ({"both": [same]}, "no evidence"),
        ({"more": 1}, "no evidence"),
    ):
        with pytest.raises((ProofError, InputError), match=why):
            evidence.check(canonical.canonical({**good, **change}))
    with pytest.raises(ProofError):
        evidence.check(b"{]")
    assert write_card(owner.card, owner.keys["root"]) == first.document
