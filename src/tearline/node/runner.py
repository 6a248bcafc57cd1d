"""The standing jobs of a running node, each in a thread, each done by one process at a time.

    decide    reconcile every agreement; let go of what expired of partners' objects; make leaves of
              what waits for the private log
    carry     bring messages to partners; read what they give
    poll      read foreign TAXII servers
    import    import what browsers brought to this machine
    served    make a leaf of what each plain client was served in an hour
    list      sort what arrived into the lists, its words into the index, weigh claims
    publish   sign the logs that grew; commit to all of them in the node log, once for each turn
    witness   have the outside witness of the settings cosign what was signed

Any worker process may run a job; a lease says which one does. A job that fails is logged and tried
again later, later each time.
"""

import os
import platform
import threading
import time
from collections.abc import Callable

import structlog

from tearline import clock
from tearline.agreement import force
from tearline.agreement.home import Home
from tearline.agreement.renewing import erase_expired
from tearline.errors import PartnerError, TearlineError
from tearline.exchange import peer
from tearline.exchange.cosigned import outside
from tearline.node.importing import Importing
from tearline.node.polling import Polling
from tearline.node.publisher import flush_private, publish_grown, publish_node
from tearline.release.expiring import expire_all
from tearline.release.listing import sort_in
from tearline.release.reconcile import reconcile_all
from tearline.release.serving import log_served
from tearline.release.stepping import STEP
from tearline.store import agreements, jobs, objects, parties
from tearline.weighing.indexing import sort_in as sort_claims_in
from tearline.weighing.worth import settle

LEASE_US = 15_000_000
_RENEW_US = 5_000_000
_TICK_S = 1.0
_SECOND_US = 1_000_000
_LONGEST_WAIT_S = 300
_STAND_ASIDE = 30
_STEPS = 20
_log = structlog.get_logger("tearline.node")


class Job:
    """One standing job: does its `act` every second while this process holds its lease."""

    def __init__(self, home: Home, name: str, act: Callable[[int], None]) -> None:
        """Bind the act, which takes the moment; nothing runs before `start`."""
        self._home = home
        self._name = name
        self._act = act
        self._holder = f"{os.getpid()}-{clock.fresh_bytes(8).hex()}"
        self._held_until = 0
        self._failures = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"tearline-{name}", daemon=True)

    def start(self) -> None:
        """Run in the background until `stop`."""
        self._thread.start()

    def stop(self) -> None:
        """Ask the job to end after the step it is in."""
        self._stop.set()

    def join(self, seconds: float) -> None:
        """Wait for the step to end, so long at most, and give the lease back."""
        self._thread.join(seconds)
        if not self._thread.is_alive() and self._held_until:
            with self._home.store.write() as tx:
                jobs.give_back(tx, self._name, self._holder)

    def step(self, now: int) -> bool:
        """Do the act once if this process holds the lease; whether it did it without an error."""
        try:
            if not self._lease(now):
                return True
            self._act(now)
        except TearlineError as error:
            _log.error("job failed", job=self._name, error=error.what)
            return False
        except Exception as error:  # noqa: BLE001  # a job must outlive whatever one step meets
            _log.error("job broke", job=self._name, error=type(error).__name__, exc_info=True)
            return False
        return True

    def _lease(self, now: int) -> bool:
        if self._held_until - LEASE_US + _RENEW_US > now >= self._held_until - LEASE_US:
            return True
        self._held_until = 0
        with self._home.store.read() as tx:
            held = jobs.holder_of(tx, self._name, now=now, span_us=LEASE_US)
        if held not in {None, self._holder}:
            return False
        with self._home.store.write() as tx:
            mine = jobs.take(tx, self._name, self._holder, now=now, span_us=LEASE_US)
        self._held_until = now + LEASE_US if mine else 0
        return mine

    def _run(self) -> None:
        wait = 0.0
        while not self._stop.wait(wait):
            begun = time.monotonic()
            done = self.step(clock.now())
            self._failures = 0 if done else self._failures + 1
            pause = _TICK_S if done else backoff_s(self._failures)
            wait = max(pause - (time.monotonic() - begun), 0.05)


def backoff_s(failures: int) -> float:
    """Return how long to wait after so many failures in a row."""
    return float(min(2 ** min(failures, 10), _LONGEST_WAIT_S))


def all_jobs(home: Home) -> list[Job]:
    """Return the jobs of a node; that of the outside witness where there is one."""
    found = [
        Job(home, "decide", Deciding(home)),
        Job(home, "carry", Carrying(home)),
        Job(home, "poll", Polling(home)),
        Job(home, f"import {platform.node()}", Importing(home)),
        Job(home, "served", lambda now: _log_served(home, now)),
        Job(home, "list", Listing(home)),
        Job(home, "publish", lambda now: _publish(home, now)),
    ]
    if home.settings.witness_url:
        found.append(Job(home, "witness", lambda now: _have_cosigned(home, now)))
    return found


