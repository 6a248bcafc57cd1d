"""Write the next revision of the tables: what differs between the revisions so far and the code.

Usage: python tools/make_revision.py ID "what it changes"
"""

import subprocess
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
            written = command.revision(config, message, rev_id=revision, autogenerate=True)
    for each in written if isinstance(written, list) else [written]:
        if each is not None:
            _tidy(Path(each.path))


def _tidy(path: Path) -> None:
    """Drop what alembic says of itself, and write the rest as all code here."""
    lines = path.read_text("utf-8").splitlines(keepends=True)
    path.write_text("".join(each for each in lines if "# ###" not in each), "utf-8")
    for arguments in (["check", "--fix", "-q", "--select", "I"], ["format", "-q"]):
        subprocess.run([sys.executable, "-m", "ruff", *arguments, str(path)], check=True)  # noqa: S603  # our own path


if __name__ == "__main__":
    main()
