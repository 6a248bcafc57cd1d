"""Bring the tables of a store to what this version of the software expects."""

import importlib
import pkgutil

from tearline import store as folder
from tearline.store.database import Store, metadata


def upgrade(store: Store) -> None:
    """Make the tables that are not there yet."""
    for module in pkgutil.iter_modules(folder.__path__):
        importlib.import_module(f"{folder.__name__}.{module.name}")
    with store.write() as tx:
        metadata.create_all(tx)
