"""Who fails often waits, and nobody else."""

from tearline.approval.attempts import Attempts

SPAN = 60_000_000


def test_who_failed_often_waits_until_the_first_failure_is_past() -> None:
    attempts = Attempts(most=3, span_us=SPAN)
    for at in (0, 10, 20):
        assert attempts.wait_us("a", now=at) == 0
        attempts.failed("a", now=at)
    assert attempts.wait_us("a", now=20) == SPAN - 20
    assert attempts.wait_us("b", now=20) == 0
    assert attempts.wait_us("a", now=SPAN - 1) == 1
    assert attempts.wait_us("a", now=SPAN) == 0
    attempts.failed("a", now=SPAN)
    assert attempts.wait_us("a", now=SPAN) == 10


def test_who_succeeds_begins_anew() -> None:
    attempts = Attempts(most=1, span_us=SPAN)
    attempts.failed("a", now=0)
    assert attempts.wait_us("a", now=0) == SPAN
    attempts.succeeded("a")
    assert attempts.wait_us("a", now=0) == 0


def test_no_more_callers_are_remembered_than_said() -> None:
    attempts = Attempts(most=1, span_us=SPAN, callers=10)
    for number in range(50):
        attempts.failed(f"caller {number}", now=0)
    assert len(attempts) == 10
    assert attempts.wait_us("caller 0", now=0) == 0
    assert attempts.wait_us("caller 49", now=0) == SPAN
