"""What clients that cannot run here send, taken from their sources: each reads, and ends."""

import base64
import json
import uuid
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import httpx
import pytest

from tearline import clock
from tearline.agreement import signing
from tearline.exchange import accounts
from tearline.release import collecting
from tearline.stix.timestamp import format_timestamp, parse_timestamp
from tests.exchange.local import PASSWORD, TAXII, indicator
from tests.exchange.nodes import free_socket, give, make_nodes, serving, url_of
from tests.plain import sign

COUNT = 43
SPACED = "application/taxii+json; version=2.1"
BEGIN = "2020-01-01T00:00:00"
MOST_PAGES = 100
Params = dict[str, str]


class Root(NamedTuple):
    """An API root, what opens it, and the one collection in it that is read here."""

    url: str
    user: str
    secret: str
    collection: str

    @property
    def basic(self) -> str:
        return base64.b64encode(f"{self.user}:{self.secret}".encode()).decode()


class Reply(NamedTuple):
    """What a client sees of an answer."""

    body: dict[str, Any]
    last: str | None

    @property
    def ids(self) -> list[str]:
        return [each["id"] for each in self.body.get("objects", [])]


Step = Callable[[Params, Reply], Params | None]


class Client(NamedTuple):
    """How a client asks for the objects of a collection, and how it goes on."""

    name: str
    step: Step
    first: Params
    headers: dict[str, str]
    auth: str = "Basic"
    path: str = "{root}collections/{collection}/objects/"


# --------------------------------------------------------------------------------- how they go on


def next_beside_all(params: Params, reply: Reply) -> Params | None:
    """The OpenCTI connector: what it asked at first, and `next`, which it reads without a look."""
    return params | {"next": reply.body["next"]} if reply.body.get("more") else None


def next_alone(_params: Params, reply: Reply) -> Params | None:
    return {"next": reply.body["next"]} if reply.body.get("more") else None


def next_while_there_is_one(params: Params, reply: Reply) -> Params | None:
    """Elastic: never looks at `more`; with a `next` at the end it would read for ever."""
    kept = {name: value for name, value in params.items() if name == "limit"}
    return kept | {"next": reply.body["next"]} if reply.body.get("next") else None


def next_with_other_pages(params: Params, reply: Reply) -> Params | None:
    """Cortex XSOAR: what is left of its bound is the size of the next page."""
    limit = str(int(params["limit"]) + 3)
    return params | {"next": reply.body["next"], "limit": limit} if reply.body.get("more") else None


def by_date(params: Params, reply: Reply) -> Params | None:
    """MineMeld and loops of the kind of TAXII 2.0."""
    return params | {"added_after": str(reply.last)} if reply.body.get("more") else None


