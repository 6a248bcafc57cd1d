"""The only reader of time and chance.

Moments are integers: microseconds since the epoch, UTC. Faces read the clock once and pass the
moment down; nothing below a face asks what time it is.
"""

import secrets
import time
import uuid


def now() -> int:
    """Return the present moment in microseconds since the epoch, UTC."""
    return time.time_ns() // 1000


def fresh_uuid() -> str:
    """Return a new random UUID, version 4, as text."""
    return str(uuid.UUID(bytes=secrets.token_bytes(16), version=4))


def fresh_bytes(count: int) -> bytes:
    """Return `count` unpredictable bytes, for salts, keys and nonces."""
    return secrets.token_bytes(count)
