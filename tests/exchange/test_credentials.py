import base64

import pytest

from tearline.exchange.credentials import Credentials, Proofs, credentials

MINUTE = 60_000_000


def basic(text: str) -> dict[str, str]:
    return {"authorization": "Basic " + base64.b64encode(text.encode()).decode()}


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        (basic("south:abc"), ("south", "abc")),
        (basic("south:a:b"), ("south", "a:b")),
        (basic("süd:pässe"), ("süd", "pässe")),
        ({"authorization": "bearer  abc "}, (None, "abc")),
        ({"x-api-key": "abc"}, (None, "abc")),
    ],
)
def test_a_key_may_come_in_three_ways(
    headers: dict[str, str], expected: tuple[str | None, str]
) -> None:
    assert credentials(headers) == expected


@pytest.mark.parametrize(
    "headers",
    [
        {},
        basic("south:"),
        basic("south"),
        basic("so\x00uth:abc"),
        {"authorization": "Basic ???"},
        {"authorization": "Basic " + base64.b64encode(b"\xff:\xff").decode()},
        {"authorization": "Digest abc"},
        {"authorization": "Bearer"},
        {"x-api-key": "a" * 600},
    ],
)
def test_what_is_no_key_is_none(headers: dict[str, str]) -> None:
    assert credentials(headers) is None


def test_a_proof_is_remembered_for_a_while_and_each_use_prolongs_it() -> None:
    proofs, brought = Proofs(), Credentials("alice", "secret")
    assert proofs.get(brought, now=0) is None
    proofs.put(brought, "hash", now=0)
    assert proofs.get(brought, now=9 * MINUTE) == "hash"
    assert proofs.get(brought, now=18 * MINUTE) == "hash"
    assert proofs.get(brought, now=28 * MINUTE) is None
    assert proofs.get(brought, now=18 * MINUTE) is None


@pytest.mark.parametrize(
    "other",
    [
        Credentials("alice", "Secret"),
        Credentials("bob", "secret"),
        Credentials(None, "secret"),
        Credentials("alices", "ecret"),
    ],
)
def test_a_proof_is_of_one_user_and_one_password(other: Credentials) -> None:
    proofs = Proofs()
    proofs.put(Credentials("alice", "secret"), "hash", now=0)
    assert proofs.get(other, now=0) is None


def test_the_last_used_proofs_are_kept_and_nothing_that_was_brought() -> None:
    proofs = Proofs(most=10)
    for number in range(30):
        proofs.put(Credentials("alice", f"secret{number}"), "hash", now=0)
        proofs.get(Credentials("alice", "secret0"), now=0)
    held = proofs._held  # noqa: SLF001  # what it is about
    assert len(held) == 10
    assert proofs.get(Credentials("alice", "secret0"), now=0) == "hash"
    assert "secret" not in str(held)
    again = Proofs(most=10)
    again.put(Credentials("alice", "secret0"), "hash", now=0)
    assert not held.keys() & again._held.keys()  # noqa: SLF001
