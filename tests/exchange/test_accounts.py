"""Accounts of our own: what opens, what does not, and when it stops."""

import asyncio
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx2
import pytest

from tearline import clock
from tearline.agreement.home import open_home
from tearline.approval.passwords import is_password
from tearline.errors import MisuseError, RefusedError
from tearline.exchange import access, accounts
from tearline.exchange.access import Door, TurnedAwayError
from tearline.exchange.credentials import Credentials
from tearline.release import collecting
from tearline.store import accounts as stored
from tearline.store import private, releases
from tests.exchange.local import PASSWORD, Shelf, cheap_passwords, indicator, post, shelf
from tests.exchange.nodes import give, make_nodes
from tests.plain import give_key

ROOT = "/taxii2/local/"


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Shelf]:
    with shelf(tmp_path) as made:
        yield made


def status(node: Shelf, user: str, password: str) -> int:
    return node.client().get(ROOT, auth=(user, password)).status_code


def keyed(node: Shelf, name: str, value: str) -> int:
    return node.client().get(ROOT, headers={name: value}).status_code


def hashed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The passwords for which the slow hash is run from now on."""
    found: list[str] = []

    def watched(password: str, phc: str | None) -> bool:
        found.append(password)
        return is_password(password, phc)

    monkeypatch.setattr(access, "is_password", watched)
    return found


def test_a_key_opens_in_every_way_and_a_password_in_one(node: Shelf) -> None:
    key = accounts.add_key(node.home, "alice", now=clock.now())
    assert status(node, "alice", PASSWORD) == 200
    assert status(node, "alice", key) == 200
    assert keyed(node, "Authorization", f"Bearer {key}") == 200
    assert keyed(node, "X-API-Key", key) == 200
    assert status(node, "reader", key) == 401
    assert keyed(node, "Authorization", f"Bearer {PASSWORD}") == 401
    assert status(node, "alice", PASSWORD.upper()) == 401


def test_the_slow_hash_runs_once_for_each_process_and_password(
    node: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran = hashed(monkeypatch)
    key = accounts.add_key(node.home, "alice", now=clock.now())
    for _ in range(4):
        assert status(node, "alice", PASSWORD) == 200
        assert status(node, "alice", key) == 200
    assert ran == [PASSWORD]
    node.door = Door()
    assert status(node, "alice", PASSWORD) == 200
    assert ran == [PASSWORD] * 2


def test_a_change_holds_in_every_process_from_the_next_request_on(node: Shelf) -> None:
    """Two doors of two openings of the home stand for two worker processes."""
    again = open_home(node.home.path)
    other = Shelf(again, node.ids)
    for each in (node, other):
        assert status(each, "alice", PASSWORD) == 200
    with cheap_passwords():
        accounts.set_password(node.home, "alice", "another one", now=clock.now())
    for each in (node, other):
        assert status(each, "alice", PASSWORD) == 401
        assert status(each, "alice", "another one") == 200
    accounts.end_account(node.home, "alice", now=clock.now())
    for each in (node, other):
        assert status(each, "alice", "another one") == 401
    again.store.close()


def test_an_ended_key_opens_nothing_and_the_others_still_do(node: Shelf) -> None:
    first, second = (accounts.add_key(node.home, "alice", now=clock.now()) for _ in range(2))
    assert status(node, "alice", first) == status(node, "alice", second) == 200
    with node.home.store.read() as tx:
        hashes = [each.key_hash for each in stored.keys_of(tx, "alice")]
    mine = Credentials(None, first).key_hash
    assert mine in hashes
    with pytest.raises(RefusedError):
        accounts.end_key(node.home, "alice", "", now=clock.now())
    accounts.end_key(node.home, "alice", mine[:20], now=clock.now())
    assert status(node, "alice", first) == 401
    assert keyed(node, "X-API-Key", first) == 401
    assert status(node, "alice", second) == 200


def test_who_is_not_there_is_refused_like_a_wrong_password(
    node: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    accounts.end_account(node.home, "poster", now=clock.now())
    ran = hashed(monkeypatch)
    told = []
    for user in ("alice", "nobody", "poster", "", "al\x00ice"):
        reply = node.client().get(ROOT, auth=(user, "wrong"))
        body = reply.json()
        body.pop("error_id")
        told.append((reply.status_code, reply.headers["WWW-Authenticate"], json.dumps(body)))
    assert len(ran) == 4
    assert len(set(told[:4])) == 1
    assert told[0][0] == told[4][0] == 401


def test_wrong_passwords_are_slowed_down_and_a_proven_one_is_not(
    node: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert status(node, "alice", PASSWORD) == 200
    codes = [status(node, "alice", f"{number}") for number in range(7)]
    assert codes == [401] * 5 + [429] * 2
    ran = hashed(monkeypatch)
    assert status(node, "reader", PASSWORD) == 429
    assert ran == []
    assert status(node, "alice", PASSWORD) == 200


def test_who_knocks_with_many_passwords_at_once_is_told_to_come_again(
    node: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(access, "_MOST_WAITING", 1)
    now = clock.now()

    async def two() -> list[BaseException | None]:
        headers = [{"authorization": httpx2.BasicAuth("a", each)._auth_header} for each in "xy"]  # noqa: SLF001  # how it is spelt
        knocking = (node.door.prove(node.home, each, "address", now=now) for each in headers)
        return list(await asyncio.gather(*knocking, return_exceptions=True))

    first, second = asyncio.run(two())
    assert first is None
    assert isinstance(second, TurnedAwayError)
    assert (second.status, second.headers) == (503, {"Retry-After": "5"})


def test_sixteen_clients_never_meet_another_account(node: Shelf) -> None:
    for number in range(4):
        node.collection(f"own{number}")
        with cheap_passwords():
            node.account(f"user{number}", read=(f"own{number}",), write=(f"own{number}",))

    def ask(number: int) -> set[str]:
        name = f"user{number % 4}"
        seen = set()
        with node.client(name) as client:
            for _ in range(5):
                assert post(client, node.path(f"own{number % 4}"), indicator()).status_code == 202
                found = client.get("/taxii2/local/collections/").json()["collections"]
                seen |= {each["alias"] for each in found}
        return seen

    with ThreadPoolExecutor(16) as pool:
        found = list(pool.map(ask, range(16)))
    assert found == [{f"own{number % 4}"} for number in range(16)]


def test_partners_and_accounts_stand_beside_each_other(tmp_path: Path) -> None:
    nodes = make_nodes(tmp_path)
    key = give_key(nodes, reach=2)
    give(nodes, 1)
    node = Shelf(nodes.north)
    node.collection("feed")
    with cheap_passwords():
        node.account("east-clinic", read=("feed",))
    partner = httpx2.BasicAuth("east-clinic", key)
    account = httpx2.BasicAuth("east-clinic", PASSWORD)
    with node.client() as client:
        roots = [
            client.get("/taxii2/", auth=each).json()["api_roots"] for each in (partner, account)
        ]
        assert [each[0].rpartition("/taxii2")[2] for each in roots] == ["/agreements/", "/local/"]
        assert client.get(nodes.path + "objects/", auth=partner).status_code == 200
        assert client.get(nodes.path + "objects/", auth=account).status_code == 404
        assert client.get(node.path("feed"), auth=partner).status_code == 404
        assert client.get(node.path("feed"), auth=account).json() == {}
        refused = client.post(node.path("feed"), auth=partner, content=b"{}")
        assert refused.status_code == 404
    nodes.close()


def test_what_came_under_an_agreement_enters_no_collection(tmp_path: Path) -> None:
    nodes = make_nodes(tmp_path)
    nodes.agree(reach=2)
    assert give(nodes, 1) == 5
    nodes.sync()
    node = Shelf(nodes.south)
    node.collection("feed")
    with nodes.north.store.read() as tx:
        given = [
            row.delivered_id
            for row in releases.page(tx, nodes.agreement_id, after=0, now=nodes.now, limit=9)
        ]
    for stix_id in given:
        with pytest.raises(RefusedError, match="of our own"):
            collecting.put(nodes.south, "feed", [stix_id], now=clock.now())
    nodes.close()


# ---------------------------------------------------------------------------------------- acts


@pytest.mark.parametrize("name", ["", "a:b", "a b", "x" * 65, "a\n", "a\x00"])
def test_a_name_that_http_basic_cannot_carry_is_refused(node: Shelf, name: str) -> None:
    with pytest.raises(MisuseError):
        accounts.add_account(node.home, name, PASSWORD, now=clock.now())


@pytest.mark.parametrize("password", ["", "x" * 513])
def test_a_password_has_to_fit(node: Shelf, password: str) -> None:
    with pytest.raises(MisuseError):
        accounts.add_account(node.home, "bob", password, now=clock.now())


def test_an_account_is_made_once_and_ended_once_and_may_come_again(node: Shelf) -> None:
    with pytest.raises(RefusedError, match="already"):
        accounts.add_account(node.home, "alice", PASSWORD, now=clock.now())
    key = accounts.add_key(node.home, "alice", now=clock.now())
    accounts.end_account(node.home, "alice", now=clock.now())
    for act in (accounts.end_account, accounts.add_key):
        with pytest.raises(RefusedError, match="no account"):
            act(node.home, "alice", now=clock.now())
    with cheap_passwords():
        accounts.add_account(node.home, "alice", "anew", read=["feed"], now=clock.now())
    assert keyed(node, "X-API-Key", key) == 401
    with node.client() as client:
        found = client.get("/taxii2/local/collections/", auth=("alice", "anew")).json()
    assert [(each["can_read"], each["can_write"]) for each in found["collections"]] == [
        (True, False)
    ]


def test_rights_are_to_collections_that_there_are_or_nothing_is_done(node: Shelf) -> None:
    with cheap_passwords(), pytest.raises(RefusedError, match="no collection"):
        accounts.add_account(node.home, "bob", PASSWORD, read=["feed", "none"], now=clock.now())
    with node.home.store.read() as tx:
        assert stored.account_named(tx, "bob") is None
    with pytest.raises(MisuseError):
        accounts.grant(node.home, "alice", now=clock.now())


def test_each_act_stands_in_the_private_log_without_a_secret(node: Shelf) -> None:
    key = accounts.add_key(node.home, "alice", now=clock.now())
    accounts.deny(node.home, "alice", write=["feed"], now=clock.now())
    accounts.end_account(node.home, "alice", now=clock.now())
    with node.home.store.read() as tx:
        lines = [text for kind, text in private.pending(tx) if kind == "account"]
    acts = [json.loads(each)["act"] for each in lines if json.loads(each)["account"] == "alice"]
    assert acts == ["added", "granted", "key", "denied", "ended"]
    assert key not in str(lines)
    assert PASSWORD not in str(lines)
