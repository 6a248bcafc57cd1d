"""Keys change under a running agreement: nothing is lost, refused or put into quarantine."""

import shutil
from collections.abc import Callable
from pathlib import Path
from tempfile import mkdtemp

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from tearline.agreement import outbox, renewing, signing
from tearline.agreement.card import USES, card_hash, check_words
from tearline.agreement.cards_held import cards_of, our_cards
from tearline.agreement.evidence import check
from tearline.agreement.home import Home, open_home
from tearline.agreement.log_keys import key_for
from tearline.agreement.messages import MessageRefusedError
from tearline.agreement.partners import add_party, confirm_party
from tearline.agreement.receiving import receive
from tearline.agreement.renewing import erase_expired, renew, revoke, rotate
from tearline.agreement.terms import parse_toml
from tearline.agreement.watching import compare_log
from tearline.errors import MisuseError, ProofError, RefusedError
from tearline.log import record
from tearline.log.checkpoint import open_checkpoint
from tearline.log.receipt import note_in, verify_receipt
from tearline.store import agreements, evidence, logs, parties, received
from tests.agreement.sides import (
    DAY,
    ID,
    NOW,
    Sides,
    carry,
    new_sides,
    outgoing,
    standing,
    states,
    terms,
    text,
)
from tests.pair import Pair, copy_log, make_pair, sdo

HERON = sdo("intrusion-set", "Gray Heron")
MONTH = 31 * DAY


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    made = make_pair(tmp_path)
    made.agree()
    made.put(HERON)
    made.reconcile()
    made.sync()
    return made


@pytest.fixture
def active(tmp_path: Path) -> Sides:
    """Two sides with an agreement in force."""
    sides = new_sides(tmp_path)
    signing.propose(sides.north, terms(sides), now=NOW)
    carry(sides)
    signing.countersign(sides.south, ID, now=NOW)
    carry(sides)
    return sides


def held(pair: Pair) -> set[str]:
    with pair.south.store.read() as tx:
        assert not received.in_state(tx, pair.agreement_id, "quarantined", "staged")
        return {row.delivered_id for row in received.in_state(tx, pair.agreement_id, "accepted")}


def doubt_of(home: Home, slug: str) -> str | None:
    with home.store.read() as tx:
        partner = parties.partner_of(tx, slug)
        assert partner is not None
        return partner.doubt


def refusals(home: Home) -> list[str]:
    with home.store.read() as tx:
        return [each.code for each in parties.refusals(tx)]


def words(home: Home) -> str:
    return check_words(card_hash(home.card))


# ------------------------------------------------------------------------------------ rotating


@pytest.mark.parametrize("use", USES)
def test_every_key_of_both_sides_turns_over(pair: Pair, use: str) -> None:
    before = held(pair)
    for number, home in enumerate((pair.north, pair.south)):
        old = getattr(home.card, use)
        rotate(home, use, now=pair.tick())
        assert getattr(home.card, use) != old
        for later in (0, MONTH):  # while the old key counts too, and after
            pair.now += later
            actor = sdo("campaign", f"Gray Heron {number} {later}", aliases=["Gray Heron"])
            pair.put(actor)
            pair.reconcile()
            pair.sync()
            before |= {actor["id"]}
            assert held(pair) == before
    assert refusals(pair.north) == refusals(pair.south) == []


def test_what_was_written_before_a_rotation_arrives_after_it(active: Sides) -> None:
    signing.suspend(active.north, ID, "a doubt", now=NOW)
    rotate(active.north, "sign", overlap_days=1, now=NOW + 1)
    carry(active, now=NOW + 2)
    assert set(states(active.south).values()) == {"suspended"}
    assert refusals(active.south) == []


