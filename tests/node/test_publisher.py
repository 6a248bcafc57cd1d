import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tearline.errors import ProofError
from tearline.log import committing, record, tiles, tree
from tearline.log.checkpoint import open_checkpoint
from tearline.log.verify import parse_leaf, verify_folder
from tearline.node.publisher import flush_private, publish_grown
from tearline.store import logs, private
from tests.exchange.nodes import Nodes, give, make_nodes


@pytest.fixture
def nodes(tmp_path: Path) -> Iterator[Nodes]:
    made = make_nodes(tmp_path)
    yield made
    made.close()


def test_each_log_that_grew_is_signed_once(nodes: Nodes) -> None:
    nodes.agree(reach=2)
    give(nodes, 3)
    ours = record.our_log(nodes.agreement_id)
    assert publish_grown(nodes.north, now=nodes.tick()) == [ours, record.PRIVATE]
    assert publish_grown(nodes.north, now=nodes.tick()) == []
    with nodes.north.store.read() as tx:
        signed, size = logs.last_checkpoint(tx, ours), logs.head(tx, ours).size
    assert signed is not None
    origin = record.origin_of("north-cert", nodes.agreement_id)
    key = nodes.north.log_vkey(nodes.agreement_id)
    assert open_checkpoint(signed.note, key, origin).size == size
    guard = nodes.north.path / "checkpoints" / nodes.agreement_id.removeprefix("urn:uuid:")
    assert guard.read_text("utf-8") == signed.note


def test_our_copy_of_a_partners_log_is_never_signed(nodes: Nodes) -> None:
    nodes.agree(reach=2)
    nodes.sync()
    theirs = record.their_log(nodes.agreement_id)
    with nodes.south.store.write() as tx:
        logs.add_leaves(tx, theirs, [(b"not yet covered", b"0" * 32)], at=nodes.now)
    assert theirs not in publish_grown(nodes.south, now=nodes.tick())


def test_a_restored_backup_is_not_signed_over(nodes: Nodes) -> None:
    nodes.agree(reach=2)
    publish_grown(nodes.north, now=nodes.tick())
    with nodes.north.store.write() as tx:
        ours = record.our_log(nodes.agreement_id)
        tx.exec_driver_sql("DELETE FROM log_checkpoint")
        tx.exec_driver_sql("DELETE FROM log_leaf WHERE idx > 0")
        tx.exec_driver_sql("UPDATE log_head SET size = 1 WHERE log = ?", (ours,))
    with pytest.raises(ProofError, match="signed before"):
        publish_grown(nodes.north, now=nodes.tick())


def test_what_waits_becomes_one_private_leaf_for_each_kind(nodes: Nodes) -> None:
    home = nodes.north
    with home.store.write() as tx:
        size = logs.head(tx, record.PRIVATE).size
        private.add(tx, "decision", ['{"kind":"decision","n":1}'])
        private.add(tx, "refusal", ['{"kind":"refusal","n":2}'])
        private.add(tx, "decision", ['{"kind":"decision","n":3}'])
    assert flush_private(home, now=nodes.tick()) == 3
    assert flush_private(home, now=nodes.tick()) == 0
    with home.store.read() as tx:
        rows = logs.records_after(tx, record.PRIVATE, size - 1)
        assert logs.head(tx, record.PRIVATE).size == size + 2
    assert [json.loads(row[3])["n"] for row in rows] == [1, 3, 2]


def test_of_two_processes_one_publishes_and_the_other_takes_over(
    nodes: Nodes, tmp_path: Path
) -> None:
    nodes.agree(reach=2)
    ours = record.our_log(nodes.agreement_id)
    with _publishing(nodes) as first, _publishing(nodes) as second:
        running = [first, second]
        turns: list[list[int]] = []
        for _ in range(2):
            with nodes.north.store.write() as tx:
                lines = [{"kind": "served", "number": 1}]
                record.append(tx, ours, "served", lines, at=nodes.tick(), agreement=None)
            pipes = {each.stdout.fileno(): each for each in running if each.stdout}
            ready, _, _ = select.select(list(pipes), [], [], 60)
            holder = pipes[ready[0]]
            time.sleep(2.5)
            running.remove(holder)
            said, _ = holder.communicate(timeout=20)
            turns.append([int(each) for each in said.split()])
    assert all(len(each) > 1 for each in turns)
    assert turns[0][-1] <= turns[1][0]  # never both at once
    with nodes.north.store.read() as tx:
        leaves = logs.leaves(tx, committing.LOG, 0, logs.head(tx, committing.LOG).size)
    moments = [parse_leaf(each).at for each in leaves]
    assert moments == sorted(set(moments))
    assert len(moments) > 2
    with nodes.north.store.read() as tx:
        for name in (ours, committing.LOG):
            vkey = nodes.north.log_vkey(name.partition("/")[2])
            tiles.write_folder(tx, name, tmp_path / name, vkey=vkey, with_records=False)
            assert verify_folder(tmp_path / name, vkey).problems == []


@contextmanager
def _publishing(nodes: Nodes) -> Iterator["subprocess.Popen[str]"]:
    program = [sys.executable, "-m", "tests.node.publishing", str(nodes.north.path)]
    environment = os.environ | {
        "TEARLINE_NODE_LOG_SECONDS": "1",
        "PYTHONPATH": os.pathsep.join(each for each in sys.path if each),
    }
    with subprocess.Popen(
        program,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
        cwd=Path(__file__).parents[2],
    ) as running:
        try:
            yield running
        finally:
            running.kill()


def test_derived_tiles_are_the_same_when_they_are_made_again(nodes: Nodes) -> None:
    log = record.our_log(nodes.agreement_id)
    nodes.agree(reach=2)
    with nodes.north.store.write() as tx:
        entries = [bytes([each % 251]) * 9 for each in range(600)]
        leaves = [(each, tree.leaf_hash(each)) for each in entries]
        logs.add_leaves(tx, log, leaves, at=nodes.tick())
    note = nodes.north.publish(nodes.agreement_id, now=nodes.tick())

    def served() -> list[bytes | None]:
        with nodes.north.store.read() as tx:
            size = logs.head(tx, log).size
            wanted = [each for level in (None, 0, 1) for each in tree.tiles_of(size, level)]
            return [tiles.read_tile(tx, log, each) for each in wanted]

    before = served()
    with nodes.north.store.write() as tx:
        assert logs.tile_count(tx, log, 1) == 2
        logs.drop_tiles(tx, log)
        assert logs.tile_count(tx, log, 1) == 0
        tiles.rebuild(tx, log)
    assert served() == before
    assert all(before)
    assert nodes.north.publish(nodes.agreement_id, now=nodes.tick()) == note
