"""A partner that lies, as the one who asks and as the one who answers: refused, told, no harm done.

North runs behind a liar that can bend what it answers; its keys are at hand, so lies can be signed.
Each lie is told once by itself, and then many in any order. Whatever happened: what was true before
still stands, the honest request after it is answered, and our side can say what it refused and why.
"""

import base64
import json
import threading
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import httpx
import pytest
import uvicorn
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test
from sqlalchemy import delete
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tearline import clock
from tearline.agreement import outbox, receiving, signing
from tearline.agreement.home import Home, create_home
from tearline.agreement.messages import MessageRefusedError, open_message, seal
from tearline.errors import TearlineError
from tearline.exchange import peer
from tearline.exchange.access import Door
from tearline.log import record
from tearline.log.checkpoint import checkpoint_text, parse_checkpoint, sign_note
from tearline.node.app import create_app
from tearline.node.publisher import publish_node
from tearline.stix.timestamp import format_timestamp
from tearline.store import evidence, logs, objects, private
from tests.exchange.nodes import Nodes, Signs, free_socket, give, make_nodes, url_of
from tests.pair import Pair, make_pair

NORTH, SOUTH = "north-cert", "south-isac"
TEN_MINUTES = 600_000_000


class Answer(NamedTuple):
    status: int
    body: bytes


Bend = Callable[["World", Answer], Answer]


class Liar:
    """Goes around a node and bends the answers at one kind of address."""

    def __init__(self, app: ASGIApp) -> None:
        self.app, self.lie = app, ""
        self.world: World | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        where, bend = ANSWERS.get(self.lie, ("", None))
        if scope["type"] != "http" or bend is None or where not in scope["path"]:
            await self.app(scope, receive, send)
            return
        got: list[Message] = []

        async def keep(message: Message) -> None:
            got.append(message)

        await self.app(scope, receive, keep)
        assert self.world is not None
        body = b"".join(each.get("body", b"") for each in got)
        status, body = bend(self.world, Answer(got[0]["status"], body))
        headers = [(b"content-length", str(len(body)).encode()), (b"location", b"http://[")]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})


class World:
    """Two nodes with an agreement, of which North lies; South has read all that was given."""

    def __init__(self, nodes: Nodes, liar: Liar, door: Door, url: str, folder: Path) -> None:
        self.nodes, self.liar, self.door, self.url = nodes, liar, door, url
        self.stranger = create_home(folder / "east", "East CERT", None, clock.now())
        self.first_note = ""
        liar.world = self
        give(nodes, 2)
        assert self.sync().problem is None
        self.first_note = self.note()
        assert publish_node(nodes.north, now=nodes.tick())

    @property
    def log(self) -> str:
        return f"/peer/agreements/{self.nodes.agreement_id.removeprefix('urn:uuid:')}/log/"

    def sync(self) -> peer.Synced:
        (done,) = peer.sync(self.nodes.south, NORTH, now=self.nodes.tick()).agreements
        return done

    def note(self) -> str:
        """North's signed head now."""
        return self.nodes.north.publish(self.nodes.agreement_id, now=self.nodes.tick())

    def write(self) -> None:
        """North has one leaf more in its log."""
        with self.nodes.north.store.write() as tx:
            line = {"kind": "served", "number": self.nodes.tick()}
            log = record.our_log(self.nodes.agreement_id)
            record.append(
                tx, log, "served", [line], at=self.nodes.now, agreement=self.nodes.last_hash
            )

    def held(self) -> tuple[int, bytes, int]:
        """What South has of North: the size of the log, its last leaf, the objects."""
        log = record.their_log(self.nodes.agreement_id)
        with self.nodes.south.store.read() as tx:
            size = logs.head(tx, log).size
            known = objects.latest(tx, self.nodes.agreement_id, self.nodes.delivered())
            return size, logs.leaf(tx, log, size - 1) or b"", len(known)

    def noted(self, home: Home) -> list[dict[str, Any]]:
        """What waits to be written into a private log about refusals."""
        with home.store.read() as tx:
            return [json.loads(text) for kind, text in private.pending(tx) if kind == "refusal"]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("liars")
    with free_socket() as sock:
        nodes = make_nodes(folder, url_of(sock))
        # What a lie triggers is told elsewhere: here the truth goes on after each.
        nodes.agree(reach=2, end="[suspend]\non = []")
        app = create_app(nodes.north.path, jobs=False)
        liar = Liar(app)
        server = uvicorn.Server(
            uvicorn.Config(liar, log_config=None, access_log=False, timeout_graceful_shutdown=2)
        )
        thread = threading.Thread(target=server.run, kwargs={"sockets": [sock]}, daemon=True)
        thread.start()
        while not server.started and thread.is_alive():
            thread.join(0.01)
        made = World(nodes, liar, app.state.door, url_of(sock), folder)
        yield made
        server.should_exit = True
        thread.join(20)
        made.stranger.store.close()
        nodes.close()