def test_a_message_that_was_signed_with_a_key_that_ended_is_signed_anew(active: Sides) -> None:
    signing.suspend(active.north, ID, "a doubt", now=NOW)
    (early,) = outgoing(active.north)
    rotate(active.north, "sign", overlap_days=1, now=NOW + 1)
    late = NOW + 2 * DAY
    card, again = outgoing(active.north, now=late)
    assert again != early
    assert receive(active.south, card, now=late) == "taken"
    with pytest.raises(MessageRefusedError, match="counts only until") as caught:
        receive(active.south, early, now=late)
    assert caught.value.code == "key"
    assert receive(active.south, again, now=late) == "taken"


def test_what_waits_for_its_turn_is_taken_by_the_keys_of_when_it_came(active: Sides) -> None:
    signing.suspend(active.north, ID, "a doubt", now=NOW)
    signing.resume(active.north, ID, now=NOW)
    _, early = outgoing(active.north)
    assert receive(active.south, early, now=NOW) == "waiting"
    rotate(active.north, "sign", overlap_days=1, now=NOW + 1)
    card, missing, _ = outgoing(active.north, now=NOW + 2 * DAY)
    for document in (card, missing):
        assert receive(active.south, document, now=NOW + 2 * DAY) == "taken"
    with active.south.store.read() as tx:
        assert agreements.waiting(tx, "north-cert") == []
        last = [row for row in agreements.statements(tx, ID) if not row.ours][-1]
    assert b"resume-asked" in last.body


def test_an_agreement_signed_across_a_rotation_becomes_active(tmp_path: Path) -> None:
    sides = new_sides(tmp_path)
    signing.propose(sides.north, terms(sides), now=NOW)
    carry(sides)
    for home in sides.both:
        rotate(home, "sign", now=NOW + 1)
        rotate(home, "log", now=NOW + 2)
    signing.countersign(sides.south, ID, now=NOW + 3)
    carry(sides, now=NOW + 4)
    for home in sides.both:
        found = standing(home, now=NOW + 5)
        assert found is not None
        assert (found.state, found.serving) == ("active", True)
    sides.close()


def test_a_text_with_keys_that_count_no_longer_is_not_signed(tmp_path: Path) -> None:
    sides = new_sides(tmp_path)
    text = terms(sides)
    rotate(sides.north, "sign", overlap_days=1, now=NOW)
    with pytest.raises(RefusedError, match="not those of its card"):
        signing.propose(sides.north, text, now=NOW + 2 * DAY)
    sides.close()


def test_a_checkpoint_is_signed_by_both_log_keys_while_they_overlap(active: Sides) -> None:
    origin = record.origin_of("north-cert", ID)
    before = active.north.log_vkey(ID)
    active.north.publish(ID, now=NOW)
    rotate(active.north, "log", overlap_days=3, now=NOW)
    after = active.north.log_vkey(ID)
    note = active.north.publish(ID, now=NOW + DAY)
    assert open_checkpoint(note, before, origin) == open_checkpoint(note, after, origin)
    with active.north.store.write() as tx:
        record.append(tx, record.our_log(ID), "hold", [{"kind": "hold"}], at=NOW, agreement=None)
    late = active.north.publish(ID, now=NOW + 4 * DAY)
    assert open_checkpoint(late, after, origin).size > open_checkpoint(note, after, origin).size
    with pytest.raises(ProofError, match="expected key"):
        open_checkpoint(late, before, origin)


def test_a_receipt_from_before_a_rotation_holds_by_the_old_card_and_by_the_chain(
    active: Sides,
) -> None:
    origin, log = record.origin_of("north-cert", ID), record.our_log(ID)
    active.north.publish(ID, now=NOW)
    with active.north.store.read() as tx:
        old = active.north.log_vkey(ID)
        receipt = record.receipt(tx, log, 0, 0, origin=origin, vkey=old)
    rotate(active.north, "log", overlap_days=0, now=NOW + 1)
    with active.north.store.read() as tx:
        cards = our_cards(tx, active.north)
    for key in (old, cards.log_key(origin, note_in(receipt) or "")):
        assert verify_receipt(receipt, key)["kind"] == "statement"


