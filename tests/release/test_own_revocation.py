"""What its creator revokes, under its own id, for a receiver that has no node and no orders."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tearline.release import arrive, recall
from tearline.release.arrive import Annotation
from tearline.stix.marking import CLEAR, GREEN, marking_ref
from tearline.stix.timestamp import format_timestamp
from tests.pair import DAY, START, Pair, as_object, make_pair, rel, sdo
from tests.plain import sign

LEVEL = [marking_ref(GREEN)]
heron = sdo("intrusion-set", "Gray Heron", object_marking_refs=LEVEL)
loader = sdo("malware", "Mud Loader", description="Seen at a ward.", object_marking_refs=LEVEL)
uses = rel(heron, "uses", loader)
revoked = loader | {"modified": format_timestamp(START + DAY), "revoked": True}


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    made = make_pair(tmp_path)
    sign(made, reach=2)
    put(made, heron, loader, uses)
    assert made.delivered()[loader["id"]] == loader
    yield made
    made.north.store.close()
    made.south.store.close()


def put(pair: Pair, *docs: dict[str, Any]) -> None:
    objects = [as_object(doc) for doc in docs]
    said = Annotation(CLEAR, None)
    arrive.arrive(pair.north, objects, source="test", annotation=said, now=pair.tick())
    pair.reconcile()


def is_told(pair: Pair) -> bool:
    """Whether whoever reads the collection learns that the object is revoked, and no more."""
    found = pair.delivered().get(loader["id"], {})
    assert "description" not in found
    return found.get("revoked") is True


def test_a_revocation_by_the_creator_reaches_whoever_has_the_object(pair: Pair) -> None:
    put(pair, revoked)
    assert is_told(pair)


def test_a_recall_after_it_does_not_take_the_revocation_back(pair: Pair) -> None:
    put(pair, revoked)
    recall.recall(pair.north, loader["id"], "east-clinic", "given in error", now=pair.tick())
    pair.reconcile()
    assert is_told(pair)


@pytest.mark.xfail(reason="after a recall nobody knows any more who has it", strict=True)
def test_a_revocation_after_a_recall_reaches_whoever_still_has_the_object(pair: Pair) -> None:
    recall.recall(pair.north, loader["id"], "east-clinic", "given in error", now=pair.tick())
    pair.reconcile()
    put(pair, revoked)
    assert is_told(pair)
