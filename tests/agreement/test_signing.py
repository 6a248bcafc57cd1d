"""What people do: one act at a time, each refused where it has no place."""

import msgspec
import pytest

from tearline.agreement import signing
from tearline.agreement.force import accepts, all_in_force, in_force, serves
from tearline.agreement.force import standing as standing_of
from tearline.agreement.outbox import export_messages
from tearline.errors import MisuseError, RefusedError
from tearline.stix import canonical
from tearline.store import agreements, parties
from tests.agreement.sides import (
    DAY,
    ID,
    NOW,
    Sides,
    carry,
    outgoing,
    paper_terms,
    standing,
    states,
    steps,
    terms,
)


def made_active(sides: Sides) -> str:
    version = signing.propose(sides.north, terms(sides), now=NOW)
    carry(sides)
    signing.countersign(sides.south, ID, now=NOW)
    carry(sides)
    return version.hash


def test_proposing_twice_is_proposing_once(sides: Sides) -> None:
    first = signing.propose(sides.north, terms(sides), now=NOW)
    assert signing.propose(sides.north, terms(sides), now=NOW + 1) == first
    assert len(outgoing(sides.north)) == 1
    carry(sides)
    with pytest.raises(RefusedError, match="proposed exactly this"):
        signing.propose(sides.south, terms(sides), now=NOW)


def test_an_agreement_that_does_not_fit_is_not_proposed(sides: Sides) -> None:
    made = terms(sides)
    with pytest.raises(RefusedError, match="already over"):
        signing.propose(sides.north, made, now=NOW + 400 * DAY)
    party = msgspec.structs.replace(made.party["south"], slug="far-isac")
    other = msgspec.structs.replace(made, party={**made.party, "south": party})
    with pytest.raises(RefusedError, match="not a partner"):
        signing.propose(sides.north, other, now=NOW)
    party = msgspec.structs.replace(made.party["north"], slug="far-isac")
    other = msgspec.structs.replace(made, party={**made.party, "north": party})
    with pytest.raises(RefusedError, match="two others"):
        signing.propose(sides.north, other, now=NOW)
    made = terms(sides, version=2, replaces=f"sha256:{'3' * 64}")
    with pytest.raises(RefusedError, match="just before"):
        signing.propose(sides.north, made, now=NOW)
    assert states(sides.north) == {}


def test_an_agreement_that_ran_out_on_the_way_is_not_countersigned(sides: Sides) -> None:
    signing.propose(sides.north, terms(sides), now=NOW)
    carry(sides, now=NOW + 400 * DAY)
    with pytest.raises(RefusedError, match="already over"):
        signing.countersign(sides.south, ID, now=NOW + 400 * DAY)


def test_the_next_version_takes_over_when_both_have_activated_it(sides: Sides) -> None:
    first = made_active(sides)
    second = signing.propose(
        sides.south, terms(sides, version=2, replaces=first, title="Clinics"), now=NOW
    )
    with pytest.raises(RefusedError, match="waits to be signed"):
        signing.propose(sides.south, terms(sides, version=3, replaces=second.hash), now=NOW)
    carry(sides)
    signing.countersign(sides.north, second.hash, now=NOW)
    now_first = standing(sides.north)
    assert now_first is not None
    assert now_first.hash == first  # the old one binds until the new one is active
    assert now_first.serving
    carry(sides)
    for home in sides.both:
        assert states(home) == {first: "superseded", second.hash: "active"}
        found = standing(home)
        assert found is not None
        assert (found.hash, found.serving) == (second.hash, True)
        with home.store.read() as tx:
            old = standing_of(tx, first, now=NOW)
        assert old is not None
        assert (old.state, old.serving, old.accepting) == ("superseded", False, False)


