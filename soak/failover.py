"""Kill the primary of three databases behind a running node, again and again.

    python -m soak.failover [--rounds 20] [--seed 1] [--folder FOLDER]

In each round the primary dies with all its children under load, the standby that has received most
is promoted, the node finds it, and the dead one comes back as a standby. After each round all that
was acknowledged has to be there, nothing else but what was in doubt, readers who kept their cursor
have to have seen each object once, and every checkpoint that was ever given out has to fit the log.
"""

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from unittest.mock import patch

import httpx

from soak.traffic import Client, Door, Partner, Reader, Watcher, Writer
from tearline import clock
from tearline.agreement import home as homes
from tearline.errors import TearlineError
from tearline.exchange import accounts
from tearline.log import record, tree
from tearline.log.checkpoint import open_checkpoint
from tearline.release import collecting
from tearline.store import logs
from tearline.store.database import Store
from tests.exchange.nodes import free_socket, heron, loader, make_nodes, url_of
from tests.pair import rel
from tests.trio import Trio, trio

_WRITERS = 2
_WAIT_S = 60.0


class Play:
    """A node on three databases, and the clients that are at work on it."""

    def __init__(self, servers: Trio, folder: Path, *, workers: int = 2) -> None:
        """Set up a node with an agreement, start it, and let nobody in yet."""
        self.servers = servers
        self.database = servers[servers.primary].fresh().rpartition("/")[2]
        self.told = folder / "node.log"
        with free_socket() as sock:
            url = url_of(sock)
        self.door, self._vkey = _set_up(folder, servers.url(self.database), url)
        self._home, self._workers = folder / "north", workers
        self.writers = [Writer(self.door) for _ in range(_WRITERS)]
        self.reader, self.partner = Reader(self.door), Partner(self.door)
        self.watcher = Watcher(self.door)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def clients(self) -> list[Client]:
        """Everybody who asks."""
        return [*self.writers, self.reader, self.partner, self.watcher]

    @property
    def acknowledged(self) -> set[str]:
        """What the writers were told is kept."""
        return set().union(*(each.acknowledged for each in self.writers))

    @property
    def doubtful(self) -> set[str]:
        """What was posted and not acknowledged."""
        return set().union(*(each.doubtful for each in self.writers))

    def start(self) -> None:
        """Run the node as an operator does, and let the clients in when it answers."""
        port = self.door.url.rpartition(":")[2]
        command = [sys.executable, "-m", "tearline", "serve", "--home", str(self._home)]
        address = self.servers.url(self.database)
        env = {
            "TEARLINE_STORE": address,
            "TEARLINE_STORE_READ": address,
            "TEARLINE_PRIVATE_SECONDS": "2",
        }
        with self.told.open("ab") as told:
            self._process = subprocess.Popen(
                [*command, "--port", port, "--workers", str(self._workers)],
                env=os.environ | env,
                stdout=told,
                stderr=told,
                start_new_session=True,
            )
        with self.door.ours() as knocking:
            _until(lambda: self._answers(knocking), "the node did not start")
        for each in self.clients:
            each.start()

    def stop(self) -> None:
        """End the node and the clients, whatever they are at."""
        for each in self.clients:
            each.end()
        if self._process is not None:
            if self._process.poll() is None:
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        for each in self.clients:
            if each.ident is not None:
                each.join(_WAIT_S)

    def more(self, count: int) -> None:
        """Wait until so many more objects were acknowledged."""
        wanted = len(self.acknowledged) + count
        _until(lambda: len(self.acknowledged) >= wanted, "nothing is acknowledged")

    def kill_and_promote(self) -> float:
        """Kill the primary, promote the best standby; return how long nothing was acknowledged."""
        begun = time.monotonic()
        self.servers.kill_primary()
        self.servers.promote()
        self.more(1)
        return time.monotonic() - begun

    @contextmanager
    def standing(self, seconds: float = _WAIT_S) -> Iterator[None]:
        """Let the writers rest, and the others see what there is, for a look at all of it."""
        for writer in self.writers:
            writer.rest()
        _wait(lambda: not self._behind(), seconds)
        readers = (self.reader, self.partner, self.watcher)
        for each in readers:
            each.rest()
        yield
        for client in self.clients:
            client.go_on()

    def problems(self) -> list[str]:
        """Everything that does not hold, while all stand still; empty when all is well."""
        present, given = self._present(), self._given()
        known = {heron["id"], loader["id"], rel(heron, "uses", loader)["id"]}
        checks = {
            "acknowledged and lost": self.acknowledged - present.keys(),
            "there, and never posted": present.keys() - self.acknowledged - self.doubtful,
            "twice in the collection": {each for each, times in present.items() if times > 1},
            "there, and not given under the agreement": (present.keys() | known) - given.keys(),
            "given, and not there": given.keys() - present.keys() - known,
            **_unlike("by our own reader", self.reader.seen, present),
            **_unlike("by the partner", self.partner.seen, given),
        }
        told = [f"{len(found)} {what}: {min(found)}" for what, found in checks.items() if found]
        return [*told, *self._log_problems()]

    def _behind(self) -> bool:
        """Whether the readers have not yet seen all that there is."""
        present, given = self._present(), self._given()
        signed = self.watcher.notes and self.watcher.notes[-1].split("\n")[1]
        return not (
            self.reader.seen.keys() == present.keys()
            and self.partner.seen.keys() == given.keys()
            and len(given) == len(present) + 3
            and signed == str(self._log_size())
        )

    def _present(self) -> Counter[str]:
        return self._column("SELECT stix_id FROM collected")

    def _given(self) -> Counter[str]:
        return self._column("SELECT delivered_id FROM release WHERE live")

    def _column(self, query: str) -> Counter[str]:
        rows = self.servers[self.servers.primary].ask(query, self.database)
        return Counter(str(row[0]) for row in rows)

    def _log_size(self) -> int:
        log = record.our_log(self.door.agreement_id)
        sizes = self._column(f"SELECT size FROM log_head WHERE log = '{log}'")  # noqa: S608  # ours
        return max(map(int, sizes), default=0)

    def _log_problems(self) -> list[str]:
        """What of the checkpoints that were given out does not fit the log."""
        store = Store(self.servers.url(self.database, self.servers.primary))
        log = record.our_log(self.door.agreement_id)
        with store.read() as tx:
            size = logs.head(tx, log).size
            leaves = logs.hashes(tx, log, 0, 0, size)
        store.close()
        found = []
        origin = self._vkey.partition("+")[0]
        for note in self.watcher.notes:
            try:
                signed = open_checkpoint(note, self._vkey, origin)
            except TearlineError as error:
                found.append(f"a checkpoint that is not signed: {error.what}")
                continue
            if signed.size > size:
                found.append(f"a signed log of {signed.size} leaves, of which {size} are there")
            elif tree.root(leaves[: signed.size]) != signed.root:
                found.append(f"another log than the one of {signed.size} leaves that was signed")
        return found

    def _answers(self, knocking: httpx.Client) -> bool:
        assert self._process is not None
        if self._process.poll() is not None:
            raise AssertionError(self.told.read_text()[-3000:])
        try:
            return knocking.get("/health").is_success
        except httpx.HTTPError:
            return False


