"""What a request brings to prove who sent it, and how a password is proven once and not again.

A key is 256 random bits that we made, so its SHA-256 is looked up. A password takes Argon2id
(RFC 9106), some tens of milliseconds: what was proven is remembered for a short while under a
keyed hash of what was presented, with the password hash that it was proven against. A request is
let in by that only while the account's row still holds the very same hash.
"""

import base64
import binascii
from collections import OrderedDict
from collections.abc import Mapping
from hashlib import blake2b
from threading import Lock
from typing import NamedTuple

from tearline import clock
from tearline.stix import canonical

LONGEST = 512
"""Characters of a key or a password that are read."""

_LIFE_US = 600_000_000


class Credentials(NamedTuple):
    """What a request brought; `user` only with HTTP Basic."""

    user: str | None
    key: str

    @property
    def key_hash(self) -> str:
        """The name under which the account of this key is kept."""
        return canonical.sha256(self.key.encode())


def credentials(headers: Mapping[str, str]) -> Credentials | None:
    """Return the key that a request brings, whichever way; None when it brings none."""
    scheme, _, value = headers.get("authorization", "").strip().partition(" ")
    value = value.strip()
    if scheme.casefold() == "bearer" and value:
        found = Credentials(None, value)
    elif scheme.casefold() == "basic" and value:
        found = _basic(value)
    else:
        found = Credentials(None, headers.get("x-api-key", "").strip())
    return found if 0 < len(found.key) <= LONGEST else None


def _basic(value: str) -> Credentials:
    try:
        text = base64.b64decode(value, validate=True).decode()
    except (binascii.Error, ValueError):
        return Credentials(None, "")
    user, _, key = text.partition(":")
    return Credentials(user, key if user.isprintable() else "")


class Proofs:
    """Passwords that were proven in this process, for a short while and as keyed hashes."""

    def __init__(self, *, most: int = 10_000) -> None:
        """Remember so many, the last used ones."""
        self._key = clock.fresh_bytes(32)
        self._most = most
        self._held: OrderedDict[bytes, tuple[str, int]] = OrderedDict()
        self._lock = Lock()

    def get(self, brought: Credentials, *, now: int) -> str | None:
        """Return the password hash against which this was proven; each use prolongs it."""
        name = self._name(brought)
        with self._lock:
            proof, until = self._held.get(name, ("", 0))
            if now >= until:
                self._held.pop(name, None)
                return None
            self._held[name] = proof, now + _LIFE_US
            self._held.move_to_end(name)
            return proof

    def put(self, brought: Credentials, proof: str, *, now: int) -> None:
        """Remember that this was proven against a password hash."""
        with self._lock:
            self._held[self._name(brought)] = proof, now + _LIFE_US
            if len(self._held) > self._most:
                self._held.popitem(last=False)

    def _name(self, brought: Credentials) -> bytes:
        """The user's length goes first, so that no other pair gives the same text."""
        user = (brought.user or "").encode()
        text = len(user).to_bytes(4, "big") + user + brought.key.encode()
        return blake2b(text, key=self._key, digest_size=32).digest()
