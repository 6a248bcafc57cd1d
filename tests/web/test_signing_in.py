"""Links, passwords, sessions: who gets in, for how long, and what is said of it."""

from pathlib import Path

import pytest

from tearline.agreement.home import Home, create_home
from tearline.errors import MisuseError, RefusedError
from tearline.store import private
from tearline.web import signing_in
from tests.pair import START

pytestmark = pytest.mark.usefixtures("either_store")
PASSWORD = "Mud and Reed, twice"  # of a test


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return create_home(tmp_path / "home", "North CERT", None, START)


def ada(home: Home, role: str) -> str:
    """Ada takes up an invitation; the secret of her session."""
    token = signing_in.invite(home, "Ada", role, now=START)
    return signing_in.accept(home, token, PASSWORD, now=START)


def test_the_first_link_counts_once_and_until_somebody_is_there(home: Home) -> None:
    token = signing_in.first(home, now=START)
    assert token is not None
    again = signing_in.first(home, now=START + 1)
    assert again is not None, "nobody is there yet"
    assert signing_in.invited(home, token, now=START + 1) is None, "a newer link voids an older"
    session = signing_in.accept(home, again, PASSWORD, now=START + 2)
    who = signing_in.viewer(home, session, now=START + 3)
    assert who is not None
    assert (who.name, who.role) == ("admin", "admin")
    assert signing_in.first(home, now=START + 4) is None
    with pytest.raises(RefusedError, match="counts no more"):
        signing_in.accept(home, again, PASSWORD, now=START + 5)


def test_a_link_is_over_after_two_days(home: Home) -> None:
    token = signing_in.invite(home, "Ada", "officer", now=START)
    assert signing_in.invited(home, token, now=START + signing_in.INVITED - 1) is not None
    with pytest.raises(RefusedError):
        signing_in.accept(home, token, PASSWORD, now=START + signing_in.INVITED)


@pytest.mark.parametrize("password", ["short", "x" * 513])
def test_a_password_is_neither_short_nor_endless(home: Home, password: str) -> None:
    token = signing_in.invite(home, "Ada", "officer", now=START)
    with pytest.raises(RefusedError, match="characters"):
        signing_in.accept(home, token, password, now=START)
    assert signing_in.invited(home, token, now=START) is not None


def test_a_session_ends_by_its_time_by_its_owner_and_with_the_person(home: Home) -> None:
    signing_in.accept(
        home, signing_in.invite(home, "Ada", "officer", now=START), PASSWORD, now=START
    )
    assert signing_in.sign_in(home, "ada", "wrong and wrong", now=START) is None
    assert signing_in.sign_in(home, "nobody", PASSWORD, now=START) is None
    one, two, three = (signing_in.sign_in(home, "ada", PASSWORD, now=START) for _ in range(3))
    assert one is not None
    assert two is not None
    assert three is not None
    whose = signing_in.viewer(home, one, now=START + signing_in.SIGNED_IN - 1)
    assert whose is not None
    assert signing_in.viewer(home, one, now=START + signing_in.SIGNED_IN) is None
    signing_in.sign_out(home, whose, everywhere=False)
    assert [signing_in.viewer(home, each, now=START) is None for each in (one, two)] == [
        True,
        False,
    ]
    signing_in.sign_out(home, whose, everywhere=True)
    assert signing_in.viewer(home, two, now=START) is None
    four = signing_in.sign_in(home, "ada", PASSWORD, now=START)
    assert four
    signing_in.end(home, "ada", "left", now=START)
    assert signing_in.viewer(home, four, now=START) is None
    assert signing_in.sign_in(home, "ada", PASSWORD, now=START) is None
    with pytest.raises(RefusedError):
        signing_in.end(home, "ada", "again", now=START)


def test_a_new_invitation_sets_role_and_password_anew(home: Home) -> None:
    old = signing_in.accept(
        home, signing_in.invite(home, "Ada", "reader", now=START), PASSWORD, now=START
    )
    token = signing_in.invite(home, "Ada", "admin", now=START)
    assert signing_in.viewer(home, old, now=START) is not None, "until it is taken up"
    new = signing_in.accept(home, token, PASSWORD[::-1], now=START)
    assert signing_in.viewer(home, old, now=START) is None
    who = signing_in.viewer(home, new, now=START)
    assert who is not None
    assert who.role == "admin"
    assert signing_in.sign_in(home, "ada", PASSWORD, now=START) is None


def test_the_password_again_is_what_steps_up(home: Home) -> None:
    token = signing_in.accept(
        home, signing_in.invite(home, "Ada", "officer", now=START), PASSWORD, now=START
    )
    later = START + signing_in.PROVEN + 1
    who = signing_in.viewer(home, token, now=later)
    assert who is not None
    assert not signing_in.prove(home, who, "wrong and wrong", now=later)
    assert signing_in.prove(home, who, PASSWORD, now=later)
    again = signing_in.viewer(home, token, now=later)
    assert again is not None
    assert (who.proven_at, again.proven_at) == (START, later)


def test_a_role_is_one_of_six(home: Home) -> None:
    with pytest.raises(MisuseError, match="is no role"):
        signing_in.invite(home, "Ada", "root", now=START)


def test_the_private_log_has_each_act_and_no_secret(home: Home) -> None:
    token = signing_in.invite(home, "Ada", "officer", now=START)
    session = signing_in.accept(home, token, PASSWORD, now=START)
    signing_in.sign_in(home, "ada", PASSWORD, now=START)
    signing_in.end(home, "ada", "left", now=START)
    with home.store.read() as tx:
        lines = [record for kind, record in private.pending(tx) if kind == "staff"]
        stored = " ".join(map(str, tx.exec_driver_sql("SELECT * FROM staff_session").all()))
    assert [each.count('"act"') for each in lines] == [1, 1, 1, 1]
    for secret in (token, session, PASSWORD):
        assert secret not in " ".join(lines) + stored
