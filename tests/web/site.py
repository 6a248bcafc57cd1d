"""The pages of a home, asked by a client that keeps its cookie as a browser does."""

from collections.abc import Iterator
from contextlib import contextmanager

from starlette.applications import Starlette
from starlette.testclient import TestClient

from tearline.agreement.home import Home
from tearline.web import signing_in
from tearline.web.app import COOKIE, routes

AT = "http://tearline.example"
PASSWORD = "correct horse battery"  # of a test


@contextmanager
def site(home: Home, role: str | None = None) -> Iterator[TestClient]:
    """A client of the pages; with a role, signed in as somebody who has it."""
    app = Starlette(routes=routes(lambda: home))
    with TestClient(app, base_url=AT, follow_redirects=False, headers={"Origin": AT}) as client:
        if role is not None:
            client.cookies.set(COOKIE, session(home, role))
        yield client


def session(home: Home, role: str) -> str:
    """The secret of a new session of somebody who has a role."""
    from tearline import clock  # noqa: PLC0415

    now = clock.now()
    token = signing_in.invite(home, role, role, now=now)
    return signing_in.accept(home, token, PASSWORD, now=now)
