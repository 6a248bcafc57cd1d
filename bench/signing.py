"""What a signature on each request costs: a partner's node against a plain client of the same node.

Both read the same objects under agreements that differ in one thing: the one with a node demands
signatures (RFC 9421), each looked up against replays. The floor is the same poll unsigned.
"""

import tempfile
from collections.abc import Iterator
from pathlib import Path

from bench.client import DIFFERENT, LATER, MEDIA_TYPE, Signing, client
from bench.measuring import Figure, Spent, in_turn, near
from bench.servers import Server, node, took
from tearline.exchange.signatures import keyid_of
from tearline.release import arrive
from tearline.stix.marking import CLEAR, marking_ref
from tests.exchange.nodes import Nodes, make_nodes, signs
from tests.pair import as_object
from tests.plain import give_key

GOAL_EMPTY = 0.4
GOAL_PAGE = 0.9
_ADDRESS = "http://north.example"
_INDICATORS = 510
_PAGE = 1_000
_POLLS = 16_000
_PAGES = 400
_FIRST = f"limit={_PAGE}&added_after=2020-01-01T00:00:00.{DIFFERENT}Z"
"""The same page each time, and never one that was made before: a node reads each page once."""
_CLIENTS = 16


def figures() -> Iterator[Figure]:
    """A poll that finds nothing new, and a page of a thousand objects, by sixteen clients."""
    with tempfile.TemporaryDirectory(prefix="tearline-bench-") as folder:
        nodes = make_nodes(Path(folder), _ADDRESS)
        nodes.agree(reach=2)
        plain = Nodes(**vars(nodes.beside(2)))
        key = give_key(plain, reach=2)
        _give(nodes)
        plain.reconcile()
        with node(nodes.north.path, {}) as server:
            yield from _measured(server, nodes, plain, key)
        nodes.close()


def _give(nodes: Nodes) -> None:
    """Marked in their own bytes: to both they go as they are, from the same rows."""
    marked = {"object_marking_refs": [marking_ref(CLEAR)]}
    docs = [as_object(doc | marked) for doc in signs(_INDICATORS)]
    arrive.arrive(nodes.north, docs, source="test", now=nodes.tick())
    assert nodes.reconcile().released > _PAGE


def _measured(server: Server, nodes: Nodes, plain: Nodes, key: str) -> Iterator[Figure]:
    given = {"Accept": MEDIA_TYPE, "Tearline-Agreement": nodes.last_hash or ""}
    signed = {**given, "Authorization": f"Bearer {nodes.key}"}
    bare = {**given, "Tearline-Agreement": plain.last_hash or "", "Authorization": f"Bearer {key}"}
    signing = Signing(
        keyid_of(nodes.south.card.sign),
        nodes.south.keys.sign.private_bytes_raw().hex(),
        _ADDRESS,
        nodes.last_hash or "",
    )
    with client() as asked:

        def poll(of: Nodes, rest: str, times: int) -> Spent:
            target, ours = f"{of.path}objects/?{rest}", of is nodes
            headers, by = (signed, signing) if ours else (bare, None)
            return took(
                server,
                lambda: asked.get(
                    server.port, target, headers, times=times, clients=_CLIENTS, signing=by
                ),
            )

        for name, rest, times, goal in (
            ("poll, nothing new", f"added_after={LATER}", _POLLS, GOAL_EMPTY),
            (f"page of {_PAGE:,}", _FIRST, _PAGES, GOAL_PAGE),
            (f"page of {_PAGE:,} given again", f"limit={_PAGE}", _PAGES, None),
        ):
            own, floor = in_turn(
                lambda rest=rest, times=times: poll(nodes, rest, times),  # type: ignore[misc]
                lambda rest=rest, times=times: poll(plain, rest, times),  # type: ignore[misc]
            )
            yield from near(f"signed {name}, against unsigned", "requests", own, floor, goal)
