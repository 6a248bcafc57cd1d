import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tearline.errors import ProofError
from tearline.log import record
from tearline.log.checkpoint import open_checkpoint
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
