"""A TAXII client that costs next to nothing: bare sockets, kept open, in a process of its own.

It shares the machine with what it measures, and so do the floors, which are asked by this same
client. It reads no JSON: of a page it looks for `next` alone, and throws the bytes away.

    with client() as asked:
        asked.get(port, "/taxii2/", headers, times=500, clients=16)
"""

import json
import random
import re
import selectors
import socket
import statistics
import subprocess
import sys
import time
from collections import Counter, deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tearline import clock
from tearline.exchange.signatures import Signer, target_of

MEDIA_TYPE = "application/taxii+json;version=2.1"
LATER = "2098-01-01T00:00:00.000000Z"
"""A moment after which nothing was added."""
DIFFERENT = "{digits}"
"""Stands in a target for what is to be another in each request."""

_LIMIT_S = 300.0
_PIECE = 1 << 20
_ENDS = 4096
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_CLOSE = re.compile(rb"\r\nconnection: *close", re.IGNORECASE)
_NEXT = re.compile(rb'"next": *"([^"]+)"')
_MORE = re.compile(rb'"more": *true')
_LAST = re.compile(rb"\r\nx-taxii-date-added-last: *([^\r]+)", re.IGNORECASE)


class Signing(msgspec.Struct, frozen=True):
    """What signs each request: the key's name and seed, the server's address, the agreement."""

    keyid: str
    seed: str
    address: str
    agreement: str


class Task(msgspec.Struct, frozen=True):
    """What a client process is told to do."""

    kind: str
    port: int
    target: str
    headers: dict[str, str]
    times: int = 1
    clients: int = 1
    file: str = ""
    """Bodies to POST, one a line."""
    seconds: float = _LIMIT_S
    """After so long no request is begun any more."""
    signing: Signing | None = None


class Answered(msgspec.Struct, frozen=True):
    """What came back, and how long it took."""

    seconds: float
    requests: int
    bytes: int
    p50_s: float
    p99_s: float
    status: dict[str, int]
    cpu_s: float
    ended: bool = True
    """Whether all was done within the time."""

    def check(self, status: int = 200) -> "Answered":
        """Return it unless an answer was another than it should be."""
        assert set(self.status) == {str(status)}, self.status
        return self

    @property
    def per_s(self) -> float:
        """Requests a second."""
        return self.requests / self.seconds


