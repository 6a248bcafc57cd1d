"""Fetch the partner's log of an agreement: its signed head, its new entries, what opens them.

Nothing is kept that the signed head does not cover or that does not extend what we hold.
"""

from collections.abc import Callable

import orjson

from tearline.agreement.force import InForce
from tearline.agreement.home import Home
from tearline.agreement.rotation import Cards
from tearline.errors import PartnerError, ProofError
from tearline.exchange.link import Link
from tearline.exchange.taxii_client import NotServedError, check
from tearline.log import mirror, record
from tearline.log.checkpoint import open_checkpoint
from tearline.log.mirror import SplitViewError
from tearline.log.tree import TILE_WIDTH, Tile, tile_path, unpack_entries
from tearline.log.verify import Opening, parse_leaf, parse_opening
from tearline.stix.timestamp import format_timestamp
from tearline.store import logs, private
from tearline.store.database import Tx

_NOTE_BYTES = 1 << 20
_BUNDLE_BYTES = 32 << 20


def copy_log(
    home: Home,
    link: Link,
    cards: Cards,
    force: InForce,
    *,
    now: int,
    served: bool,
    tell: Callable[[str, int], None],
) -> tuple[int, int]:
    """Bring our copy of the partner's log up to its signed head; return new leaves and records.

    Unless anything is `served` now, leaves with slips may stay closed.

    ProofError when what it shows does not hold together; two histories are noted in the private
    log with both signatures.
    """
    base = f"/peer/agreements/{force.agreement_id.removeprefix('urn:uuid:')}/log"
    log = record.their_log(force.agreement_id)
    origin = record.origin_of(force.partner, force.agreement_id)
    note = _get(link, f"{base}/checkpoint", _NOTE_BYTES).decode("utf-8", "replace")
    vkey = cards.log_key(origin, note, now)
    size = open_checkpoint(note, vkey, origin).size
    with home.store.read() as tx:
        have = logs.head(tx, log).size
    entries = _entries(link, base, have, size, tell)
    try:
        with home.store.write() as tx:
            # Another sync may have copied some of them meanwhile.
            new = entries[max(logs.head(tx, log).size - have, 0) :]
            mirror.extend(tx, log, note, new, origin=origin, vkey=vkey, at=now)
    except SplitViewError as error:
        _expose(home, force, error, now)
        raise
    return len(entries), _open(home, link, base, log, served=served, tell=tell)


def _entries(
    link: Link, base: str, have: int, size: int, tell: Callable[[str, int], None]
) -> list[bytes]:
    """Fetch the entries from `have` up to `size`, bundle by bundle."""
    found: list[bytes] = []
    for index in range(have // TILE_WIDTH, -(-size // TILE_WIDTH) if size > have else 0):
        width = min(size - index * TILE_WIDTH, TILE_WIDTH)
        path = f"{base}/{tile_path(Tile(None, index, width))}"
        entries = unpack_entries(_get(link, path, _BUNDLE_BYTES))
        if len(entries) != width:
            raise ProofError(
                f"A bundle of {width} log entries holds {len(entries)}.",
                means="The partner's node does not serve the log it signed.",
                do="Ask the partner.",
            )
        found += entries[max(have - index * TILE_WIDTH, 0) :]
        tell("leaves", len(found))
    return found


def _open(
    home: Home,
    link: Link,
    base: str,
    log: str,
    *,
    served: bool,
    tell: Callable[[str, int], None],
) -> int:
    """Fetch what opens the leaves of our copy, none left out; return how many records came.

    Of an agreement under which nothing is served, slips alone may be left out: what they gave is
    over, and comes with a new slip if it ever comes again.
    """
    with home.store.read() as tx:
        size, after = logs.head(tx, log).size, logs.last_opened(tx, log)
    count = 0
    while after < size - 1:
        lines = _get(
            link, f"{base}/records", home.settings.max_document_bytes, after=after
        ).splitlines()
        openings = [each for each in map(parse_opening, lines) if each.leaf < size]
        last = openings[-1].leaf if openings else size - 1
        with home.store.write() as tx:
            _check_next(tx, log, openings, range(after + 1, last + 1), served=served)
            count += mirror.open_leaves(tx, log, openings)
        after = last
        tell("records", count)
    return count


def _check_next(tx: Tx, log: str, openings: list[Opening], wanted: range, *, served: bool) -> None:
    """See that no leaf was passed over: what is not opened, nobody can settle by."""
    leaves = list(dict.fromkeys(each.leaf for each in openings))
    passed = [each for each in wanted if each not in set(leaves)]
    missing = [each for each in passed if served or not _is_slips(tx, log, each)]
    if missing or leaves != [each for each in wanted if each not in set(passed)]:
        raise ProofError(
            f"The partner does not open leaf {(missing or wanted)[0]} of its log.",
            means="What it gave or took back there cannot be checked.",
            do="Ask the partner; nothing of it is accepted until it does.",
        )


def _is_slips(tx: Tx, log: str, index: int) -> bool:
    leaf = logs.leaf(tx, log, index)
    return leaf is not None and parse_leaf(leaf).kind == "release"


def _get(link: Link, path: str, most: int, **params: int) -> bytes:
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


def _expose(home: Home, force: InForce, error: SplitViewError, now: int) -> None:
    """Keep both signatures of two histories where they cannot be lost."""
    entry = {
        "kind": "refusal",
        "party": force.partner,
        "code": "two-histories",
        "agreement": force.hash,
        "notes": list(error.notes),
        "at": format_timestamp(now, digits=6),
    }
    with home.store.write() as tx:
        private.add(tx, "refusal", [orjson.dumps(entry).decode()])
