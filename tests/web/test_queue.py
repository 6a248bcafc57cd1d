"""The queue in parts, in the order in which people were asked, and what stands around an item."""

from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.pair import Pair, make_pair, rel, sdo

heron = sdo("intrusion-set", "Gray Heron")
CLINICS = [sdo("identity", f"clinic {number}") for number in range(5)]


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    return make_pair(tmp_path)


@pytest.fixture
def asking(pair: Pair, officer: TestClient) -> TestClient:
    """Clinics and what targets them wait, one after the other."""
    pair.put(heron)
    pair.agree(approvals=1)
    for each in CLINICS:
        pair.put(each, rel(heron, "targets", each))
        pair.reconcile()
        pair.tick(1_000_000)
    return officer


def got(client: TestClient, path: str) -> dict[str, Any]:
    reply = client.get(path)
    assert reply.status_code == 200, reply.text
    found: dict[str, Any] = reply.json()
    return found


def test_the_queue_is_read_part_by_part(asking: TestClient) -> None:
    whole = [each["item"] for each in got(asking, "/queue.json")["items"]]
    assert len(set(whole)) == len(whole) == 2 * len(CLINICS)
    seen, at = [], ""
    for _ in range(len(whole) + 1):
        part = got(asking, f"/queue.json?rows=2{at}")
        assert part["counts"]["waits"] == {"number": len(whole), "more": False}
        assert part["first"] is (at == "")
        seen += [each["item"] for each in part["items"]]
        if part["next"] is None:
            break
        at = f"&after={part['next']}"
        assert 'rel="next"' in asking.get("/queue?rows=2").text
    assert seen == whole
    assert got(asking, f"/queue.json?rows={len(whole)}")["next"] is None
    for strange in ("&after=x", "&after=.", "&after=-1.sha256:0", "&after=9" + "9" * 40, "&rows=0"):
        assert got(asking, f"/queue.json?{strange}")["items"]


def test_an_item_knows_its_place_and_its_neighbours(asking: TestClient) -> None:
    whole = [each["item"] for each in got(asking, "/queue.json")["items"]]
    for place, item in enumerate(whole):
        found = got(asking, f"/queue/{item}.json")
        assert found["place"] == {"number": place + 1, "more": False}
        assert found["waiting"] == {"number": len(whole), "more": False}
        assert found["previous"] == whole[place - 1]
        assert found["next"] == whole[(place + 1) % len(whole)]
