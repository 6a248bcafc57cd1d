"""Links between pages resolve, and no page names a place of one machine."""

import re
from pathlib import Path

import pytest

from tests.docs.pages import ROOT, name_of, pages, prose

_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ +(.+)$", re.MULTILINE)
_ELSEWHERE = re.compile(r"[a-z]+:")
# Folders that are on one machine only; example paths in pages are relative or under a variable.
_MACHINE = re.compile(r"(?<![\w.~$}])/(home|root|Users|work|tmp|opt|private|mnt|var/folders)/\w")
# Words of advertising; and words for which DESIGN has another.
_BANNED = re.compile(
    r"\b(seamless(ly)?|cutting[- ]edge|state[- ]of[- ]the[- ]art|world[- ]class|blazing(ly)?"
    r"|revolutionary|game[- ]chang\w+|leverag\w+|empower\w*|robust(ly)?|effortless(ly)?"
    r"|unlock\w*|best[- ]in[- ]class|next[- ]gen\w*|TODO|FIXME|lorem)\b",
    re.IGNORECASE,
)

each_page = pytest.mark.parametrize("page", [pytest.param(p, id=name_of(p)) for p in pages()])


def _anchor(heading: str) -> str:
    """The anchor that GitHub makes of a heading."""
    plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).strip().casefold()
    return re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")


def _problem(page: Path, link: str) -> str | None:
    if _ELSEWHERE.match(link):
        return None
    path, _, anchor = link.partition("#")
    target = (page.parent / path).resolve() if path else page
    if not target.exists():
        return f"{link}: there is no such file"
    if not target.is_relative_to(ROOT):
        return f"{link}: leads out of the repository"
    if anchor and target.suffix == ".md":
        known = {_anchor(each) for each in _HEADING.findall(prose(target))}
        if anchor not in known:
            return f"{link}: there is no such heading"
    return None


@each_page
def test_relative_links_resolve(page: Path) -> None:
    found = (_problem(page, link) for link in _LINK.findall(prose(page)))
    assert [each for each in found if each] == []


@each_page
def test_a_page_names_no_place_of_one_machine(page: Path) -> None:
    text = page.read_text("utf-8")
    assert [found[0] for found in _MACHINE.finditer(text)] == []


@each_page
def test_a_page_is_plain(page: Path) -> None:
    text = page.read_text("utf-8")
    assert [found[0] for found in _BANNED.finditer(text)] == []


def test_every_page_in_docs_is_in_the_index() -> None:
    folder = ROOT / "docs"
    linked = {
        (index.parent / link.partition("#")[0]).resolve()
        for index in (folder / "README.md", folder / "decisions" / "README.md")
        for link in _LINK.findall(prose(index))
        if not _ELSEWHERE.match(link)
    }
    missing = {page for page in folder.rglob("*.md") if page.name != "README.md"} - linked
    assert sorted(map(name_of, missing)) == []
