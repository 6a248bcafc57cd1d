"""The state follows from the two chains, whatever order they are held in."""

import contextlib
import itertools

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tearline.agreement.state import (
    Statement,
    Step,
    allowed,
    check_step,
    fold,
    parse_statement,
    statement_bytes,
    statement_hash,
)
from tearline.errors import InputError, ProofError, RefusedError

ID = "urn:uuid:5d3bd1a4-7f0a-4e8f-9a53-0d6ef04c2a10"
ONE = f"sha256:{'1' * 64}"


class Talk:
    """Two sides that make statements, each knowing what it was told."""

    def __init__(self) -> None:
        self.said: dict[str, list[Statement]] = {"n": [], "s": []}
        self.heard = {"n": 0, "s": 0}

    def say(self, by: str, step: Step, *, agreement: str = ONE) -> Statement:
        other = self.said["s" if by == "n" else "n"]
        own = self.said[by]
        made = Statement(
            id=ID,
            agreement=agreement,
            step=step,
            previous=statement_hash(own[-1]) if own else None,
            seen=statement_hash(other[self.heard[by] - 1]) if self.heard[by] else None,
            by=by,
            at="2026-01-06T12:00:00Z",
            reason=None,
            proof=None,
        )
        check_step(self.known(by), made)
        own.append(made)
        return made

    def hear(self, by: str) -> None:
        self.heard[by] = len(self.said["s" if by == "n" else "n"])

    def both_hear(self) -> None:
        self.hear("n")
        self.hear("s")

    def known(self, by: str) -> list[Statement]:
        other = "s" if by == "n" else "n"
        return [*self.said[by], *self.said[other][: self.heard[by]]]

    def state(self) -> str:
        return fold([*self.said["n"], *self.said["s"]], ONE).name

    def seen_by(self, by: str) -> str:
        return fold(self.known(by), ONE).name


def running() -> Talk:
    talk = Talk()
    for by, step in (("n", "proposed"), ("s", "countersigned"), ("n", "activated")):
        talk.say(by, step)  # type: ignore[arg-type]  # a pair of a side and a step
        talk.both_hear()
    talk.say("s", "activated")
    talk.both_hear()
    return talk


def test_the_usual_course() -> None:
    talk = Talk()
    assert talk.state() == "none"
    for by, step, name in (
        ("n", "proposed", "proposed"),
        ("s", "countersigned", "countersigned"),
        ("n", "activated", "countersigned"),
        ("s", "activated", "active"),
        ("n", "suspended", "suspended"),
        ("n", "resume-asked", "suspended"),
        ("s", "resumed", "active"),
        ("s", "terminated", "terminated"),
    ):
        talk.say(by, step)  # type: ignore[arg-type]  # as above
        talk.both_hear()
        assert talk.state() == name


ALLOWED = {
    "none": {"proposed"},
    "proposed": {"countersigned", "rejected", "withdrawn"},
    "countersigned": {"activated", "suspended", "terminated"},
    "active": {"suspended", "terminated"},
    "rejected": set(),
}


@pytest.mark.parametrize("name", list(ALLOWED))
def test_only_what_the_table_allows_is_allowed(name: str) -> None:
    course: dict[str, list[tuple[str, Step]]] = {
        "none": [],
        "proposed": [("n", "proposed")],
        "countersigned": [("n", "proposed"), ("s", "countersigned")],
        "rejected": [("n", "proposed"), ("s", "rejected")],
    }
    talk = running() if name == "active" else Talk()
    for by, step in course.get(name, []):
        talk.say(by, step)
        talk.both_hear()
    assert talk.state() == name
    found = set()
    for by in ("n", "s"):
        for step in msgspec.inspect.type_info(Step).values:  # type: ignore[attr-defined]
            with contextlib.suppress(RefusedError):
                allowed(fold([*talk.said["n"], *talk.said["s"]], ONE), step, by)
                found.add(step)
    assert found == ALLOWED[name]


def test_a_side_cannot_countersign_reject_or_activate_for_the_other() -> None:
    talk = Talk()
    talk.say("n", "proposed")
    talk.both_hear()
    for by, step in (("n", "countersigned"), ("n", "rejected"), ("s", "withdrawn")):
        with pytest.raises(RefusedError):
            talk.say(by, step)  # type: ignore[arg-type]  # as above
    talk.say("s", "countersigned")
    talk.say("s", "activated")
    with pytest.raises(RefusedError):
        talk.say("s", "activated")


def test_what_ends_it_wins_over_what_crossed_it() -> None:
    talk = Talk()
    talk.say("n", "proposed")
    talk.both_hear()
    talk.say("n", "withdrawn")
    talk.say("s", "countersigned")
    assert (talk.seen_by("n"), talk.seen_by("s")) == ("withdrawn", "countersigned")
    talk.both_hear()
    assert talk.state() == "withdrawn"


