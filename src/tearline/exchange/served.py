"""Read a partner's log where it is served: one resource of it, or the tree that its tiles make."""

from tearline.errors import PartnerError, ProofError
from tearline.exchange.link import Link
from tearline.exchange.taxii_client import NotServedError, check
from tearline.log.tiles import TiledTree
from tearline.log.tree import HASH_SIZE, TILE_WIDTH, Tile, tile_path

_TILE_BYTES = HASH_SIZE * TILE_WIDTH


def get(link: Link, path: str, most: int, **params: int) -> bytes:
    """Return a resource of a partner's log; PartnerError when it is not shown."""
    reply = link.get(path, most=most, params=params, accept="*/*")
    try:
        check(link, reply)
    except NotServedError as error:
        raise PartnerError(
            f"{link.url} does not show its log of this agreement.",
            means="Nothing of it can be accepted without the log.",
            do="Ask the partner whether its node runs the same version.",
        ) from error
    return reply.body


def served_tree(link: Link, base: str, size: int) -> TiledTree:
    """Return the tree of so many leaves that the tiles below `base` make.

    They prove nothing by themselves: what is made of them is held against signed heads.
    """

    def _read(level: int, index: int) -> list[bytes]:
        width = min(TILE_WIDTH, (size >> 8 * level) - index * TILE_WIDTH)
        if width <= 0:
            return []
        data = get(link, f"{base}/{tile_path(Tile(level, index, width))}", _TILE_BYTES)
        if len(data) != width * HASH_SIZE:
            raise ProofError(f"A tile of {width} hashes has {len(data)} bytes.")
        return [data[at : at + HASH_SIZE] for at in range(0, len(data), HASH_SIZE)]

    return TiledTree(base, _read)