def test_a_change_stands_in_the_logs_of_both(active: Sides) -> None:
    rotate(active.north, "sign", now=NOW)
    carry(active)
    for home in active.both:
        for log in (record.our_log(ID), record.PRIVATE):
            with home.store.read() as tx:
                last = logs.records_after(tx, log, -1)[-1][3]
            assert b'"kind":"card"' in last
            assert card_hash(active.north.card).encode() in last


def test_old_private_keys_go_when_their_overlap_is_over(active: Sides) -> None:
    keys = active.north.path / "keys"
    old = (keys / "sign.pem").read_bytes()
    rotate(active.north, "sign", overlap_days=2, now=NOW)
    assert (keys / "sign.pem").read_bytes() == old
    assert erase_expired(active.north, now=NOW + DAY) == []
    assert erase_expired(active.north, now=NOW + 2 * DAY) == ["sign.pem"]
    assert erase_expired(active.north, now=NOW + 2 * DAY) == []
    rotate(active.north, "root", now=NOW + 3 * DAY)
    assert not (keys / "root.pem").exists()
    assert not (keys / "next-root.pem").exists()
    assert open_home(active.north.path).card == active.north.card


def test_the_next_root_key_may_lie_elsewhere(active: Sides, tmp_path: Path) -> None:
    away = tmp_path / "safe.pem"
    (active.north.path / "keys" / "next-root.pem").rename(away)
    with pytest.raises(RefusedError, match="is not here"):
        rotate(active.north, "root", now=NOW)
    with pytest.raises(MisuseError, match="is missing"):
        rotate(active.north, "root", next_root=tmp_path / "none", now=NOW)
    rotate(active.north, "root", next_root=away, now=NOW)
    carry(active)
    assert doubt_of(active.south, "north-cert") is None
    assert away.exists(), "what the owner put away is the owner's"


def test_a_running_node_goes_on_with_the_keys_that_another_process_made(active: Sides) -> None:
    other = open_home(active.north.path)
    rotate(other, "sign", overlap_days=0, now=NOW)
    assert active.north.card == other.card
    signing.suspend(active.north, ID, "by the new key", now=NOW + 1)
    carry(active, now=NOW + 2)
    assert set(states(active.south).values()) == {"suspended"}
    other.store.close()


@pytest.mark.parametrize("days", [-1, 367])
def test_misuse_is_told(active: Sides, days: int) -> None:
    with pytest.raises(MisuseError, match="overlap"):
        rotate(active.north, "sign", overlap_days=days, now=NOW)
    with pytest.raises(MisuseError, match="no 'dog' key"):
        rotate(active.north, "dog", now=NOW)
    with pytest.raises(MisuseError, match="reason"):
        revoke(active.north, "sign", NOW, " ", now=NOW)
    with pytest.raises(MisuseError, match="moment to come"):
        revoke(active.north, "sign", NOW + 1, "lost", now=NOW)


# ------------------------------------------------------------------------------------- revoking


@pytest.mark.parametrize("use", USES)
def test_a_revoked_key_suspends_until_a_person_compared_the_words(active: Sides, use: str) -> None:
    north, south = active.both
    revoke(north, use, NOW, "a laptop was lost", now=NOW + 1)
    carry(active, now=NOW + 2)
    assert set(states(south).values()) == set(states(north).values()) == {"suspended"}
    assert "a laptop was lost" in (doubt_of(south, "north-cert") or "")
    with pytest.raises(RefusedError, match="confirmed again"):
        signing.resume(south, ID, now=NOW + 3)
    with pytest.raises(RefusedError, match="words are not"):
        confirm_party(south, "north-cert", words(south), now=NOW + 3)
    confirm_party(south, "north-cert", words(north), now=NOW + 4)
    assert doubt_of(south, "north-cert") is None
    for home in active.both:
        signing.resume(home, ID, now=NOW + 5)
        carry(active, now=NOW + 6)
    assert set(states(south).values()) == set(states(north).values()) == {"active"}
    assert refusals(south) == refusals(north) == []


