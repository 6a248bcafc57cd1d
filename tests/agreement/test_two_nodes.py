"""Two nodes, one agreement, and messages that come late, twice, in any order, or altered."""

import contextlib
import shutil
from collections.abc import Callable
from pathlib import Path
from tempfile import mkdtemp

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tearline.agreement import jws, outbox, signing
from tearline.agreement.chain import held, state_of
from tearline.agreement.home import Home
from tearline.agreement.messages import MessageRefusedError
from tearline.agreement.receiving import receive
from tearline.agreement.state import parse_statement
from tearline.agreement.terms import agreement_hash
from tearline.errors import RefusedError
from tearline.log import record
from tearline.store import agreements, logs
from tests.agreement.sides import (
    ID,
    NOW,
    Sides,
    carry,
    new_sides,
    outgoing,
    standing,
    states,
    steps,
    terms,
    versions,
)

SIDES = st.sampled_from(["north", "south"])
PAST_BOTH = {"countersigned", "active", "suspended"}


class TwoNodes(RuleBasedStateMachine):
    """People act on both sides while a hostile carrier has every message ever written."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(mkdtemp(prefix="two-nodes-"))
        self.sides: Sides = new_sides(self.folder)
        self.wire: list[tuple[Home, bytes]] = []

    def teardown(self) -> None:
        """Whatever happened: once all has been carried, both hold the same and agree."""
        carry(self.sides)
        assert steps(self.sides.north) == steps(self.sides.south)
        assert states(self.sides.north) == states(self.sides.south)
        self._each_active_version_is_proven()
        self.sides.close()
        shutil.rmtree(self.folder)

    def _home(self, side: str) -> Home:
        return self.sides.north if side == "north" else self.sides.south

    def _act(self, side: str, act: Callable[[Home], object]) -> None:
        home = self._home(side)
        with contextlib.suppress(RefusedError):
            act(home)
        for document in outgoing(home):
            if (self.sides.other(home), document) not in self.wire:
                self.wire.append((self.sides.other(home), document))

    @initialize(start=st.sampled_from(["nothing", "countersigned", "active", "active"]))
    def begin(self, start: str) -> None:
        if start != "nothing":
            self._act("north", lambda home: signing.propose(home, terms(self.sides), now=NOW))
            self.deliver_all()
            self._act("south", lambda home: signing.countersign(home, ID, now=NOW))
        for _ in range(3 if start == "active" else 0):
            self.deliver_all()

    @rule(side=SIDES, title=st.sampled_from(["Hospitals", "Clinics"]))
    def propose(self, side: str, title: str) -> None:
        known = versions(self._home(side))
        last = max((each.version for each in known), default=0)
        replaces = [each.hash for each in known if each.version == last]
        self._act(
            side,
            lambda home: signing.propose(
                home,
                terms(
                    self.sides,
                    version=last + 1,
                    replaces=replaces[-1] if replaces else "",
                    title=title,
                ),
                now=NOW,
            ),
        )

    @precondition(lambda self: self.wire)
    @rule(side=SIDES)
    def countersign(self, side: str) -> None:
        if versions(self._home(side)):
            self._act(side, lambda home: signing.countersign(home, ID, now=NOW))

    @precondition(lambda self: self.wire)
    @rule(side=SIDES, act=st.sampled_from(["reject", "withdraw", "suspend", "terminate"]))
    def stop(self, side: str, act: str) -> None:
        if versions(self._home(side)):
            self._act(side, lambda home: getattr(signing, act)(home, ID, "enough", now=NOW))

    @precondition(lambda self: self.wire)
    @rule(side=SIDES)
    def resume(self, side: str) -> None:
        if versions(self._home(side)):
            self._act(side, lambda home: signing.resume(home, ID, now=NOW))

    @precondition(lambda self: self.wire)
    @rule(which=st.integers(0, 60))
    def deliver(self, which: int) -> None:
        to, document = self.wire[which % len(self.wire)]
        receive(to, document, now=NOW)
        self._act("north" if to is self.sides.north else "south", lambda _: None)

    @precondition(lambda self: self.wire)
    @rule()
    def deliver_all(self) -> None:
        for to, document in list(self.wire):
            receive(to, document, now=NOW)
        for side in ("north", "south"):
            self._act(side, lambda _: None)

    @precondition(lambda self: self.wire)
    @rule(which=st.integers(0, 60), place=st.integers(0, 20_000), bit=st.integers(0, 7))
    def tamper(self, which: int, place: int, bit: int) -> None:
        to, document = self.wire[which % len(self.wire)]
        altered = bytearray(document)
        altered[place % len(document)] ^= 1 << bit
        before = steps(to), states(to)
        with pytest.raises(MessageRefusedError):
            receive(to, bytes(altered), now=NOW)
        assert (steps(to), states(to)) == before

    @invariant()
    def what_is_kept_is_what_the_statements_say(self) -> None:
        for home in self.sides.both:
            with home.store.read() as tx:
                for version in agreements.versions(tx, ID):
                    folded = state_of(tx, version).name
                    assert version.state in {folded, "superseded"}
                    assert not version.serving or version.state in PAST_BOTH

    @invariant()
    def _each_active_version_is_proven(self) -> None:
        for home in self.sides.both:
            for version in versions(home):
                if version.serving or version.state == "active":
                    check_proven(home, self.sides.other(home), version.hash)

    @invariant()
    def one_version_at_most_is_active(self) -> None:
        for home in self.sides.both:
            assert list(states(home).values()).count("active") <= 1


def check_proven(home: Home, partner: Home, agreement: str) -> None:
    """See both signatures, both logs and the partner's own activation behind an active version."""
    with home.store.read() as tx:
        version = agreements.version_of(tx, agreement)
        assert version is not None
        signed = jws.load(version.signed)
        assert agreement_hash(jws.verify(signed, home.card.sign, partner.card.sign)) == agreement
        here = [each for each in held(tx, ID) if each.agreement == agreement]
        activations = {each.by: each.proof for each in here if each.step == "activated"}
        assert activations[version.their_slot] is not None
    for side in (home, partner):
        assert "countersigned" in logged_steps(side, agreement)


