"""What the tests of agreements share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.agreement.sides import Sides, new_sides


@pytest.fixture
def sides(tmp_path: Path) -> Iterator[Sides]:
    made = new_sides(tmp_path)
    yield made
    made.close()
