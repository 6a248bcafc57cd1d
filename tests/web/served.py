"""The pages of a home, served on a port of this machine for a real browser."""

import shutil
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import pytest
import uvicorn
from playwright.sync_api import Browser, Page, Request, Response, sync_playwright
from starlette.applications import Starlette

from tearline.agreement.home import Home
from tearline.web.app import COOKIE, routes
from tests.web.site import session

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
NEEDS_CHROMIUM = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
ONE_BROWSER = pytest.mark.xdist_group("browser")
"""Tests of one process after the other: two browsers at a time have too little of this machine."""


@contextmanager
def on_a_port(app: Starlette, host: str = "127.0.0.1") -> Iterator[str]:
    """Where an application is served, until the end of the block."""
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, log_level="error"))
        running = threading.Thread(target=server.run, kwargs={"sockets": [door]}, daemon=True)
        running.start()
        while not server.started:
            time.sleep(0.01)
        yield f"http://{host}:{door.getsockname()[1]}"
        server.should_exit = True
        running.join()


@contextmanager
def serving(home: Home, host: str = "127.0.0.1") -> Iterator[str]:
    """Where the pages of a home are served. A passkey belongs to a name: it needs `localhost`."""
    with on_a_port(Starlette(routes=routes(lambda: home)), host) as url:
        yield url


@contextmanager
def chromium() -> Iterator[Browser]:
    with sync_playwright() as driver:
        found = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield found
        found.close()


class Window(NamedTuple):
    """A window of a browser, and how many bytes each answer in it had; clear them at will."""

    page: Page
    came: list[int]


@contextmanager
def opened(
    browser: Browser,
    home: Home,
    at: str,
    *,
    role: str = "officer",
    **more: Any,  # noqa: ANN401  # whatever a context of Playwright takes
) -> Iterator[Window]:
    """A window in which somebody is signed in; an error, or a word on its console, is a fault."""
    context = browser.new_context(base_url=at, **more)
    context.add_cookies([{"name": COOKIE, "value": session(home, role), "url": at}])
    made = Window(context.new_page(), [])
    said: list[str] = []
    made.page.on("console", lambda message: said.append(message.text))
    made.page.on("pageerror", lambda error: said.append(str(error)))
    sizes = made.came.append
    made.page.on("requestfinished", lambda asked: sizes(asked.sizes()["responseBodySize"]))
    yield made
    context.close()
    assert said == []


_ASTRAY = """() => [...document.querySelectorAll("tr, td, th")]
  .filter(e => !/^(table-|none)/.test(getComputedStyle(e).display)).map(e => e.outerHTML)"""
_HERE = """() => {
  const here = document.querySelector(".top nav [aria-current]")?.getBoundingClientRect();
  return !here || (here.left >= 0 && here.right <= document.documentElement.clientWidth);
}"""


def look(page: Page, path: str, name: str) -> None:
    """Open a page, and see that it is there and not wider than its window."""
    assert visit(page, path).status == 200, name
    wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert page.evaluate(wide) <= 0, f"{name} is wider than its window"
    assert page.evaluate(_ASTRAY) == [], f"a table of {name} has lost its columns"
    assert page.evaluate(_HERE), f"{name} does not stand in the part of the menu that one sees"


def visit(page: Page, url: str) -> Response:
    """Open a page, and wait until all that it asks for has come and is on the screen.

    As Playwright's `networkidle` does, without the half second of silence at the end.
    """
    coming: set[Request] = set()

    def begins(asked: Request) -> None:
        coming.add(asked)

    def ends(asked: Request) -> None:
        coming.discard(asked)

    page.on("request", begins)
    page.on("requestfinished", ends)
    page.on("requestfailed", ends)
    reply = page.goto(url)
    painted(page)
    while coming:
        page.wait_for_timeout(10)
        painted(page)
    page.remove_listener("request", begins)
    page.remove_listener("requestfinished", ends)
    page.remove_listener("requestfailed", ends)
    assert reply is not None
    return reply


def painted(page: Page) -> None:
    """Wait until the page is on the screen.

    Until then a browser drops every key: nobody can mean what they do not see yet.
    """
    page.evaluate("new Promise(go => requestAnimationFrame(() => requestAnimationFrame(go)))")
