"""The files of others that pages load are those of the lock, and pages stand without them."""

import json
import re
import tomllib
from collections import Counter
from hashlib import sha256
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from tearline.web import assets
from tests.docs.pages import ROOT
from tests.pair import make_pair
from tests.web.site import site

WEB = ROOT / "web"
VENDOR = ROOT / "src" / "tearline" / "web" / "static" / "vendor"


def read(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return found


def test_the_lock_holds_exact_versions_and_hashes_and_no_address() -> None:
    text = (WEB / "package-lock.json").read_text("utf-8")
    assert "://" not in text
    assert "resolved" not in text
    wanted = read(WEB / "package.json")["dependencies"]
    packages = read(WEB / "package-lock.json")["packages"]
    assert packages.pop("")["dependencies"] == wanted
    for name, version in wanted.items():
        assert re.fullmatch(r"\d+\.\d+\.\d+", version), name
        assert packages[f"node_modules/{name}"]["version"] == version
    assert all(each["integrity"].startswith("sha512-") for each in packages.values())


def test_git_leaves_them_out_and_the_wheel_does_not() -> None:
    ignored = (ROOT / ".gitignore").read_text("utf-8").splitlines()
    assert "/src/tearline/web/static/vendor/" in ignored
    build = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["hatch"]["build"]
    assert build["artifacts"] == ["/src/tearline/web/static/vendor"]


@pytest.mark.skipif(
    not VENDOR.exists(), reason="no browser files of others here: `make assets` fetches them"
)
def test_what_is_shipped_is_what_the_lock_names() -> None:
    packages = read(WEB / "package-lock.json")["packages"]
    listed = read(VENDOR / "manifest.json")["files"]
    for each in listed:
        locked = packages[f"node_modules/{each['name']}"]
        expected = (locked["version"], locked["license"], locked["integrity"])
        said = (each["version"], each["licence"], each["integrity"])
        assert said == expected, f"{each['file']} is old: run `make assets`"
        assert sha256((VENDOR / each["file"]).read_bytes()).hexdigest() == each["sha256"]
    there = {e.relative_to(VENDOR).as_posix() for e in VENDOR.rglob("*") if e.is_file()}
    assert there == {each["file"] for each in listed} | {"manifest.json"}
    licensed = {each["name"] for each in listed if each["file"].endswith("LICENSE")}
    assert licensed == {each["name"] for each in listed} == set(_dependencies())


def _dependencies() -> dict[str, str]:
    found: dict[str, str] = read(WEB / "package.json")["dependencies"]
    return found


def test_a_file_is_kept_for_good_under_its_hash_alone(tmp_path: Path) -> None:
    with site(make_pair(tmp_path).north) as nobody:
        at = assets.address("tearline.css")
        assert at is not None
        assert "immutable" in nobody.get(at).headers["cache-control"]
        assert nobody.get("/static/tearline.css").headers["cache-control"] == "no-cache"
        for name in ("", "vendor", "vendor/none.mjs", "..%2fapp.py", "%2e%2e/app.py"):
            assert nobody.get(f"/static/{name}").status_code == 404, name
    assert assets.address("vendor/none.mjs") is None


def test_the_style_sheet_says_each_thing_once() -> None:
    """A second word on the same thing, far below, would win without being seen beside the first."""
    sheet = re.sub(r"/\*.*?\*/", "", (VENDOR.parent / "tearline.css").read_text(), flags=re.DOTALL)
    said: Counter[tuple[str, str, str]] = Counter()
    where = ""
    for start, body in re.findall(r"([^{}]+|)(\{[^{}]*\}|\{|\})", sheet):
        if body == "{":
            where = start.strip()
        elif body == "}":
            where = ""
        else:
            for one in product(start.split(","), body.strip("{}").split(";")):
                name, _, value = one[1].partition(":")
                said[where, one[0].strip(), name.strip()] += bool(value)
    assert len(said) > 1000
    assert [each for each, times in said.items() if times > 1] == []
