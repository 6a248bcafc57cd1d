"""The poll that finds nothing new: authenticated, on connections that stay open.

The floor is the framework's empty answer, from the same kind of server with nothing behind it.
"""

from collections.abc import Iterator

from bench.client import LATER, client
from bench.loading import STORES, Load, place
from bench.measuring import Figure, Spent, in_turn, near
from bench.peers import measured
from bench.servers import constant, took

GOALS = {"SQLite": 0.5, "PostgreSQL": 0.2}
GOAL_BASIC = 0.9
TIMES = 15
"""How many times OpenTAXII's rate is asked for."""

_HELD = 5_000
_POLLS = 4_000
_CLIENTS = 16


def figures() -> Iterator[Figure]:
    """Sixteen clients that poll all the time, with a password; and the same with a key."""
    for kind in STORES:
        yield from _measured(kind)


def _measured(kind: str) -> Iterator[Figure]:
    with place(kind) as at, client() as asked:
        Load(at).to(_HELD)
        page, key = at.path.parent / "page", at.key()
        page.touch()
        with at.serving() as server, constant(page) as bare:
            later = f"{at.objects}?added_after={LATER}"

            def poll(headers: dict[str, str], clients: int) -> Spent:
                return took(
                    server,
                    lambda: asked.get(server.port, later, headers, times=_POLLS, clients=clients),
                )

            def empty(clients: int) -> Spent:
                return took(
                    bare,
                    lambda: asked.get(
                        bare.port, "/empty", at.basic, times=2 * _POLLS, clients=clients
                    ),
                )

            poll(at.basic, 1)  # the account's slow hash
            own, floor, keyed = in_turn(
                lambda: poll(at.basic, _CLIENTS),
                lambda: empty(_CLIENTS),
                lambda: poll(key, _CLIENTS),
            )
            alone, nothing = in_turn(lambda: poll(at.basic, 1), lambda: empty(1))
    peers = {name: seen.poll for name, seen in measured(kind).items()}
    name = f"poll, nothing new, {kind}"
    yield from near(name, "polls", own, floor, GOALS[kind], peers=peers, times=TIMES)
    yield from near(f"poll by one client, {kind}", "polls", alone, nothing, peers=peers)
    yield from near(f"poll with password, against key, {kind}", "polls", own, keyed, GOAL_BASIC)