def cut_to_milliseconds(moment: str) -> str:
    """JavaScript's toISOString."""
    return format_timestamp(parse_timestamp(moment) // 1000 * 1000, digits=3)


CLIENTS = [
    Client(
        "OpenCTI connector taxii2",
        next_beside_all,
        {"added_after": f"{BEGIN}.123456Z", "limit": "7"},
        {"Accept": TAXII, "User-Agent": "taxii2-client/2.3.0"},
    ),
    Client(
        "OpenCTI connector taxii2, earlier",
        next_alone,
        {"added_after": f"{BEGIN}.123Z", "limit": "7"},
        {"Accept": TAXII},
    ),
    Client(
        "OpenCTI TAXII feed",
        next_beside_all,
        {"added_after": f"{BEGIN}.000Z", "limit": "7"},
        {"Accept": TAXII, "User-Agent": "opencti/6.9.0"},
    ),
    Client(
        "OpenCTI TAXII feed, earlier",
        next_beside_all,
        {"added_after": f"{BEGIN}.000Z", "limit": "7"},
        {"Accept": "application/json, text/plain, */*"},
        auth="Bearer",
    ),
    Client(
        "MISP",
        next_beside_all,
        {"limit": "7", "next": ""},
        {"Accept": TAXII, "Content-type": TAXII},
        auth="basic",
    ),
    Client(
        "Elastic Custom Threat Intelligence",
        next_while_there_is_one,
        {"added_after": f"{BEGIN}Z", "limit": "7"},
        {"Accept": TAXII, "Content-Type": "application/json"},
        auth="Bearer",
    ),
    Client(
        "Elastic, without an interval and without the slash",
        next_while_there_is_one,
        {},
        {"Accept": SPACED},
        path="{root}collections/{collection}/objects",
    ),
    Client(
        "Cortex XSOAR TAXII 2 feed",
        next_with_other_pages,
        {"added_after": f"{BEGIN}.000000Z", "limit": "2"},
        {"Accept": TAXII},
        auth="X-API-Key",
    ),
    Client("taxii2-client before 2.3.0", next_beside_all, {"limit": "7"}, {"Accept": SPACED}),
    Client("by the last date", by_date, {"limit": "7"}, {"Accept": "application/taxii+json"}),
]


class Served(NamedTuple):
    """A node that gives the same number of objects on both of its roots."""

    url: str
    roots: dict[str, Root]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with free_socket() as sock:
        nodes = make_nodes(tmp_path_factory.mktemp("shapes"), url_of(sock))
        sign(nodes, reach=2)
        assert give(nodes, 20) == COUNT
        key = signing.open_account(nodes.north, nodes.agreement_id, now=nodes.tick())
        ids = {}
        for name in ("feed", "inbox"):
            made = collecting.add_collection(nodes.north, name, name.title(), "", now=clock.now())
            ids[name] = made.id
        rights = {"read": ["feed", "inbox"], "write": ["feed", "inbox"]}
        accounts.add_account(nodes.north, "alice", PASSWORD, **rights, now=clock.now())
        secret = accounts.add_key(nodes.north, "alice", now=clock.now())
        with serving(nodes.north, sock) as url:
            root = f"{url}/taxii2/"
            local = Root(f"{root}local/", "alice", secret, ids["feed"])
            post(local, [indicator() for _ in range(COUNT)])
            roots = {
                "local": local,
                "agreements": Root(f"{root}agreements/", "east-clinic", key, nodes.collection),
                "inbox": local._replace(collection=ids["inbox"]),
            }
            yield Served(url, roots)
        nodes.close()


def post(root: Root, objects: list[dict[str, Any]], **headers: str) -> dict[str, Any]:
    """Post an envelope; every object of it has to be taken."""
    reply = httpx.post(
        f"{root.url}collections/{root.collection}/objects/",
        content=json.dumps({"objects": objects}).encode(),
        headers={"Content-Type": TAXII, "Authorization": f"Basic {root.basic}"} | headers,
        trust_env=False,
    )
    assert reply.status_code == 202, reply.text
    status: dict[str, Any] = reply.json()
    assert (status["status"], status["success_count"]) == ("complete", len(objects))
    return status


def opening(root: Root, how: str) -> dict[str, str]:
    """The header that opens a root, in one of the ways that the clients' forms offer."""
    ways = {
        "Basic": ("Authorization", f"Basic {root.basic}"),
        "basic": ("Authorization", f"basic {root.basic}"),
        "Bearer": ("Authorization", f"Bearer {root.secret}"),
        "X-API-Key": ("X-API-Key", root.secret),
    }
    return dict([ways[how]])


class Reading:
    """A client on its way through one collection, with the very headers it sends."""

    def __init__(self, client: Client, root: Root) -> None:
        self._step = client.step
        self._url = client.path.format(root=root.url, collection=root.collection)
        headers = client.headers | opening(root, client.auth)
        self._http = httpx.Client(headers=headers, trust_env=False, follow_redirects=False)

    def ask(self, params: Params) -> Reply:
        """Ask for one page; none says that there is more and not where."""
        reply = self._http.get(self._url, params=params)
        assert reply.status_code == 200, reply.text
        assert reply.headers["Content-Type"] == TAXII
        body = reply.json()
        assert bool(body.get("more")) == ("next" in body)
        return Reply(body, reply.headers.get("X-TAXII-Date-Added-Last"))

    def to_the_end(self, params: Params) -> list[Reply]:
        with self._http:
            found, asked = [self.ask(params)], params
            while (step := self._step(asked, found[-1])) is not None:
                assert len(found) < MOST_PAGES, "it reads for ever"
                found.append(self.ask(step))
                asked = step
        return found


both = pytest.mark.parametrize("root", ["local", "agreements"])
each_client = pytest.mark.parametrize("client", [pytest.param(c, id=c.name) for c in CLIENTS])


# ------------------------------------------------------------------------------------- reading


@both
@each_client
def test_a_client_reads_each_object_once_and_ends(
    served: Served, root: str, client: Client
) -> None:
    pages = Reading(client, served.roots[root]).to_the_end(client.first)
    found = [each for page in pages for each in page.ids]
    assert len(found) == len(set(found)) == COUNT
    assert (len(pages) > 1) == ("limit" in client.first)


@both
@each_client
def test_its_next_poll_finds_nothing_and_ends(served: Served, root: str, client: Client) -> None:
    last = Reading(client, served.roots[root]).to_the_end(client.first)[-1].last
    later = client.first | {"added_after": str(last)}
    (reply,) = Reading(client, served.roots[root]).to_the_end(later)
    assert (reply.body, reply.last) == ({}, None)


@both
def test_a_client_that_keeps_milliseconds_is_given_some_again_and_loses_nothing(
    served: Served, root: str
) -> None:
    """The OpenCTI feed keeps the last date as JavaScript writes it."""
    feed = next(each for each in CLIENTS if each.name == "OpenCTI TAXII feed")
    pages = Reading(feed, served.roots[root]).to_the_end(feed.first)
    every = [each for page in pages for each in page.ids]
    kept = cut_to_milliseconds(str(pages[2].last))
    rest = Reading(feed, served.roots[root]).to_the_end({"added_after": kept, "limit": "7"})
    again = [each for page in rest for each in page.ids]
    assert again == every[-len(again) :]
    assert set(again) >= set(every[21:])
    assert len(again) == len(set(again))


@pytest.mark.parametrize("slash", ["/", ""])
@both
def test_the_way_that_forms_lead_to_a_collection(served: Served, root: str, slash: str) -> None:
    """Discovery, its root, collections by title or id: Cortex, OpenCTI's connector, Sentinel."""
    known = served.roots[root]
    opened = opening(known, "Basic") | {"Accept": SPACED}
    with httpx.Client(headers=opened, trust_env=False) as http:
        told = http.get(f"{served.url}/taxii2{slash}").json()
        assert told["api_roots"] == [told["default"]] == [known.url]
        assert http.get(known.url.rstrip("/") + slash).json()["versions"] == [TAXII]
        listed = http.get(f"{known.url}collections{slash}").json()["collections"]
        titles = [each["title"] for each in listed]
        assert len(titles) == len(set(titles))
        (found,) = [each for each in listed if each["id"] == known.collection]
        assert found["can_read"] is True
        assert uuid.UUID(found["id"]).version == 4
        one = f"{known.url}collections/{found['id']}{slash}"
        assert http.get(one).json() == found
        assert http.get(f"{one}/manifest/".replace("//m", "/m")).json()["objects"]


@both
def test_a_client_of_taxii_20_is_told_which_form_there_is(served: Served, root: str) -> None:
    headers = opening(served.roots[root], "Basic")
    headers |= {"Accept": "application/vnd.oasis.taxii+json; version=2.0"}
    reply = httpx.get(f"{served.url}/taxii2/", headers=headers, trust_env=False)
    assert reply.status_code == 406
    assert TAXII in reply.json()["title"]


# ------------------------------------------------------------------------------------- writing

STAMPS = {"spec_version": "2.1", "created": f"{BEGIN}.000Z", "modified": f"{BEGIN}.000Z"}


def named(type_: str, **more: Any) -> dict[str, Any]:  # noqa: ANN401  # any property
    return {"type": type_, "id": f"{type_}--{uuid.uuid4()}", **STAMPS, **more}


def submission() -> list[dict[str, Any]]:
    """What the CTIS add-on of Splunk posts: who says it, what, and the two together."""
    who = named("identity", name="East Clinic", identity_class="organization")
    sign_ = indicator(created_by_ref=who["id"], confidence=80, x_splunk_note="seen twice")
    refs = [who["id"], sign_["id"]]
    return [who, sign_, named("grouping", context="suspicious-activity", object_refs=refs)]


WRITERS = [
    pytest.param({"Content-Type": SPACED, "Accept": SPACED}, id="taxii2-client before 2.3.0"),
    pytest.param({"Content-Type": TAXII, "Accept": TAXII}, id="Splunk CTIS"),
    pytest.param({"Content-Type": "application/taxii+json", "Accept": "*/*"}, id="no version"),
    pytest.param({"Content-Type": TAXII, "Accept": "application/json, */*;q=0.1"}, id="a list"),
]


@pytest.mark.parametrize("headers", WRITERS)
def test_a_client_posts_and_reads_back_what_it_posted(
    served: Served, headers: dict[str, str]
) -> None:
    inbox = served.roots["inbox"]
    some = submission()
    status = post(inbox, some, **headers)
    opened = opening(inbox, "Basic") | {"Accept": headers["Accept"]}
    again = httpx.get(f"{inbox.url}status/{status['id']}/", headers=opened, trust_env=False)
    assert again.json() == status
    named_ = ",".join(each["id"] for each in some)
    objects = f"{inbox.url}collections/{inbox.collection}/objects/"
    back = httpx.get(objects, params={"match[id]": named_}, headers=opened, trust_env=False)
    assert back.json()["objects"] == some


def test_misp_splits_what_it_pushes_by_what_the_root_takes(served: Served) -> None:
    """It asks for the root without its slash, fills envelopes to the bound, and does not wait."""
    inbox = served.roots["inbox"]
    opened = opening(inbox, "Basic") | {"Accept": TAXII}
    told = httpx.get(inbox.url.rstrip("/"), headers=opened, trust_env=False).json()
    most = min(told["max_content_length"], 4_000)
    some = [indicator(name=f"pushed {number}") for number in range(30)]
    envelopes: list[list[dict[str, Any]]] = [[]]
    for each in some:
        if len(json.dumps({"objects": [*envelopes[-1], each]})) > most:
            envelopes.append([])
        envelopes[-1].append(each)
    assert len(envelopes) > 2
    for envelope in envelopes:
        post(inbox, envelope, Accept=TAXII)
    misp = next(each for each in CLIENTS if each.name == "MISP")
    pages = Reading(misp, inbox).to_the_end({"limit": "50", "next": ""})
    found = [each for page in pages for each in page.ids]
    assert [each for each in found if each in {one["id"] for one in some}] == [
        one["id"] for one in some
    ]