def test_it_takes_both_to_resume_whoever_suspended() -> None:
    talk = running()
    talk.say("n", "suspended")
    talk.say("s", "suspended")
    talk.both_hear()
    talk.say("n", "resume-asked")
    assert talk.state() == "suspended"
    with pytest.raises(RefusedError):
        talk.say("n", "resumed")
    talk.both_hear()
    talk.say("s", "resumed")
    assert talk.state() == "active"


def test_a_consent_does_not_lift_a_suspension_that_it_did_not_know_of() -> None:
    talk = running()
    talk.say("n", "suspended")
    talk.hear("s")
    talk.say("n", "resume-asked")
    talk.hear("s")
    talk.say("s", "resumed")
    talk.hear("n")
    talk.say("n", "suspended")
    assert talk.state() == "suspended"
    talk.hear("s")
    talk.say("s", "resume-asked")
    assert talk.state() == "suspended"
    talk.hear("n")
    talk.say("n", "resumed")
    talk.hear("s")
    assert talk.state() == "active"


def test_two_requests_to_resume_that_cross_are_two_consents() -> None:
    talk = running()
    talk.say("n", "suspended")
    talk.both_hear()
    talk.say("n", "resume-asked")
    talk.say("s", "resume-asked")
    assert talk.state() == "active"


def test_an_activation_that_crosses_a_suspension_still_counts() -> None:
    talk = Talk()
    talk.say("n", "proposed")
    talk.both_hear()
    talk.say("s", "countersigned")
    talk.hear("n")
    talk.say("s", "suspended")
    talk.say("n", "activated")
    talk.both_hear()
    talk.say("s", "activated")
    assert talk.state() == "suspended"
    talk.say("s", "resume-asked")
    talk.hear("n")
    talk.say("n", "resumed")
    assert talk.state() == "active"


def test_a_signer_never_unsees() -> None:
    talk = running()
    last = talk.said["n"][-1]
    forgetful = msgspec.structs.replace(
        last, step="suspended", previous=statement_hash(last), seen=None
    )
    with pytest.raises(RefusedError, match="forgets"):
        check_step(talk.known("s"), forgetful)


def test_a_one_sided_agreement_is_active_by_one_side() -> None:
    talk = Talk()
    talk.say("n", "proposed")
    said = talk.said["n"]
    made = msgspec.structs.replace(said[0], step="activated", previous=statement_hash(said[0]))
    with pytest.raises(RefusedError):
        check_step(said, made)
    check_step(said, made, one_sided=True)
    assert fold([*said, made], ONE, one_sided=True).name == "active"
    assert fold([*said, made], ONE).name == "proposed"


@given(data=st.data())
def test_the_order_in_which_statements_are_held_does_not_matter(data: st.DataObject) -> None:
    talk = Talk()
    steps = st.sampled_from(list(msgspec.inspect.type_info(Step).values))  # type: ignore[attr-defined]
    for _ in range(data.draw(st.integers(0, 20))):
        by = data.draw(st.sampled_from(["n", "s"]))
        if data.draw(st.booleans()):
            talk.hear(by)
        try:
            talk.say(by, data.draw(steps))
        except RefusedError:
            continue
    every = [*talk.said["n"], *talk.said["s"]]
    state = fold(every, ONE)
    assert fold(data.draw(st.permutations(every)), ONE) == state
    both = len(state.activated_by) == 2
    assert state.name != "active" or (both and state.countersigned_by and state.proposed_by)


def test_a_statement_is_read_as_it_was_written() -> None:
    made = Talk().say("n", "proposed")
    assert parse_statement(statement_bytes(made)) == made
    body = statement_bytes(made)
    with pytest.raises(ProofError):
        parse_statement(body + b" ")
    for old, new in (
        (b'"proposed"', b'"adopted"'),
        (b'"reason":null', b'"reason":"a\\u0007b"'),
        (b"2026-01-06T12:00:00Z", b"yesterday"),
        (b'"seen":null', b'"seen":null,"seen2":null'),
        (b'"by":"n"', b'"by":"N"'),
    ):
        assert old in body
        with pytest.raises(InputError):
            parse_statement(body.replace(old, new))


def test_chains_are_found_whatever_is_missing() -> None:
    talk = running()
    every = [*talk.said["n"], *talk.said["s"]]
    for count in range(len(every)):
        for some in itertools.combinations(every, count):
            fold(some, ONE)  # nothing raises, and nothing is active on less than both
            assert fold(some, ONE).name != "active" or count >= 4
