"""`kill -9` in the midst of a large import: nothing is lost that was said, nothing comes twice."""

import json
import random
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from sqlalchemy import func, select

from tearline.agreement.home import create_home, open_home
from tearline.exchange.files import import_files
from tearline.store import annotations, objects, private, ties
from tearline.store.objects import OURS, object_raw, object_version
from tests.pair import START, rel, sdo

CHILD = """
import sys
from pathlib import Path
from tearline.agreement.home import open_home
from tearline.exchange import files, reading

reading._BATCH = reading._AHEAD = 250
reading._WORTH_IT = int(sys.argv[4])
files.import_files(
    open_home(Path(sys.argv[1])),
    [Path(sys.argv[2])],
    mark=1,
    grade=22,
    progress=lambda done, total: print(done, flush=True),
    now=int(sys.argv[3]),
)
"""
MALWARE = sdo("malware", "Mud Loader")
SIGNS = [sdo("indicator", f"sign {place}") for place in range(1000)]
EDGES = [rel(sign, "indicates", MALWARE) for sign in SIGNS]
DOCS = [MALWARE, *SIGNS, *EDGES]


def killed_import(home: Path, file: Path, seed: int) -> int:
    """Import in a child, kill it at a random moment; return how many it said it kept."""
    chance = random.Random(seed)
    command = [sys.executable, "-c", CHILD, str(home), str(file), str(START + seed)]
    # Read by one process, and by two.
    command.append(str(sys.maxsize if seed < 20 else 1))
    said = 0
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        for _ in range(chance.randint(1, 4)):
            said = int(child.stdout.readline() or said)
        time.sleep(chance.uniform(0, 0.1))
        child.kill()
    return said


@pytest.mark.parametrize("seed", [1, 2])
def test_an_import_that_is_killed_completes_when_run_again(tmp_path: Path, seed: int) -> None:
    create_home(tmp_path / "home", "North CERT", None, START).store.close()
    file = tmp_path / "large.json"
    file.write_text(json.dumps({"type": "bundle", "id": "bundle--1", "objects": DOCS}))
    for turn in range(3):
        said = killed_import(tmp_path / "home", file, 10 * seed + turn)
        home = open_home(tmp_path / "home")
        with home.store.read() as tx:
            kept = objects.latest(tx, OURS, [doc["id"] for doc in DOCS[:said]])
            assert len(kept) == said
            assert len(annotations.annotations(tx, kept)) == said
        home.store.close()
    home = open_home(tmp_path / "home")
    last = import_files(home, [file], mark=1, grade=22, now=START + 99)
    assert last.stored + last.unchanged == len(DOCS)
    with home.store.read() as tx:
        versions = Counter(tx.execute(select(object_version.c.stix_id)).scalars())
        raws = tx.execute(select(func.count()).select_from(object_raw)).scalar()
        logged = [json.loads(each) for kind, each in private.pending(tx) if kind == "import"]
        relations = ties.relations_to(tx, OURS, [MALWARE["id"]])
    assert versions == Counter(doc["id"] for doc in DOCS)
    assert raws == len(DOCS)
    assert sum(int(each["count"]) for each in logged) == len(DOCS)
    assert len(relations) == len(EDGES)
    assert import_files(home, [file], mark=1, grade=22, now=START + 100).stored == 0
    home.store.close()
