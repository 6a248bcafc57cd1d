"""What the tests of agreements share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.agreement.sides import Sides, make_sides, new_sides


@pytest.fixture
def sides(tmp_path: Path, either_store: str) -> Iterator[Sides]:
    made = new_sides(tmp_path) if either_store == "sqlite" else make_sides(tmp_path)
    yield made
    made.close()