class Client:
    """The other end of a client process."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        """Bind to a process that waits for tasks."""
        self._process = process

    def get(
        self,
        port: int,
        target: str,
        headers: Mapping[str, str],
        *,
        times: int,
        clients: int = 1,
        seconds: float = _LIMIT_S,
        signing: Signing | None = None,
    ) -> Answered:
        """Ask for the same `times` times in all, from so many connections that each wait.

        Requests are signed before the first is sent: who signs is not what is measured.
        """
        task = Task("get", port, target, dict(headers), times, clients, seconds=seconds)
        return self._do(msgspec.structs.replace(task, signing=signing))

    def walk(
        self, port: int, target: str, headers: Mapping[str, str], *, seconds: float = _LIMIT_S
    ) -> Answered:
        """Read a collection to its end, page by page; `target` has a query already."""
        return self._do(Task("walk", port, target, dict(headers), seconds=seconds))

    def post(  # the parts of a request
        self,
        port: int,
        target: str,
        headers: Mapping[str, str],
        file: Path,
        *,
        clients: int = 1,
        seconds: float = _LIMIT_S,
    ) -> Answered:
        """POST each line of a file once."""
        sent = Task(
            "post", port, target, dict(headers), clients=clients, file=str(file), seconds=seconds
        )
        return self._do(sent)

    def _do(self, task: Task) -> Answered:
        ways, back = self._process.stdin, self._process.stdout
        assert ways is not None
        assert back is not None
        ways.write(msgspec.json.encode(task) + b"\n")
        ways.flush()
        line = back.readline()
        assert line, "The client process ended."
        return msgspec.json.decode(line, type=Answered)


@contextmanager
def client() -> Iterator[Client]:
    """Run a client process to the end of the block."""
    command = [sys.executable, "-m", "bench.client"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        yield Client(process)
    finally:
        process.communicate(timeout=10)


# ------------------------------------------------------------------------ inside the process


class Reply(msgspec.Struct):
    """One answer: its status, its size, and where a walk goes on."""

    status: int
    size: int
    close: bool
    next: str | None = None


class Wire:
    """One connection that is kept open, or opened again where the server closes it."""

    def __init__(self, port: int) -> None:
        """Bind to a port of this machine; nothing is opened yet."""
        self._port = port
        self.socket: socket.socket | None = None
        self._piece = bytearray(_PIECE)

    def send(self, request: Sequence[bytes]) -> socket.socket:
        """Send a request, and return the socket that its answer comes from."""
        if self.socket is None:
            self.socket = socket.create_connection(("127.0.0.1", self._port), timeout=_LIMIT_S)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for part in request:
            self.socket.sendall(part)
        return self.socket

    def receive(self) -> Reply:
        """Read one answer to its end, and throw its body away."""
        assert self.socket is not None
        held = b""
        while (end := held.find(b"\r\n\r\n")) < 0:
            got = self.socket.recv(_PIECE)
            if not got:
                raise ConnectionResetError("The server closed the connection.")
            held += got
        head, first = held[: end + 2], held[end + 4 :]
        length = _LENGTH.search(head)
        assert length is not None, head
        size = int(length[1])
        first, last = self._discard(size - len(first), first)
        reply = Reply(int(head[9:12]), size, _CLOSE.search(head) is not None)
        reply.next = _where(head, first, last)
        if reply.close:
            self.socket.close()
            self.socket = None
        return reply

    def _discard(self, left: int, first: bytes) -> tuple[bytes, bytes]:
        """Read what is left of a body; returns how it begins and how it ends."""
        assert self.socket is not None
        last = first[-_ENDS:]
        while left:
            got = self.socket.recv_into(self._piece, min(left, _PIECE))
            if not got:
                raise ConnectionResetError("The server closed the connection.")
            left -= got
            if len(first) < _ENDS:
                first += self._piece[: min(got, _ENDS)]
            last = bytes(self._piece[max(got - _ENDS, 0) : got])
        return first[:_ENDS], last


def _where(head: bytes, first: bytes, last: bytes) -> str | None:
    """Where a walk goes on: `next`, or the last moment where only `more` is said."""
    found = _NEXT.search(first) or _NEXT.search(last)
    if found:
        return "next=" + quote(json.loads(b'"' + found[1] + b'"'), safe="")
    stamp = _LAST.search(head)
    if stamp and (_MORE.search(first) or _MORE.search(last)):
        return "added_after=" + quote(stamp[1].decode(), safe="")
    return None


def _request(task: Task, method: str, target: str, body: bytes = b"") -> list[bytes]:
    lines = [f"{method} {target} HTTP/1.1", f"Host: 127.0.0.1:{task.port}"]
    lines += [f"{name}: {value}" for name, value in task.headers.items()]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return ["\r\n".join((*lines, "", "")).encode(), *([body] if body else [])]


def _gets(task: Task) -> Answered:
    if task.signing is None and DIFFERENT not in task.target:
        request = _request(task, "GET", task.target)
        return _flow(task, deque([request] * task.times))
    return _flow(task, deque(_made(task) for _ in range(task.times)))


def _made(task: Task) -> list[bytes]:
    """A request of its own: signed, and with six digits by chance where the target wants them."""
    target = task.target.replace(DIFFERENT, f"{random.randrange(10**6):06}")
    own = msgspec.structs.replace(task, target=target)
    return _signed(own, own.signing) if own.signing else _request(own, "GET", target)


def _signed(task: Task, by: Signing) -> list[bytes]:
    key = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(by.seed))
    made = Signer(by.keyid, key).headers(
        "GET",
        target_of(by.address, task.target),
        agreement=by.agreement,
        body=b"",
        at=clock.now(),
    )
    whole = msgspec.structs.replace(task, headers={**task.headers, **made})
    return _request(whole, "GET", task.target)


def _posts(task: Task) -> Answered:
    bodies = Path(task.file).read_bytes().splitlines()
    return _flow(task, deque(_request(task, "POST", task.target, body) for body in bodies))


def _flow(task: Task, waiting: deque[list[bytes]]) -> Answered:
    """Send all that waits over so many connections, each with one request at a time."""
    taken: list[float] = []
    status: Counter[str] = Counter()
    size = 0
    begun: dict[Wire, float] = {}
    wires = [Wire(task.port) for _ in range(min(task.clients, len(waiting)))]
    start, cpu = time.perf_counter(), time.process_time()
    with selectors.DefaultSelector() as ready:

        def send(wire: Wire) -> None:
            begun[wire] = time.perf_counter()
            ready.register(wire.send(waiting.popleft()), selectors.EVENT_READ, wire)

        for wire in wires:
            send(wire)
        while begun:
            for key, _ in ready.select():
                wire = key.data
                ready.unregister(key.fileobj)
                reply = wire.receive()
                now = time.perf_counter()
                taken.append(now - begun.pop(wire))
                status[str(reply.status)] += 1
                size += reply.size
                if waiting and now - start < task.seconds:
                    send(wire)
    return _answered(start, cpu, taken, status, size, ended=not waiting)


def _walk(task: Task) -> Answered:
    taken: list[float] = []
    status: Counter[str] = Counter()
    size, where, ended = 0, "", True
    seen = set()
    wire = Wire(task.port)
    start, cpu = time.perf_counter(), time.process_time()
    while where not in seen:
        seen.add(where)
        began = time.perf_counter()
        ended = began - start < task.seconds
        if not ended:
            break
        wire.send(_request(task, "GET", task.target + ("&" + where if where else "")))
        reply = wire.receive()
        taken.append(time.perf_counter() - began)
        status[str(reply.status)] += 1
        size += reply.size
        if reply.next is None:
            break
        where = reply.next
    return _answered(start, cpu, taken, status, size, ended=ended)


def _answered(
    start: float, cpu: float, taken: list[float], status: Counter[str], size: int, *, ended: bool
) -> Answered:
    return Answered(
        seconds=time.perf_counter() - start,
        requests=len(taken),
        bytes=size,
        p50_s=statistics.median(taken),
        p99_s=sorted(taken)[int(len(taken) * 0.99)],
        status=dict(status),
        cpu_s=time.process_time() - cpu,
        ended=ended,
    )


def _serve() -> None:
    """Do each task that comes in, one a line."""
    kinds = {"get": _gets, "walk": _walk, "post": _posts}
    for line in sys.stdin.buffer:
        task = msgspec.json.decode(line, type=Task)
        print(msgspec.json.encode(kinds[task.kind](task)).decode(), flush=True)


if __name__ == "__main__":
    _serve()
