"""Our copy of the partner's log: only what their checkpoint covers, only if it grew from before.

Keeping it makes us the witness of their history: an altered, dropped or second version of what
they once signed does not fit the copy.
"""

from collections.abc import Iterable
from itertools import groupby, islice

from tearline.errors import MisuseError, ProofError
from tearline.log import tree
from tearline.log.checkpoint import Checkpoint, open_checkpoint
from tearline.log.tiles import StoredTree, derive
from tearline.log.verify import Opening, check_openings, parse_leaf
from tearline.stix.canonical import parse_canonical
from tearline.store import logs
from tearline.store.database import Tx

_AT_ONCE = 1024


class SplitViewError(ProofError):
    """The owner of a log signed two histories; `notes` holds both signatures, the evidence."""

    notes: tuple[str, str] = ("", "")


class OtherEntriesError(ProofError):
    """The entries, with those of our copy before them, are not what a checkpoint was signed over.

    They were altered on the way, or the partner has another history than the one we copied.
    """


def extend(
    tx: Tx,
    log: str,
    note: str,
    entries: Iterable[bytes],
    *,
    origin: str,
    vkey: str,
    at: int,
) -> int:
    """Append to our copy the entries between its size and the checkpoint's; return the new size.

    Run it in a write transaction that an error rolls back. Raises SplitViewError when two signed
    checkpoints contradict each other, ProofError when the checkpoint is older than our copy, or
    the entries are not exactly those it was signed over.
    """
    if not log.startswith("theirs/"):
        raise MisuseError(f"The log {log} is ours: it grows by what we do, not by copying.")
    checkpoint = open_checkpoint(note, vkey, origin)
    have = logs.head(tx, log).size
    if checkpoint.size <= have:
        _check_known(tx, log, checkpoint, note)
    _add(tx, log, entries, checkpoint.size - have, at)
    derive(tx, log)
    if StoredTree(tx, log).root(checkpoint.size) != checkpoint.root:
        raise OtherEntriesError(
            f"The entries of {origin} are not those its checkpoint of size {checkpoint.size} "
            "was signed over.",
            means="Entries were altered on the way or at the partner, or its history was changed "
            "since we last looked.",
            do="Fetch again. If it happens again, keep the checkpoint and ask the partner.",
        )
    logs.add_checkpoint(tx, log, checkpoint.size, note, at=at)
    return checkpoint.size


def _check_known(tx: Tx, log: str, checkpoint: Checkpoint, note: str) -> None:
    """Compare a checkpoint that reaches no further than our copy with the copy."""
    last = logs.last_checkpoint(tx, log)
    if StoredTree(tx, log).root(checkpoint.size) != checkpoint.root:
        error = SplitViewError(
            f"{checkpoint.origin} signed two histories of its first {checkpoint.size} leaves.",
            means="Both signatures hold and the roots differ; together they prove it.",
            do="Keep both checkpoints and suspend the agreement until the partner explains.",
        )
        error.notes = (last.note if last else "", note)
        raise error
    if last and checkpoint.size < last.size:
        raise ProofError(
            f"{checkpoint.origin} showed a checkpoint of {checkpoint.size} leaves after one of "
            f"{last.size}.",
            means="Its node was restored from a backup, or something on the way keeps old answers.",
            do="Ask again later; the newer checkpoint is kept.",
        )


def _add(tx: Tx, log: str, entries: Iterable[bytes], missing: int, at: int) -> None:
    source = iter(entries)
    while batch := list(islice(source, _AT_ONCE)):
        missing -= len(batch)
        if missing < 0 or any(len(entry) > tree.ENTRY_LIMIT for entry in batch):
            break
        logs.add_leaves(tx, log, [(entry, tree.leaf_hash(entry)) for entry in batch], at=at)
    if missing:
        raise ProofError("There are more or fewer entries than the checkpoint covers.")


def open_leaves(tx: Tx, log: str, openings: Iterable[Opening]) -> int:
    """Keep records that open leaves of our copy, once they prove to be exactly those; count them.

    A leaf is opened with all its records, in order. Raises ProofError for any that does not fit.
    """
    count = 0
    for index, group in groupby(openings, key=lambda opening: opening.leaf):
        found = list(group)
        entry = logs.leaf(tx, log, index)
        if entry is None:
            raise ProofError(f"Our copy of the log has no leaf {index} to open.")
        check_openings(parse_leaf(entry), found)
        for opening in found:
            parse_canonical(opening.record)
        logs.add_records(tx, log, found)
        count += len(found)
    return count