def _unlike(by: str, seen: Counter[str], there: Counter[str]) -> dict[str, set[str]]:
    return {
        f"seen more than once {by}": {each for each, times in seen.items() if times > 1},
        f"never seen {by}": there.keys() - seen.keys(),
        f"seen {by} and not there": seen.keys() - there.keys(),
    }


def _set_up(folder: Path, store: str, url: str) -> tuple[Door, str]:
    """Make North on the databases, South in a file, their agreement, a collection and keys."""

    def _place(path: Path) -> Path | str:
        return store if "north" in path.name else path / "node.db"

    with patch.object(homes, "store_of", _place):
        nodes = make_nodes(folder, url, None)
        nodes.put(heron, loader, rel(heron, "uses", loader))
        nodes.agree(reach=2)
        made = collecting.add_collection(nodes.north, "feed", "", "", now=clock.now())
        accounts.add_account(
            nodes.north, "desk", "of no use here", read=["feed"], write=["feed"], now=clock.now()
        )
        door = Door(
            url=url,
            feed=f"/taxii2/local/collections/{made.id}/",
            account_key=accounts.add_key(nodes.north, "desk", now=clock.now()),
            agreement=nodes.path,
            agreement_id=nodes.agreement_id,
            agreement_hash=nodes.last_hash or "",
            partner_key=nodes.key,
            signs=nodes.signs,
            topic=loader,
        )
        vkey = nodes.north.log_vkey(nodes.agreement_id)
        nodes.close()
    return door, vkey


def _until(holds: Callable[[], bool], otherwise: str) -> None:
    if not _wait(holds, _WAIT_S):
        raise AssertionError(otherwise)


def _wait(holds: Callable[[], bool], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


@contextmanager
def play(folder: Path, *, workers: int = 2) -> Iterator[Play]:
    """Run three databases, a node and its clients until the end of the block."""
    with ExitStack() as stack:
        made = Play(stack.enter_context(trio()), folder, workers=workers)
        stack.callback(made.stop)
        made.start()
        yield made


# ---------------------------------------------------------------------------------- the long form


def main(arguments: list[str]) -> int:
    """Play the rounds; 1 at the first after which something does not hold."""
    parser = argparse.ArgumentParser(prog="soak.failover", description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path, help="keep the home and the node's log here")
    given = parser.parse_args(arguments)
    chance = random.Random(given.seed)
    with ExitStack() as stack:
        folder = given.folder or Path(
            stack.enter_context(tempfile.TemporaryDirectory(prefix="tearline-failover-"))
        )
        running = stack.enter_context(play(folder))
        for number in range(given.rounds):
            problems = _round(running, chance, number)
            for each in problems:
                print(f"  round {number}, seed {given.seed}: {each}", flush=True)
            if problems:
                return 1
    return 0


def _round(running: Play, chance: random.Random, number: int) -> list[str]:
    """Kill, promote, look, and have the dead one back as a standby."""
    dead = running.servers.primary
    running.more(chance.randrange(20, 200))
    time.sleep(chance.uniform(0, 0.5))
    silent = running.kill_and_promote()
    running.more(40)
    running.servers.join(dead)
    running.servers.wait_for_standbys(2)
    with running.standing():
        problems = running.problems()
    doubt, kept = len(running.doubtful), len(running.acknowledged)
    print(
        f"round {number:2}: {dead} died, {running.servers.primary} took over,"
        f" {silent:4.1f} s without an answer; {kept} acknowledged, {doubt} in doubt",
        flush=True,
    )
    return problems


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