# ------------------------------------------------------------------------ lies in what is answered


def _signed(
    world: World, note: bytes, *, root: bytes | None = None, key: Ed25519PrivateKey | None = None
) -> bytes:
    """North's head again, over another root or by another key."""
    true = parse_checkpoint(note.decode().partition("\n\n")[0] + "\n")
    text = checkpoint_text(true.origin, true.size, true.root if root is None else root)
    return sign_note(text, true.origin, key or world.nodes.north.keys.log).encode()


def _head(**bent: Any) -> tuple[str, Bend]:  # noqa: ANN401  # parts of the note
    return "/checkpoint", lambda world, said: Answer(200, _signed(world, said.body, **bent))


def _two_faces(world: World, _said: Answer) -> Answer:
    """A second history of exactly what South has."""
    size = world.held()[0]
    origin = record.origin_of(NORTH, world.nodes.agreement_id)
    text = checkpoint_text(origin, size, sha256(b"another").digest())
    return Answer(200, sign_note(text, origin, world.nodes.north.keys.log).encode())


def _private_head(world: World, _said: Answer) -> Answer:
    return Answer(200, world.nodes.north.publish(None, now=world.nodes.tick()).encode())


def _refusal(code: str, ahead_us: int) -> Callable[[World, Answer], Answer]:
    def bend(_world: World, _said: Answer) -> Answer:
        told = {"code": code, "now": format_timestamp(clock.now() + ahead_us)}
        return Answer(401, json.dumps({"title": "x", **told}).encode())

    return bend


def _committed(change: Callable[[dict[str, Any]], dict[str, Any]]) -> tuple[str, Bend]:
    """The proof from the node log, with some of it changed."""

    def bend(_world: World, said: Answer) -> Answer:
        true = json.loads(said.body)
        return Answer(said.status, json.dumps(true | change(true)).encode())

    return "/log/committed", bend


def _body(where: str, change: Callable[[bytes], bytes]) -> tuple[str, Bend]:
    return where, lambda _world, said: Answer(said.status, change(said.body))


