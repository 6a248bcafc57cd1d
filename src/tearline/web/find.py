"""One field for everything: the page of a partner, an agreement, an object, a leaf or an item.

What a viewer may not see is not looked for: the answer is then the same as for what is not there,
the search among the objects, which has its own sight. It leads to our own pages alone.
"""

import re
from urllib.parse import quote, urlencode

from tearline.release import lives
from tearline.store import agreements, logs, parties, reviews
from tearline.store.database import Tx
from tearline.web.page import Asked
from tearline.web.pages.logs import address_of, may_see
from tearline.web.signing_in import WEIGHING

_LONGEST = 1_000
_AGREEMENT = re.compile(r"urn:uuid:[0-9a-f-]{36}", re.IGNORECASE)
_OBJECT = re.compile(r"[a-z0-9-]{1,250}--[0-9a-f-]{36}", re.IGNORECASE)
_LEAF = re.compile(r"(?:#|leaf |blatt ) ?(\d{1,17})", re.IGNORECASE | re.ASCII)
_ITEM = re.compile(r"(?:sha256:)?([0-9a-f]{16,64})", re.IGNORECASE)


def place_of(asked: Asked) -> str:
    """Where what was asked for (`q`) is: a page of its own, else the search among the objects."""
    words = " ".join(asked.query.get("q", "")[:_LONGEST].split())
    if not words:
        return "/objects"
    with asked.home.store.read() as tx:
        found = _exact(tx, asked, words) if words.isprintable() else None
    return found or f"/objects?{urlencode({'q': words})}"


def _exact(tx: Tx, asked: Asked, words: str) -> str | None:
    """The page of what is called just so; None where nothing is that the viewer may see."""
    return (
        _partner(tx, words)
        or _agreement(tx, words)
        or _object(tx, asked, words)
        or (_leaf(tx, asked, words) or _item(tx, words) if asked.who.may(*WEIGHING) else None)
    )


def _partner(tx: Tx, words: str) -> str | None:
    found = parties.partners_named(tx, words)
    if len(found) > 1:
        return "/partners"
    return f"/partners/{quote(found[0].slug)}" if found else None


def _agreement(tx: Tx, words: str) -> str | None:
    if _AGREEMENT.fullmatch(words):
        found = [words.lower()] if agreements.versions(tx, words.lower()) else []
    else:
        found = agreements.titled(tx, words)
    if len(found) > 1:
        return "/agreements"
    return f"/agreements/{quote(found[0].removeprefix('urn:uuid:'))}" if found else None


def _object(tx: Tx, asked: Asked, words: str) -> str | None:
    if not _OBJECT.fullmatch(words):
        return None
    stix_id = words.lower()
    _, versions = lives.held_as(tx, stix_id, now=asked.now)
    return f"/objects/{quote(stix_id)}" if versions else None


def _leaf(tx: Tx, asked: Asked, words: str) -> str | None:
    """The log that alone has a leaf of this number; else the list of logs."""
    match = _LEAF.fullmatch(words)
    if match is None:
        return None
    leaf = int(match[1])
    heads = logs.heads(tx, [each for each in logs.names(tx) if may_see(asked, each)])
    found = [name for name, head in heads.items() if leaf < head.size]
    return f"{address_of(found[0])}?leaf={leaf}" if len(found) == 1 else "/log"


def _item(tx: Tx, words: str) -> str | None:
    match = _ITEM.fullmatch(words)
    found = reviews.reviews_named(tx, f"sha256:{match[1].lower()}") if match else []
    return f"/queue/{found[0].item}" if len(found) == 1 else None
