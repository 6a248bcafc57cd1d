"""What holds for all tests."""

import gc
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tearline.agreement import home
from tearline.store import schema
from tearline.store.database import Place, Tx
from tests.cluster import Cluster, NoPostgresError, cluster

# A property is about what is right; how fast is measured elsewhere, on a quiet machine.
settings.register_profile("tearline", deadline=None)
settings.load_profile("tearline")

BOTH = ("sqlite", "postgresql")


def pytest_collection_finish() -> None:
    """Look for garbage no more among the tests themselves: there are thousands, and they stay."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def _tables_at_once() -> Iterator[None]:
    """Every file but the first of a process gets the tables that the revisions made in the first.

    Running the revisions is most of what it takes to make a home.
    """
    made: list[str] = []

    def make(tx: Tx) -> None:
        if tx.dialect.name != "sqlite":
            _revisions(tx)
        elif made:
            for each in made:
                tx.exec_driver_sql(each)
        else:
            _revisions(tx)
            made.extend(sql for (sql,) in tx.exec_driver_sql(_MADE))
            made.append(f"INSERT INTO alembic_version VALUES ('{schema.HEAD}')")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(schema, "_migrate", make)
        yield


@pytest.fixture
def by_revisions(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every store of a test gets its tables from the revisions."""
    monkeypatch.setattr(schema, "_migrate", _revisions)


_revisions = schema._migrate  # noqa: SLF001  # what makes tables, before anything stands in for it
# The tables behind the index of words are made by making it.
_MADE = """
SELECT sql FROM sqlite_master
 WHERE sql <> '' AND name NOT LIKE 'sqlite_%' AND name NOT LIKE 'searched_%' ORDER BY rowid
"""


@pytest.fixture(scope="session")
def postgres() -> Iterator[Cluster]:
    """A running PostgreSQL for this process; where there is none, its tests are skipped."""
    running = cluster()
    try:
        made = running.__enter__()
    except NoPostgresError as error:
        pytest.skip(f"no PostgreSQL to test with: {error}")
    yield made
    running.__exit__(None, None, None)


@pytest.fixture(params=BOTH)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    """Where a store can be opened: in a file, and in a PostgreSQL database of its own."""
    if request.param == "sqlite":
        yield tmp_path / "node.db"
        return
    server: Cluster = request.getfixturevalue("postgres")
    url = server.borrow()
    yield url
    server.give_back(url)


@pytest.fixture(params=BOTH)
def empty_place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    """The same, without any tables."""
    if request.param == "sqlite":
        yield tmp_path / "node.db"
        return
    server: Cluster = request.getfixturevalue("postgres")
    url = server.fresh()
    yield url
    server.drop(url)


def _either_store(request: pytest.FixtureRequest) -> Iterator[str]:
    if request.param == "sqlite":
        yield "sqlite"
        return
    server: Cluster = request.getfixturevalue("postgres")
    lent: dict[Path, str] = {}

    def _place(path: Path) -> Place:
        # A home is made under a name that begins with a dot, and then gets its own.
        own = path.with_name(re.sub(r"\A\.(.+)\.[0-9a-f]{8}\Z", r"\1", path.name))
        return lent.get(own) or lent.setdefault(own, server.borrow())

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(home, "store_of", _place)
        yield "postgresql"
    for url in lent.values():
        server.give_back(url)


either_store = pytest.fixture(_either_store, name="either_store", params=BOTH)
"""Whatever homes a test makes keep their stores in files, or each in a PostgreSQL database."""

either_store_in_module = pytest.fixture(
    _either_store, name="either_store_in_module", params=BOTH, scope="module"
)
"""The same for all tests of a module together, whose homes are made once."""
