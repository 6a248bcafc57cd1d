"""`kill -9` between approval and release: no release without its leaf, no leaf without its release.

People approve, refuse and request; objects change and are held; a process reconciles and signs the
log, and is killed again and again: before any statement, COMMIT among them, or from outside after
a random moment. After each death the store is opened anew, and all that must hold is derived from
its rows and its log, by other code than the one that writes them.
"""

import json
import os
import random
import signal
import subprocess
import sys
import threading
from base64 import b64decode
from collections.abc import Iterator, Sequence
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import select

from tearline.agreement import home as homes
from tearline.agreement import jws
from tearline.agreement.home import Home
from tearline.approval import people, queue
from tearline.approval.queue import Says
from tearline.log import record
from tearline.log.checkpoint import open_checkpoint, vkey_for
from tearline.log.verify import Opening, check_openings, parse_leaf
from tearline.node.publisher import flush_private
from tearline.release import arrive, inbound
from tearline.release.reconcile import reconcile_all
from tearline.store import annotations, logs, objects, releases, reviews
from tearline.store.database import Tx
from tests.pair import AGREEMENT, DAY, START, Pair, make_pair, rel, sdo

CHILD = Path(__file__).with_name("mortal.py")
heron = sdo("intrusion-set", "Gray Heron")
loader = sdo("malware", "Mud Loader")
CLINICS = [sdo("identity", f"clinic {each}") for each in range(3)]
TARGETS = [rel(heron, "targets", each) for each in CLINICS]
LIVES = 10
WHERE = [("decided", 150), ("decided", 150), ("said", 150), ("published", 40)]
"""In which act a life ends, and before which of its statements at the latest."""


