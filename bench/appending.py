"""The log: leaves a second into it, proofs a second out of it, and a million leaves verified.

The floor is SHA-256 alone: the hashes that the format asks for, over bytes of the same lengths.
"""

import hashlib
import json
import random
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from msgspec.structs import replace

from bench.measuring import Figure, alternate, duration, large, rate
from tearline import clock
from tearline.agreement.home import Home, create_home
from tearline.log import record, tiles, tree
from tearline.log.checkpoint import checkpoint_text, sign_note, vkey
from tearline.log.tiles import StoredTree
from tearline.log.verify import write_leaf
from tearline.store import logs

_BATCH = 1_000
_BATCHES = 20
_PROOFS = 5_000
_VERIFIED = 1_000_000
_LOG = record.our_log("urn:uuid:5a0e0f53-6d3a-4b0e-9a0f-1d6a2f2f9b11")
_RECORD = {
    "kind": "release",
    "object": "indicator--0b0e0f53-6d3a-4b0e-9a0f-1d6a2f2f9b11",
    "hash": "sha256:" + "5a" * 32,
    "clause": "N1",
    "at": "2026-03-01T00:00:00.000000Z",
}
_AT = "2026-03-01T00:00:00.000000Z"
_GOAL_APPEND, _GOAL_PROOFS, _GOAL_VERIFY_S = 50_000, 5_000, 8


def figures() -> Iterator[Figure]:
    """Append, prove and verify, each beside what SHA-256 alone takes."""
    with tempfile.TemporaryDirectory(prefix="tearline-bench-") as folder:
        home = create_home(Path(folder, "home"), "Bench", None, now=clock.now())
        yield _appended(home)
        yield _proven(home)
        home.store.close()
        yield from _verified(Path(folder, "log"))


def _appended(home: Home) -> Figure:
    """A leaf for each record, a thousand leaves in each transaction, synced to the disk."""
    batch = [[_RECORD]] * _BATCH

    def ours() -> None:
        for _ in range(_BATCHES):
            written = record.entries(record.PRIVATE, "decision", batch, None)
            with home.store.write() as tx:
                record.append_all(tx, written, at=clock.now())

    commitment, leaf = b"c" * 280, b"l" * 170

    def floor() -> None:
        for _ in range(_BATCHES * _BATCH):
            hashlib.sha256(commitment).digest()
            hashlib.sha256(b"\x00" + commitment[:32]).digest()
            hashlib.sha256(b"\x00" + leaf).digest()

    ours()
    own, bare = alternate(ours, floor)
    number = _BATCHES * _BATCH
    name, unit = "append to a log, one salted record each, 1,000 a commit", "leaves per CPU second"
    figure = rate(name, unit, number / own.cpu_s, number / bare.cpu_s, _GOAL_APPEND)
    return replace(figure, note=f"{number / own.wall_s:,.0f} by the clock; floor: SHA-256")


def _proven(home: Home) -> Figure:
    """Proofs of leaves anywhere in a log, in one transaction; the floor climbs as many hashes."""
    size = _VERIFIED if large() else 200_000
    with home.store.write() as tx:
        for begin in range(0, size, 10_000):
            made = [_entry(number) for number in range(begin, begin + 10_000)]
            logs.add_leaves(tx, _LOG, [(each, tree.leaf_hash(each)) for each in made], at=1)
        tiles.derive(tx, _LOG)
    chosen = random.Random(7)  # which leaves, not a secret
    indices = [chosen.randrange(size) for _ in range(_PROOFS)]

    def ours() -> None:
        with home.store.read() as tx:
            stored = StoredTree(tx, _LOG)
            for index in indices:
                stored.inclusion_proof(index, size)

    path = range(size.bit_length())

    def floor() -> None:
        for _ in indices:
            for _ in path:
                hashlib.sha256(b"\x01" + bytes(64)).digest()

    own, bare = alternate(ours, floor, 3)
    name = f"inclusion proofs from the store, {size:,} leaves"
    unit = "proofs per CPU second"
    figure = rate(name, unit, _PROOFS / own.cpu_s, _PROOFS / bare.cpu_s, _GOAL_PROOFS)
    return replace(figure, note="floor: the path's hashes alone")


# ------------------------------------------------------------------------------------- verifying

_VERIFY = r"""
import json, re, resource, sys, time
from pathlib import Path
from tearline.log.verify import verify_folder
start = time.process_time()
found = verify_folder(Path(sys.argv[1]))
taken = time.process_time() - start
# What getrusage says of a child on Linux begins with what its parent held.
status = Path("/proc/self/status")
if status.exists():
    peak_mb = int(re.search(r"VmHWM:\s+([0-9]+) kB", status.read_text())[1]) / 1024
else:
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
print(json.dumps([taken, peak_mb, found.good]))
"""


def _verified(folder: Path) -> Iterator[Figure]:
    """A folder of a million leaves, verified by a process of its own; a tenth for its memory."""
    _write_log(folder / "tenth", _VERIFIED // 10)
    _write_log(folder / "whole", _VERIFIED)
    _, small_mb, _ = _verify(folder / "tenth")
    runs = [_verify(folder / "whole") for _ in range(3)]
    if not all(good for _, _, good in runs):
        raise AssertionError(folder)
    taken_s, peak_mb, _ = sorted(runs)[1]
    entry = _entry(1)

    def floor() -> None:
        for _ in range(_VERIFIED // 10):
            hashlib.sha256(b"\x00" + entry).digest()
            hashlib.sha256(b"\x01" + bytes(64)).digest()

    bare, _ = alternate(floor, lambda: None, 3)
    name = f"verify a folder of {_VERIFIED:,} leaves"
    figure = duration(name, taken_s, bare.cpu_s * 10, _GOAL_VERIFY_S)
    note = f"peak {peak_mb:.0f} MB; {small_mb:.0f} MB for a tenth; floor: SHA-256"
    yield replace(figure, note=note)


def _verify(folder: Path) -> tuple[float, float, bool]:
    command = [sys.executable, "-c", _VERIFY, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    taken_s, peak_mb, good = json.loads(done.stdout)
    return taken_s, peak_mb, good


def _entry(number: int) -> bytes:
    return write_leaf("decision", _AT, 1, number.to_bytes(32, "big"), None)


def _write_log(folder: Path, size: int) -> None:
    """Write a log of leaves that nothing opens, signed with a key made for it."""
    frontier = tree.Frontier()
    for bundle in tree.tiles_of(size, None):
        first = bundle.index * tree.TILE_WIDTH
        made = [_entry(number) for number in range(first, first + bundle.width)]
        _put(folder, bundle, tree.pack_entries(made))
        for tile, hashes in frontier.extend([tree.leaf_hash(each) for each in made]):
            _put(folder, tile, b"".join(hashes))
    for tile, hashes in frontier.partial():
        _put(folder, tile, b"".join(hashes))
    key, origin = Ed25519PrivateKey.generate(), "bench/log/made"
    text = checkpoint_text(origin, size, frontier.root())
    (folder / "checkpoint").write_text(sign_note(text, origin, key), "utf-8")
    (folder / "vkey").write_text(vkey(origin, key.public_key().public_bytes_raw()), "utf-8")


def _put(folder: Path, tile: tree.Tile, content: bytes) -> None:
    path = folder / tree.tile_path(tile)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