@pytest.mark.parametrize("step", ["reject", "withdraw"])
def test_a_refused_version_is_followed_by_the_next(sides: Sides, step: str) -> None:
    first = signing.propose(sides.north, terms(sides), now=NOW)
    carry(sides)
    who = sides.south if step == "reject" else sides.north
    getattr(signing, step)(who, ID, "too wide", now=NOW)
    carry(sides)
    second = signing.propose(sides.south, terms(sides, version=2, replaces=first.hash), now=NOW)
    carry(sides)
    signing.countersign(sides.north, ID, now=NOW)
    carry(sides)
    for home in sides.both:
        assert states(home)[second.hash] == "active"
        assert states(home)[first.hash] in {"rejected", "withdrawn"}


def test_of_two_proposals_that_crossed_ones_own_is_withdrawn_first(sides: Sides) -> None:
    ours = signing.propose(sides.north, terms(sides), now=NOW)
    theirs = signing.propose(sides.south, terms(sides, title="Clinics"), now=NOW)
    carry(sides)
    with pytest.raises(RefusedError, match="proposed a version ourselves"):
        signing.countersign(sides.north, theirs.hash, now=NOW)
    signing.withdraw(sides.north, ours.hash, now=NOW)
    signing.countersign(sides.north, theirs.hash, now=NOW)
    carry(sides)
    assert states(sides.north) == {ours.hash: "withdrawn", theirs.hash: "active"}
    assert states(sides.north) == states(sides.south)


def test_nothing_is_countersigned_after_the_end(sides: Sides) -> None:
    first = made_active(sides)
    signing.terminate(sides.south, ID, "done", now=NOW)
    signing.propose(sides.north, terms(sides, version=2, replaces=first), now=NOW)
    carry(sides)
    assert list(states(sides.south).values()) == ["terminated", "proposed"]
    with pytest.raises(RefusedError, match="terminated"):
        signing.countersign(sides.south, ID, now=NOW)


def test_a_terminated_agreement_stays_so(sides: Sides) -> None:
    first = made_active(sides)
    second = signing.propose(sides.north, terms(sides, version=2, replaces=first), now=NOW)
    signing.terminate(sides.north, ID, "we are done", now=NOW)
    carry(sides)
    for home in sides.both:
        assert states(home) == {first: "terminated", second.hash: "withdrawn"}
        for act in (signing.suspend, signing.terminate):
            with pytest.raises(RefusedError, match="nothing to"):
                act(home, ID, "again", now=NOW)
        with pytest.raises(RefusedError, match="nothing to"):
            signing.resume(home, ID, now=NOW)
        made = terms(sides, version=3, replaces=second.hash)
        with pytest.raises(RefusedError, match="terminated"):
            signing.propose(home, made, now=NOW)


def test_either_side_suspends_at_once_and_it_takes_both_to_resume(sides: Sides) -> None:
    agreement = made_active(sides)
    signing.suspend(sides.south, ID, "sanctions hit", now=NOW)
    found = standing(sides.south)
    assert found is not None
    assert (found.state, found.serving, found.accepting) == ("suspended", False, False)
    carry(sides)
    assert states(sides.north) == {agreement: "suspended"}
    signing.resume(sides.south, ID, now=NOW)
    with pytest.raises(RefusedError, match="nothing to resume"):
        signing.resume(sides.south, ID, now=NOW)
    carry(sides)
    assert states(sides.north) == {agreement: "suspended"}
    signing.resume(sides.north, ID, "cleared", now=NOW)
    carry(sides)
    assert states(sides.north) == states(sides.south) == {agreement: "active"}


def test_a_one_sided_agreement_is_active_by_our_signature_and_log_alone(sides: Sides) -> None:
    version = signing.propose(sides.north, paper_terms(sides.north), now=NOW)
    assert outgoing(sides.north) == []
    found = standing(sides.north)
    assert found is not None
    assert (found.state, found.serving, found.accepting) == ("active", True, False)
    key = signing.open_account(sides.north, ID, now=NOW)
    with sides.north.store.read() as tx:
        account = parties.account_of(tx, canonical.sha256(key.encode()))
        assert account is not None
        assert (account.party, account.agreement_id) == ("east-clinic", version.agreement_id)
        assert parties.credential_of(tx, ID) is None
    signing.suspend(sides.north, ID, "doubt", now=NOW)
    assert states(sides.north) == {version.hash: "suspended"}
    signing.resume(sides.north, ID, now=NOW)
    assert states(sides.north) == {version.hash: "active"}
    signing.terminate(sides.north, ID, "done", now=NOW)
    assert states(sides.north) == {version.hash: "terminated"}
    assert outgoing(sides.north) == []


