import subprocess
import sys
from pathlib import Path

import pytest

from tearline.errors import HomeError
from tearline.store import schema
from tearline.store.database import Place, Store
from tearline.store.schema import open_store

pytestmark = pytest.mark.usefixtures("by_revisions")


def test_the_revisions_make_the_tables_that_the_code_expects(empty_place: Place) -> None:
    store = open_store(empty_place)
    with store.read() as tx:
        assert schema.differences(tx) == []
        assert schema.revision(tx) == schema.HEAD
    store.close()


def test_a_store_that_is_up_to_date_is_only_read(tmp_path: Path) -> None:
    open_store(tmp_path / "node.db").close()
    (tmp_path / "node.db").chmod(0o400)
    open_store(tmp_path / "node.db")


def test_a_store_of_a_newer_version_is_refused(empty_place: Place) -> None:
    store = open_store(empty_place)
    with store.write() as tx:
        tx.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(HomeError, match="9999"):
        open_store(empty_place)
    store.close()


def test_several_processes_may_open_a_new_store_at_once(empty_place: Place) -> None:
    code = "import sys; from pathlib import Path; from tearline.store.schema import open_store;"
    code += "open_store(sys.argv[1] if '://' in sys.argv[1] else Path(sys.argv[1]))"
    arguments = [sys.executable, "-c", code, str(empty_place)]
    running = [subprocess.Popen(arguments) for _ in range(4)]
    assert [each.wait() for each in running] == [0, 0, 0, 0]
    store = Store(empty_place)
    with store.read() as tx:
        assert schema.revision(tx) == schema.HEAD
    store.close()
