import io
import json
import unicodedata
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tearline.cli import terminal
from tearline.cli.terminal import Part, Table, answer, count, fail, interactive, print_json, visible
from tearline.errors import InputError, RefusedError

SPOOF = "Nor\u202eth\u2066 \x1b[2J\x07\u200b\u2028CERT\r\nnext"
HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def _written(act: Callable[[], None]) -> tuple[str, str]:
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        act()
    return out.getvalue(), err.getvalue()


def _shown(*parts: Part) -> str:
    for_scripts = False
    return _written(lambda: answer(for_scripts, None, *parts))[0]


@given(st.text(st.characters(codec=None)))
def test_nothing_shown_can_hide_or_move_anything(text: str) -> None:
    assert not {unicodedata.category(each) for each in visible(text)} & HIDDEN


@given(st.text(st.characters(exclude_categories=sorted(HIDDEN))))  # type: ignore[arg-type]
def test_what_is_harmless_stays_as_it_is(text: str) -> None:
    assert visible(text) == text


@given(st.recursive(st.text() | st.integers(), lambda inner: st.lists(inner, max_size=3)))
def test_json_means_the_same_and_hides_nothing(value: object) -> None:
    written, _ = _written(lambda: print_json(value))
    assert json.loads(written) == value
    assert not {unicodedata.category(each) for each in written.replace("\n", "")} & HIDDEN


def test_a_spoofed_name_is_one_visible_line_everywhere() -> None:
    line = "Nor\\u202eth\\u2066 \\u001b[2J\\u0007\\u200b\\u2028CERT\\u000d\\u000anext"
    assert _shown(SPOOF) == line + "\n"
    assert _written(lambda: fail(RefusedError(SPOOF), as_json=False))[1] == line + "\n"
    assert _shown(Table(("name",), [(SPOOF,)])).splitlines()[1].rstrip() == line


def test_markup_of_rich_means_nothing() -> None:
    assert _shown("[red]a[/red] :smile:") == "[red]a[/red] :smile:\n"
    assert "[bold]x" in _shown(Table(("a",), [("[bold]x",)]))


def test_no_colour_and_no_folding_where_nobody_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    wide = "x" * 500
    written = _shown("Warning: " + wide, Table(("a", "b"), [(wide, "y")]))
    assert "\x1b" not in written
    assert [line for line in written.splitlines() if wide in line] != []
    assert len(written.splitlines()) == 3


def test_an_error_says_what_means_do_and_where() -> None:
    error = InputError("It broke.", place="a.json objects[3]", means="Nothing.", do="Try again.")
    assert _written(lambda: fail(error, as_json=False))[1].splitlines() == [
        "a.json objects[3]: It broke.",
        "Nothing.",
        "Try again.",
    ]
    parts = {"what": "It broke.", "means": "Nothing.", "do": "Try again."}
    shown = json.loads(_written(lambda: fail(error, as_json=True))[0])
    assert shown == {"error": parts | {"place": "a.json objects[3]"}}


def test_an_empty_table_is_not_shown_and_none_is_a_dash() -> None:
    assert _shown(Table(("a",), [])) == ""
    assert _shown(Table(("a",), [(None,)])).split() == ["a", "-"]


def test_numbers_have_their_noun() -> None:
    assert count(1, "leaf", "leaves") == "1 leaf"
    assert count(1204, "object") == "1,204 objects"


def test_no_bar_and_no_question_without_a_terminal() -> None:
    with terminal.progress("Importing", as_json=False) as tell:
        assert tell is None
    assert not interactive()
