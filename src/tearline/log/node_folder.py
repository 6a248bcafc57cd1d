"""A node log as a folder whose leaves are opened: for an auditor, who sees that nothing is hidden.

`openings.jsonl` has one line for each leaf: its seed, and every head that it commits to. It names
all logs of the node, so it is for nobody else.
"""

import base64
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from tearline.errors import ProofError
from tearline.log import committing, node_log
from tearline.log.checkpoint import Checkpoint, vkey_for
from tearline.log.tree import tile_path, tiles_of, unpack_entries
from tearline.log.verify import PROBLEM_LIMIT, verify_folder
from tearline.store import logs
from tearline.store.database import Tx

NAME = "openings.jsonl"


class Opened(NamedTuple):
    """What a node log commits to in its last leaf, its leaves, and everything that is wrong."""

    origin: str
    leaves: int
    heads: list[Checkpoint]
    problems: list[str]


def write_openings(tx: Tx, slug: str, secret: bytes, directory: Path) -> None:
    """Write what opens every leaf that is signed; the rest of the folder is there already."""
    signed = logs.last_checkpoint(tx, committing.LOG)
    with (directory / NAME).open("w", encoding="utf-8") as file:
        for index in range(signed.size if signed else 0):
            seed = node_log.seed_of(secret, index)
            heads = committing.heads_in(tx, slug, index)
            value = {
                "leaf": index,
                "seed": base64.b64encode(seed).decode(),
                "heads": [
                    {"origin": each.origin, "size": each.size, "root": each.root.hex()}
                    for each in heads
                ],
            }
            file.write(json.dumps(value, separators=(",", ":")) + "\n")


def verify_node_folder(
    directory: Path, vkeys: Sequence[str] = (), former: Sequence[str] = ()
) -> Opened:
    """Check a folder of a node log as any log, then open every leaf; never raises for its content.

    `vkeys` are any verifier keys of the pairs that sign the owner's logs, `former` those that count
    for older checkpoints alone. A log that is in one leaf
    has to be in all that follow, and never smaller: else it was hidden, or set back.
    """
    try:
        origin = (directory / "checkpoint").read_text("utf-8").partition("\n")[0]
        keys, older = ([vkey_for(origin, each) for each in of] for of in (vkeys, former))
        verdict = verify_folder(directory, keys, former=older)
        problems, size = verdict.problems, verdict.size
        heads = _open(directory, size, problems) if verdict.good else []
    except (ProofError, OSError, ValueError) as error:
        return Opened("", 0, [], [str(error)])
    return Opened(origin, size, heads, problems)


def _open(directory: Path, size: int, problems: list[str]) -> list[Checkpoint]:
    known: dict[str, Checkpoint] = {}
    if not (directory / NAME).is_file():
        problems.append(f"{NAME} is missing: ask for a copy that was written with --records.")
        return []
    lines = (directory / NAME).read_text("utf-8").splitlines()
    if len(lines) != size:
        problems.append(f"{NAME} opens {len(lines)} leaves, not {size}.")
        return []
    for index, (entry, line) in enumerate(zip(_entries(directory, size), lines, strict=True)):
        try:
            seed, heads = _opening(index, line)
            node_log.open_leaf(entry, seed, list(heads.values()))
            _see_growth(known, heads)
            known = heads
        except ProofError as error:
            problems.append(f"leaf {index}: {error}")
            if len(problems) >= PROBLEM_LIMIT:
                break
    return list(known.values())


def _see_growth(known: dict[str, Checkpoint], heads: dict[str, Checkpoint]) -> None:
    for origin, before in known.items():
        now = heads.get(origin)
        if now is None or now.size < before.size:
            raise ProofError(f"The log {origin} is gone, or smaller than in the leaf before.")
        if now.size == before.size and now.root != before.root:
            raise ProofError(f"The log {origin} has another history than in the leaf before.")


def _opening(index: int, line: str) -> tuple[bytes, dict[str, Checkpoint]]:
    try:
        value: dict[str, Any] = json.loads(line)
        heads = [
            Checkpoint(each["origin"], int(each["size"]), bytes.fromhex(each["root"]))
            for each in value["heads"]
        ]
        if value["leaf"] == index and len({each.origin for each in heads}) == len(heads):
            seed = base64.b64decode(value["seed"], validate=True)
            return seed, {each.origin: each for each in heads}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ProofError(f"Its line in {NAME} is not of the form leaf, seed, heads.") from error
    raise ProofError(f"Its line in {NAME} is of another leaf, or names a log twice.")


def _entries(directory: Path, size: int) -> Iterator[bytes]:
    for tile in tiles_of(size, None):
        yield from unpack_entries((directory / tile_path(tile)).read_bytes())[: tile.width]
