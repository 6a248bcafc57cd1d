"""Reading ahead: a second process reads and checks a long document while the first one keeps it.

Reading takes as long as keeping, and neither waits for the other's results. The reader sees
nothing but the slices: it opens no store, and ends with the process that started it.
"""

import multiprocessing
import os
import sys
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from itertools import islice
from multiprocessing.connection import Connection
from operator import attrgetter
from typing import NamedTuple

import msgspec

from tearline.errors import TearlineError
from tearline.release.indexing import Indexed, index
from tearline.stix.bundle import Limits
from tearline.stix.objects import StixObject
from tearline.stix.sift import Refusal, sift_lifting
from tearline.stix.strict import collector_paused

_BATCH = 10_000
_AHEAD = 2_500
"""Handed over at once: enough for a transaction to be worth it, few enough to begin early."""

_WORTH_IT = 2 * _AHEAD


class Placed(NamedTuple):
    """One object and the number of the slice that it stood in."""

    place: int
    found: Indexed | Refusal


class _Read(msgspec.Struct, array_like=True, gc=False):
    """What the reader hands over at once; bytes that the document has are left out."""

    sound: list[tuple[int, Indexed]]
    refused: list[tuple[int, Refusal]]
    notices: dict[str, int]


_DECODER = msgspec.msgpack.Decoder(_Read)


def batches(
    slices: Sequence[bytes], limits: Limits, notices: Counter[str], size: int | None = None
) -> Iterator[list[Placed]]:
    """Read and check slices, a batch at a time; `notices` counts what a lift did."""
    found = (
        Placed(place, index(each) if isinstance(each, StixObject) else each)
        for place, each in sift_lifting(slices, notices, limits)
    )
    while batch := list(islice(found, size or _BATCH)):
        yield batch


def batches_ahead(
    slices: Sequence[bytes], limits: Limits, notices: Counter[str]
) -> Iterator[list[Placed]]:
    """As `batches`, by a second process where the document is long and there is a core for it.

    Raises TearlineError when that process is ended by something else.
    """
    if len(slices) < _WORTH_IT or not _can_fork():
        yield from batches(slices, limits, notices)
        return
    fork = multiprocessing.get_context("fork")
    ours, theirs = fork.Pipe(duplex=False)
    reader = fork.Process(target=_read, args=(slices, limits, theirs, ours), daemon=True)
    reader.start()
    theirs.close()
    with closing(ours):
        while read := _next(ours):
            notices.update(read.notices)
            yield _placed(read, slices)
    reader.join()


def _can_fork() -> bool:
    """Whether there is a core for a second process, and nothing that a fork would cut in two."""
    cores = len(os.sched_getaffinity(0)) if sys.platform == "linux" else 1
    return cores > 1 and threading.active_count() == 1


def _read(slices: Sequence[bytes], limits: Limits, to: Connection, other_end: Connection) -> None:
    """Read and check all slices, in the second process; ends when nobody listens any more."""
    other_end.close()
    notices = Counter[str]()
    with closing(to), suppress(BrokenPipeError), collector_paused():
        for batch in batches(slices, limits, notices, _AHEAD):
            found = _Read([], [], dict(notices))
            for place, each in batch:
                if isinstance(each, Refusal):
                    found.refused.append((place, each))
                else:
                    same = each.raw is slices[place]
                    found.sound.append((place, each._replace(raw=b"") if same else each))
            to.send_bytes(msgspec.msgpack.encode(found))
            notices.clear()
        to.send_bytes(b"")


def _next(reader: Connection) -> _Read | None:
    """What the reader hands over next; None where it has read everything."""
    try:
        said = reader.recv_bytes()
    except EOFError:
        raise TearlineError(
            "The process that read the document was ended.",
            means="What was stored before is whole; the rest was not read.",
            do="Import it again: what is stored is not stored twice.",
        ) from None
    return _DECODER.decode(said) if said else None


def _placed(read: _Read, slices: Sequence[bytes]) -> list[Placed]:
    """What was read, in the order of the document, with its bytes."""
    found = [
        Placed(place, each if each.raw else each._replace(raw=slices[place]))
        for place, each in read.sound
    ]
    if not read.refused:
        return found
    refused = [Placed(place, each) for place, each in read.refused]
    return sorted(found + refused, key=attrgetter("place"))
