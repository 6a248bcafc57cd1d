"""Sources: foreign TAXII servers that we read. What comes is an import of ours, never a release.

A page is kept and the cursor moved in one transaction: whoever kills a poll and starts another
loses nothing and counts nothing twice. How a walk goes on is for `walk`, what a page looks like
for `foreign` and `foreign_20`.
"""

import hashlib
import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import NamedTuple

import orjson

from tearline.agreement.home import Home
from tearline.errors import InputError, MisuseError, RefusedError, SourceError
from tearline.exchange import foreign, foreign_20, walk
from tearline.exchange.foreign import Page
from tearline.exchange.foreign_20 import MovedError
from tearline.exchange.foreign_line import (
    BusyError,
    Line,
    Login,
    NotThereError,
    NotUnderstoodError,
    ShutOutError,
    TooLargeError,
)
from tearline.exchange.keeping import (
    Document,
    ImportResult,
    limits_of,
    remarks,
    take,
)
from tearline.exchange.reading import Placed, batches
from tearline.exchange.walk import Step
from tearline.release.arrive import Annotation
from tearline.stix.bundle import Limits
from tearline.stix.strict import collector_paused
from tearline.stix.timestamp import format_timestamp
from tearline.store import private, sources
from tearline.store.database import Tx
from tearline.store.sources import Reading, Source, Turn

Progress = Callable[[int], None]
"""Told how many objects of a collection have come."""

_US = 1_000_000
_REASONS = 20
_RESTARTS = 3
_SMALLER = 8
_FIRST_WAIT_S = 30
_LONGEST_WAIT_S = 3600
_READ = {"2.1": foreign.read_page, "2.0": foreign_20.read_page}


class Polled(NamedTuple):
    """What one poll of one collection did; `ended` when it read to the end."""

    source: str
    collection: str
    title: str
    objects: int
    result: ImportResult
    ended: bool
    problem: SourceError | None


class EndlessError(ShutOutError):
    """More came than an operator allows to be read in one walk."""


NOTHING = ImportResult()
"""What a poll brought that was not made."""


def source_label(name: str) -> str:
    """Return what objects of a source are said to come from."""
    return f"taxii:{name}"


# ------------------------------------------------------------------------------- adding, ending


def add(home: Home, entry: Source, readings: Sequence[Reading], *, now: int) -> None:
    """Keep a source with the collections that are to be read; MisuseError for a name in use."""
    with home.store.write() as tx:
        held = sources.source_named(tx, entry.name)
        if held is not None and held.ended_at is None:
            raise MisuseError(
                f"There is a source {entry.name} already.",
                do="Choose another name, or end that one: `tearline source end`.",
            )
        sources.add(tx, entry, list(readings))
        _record(tx, "source", {"source": entry.name, "url": entry.url}, now)


def end(home: Home, name: str, *, now: int) -> Source:
    """Stop reading a source for good: what it gave stays, what lets us in there is erased."""
    with home.store.write() as tx:
        held = open_source(tx, name)
        sources.end(tx, name, at=now)
        _record(tx, "source-ended", {"source": name}, now)
    return held


def retry(home: Home, name: str, login: Login | None = None) -> Source:
    """Let a source be asked at once, whatever stopped it; with another login where one is given."""
    with home.store.write() as tx:
        open_source(tx, name)
        if login is not None:
            sources.put_login(tx, name, way=login.way, login=login.user, secret=login.secret)
        for each in sources.readings_of(tx, name):
            sources.put_turn(tx, each, Turn(last_at=None))
            sources.put_walk(tx, each, each.walk._replace(met=0))
            sources.put_tally(tx, each, each.tally._replace(reasons="[]"))
        return open_source(tx, name)


def open_source(tx: Tx, name: str) -> Source:
    """Return a source that is not ended; MisuseError when there is none of that name."""
    held = sources.source_named(tx, name)
    if held is None or held.ended_at is not None:
        raise MisuseError(f"There is no source {name}.", do="See `tearline source list`.")
    return held


def login_of(source: Source) -> Login:
    """Return what lets us in at a source."""
    return Login(source.way, source.login, source.secret)


