"""Clients that others wrote, over HTTP against a served node, on both of its roots."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
import stix2
from requests.exceptions import HTTPError
from stix2 import Filter
from taxii2client.v21 import ApiRoot, Collection, Server, as_pages

from tearline import clock
from tearline.agreement import signing
from tearline.exchange import accounts
from tearline.release import collecting
from tests.exchange.local import PASSWORD, indicator
from tests.exchange.nodes import Nodes, free_socket, give, make_nodes, serving, url_of
from tests.plain import sign


class Served(NamedTuple):
    """A node that answers: under an agreement with a plain party, and for an account of ours."""

    nodes: Nodes
    url: str
    key: str


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with free_socket() as sock:
        nodes = make_nodes(tmp_path_factory.mktemp("real"), url_of(sock))
        sign(nodes, reach=2)
        assert give(nodes, 20) == 43
        key = signing.open_account(nodes.north, nodes.agreement_id, now=nodes.tick())
        names = ("feed", "box")
        for name in names:
            collecting.add_collection(nodes.north, name, "", "", now=clock.now())
        accounts.add_account(
            nodes.north, "alice", PASSWORD, read=["feed"], write=names, now=clock.now()
        )
        with serving(nodes.north, sock) as url:
            yield Served(nodes, url, key)
        nodes.close()


@pytest.fixture
def plain(served: Served) -> Iterator[Collection]:
    """What the East Clinic finds by discovery with nothing but its key."""
    server = Server(f"{served.url}/taxii2/", user="east-clinic", password=served.key)
    (found,) = server.default.collections
    yield found
    server.close()


@pytest.fixture
def local(served: Served) -> Iterator[dict[str, Collection]]:
    root = ApiRoot(f"{served.url}/taxii2/local/", user="alice", password=PASSWORD)
    yield {each.alias: each for each in root.collections}
    root.close()


def ids(pages: Any) -> list[str]:  # noqa: ANN401  # what the client yields
    return [each["id"] for page in pages for each in page.get("objects", [])]


def test_taxii2_client_reads_an_agreement_to_the_end(served: Served, plain: Collection) -> None:
    assert (plain.id, plain.can_read, plain.can_write) == (served.nodes.collection, True, False)
    found = ids(as_pages(plain.get_objects, per_request=7))
    assert len(found) == len(set(found)) == 43
    assert ids(as_pages(plain.get_manifest, per_request=7)) == found
    assert ids([plain.get_object(found[0])]) == found[:1]
    assert len(plain.object_versions(found[0])["versions"]) == 1
    assert plain.get_objects(added_after="2099-01-01T00:00:00Z") == {}
    assert set(ids([plain.get_objects(type="malware")])) < set(found)


def test_taxii2_client_posts_reads_and_deletes_on_the_local_root(
    local: dict[str, Collection],
) -> None:
    feed = local["feed"]
    docs = [indicator(name=f"sign {number}") for number in range(25)]
    status = feed.add_objects({"objects": [*docs, {"type": "indicator", "id": "no"}]})
    assert (status.status, status.success_count, status.failure_count) == ("complete", 25, 1)
    status.refresh()
    assert status.total_count == 26
    name = docs[0]["id"]
    later = {**docs[0], "modified": "2026-02-05T10:00:00.000Z"}
    assert feed.add_objects({"objects": [later]}).success_count == 1
    found = ids(as_pages(feed.get_objects, per_request=4))
    assert sorted(found) == sorted(each["id"] for each in docs)
    assert ids(as_pages(feed.get_manifest, per_request=4)) == found
    assert len(feed.object_versions(name)["versions"]) == 2
    assert len(feed.get_object(name, version="all")["objects"]) == 2
    feed.delete_object(name)
    with pytest.raises(HTTPError, match="404"):
        feed.get_object(name)


def test_taxii2_client_posts_to_a_box_that_it_cannot_read(local: dict[str, Collection]) -> None:
    box = local["box"]
    assert (box.can_read, box.can_write) == (False, True)
    assert box.add_objects({"objects": [indicator()]}).success_count == 1


def test_stix2_source_reads_an_agreement(plain: Collection) -> None:
    source = stix2.TAXIICollectionSource(plain, items_per_page=5)
    (loader,) = source.query([Filter("type", "=", "malware")])
    assert loader.name == "Mud Loader"
    assert len(source.query([Filter("type", "=", "indicator")])) == 20
    assert source.get(loader.id) == loader
    assert source.all_versions(loader.id) == [loader]
    named = [Filter("type", "=", "indicator"), Filter("name", "=", "sign 3")]
    assert [each.name for each in source.query(named)] == ["sign 3"]
    assert source.get("malware--00000000-0000-4000-8000-000000000000") is None


def test_stix2_sink_and_store_write_and_read_the_local_root(local: dict[str, Collection]) -> None:
    made = stix2.Malware(name="Tin Lock", is_family=False)
    stix2.TAXIICollectionSink(local["feed"]).add(made)
    store = stix2.TAXIICollectionStore(local["feed"])
    assert store.get(made.id) == made
    newer = made.new_version(name="Tin Lock 2")
    store.add(newer)
    assert store.get(made.id).name == "Tin Lock 2"
    assert len(store.all_versions(made.id)) == 2
