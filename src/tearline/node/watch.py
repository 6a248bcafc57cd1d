"""What goes around every answer: headers that keep browsers careful, a log line, a count.

Neither the line nor the count holds content or secrets: the route as we named it, never the path
or the query as they were asked, and no header.
"""

import time
from typing import Any

import structlog
from starlette.datastructures import MutableHeaders
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tearline.exchange.taxii_answers import ERROR_ID
from tearline.node.metrics import Metrics

_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}
_QUIET = frozenset({"/health", "/metrics"})
_log = structlog.get_logger("tearline.http")


class Watch:
    """Middleware that adds what is missing of the headers, and notes what was answered."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        """Go around `app`."""
        self._app = app
        self._metrics = metrics
        self._paths: dict[Any, str] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun, status = time.perf_counter(), 500

        async def _send(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
                if scope.get("scheme") == "https":
                    headers.setdefault("Strict-Transport-Security", "max-age=31536000")
            await send(message)

        try:
            await self._app(scope, receive, _send)
        finally:
            self._note(scope, status, time.perf_counter() - begun)

    def _routes(self, scope: Scope) -> dict[Any, str]:
        """Return the path of each endpoint as we wrote it; read when the routes are complete."""
        if not self._paths and "app" in scope:
            routes = reversed(scope["app"].routes)
            self._paths = {each.endpoint: each.path for each in routes if isinstance(each, Route)}
        return self._paths

    def _note(self, scope: Scope, status: int, seconds: float) -> None:
        path = self._routes(scope).get(scope.get("endpoint"), "other")
        method = scope["method"] if status != 405 else "other"  # noqa: PLR2004  # Method Not Allowed
        self._metrics.count(method, path, status, seconds)
        if path not in _QUIET:
            ms = round(seconds * 1000, 1)
            error = {"error_id": scope[ERROR_ID]} if ERROR_ID in scope else {}
            _log.info("answered", method=method, route=path, status=status, ms=ms, **error)