def due_at(source: Source, reading: Reading) -> int | None:
    """Return when a collection is to be read next by itself; None for never."""
    turn = reading.turn
    if source.ended_at is not None or turn.stopped or not source.every_s:
        return None
    regular = 0 if turn.last_at is None else turn.last_at + source.every_s * _US
    if turn.failures or reading.walk.open:
        regular = turn.last_at or 0
    return max(regular, turn.again_at or 0, turn.wait_at or 0)


# -------------------------------------------------------------------------------------- polling


def poll(
    home: Home,
    name: str,
    url: str,
    *,
    seconds: float | None = None,
    progress: Progress = lambda _count: None,
    now: int,
) -> Polled:
    """Read a collection of a source on from where it stands; to its end, or for `seconds`.

    Never raises for what the server does: that is in the result, and in what `source show` says.
    """
    with home.store.read() as tx:
        source, reading = open_source(tx, name), sources.reading_at(tx, name, url)
    if reading is None:
        raise MisuseError(f"{name} has no collection at {url}.", do="See `tearline source show`.")
    poller = _Poll(home, source, reading, now, progress)
    problem = None
    try:
        poller.run(seconds)
    except SourceError as error:
        problem = error
    except InputError as error:
        # Nobody need foresee each way in which an answer can be odd.
        problem = SourceError(f"An answer makes no sense: {error.what}", do="Tell them.")
    poller.close(problem)
    return Polled(
        name,
        reading.id,
        reading.title,
        poller.objects,
        poller.result + ImportResult(remarks=remarks(name, poller.notices)),
        not poller.step.walk.open,
        problem,
    )


