"""Views of the list of objects that people save: each has their own, and may send a link to one."""

from tearline.agreement.home import Home
from tearline.errors import RefusedError
from tearline.store import views as kept
from tearline.store.views import View
from tearline.web.signing_in import Viewer

MOST = 40
"""How many views somebody may have."""
_LONGEST = 80


def views(home: Home, who: Viewer) -> list[View]:
    """The views that somebody saved, by name."""
    with home.store.read() as tx:
        return kept.views_of(tx, who.name)


def save(home: Home, who: Viewer, title: str, query: str, *, now: int) -> None:
    """Save a view; one of the same name gives way. RefusedError without a name, or for too many."""
    short = " ".join(title.split())[:_LONGEST]
    if not short:
        raise RefusedError("A view needs a name.", do="Write one, and save it again.")
    with home.store.write() as tx:
        if kept.number_of(tx, who.name) >= MOST:
            raise RefusedError(f"There are {MOST} views already.", do="Delete one first.")
        kept.put(tx, who.name, View(short, query), now)


def delete(home: Home, who: Viewer, title: str) -> None:
    """Forget a view of somebody's own; one that is not there is no error."""
    with home.store.write() as tx:
        kept.drop(tx, who.name, title)
