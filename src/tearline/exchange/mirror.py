"""Fetch the partner's log of an agreement: its signed head, its new entries, what opens them.

Nothing is kept that the signed head does not cover or that does not extend what we hold.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from tearline.agreement.force import InForce
from tearline.agreement.home import Home
from tearline.agreement.rotation import Cards
from tearline.errors import PartnerError, ProofError
from tearline.exchange import cosigned, witnessed
from tearline.exchange.link import Link
from tearline.exchange.served import get
from tearline.exchange.witnessed import FoundOutError, View
from tearline.exchange.witnessing import doubt
from tearline.log import mirror
from tearline.log.checkpoint import open_checkpoint
from tearline.log.mirror import OtherEntriesError, SplitViewError
from tearline.log.tree import TILE_WIDTH, Tile, tile_path, unpack_entries
from tearline.log.verify import Opening, parse_leaf, parse_opening
from tearline.store import logs
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
    bring: Callable[[], None] = lambda: None,
) -> tuple[int, int]:
    """Bring our copy of the partner's log up to its signed head; return new leaves and records.

    Cosigns that head and the one of the partner's node log, which has to commit to this log, and
    has ours cosigned. Unless anything is `served` now, leaves with slips may stay closed. `bring`
    brings the partner what waits for it, where it turns out not to know a key of ours yet.

    ProofError when what it shows does not hold together; the evidence is kept, and what the
    agreement says is suspended for it is suspended.
    """
    view = View(home, link, cards, force, now, bring)
    with _held_against(view):
        promise = witnessed.committed(view)
        new = _copy(view, tell)
        witnessed.expose_brought(view)
        witnessed.cosign(view, promise)
    with suppress(PartnerError):
        cosigned.offer(home, link, cards, force.agreement_id, now=now)
    with _held_against(view):
        return new, _open(home, link, view.base, view.log, served=served, tell=tell)


@contextmanager
def _held_against(view: View) -> Iterator[None]:
    """Note what does not hold and is no evidence by itself, and suspend where that is agreed."""
    try:
        yield
    except FoundOutError:
        raise
    except ProofError as error:
        doubt(view.home, view.slug, error, now=view.now)
        raise


def _copy(view: View, tell: Callable[[str, int], None]) -> int:
    """Bring our copy up to the signed head, and return how many leaves are new."""
    note = get(view.link, f"{view.base}/checkpoint", _NOTE_BYTES).decode("utf-8", "replace")
    vkey = view.vkey(note)
    size = open_checkpoint(note, vkey, view.origin).size
    witnessed.see_no_rollback(view, note, size)
    with view.home.store.read() as tx:
        have = logs.head(tx, view.log).size
    entries = _entries(view.link, view.base, have, size, tell)
    try:
        with view.home.store.write() as tx:
            # Another sync may have copied some of them meanwhile.
            new = entries[max(logs.head(tx, view.log).size - have, 0) :]
            mirror.extend(tx, view.log, note, new, origin=view.origin, vkey=vkey, at=view.now)
    except SplitViewError:
        witnessed.expose(view, note)
    except OtherEntriesError:
        witnessed.expose_fork(view, note)
        raise
    return len(entries)


def _entries(
    link: Link, base: str, have: int, size: int, tell: Callable[[str, int], None]
) -> list[bytes]:
    """Fetch the entries from `have` up to `size`, bundle by bundle."""
    found: list[bytes] = []
    for index in range(have // TILE_WIDTH, -(-size // TILE_WIDTH) if size > have else 0):
        width = min(size - index * TILE_WIDTH, TILE_WIDTH)
        path = f"{base}/{tile_path(Tile(None, index, width))}"
        entries = unpack_entries(get(link, path, _BUNDLE_BYTES))
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
        lines = get(
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
