"""A collection read from its start to its end, in pages of a thousand; its bytes are thrown away.

The floor is as many answers of the same size from the same kind of server, with nothing behind it.
"""

from collections.abc import Iterator
from contextlib import ExitStack

from bench.client import client
from bench.loading import STORES, Load, place
from bench.measuring import Figure, Spent, in_turn, near
from bench.peers import measured
from bench.servers import constant, took

GOALS = {"SQLite": 0.5, "PostgreSQL": 0.3}
GOALS_UNDER_AGREEMENT = {"SQLite": 0.6, "PostgreSQL": 0.45}
TIMES = 20
"""How many times OpenTAXII's rate is asked for."""

_HELD = 25_000
_PAGE = 1_000
_PAGES = 1_000
_CONSTANT = 2_000
_WALKS = 20


def figures() -> Iterator[Figure]:
    """Read a local collection against constant bytes, and an agreement's against a local one."""
    for kind in STORES:
        yield from _measured(kind)


def _measured(kind: str) -> Iterator[Figure]:
    with place(kind) as at, client() as asked, ExitStack() as stack:
        load = Load(at)
        load.to(_HELD)
        at.settle()
        server = stack.enter_context(at.serving())
        local, under = f"{at.objects}?limit={_PAGE}", f"{load.reader.objects}?limit={_PAGE}"
        whole = asked.walk(server.port, local, at.basic).check()
        assert whole.requests == _HELD // _PAGE, whole
        page = at.path.parent / "page"
        page.write_bytes(b"x" * (whole.bytes // whole.requests))
        bare = stack.enter_context(constant(page))

        def walk() -> Spent:
            walked = [
                took(server, lambda: asked.walk(server.port, local, at.basic))
                for _ in range(_WALKS)
            ]
            return Spent(*(sum(each) / _WALKS for each in zip(*walked, strict=True)))

        def same() -> Spent:
            return took(bare, lambda: asked.get(bare.port, "/page", at.basic, times=_CONSTANT))

        def open_page() -> Spent:
            return took(server, lambda: asked.get(server.port, local, at.basic, times=_PAGES))

        def ruled_page() -> Spent:
            reader = load.reader.headers
            return took(server, lambda: asked.get(server.port, under, reader, times=_PAGES))

        own, floor, ruled, free = in_turn(walk, same, ruled_page, open_page)
    peers = {name: seen.read for name, seen in measured(kind).items()}
    yield from near(
        f"full read in pages of 1,000, {kind}",
        "objects",
        own.each(_PAGE),
        floor.each(_PAGE),
        GOALS[kind],
        peers=peers,
        times=TIMES,
    )
    name = f"page of an agreement, against local, {kind}"
    yield from near(name, "pages", ruled, free, GOALS_UNDER_AGREEMENT[kind])
