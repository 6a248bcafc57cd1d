"""A node's process that dies: it plays acts on a home until `kill -9` ends it in the midst of one.

Each line of standard input is one life. It is lived in a fork, so that what takes long, to load
the program, is done once; the fork opens the home anew, as a process that starts does. It says
each act that was done, and whoever reads that may count on it.
"""

import json
import os
import random
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Engine, event

from tearline.agreement import home as homes
from tearline.agreement.home import Home
from tearline.approval import queue
from tearline.approval.queue import Says
from tearline.errors import RefusedError
from tearline.log import record
from tearline.log.record import Entry
from tearline.node.publisher import flush_private, publish_grown
from tearline.release import arrive
from tearline.release.arrive import Annotation
from tearline.release.reconcile import reconcile_all
from tearline.stix.objects import read
from tearline.stix.timestamp import format_timestamp
from tearline.store import annotations, reviews
from tearline.store.database import Tx

SECOND = 1_000_000
SAYS: dict[Says, int] = {"approve": 30, "request": 1, "refuse": 1}
_append_all = record.append_all


class Life:
    """One life of the process: its home, its chance, its clock."""

    def __init__(self, told: dict[str, Any]) -> None:
        if told["store"]:
            homes.store_of = lambda path: told["store"] or path
        self.home: Home = homes.open_home(Path(told["home"]))
        self.chance = random.Random(told["seed"])
        self.now = int(told["now"])
        self.torn = bool(told.get("torn"))
        self.docs: list[dict[str, Any]] = told["docs"]
        self.keys = {
            name: Ed25519PrivateKey.from_private_bytes(bytes.fromhex(key))
            for name, key in told["keys"].items()
        }
        self.doing = ""
        self.late: list[tuple[Sequence[Entry], int]] = []
        if self.torn:
            record.append_all = self._append_later

    def live(self, acts: int) -> None:
        choices = [self.said, self.changed, self.held, self.decided, self.published]
        for act in self.chance.choices(choices, [6, 1, 2, 6, 2], k=acts):
            self.now += SECOND
            self.doing = act.__name__
            tell(done=act.__name__, did=act(), now=self.now)

    def said(self) -> list[list[str]]:
        """People say something of a few items; what was kept."""
        kept = []
        every = queue.items(self.home, now=self.now)
        assert all(each.state == each.review.state for each in every)
        found = [each for each in every if each.state != "rests"]
        with self.home.store.read() as tx:
            enrolled = {each.name: each for each in reviews.people(tx)}
        wanted = [
            (each.review.item, name)
            for each in self.chance.sample(found, min(len(found), 4))
            for name in self.chance.sample(list(self.keys), 2)
        ]
        for item, name in wanted:
            (verdict,) = self.chance.choices(list(SAYS), list(SAYS.values()))
            said = queue.statement(item, name, verdict, "a reason", now=self.now)
            with suppress(RefusedError):
                queue.say(
                    self.home, queue.sign(said, enrolled[name], self.keys[name]), now=self.now
                )
                kept.append([item, name, verdict])
        return kept

    def changed(self) -> str:
        """A new version of an object comes: what was signed of the bytes before counts no more."""
        doc = self.chance.choice(self.docs)
        doc |= {"modified": format_timestamp(self.now), "description": f"as of {self.now}"}
        objects = [read(json.dumps(doc).encode())]
        arrive.arrive(
            self.home, objects, source="test", annotation=Annotation(0, None), now=self.now
        )
        return str(doc["id"])

    def held(self) -> str:
        """Hold one object back, or let go of what is held."""
        with self.home.store.read() as tx:
            holds = annotations.holds(tx)
        for kind, value in holds:
            arrive.release_hold(self.home, kind, value, "no doubt", now=self.now)
        if holds:
            return ""
        stix_id = str(self.chance.choice(self.docs)["id"])
        arrive.hold(self.home, "object", stix_id, "a doubt", now=self.now)
        return stix_id

    def decided(self) -> int:
        """Reconcile, as the job of a node does."""
        done = reconcile_all(self.home, now=self.now)
        if self.late:
            die()
        return sum(each.released for each in done.values())

    def published(self) -> int:
        """Write the private log, and sign what grew."""
        return flush_private(self.home, now=self.now) + len(publish_grown(self.home, now=self.now))

    def die_in(self, act: str, number: int) -> None:
        """Die in acts of this kind, before the statement of this number, BEGIN and COMMIT too."""
        left = number

        def _count(*_call: object) -> None:
            nonlocal left
            left -= self.doing == act
            if left <= 0:
                die()

        event.listen(Engine, "before_cursor_execute", _count)

    def _append_later(self, tx: Tx, entries: Sequence[Entry], *, at: int) -> list[int]:
        """Leave the leaves of releases for a transaction of their own: what may never be."""
        if not entries or {each.kind for each in entries} != {"release"}:
            return _append_all(tx, entries, at=at)
        self.late.append((entries, at))
        return list(range(10_000, 10_000 + len(entries)))


def die() -> None:
    """End as a process ends that is killed: nothing is tidied up."""
    os.kill(os.getpid(), signal.SIGKILL)


def tell(**said: object) -> None:
    """Say a line, at once."""
    sys.stdout.write(json.dumps(said) + "\n")
    sys.stdout.flush()


def main() -> None:
    """Live each life that is told, one after the other; say when it is over, and how it ended."""
    for line in sys.stdin:
        told = json.loads(line)
        pid = os.fork()
        if pid == 0:
            tell(pid=os.getpid())
            life = Life(told)
            if told["dies_in"]:
                life.die_in(*told["dies_in"])
            life.live(told["acts"])
            os._exit(0)
        _, status = os.waitpid(pid, 0)
        tell(over=True, killed=os.WIFSIGNALED(status), status=status)


if __name__ == "__main__":
    main()
