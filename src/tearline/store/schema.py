"""Open a store, with its tables as this version of the software expects them."""

import importlib
import pkgutil
from pathlib import Path
from typing import Any

from sqlalchemy import MetaData, inspect, text

from tearline import store as folder
from tearline.errors import HomeError
from tearline.store import partitions, searched
from tearline.store.database import Place, Store, Tx, metadata

HEAD = "0001"
"""The revision that this version of the software works with."""

_MIGRATIONS = Path(__file__).with_name("migrations")


def open_store(place: Place, *, new: bool = True) -> Store:
    """Open the store in a file or a database, making or upgrading its tables where needed.

    Without `new` it has to be there: HomeError when it has no tables yet. StoreError when it does
    not answer.
    """
    store = Store(place)
    try:
        if not new:
            _see_that_it_is_there(store)
        upgrade(store)
    except BaseException:
        store.close()
        raise
    return store


def upgrade(store: Store) -> None:
    """Run the revisions that are missing, in one transaction; a store that is up to date is read.

    HomeError when the store was written by a newer version.
    """
    with store.read() as tx:
        if revision(tx) == HEAD:
            return
    with store.write() as tx:
        found = revision(tx)
        if found is not None and found > HEAD:
            raise HomeError(
                f"The store {store.shown} has tables of revision {found}; this is {HEAD}.",
                means="A newer Tearline wrote it.",
                do="Use that version, or a copy from before.",
            )
        if found is None and inspect(tx).get_table_names():
            raise HomeError(
                f"The store {store.shown} holds tables of something else.",
                do="Name a database of its own.",
            )
        if found != HEAD:
            _migrate(tx)


def _see_that_it_is_there(store: Store) -> None:
    if store.path is None or store.path.exists():
        with store.read() as tx:
            if revision(tx) is not None:
                return
    raise HomeError(
        f"The store {store.shown} holds no node.",
        means="It is new, or another one than this node's.",
        do="See that TEARLINE_STORE names the right one, run `tearline store move` to copy a node"
        " into it, or restore its backup.",
    )


def revision(tx: Tx) -> str | None:
    """The revision of a store; None where it has no tables yet."""
    if not inspect(tx).has_table("alembic_version"):
        return None
    found: str | None = tx.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return found


def tables() -> MetaData:
    """All tables of this version, whichever modules were imported before."""
    for module in pkgutil.iter_modules(folder.__path__):
        if not module.ispkg:
            importlib.import_module(f"{folder.__name__}.{module.name}")
    return metadata


def differences(tx: Tx) -> list[Any]:
    """What the tables of a store have that the code does not expect, and the other way round."""
    from alembic.autogenerate import compare_metadata  # noqa: PLC0415
    from alembic.migration import MigrationContext  # noqa: PLC0415

    options = {"render_as_batch": True, "include_name": include_name}
    return list(compare_metadata(MigrationContext.configure(tx, opts=options), tables()))


def include_name(name: str | None, kind: str, _parents: object) -> bool:
    """Leave parts of tables and the index of words out of a comparison: no revision has them."""
    made_beside = partitions.is_part(name or "") or searched.is_of_index(name or "")
    return kind != "table" or not made_beside


def _migrate(tx: Tx) -> None:
    from alembic import command  # noqa: PLC0415  # slow to import, and needed once for each store
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.attributes["connection"] = tx
    command.upgrade(config, HEAD)
    partitions.make_first(tx)
    searched.make_first(tx)
