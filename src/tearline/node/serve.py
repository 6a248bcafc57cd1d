"""Run a node until it is asked to stop."""

import os
import shutil
import tempfile
from pathlib import Path

import uvicorn

from tearline.config import settings
from tearline.errors import HomeError
from tearline.node.metrics import MULTIPROCESS

APP = "tearline.node.app:create_app"
_GRACE_S = 10


def serve(home_path: Path, host: str = "127.0.0.1", port: int = 8400, workers: int = 1) -> None:
    """Serve the node of a home until SIGTERM or SIGINT; requests in work are answered first.

    Workers are fresh processes that open the store themselves; this one never does. HomeError
    when there is no home.
    """
    path = home_path.expanduser().absolute()
    if not (path / "card.json").is_file():
        raise HomeError(f"{path} is no home of a node.", do="Run `tearline init` first.")
    os.environ["TEARLINE_HOME"] = str(path)
    settings.cache_clear()
    counts = tempfile.mkdtemp(prefix="tearline-metrics-") if workers > 1 else None
    if counts:
        os.environ[MULTIPROCESS] = counts
    try:
        uvicorn.run(
            APP,
            factory=True,
            host=host,
            port=port,
            workers=workers,
            loop="uvloop",
            http="httptools",
            ws="none",
            access_log=False,
            log_config=None,
            server_header=False,
            timeout_graceful_shutdown=_GRACE_S,
        )
    finally:
        if counts:
            os.environ.pop(MULTIPROCESS, None)
            shutil.rmtree(counts, ignore_errors=True)
