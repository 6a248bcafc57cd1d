import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, cast

import pytest
import stix2
from taxii2client.v21 import Collection, Server, as_pages

from tearline.errors import PartnerError
from tearline.exchange.link import Link, Reply
from tearline.exchange.taxii_client import NotServedError, Page, pages
from tearline.stix.bundle import Limits
from tests.exchange.nodes import Nodes, both_serving, give
from tests.plain import give_key

URL = "http://partner.example"
PATH = "/taxii2/agreements/collections/c/"
STAMP = "2026-01-01T00:00:0{}.000000Z"

Answer = Callable[[Mapping[str, str | int]], Reply]


class Played:
    """A partner's node whose answers a test makes up."""

    url = URL

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self.asked: list[dict[str, str | int]] = []

    def get(self, path: str, *, most: int, params: Mapping[str, str | int], accept: str) -> Reply:
        assert path == PATH + "objects/"
        assert accept == "application/taxii+json;version=2.1"
        assert most > 0
        self.asked.append(dict(params))
        return self._answer(params)


def envelope(objects: str = "", headers: dict[str, str] | None = None, **more: Any) -> Reply:  # noqa: ANN401
    rest = json.dumps(more)[1:]
    body = f'{{"objects": [{objects}]{", " if more else ""}{rest}'
    return Reply(200, headers or {}, body.encode())


def read(answer: Answer, resume: str = "", limits: Limits | None = None) -> list[Page]:
    link = cast("Link", Played(answer))
    return list(pages(link, PATH, resume, limit=2, limits=limits or Limits()))


def in_turn(*replies: Reply) -> Answer:
    left = iter(replies)
    return lambda _params: next(left)


def test_the_bytes_of_each_object_come_out_as_they_were() -> None:
    found = read(in_turn(envelope('{"a" : 1.0},\n {"b":"\\u00e4"}', more=False)))
    assert found == [Page([b'{"a" : 1.0}', b'{"b":"\\u00e4"}'], "")]


def test_pages_go_on_by_next() -> None:
    link = Played(
        in_turn(envelope("{}", more=True, next="x"), envelope("{}", more=False, next="y"))
    )
    found = list(pages(cast("Link", link), PATH, "", limit=2))
    assert [page.resume for page in found] == ["n:x", "n:y"]
    assert link.asked == [{"limit": 2}, {"limit": 2, "next": "x"}]


def test_reading_resumes_where_it_stood() -> None:
    link = Played(in_turn(Reply(200, {}, b"{}"), Reply(200, {}, b"{}")))
    for resume in ("n:x", "a:" + STAMP.format(1)):
        assert list(pages(cast("Link", link), PATH, resume, limit=2)) == [Page([], resume)]
    assert link.asked == [
        {"limit": 2, "next": "x"},
        {"limit": 2, "added_after": STAMP.format(1)},
    ]


def test_more_without_next_goes_on_by_date_added() -> None:
    first = envelope("{}", {"x-taxii-date-added-last": STAMP.format(1)}, more=True)
    last = envelope("{}", {"x-taxii-date-added-last": STAMP.format(2)}, more=False)
    assert [page.resume for page in read(in_turn(first, last))] == [
        "a:" + STAMP.format(1),
        "a:" + STAMP.format(2),
    ]


@pytest.mark.parametrize(
    "reply",
    [
        envelope("{}", more=True),
        envelope("{}", more=True, next="same"),
        envelope("{}", {"x-taxii-date-added-last": STAMP.format(1)}, more=True),
        envelope("{}", {"x-taxii-date-added-last": "soon"}, more=True),
    ],
)
def test_more_that_leads_nowhere_ends(reply: Reply) -> None:
    asked = 0

    def answer(_params: Mapping[str, str | int]) -> Reply:
        nonlocal asked
        asked += 1
        return reply

    with pytest.raises(PartnerError, match="no way to get it"):
        read(answer)
    assert asked <= 2


def test_a_circle_of_pages_ends() -> None:
    turns = iter("abcabc" * 9)
    with pytest.raises(PartnerError, match="no way to get it"):
        read(lambda _params: envelope("{}", more=True, next=next(turns)))


def test_a_collection_without_end_is_given_up() -> None:
    count = iter(range(10**6))
    with pytest.raises(PartnerError, match="more than 100 objects"):
        read(
            lambda _params: envelope("{},{}", more=True, next=str(next(count))),
            limits=Limits(max_objects=100),
        )


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"<html>", b'{"objects": 1}', b'{"objects":[{]}', b'{"more": "yes"}']
)
def test_a_page_that_cannot_be_read_is_the_partners_fault(body: bytes) -> None:
    with pytest.raises(PartnerError, match="cannot be read"):
        read(in_turn(Reply(200, {}, body)))


@pytest.mark.parametrize(
    ("status", "error"),
    [(404, NotServedError), *((each, PartnerError) for each in (401, 403, 409, 429, 500, 204))],
)
def test_a_refusal_says_what_to_do(status: int, error: type[PartnerError]) -> None:
    with pytest.raises(error) as caught:
        read(in_turn(Reply(status, {}, b"secret words")))
    assert caught.value.do
    assert "secret" not in str(caught.value)


# --------------------------------------------------------------- with clients that others wrote


@pytest.fixture(scope="module")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nodes]:
    with both_serving(tmp_path_factory.mktemp("nodes")) as made:
        made.plain_key = give_key(made, reach=2)
        give(made, 30)
        yield made


def test_taxii2_client_reads_to_the_end_and_stix2_parses_all(nodes: Nodes) -> None:
    server = Server(f"{nodes.north.card.url}/taxii2/", user="east-clinic", password=nodes.plain_key)
    (collection,) = server.api_roots[0].collections
    assert collection.can_read
    assert not collection.can_write
    found = [
        stix2.parse(each)
        for page in as_pages(collection.get_objects, per_request=9)
        for each in page["objects"]
    ]
    assert {each["id"] for each in found} == set(nodes.delivered())
    assert len(found) == 63
    listed = [
        each["id"]
        for page in as_pages(collection.get_manifest, per_request=10)
        for each in page["objects"]
    ]
    assert listed == [each["id"] for each in found]
    (whole,) = as_pages(collection.get_objects)
    assert [each["id"] for each in whole["objects"]] == listed
    one = collection.get_object(listed[0])
    assert [each["id"] for each in one["objects"]] == listed[:1]


def test_stix2_finds_objects_through_its_taxii_source(nodes: Nodes) -> None:
    collection = Collection(
        f"{nodes.north.card.url}{nodes.path}", user="east-clinic", password=nodes.plain_key
    )
    source = stix2.TAXIICollectionSource(collection)
    found = source.query([stix2.Filter("type", "=", "indicator")])
    assert len(found) == 30
    assert source.get(found[0].id) == found[0]
    assert [each.id for each in source.all_versions(found[0].id)] == [found[0].id]
    collection.close()


def test_our_own_client_reads_the_same_bytes(nodes: Nodes) -> None:
    with Link(nodes.north.card.url or "", key=nodes.plain_key, agreement=nodes.last_hash) as link:
        found = list(pages(link, nodes.path, "", limit=9))
        assert [json.loads(raw)["id"] for page in found for raw in page.raws] == list(
            nodes.delivered()
        )
        assert list(pages(link, nodes.path, found[-1].resume, limit=9)) == [
            Page([], found[-1].resume)
        ]
