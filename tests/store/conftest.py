"""One store of many rows for the tests that ask how a database goes about a question."""

from collections.abc import Iterator

import pytest

from tearline.store.database import Place, Store
from tearline.store.schema import open_store
from tests.cluster import Cluster
from tests.conftest import BOTH
from tests.store.filled import fill


@pytest.fixture(scope="module", params=BOTH)
def filled(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Store]:
    server: Cluster | None = None
    place: Place = tmp_path_factory.mktemp("filled") / "node.db"
    if request.param == "postgresql":
        server = request.getfixturevalue("postgres")
        place = server.fresh()
    made = open_store(place)
    with made.write() as tx:
        fill(tx)
    yield made
    made.close()
    if server is not None:
        server.drop(str(place))
