"""Write the next revision of the tables: what differs between the revisions so far and the code.

Usage: python tools/make_revision.py ID "what it changes"
"""

import sys
import tempfile
from pathlib import Path

from alembic import command
from alembic.config import Config

from tearline.store import schema
from tearline.store.database import Store


def main() -> None:
    """Migrate an empty store as far as the revisions go, and compare it with the code."""
    revision, message = sys.argv[1:3]
    schema.tables()
    config = Config()
    folder = Path(schema.__file__).with_name("migrations")
    config.set_main_option("script_location", str(folder))
    with tempfile.TemporaryDirectory() as temporary:
        store = Store(Path(temporary) / "node.db")
        with store.write() as tx:
            config.attributes["connection"] = tx
            if list((folder / "versions").glob("[0-9]*.py")):
                command.upgrade(config, "head")
            command.revision(config, message, rev_id=revision, autogenerate=True)


if __name__ == "__main__":
    main()
