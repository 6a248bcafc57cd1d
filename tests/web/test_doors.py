"""Who guesses passwords waits; whoever else comes does not."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from tearline import clock
from tearline.agreement.home import Home, create_home
from tests.pair import START
from tests.web.site import PASSWORD, session, site

MINUTE = 60_000_000


class Moment:
    """The moment it is, in a test."""

    now = START


@pytest.fixture
def moment(monkeypatch: pytest.MonkeyPatch) -> Moment:
    made = Moment()
    monkeypatch.setattr(clock, "now", lambda: made.now)
    return made


@pytest.fixture
def home(tmp_path: Path, moment: Moment) -> Iterator[Home]:
    made = create_home(tmp_path / "home", "North CERT", None, moment.now)
    for name in ("officer", "analyst"):
        session(made, name)
    yield made
    made.store.close()


@pytest.fixture
def client(home: Home) -> Iterator[TestClient]:
    with site(home) as made:
        yield made


def sign_in(client: TestClient, name: str, password: str) -> int:
    return client.post("/sign-in", data={"name": name, "password": password}).status_code


def test_after_ten_wrong_passwords_a_name_waits_and_others_do_not(
    client: TestClient, moment: Moment
) -> None:
    assert [sign_in(client, "officer", "wrong") for _ in range(10)] == [403] * 10
    reply = client.post("/sign-in", data={"name": " officer", "password": PASSWORD})
    assert (reply.status_code, reply.headers["Retry-After"]) == (429, "600")
    assert "Try again in 10 minutes." in reply.text
    assert sign_in(client, "analyst", PASSWORD) == 303
    moment.now += 10 * MINUTE
    assert sign_in(client, "officer", PASSWORD) == 303


def test_a_right_password_forgets_the_wrong_ones(client: TestClient) -> None:
    for _ in range(3):
        assert [sign_in(client, "officer", "wrong") for _ in range(9)] == [403] * 9
        assert sign_in(client, "officer", PASSWORD) == 303


def test_who_has_a_session_cannot_guess_the_password_in_it_either(client: TestClient) -> None:
    assert sign_in(client, "officer", PASSWORD) == 303
    tried = [client.post("/prove", data={"password": f"guess {n}"}) for n in range(11)]
    assert [each.status_code for each in tried] == [403] * 10 + [429]
    assert "Too many wrong passwords." in tried[-1].text
    assert client.post("/prove", data={"password": PASSWORD}).status_code == 429


def test_a_name_that_nobody_has_waits_like_one_that_somebody_has(client: TestClient) -> None:
    found = [sign_in(client, "nobody", "wrong") for _ in range(11)]
    assert found == [403] * 10 + [429]
