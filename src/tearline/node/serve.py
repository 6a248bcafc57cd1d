"""Run a node until it is asked to stop."""

import os
import shutil
import tempfile
from pathlib import Path

import uvicorn

from tearline.config import settings
from tearline.errors import HomeError
from tearline.exchange.pins import CERTIFICATE, KEY, Files
from tearline.node.metrics import MULTIPROCESS

APP = "tearline.node.app:create_app"
_GRACE_S = 10


def shows(home_path: Path, *, own: bool) -> Files | None:
    """Return what the settings name, or with `own` what the node made for itself; None for neither.

    HomeError where one of the files is missing.
    """
    said = settings()
    if own:
        found = Files(home_path.expanduser() / CERTIFICATE, home_path.expanduser() / KEY)
    elif said.tls_cert is None and said.tls_key is None:
        return None
    else:
        none = Path("TEARLINE_TLS_CERT and TEARLINE_TLS_KEY")
        found = Files(said.tls_cert or none, said.tls_key or none)
    for each in found:
        if not each.expanduser().is_file():
            raise HomeError(
                f"{each} is missing, so there is nothing to show in TLS.",
                do="Run `tearline tls make`, or name a certificate and its key.",
            )
    return Files(found.certificate.expanduser(), found.key.expanduser())


def serve(
    home_path: Path,
    host: str = "127.0.0.1",
    port: int = 8400,
    workers: int = 1,
    tls: Files | None = None,
) -> None:
    """Serve the node of a home until SIGTERM or SIGINT; requests in work are answered first.

    With `tls` it speaks TLS, and shows the same certificate where it asks. Workers are fresh
    processes that open the store themselves; this one never does. HomeError when there is no home.
    """
    path = home_path.expanduser().absolute()
    if not (path / "card.json").is_file():
        raise HomeError(f"{path} is no home of a node.", do="Run `tearline init` first.")
    os.environ["TEARLINE_HOME"] = str(path)
    if tls is not None:
        os.environ["TEARLINE_TLS_CERT"] = str(tls.certificate.absolute())
        os.environ["TEARLINE_TLS_KEY"] = str(tls.key.absolute())
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
            proxy_headers=False,
            ssl_certfile=tls.certificate if tls else None,
            ssl_keyfile=tls.key if tls else None,
            timeout_graceful_shutdown=_GRACE_S,
        )
    finally:
        if counts:
            os.environ.pop(MULTIPROCESS, None)
            shutil.rmtree(counts, ignore_errors=True)