def test_a_revoked_key_suspends_only_what_says_so(tmp_path: Path) -> None:
    sides = new_sides(tmp_path)
    version = signing.propose(
        sides.north, parse_toml(text(sides) + "\n[suspend]\non = []\n"), now=NOW
    )
    carry(sides)
    signing.countersign(sides.south, version.hash, now=NOW)
    carry(sides)
    assert set(states(sides.south).values()) == {"active"}
    revoke(sides.north, "sign", NOW + 1, "lost", now=NOW + 1)
    card = outgoing(sides.north, now=NOW + 2)[0]
    assert receive(sides.south, card, now=NOW + 2) == "taken"
    assert set(states(sides.south).values()) == {"active"}
    assert doubt_of(sides.south, "north-cert") is not None
    sides.close()


def test_a_revoked_key_signs_nothing_new(active: Sides, tmp_path: Path) -> None:
    shutil.copytree(active.north.path, tmp_path / "stolen")
    thief = open_home(tmp_path / "stolen")
    revoke(active.north, "sign", NOW, "a laptop was lost", now=NOW + 1)
    carry(active, now=NOW + 2)
    confirm_party(active.south, "north-cert", words(active.north), now=NOW + 3)
    with thief.store.write() as tx:  # whatever moment he writes
        (version,) = agreements.versions(tx, ID)
        signing.say(tx, thief, version, "terminated", "gone", now=NOW - DAY)
    for document in outgoing(thief):
        with pytest.raises(MessageRefusedError, match="was revoked") as caught:
            receive(active.south, document, now=NOW + 4)
        assert caught.value.code == "key"
    assert set(states(active.south).values()) == {"suspended"}
    thief.store.close()


