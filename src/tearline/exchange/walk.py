"""How a walk through a collection goes on: from page to page, after a stop, and the next time.

Pure. Nothing may be passed over, whatever a server does, and no server may lead us in a circle:

- `next` is followed first. It names a place exactly, where moments may be shared by many objects.
- A `next` that may have been used already is not used again: some servers count pages on their
  side, and would leave one out. After a stop the walk goes on by moment, a microsecond early, so
  that objects of the same moment come again; where the moments of a server are of no use, from
  its beginning.
- A server that says `more` without `next` is read on by moment likewise.
- After a walk that brought something new the next one begins `OVERLAP_US` earlier: what is stamped
  before it is committed, or added twice in one moment, is seen then.
"""

from typing import NamedTuple

from tearline.errors import SourceError
from tearline.exchange.foreign import Ask, Page
from tearline.store.sources import Walk

OVERLAP_US = 60_000_000
_MOST_EMPTY = 20
_LARGEST = 10_000


class Step(NamedTuple):
    """A walk, how many objects it asks for at a time, and what it met since it was resumed."""

    walk: Walk
    limit: int
    empty: int = 0
    seen: frozenset[tuple[str, str]] = frozenset()

    @property
    def ask(self) -> Ask:
        """The page that comes next."""
        return Ask(self.walk.after_at, self.walk.next, self.limit)


def resumed(walk: Walk) -> Walk:
    """Return where a walk goes on after a stop, or where the next one begins."""
    if not walk.open:
        start = walk.done_at
        if start is not None and walk.fresh:
            start = max(start - OVERLAP_US, 0)
        return Walk(done_at=walk.done_at, after_at=start, open=True)
    if walk.next and walk.sure:
        return walk
    return by_moment(walk)


def by_moment(walk: Walk) -> Walk:
    """Return a walk that goes on at the last moment it knows, or begins again."""
    after_at = walk.after_at
    if walk.ordered and walk.top_at is not None:
        after_at = max(walk.top_at - 1, 0)
    return walk._replace(after_at=after_at, next="", sure=False)


def advance(step: Step, page: Page, digest: str, *, fresh: bool, now: int) -> Step:
    """Return the walk after a page was kept; SourceError when it leads nowhere.

    `digest` tells pages apart; `fresh` says that the page brought something new. A walk at its end
    is not open any more.
    """
    walk = _met(step.walk, page, fresh=fresh)
    if not page.more:
        # A clock that is ahead of ours, there, must not hide what comes until then.
        done = [min(at, now) for at in (walk.done_at, walk.top_at) if at is not None]
        return step._replace(
            walk=Walk(done_at=max(done, default=None), fresh=walk.fresh, met=walk.met)
        )
    empty = 0 if page.raws else step.empty + 1
    if empty > _MOST_EMPTY:
        raise _nowhere(f"{empty} empty pages, and says there are more")
    if not page.next:
        return _by_moment(step, walk, empty)
    if (page.next, digest) in step.seen:
        raise _nowhere("the same page again and again")
    seen = step.seen | {(page.next, digest)}
    return step._replace(walk=walk._replace(next=page.next, sure=False), empty=empty, seen=seen)


def _met(walk: Walk, page: Page, *, fresh: bool) -> Walk:
    top, first, last = walk.top_at, page.first_at, page.last_at
    fell = first is not None and (
        (top is not None and first < top) or (last is not None and last < first)
    )
    tops = [at for at in (top, last) if at is not None]
    return walk._replace(
        top_at=max(tops, default=None),
        ordered=walk.ordered and not fell,
        fresh=walk.fresh or fresh,
        met=walk.met + len(page.raws),
    )


def _by_moment(step: Step, walk: Walk, empty: int) -> Step:
    """Go on by moment; where all of a page has one moment, ask for more at a time."""
    if walk.top_at is None or not walk.ordered:
        raise _nowhere("'more' without 'next', and no moments to go on by")
    new = by_moment(walk)
    moved = step.walk.after_at is None or (new.after_at or 0) > step.walk.after_at
    if moved:
        return step._replace(walk=new, empty=empty)
    if step.limit >= _LARGEST:
        raise _nowhere(f"more than {step.limit} objects of one moment, and no 'next'")
    return step._replace(walk=new, limit=min(step.limit * 4, _LARGEST), empty=empty)


def _nowhere(what: str) -> SourceError:
    return SourceError(
        f"The server gives {what}.",
        means="What came was kept; reading stopped here.",
        do="Tell them: their server does not follow TAXII. It is tried again later.",
    )
