"""Lines on their way to a stream: in order, never in the way, and told when they are lost."""

import io
import json
from threading import Event

from tearline.node import logs
from tearline.node.logs import Lines, line


class Slow(io.StringIO):
    """A stream that nobody reads until somebody does."""

    def __init__(self) -> None:
        super().__init__()
        self.read_on = Event()

    def write(self, text: str) -> int:
        self.read_on.wait()
        return super().write(text)


def test_lines_are_written_in_their_order() -> None:
    stream = io.StringIO()
    lines = Lines(stream)
    for number in range(500):
        lines.write(line({"number": number}))
    lines.drain()
    assert [json.loads(each)["number"] for each in stream.getvalue().splitlines()] == list(
        range(500)
    )
    lines.write(line({"number": 500}))
    lines.drain()
    assert stream.getvalue().endswith('{"number":500}\n')


def test_who_does_not_read_holds_up_nobody_and_is_told_what_was_lost() -> None:
    stream = Slow()
    lines = Lines(stream)
    lines.write(line({"number": 0}))
    while lines._waiting:  # noqa: SLF001  # until the first one is being written
        pass
    many = 2 * logs._MOST_WAITING  # noqa: SLF001
    for _ in range(many):
        lines.write("{}\n")
    lines.drain(0.1)
    assert stream.getvalue() == ""
    stream.read_on.set()
    lines.drain()
    written = [json.loads(each) for each in stream.getvalue().splitlines()]
    lost = [each["lines"] for each in written if "lines" in each]
    assert lost == [many // 2]
    assert len(written) == 1 + many - lost[0] + 1


def test_a_stream_that_is_closed_ends_nothing() -> None:
    stream = io.StringIO()
    lines = Lines(stream)
    stream.close()
    lines.write("{}\n")
    lines.drain()
    lines.write("{}\n")
    lines.drain()