def test_what_a_thief_said_counts_for_nothing_from_the_line_on(
    active: Sides, tmp_path: Path
) -> None:
    north, south = active.both
    shutil.copytree(north.path, tmp_path / "stolen")
    thief = open_home(tmp_path / "stolen")
    signing.terminate(thief, ID, "gone", now=NOW + DAY)
    for document in outgoing(thief, now=NOW + DAY):
        receive(south, document, now=NOW + DAY)
    assert set(states(south).values()) == {"terminated"}
    revoke(north, "sign", NOW + DAY // 2, "a laptop was lost", now=NOW + 2 * DAY)
    carry(active, now=NOW + 2 * DAY)
    assert set(states(south).values()) == {"suspended"}
    confirm_party(south, "north-cert", words(north), now=NOW + 3 * DAY)
    for home in active.both:
        signing.resume(home, ID, now=NOW + 3 * DAY)
        carry(active, now=NOW + 3 * DAY)
    assert set(states(south).values()) == set(states(north).values()) == {"active"}
    thief.store.close()


def test_what_the_owner_said_after_the_line_counts_once_its_new_key_answers_for_it(
    active: Sides,
) -> None:
    north, south = active.both
    signing.suspend(north, ID, "a doubt of ours", now=NOW + DAY)
    carry(active, now=NOW + DAY)
    revoke(north, "sign", NOW + DAY // 2, "a laptop was lost", now=NOW + 2 * DAY)
    carry(active, now=NOW + 2 * DAY)
    confirm_party(south, "north-cert", words(north), now=NOW + 3 * DAY)
    signing.terminate(north, ID, "enough", now=NOW + 3 * DAY)
    carry(active, now=NOW + 3 * DAY)
    assert set(states(south).values()) == set(states(north).values()) == {"terminated"}
    with south.store.read() as tx:
        assert not any(row.void for row in agreements.statements(tx, ID))


def test_what_waits_at_home_is_signed_anew_after_a_revocation(active: Sides) -> None:
    north, south = active.both
    signing.suspend(north, ID, "written before", now=NOW + 1)
    outgoing(north, now=NOW + 1)
    revoke(north, "sign", NOW, "a laptop was lost", now=NOW + 2)
    carry(active, now=NOW + 3)
    assert outgoing(north) == outgoing(south) == []
    assert refusals(south) == []
    with south.store.read() as tx:
        steps = [row for row in agreements.statements(tx, ID) if not row.ours]
    assert b"written before" in steps[-1].body


def test_keys_that_overlap_are_revoked_with_the_one_in_use(active: Sides) -> None:
    first = active.north.card.sign
    rotate(active.north, "sign", now=NOW)
    second = active.north.card.sign
    revoke(active.north, "sign", NOW + DAY, "a laptop was lost", now=NOW + DAY)
    with active.north.store.read() as tx:
        assert set(our_cards(tx, active.north).revoked("sign")) == {first, second}
    names = sorted(each.name for each in (active.north.path / "keys").glob("sign*"))
    assert len(names) == 1


# ----------------------------------------------------------------------------------- two faces


def test_two_cards_after_one_are_kept_and_people_say_which_is_true(
    active: Sides, tmp_path: Path
) -> None:
    north, south = active.both
    shutil.copytree(north.path, tmp_path / "stolen")
    thief = open_home(tmp_path / "stolen")
    rotate(thief, "sign", now=NOW + 1)
    for document in outgoing(thief, now=NOW + 1):
        receive(south, document, now=NOW + 1)
    assert doubt_of(south, "north-cert") is None
    revoke(north, "root", NOW, "someone copied the disk", now=NOW + 2)
    message, *_ = outgoing(north, now=NOW + 2)
    with pytest.raises(MessageRefusedError, match="two cards") as caught:
        receive(south, message, now=NOW + 2)
    assert caught.value.code == "two-cards"
    assert set(states(south).values()) == {"suspended"}
    assert "two cards" in (doubt_of(south, "north-cert") or "")
    file = (north.path / "card.json").read_bytes()
    add_party(south, file, words(north), now=NOW + 3)
    assert doubt_of(south, "north-cert") is None
    with south.store.read() as tx:
        cards = cards_of(tx, "north-cert")
    assert cards is not None
    assert cards.newest == north.card
    rotate(thief, "sign", now=NOW + 4)
    for document in outgoing(thief, now=NOW + 4):
        with pytest.raises(MessageRefusedError):
            receive(south, document, now=NOW + 4)
    thief.store.close()


def test_a_card_that_does_not_follow_needs_the_telephone(active: Sides) -> None:
    renew(active.north, None, now=NOW + 1)
    renew(active.north, None, now=NOW + 2)
    file = (active.north.path / "card.json").read_bytes()
    with pytest.raises(RefusedError, match="cards between are missing"):
        add_party(active.south, file, words(active.north), now=NOW + 3)
    carry(active, now=NOW + 3)
    add_party(active.south, file, words(active.north), now=NOW + 3)


def test_a_second_face_in_the_partners_log_is_found_and_suspends(
    pair: Pair, tmp_path: Path
) -> None:
    shutil.copytree(pair.north.path, tmp_path / "other-face")
    other = open_home(tmp_path / "other-face")
    signing.suspend(pair.north, pair.agreement_id, "said to South", now=pair.tick())
    pair.carry()
    for home in (pair.north, pair.south):
        signing.resume(home, pair.agreement_id, now=pair.tick())
        pair.carry()
    assert list(states(pair.south, pair.agreement_id).values()) == ["active"]
    signing.suspend(other, pair.agreement_id, "shown to others", now=pair.tick())
    copy_log(other, pair.south, pair.agreement_id, pair.tick())
    with pair.south.store.read() as tx:
        (found,) = evidence.all_of(tx, about=pair.agreement_id)
    assert check(found.document).kind == "two-statements"
    assert list(states(pair.south, pair.agreement_id).values()) == ["suspended"]
    assert compare_log(pair.south, pair.agreement_id, now=pair.tick()) == []
    other.store.close()


def test_a_revoked_log_key_counts_up_to_the_line(active: Sides) -> None:
    north, south = active.both
    copy_log(north, south, ID, NOW)
    notes = [north.publish(ID, now=NOW)]
    with north.store.write() as tx:
        record.append(tx, record.our_log(ID), "hold", [{"kind": "hold"}], at=NOW, agreement=None)
    copy_log(north, south, ID, NOW + 2 * DAY)
    notes.append(north.publish(ID, now=NOW + 2 * DAY))
    revoke(north, "log", NOW + DAY, "a laptop was lost", now=NOW + 3 * DAY)
    carry(active, now=NOW + 3 * DAY)
    copy_log(north, south, ID, NOW + 3 * DAY)
    notes.append(north.publish(ID, now=NOW + 3 * DAY))
    origin = record.origin_of("north-cert", ID)
    with south.store.read() as tx:
        for each in (notes[0], notes[2]):
            key = key_for(tx, south, each)
            assert key is not None
            assert open_checkpoint(each, key, origin).origin == origin
        with pytest.raises(ProofError, match="a laptop was lost"):
            key_for(tx, south, notes[1])
        assert key_for(tx, south, "east/log/private\n0\n\n") is None


# ------------------------------------------------------------------------------------ all or none

STEPS = ("write_key", "_keep", "write_card_file", "erase_unused")


class KilledError(BaseException):
    """What stands for the end of a process."""


def die(home: Home, use: str, step: str, when: str, *, now: int) -> None:
    """Rotate a key in a process that ends before or after a step."""
    real = getattr(renewing, step)

    def stop(*args: object, **named: object) -> None:
        if when == "after":
            real(*args, **named)
        raise KilledError

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(renewing, step, stop)
        with pytest.raises(KilledError):
            rotate(home, use, now=now)


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_kill_leaves_a_node_that_works_and_another_run_finishes(
    tmp_path: Path, use: str, step: str, when: str
) -> None:
    sides = new_sides(tmp_path)
    die(sides.north, use, step, when, now=NOW + 1)
    sides.north.store.close()
    north = open_home(sides.north.path)
    again = Sides(north, sides.south)
    signing.propose(north, terms(again), now=NOW + 2)
    carry(again, now=NOW + 2)
    assert set(states(sides.south).values()) == {"proposed"}
    before = getattr(north.card, use)
    rotate(north, use, now=NOW + 3)
    assert getattr(north.card, use) != before
    carry(again, now=NOW + 4)
    signing.countersign(sides.south, ID, now=NOW + 5)
    carry(again, now=NOW + 5)
    assert set(states(sides.south).values()) == {"active"}
    assert refusals(sides.south) == refusals(north) == []
    assert len(list((north.path / "keys").glob("next-root*"))) == 1
    again.close()


def test_a_store_that_was_set_back_takes_the_card_of_its_home_in_again(tmp_path: Path) -> None:
    sides = new_sides(tmp_path)
    sides.close()
    shutil.copy(sides.north.path / "node.db", tmp_path / "backup.db")
    home = open_home(sides.north.path)
    rotate(home, "root", now=NOW + 1)
    home.store.close()
    for name in ("node.db", "node.db-wal", "node.db-shm"):
        (home.path / name).unlink(missing_ok=True)
    shutil.copy(tmp_path / "backup.db", home.path / "node.db")
    again = open_home(home.path)
    with again.store.read() as tx:
        assert our_cards(tx, again).newest == again.card
    again.store.close()
    open_home(home.path).store.close()


def test_another_machine_of_the_node_waits_for_its_keys(tmp_path: Path) -> None:
    sides = new_sides(tmp_path)
    other = tmp_path / "other-machine"
    shutil.copytree(sides.north.path, other)
    rotate(sides.north, "sign", now=NOW + 1)
    for name in ("node.db", "node.db-wal", "node.db-shm"):
        (other / name).unlink(missing_ok=True)
        if (sides.north.path / name).exists():
            (other / name).symlink_to(sides.north.path / name)
    behind = open_home(other)
    assert behind.card != sides.north.card
    shutil.copytree(sides.north.path / "keys", other / "keys", dirs_exist_ok=True)
    ahead = open_home(other)
    assert ahead.card == behind.card == sides.north.card
    for home in (behind, ahead):
        home.store.close()
    sides.close()


class Turnover(RuleBasedStateMachine):
    """Both sides change keys, talk and are killed, in any order; nothing is ever refused."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(mkdtemp(prefix="turnover-"))
        self.sides = new_sides(self.folder)
        self.now = NOW
        signing.propose(self.sides.north, terms(self.sides), now=NOW)
        carry(self.sides)
        signing.countersign(self.sides.south, ID, now=NOW)
        carry(self.sides)

    def teardown(self) -> None:
        """Once all has been carried, each knows the other's card, and they agree."""
        self.carry()
        north, south = self.sides.both
        assert states(north) == states(south)
        for home in self.sides.both:
            other = self.sides.other(home)
            with home.store.read() as tx:
                cards = cards_of(tx, other.slug)
            assert cards is not None
            assert cards.newest == other.card
            assert refusals(home) == []
        self.sides.close()
        shutil.rmtree(self.folder)

    def _home(self, side: str) -> Home:
        return self.sides.north if side == "north" else self.sides.south

    def _tick(self, span: int = 1) -> int:
        self.now += span
        return self.now

    def _reopen(self, side: str) -> None:
        home = self._home(side)
        home.store.close()
        fresh = open_home(home.path)
        both = {"north": self.sides.north, "south": self.sides.south, side: fresh}
        self.sides = Sides(both["north"], both["south"])

    @rule(
        side=st.sampled_from(["north", "south"]), use=st.sampled_from(USES), days=st.integers(0, 9)
    )
    def rotate(self, side: str, use: str, days: int) -> None:
        rotate(self._home(side), use, overlap_days=days, now=self._tick())

    @rule(
        side=st.sampled_from(["north", "south"]),
        use=st.sampled_from(USES),
        step=st.sampled_from(STEPS),
        when=st.sampled_from(["before", "after"]),
    )
    def rotate_and_die(self, side: str, use: str, step: str, when: str) -> None:
        die(self._home(side), use, step, when, now=self._tick())
        self._reopen(side)

    @rule(side=st.sampled_from(["north", "south"]), use=st.sampled_from(USES))
    def revoke(self, side: str, use: str) -> None:
        self.carry()
        home = self._home(side)
        revoke(home, use, self._tick(), "lost", now=self._tick())

    @rule(side=st.sampled_from(["north", "south"]))
    def confirm(self, side: str) -> None:
        home = self._home(side)
        other = self.sides.other(home)
        with home.store.read() as tx:
            cards = cards_of(tx, other.slug)
        assert cards is not None
        confirm_party(home, other.slug, check_words(cards.hashes[-1]), now=self._tick())

    @rule(side=st.sampled_from(["north", "south"]), act=st.sampled_from(["suspend", "resume"]))
    def talk(self, side: str, act: str) -> None:
        verb: Callable[..., object] = getattr(signing, act)
        try:
            verb(self._home(side), ID, "so", now=self._tick())
        except RefusedError:
            return

    @rule()
    def carry(self) -> None:
        for _ in range(3):
            carry(self.sides, now=self._tick())

    @rule(side=st.sampled_from(["north", "south"]))
    def lose_a_delivery(self, side: str) -> None:
        """A message arrives, and its sender never learns."""
        home = self._home(side)
        for _, document in outbox.export_messages(home, now=self._tick()):
            receive(self.sides.other(home), document, now=self._tick())

    @rule(days=st.integers(1, 40))
    def wait(self, days: int) -> None:
        self._tick(days * DAY)
        for home in self.sides.both:
            erase_expired(home, now=self.now)

    @invariant()
    def each_home_has_the_keys_of_its_card(self) -> None:
        for home in self.sides.both:
            card, keys = home.identity
            assert card.sign.endswith(home.sign(b"{}").kids[0][-20:])
            assert keys.root is not None


TestTurnover = Turnover.TestCase
TestTurnover.settings = settings(max_examples=10, stateful_step_count=15)