def _log_served(home: Home, now: int) -> None:
    log_served(home, now=now)


def _publish(home: Home, now: int) -> None:
    publish_grown(home, now=now)
    publish_node(home, now=now)


def _have_cosigned(home: Home, now: int) -> None:
    problem = next((each for each in outside(home, now=now) if each.problem), None)
    if problem is not None:
        raise PartnerError(f"The outside witness did not cosign {problem.log}: {problem.problem}.")


class Deciding:
    """Reconcile at once; make private leaves at the turns of a fixed cadence.

    The cadence is of the clock, not of what happens, so that a leaf's moment says nothing.
    """

    def __init__(self, home: Home) -> None:
        """Begin in the turn of the first call."""
        self._home = home
        self._turn: int | None = None

    def __call__(self, now: int) -> None:
        """Do what is due at this moment."""
        reconcile_all(self._home, now=now)
        expire_all(self._home, now=now)
        turn = now // (max(self._home.settings.private_seconds, 1) * _SECOND_US)
        if self._turn not in {None, turn}:
            flush_private(self._home, now=now)
            erase_expired(self._home, now=now)
        self._turn = turn


class Listing:
    """Sort in what arrived; while more and more arrives, leave the one writer's lock to that."""

    def __init__(self, home: Home) -> None:
        """Begin without having seen how much is held."""
        self._home = home
        self._last = 0
        self._stood_aside = 0

    def __call__(self, _now: int) -> None:
        """Do some steps, unless somebody is bringing objects just now."""
        with self._home.store.read() as tx:
            last = objects.last(tx)
        grows, self._last = last > self._last + STEP, last
        if grows and self._stood_aside < _STAND_ASIDE:
            self._stood_aside += 1
            return
        self._stood_aside = 0
        sort_in(self._home, steps=_STEPS)
        sort_claims_in(self._home, steps=_STEPS)
        settle(self._home, steps=_STEPS, now=clock.now())


class Carrying:
    """Bring messages as they come up and read partners in turn; wait longer for who fails."""

    def __init__(self, home: Home) -> None:
        """Begin with everybody due."""
        self._home = home
        self._waits: dict[str, tuple[int, int]] = {}
        self._synced: dict[str, int] = {}
        self._tried: dict[str, frozenset[str]] = {}
        self._called_at = 0

    def __call__(self, now: int) -> None:
        """Do what is due at this moment, partner by partner."""
        if now < self._called_at:  # the clock was set back: what was noted by it would hold us up
            self._waits.clear()
            self._synced.clear()
        self._called_at = now
        for slug in self._partners():
            with self._home.store.read() as tx:
                waiting = frozenset(each.id for each in agreements.undelivered(tx, slug))
            fresh = bool(waiting - self._tried.get(slug, frozenset()))
            failures, after = self._waits.get(slug, (0, 0))
            if now < after and not fresh:
                continue
            if self._due(slug, now):
                self._try(slug, failures, now, sync=True)
            elif waiting:
                self._try(slug, failures, now, sync=False)
            else:
                continue
            self._tried[slug] = waiting

    def _partners(self) -> list[str]:
        with self._home.store.read() as tx:
            return [
                each.slug
                for each in parties.partners(tx)
                if each.card is not None and each.blocked_at is None and peer.address(each)
            ]

    def _due(self, slug: str, now: int) -> bool:
        every = self._home.settings.poll_seconds * _SECOND_US
        if not every or now - self._synced.get(slug, 0) < every:
            return False
        with self._home.store.read() as tx:
            bound = force.all_in_force(tx, now=now)
        return any(each.partner == slug and not each.one_sided for each in bound)

    def _try(self, slug: str, failures: int, now: int, *, sync: bool) -> None:
        """Sync or deliver; remember when the partner's turn comes again if something failed."""
        problem = ""
        try:
            if sync:
                self._synced[slug] = now
                result = peer.sync(self._home, slug, now=now)
                refused = result.delivered.refused
                problem = next((each.what for each in result.problems), "")
            else:
                refused = peer.deliver(self._home, slug, now=now).refused
            problem = problem or (refused[0].reason if refused else "")
        except TearlineError as error:
            problem = error.what
        if problem:
            self._waits[slug] = failures + 1, now + int(backoff_s(failures + 1) * _SECOND_US)
            _log.warning("partner", party=slug, sync=sync, problem=problem)
        else:
            self._waits.pop(slug, None)
