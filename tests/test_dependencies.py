"""docs/dependencies.md has a row for each direct dependency, and no others."""

import json
import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]


def _bare_name(requirement: str) -> str:
    name = re.match(r"[A-Za-z0-9._-]+", requirement)
    assert name is not None, requirement
    return re.sub(r"[-_.]+", "-", name[0]).lower()


def _declared() -> set[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    groups = [project["project"]["dependencies"], *project["dependency-groups"].values()]
    return {_bare_name(requirement) for group in groups for requirement in group}


def _locked(name: str) -> set[str]:
    text = (ROOT / "requirements" / name).read_text("utf-8")
    return {_bare_name(line) for line in text.splitlines() if line and line[0].isalnum()}


def test_each_dependency_has_a_row() -> None:
    text = (ROOT / "docs" / "dependencies.md").read_text("utf-8")
    rows = re.findall(r"^\| `([^`]+)` \|", text, re.MULTILINE)
    browser = json.loads((ROOT / "web" / "package.json").read_text("utf-8"))["dependencies"]
    assert sorted(rows) == sorted(_declared() | browser.keys())


def test_each_dependency_is_locked() -> None:
    files = sorted(path.name for path in (ROOT / "requirements").glob("*.txt"))
    assert set().union(*(_locked(name) for name in files)) >= _declared()


def test_the_locked_files_hold_hashes_and_no_addresses() -> None:
    for path in (ROOT / "requirements").glob("*.txt"):
        text = path.read_text("utf-8")
        assert "--hash=sha256:" in text, path.name
        assert "://" not in text, path.name
        assert not re.search(r"^--?[a-z]", text, re.MULTILINE), path.name
