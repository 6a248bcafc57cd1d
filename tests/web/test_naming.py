"""What people call an object: by its own name, by what it ties, or by a hash of it."""

from typing import Any

import pytest

from tearline.web.naming import called
from tests.pair import Pair, make_pair, rel, sdo
from tests.web.site import site

heron = sdo("intrusion-set", "Gray Heron")
loader = sdo("malware", "Mud Loader")
uses = rel(heron, "uses", loader)
seen = {**sdo("sighting", "seen"), "sighting_of_ref": loader["id"]}
del seen["name"]


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    made = make_pair(tmp_path_factory.mktemp("naming"))
    made.put(heron, loader, uses, seen)
    return made


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ({"type": "relationship", **{k: uses[k] for k in uses if k.endswith("_ref")}}, None),
        ({"type": "sighting", "sighting_of_ref": loader["id"]}, "Mud Loader"),
        ({"type": "note", "abstract": "In short", "content": "At length"}, "In short"),
        ({"type": "email-message", "subject": "Invoice"}, "Invoice"),
        ({"type": "network-traffic", "src_ref": "ipv4-addr--1"}, "ipv4-addr--1"),
        ({"type": "file", "hashes": {"SHA-256": "9f2c"}}, "9f2c"),
        ({"type": "file", "hashes": []}, "file--1"),
        ({"type": "sighting", "sighting_of_ref": 7}, "file--1"),
        ({"type": "malware", "name": 7}, "file--1"),
    ],
)
def test_an_object_is_called_by_what_says_most(
    pair: Pair, said: dict[str, Any], name: str | None
) -> None:
    doc = {"id": "file--1", **said}
    with pair.north.store.read() as tx:
        (found,) = called(tx, {"it": doc}).values()
    assert found == (name or "Gray Heron - Mud Loader")


def test_lists_and_pictures_call_a_sighting_by_what_was_seen(pair: Pair) -> None:
    with site(pair.north, "reader") as client:
        listed = {e["id"]: e["name"] for e in client.get("/objects.json").json()["objects"]}
        assert listed[seen["id"]] == "Mud Loader"
        assert listed[uses["id"]] == "Gray Heron uses Mud Loader"
        assert client.get(f"/objects/{seen['id']}.json").json()["name"] == "Mud Loader"
