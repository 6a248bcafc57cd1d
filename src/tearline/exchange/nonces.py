"""Which signed requests came already: a small file that the workers of one machine share.

Reading is never written to the database, and a worker's own memory does not know what the others
saw. So the nonces of the last minute lie in a file of fixed size that each worker maps into its
memory: buckets of sixteen places, each with half a hash and the moment until which it counts. A
bucket is locked while it is looked at; what has expired is written over. Nothing is flushed: the
system keeps the pages when a worker dies, and what was lost with the machine is too old by the time
it runs again. Several machines each have a file; `docs/scaling.md` says how a balancer sends the
same request to the same machine.

Whoever can write the file can let a request through twice within its minute, or none.
"""

import fcntl
import mmap
import os
from hashlib import blake2b
from pathlib import Path
from struct import Struct
from threading import Lock

PLACES = 16
BUCKETS = 1 << 14
"""4 MiB; enough for a thousand signed requests a second on one machine."""
_PLACE = Struct("<QQ")
_BUCKET = Struct(f"<{2 * PLACES}Q")


class FullError(Exception):
    """All places of a bucket are taken by requests that are not old enough to be forgotten."""


class Nonces:
    """The file, as one process sees it."""

    def __init__(self, path: Path, secret: bytes, *, buckets: int = BUCKETS) -> None:
        """Open the file, or make it; every process has to name the same number of buckets."""
        self._key = blake2b(secret, person=b"tearline-nonces", digest_size=32).digest()
        self._buckets = buckets
        size = buckets * _BUCKET.size
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.lockf(self._file, fcntl.LOCK_EX)
        try:
            missing = size - os.fstat(self._file).st_size
            if missing > 0:
                # Written and not only reserved: a full disk must fail here, not in the map.
                os.pwrite(self._file, bytes(missing), size - missing)
            self._map = mmap.mmap(self._file, size)
        finally:
            fcntl.lockf(self._file, fcntl.LOCK_UN)
        self._lock = Lock()

    def take(self, name: str, *, until: int, now: int) -> bool:
        """Keep a name until a moment; whether it is new here. FullError where there is no room."""
        digest = blake2b(name.encode(), key=self._key, digest_size=16).digest()
        mark = int.from_bytes(digest[:8], "little")
        at = int.from_bytes(digest[8:], "little") % self._buckets * _BUCKET.size
        with self._lock:
            # Of the file, for the other processes; the lock above is for our own threads.
            fcntl.lockf(self._file, fcntl.LOCK_EX, _BUCKET.size, at)
            try:
                return self._put(at, mark, until, now)
            finally:
                fcntl.lockf(self._file, fcntl.LOCK_UN, _BUCKET.size, at)

    def _put(self, at: int, mark: int, until: int, now: int) -> bool:
        held = _BUCKET.unpack_from(self._map, at)
        marks, untils = held[::2], held[1::2]
        if mark in marks and untils[marks.index(mark)] > now:
            return False
        for place, taken in enumerate(untils):
            if taken <= now:
                _PLACE.pack_into(self._map, at + place * _PLACE.size, mark, until)
                return True
        raise FullError

    def close(self) -> None:
        """Let the file go."""
        self._map.close()
        os.close(self._file)
