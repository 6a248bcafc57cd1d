import gc
import gzip
import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tearline.stix.bundle import Limits, split_bundle
from tearline.stix.objects import StixObject
from tearline.stix.sift import Refusal, sift

TEST_DATA = os.environ.get("TEARLINE_TEST_DATA", "")
ATTACK = Path(TEST_DATA) / "attack" / "enterprise-attack.json.gz"
UUID = "3f2504e0-4f89-41d3-9a0c-0305e82c330"


def tool(number: int, **members: object) -> bytes:
    doc = {
        "type": "tool",
        "spec_version": "2.1",
        "id": f"tool--{UUID}{number}",
        "created": "2026-01-02T03:04:05.678Z",
        "modified": "2026-01-02T03:04:05.678Z",
        "name": "harbour-master",
    }
    return json.dumps(doc | members).encode()


def test_each_object_stands_alone() -> None:
    slices = [
        tool(0),
        tool(1)[:-1] + b',"name":"twice"}',
        tool(2, name=7),
        b"[]",
        tool(4, x_deep=json.loads("[" * 80 + "]" * 80)),
        tool(5, created="harbour-master"),
        tool(6),
    ]
    found = list(sift(slices))
    assert [one.id for one in found if isinstance(one, StixObject)] == [
        f"tool--{UUID}0",
        f"tool--{UUID}6",
    ]
    refusals = [one for one in found if isinstance(one, Refusal)]
    assert [(one.place, one.id) for one in refusals] == [
        ("objects[1]", f"tool--{UUID}1"),
        ("objects[2]", f"tool--{UUID}2"),
        ("objects[3]", None),
        ("objects[4]", f"tool--{UUID}4"),
        ("objects[5]", f"tool--{UUID}5"),
    ]
    assert all(one.reason and "harbour-master" not in one.reason for one in refusals)


def test_a_refusal_names_the_version_where_one_is_sound() -> None:
    changed, odd = "2026-02-02T00:00:00Z", "harbour-master"
    neither = tool(2, modified=odd, created=odd)
    slices = [tool(0, name=7, modified=changed), tool(1, modified=odd), neither]
    found = [each.version for each in sift(slices) if isinstance(each, Refusal)]
    assert found == [changed, "2026-01-02T03:04:05.678Z", ""]


def test_places_go_on_from_batch_to_batch() -> None:
    slices = [tool(0)] * 1200 + [b"{}"]
    *_, last = sift(slices)
    assert isinstance(last, Refusal)
    assert last.place == "objects[1200]"


def test_limits_are_those_given() -> None:
    (only,) = sift([tool(0)], Limits(max_object_bytes=10))
    assert isinstance(only, Refusal)
    assert "limit is 10" in only.reason


def test_the_collector_works_between_objects() -> None:
    for _ in sift([tool(0)] * 3):
        assert gc.isenabled()


def test_several_threads_may_sift_at_once() -> None:
    slices = [tool(number % 10, name=number % 3 or "sound") for number in range(600)]
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda _: list(sift(slices)), range(4)))
    assert all(result == results[0] for result in results)
    assert sum(isinstance(one, StixObject) for one in results[0]) == 200
    assert gc.isenabled()


@pytest.mark.skipif(
    not (TEST_DATA and ATTACK.is_file()), reason="ATT&CK is not here; set TEARLINE_TEST_DATA"
)
def test_every_object_of_attack_is_sound() -> None:
    document = gzip.decompress(ATTACK.read_bytes())
    slices = split_bundle(document)
    found = [one for one in sift(slices) if isinstance(one, StixObject)]
    assert len(found) == len(slices) > 20_000
    assert [one.doc for one in found] == json.loads(document)["objects"]
    assert b",".join(one.raw for one in found) in document