def logged_steps(home: Home, agreement: str) -> set[str]:
    with home.store.read() as tx:
        rows = agreements.statements(tx, ID)
        size = logs.head(tx, record.our_log(ID)).size
    assert all(row.leaf < size for row in rows)
    return {parse_statement(row.body).step for row in rows if row.agreement == agreement}


TestTwoNodes = TwoNodes.TestCase
TestTwoNodes.settings = settings(max_examples=12, stateful_step_count=25)


def test_the_usual_course_makes_it_active_on_both_sides(sides: Sides) -> None:
    signing.propose(sides.north, terms(sides), now=NOW)
    carry(sides)
    assert standing(sides.north) is None
    signing.countersign(sides.south, ID, now=NOW)
    accepting = standing(sides.south)
    assert accepting is not None
    assert (accepting.serving, accepting.accepting) == (False, True)
    carry(sides)
    for home in sides.both:
        found = standing(home)
        assert found is not None
        assert (found.state, found.serving, found.accepting) == ("active", True, True)
        check_proven(home, sides.other(home), found.hash)


def test_what_was_carried_is_no_longer_pending(sides: Sides) -> None:
    signing.propose(sides.north, terms(sides), now=NOW)
    receive(sides.south, outgoing(sides.north)[0], now=NOW)
    signing.countersign(sides.south, ID, now=NOW)
    receive(sides.north, outgoing(sides.south)[0], now=NOW)
    kinds = [message.kind for message in pending(sides.north)]
    assert kinds == ["activation"]  # the proposal was seen: the countersignature says so


def test_a_message_is_the_same_bytes_each_time_it_is_exported(sides: Sides) -> None:
    signing.propose(sides.north, terms(sides), now=NOW)
    carry(sides)
    signing.countersign(sides.south, ID, now=NOW)
    first = outgoing(sides.south)
    signing.suspend(sides.south, ID, "a leaf after the receipt", now=NOW)
    assert outgoing(sides.south, now=NOW + 1)[: len(first)] == first


def pending(home: Home) -> list[agreements.Outgoing]:
    with home.store.read() as tx:
        return agreements.pending(tx)


def test_crossing_proposals_of_the_same_bytes_can_be_signed(sides: Sides) -> None:
    for home in sides.both:
        signing.propose(home, terms(sides), now=NOW)
    crossed = [(sides.other(home), document) for home in sides.both for document in outgoing(home)]
    for to, document in crossed:
        assert receive(to, document, now=NOW) == "taken"
    for home in sides.both:
        signing.countersign(home, ID, now=NOW)
    carry(sides)
    assert set(states(sides.north).values()) == set(states(sides.south).values()) == {"active"}


def test_a_failed_try_is_counted_and_the_message_stays(sides: Sides) -> None:
    signing.propose(sides.north, terms(sides), now=NOW)
    ((message_id, _),) = outbox.export_messages(sides.north, now=NOW)
    outbox.undelivered(sides.north, message_id)
    assert [each.attempts for each in pending(sides.north)] == [1]
    outbox.delivered(sides.north, [message_id], now=NOW)
    assert pending(sides.north) == []
