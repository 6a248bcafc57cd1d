"""Passwords as slow hashes: Argon2id (RFC 9106) in PHC strings."""

import unicodedata

from cryptography.exceptions import InvalidKey
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from tearline import clock

_SALT_BYTES = 16
_HASH_BYTES = 32
# OWASP's first choice for Argon2id: 19 MiB, two passes, one lane.
_MEMORY_KIB, _PASSES, _LANES = 19_456, 2, 1


def hash_password(password: str) -> str:
    """Return the PHC string of a password."""
    hasher = Argon2id(
        salt=clock.fresh_bytes(_SALT_BYTES),
        length=_HASH_BYTES,
        iterations=_PASSES,
        lanes=_LANES,
        memory_cost=_MEMORY_KIB,
    )
    return hasher.derive_phc_encoded(_normal(password))


def is_password(password: str, phc: str | None) -> bool:
    """Whether a password is the one of a PHC string; without one, no, after the same work."""
    try:
        Argon2id.verify_phc_encoded(_normal(password), phc or _NOBODYS)
    except InvalidKey:
        return False
    return phc is not None


def _normal(password: str) -> bytes:
    """Spell it one way, however a keyboard composes its letters (RFC 8265, OpaqueString)."""
    return unicodedata.normalize("NFC", password).encode()


_NOBODYS = (
    f"$argon2id$v=19$m={_MEMORY_KIB},t={_PASSES},p={_LANES}$AAAAAAAAAAAAAAAAAAAAAA"
    "$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
)
"""Stands for the password of an account that does not exist, so that it takes as long to refuse."""
