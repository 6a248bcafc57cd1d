"""Write what we say of claims: documents of ours, and the newer versions of such as are held."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from tearline.errors import InputError
from tearline.provenance.definitions import with_definitions
from tearline.release.arrive import Annotation, take_in
from tearline.release.sorting import as_indexed
from tearline.stix.objects import parse_timestamp, read
from tearline.store.database import Tx
from tearline.weighing.held import Held


def moments(before: Held | None, now: int) -> tuple[int, int]:
    """When a document was first made, and when its next version is; now for a new one."""
    return parse_timestamp(before.doc["created"]) if before else now, next_at(before, now)


def next_at(before: Held | None, now: int) -> int:
    """The moment of the next version of a document: now, and later than the last."""
    return max(now, before.version.version_at + 1_000) if before else now


def put(
    tx: Tx, docs: Sequence[Mapping[str, Any]], *, source: str, annotation: Annotation, now: int
) -> None:
    """Take documents of ours in with the definitions of their extensions, as whatever arrives.

    InputError where one cannot be kept.
    """
    arriving = as_indexed([read(orjson.dumps(doc)) for doc in with_definitions(docs)])
    outcomes = take_in(tx, arriving, source=source, annotation=annotation, now=now)
    refused = next((each.refused for each in outcomes if each.refused), None)
    if refused:
        raise InputError(refused, do="Say it otherwise.")
