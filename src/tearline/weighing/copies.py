"""Reports that look like copies of each other: proposed as ties, for a person to confirm or refuse.

Two reports of ours that came out within two days are proposed where more than three in ten of their
runs of five words are the same, or where both carry the tag of the same agency and have a claim in
the same proposition. The later rests on the earlier. What was judged once, in either direction, is
never proposed again.
"""

import re
import zlib
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from itertools import combinations
from typing import Any, NamedTuple

import orjson

from tearline.agreement.home import Home
from tearline.stix.timestamp import parse_timestamp
from tearline.store import claims, objects, worth
from tearline.store.claims import PROPOSED
from tearline.store.database import Tx
from tearline.store.objects import OURS
from tearline.store.worth import Tie

WORDS = 5
"""How many words a run has."""
ALIKE = 0.3
"""Reports with more than this part of all their runs in common look like copies."""
FEWEST = 4
"""A report with fewer runs is too short to be compared."""
WITHIN_US = 2 * 86_400_000_000
"""How far apart two reports that are compared may have come out."""

KIND = "duplicate-of"
"""The kind of a tie that is proposed."""

_COMMON = 50
"""A run of words that so many reports of two days have is a form, and leads to no comparison."""
_PART = 500
_AGENCIES = "afp|ansa|ap|apa|dpa|efe|epd|interfax|kna|reuters|sid|tass|upi|xinhua"
_TAG = re.compile(
    rf"\((?:[^()]{{0,40}}[/, ])?({_AGENCIES})(?:[/, ][^()]{{0,40}})?\)", re.IGNORECASE
)
_WORD = re.compile(r"\w+")


class Read(NamedTuple):
    """A report to be compared: when it came out, its runs of words, and its agencies."""

    published_at: int
    stix_id: str
    runs: frozenset[int]
    agencies: frozenset[str]


class Copy(NamedTuple):
    """Two reports that look alike: the later, the earlier, and by what it shows."""

    later: str
    earlier: str
    why: str


def propose(home: Home, *, now: int) -> int:
    """Compare the reports that we hold, and propose ties; returns how many are new."""
    with home.store.write() as tx:
        read = sorted(_reports(tx))
        found = {(each.later, each.earlier): each for each in _same_agency(tx, read)}
        found |= {(each.later, each.earlier): each for each in look_alike(read)}
        new = [
            Tie(*key, "duplicate-of", PROPOSED, "", now, found[key].why) for key in sorted(found)
        ]
        return worth.propose_ties(tx, new)


def runs_of(text: str) -> frozenset[int]:
    """Return the runs of five words in a text, as numbers; case and punctuation do not count."""
    words = _WORD.findall(text.casefold())
    runs = zip(*(words[begin:] for begin in range(WORDS)), strict=False)
    return frozenset(zlib.crc32(" ".join(each).encode()) for each in runs)


def agencies_of(text: str) -> frozenset[str]:
    """Return the agencies whose tag a text carries, "(dpa)" or "(AFP/Reuters)"."""
    tagged = (each.group(0).casefold() for each in _TAG.finditer(text))
    return frozenset(name for tag in tagged for name in re.findall(rf"\b(?:{_AGENCIES})\b", tag))


def look_alike(read: Iterable[Read]) -> Iterator[Copy]:
    """Yield the pairs whose runs of words are alike, of reports in the order of their coming out.

    Takes time in proportion to the runs and to the pairs that share any.
    """
    window: deque[Read] = deque()
    having: dict[int, list[Read]] = {}
    for each in read:
        while window and window[0].published_at < each.published_at - WITHIN_US:
            _forget(window.popleft(), having)
        if len(each.runs) < FEWEST:
            continue
        shared = Counter(
            other
            for run in each.runs
            if len(holders := having.get(run, ())) <= _COMMON
            for other in holders
        )
        for other in sorted(shared):
            both = len(each.runs & other.runs)
            part = both / (len(each.runs) + len(other.runs) - both)
            if part > ALIKE:
                why = f"{part:.0%} of their runs of five words are the same"
                yield Copy(each.stix_id, other.stix_id, why)
        window.append(each)
        for run in each.runs:
            having.setdefault(run, []).append(each)


def _forget(gone: Read, having: dict[int, list[Read]]) -> None:
    for run in gone.runs:
        having[run].remove(gone)
        if not having[run]:
            del having[run]


def _same_agency(tx: Tx, read: Iterable[Read]) -> Iterator[Copy]:
    """Yield reports with the tag of one agency that say the same, and came out together."""
    tagged = {each.stix_id: each for each in read if each.agencies}
    rows = claims.of_reports(tx, tagged)
    names = claims.propositions(tx, [each.stix_id for each in rows])
    saying: dict[str, set[str]] = {}
    for each in rows:
        if each.report and each.stix_id in names:
            saying.setdefault(names[each.stix_id], set()).add(each.report)
    for reports in saying.values():
        for earlier, later in combinations(sorted(tagged[each] for each in reports), 2):
            both = earlier.agencies & later.agencies
            if both and later.published_at - earlier.published_at <= WITHIN_US:
                why = f"both carry the tag of {', '.join(sorted(both))}, and say the same"
                yield Copy(later.stix_id, earlier.stix_id, why)


def _reports(tx: Tx) -> Iterator[Read]:
    """Yield the reports of ours that say when they came out."""
    before = None
    while True:
        part = objects.newest(tx, OURS, type_="report", before=before, limit=_PART)
        for raw in objects.raw_of(tx, [each.seq for each in part]).values():
            if (found := _read(orjson.loads(raw))) is not None:
                yield found
        if len(part) < _PART:
            return
        before = part[-1].seq


def _read(doc: dict[str, Any]) -> Read | None:
    published = doc.get("published")
    texts = [each for each in (doc.get("name"), doc.get("description")) if isinstance(each, str)]
    if not isinstance(published, str) or not texts:
        return None
    text = "\n".join(texts)
    at = parse_timestamp(published)
    return Read(at, doc["id"], runs_of(text), agencies_of(text))