ANSWERS: dict[str, tuple[str, Bend]] = {
    "wrong root": _head(root=sha256(b"wrong").digest()),
    "smaller size": ("/checkpoint", lambda world, _said: Answer(200, world.first_note.encode())),
    "two faces": ("/checkpoint", _two_faces),
    "unknown key": _head(key=Ed25519PrivateKey.from_private_bytes(b"\7" * 32)),
    "head of another log": ("/checkpoint", _private_head),
    "root of 31 bytes": _head(root=b"\1" * 31),
    "root of 33 bytes": _head(root=b"\1" * 33),
    "signature of another note": _body(
        "/checkpoint", lambda note: note[:-20] + b"A" * 17 + note[-3:]
    ),
    "truncated head": _body("/checkpoint", lambda note: note[: len(note) // 2]),
    "truncated bundle": _body("/tile/entries", lambda bundle: bundle[:-7]),
    "bundle with a changed entry": _body("/tile/entries", lambda b: b[:-1] + bytes([b[-1] ^ 1])),
    "no bundle": _body("/tile/entries", lambda _bundle: b""),
    "truncated records": _body("/records", lambda lines: lines[:-9]),
    "no records": _body("/records", lambda _lines: b""),
    "records that open nothing": _body("/records", lambda lines: lines.replace(b'"', b"'")),
    "salt of 31 bytes": _body("/records", lambda lines: lines.replace(b'"salt":"', b'"salt":"AA')),
    "truncated path in the node log": _committed(lambda true: {"path": true["path"][:-1]}),
    "hash of 31 bytes in the node log": _committed(
        lambda true: {"path": [base64.b64encode(bytes(31)).decode(), *true["path"][1:]]}
    ),
    "proof from the node log with a hash more": _committed(
        lambda true: {"proof": [*true["proof"], base64.b64encode(bytes(32)).decode()]}
    ),
    "another head in the node log": _committed(
        lambda true: {"record": true["record"].replace('"size":', '"size":1')}
    ),
    "signature of another head on the node log": _committed(
        lambda true: {"checkpoint": true["checkpoint"].replace("/log/node\n1\n", "/log/node\n2\n")}
    ),
    "truncated proof from the node log": _body("/log/committed", lambda proof: proof[:-40]),
    "no log at all": ("/log/", lambda _world, _said: Answer(404, b"{}")),
    "page of nonsense": _body("/objects/", lambda _page: b'{"objects":[{"id":'),
    "redirect": ("/objects/", lambda _world, _said: Answer(302, b"")),
    "refused for our key": ("/objects/", _refusal("key", 0)),
    "their clock is ten minutes ahead": ("/objects/", _refusal("clock", TEN_MINUTES)),
    "their clock is ten minutes behind": ("/checkpoint", _refusal("clock", -TEN_MINUTES)),
    "a clock without a time": ("/objects/", lambda _w, _s: Answer(401, b'{"code":[],"now":7}')),
}
IN_WORDS = {
    "wrong root": "not those its checkpoint",
    "smaller size": "shows an older head",
    "two faces": "shows two histories",
    "their clock is ten minutes ahead": "ahead of ours",
    "their clock is ten minutes behind": "behind ours",
    "redirect": "sends us elsewhere",
    "no log at all": "does not show its log",
}


def lied_to(world: World, lie: str) -> TearlineError:
    """Sync while North tells a lie; return what South says of it. It holds what it held before."""
    world.write()
    assert world.sync().problem is None
    world.write()
    before = world.held()
    world.liar.lie = lie
    try:
        problem = world.sync().problem
    finally:
        world.liar.lie = ""
    assert problem is not None, lie
    assert type(problem) is not TearlineError
    assert problem.what
    assert problem.do
    size, _, known = world.held()
    assert size >= before[0]
    assert known == before[2]
    return problem


@pytest.mark.parametrize("lie", ANSWERS)
def test_a_lie_in_an_answer_is_refused_with_words_and_the_truth_goes_on(
    world: World, lie: str
) -> None:
    with world.nodes.south.store.write() as tx:
        tx.execute(delete(evidence.evidence))  # what was proven before is kept once an hour
    said = lied_to(world, lie)
    assert IN_WORDS.get(lie, "") in str(said)
    with world.nodes.south.store.read() as tx:
        kept = evidence.all_of(tx)
    proven = {"two faces": "split-view", "smaller size": "rollback"}
    assert [each.kind for each in kept] == ([proven[lie]] if lie in proven else [])
    assert world.sync().problem is None
    assert world.held()[0] == parse_checkpoint(world.note().partition("\n\n")[0] + "\n").size


# ------------------------------------------------------------------------- lies in what is asked


class Asked(NamedTuple):
    """A request that lies: what is sent with it, and the reason why it is refused."""

    code: str
    signs: Callable[["World"], Any]
    twice: bool = False


def _honest(world: World) -> Signs:
    return Signs(world.nodes.south, world.url, world.nodes.last_hash)


def _late(seconds: int) -> Callable[[World], Signs]:
    def make(world: World) -> Signs:
        made = _honest(world)
        made.ahead_us = seconds * 1_000_000
        return made

    return make


def _forged(world: World) -> Signs:
    """South's name for the key, and the stranger's key."""
    made = _honest(world)
    made.signer = made.signer._replace(key=world.stranger.keys.sign)
    return made


def _elsewhere(world: World) -> Callable[[Any], Any]:
    """A signature that South did make, over another request."""
    sign = _honest(world)

    def bent(request: Any) -> Any:  # noqa: ANN401  # of httpx
        other = httpx.Request(request.method, f"{world.url}/elsewhere", content=request.content)
        sign(other)
        request.headers.update(other.headers)
        request.headers["Host"] = httpx.URL(world.url).netloc.decode()
        return request

    return bent


def _stale(world: World) -> Signs:
    return Signs(world.nodes.south, world.url, "sha256:" + "0" * 64)


def _again(world: World) -> Callable[[Any], Any]:
    """The same signature each time that it is asked for."""
    sign, first = _honest(world), httpx.Headers()

    def bent(request: Any) -> Any:  # noqa: ANN401  # of httpx
        if not first:
            sign(request)
            first.update(request.headers)
        request.headers.update(first)
        return request

    return bent


def _cut(world: World) -> Callable[[Any], Any]:
    sign = _honest(world)

    def bent(request: Any) -> Any:  # noqa: ANN401  # of httpx
        sign(request)
        raw = base64.b64decode(request.headers["Signature"].split(":")[1])[:31]
        request.headers["Signature"] = f"tearline=:{base64.b64encode(raw).decode()}:"
        return request

    return bent


REQUESTS: dict[str, Asked] = {
    "not signed": Asked("unsigned", lambda _world: None),
    "replayed": Asked("replay", _again, twice=True),
    "stale agreement": Asked("agreement", _stale),
    "clock ten minutes ahead": Asked("clock", _late(600)),
    "clock ten minutes behind": Asked("clock", _late(-600)),
    "sent a minute and a half ago": Asked("window", _late(-90)),
    "unknown key": Asked("key", lambda w: Signs(w.stranger, w.url, w.nodes.last_hash)),
    "forged signature": Asked("signature", _forged),
    "signature of another request": Asked("signature", _elsewhere),
    "signature of 31 bytes": Asked("form", _cut),
}
PLACES = ("objects", "checkpoint")


def lie_to(world: World, lie: str, place: str) -> None:
    """Ask North with a lie; it is refused with its reason, which stands in the private log."""
    asked = REQUESTS[lie]
    path = f"{world.nodes.path}objects/" if place == "objects" else f"{world.log}checkpoint"
    signs = asked.signs(world)
    world.door._noted.clear()  # noqa: SLF001  # else the log is spared after sixty an hour
    before = len(world.noted(world.nodes.north))
    with httpx.Client(base_url=world.url, auth=signs, trust_env=False, timeout=30) as client:
        client.headers["Authorization"] = f"Bearer {world.nodes.key}"
        if asked.twice:
            assert client.get(path).status_code == 200
        reply = client.get(path)
    assert reply.status_code == (409 if asked.code == "agreement" else 401)
    told = reply.json()
    if asked.code != "agreement":
        assert told.get("details", told)["code"] == asked.code
        assert "Accept-Signature" in reply.headers
    assert told["title"]
    (noted,) = world.noted(world.nodes.north)[before:]
    assert (noted["party"], noted["code"]) == (SOUTH, asked.code)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("lie", REQUESTS)
def test_a_lie_in_a_request_is_refused_with_its_reason_and_noted(
    world: World, lie: str, place: str
) -> None:
    lie_to(world, lie, place)
    assert world.sync().problem is None


@pytest.mark.parametrize("lie", [each for each in REQUESTS if each != "stale agreement"])
def test_a_lie_in_who_brings_a_message_is_refused_and_noted(world: World, lie: str) -> None:
    """A message that holds, and a request that does not; strangers learn no reason."""
    asked, home = REQUESTS[lie], world.nodes.south
    body = seal(home, "recall-receipt", NORTH, {}, message_id="x", agreement=None, at=clock.now())
    signs = asked.signs(world)
    world.door._noted.clear()  # noqa: SLF001  # as above
    world.door._attempts.succeeded("127.0.0.1")  # noqa: SLF001  # one address asks for all
    before = len(world.noted(world.nodes.north))
    with httpx.Client(base_url=world.url, auth=signs, trust_env=False, timeout=30) as client:
        if asked.twice:
            client.post("/peer/messages", content=body)
        reply = client.post("/peer/messages", content=body)
    untold = asked.code in {"key", "signature"}
    assert reply.status_code == (403 if untold else 401)
    if untold:
        assert reply.json() == {"title": "The message was not accepted."}
    else:
        assert reply.json()["code"] == asked.code
    noted = world.noted(world.nodes.north)[before:]
    assert [each["code"] for each in noted if each["code"] in REASONS_HERE] == [asked.code]
    named = lie in {"forged signature", "signature of another request", "replayed"}
    assert noted[-1]["party"] == (SOUTH if named else "")


REASONS_HERE = {each.code for each in REQUESTS.values()}


def test_a_message_under_the_signature_of_another_is_refused(world: World) -> None:
    sign = Signs(world.nodes.south, world.url, None)
    world.door._attempts.succeeded("127.0.0.1")  # noqa: SLF001  # as above

    def bent(request: httpx.Request) -> httpx.Request:
        made = httpx.Request("POST", request.url, content=b"another")
        sign(made)
        for name in ("Signature", "Signature-Input", "Content-Digest"):
            request.headers[name] = made.headers[name]
        return request

    reply = httpx.post(f"{world.url}/peer/messages", content=b"{}", auth=bent, trust_env=False)
    assert (reply.status_code, reply.json()["code"]) == (401, "digest")
    assert world.noted(world.nodes.north)[-1]["code"] == "digest"


# -------------------------------------------------------------------------------- any order


class Lies(RuleBasedStateMachine):
    """Lies of both kinds and honest acts, in any order."""

    world: ClassVar[World]

    @initialize()
    def begins(self) -> None:
        self.seen = self.world.held()

    @rule(lie=st.sampled_from(sorted(ANSWERS)))
    def is_lied_to(self, lie: str) -> None:
        lied_to(self.world, lie)

    @rule(lie=st.sampled_from(sorted(REQUESTS)), place=st.sampled_from(PLACES))
    def is_asked_with_a_lie(self, lie: str, place: str) -> None:
        lie_to(self.world, lie, place)

    @rule()
    def an_honest_sync(self) -> None:
        assert self.world.sync().problem is None
        assert self.world.held()[0] >= self.seen[0]
        self.seen = self.world.held()

    @rule()
    def north_goes_on(self) -> None:
        self.world.write()

    def teardown(self) -> None:
        self.an_honest_sync()
        with self.world.nodes.north.store.read() as tx:
            size = logs.head(tx, record.our_log(self.world.nodes.agreement_id)).size
        assert self.seen[0] == size


def test_whatever_lies_are_told_in_whatever_order_the_truth_is_what_stays(world: World) -> None:
    bound = type("Bound", (Lies,), {"world": world})
    run_state_machine_as_test(
        bound,
        settings=settings(
            max_examples=8,
            stateful_step_count=10,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )


# ------------------------------------------------------------------------------------- proofs


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    made = make_pair(tmp_path)
    yield made
    made.north.store.close()
    made.south.store.close()


def _receipts(content: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = content["receipt"]
    return found


def _proof(change: Callable[[str, str], tuple[str, str]]) -> Callable[[dict[str, Any]], object]:
    """What bends the tlog-proof of a receipt: its lines, and the signed head after them."""

    def bend(receipt: dict[str, Any]) -> None:
        head, _, note = receipt["proof"].partition("\n\n")
        receipt["proof"] = "\n\n".join(change(head, note))

    return bend


LIES_IN_PROOFS: dict[str, Callable[[dict[str, Any]], object]] = {
    "truncated proof": _proof(lambda head, note: (head.rpartition("\n")[0], note)),
    "proof with one hash more": _proof(lambda head, note: (f"{head}\n{'A' * 43}=", note)),
    "hash that is not 32 bytes": _proof(lambda head, note: (f"{head}\nAAAA", note)),
    "another leaf": _proof(lambda head, note: (head.replace("index ", "index 1"), note)),
    "head that is cut": _proof(lambda head, note: (head, note[:-30])),
    "no head": _proof(lambda head, _note: (head, "")),
}


@pytest.mark.parametrize("lie", LIES_IN_PROOFS)
def test_an_activation_with_a_proof_that_does_not_hold_activates_nothing(
    pair: Pair, lie: str
) -> None:
    """South signs it with its own key; North's private log says what it refused."""
    pair.propose(reach=2)
    pair.carry()
    signing.countersign(pair.south, pair.agreement_id, now=pair.tick())
    ((_, document),) = outbox.export_messages(pair.south, now=pair.tick())
    with pair.north.store.read() as tx:
        true = open_message(tx, pair.north, document, now=pair.tick())
    body = json.loads(json.dumps(true.body))
    LIES_IN_PROOFS[lie](_receipts(body))
    forged = seal(
        pair.south, true.kind, NORTH, body, message_id=true.id, agreement=true.agreement, at=true.at
    )
    with pytest.raises(MessageRefusedError) as caught:
        receiving.receive(pair.north, forged, now=pair.tick())
    assert (caught.value.code, caught.value.party) == ("proof", SOUTH)
    with pair.north.store.read() as tx:
        log = record.PRIVATE
        last = logs.records(tx, log, logs.head(tx, log).size - 1, logs.head(tx, log).size)
    assert '"code":"proof"' in str(last)
    pair.carry()  # what is true is taken
    assert signing.suspend(pair.north, pair.agreement_id, "x", now=pair.tick())
