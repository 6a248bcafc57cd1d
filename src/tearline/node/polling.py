"""The standing job that reads foreign servers, each collection at its own pace.

A collection is read for a few seconds at a time, so that a large one does not keep the others
waiting and the lease is renewed in between; the walk goes on at the next turn.
"""

import structlog

from tearline.agreement.home import Home
from tearline.errors import TearlineError
from tearline.exchange.sources import Polled, due_at, poll
from tearline.store import sources

_TURN_S = 4.0
_log = structlog.get_logger("tearline.node")


class Polling:
    """Read what is due; how long to wait after a failure stands in the store."""

    def __init__(self, home: Home) -> None:
        """Nothing is kept here: another process may take over at any moment."""
        self._home = home

    def __call__(self, now: int) -> None:
        """Give each collection that is due at this moment its turn, the longest waiting first."""
        for name, url in self._due(now):
            try:
                done = poll(self._home, name, url, seconds=_TURN_S, now=now)
            except TearlineError as error:
                # Ended meanwhile, or the store does not answer.
                _log.warning("source", source=name, problem=error.what)
                continue
            _note(done)

    def _due(self, now: int) -> list[tuple[str, str]]:
        with self._home.store.read() as tx:
            found = [
                (at, source.name, reading.url)
                for source in sources.sources(tx)
                for reading in sources.readings_of(tx, source.name)
                if (at := due_at(source, reading)) is not None and at <= now
            ]
        return [(name, url) for _, name, url in sorted(found)]


def _note(done: Polled) -> None:
    """Say in the log what came, and what went wrong; not what the server wrote."""
    told = {"source": done.source, "collection": done.collection, "objects": done.objects}
    if done.problem is not None:
        _log.warning("source", **told, problem=done.problem.what)
    elif done.result.stored or done.result.refused:
        refused = len(done.result.refused)
        _log.info("source", **told, stored=done.result.stored, refused=refused)
