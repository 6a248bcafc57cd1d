"""The form in which an object goes, and the exact bytes that this comes to. Pure."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from tearline.release import cut
from tearline.stix import canonical
from tearline.stix.timestamp import parse_timestamp
from tearline.store.objects import Version
from tearline.store.releases import Release

_MS = 1_000


class Form(NamedTuple):
    """The form in which an object goes: its id there, and the cut version or None if uncut.

    `basis` is the same as long as the content is; a cut version has no `modified` of its own yet.
    """

    delivered_id: str
    basis: str
    doc: dict[str, Any] | None
    version: Version


class Sealed(NamedTuple):
    """Exact bytes: a cut version (`raw`) or a stored one (`seq`), its version and its hash."""

    raw: bytes | None
    seq: int | None
    version: str
    hash: str


def sealed(form: Form, doc: Mapping[str, Any], before: Release | None) -> Sealed:
    """The bytes of a form: stored ones, or those of the last delivery, or a fresh cut.

    `doc` is the object as we hold it, `before` the last release under the same id. A fresh cut is
    later than any version that they have.
    """
    if before is not None and before.basis == form.basis:
        return Sealed(before.cut_raw, before.seq, before.version, before.hash)
    if form.doc is None:
        return Sealed(None, form.version.seq, _version_of(doc), form.version.hash)
    fresh = form.doc
    at = form.version.version_at
    if before is not None and "modified" in fresh:
        at = max(at, parse_timestamp(before.version) + _MS)
    if at != form.version.version_at:
        fresh = cut.with_modified(fresh, at)
    raw = cut.encode(fresh)
    return Sealed(raw, None, _version_of(fresh), canonical.sha256(raw))


def _version_of(doc: Mapping[str, Any]) -> str:
    return str(doc.get("modified") or doc.get("created") or "")


def basis_of(doc: dict[str, Any] | None, version: Version) -> str:
    """What two forms of an object share when only their `modified` differs."""
    return version.hash if doc is None else cut.basis(doc)
