import pytest

from tearline.exchange.access import Door, TurnedAwayError

MINUTE = 60_000_000


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
    assert len(door._attempts) == 10  # noqa: SLF001  # what it is about
