"""How a verb shows its answer: lines and tables for people, or one JSON value for scripts.

Everything that is shown passes through `visible`, so that a name or a reason written by a partner
cannot move the cursor, turn the reading direction, or pretend to be another line.
"""

import json
import os
import re
import sys
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from tearline.errors import InputError, TearlineError

if TYPE_CHECKING:
    from rich.console import Console

_UNSAFE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_WIDE = 10_000


class Table(NamedTuple):
    """Rows under headings; an empty one is not shown."""

    headings: Sequence[str]
    rows: Sequence[Sequence[object]]


Part = str | Table
"""What is shown to people: a line, or a table."""


def visible(text: object) -> str:
    r"""Return `text` as one line in which control and direction characters are written `\u202e`."""
    return "".join(map(_escaped, str(text)))


def answer(as_json: bool, value: Any, *parts: Part) -> None:  # noqa: ANN401  # any JSON value
    """Show `value` as JSON, or the parts for people."""
    if as_json:
        print_json(value)
        return
    console = _console()
    for part in parts:
        if isinstance(part, Table):
            _print_table(console, part)
        else:
            console.print(visible(part), style=_style_of(part))


def text(as_json: bool, value: Any, lines: str) -> None:  # noqa: ANN401  # any JSON value
    """Show `value` as JSON, or a text of ours of several lines exactly as it is."""
    if as_json:
        print_json(value)
    else:
        sys.stdout.write(lines)


def print_json(value: Any) -> None:  # noqa: ANN401  # any JSON value
    """Write one JSON value; characters that could deceive a terminal are escaped."""
    plain = json.dumps(value, ensure_ascii=False, indent=2)
    sys.stdout.write(re.sub(r"[^\x20-\x7e\n]", _json_escaped, plain) + "\n")


def fail(error: TearlineError, *, as_json: bool) -> None:
    """Show what happened, what it means, what to do: on standard error, or on output as JSON."""
    place = error.place if isinstance(error, InputError) else ""
    if as_json:
        parts = {"what": error.what, "means": error.means, "do": error.do, "place": place}
        print_json({"error": parts})
        return
    console = _console(stderr=True)
    first = f"{place}: {error.what}" if place else error.what
    console.print(visible(first), style="bold red")
    for part in (error.means, error.do):
        if part:
            console.print(visible(part))


def note(line: str, *, as_json: bool = False) -> None:
    """Say something beside the answer, on standard error; silent with JSON."""
    if not as_json:
        _console(stderr=True).print(visible(line), style="dim")


def interactive() -> bool:
    """Whether a person can be asked."""
    return sys.stdin.isatty() and sys.stderr.isatty()


@contextmanager
def progress(what: str, *, as_json: bool) -> Iterator[Callable[[int, int | None], None] | None]:
    """Show a bar while the block runs, on a terminal only; yields what is told (done, total).

    Where nobody knows the total it is None.
    """
    if as_json or not sys.stderr.isatty():
        yield None
        return
    from rich.progress import Progress

    # Without a thread of its own, so that an import may fork.
    with Progress(console=_console(stderr=True), transient=True, auto_refresh=False) as bar:
        task = bar.add_task(visible(what), total=None)

        def tell(done: int, total: int | None) -> None:
            said = visible(what if total is not None else f"{what}: {done:,}")
            bar.update(task, completed=done, total=total, description=said, refresh=True)

        yield tell


def count(number: int, one: str, many: str | None = None) -> str:
    """Return a number with its noun: `1 object`, `1,204 objects`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def moment(at: int | None) -> str:
    """Return a moment to the second for people, or a dash."""
    from tearline.stix.timestamp import format_timestamp

    return "-" if at is None else format_timestamp(at, digits=3)[:19].replace("T", " ") + "Z"


def stamp(at: int | None) -> str | None:
    """Return a moment for JSON: RFC 3339 with microseconds; None stays None."""
    from tearline.stix.timestamp import format_timestamp

    return None if at is None else format_timestamp(at, digits=6)


def _console(*, stderr: bool = False) -> "Console":
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() else _WIDE
    plain = bool(os.environ.get("NO_COLOR")) or not stream.isatty()
    return Console(
        file=stream,
        width=width,
        no_color=plain,
        force_terminal=None if stream.isatty() else False,
        markup=False,
        emoji=False,
        highlight=False,
        soft_wrap=True,
    )


def _print_table(console: "Console", table: Table) -> None:
    if not table.rows:
        return
    from rich.table import Table as Drawn
    from rich.text import Text

    drawn = Drawn(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for heading in table.headings:
        drawn.add_column(Text(heading), header_style="bold", overflow="fold")
    for row in table.rows:
        drawn.add_row(*(Text(visible("-" if cell is None else cell)) for cell in row))
    console.print(drawn)


def _style_of(line: str) -> str | None:
    return "yellow" if line.startswith("Warning: ") else None


def _escaped(character: str) -> str:
    if unicodedata.category(character) not in _UNSAFE:
        return character
    point = ord(character)
    return f"\\u{point:04x}" if point <= 0xFFFF else f"\\U{point:08x}"  # noqa: PLR2004  # the BMP


def _json_escaped(match: re.Match[str]) -> str:
    character = match[0]
    if unicodedata.category(character) not in _UNSAFE:
        return character
    return json.dumps(character)[1:-1]


def joined(words: Iterable[object]) -> str:
    """Return words with commas, or a dash for none."""
    return ", ".join(str(word) for word in words) or "-"