class Mortal:
    """North's process, whose lives end at random, and the store that outlives them."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.chance = random.Random(seed)
        self.pair = make_pair(folder)
        self.keys = {}
        for name in ("ada", "bo", "cy"):
            key = Ed25519PrivateKey.generate()
            people.enrol(self.pair.north, name, key, now=START)
            self.keys[name] = key.private_bytes_raw().hex()
        self.pair.put(heron, loader, rel(heron, "uses", loader), *CLINICS, *TARGETS)
        self.pair.agree(approvals=2)
        self.docs = [dict(each) for each in CLINICS]
        self.acknowledged: list[list[str]] = []
        env = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
        self.process = subprocess.Popen(
            [sys.executable, str(CHILD)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=env,
        )

    @property
    def on_file(self) -> bool:
        """Whether the store is a file, in which everything is quick."""
        return isinstance(homes.store_of(self.pair.north.path), Path)

    def life(self, *, torn: bool = False) -> bool:
        """Live one life to its end; whether it was a violent one."""
        place = homes.store_of(self.pair.north.path)
        told = {
            "home": str(self.pair.north.path),
            "store": place if isinstance(place, str) else "",
            "seed": self.chance.random(),
            "now": self.pair.tick(),
            "acts": 12,
            "docs": self.docs,
            "keys": self.keys,
            "torn": torn,
        }
        outside = self.chance.random() < 0.2
        act, most = self.chance.choice(WHERE)
        told["dies_in"] = None if outside or torn else (act, self.chance.randint(1, most))
        self.pair.north.store.close()
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(told) + "\n")
        self.process.stdin.flush()
        return self._follow(self.chance.uniform(0.05, 0.5) if outside and not torn else None)

    def _follow(self, delay: float | None) -> bool:
        assert self.process.stdout is not None
        killer = None
        for text in self.process.stdout:
            said = json.loads(text)
            if "pid" in said and delay is not None:
                killer = threading.Timer(delay, _kill, [said["pid"]])
                killer.start()
            if said.get("done") == "said":
                self.acknowledged += said["did"]
            self.pair.now = max(self.pair.now, said.get("now", 0))
            if "over" in said:
                if killer is not None:
                    killer.cancel()
                    killer.join()
                assert said["killed"] or said["status"] == 0
                return bool(said["killed"])
        raise AssertionError("the process that lives them ended")

    def problems(self) -> list[str]:
        """Open the store anew and say what does not hold."""
        home = homes.open_home(self.pair.north.path)
        self.pair.north = home
        found = list(torn(home)) + list(unsaid(home, self.acknowledged))
        reconcile_all(home, now=self.pair.tick())
        return found + list(torn(home)) + list(waiting_in_vain(home))

    def all_is_approved(self) -> None:
        """Nobody holds anything, and two people approve whatever waits, asked anew if need be."""
        home, now = self.pair.north, self.pair.tick
        with home.store.read() as tx:
            holds = list(annotations.holds(tx))
            enrolled = {each.name: each for each in reviews.people(tx)}
        for kind, value in holds:
            arrive.release_hold(home, kind, value, "no doubt", now=now())
        reconcile_all(home, now=now())
        last: list[tuple[str, Says]] = [("cy", "request"), ("ada", "approve"), ("bo", "approve")]
        for name, verdict in last:
            key = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(self.keys[name]))
            for each in queue.items(home, now=self.pair.now):
                said = queue.statement(each.review.item, name, verdict, "so", now=now())
                if each.state != "approved":
                    queue.say(home, queue.sign(said, enrolled[name], key), now=self.pair.now)
            reconcile_all(home, now=now())

    def close(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait(20)
        assert self.process.stdout is not None
        self.process.stdout.close()


def _kill(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


# ----------------------------------------------------------------------------------- the checker


def torn(home: Home) -> Iterator[str]:
    """What of store and log does not fit together."""
    log = record.our_log(AGREEMENT)
    with home.store.read() as tx:
        leaves = list(tx.execute(select(logs.log_leaf).order_by(logs.log_leaf.c.idx)))
        leaves = [row for row in leaves if row.log == log]
        opened = logs.records(tx, log, 0, 10**6)
        rows = list(tx.execute(select(releases.release)))
        standing = releases.standing_all(tx, AGREEMENT)
        signed = logs.last_checkpoint(tx, log)
        head = logs.head(tx, log)
        raws = objects.raw_of(tx, [row.seq for row in rows if row.seq is not None])
        verdicts = {row.hash: row for row in tx.execute(select(reviews.verdict))}
        keys = {each.name: each.key for each in reviews.people(tx)}
    yield from _log_holds(home, leaves, opened, signed, head.size)
    told = [(leaf, item, json.loads(text)) for leaf, item, _, text in opened]
    given = {each["position"]: (leaf, item, each) for leaf, item, each in told if _is_slip(each)}
    if len(given) != sum(_is_slip(each) for _, _, each in told):
        yield "two leaves stand for one release"
    stored = {row.position: row for row in rows}
    if given.keys() != stored.keys():
        yield f"releases and leaves differ: {sorted(given.keys() ^ stored.keys())}"
    for position in given.keys() & stored.keys():
        row, (leaf, item, slip) = stored[position], given[position]
        raw = row.cut_raw if row.seq is None else raws[row.seq]
        if (row.leaf, row.item, row.hash) != (leaf, item, slip["hash"]):
            yield f"release {position} is not the one of its leaf"
        if f"sha256:{sha256(raw).hexdigest()}" != row.hash:
            yield f"release {position} has other bytes than its slip says"
    last = _live(each for _, _, each in told)
    live = {row.position for row in rows if row.live}
    if live != set(last.values()):
        yield f"live {sorted(live)}, by the log {sorted(last.values())}"
    if live != {each.position for each in standing.values() if each.live}:
        yield "decisions and releases differ"
    yield from _approved([each for _, _, each in told], verdicts, keys)


def _log_holds(
    home: Home,
    leaves: Sequence[Any],
    opened: Sequence[tuple[int, int, bytes, bytes]],
    signed: logs.Signed | None,
    size: int,
) -> Iterator[str]:
    """The hashes, the head, the openings and the signed root, all from the leaves themselves."""
    hashes = [sha256(b"\0" + row.leaf).digest() for row in leaves]
    if [row.idx for row in leaves] != list(range(size)):
        yield f"the head says {size} leaves, there are {len(leaves)}"
    if hashes != [row.leaf_hash for row in leaves]:
        yield "a stored hash is not the one of its leaf"
    by_leaf: dict[int, list[Opening]] = {}
    for row in opened:
        by_leaf.setdefault(row[0], []).append(Opening(*row))
    if by_leaf.keys() != set(range(size)):
        yield "leaves and records differ"
    for index, row in enumerate(leaves):
        check_openings(parse_leaf(row.leaf), by_leaf.get(index, []))
    if signed is not None:
        origin = record.origin_of(home.slug, AGREEMENT)
        open_checkpoint(signed.note, vkey_for(origin, home.card.log), origin)
        _, covered, root = signed.note.splitlines()[:3]
        if b64decode(root) != _root(hashes[: int(covered)]):
            yield "the signed root is not the root of the leaves"


def _root(hashes: list[bytes]) -> bytes:
    """The root of a tree of leaf hashes (RFC 9162, 2.1.1)."""
    if len(hashes) <= 1:
        return hashes[0] if hashes else sha256(b"").digest()
    half = 1 << (len(hashes) - 1).bit_length() - 1
    return sha256(b"\1" + _root(hashes[:half]) + _root(hashes[half:])).digest()


def _is_slip(entry: dict[str, Any]) -> bool:
    return bool(entry["kind"] == "release")


def _live(entries: Iterator[dict[str, Any]]) -> dict[str, int]:
    """What stands at the end of a log, by object."""
    found: dict[str, int] = {}
    for each in entries:
        if each["kind"] == "release":
            found[each["object"]] = each["position"]
        elif each["kind"] == "withdraw":
            found.pop(each["object"], None)
    return found


def _approved(
    told: list[dict[str, Any]], verdicts: dict[str, Any], keys: dict[str, str]
) -> Iterator[str]:
    """Whatever names a victim went with two signed approvals of its very bytes, used once."""
    used: dict[str, str] = {}
    over: set[str] = set()
    by_position: dict[int, list[str]] = {}
    for slip in told:
        if slip["kind"] == "withdraw" and slip["recall"]:
            over.update(by_position.get(slip["release"], ()))
        if slip["kind"] != "release":
            continue
        named = slip["attested"].get("approvals", [])
        by_position[slip["position"]] = named
        people_ = set()
        for each in named:
            if each in over or used.setdefault(each, slip["hash"]) != slip["hash"]:
                yield f"an approval is used twice, for {slip['object']}"
            document = jws.load(verdicts[each].signed.encode())
            said = json.loads(jws.verify(document, keys[verdicts[each].person]))
            people_.add(said["person"])
            item = {"kind": "review", "agreement": slip["agreement"], "clause": slip["clause"]}
            item |= {"object": slip["object"], "bytes": slip["hash"]}
            text = json.dumps(item, sort_keys=True, separators=(",", ":")).encode()
            if (said["verdict"], said["item"]) != ("approve", f"sha256:{sha256(text).hexdigest()}"):
                yield f"an approval on {slip['object']} is of something else"
        if slip["object"] in {each["id"] for each in (*CLINICS, *TARGETS)} and len(people_) < 2:
            yield f"{slip['object']} went with {len(people_)} approvals"


def unsaid(home: Home, acknowledged: list[list[str]]) -> Iterator[str]:
    """What was acknowledged to people and is gone, or is not in the private log exactly once."""
    flush_private(home, now=START + 300 * DAY)
    with home.store.read() as tx:
        kept = [tuple(row) for row in tx.execute(select(*_SAID))]
        told = [json.loads(row[3]) for row in logs.records(tx, record.PRIVATE, 0, 10**6)]
    lost = {tuple(each) for each in acknowledged} - {each[:3] for each in kept}
    if lost:
        yield f"said and gone: {sorted(lost)}"
    signed = [json.dumps(each["signed"], sort_keys=True) for each in told if _is_verdict(each)]
    ours = [json.dumps(json.loads(each[3]), sort_keys=True) for each in kept]
    if sorted(signed) != sorted(ours):
        yield f"{len(ours)} verdicts are kept, the private log has {len(signed)}"


_SAID = (
    reviews.verdict.c.item,
    reviews.verdict.c.person,
    reviews.verdict.c.verdict,
    reviews.verdict.c.signed,
)


def _is_verdict(entry: dict[str, Any]) -> bool:
    return bool(entry["kind"] == "verdict")


def waiting_in_vain(home: Home) -> Iterator[str]:
    """What two people approved, both of a clinic and of what targets it, and does not go."""
    with home.store.read() as tx:
        asked = {each.stix_id: each for each in reviews.of_agreement(tx, AGREEMENT)}
        held = {value for _, value in annotations.holds(tx)}
        live = {each.stix_id for each in releases.standing_all(tx, AGREEMENT).values() if each.live}
        said = {each: _approvals(tx, asked[each]) for each in asked}
    for clinic, edge in zip(CLINICS, TARGETS, strict=True):
        both = {clinic["id"], edge["id"]}
        if not both & held and both <= {each for each in said if said[each] >= 2}:
            yield from (f"{each} is approved and does not go" for each in both - live)


def _approvals(tx: Tx, row: reviews.Review) -> int:
    """How many approve it; less than none when somebody refuses."""
    said = [
        each for each in reviews.verdicts_on(tx, [row.item]).get(row.item, []) if not each.spent
    ]
    if any(each.verdict == "refuse" for each in said):
        return -1
    return len({each.person for each in said if each.verdict == "approve"} - {row.requested_by})


# ------------------------------------------------------------------------------------- the tests


@pytest.fixture
def mortal(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Mortal]:
    made = Mortal(tmp_path, getattr(request, "param", 1))
    yield made
    made.close()
    made.pair.north.store.close()
    made.pair.south.store.close()


def _settled(pair: Pair) -> None:
    """South reads it all: every slip fits its bytes, and nothing else is there."""
    settled = pair.sync()
    assert settled.quarantined == 0
    assert inbound.quarantined(pair.south, pair.agreement_id) == []
    with pair.south.store.read() as tx:
        held = {each.stix_id for each in objects.latest_all(tx, pair.agreement_id)}
    assert pair.delivered().keys() <= held


@pytest.mark.usefixtures("either_store")
@pytest.mark.parametrize(
    ("either_store", "mortal"),
    [("sqlite", 1), ("sqlite", 2), ("postgresql", 3)],
    indirect=True,
)
def test_whatever_moment_it_dies_in_releases_and_leaves_are_the_same(mortal: Mortal) -> None:
    deaths = 0
    for _ in range(LIVES // (1 if mortal.on_file else 3)):
        deaths += mortal.life()
        assert mortal.problems() == []
        _settled(mortal.pair)
    assert deaths
    mortal.all_is_approved()
    assert mortal.problems() == []
    assert {each["id"] for each in (*CLINICS, *TARGETS)} <= mortal.pair.delivered().keys()
    _settled(mortal.pair)


def test_a_leaf_in_a_transaction_of_its_own_is_found(mortal: Mortal) -> None:
    for _ in range(LIVES):
        if mortal.life(torn=True):
            break
    assert any("releases and leaves differ" in each for each in mortal.problems())
