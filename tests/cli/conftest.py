"""Homes made once for all tests of the command line, and copied for each."""

import shutil
from pathlib import Path

import pytest

from tests.cli.calls import Sides, actor, agree, bundle, good, make_sides, malware, uses


@pytest.fixture(scope="session")
def _strangers(tmp_path_factory: pytest.TempPathFactory) -> Sides:
    return make_sides(tmp_path_factory.mktemp("strangers"))


@pytest.fixture(scope="session")
def _agreed(_strangers: Sides, tmp_path_factory: pytest.TempPathFactory) -> Sides:
    sides = _copy(_strangers, tmp_path_factory.mktemp("agreed"))
    heron, lock, other = actor("Gray Heron"), malware("Tin Lock"), malware("Brass Fly")
    path = bundle(sides.folder / "held.json", heron, lock, other, uses(heron, lock))
    good("import", path, "--mark", "TLP:GREEN", "--grade", "B2", home=sides.north)
    agree(sides)
    return sides


@pytest.fixture
def strangers(_strangers: Sides, tmp_path: Path) -> Sides:
    """Two homes that know each other and agreed on nothing yet."""
    return _copy(_strangers, tmp_path / "sides")


@pytest.fixture
def agreed(_agreed: Sides, tmp_path: Path) -> Sides:
    """Two homes with an active agreement; North holds objects, and some of them go."""
    return _copy(_agreed, tmp_path / "sides")


def _copy(sides: Sides, folder: Path) -> Sides:
    shutil.copytree(sides.folder, folder, dirs_exist_ok=True)
    return Sides(folder)
