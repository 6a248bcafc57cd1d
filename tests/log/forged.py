"""A log folder written anew by whoever has the log's key: the strongest liar there is."""

import shutil
from collections.abc import Callable
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

import orjson
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tearline.log import tree
from tearline.log.checkpoint import checkpoint_text, sign_note
from tearline.log.verify import Opening, commitment, parse_leaf, parse_opening, write_opening
from tearline.stix.canonical import canonical
from tests.log.made_log import write_tiles


class Written(NamedTuple):
    """A leaf as it can be written again: kind, moment, agreement, and its records."""

    kind: str
    at: str
    agreement: str | None
    records: list[dict[str, Any]]


def leaves_of(folder: Path) -> list[Written]:
    """Every leaf of a small log that is opened."""
    lines = (folder / "records.jsonl").read_bytes().splitlines()
    opened = groupby(map(parse_opening, lines), key=lambda each: each.leaf)
    (bundle,) = [path for path in (folder / "tile" / "entries").rglob("*") if path.is_file()]
    entries = [parse_leaf(each) for each in tree.unpack_entries(bundle.read_bytes())]
    return [
        Written(
            entries[index].kind,
            entries[index].at,
            entries[index].agreement,
            [orjson.loads(each.record) for each in group],
        )
        for index, group in opened
    ]


def forge(
    folder: Path,
    out: Path,
    key: Ed25519PrivateKey,
    change: Callable[[list[Written]], list[Written]],
) -> Path:
    """Write a folder with a changed history, signed with the log's own key."""
    shutil.copytree(folder, out)
    shutil.rmtree(out / "checkpoints", ignore_errors=True)
    origin = (folder / "checkpoint").read_text("utf-8").partition("\n")[0]
    entries, lines = [], []
    for index, each in enumerate(change(leaves_of(folder))):
        openings = [
            Opening(
                index, item, index.to_bytes(16, "big") + item.to_bytes(16, "big"), canonical(said)
            )
            for item, said in enumerate(each.records)
        ]
        hashes = [tree.leaf_hash(commitment(one.salt, one.record)) for one in openings]
        value = {
            "v": 1,
            "kind": each.kind,
            "at": each.at,
            "count": len(openings),
            "root": tree.root(hashes).hex(),
        }
        entries.append(canonical(value | ({"agreement": each.agreement} if each.agreement else {})))
        lines += [write_opening(one) for one in openings]
    write_tiles(out, entries)
    (out / "records.jsonl").write_bytes(b"".join(lines))
    root = tree.root([tree.leaf_hash(each) for each in entries])
    note = sign_note(checkpoint_text(origin, len(entries), root), origin, key)
    (out / "checkpoint").write_text(note, "utf-8")
    return out
