"""The labelled pairs of an object and a topic, as `about/GUIDELINE.md` describes them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import msgspec

PAIRS = Path(__file__).with_name("about") / "pairs.jsonl"


class Topic(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What an agreement would sign of a threat; `type` is for the reader alone."""

    names: tuple[str, ...]
    attack_ids: tuple[str, ...]
    type: str


class Named(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The object: an `id` in ATT&CK, or a cluster's `uuid`, or one of the links of a cluster."""

    id: str = ""
    cluster: str = ""
    uuid: str = ""
    dest: str = ""
    relation: str = ""


class Pair(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One pair and what its labeller said of it, and why."""

    n: int
    source: Literal["galaxy", "attack"]
    topic: Topic
    object: Named
    name: str
    about: bool
    hard: bool
    kind: str
    reason: str


def read_pairs(path: Path = PAIRS) -> Iterator[Pair]:
    """Yield the pairs in their order; msgspec.ValidationError for a line of another form."""
    for line in path.read_bytes().splitlines():
        yield msgspec.json.decode(line, type=Pair)
