"""Keeping the objects of one document or page: read, checked, lifted where they are STIX 2.0.

Each object is read and checked for itself: the sound ones are kept in batches, the others are
listed with the place where they stood. Keeping twice stores nothing new.
"""

from collections import Counter
from collections.abc import Callable, Sequence

import msgspec

from tearline.agreement.home import Home
from tearline.config import Settings
from tearline.exchange.reading import Placed, batches_ahead
from tearline.release.arrive import Annotation, take_in
from tearline.release.indexing import Indexed
from tearline.stix.bundle import Limits
from tearline.stix.lift import notice_lines
from tearline.stix.sift import Refusal
from tearline.stix.strict import collector_paused
from tearline.store.database import Tx

Progress = Callable[[int, int], None]
"""Told how many of a document's objects are done, and how many there are."""


class Refused(msgspec.Struct, frozen=True):
    """An object that was not taken."""

    where: str
    """The file and the object's place in it, `file.json objects[17]`."""
    id: str
    """Its id, or '' when it has no sound one."""
    reason: str


class ImportResult(msgspec.Struct, frozen=True):
    """What became of all that was imported."""

    stored: int = 0
    unchanged: int = 0
    refused: tuple[Refused, ...] = ()
    remarks: tuple[str, ...] = ()
    """What was taken with less or other meaning than it had."""

    def __add__(self, other: "ImportResult") -> "ImportResult":
        """Both together."""
        return ImportResult(
            self.stored + other.stored,
            self.unchanged + other.unchanged,
            self.refused + other.refused,
            self.remarks + other.remarks,
        )


class Document(msgspec.Struct, frozen=True):
    """A document's objects, and what they are called in messages (`place`) and in the store."""

    place: str
    name: str
    slices: Sequence[bytes]
    result: ImportResult = ImportResult()
    """What is known of them before they are read."""


def limits_of(settings: Settings) -> Limits:
    """Return how much of a foreign document an operator allows to be read."""
    return Limits(
        max_bytes=settings.max_document_bytes,
        max_objects=settings.max_objects,
        max_object_bytes=settings.max_object_bytes,
        max_depth=settings.max_depth,
    )


def keep(
    home: Home,
    document: Document,
    annotation: Annotation,
    *,
    progress: Progress | None = None,
    now: int,
) -> ImportResult:
    """Read, check and keep the objects of one document, a batch in each transaction."""
    total, notices = document.result, Counter[str]()
    with collector_paused():
        for batch in batches_ahead(document.slices, limits_of(home.settings), notices):
            with home.store.write() as tx:
                total += take(tx, document, batch, annotation, now=now)
            if progress is not None:
                progress(batch[-1].place + 1, len(document.slices))
    return total + ImportResult(remarks=remarks(document.place, notices))


def take(
    tx: Tx, document: Document, batch: Sequence[Placed], annotation: Annotation, *, now: int
) -> ImportResult:
    """Keep one batch in a transaction of the caller."""
    refused = [
        Refused(f"{document.place} {each.found.place}", each.found.id or "", each.found.reason)
        for each in batch
        if isinstance(each.found, Refusal)
    ]
    sound = [(each.place, each.found) for each in batch if isinstance(each.found, Indexed)]
    if not sound:
        return ImportResult(refused=tuple(refused))
    outcomes = take_in(
        tx, [each for _, each in sound], source=document.name, annotation=annotation, now=now
    )
    refused += [
        Refused(f"{document.place} objects[{place}]", each.id, became.refused)
        for (place, each), became in zip(sound, outcomes, strict=True)
        if became.refused
    ]
    kept = [each for each in outcomes if not each.refused]
    stored = sum(each.new for each in kept)
    return ImportResult(stored, len(kept) - stored, tuple(refused))


def remarks(place: str, notices: Counter[str]) -> tuple[str, ...]:
    """Say what a lift did to the objects of a document."""
    return tuple(f"{place}: {line}" for line in notice_lines(notices))
