"""Logs for the tests, with keys and names that belong to nobody."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tearline.log import record, tiles, tree
from tearline.log.checkpoint import checkpoint_text, sign_note, vkey
from tearline.store import logs
from tearline.store.database import Store, metadata

AGREEMENT_ID = "urn:uuid:0b9f6f0e-5c5e-4c0e-9d58-3d2f6a3c1a10"
AGREEMENT = "sha256:" + "ab" * 32
LOG = record.our_log(AGREEMENT_ID)
COPY = record.their_log(AGREEMENT_ID)
ORIGIN = record.origin_of("north", AGREEMENT_ID)
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
VKEY = vkey(ORIGIN, KEY.public_key().public_bytes_raw())
OTHER_KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))
OTHER_VKEY = vkey(ORIGIN, OTHER_KEY.public_key().public_bytes_raw())
NOW = 1_767_225_600_000_000


def new_store(path: Path) -> Store:
    store = Store(path)
    with store.write() as tx:
        metadata.create_all(tx)
    return store


@contextmanager
def made_store(path: Path) -> Iterator[Store]:
    store = new_store(path)
    try:
        yield store
    finally:
        store.close()


def release(number: int) -> dict[str, Any]:
    return {"kind": "release", "position": number, "object": f"indicator--{number}", "note": "ä🌊"}


def append(store: Store, count: int, *, items: int = 1, log: str = LOG) -> None:
    """Append `count` leaves of `items` records each."""
    with store.write() as tx:
        first = logs.head(tx, log).size
        for number in range(first, first + count):
            records = [release(number * items + item) for item in range(items)]
            record.append(tx, log, "release", records, at=NOW + number, agreement=AGREEMENT)


def publish(store: Store, **options: Any) -> str:  # noqa: ANN401
    return record.publish(store, LOG, ORIGIN, KEY, now=NOW, **options)


def folder_of(store: Store, directory: Path, *, log: str = LOG, with_records: bool = True) -> Path:
    with store.read() as tx:
        tiles.write_folder(tx, log, directory, vkey=VKEY, with_records=with_records)
    return directory


# What follows makes a folder without the code under test, but for hashing and signing.


def entry(number: int) -> bytes:
    """A leaf of format 1 that opens to nothing."""
    text = (
        '{{"at":"2026-01-01T00:00:00.000000Z","count":1,"kind":"release","root":"{:064x}","v":1}}'
    )
    return text.format(number).encode()


def note(hashes: list[bytes], key: Ed25519PrivateKey = KEY, origin: str = ORIGIN) -> str:
    return sign_note(checkpoint_text(origin, len(hashes), tree.root(hashes)), origin, key)


def write_tiles(directory: Path, entries: list[bytes]) -> None:
    """Write bundles and tiles for these entries, whatever the checkpoint says."""
    shutil.rmtree(directory / "tile", ignore_errors=True)
    hashes = [tree.leaf_hash(one) for one in entries]
    _write_level(directory / "tile" / "entries", entries, packed=True)
    level = 0
    while hashes:
        _write_level(directory / "tile" / str(level), hashes, packed=False)
        full = len(hashes) // 256
        hashes = [tree.root(hashes[at * 256 : at * 256 + 256]) for at in range(full)]
        level += 1


def _write_level(directory: Path, parts: list[bytes], *, packed: bool) -> None:
    for begin in range(0, len(parts), 256):
        part = parts[begin : begin + 256]
        digits = f"{begin // 256:06d}"
        name = f"x{digits[:3]}/{digits[3:]}" if begin // 256 > 999 else digits[3:]
        path = directory / (name if len(part) == 256 else f"{name}.p/{len(part)}")
        path.parent.mkdir(parents=True, exist_ok=True)
        lengths = [len(one).to_bytes(2, "big") if packed else b"" for one in part]
        path.write_bytes(b"".join(size + one for size, one in zip(lengths, part, strict=True)))


def write_log(directory: Path, entries: list[bytes]) -> Path:
    directory.mkdir(parents=True, exist_ok=True)
    write_tiles(directory, entries)
    (directory / "checkpoint").write_text(note([tree.leaf_hash(one) for one in entries]), "utf-8")
    (directory / "vkey").write_text(VKEY + "\n", "utf-8")
    return directory