class _Poll:
    """One poll of one collection: where it stands, and what came of it."""

    def __init__(
        self, home: Home, source: Source, reading: Reading, now: int, progress: Progress
    ) -> None:
        self.step = Step(walk.resumed(reading.walk), source.page)
        self.result = ImportResult()
        self.notices: Counter[str] = Counter()
        self.objects = 0
        self._home = home
        self._source = source
        self._reading = reading
        self._limits: Limits = limits_of(home.settings)
        self._progress = progress
        self._begun = (now, time.monotonic())
        self._restarts = 0

    @property
    def now(self) -> int:
        """The moment: a poll may take hours."""
        start, begun = self._begun
        return start + int((time.monotonic() - begun) * _US)

    def run(self, seconds: float | None) -> None:
        """Read pages to the end, or until the time is up."""
        until = None if seconds is None else self._begun[1] + seconds
        login = login_of(self._source)
        self._use_up()
        with Line(self._reading.url, login, plain_http=self._source.plain_http) as line:
            while self.step.walk.open:
                self._turn_page(line)
                if until is not None and time.monotonic() > until:
                    return

    def close(self, problem: SourceError | None) -> None:
        """Write down how it went, and when to come again."""
        new = self.step.walk
        # What was not asked for, or was turned away unread, can be asked for once more.
        sure = problem is None or (isinstance(problem, BusyError) and problem.clean)
        turn = Turn(last_at=self.now)
        if problem is not None:
            turn = _after(problem, self._reading.turn.failures + 1, self.now)
        with self._home.store.write() as tx:
            sources.put_walk(tx, self._reading, new._replace(sure=bool(new.next) and sure))
            sources.put_turn(tx, self._reading, turn)
            if turn.wait_at is not None:
                _hold_off(tx, self._reading, turn.wait_at)

    def _use_up(self) -> None:
        """Say that the 'next' is being used, before it is."""
        if self.step.walk.sure:
            self.step = self.step._replace(walk=self.step.walk._replace(sure=False))
            with self._home.store.write() as tx:
                sources.put_walk(tx, self._reading, self.step.walk)

    def _turn_page(self, line: Line) -> None:
        """Read the page that comes next and keep it; begin again where that is the way on."""
        try:
            page = _READ[self._reading.version](
                line, self._reading.url, self.step.ask, self._limits
            )
        except (NotThereError, NotUnderstoodError, MovedError) as error:
            # A 'next' does not live for ever.
            if not self.step.walk.next or self._restarts >= _RESTARTS:
                raise SourceError(error.what, means=error.means, do=error.do) from error
            self._restart(self.step.limit)
            return
        except TooLargeError:
            if self.step.limit == 1:
                raise
            self._restart(max(1, self.step.limit // _SMALLER))
            return
        self._keep(page)

    def _restart(self, limit: int) -> None:
        self._restarts += limit == self.step.limit
        self.step = Step(walk.by_moment(self.step.walk), limit)

    def _keep(self, page: Page) -> None:
        """Keep a page and move the cursor; SourceError when the page leads nowhere."""
        with collector_paused():
            problem = self._take_in(page)
        self._progress(self.objects)
        if problem is not None:
            raise problem
        if self.step.walk.open and self.step.walk.met > self._limits.max_objects:
            raise EndlessError(
                f"More than {self._limits.max_objects} objects came, and there are more.",
                means="What came was kept; it is not asked again until a person looks at it.",
                do="If that is right, run `tearline source retry`, or raise TEARLINE_MAX_OBJECTS.",
            )

    def _take_in(self, page: Page) -> SourceError | None:
        """Keep a page in batches; the last one moves the cursor in its transaction."""
        document = Document(self._source.name, source_label(self._source.name), page.raws)
        came, notices = ImportResult(), Counter[str]()
        *rest, last = list(batches(page.raws, self._limits, notices)) or [[]]
        for batch in rest:
            with self._home.store.write() as tx:
                came += self._take_batch(tx, document, batch, 0)
        with self._home.store.write() as tx:
            came += self._take_batch(tx, document, last, notices["lifted"])
            problem = self._advance(page, came)
            sources.put_walk(tx, self._reading, self.step.walk)
        self.result += came
        self.notices += notices
        self.objects += len(page.raws)
        self._restarts = 0 if came.stored else self._restarts
        return problem

    def _take_batch(
        self, tx: Tx, document: Document, batch: Sequence[Placed], lifted: int
    ) -> ImportResult:
        reading = sources.reading_at(tx, self._source.name, self._reading.url)
        if reading is None:
            raise RefusedError(f"The source {self._source.name} was ended.", do="Nothing.")
        labels = Annotation(self._source.marking, self._source.grade)
        result = take(tx, document, batch, labels, now=self.now)
        _count(tx, reading, result, lifted)
        return result

    def _advance(self, page: Page, came: ImportResult) -> SourceError | None:
        digest = hashlib.sha256(b"\n".join(page.raws)).hexdigest()
        try:
            self.step = walk.advance(self.step, page, digest, fresh=bool(came.stored), now=self.now)
        except SourceError as error:
            return error
        return None


def _after(problem: SourceError, failures: int, now: int) -> Turn:
    """Return when to come again after a failure: later each time, or as the server asks."""
    wait_s = min(_FIRST_WAIT_S * 2 ** min(failures - 1, 10), _LONGEST_WAIT_S)
    asked_s = problem.wait_s if isinstance(problem, BusyError) else 0
    return Turn(
        last_at=now,
        problem=str(problem),
        failures=failures,
        again_at=now + wait_s * _US,
        wait_at=now + asked_s * _US if asked_s else None,
        stopped=isinstance(problem, ShutOutError),
    )


def _hold_off(tx: Tx, reading: Reading, wait_at: int) -> None:
    """Leave a server alone with its other collections too: it asked for all that we ask."""
    for each in sources.readings_of(tx, reading.source):
        if each.url != reading.url and not each.turn.stopped:
            longer = max(wait_at, each.turn.wait_at or 0)
            sources.put_turn(tx, each, each.turn._replace(wait_at=longer))


def _count(tx: Tx, reading: Reading, result: ImportResult, lifted: int) -> None:
    """Add to what is known of all that came from a collection; the first reasons are kept."""
    before = reading.tally
    reasons = orjson.loads(before.reasons)
    new = [[each.id, each.reason] for each in result.refused[: _REASONS - len(reasons)]]
    tally = before._replace(
        stored=before.stored + result.stored,
        unchanged=before.unchanged + result.unchanged,
        refused=before.refused + len(result.refused),
        lifted=before.lifted + lifted,
        reasons=orjson.dumps(reasons + new).decode() if new else before.reasons,
    )
    if tally != before:
        sources.put_tally(tx, reading, tally)


def _record(tx: Tx, kind: str, record: dict[str, str], now: int) -> None:
    line = {"kind": kind, **record, "at": format_timestamp(now, digits=6)}
    private.add(tx, kind, [orjson.dumps(line).decode()])
