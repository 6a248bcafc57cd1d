"""Counts for Prometheus: what was answered and how fast, what waits, how far the logs are signed.

They name routes and kinds, never partners, objects or agreements: who reads them learns how busy a
node is and nothing about what it shares.
"""

import ipaddress
import os
from collections.abc import Callable, Iterator
from contextlib import suppress

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.responses import Response

from tearline.agreement.home import Home
from tearline.store import agreements, logs, private
from tearline.store.database import Tx

MULTIPROCESS = "PROMETHEUS_MULTIPROC_DIR"


class Metrics:
    """The counts of one process; with several workers, of all of them when they are read."""

    def __init__(self, home: Callable[[], Home]) -> None:
        """Make counters that belong to this app alone."""
        self._home = home
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "tearline_requests",
            "Requests answered.",
            ["method", "route", "status"],
            registry=self._registry,
        )
        self._seconds = Histogram(
            "tearline_request_seconds", "Time to answer.", ["route"], registry=self._registry
        )
        self._told: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}
        self._registry.register(_Waiting(home))

    def count(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one answer."""
        told = self._told.get((method, route, status))
        if told is None:
            told = self._requests.labels(method, route, str(status)), self._seconds.labels(route)
            self._told[method, route, status] = told
        told[0].inc()
        told[1].observe(seconds)

    def answer(self, request: Request) -> Response:
        """Answer /metrics, to those whom the settings allow; for others it does not exist."""
        allowed = self._home().settings.metrics
        address = request.client.host if request.client else ""
        if allowed == "off" or (allowed == "loopback" and not _is_loopback(address)):
            return Response(status_code=404)
        registry = self._registry
        if MULTIPROCESS in os.environ:
            registry = CollectorRegistry()
            MultiProcessCollector(registry)  # type: ignore[no-untyped-call]  # its own choice
            registry.register(_Waiting(self._home))
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)


class _Waiting(Collector):
    """What the store says when it is asked."""

    def __init__(self, home: Callable[[], Home]) -> None:
        self._home = home

    def collect(self) -> Iterator[Metric]:
        """Read the figures now."""
        with self._home().store.read() as tx:
            outbox = len(agreements.undelivered(tx))
            waiting = private.count(tx)
            unsigned = sum(_unsigned(tx, name) for name in logs.names(tx))
        yield GaugeMetricFamily("tearline_outbox_messages", "Not yet with a partner.", outbox)
        yield GaugeMetricFamily("tearline_private_records", "Not yet in a leaf.", waiting)
        yield GaugeMetricFamily("tearline_unsigned_leaves", "Not yet under a checkpoint.", unsigned)


def _unsigned(tx: Tx, log: str) -> int:
    last = logs.last_checkpoint(tx, log)
    return logs.head(tx, log).size - (last.size if last else 0)


def _is_loopback(address: str) -> bool:
    with suppress(ValueError):
        return ipaddress.ip_address(address).is_loopback
    return False