def test_a_partner_with_a_card_gets_no_agreement_on_paper(sides: Sides) -> None:
    made = paper_terms(sides.north)
    party = msgspec.structs.replace(made.party["south"], slug="south-isac")
    other = msgspec.structs.replace(made, party={**made.party, "south": party})
    with pytest.raises(RefusedError, match="card"):
        signing.propose(sides.north, other, now=NOW)


def test_the_clock_opens_and_closes_it(sides: Sides) -> None:
    made_active(sides)
    for moment, state, serving in (
        (NOW - 30 * DAY, "active", False),
        (NOW, "active", True),
        (NOW + 400 * DAY, "expired", False),
    ):
        found = standing(sides.north, now=moment)
        assert found is not None
        assert (found.state, found.serving, found.accepting) == (state, serving, serving)


def test_serves_and_accepts_say_why_not(sides: Sides) -> None:
    with sides.north.store.read() as tx, pytest.raises(RefusedError, match="No agreement"):
        serves(tx, ID, now=NOW)
    agreement = made_active(sides)
    with sides.north.store.read() as tx:
        assert serves(tx, ID, now=NOW).hash == agreement
        assert accepts(tx, ID, now=NOW).terms == terms(sides)
        assert [each.hash for each in all_in_force(tx, now=NOW)] == [agreement]
    signing.suspend(sides.north, ID, "doubt", now=NOW)
    with sides.north.store.read() as tx:
        for ask in (serves, accepts):
            with pytest.raises(RefusedError, match="suspended"):
                ask(tx, ID, now=NOW)
        assert in_force(tx, "urn:uuid:none", now=NOW) is None


def test_nothing_is_served_to_a_blocked_partner_whatever_the_statements_say(sides: Sides) -> None:
    made_active(sides)
    with sides.north.store.write() as tx:
        parties.set_blocked(tx, "south-isac", at=NOW, reason="doubt")
    found = standing(sides.north)
    assert found is not None
    assert (found.state, found.serving, found.accepting) == ("active", False, False)


def test_an_act_that_fails_leaves_nothing_behind(
    sides: Sides, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError

    signing.propose(sides.north, terms(sides), now=NOW)
    carry(sides)
    before = steps(sides.south), states(sides.south)
    monkeypatch.setattr(signing, "enqueue", fail)
    with pytest.raises(OSError):  # noqa: PT011  # made here, without a text
        signing.countersign(sides.south, ID, now=NOW)
    assert (steps(sides.south), states(sides.south)) == before
    with sides.south.store.read() as tx:
        assert parties.credential_of(tx, ID) is None
        assert agreements.pending(tx) == []


def test_an_agreement_is_found_by_id_start_of_id_or_hash(sides: Sides) -> None:
    version = signing.propose(sides.north, terms(sides), now=NOW)
    with sides.north.store.read() as tx:
        for ref in (ID, ID.removeprefix("urn:uuid:"), "5d3b", "5D3B", version.hash):
            assert signing.versions_of(tx, ref) == [version]
        for ref in ("", "5d3", "0000", f"sha256:{'0' * 64}"):
            with pytest.raises(MisuseError):
                signing.versions_of(tx, ref)


def test_messages_of_one_partner_are_exported_apart(sides: Sides) -> None:
    signing.propose(sides.north, terms(sides), now=NOW)
    assert len(export_messages(sides.north, "south-isac", now=NOW)) == 1
    assert export_messages(sides.north, "far-isac", now=NOW) == []
