"""What is held of objects for whoever reads claims: ours first, then what partners gave."""

from collections.abc import Iterable
from typing import Any, NamedTuple

import orjson

from tearline.agreement import force
from tearline.provenance.claims import Claim, ClaimError, claim_of
from tearline.release.holding import is_over
from tearline.store import objects
from tearline.store.database import Tx
from tearline.store.objects import OURS, Version


class Held(NamedTuple):
    """The latest version of an object, from whom we have it, and what it says."""

    origin: str
    version: Version
    doc: dict[str, Any]

    @property
    def claim(self) -> Claim | None:
        """The claim that it is; None for any other object, and for a note that is none."""
        try:
            return claim_of(self.doc)
        except ClaimError:
            return None

    @property
    def title(self) -> str:
        """What it is called."""
        return str(self.doc.get("abstract") or self.doc.get("name") or self.doc.get("content", ""))


def held(tx: Tx, ids: Iterable[str], *, now: int) -> dict[str, Held]:
    """The objects among `ids` that we hold and may still use: ours, else a partner's."""
    missing = set(ids)
    found: dict[str, tuple[str, Version]] = {}
    for origin in (OURS, *(each.agreement_id for each in force.all_in_force(tx, now=now))):
        if not missing:
            break
        for stix_id, version in objects.latest(tx, origin, missing).items():
            if not origin or is_over(tx, origin, stix_id, now=now) is None:
                found[stix_id] = origin, version
        missing -= found.keys()
    raws = objects.raw_of(tx, (version.seq for _, version in found.values()))
    return {
        stix_id: Held(origin, version, orjson.loads(raws[version.seq]))
        for stix_id, (origin, version) in found.items()
    }
