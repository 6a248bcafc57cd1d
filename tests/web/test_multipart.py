"""Forms with files: read whole whatever the pieces, refused when they are something else."""

from io import BytesIO
from typing import BinaryIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tearline.errors import InputError
from tearline.web.multipart import Parts, boundary_of
from tearline.web.taking import bare_name

MARK = b"----tearline1"


class Kept(BytesIO):
    """What stays when it is closed."""

    def close(self) -> None:
        pass


def read(body: bytes, cuts: list[int]) -> tuple[dict[str, str], list[tuple[str, bytes]]]:
    """Read a body that comes in pieces."""
    files: list[tuple[str, Kept]] = []

    def open_(name: str) -> BinaryIO:
        files.append((name, Kept()))
        return files[-1][1]

    parts = Parts(MARK, open_)
    at = 0
    for cut in [*sorted(each % (len(body) + 1) for each in cuts), len(body)]:
        parts.feed(body[at:cut])
        at = cut
    parts.end()
    return parts.fields, [(name, each.getvalue()) for name, each in files]


def form(fields: dict[str, str], files: list[tuple[str, bytes]]) -> bytes:
    """Write a form as browsers do."""
    body = b""
    for name, value in fields.items():
        said = f'Content-Disposition: form-data; name="{name}"'.encode()
        body += b"--" + MARK + b"\r\n" + said + b"\r\n\r\n" + value.encode() + b"\r\n"
    for name, content in files:
        plain = name.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
        said = f'Content-Disposition: form-data; name="files"; filename="{plain}"'.encode()
        said += b"\r\nContent-Type: application/json"
        body += b"--" + MARK + b"\r\n" + said + b"\r\n\r\n" + content + b"\r\n"
    return body + b"--" + MARK + b"--\r\n"


PIECES = st.lists(st.integers(0, 10_000), max_size=12)
CONTENT = st.one_of(
    st.binary(max_size=200),
    st.lists(st.sampled_from([b"\r\n", b"--", MARK, b"\r\n--", b"x"]), max_size=12)
    .map(b"".join)
    .filter(lambda each: b"\r\n--" + MARK not in b"\r\n" + each + b"\r\n"),
)
NAMES = st.text(
    st.characters(blacklist_categories=["Cs"], blacklist_characters="\\%\0"), min_size=1, max_size=9
)


@given(
    st.dictionaries(
        st.sampled_from(["mark", "grade", "source"]), st.text("abc é\r\n-", max_size=9)
    ),
    st.lists(st.tuples(NAMES, CONTENT), max_size=4),
    PIECES,
)
def test_a_form_is_the_same_whatever_its_pieces(
    fields: dict[str, str], files: list[tuple[str, bytes]], cuts: list[int]
) -> None:
    assert read(form(fields, files), cuts) == (fields, files)


@given(st.binary(max_size=300), PIECES)
def test_what_is_no_form_is_refused_and_nothing_else_happens(body: bytes, cuts: list[int]) -> None:
    with pytest.raises(InputError):
        read(body, cuts)


def test_a_form_that_ends_half_way_is_refused() -> None:
    whole = form({"mark": "x"}, [("a.json", b"content")])
    for end in range(len(whole) - 4):
        with pytest.raises(InputError):
            read(whole[:end], [])


def test_a_form_with_endless_parts_fields_or_headers_is_refused() -> None:
    with pytest.raises(InputError):
        read(form({str(number): "" for number in range(201)}, []), [])
    with pytest.raises(InputError):
        read(form({"mark": "x" * 70_000}, []), [])
    with pytest.raises(InputError):
        read(b"--" + MARK + b"\r\n" + b"x" * 9_000, [])


@pytest.mark.parametrize(
    ("said", "boundary"),
    [
        ("multipart/form-data; boundary=abc", b"abc"),
        ('multipart/form-data; charset=utf-8; boundary="a b"', b"a b"),
        ("Multipart/Form-Data;boundary=abc", b"abc"),
        ("multipart/form-data", None),
        ("application/x-www-form-urlencoded", None),
        ("", None),
    ],
)
def test_the_boundary_is_in_the_type(said: str, boundary: bytes | None) -> None:
    assert boundary_of(said) == boundary


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("a.json", "a.json"),
        ("../../etc/passwd", "passwd"),
        ("C:\\files\\a.json", "a.json"),
        ("..", "file"),
        ("", "file"),
        ("\0a\x1b\u202eb", "�a��b"),
        ("/", "file"),
    ],
)
def test_a_name_is_the_name_of_a_file_and_no_way_elsewhere(name: str, kept: str) -> None:
    assert bare_name(name) == kept
    assert len(bare_name("x" * 500)) == 100
