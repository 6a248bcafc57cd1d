"""Claims for the tests: invented sources that say, deny and pass on, as STIX notes."""

from typing import Any

from tearline.provenance.claims import Claim, Link, Wording, note_of
from tearline.release.indexing import index
from tearline.release.sorting import sort_out
from tearline.store import objects
from tearline.store.database import Tx
from tearline.store.objects import OURS
from tests.pair import START, as_object, sdo, stix_id

PARTNER = "urn:uuid:7d3f1f63-53f3-4b6c-8d53-2f6f0f6c9b01"
ANOTHER = "urn:uuid:7d3f1f63-53f3-4b6c-8d53-2f6f0f6c9b02"


def source(name: str) -> dict[str, Any]:
    return sdo("identity", name)


def chain(*names: str) -> tuple[Link, ...]:
    """The first publishes, the last is the origin, the others pass on."""
    ends = {0: "publisher", len(names) - 1: "origin"}
    roles: list[Any] = [ends.get(place, "relay") for place in range(len(names))]
    if len(names) == 1:
        roles = ["origin"]
    return tuple(Link(role, source(name)["id"]) for role, name in zip(roles, names, strict=True))


def note_id(name: str) -> str:
    return stix_id("note", name)


def told(
    name: str,
    *chain_of: str,
    denies: str | None = None,
    at: int = START,
    **more: Any,  # noqa: ANN401
) -> dict[str, Any]:
    """The note of a claim, its id made from its name."""
    claim = Claim(
        polarity="denied" if denies else "asserted",
        denies_ref=note_id(denies) if denies else "",
        certainty="reported",
        source_chain=chain(*(chain_of or ("Blue Paper",))),
        **more,
    )
    return note_of(claim, Wording(name, f"{name}."), note_id=note_id(name), at=at)


def group(name: str, *members: str, at: int = START, **more: object) -> dict[str, Any]:
    """A grouping of claims that say alike."""
    refs = [note_id(each) for each in members]
    said = {"context": "unspecified", "labels": ["proposition"], "object_refs": refs}
    return sdo("grouping", name, at, **(said | more))


def keep(tx: Tx, *docs: dict[str, Any], origin: str = OURS, now: int = START) -> None:
    """Keep objects of an origin, as arriving and accepting do."""
    indexed = [index(as_object(each)) for each in docs]
    objects.keep(tx, origin, sort_out(tx, origin, indexed, "test", now).new)
