"""Homes made once for all tests of chains, and copied for each."""

import shutil
from pathlib import Path

import pytest

from tests.chain import Chain, make_chain, open_chain


@pytest.fixture(scope="session")
def _chained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("chained")
    made = make_chain(folder)
    for home in (made.north, made.south, made.east):
        home.store.close()
    return folder


@pytest.fixture
def strangers(_chained: Path, tmp_path: Path) -> Chain:
    """Three homes that know their neighbours and agreed on nothing yet."""
    shutil.copytree(_chained, tmp_path / "chain")
    return open_chain(tmp_path / "chain")
