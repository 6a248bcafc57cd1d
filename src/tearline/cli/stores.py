"""What the verbs about the store do and say."""

import sys
from typing import Any

from tearline import clock
from tearline.agreement.home import Home
from tearline.cli.terminal import Part, Table, count, progress
from tearline.node.moving import Moved, move
from tearline.store import moving, schema


def described(home: Home) -> dict[str, Any]:
    """Return kind, place, revision and size of a node's store, and the rows of each table."""
    with home.store.read() as tx:
        return {
            "kind": tx.dialect.name,
            "store": home.store.shown,
            "revision": schema.revision(tx),
            "bytes": moving.size_bytes(tx),
            "rows": moving.row_counts(tx),
        }


def described_parts(found: dict[str, Any]) -> list[Part]:
    """Say it to people; tables without rows are left out."""
    size = f"{found['bytes'] / 1_000_000:,.1f} MB"
    return [
        f"{found['store']} ({found['kind']}, revision {found['revision']}, {size})",
        Table(("table", "rows"), [(each, f"{n:,}") for each, n in found["rows"].items() if n]),
    ]


def run_move(home: Home, url: str, *, as_json: bool) -> Moved:
    """Move a node, with a bar on a terminal; `-` as address stands for standard input."""
    address = sys.stdin.readline().strip() if url == "-" else url
    with progress("Moving", as_json=as_json) as tell:
        return move(home, address, tell=tell or _nothing, now=clock.now())


def moved_value(done: Moved) -> dict[str, Any]:
    """Return a move as JSON."""
    found = [each._asdict() for each in done.logs]
    return {"store": done.store, "kept": str(done.kept), "rows": done.rows, "logs": found}


def moved_parts(done: Moved) -> list[Part]:
    """Say what came along, and how to go on."""
    logs = [(each.log, each.leaves, each.checkpoints, each.root[:16]) for each in done.logs]
    return [
        f"Moved {count(sum(done.rows.values()), 'row')} to {done.store}; each was counted there.",
        Table(("log", "leaves", "checkpoints that hold", "root"), logs),
        f"The file is kept as {done.kept}. Delete it when the new store has a backup.",
        "Now set TEARLINE_STORE to the address and start the node.",
    ]


def _nothing(_done: int, _total: int) -> None:
    """Show no bar."""
