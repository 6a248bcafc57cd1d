from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tearline.agreement import outbox
from tearline.agreement.messages import Message, open_message
from tearline.errors import ProofError, RefusedError
from tearline.log import record
from tearline.release import delivery, inbound, recall
from tearline.release.delivery import expand, spans
from tearline.store import logs
from tests.pair import Pair, make_pair, rel, sdo

heron = sdo("intrusion-set", "Gray Heron")
loader = sdo("malware", "Mud Loader")

pytestmark = pytest.mark.usefixtures("either_store")


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    both = make_pair(tmp_path)
    both.put(heron, loader, rel(heron, "uses", loader))
    both.agree()
    return both


def waiting(pair: Pair) -> Message:
    """What South would say to North now."""
    [(_, document)] = outbox.export_messages(pair.south, now=pair.tick())
    with pair.north.store.read() as tx:
        return open_message(tx, pair.north, document, now=pair.tick())


def answered(pair: Pair) -> Message:
    pair.read_pages()
    pair.copy_log()
    inbound.settle(pair.south, pair.agreement_id, now=pair.tick())
    return waiting(pair)


def deliveries(pair: Pair, kind: str) -> int:
    log = record.our_log(pair.agreement_id)
    with pair.north.store.read() as tx:
        rows = logs.records(tx, log, 0, logs.head(tx, log).size)
    return sum(msgspec.json.decode(row[3])["kind"] == kind for row in rows)


@given(st.sets(st.integers(1, 300), min_size=1))
def test_spans_stand_for_exactly_their_positions(positions: set[int]) -> None:
    assert expand(spans(positions)) == sorted(positions)


@pytest.mark.parametrize(
    "value",
    [
        None,
        [],
        "1-3",
        [[1]],
        [[3, 1]],
        [[0, 2]],
        [[1, 2], [2, 3]],
        [[4, 5], [1, 2]],
        [[1, True]],
        [["1", "2"]],
        [[1, 2**60]],
        [[1, 2**40]],
    ],
)
def test_what_is_no_list_of_spans_is_refused(value: object) -> None:
    with pytest.raises(RefusedError):
        expand(value)


def test_a_delivery_is_logged_once(pair: Pair) -> None:
    message = answered(pair)
    delivery.acknowledged(pair.north, message, now=pair.tick())
    delivery.acknowledged(pair.north, message, now=pair.tick())
    assert deliveries(pair, "delivery") == 1


@pytest.mark.parametrize(
    "change",
    [
        {"hash": "sha256:" + "0" * 64},
        {"positions": [[1, 2]]},
        {"positions": [[1, 4]]},
        {"positions": [[7, 9]]},
    ],
)
def test_an_acknowledgement_of_something_else_is_refused(
    pair: Pair, change: dict[str, Any]
) -> None:
    message = answered(pair)
    other = msgspec.structs.replace(message, body=message.body | change)
    with pytest.raises(RefusedError):
        delivery.acknowledged(pair.north, other, now=pair.tick())
    assert deliveries(pair, "delivery") == 0


@pytest.mark.parametrize("receipt", [None, {}, {"schema": "tearline-receipt/1"}])
def test_a_recall_receipt_needs_the_proof_from_their_log(pair: Pair, receipt: object) -> None:
    pair.sync()
    recall.recall(pair.north, loader["id"], "south-isac", "an error", now=pair.tick())
    message = answered(pair)
    assert message.kind == "recall-receipt"
    bare = msgspec.structs.replace(message, body=message.body | {"receipt": receipt})
    with pytest.raises((RefusedError, ProofError)):
        recall.receipted(pair.north, bare, now=pair.tick())
    assert not any(each.acknowledged_at for each in recall.recalls(pair.north, now=pair.now))
    recall.receipted(pair.north, message, now=pair.tick())
    assert all(each.acknowledged_at for each in recall.recalls(pair.north, now=pair.now))
