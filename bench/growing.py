"""What a page costs as a store grows, and what a worker holds then.

Beside a store of 25,000 objects that stays so: 100,000 objects, and with `LARGE=1` a million.
"""

from collections.abc import Callable, Iterator

from bench import corpus
from bench.client import Client, client
from bench.loading import STORES, Load, Place, place
from bench.measuring import Figure, Spent, in_turn, large, near
from bench.servers import Server, own_memory_mb, took

GOAL = 1 / 1.5
"""A page may take one and a half times as long."""
GOAL_MB = 200

_SMALL = 25_000
_PAGES = 600
_CLIENTS = 16


def figures() -> Iterator[Figure]:
    """A first page beside that of the small store, filters beside none, memory at the end."""
    for kind in STORES:
        with place(kind) as little, place(kind) as much, client() as asked:
            Load(little).to(_SMALL)
            load = Load(much)
            for size in (100_000, 1_000_000) if large() else (100_000,):
                load.to(size)
                with little.serving() as small, much.serving() as grown:
                    yield from _pages(f"{kind}, {_short(size)}", asked, little, small, much, grown)
                    yield _memory(f"{kind}, {_short(size)}", asked, much, grown)


def _pages(
    name: str, asked: Client, little: Place, small: Server, much: Place, grown: Server
) -> Iterator[Figure]:
    def page(at: Place, server: Server, query: str = "") -> Callable[[], Spent]:
        target = f"{at.objects}?limit=1000{query}"
        return lambda: took(server, lambda: asked.get(server.port, target, at.basic, times=_PAGES))

    def walk() -> Spent:
        target = f"{much.objects}?limit=1000"
        return took(grown, lambda: asked.walk(grown.port, target, much.basic))

    one, many = corpus.sign_id(1234), ",".join(map(corpus.sign_id, range(1000, 1100)))
    acts = [
        page(little, small),
        page(much, grown),
        page(much, grown, "&match[type]=indicator"),
        page(much, grown, f"&match[id]={one}"),
        page(much, grown, f"&match[id]={many}"),
        walk,
    ]
    for act in acts[:2]:
        act()  # the account's slow hash
    first, here, typed, by_id, by_ids, deep = in_turn(*acts)
    yield from near(f"first page, {name}", "pages", here, first, GOAL)
    yield from near(f"match[type], {name}", "pages", typed, here, GOAL)
    yield from near(f"match[id], one, {name}", "pages", by_id, here, GOAL)
    yield from near(f"match[id], a hundred, {name}", "pages", by_ids, here, GOAL)
    yield from near(f"any page, {name}", "pages", deep, here, GOAL)


def _memory(name: str, asked: Client, at: Place, server: Server) -> Figure:
    """What the worker holds after sixteen clients read pages at once."""
    target = f"{at.objects}?limit=1000"
    asked.get(server.port, target, at.basic, times=_CLIENTS * 20, clients=_CLIENTS).check()
    held = own_memory_mb(server.pid)
    return Figure(f"a worker's own memory, {name}", held, "MB", None, None, GOAL_MB, held < GOAL_MB)


def _short(size: int) -> str:
    return f"{size // 1_000_000}M" if size >= 1_000_000 else f"{size // 1000}k"
