"""One home for all tests of a module, on either store."""

from collections.abc import Iterator

import pytest

from tearline.agreement.home import Home, create_home
from tests.pair import START


@pytest.fixture(scope="module")
def whole(
    tmp_path_factory: pytest.TempPathFactory,
    either_store_in_module: str,  # noqa: ARG001  # where it keeps its store
) -> Iterator[Home]:
    made = create_home(tmp_path_factory.mktemp("home") / "north", "North CERT", None, START)
    yield made
    made.store.close()
