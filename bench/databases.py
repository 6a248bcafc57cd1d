"""A PostgreSQL server to measure on: the tests' own, but durable and with memory of its own."""

from tests.cluster import Cluster

DATABASE = (
    "wal_level=replica",
    "shared_buffers=1GB",
    "effective_cache_size=4GB",
    "max_wal_size=4GB",
    "max_wal_senders=0",
)
"""What one would set on a machine of this size; all else, fsync among it, is as it comes."""


def database_of(server: Cluster) -> int:
    """The process of a running server, of which all others are children."""
    return int((server.folder / "data" / "postmaster.pid").read_text().split()[0])
