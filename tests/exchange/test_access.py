import base64

import pytest

from tearline.exchange.access import Door, TurnedAwayError
from tearline.exchange.credentials import credentials

MINUTE = 60_000_000


def basic(text: str) -> dict[str, str]:
    return {"authorization": "Basic " + base64.b64encode(text.encode()).decode()}


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        (basic("south:abc"), ("south", "abc")),
        (basic("south:a:b"), ("south", "a:b")),
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
        {"authorization": "Basic ???"},
        {"authorization": "Basic " + base64.b64encode(b"\xff:\xff").decode()},
        {"authorization": "Digest abc"},
        {"authorization": "Bearer"},
        {"x-api-key": "a" * 600},
    ],
)
def test_what_is_no_key_is_none(headers: dict[str, str]) -> None:
    assert credentials(headers) is None


def test_an_address_that_keeps_failing_waits_a_minute_and_no_other_does() -> None:
    door = Door(most=3)
    for _ in range(3):
        door.check("a", now=0)
        door.failed("a", now=0)
    with pytest.raises(TurnedAwayError) as caught:
        door.check("a", now=MINUTE - 1)
    assert (caught.value.status, caught.value.headers) == (429, {"Retry-After": "60"})
    door.check("b", now=0)
    door.check("a", now=MINUTE)


def test_counts_do_not_grow_without_end() -> None:
    door = Door(most=2, addresses=10)
    for number in range(100):
        door.failed(f"address {number}", now=0)
    assert len(door._failures) == 10  # noqa: SLF001  # what it is about
