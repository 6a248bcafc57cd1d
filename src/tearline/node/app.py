"""A running node: the doors for partners, its health and its counts, and the standing jobs.

Nothing is opened before the process that serves it runs: a store opened before a fork would be
shared, and answers of one account could reach another.
"""

import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from threading import Lock

import anyio.to_thread
import structlog
from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from tearline import __version__
from tearline.agreement.home import Home, open_home
from tearline.config import settings
from tearline.errors import InputError, StoreError
from tearline.exchange import peer_server, witness_server
from tearline.exchange.access import Door, TurnedAwayError
from tearline.exchange.taxii_server import Taxii
from tearline.exchange.visits import Visits
from tearline.node.gathering import Gathering
from tearline.node.logs import Lines, log_as_json
from tearline.node.metrics import Metrics
from tearline.node.proxies import addresses, hear
from tearline.node.runner import Job, all_jobs
from tearline.node.watch import Watch
from tearline.web.app import routes as pages

_THREADS = 6
"""Requests in worker threads at once, beside those that read TAXII."""
_STOP_S = 8.0
_log = structlog.get_logger("tearline.node")


class Opened:
    """A home that is opened once for each process, when it is first needed."""

    def __init__(self, path: Path) -> None:
        """Bind to the folder; nothing is opened yet."""
        self._path = path
        self._home: Home | None = None
        self._process = 0
        self._lock = Lock()

    def __call__(self) -> Home:
        """Return the home, opened in this process; HomeError when it cannot be used."""
        home = self._home
        if home is not None and self._process == os.getpid():
            return home
        with self._lock:
            if self._home is None or self._process != os.getpid():
                self._home, self._process = open_home(self._path), os.getpid()
            return self._home

    def close(self) -> None:
        """Close what was opened."""
        with self._lock:
            if self._home is not None and self._process == os.getpid():
                self._home.store.close()
            self._home = None


def create_app(home_path: Path | None = None, *, jobs: bool = True) -> FastAPI:
    """Return the node of a home as an ASGI app; without a path, of the home in the settings.

    The home is opened when the app starts, and its `jobs` run from then on.
    """
    lines = Lines(sys.stderr)
    log_as_json(lines)
    home = Opened(home_path or settings().home)
    metrics, door, visits = Metrics(home), Door(), Visits()
    app = _App(
        title="Tearline",
        version=__version__,
        lifespan=_lifespan(home, visits, lines, jobs=jobs),
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
    )
    app.state.home = home
    app.state.door = door
    app.router.routes.extend(peer_server.routes(home, door))
    app.router.routes.extend(witness_server.routes(home, door))
    app.router.routes.append(Route("/health", _health(home)))
    app.router.routes.append(Route("/metrics", metrics.answer))
    app.router.routes.extend(pages(home))
    app.add_exception_handler(InputError, _unfit)
    app.add_exception_handler(StoreError, _away)
    app.add_exception_handler(Exception, _broken)
    app.add_middleware(Watch, metrics=metrics, lines=lines)
    app.proxies = addresses(settings().proxies)
    app.watch, app.taxii = Watch(app, metrics, lines), Taxii(home, door, visits)
    return app


class _App(FastAPI):
    """The app, and the shortest way past it for what is asked most."""

    watch: Watch
    taxii: Taxii
    proxies: frozenset[str] = frozenset()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            hear(scope, self.proxies)
        if scope["type"] == "http" and f"{scope['path']}/".startswith("/taxii2/"):
            await self.watch.send(self.taxii.answer, scope, receive, send)
        else:
            await super().__call__(scope, receive, send)


def _lifespan(
    home: Opened, visits: Visits, lines: Lines, *, jobs: bool
) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def _run(_app: FastAPI) -> AsyncIterator[None]:
        anyio.to_thread.current_default_thread_limiter().total_tokens = _THREADS
        opened = await anyio.to_thread.run_sync(home)
        running: list[Gathering | Job] = [Gathering(opened, visits)]
        running += all_jobs(opened) if jobs else []
        for job in running:
            job.start()
        _log.info("node started", jobs=jobs)
        try:
            yield
        finally:
            for job in running:
                job.stop()
            for job in running:
                await anyio.to_thread.run_sync(job.join, _STOP_S)
            home.close()
            _log.info("node stopped")
            lines.drain()

    return _run


def _health(home: Opened) -> Callable[[Request], Response]:
    def health(_request: Request) -> Response:
        """Say whether the store answers; no more, for anybody may ask."""
        with home().store.read() as tx:
            tx.exec_driver_sql("SELECT 1")
        return JSONResponse({"status": "ok"}, headers={"Cache-Control": "no-store"})

    return health


async def _unfit(_request: Request, error: Exception) -> Response:
    """Answer what no door found wrong and the store does not take: U+0000 in what is looked up."""
    return _turned_away(TurnedAwayError(400, "This cannot be understood."), error)


async def _away(_request: Request, error: Exception) -> Response:
    """Answer while the store is away."""
    busy = TurnedAwayError(503, "The store does not answer now.", headers={"Retry-After": "5"})
    return _turned_away(busy, error)


def _turned_away(refused: TurnedAwayError, error: Exception) -> Response:
    _log.error("request failed", problem=str(error))
    headers = {"Cache-Control": "no-store", **refused.headers}
    return JSONResponse({"title": refused.title}, refused.status, headers=headers)


async def _broken(_request: Request, _broke: Exception) -> Response:
    """Answer for a fault of ours without a word about it; the log has the rest."""
    error = TurnedAwayError(500, "Something went wrong here.")
    return JSONResponse({"title": error.title}, 500, headers={"Cache-Control": "no-store"})
