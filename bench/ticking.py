"""From the tick of a term to new counts on the screen, in a real browser, over 25,000 objects.

The page measures it, from the click to the frame in which the exact counts of the new terms stand;
the draft is kept on each tick. The floor is the same with terms that cannot be read: the form goes
to the node and its answer is shown, and nothing is counted. Needs Chromium on this machine.
"""

import shutil
import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from socket import socket

import uvicorn
from playwright.sync_api import Page, sync_playwright
from starlette.applications import Starlette

from bench.agreements import terms
from bench.loading import held
from bench.measuring import Figure, duration
from tearline import clock
from tearline.agreement.home import Home
from tearline.agreement.terms import Terms, to_bytes
from tearline.agreement.writing import write_toml
from tearline.stix.canonical import parse_canonical
from tearline.store import drafts
from tearline.store.drafts import Draft
from tearline.web import signing_in
from tearline.web.app import COOKIE, routes

SIZE = 25_000
GOAL_S = 0.25
_TICKS = 15
_WHO = "officer"
_ALL = ("malware", "indicator", "relationship", "sighting")
_TICK = """async name => {
  const told = document.documentElement.dataset;
  const before = told.counted, began = performance.now();
  document.querySelector(`[name="${name}"]`).click();
  while (told.counted === before) await new Promise(requestAnimationFrame);
  return performance.now() - began;
}"""


def figures() -> Iterator[Figure]:
    """Tick a type on and off, in terms about one object in a hundred and about one in five."""
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if found is None:
        return
    with held(SIZE) as home, _served(home) as at, sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=found, args=["--no-sandbox"])
        context = browser.new_context(viewport={"width": 1360, "height": 860})
        context.add_cookies([{"name": COOKIE, "value": _session(home), "url": at}])
        page = context.new_page()
        for name, draft in {
            "one object in a hundred goes": terms(home, 0, range(1), types=_ALL),
            "one in five": terms(home, 1, range(16), types=_ALL),
        }.items():
            _keep(home, draft)
            page.goto(f"{at}/agreements/{draft.id.removeprefix('urn:uuid:')}/change")
            page.wait_for_selector("html[data-counted]")
            own = _ticks(page)
            page.fill('[name="clause.0.max_age_days"]', "soon")
            page.wait_for_selector(".problem:visible")
            bare = _ticks(page)
            yield duration(f"tick of a term, {name}, {SIZE:,}", own, bare, GOAL_S)
        browser.close()


def _ticks(page: Page) -> float:
    """The median of some ticks, in seconds."""
    name = "clause.0.type.sighting"
    taken: list[float] = [page.evaluate(_TICK, name) for _ in range(_TICKS)]
    return statistics.median(taken) / 1000


def _keep(home: Home, draft: Terms) -> None:
    text = write_toml(parse_canonical(to_bytes(draft)))
    with home.store.write() as tx:
        drafts.put(tx, Draft(_WHO, draft.id, "reader-0", text, clock.now()))


def _session(home: Home) -> str:
    now = clock.now()
    token = signing_in.invite(home, _WHO, _WHO, now=now)
    return signing_in.accept(home, token, "to measure with", now=now)


@contextmanager
def _served(home: Home) -> Iterator[str]:
    with socket() as door:
        door.bind(("127.0.0.1", 0))
        app = Starlette(routes=routes(lambda: home))
        server = uvicorn.Server(uvicorn.Config(app, log_level="error"))
        running = threading.Thread(target=server.run, kwargs={"sockets": [door]}, daemon=True)
        running.start()
        while not server.started:
            time.sleep(0.01)
        yield f"http://127.0.0.1:{door.getsockname()[1]}"
        server.should_exit = True
        running.join()
