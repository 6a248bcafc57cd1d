"""Files that browsers bring and take away: what is dropped, what is checked, what is handed out."""

import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from tempfile import mkdtemp

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from tearline import clock
from tearline.agreement.home import Home
from tearline.errors import TearlineError
from tearline.web import taking
from tearline.web.answers import (
    Answer,
    asking,
    guarded,
    html,
    is_ours,
    json,
    not_ours,
    refused,
    to_members,
)
from tearline.web.page import Asked, Check, Download, Drop
from tearline.web.signing_in import Role


def hand(download: Download) -> Answer:
    """Answer with a file to keep."""

    def _reply(asked: Asked, _request: Request, _given: Mapping[str, str]) -> Response:
        file = download.read(asked)
        headers = {"Content-Disposition": f'attachment; filename="{file.name}"'}
        return Response(file.content, media_type=file.media_type, headers=headers)

    return to_members(download.roles, _reply, as_json=False)


def drop(home: Callable[[], Home], of: Drop) -> Callable[[Request], object]:
    """Take the files of a form into a folder of the home, and act; who may not is not read."""

    async def _endpoint(request: Request) -> Response:
        def _begin() -> tuple[Asked | Response, Path]:
            asked = _asking(home(), request, of.roles)
            if isinstance(asked, Response):
                return asked, Path()
            asked.home.path.joinpath("imports").mkdir(mode=0o700, exist_ok=True)
            return asked, Path(mkdtemp(dir=asked.home.path / "imports", prefix="coming-"))

        asked, folder = await run_in_threadpool(_begin)
        if isinstance(asked, Response):
            return guarded(asked)
        try:
            fields, files = await taking.into_folder(request, folder, of.most(asked.home))
            to = await run_in_threadpool(of.act, asked, fields, files)
            return guarded(RedirectResponse(to, 303))
        except TearlineError as error:
            status = 413 if isinstance(error, taking.TooLargeError) else 400
            return guarded(refused(status, error, asked.who, request, as_json=False))
        finally:
            await run_in_threadpool(shutil.rmtree, folder, ignore_errors=True)

    return _endpoint


def checked(
    home: Callable[[], Home], check: Check, *, as_json: bool
) -> Callable[[Request], object]:
    """Answer about what a form brought by a page; nothing of it is kept."""

    async def _endpoint(request: Request) -> Response:
        asked = await run_in_threadpool(lambda: _asking(home(), request, check.roles))
        if isinstance(asked, Response):
            return guarded(asked)
        try:
            fields = await taking.into_memory(request, check.most)
            value = await run_in_threadpool(check.read, asked, fields)
        except TearlineError as error:
            status = 413 if isinstance(error, taking.TooLargeError) else 400
            return guarded(refused(status, error, asked.who, request, as_json=as_json))
        if as_json:
            return guarded(json(200, value))
        return guarded(html(200, check.template, request, who=asked.who, value=value))

    return _endpoint


def _asking(home: Home, request: Request, roles: Sequence[Role]) -> Asked | Response:
    """Who sends a form, where they may; else the answer that they get before it is read."""
    if not is_ours(request):
        return not_ours()
    return asking(home, request, roles, clock.now(), as_json=False)
