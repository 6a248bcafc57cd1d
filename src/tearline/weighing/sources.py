"""Who a judgement is about: a source by its id or by its name."""

from tearline.errors import RefusedError
from tearline.release import finding
from tearline.release.finding import Wanted
from tearline.stix.strict import shown
from tearline.store import claims, objects
from tearline.store.database import Tx
from tearline.store.objects import OURS


def source_of(tx: Tx, text: str) -> str:
    """Return the id of a source; RefusedError where nobody, or more than one, is called so.

    An id counts where it is an object of ours, or stands in the chain of any claim.
    """
    text = text.strip()
    if text.startswith("identity--"):
        if objects.latest(tx, OURS, [text]) or claims.naming(tx, [text]):
            return text
        found = []
    else:
        found = called(tx, text)
    if len(found) == 1:
        return found[0]
    if found:
        raise RefusedError(
            f"{len(found)} sources are called {shown(text)}.",
            means="Nothing was changed.",
            do=f"Name one of them by its id: {', '.join(found)}.",
        )
    raise RefusedError(
        f"We know no source {shown(text)}.",
        means="It is no identity of ours, and stands in no chain. Nothing was changed.",
        do="See `tearline claim show` for who stands in the chain of a claim.",
    )


def called(tx: Tx, name: str) -> list[str]:
    """The identities of ours of just this name."""
    words = '"' + name.replace('"', " ") + '"'
    wanted = Wanted(words=words, type="identity", origins=frozenset({OURS}))
    found = finding.find(tx, wanted, finding.everything, limit=1)
    return sorted({each.stix_id for _, each in found.whole})
