"""What goes around every answer: headers that keep browsers careful, a log line, a count.

Neither the line nor the count holds content or secrets: the route as we named it, never the path
or the query as they were asked, and no header.
"""

import time
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tearline import clock
from tearline.exchange.taxii_answers import ERROR_ID, ROUTE
from tearline.node.logs import Lines, line
from tearline.node.metrics import Metrics
from tearline.stix.timestamp import format_timestamp

_HEADERS = [
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
]
_HTTPS = [*_HEADERS, (b"strict-transport-security", b"max-age=31536000")]
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_QUIET = frozenset({"/health", "/metrics"})


class _Answered(NamedTuple):
    """What the log says of one answer; made a line when it is written."""

    method: str
    route: str
    status: int
    seconds: float
    at: int
    error_id: str | None

    def __str__(self) -> str:
        event: dict[str, object] = {"event": "answered", "level": "info"}
        event |= {"method": self.method, "route": self.route, "status": self.status}
        event["ms"] = round(self.seconds * 1000, 1)
        if self.error_id:
            event["error_id"] = self.error_id
        event["timestamp"] = format_timestamp(self.at, digits=6)
        return line(event)


class Watch:
    """Middleware that adds what is missing of the headers, and notes what was answered."""

    def __init__(self, app: ASGIApp, metrics: Metrics, lines: Lines) -> None:
        """Go around `app`."""
        self._app = app
        self._metrics = metrics
        self._lines = lines
        self._paths: dict[Any, str] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun, status = time.perf_counter(), 500
        wanted = _HTTPS if scope.get("scheme") == "https" else _HEADERS

        async def _send(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                given = message["headers"]
                named = {name for name, _ in given}
                # A new list: the answer may be one that is given again.
                message["headers"] = [*given, *(each for each in wanted if each[0] not in named)]
            await send(message)

        try:
            await self._app(scope, receive, _send)
        finally:
            self._note(scope, status, time.perf_counter() - begun)

    async def send(
        self,
        answer: Callable[[Scope, Receive], Awaitable[Response]],
        scope: Scope,
        receive: Receive,
        send: Send,
    ) -> None:
        """Send what `answer` returns, which has none of these headers: the shortest way."""
        begun, status = time.perf_counter(), 500
        wanted = _HTTPS if scope.get("scheme") == "https" else _HEADERS
        try:
            found = await answer(scope, receive)
            status = found.status_code
            headers = [*found.raw_headers, *wanted]
            await send({"type": "http.response.start", "status": status, "headers": headers})
            await send({"type": "http.response.body", "body": found.body})
        finally:
            self._note(scope, status, time.perf_counter() - begun)

    def _routes(self, scope: Scope) -> dict[Any, str]:
        """Return the path of each endpoint as we wrote it; read when the routes are complete."""
        if not self._paths and "app" in scope:
            routes = reversed(scope["app"].routes)
            self._paths = {each.endpoint: each.path for each in routes if isinstance(each, Route)}
        return self._paths

    def _note(self, scope: Scope, status: int, seconds: float) -> None:
        path = scope.get(ROUTE) or self._routes(scope).get(scope.get("endpoint"), "other")
        method = scope["method"] if scope["method"] in _METHODS else "other"
        self._metrics.count(method, path, status, seconds)
        if path in _QUIET:
            return
        error_id = scope.get(ERROR_ID)
        self._lines.write(_Answered(method, path, status, seconds, clock.now(), error_id))
