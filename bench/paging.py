"""What a page of the web interface costs, and a jump to the middle of all rows in a browser.

25,000 objects of the corpus, one of ten released, and what years bring beside them (`lived`); with
`LARGE=1` a million. Once the node has done what its start gave it, a page is asked of
`tearline serve` over one kept connection, and the median of its answers counts, by the clock. What
a page loads apart has no goal of its own.
"""

import http.client
import shutil
import statistics
import time
from collections.abc import Iterator
from urllib.parse import quote

from bench import corpus, lived
from bench.lived import Lived
from bench.loading import STORES, Load, Place, place
from bench.measuring import Figure, duration, large
from bench.servers import calm
from tearline import clock
from tearline.release import listing
from tearline.store import agreements
from tearline.web import signing_in
from tearline.web.app import COOKIE

SIZE, LARGE = 25_000, 1_000_000
GOAL_S, GOAL_JUMP_S = 0.020, 0.100
_TIMES = 21
_JUMPS = 9
_JUMP = """
async (part) => {
  const rows = document.querySelector("tl-rows");
  const area = rows.querySelector(".wide");
  const begun = performance.now();
  area.scrollTop = part * (area.scrollHeight - area.clientHeight);
  while (true) {
    await new Promise((next) => requestAnimationFrame(next));
    const first = rows.querySelector("tbody tr");
    const there = Math.abs(Number(first.dataset.place) / rows.number - part) < 0.001;
    if (there && first.querySelector("a")) return performance.now() - begun;
    if (performance.now() - begun > 10000) return 10000;
  }
}
"""


def figures() -> Iterator[Figure]:
    """Each page, then jumps in the browser; the floor of a page is one that reads nothing."""
    size = LARGE if large() else SIZE
    for store in STORES:
        with place(store) as at:
            Load(at).to(size)
            yield from measured(at, size)


def measured(at: Place, size: int) -> Iterator[Figure]:
    """Sort in what a home holds, and measure its pages."""
    with at.home() as home:
        listing.sort_in(home)
        with home.store.read() as tx:
            (agreement,) = agreements.agreement_ids(tx)
        found = lived.live(home, at.path.parent, agreement)
        now = clock.now()
        token = signing_in.invite(home, "bench", "officer", now=now)
        secret = signing_in.accept(home, token, "a password for the bench", now=now)
    at.settle()
    with at.serving() as server:
        calm(server)
        floor = _median(server.port, secret, "/settings.json")
        of = f"{size:,} objects, {at.store_name}"
        for name, path in _pages(size, found).items():
            taken = _median(server.port, secret, path)
            yield duration(f"page: {name}, {of}", taken, floor, GOAL_S)
        for name, path in _APART.items():
            yield duration(f"apart: {name}, {of}", _median(server.port, secret, path), floor)
        yield from _jumps(server.port, secret, size, at.store_name)


_APART = {
    "counts": "/objects/counts.json",
    "counts, filtered": "/objects/counts.json?type=indicator&came=week",
    "counts of a search": "/objects/counts.json?q=generated",
}


def _pages(size: int, found: Lived) -> dict[str, str]:
    """A path for each page; the middle of a list is where an OFFSET would be slowest to guess."""
    sign = corpus.sign_id(1234)
    log = f"/log/ours/{found.with_node.removeprefix('urn:uuid:')}"
    return {
        "home": "/",
        "queue": "/queue",
        "item": f"/queue/{found.item}",
        "objects, first": "/objects",
        "objects, middle": f"/objects?at={size // 2}",
        "objects, last": f"/objects?at={size - 50}",
        "objects, next": f"/objects?before={size // 3}",
        "objects, one type, middle": f"/objects?type=indicator&at={size // 5}",
        "objects, three filters": "/objects?type=indicator&marking=TLP:AMBER&came=week",
        "rows for the scrollbar": f"/objects.json?at={size // 2}&rows=50",
        "search, a word of every sign": "/objects?q=generated",
        "search, an exact name": f"/objects?q={quote('Generated sign 1234')}",
        "search, an id": f"/objects?q={sign}",
        "search, an address": "/objects?q=198.51.100.7",
        "search, filtered": "/objects?q=generated&type=malware",
        "object": f"/objects/{sign}",
        "could it go": f"/objects/{sign}?to={found.partner}",
        "explore": f"/explore?id={sign}",
        "explore, what has many ties": f"/explore?id={corpus.organisations()[0]}",
        "agreements": "/agreements",
        "agreement": f"/agreements/{found.one_sided.removeprefix('urn:uuid:')}",
        "partners": "/partners",
        "partner": f"/partners/{found.partner}",
        "recalls": "/recalls",
        "quarantine": "/quarantine",
        "holds": "/holds",
        "claims": "/claims",
        "claims of a source": f"/claims?source={found.source}",
        "claim": f"/claims/{found.claim}",
        "source": f"/sources/{found.source}",
        "hypotheses": "/hypotheses",
        "hypothesis": f"/hypotheses/{found.question}",
        "log": "/log",
        "leaves": log,
        "leaf": f"{log}/{lived.BESIDE // 2}",
        "map": "/map",
        "imports": "/import",
        "account": "/account",
    }


def _median(port: int, secret: str, path: str) -> float:
    asked = http.client.HTTPConnection("127.0.0.1", port)
    taken = []
    for _ in range(_TIMES + 2):
        begun = time.perf_counter()
        asked.request("GET", path, headers={"Cookie": f"{COOKIE}={secret}"})
        reply = asked.getresponse()
        reply.read()
        taken.append(time.perf_counter() - begun)
        if reply.status != http.client.OK:
            raise RuntimeError(f"{path}: {reply.status}")
    asked.close()
    return statistics.median(taken[2:])


def _jumps(port: int, secret: str, size: int, store: str) -> Iterator[Figure]:
    """From the thumb's move to the rows drawn, in Chromium, where there is one."""
    name = f"jump to any place of {size:,} rows, {store}"
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        yield Figure(name, 0, "", note="skipped: no Chromium on this machine")
        return
    from playwright.sync_api import sync_playwright  # noqa: PLC0415  # where there is a browser

    at = f"http://127.0.0.1:{port}"
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        context = browser.new_context(viewport={"width": 1360, "height": 860})
        context.add_cookies([{"name": COOKIE, "value": secret, "url": at}])
        page = context.new_page()
        page.goto(f"{at}/objects", wait_until="networkidle")
        places = [0.5, *((0.37 * number) % 1 for number in range(1, _JUMPS))]
        taken = [page.evaluate(_JUMP, each) / 1000 for each in places]
        yield duration(f"jump to the middle of {size:,} rows, {store}", taken[0], None, GOAL_JUMP_S)
        yield duration(name, statistics.median(taken), None, GOAL_JUMP_S)
        page.goto(f"{at}/objects?type=indicator", wait_until="networkidle")
        taken = [page.evaluate(_JUMP, each) / 1000 for each in places]
        median = statistics.median(taken)
        yield duration(f"{name}, filtered", median, None, GOAL_JUMP_S)
        browser.close()
