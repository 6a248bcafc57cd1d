"""The same server with nothing behind it: what an answer costs before we do anything.

    python -m bench.constant PORT FILE

A plain Starlette endpoint under uvicorn, with the settings of `tearline.node.serve`. `/page` gives
the bytes of the file, `/empty` the two that TAXII has for nothing new; without any check of who
asks.
"""

import sys
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bench.client import MEDIA_TYPE

_HEADERS = {"Cache-Control": "no-store"}


def main() -> None:
    """Serve until told to end."""
    port, page = int(sys.argv[1]), Path(sys.argv[2]).read_bytes()

    async def full(_request: Request) -> Response:
        return Response(page, headers=_HEADERS, media_type=MEDIA_TYPE)

    async def empty(_request: Request) -> Response:
        return Response(b"{}", headers=_HEADERS, media_type=MEDIA_TYPE)

    app = Starlette(routes=[Route("/page", full), Route("/empty", empty)])
    uvicorn.run(
        app,
        host="127.0.0.1",
        port=port,
        loop="uvloop",
        http="httptools",
        ws="none",
        access_log=False,
        log_config=None,
        server_header=False,
    )


if __name__ == "__main__":
    main()
