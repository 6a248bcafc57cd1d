"""Play acts on the two homes: each is one call of the real thing, and says what it left behind.

An act can be played again after a kill: what it did is found in the stores and not done twice.
"""

import json
import random
from collections.abc import Callable, Mapping
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeAlias

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from soak import carry
from soak.course import AGREEMENT, PEOPLE, SIDES, TERMS, Act, Course
from tearline.agreement import signing
from tearline.agreement.home import Home
from tearline.agreement.partners import block_party, unblock_party
from tearline.agreement.terms import parse_toml
from tearline.approval import people, queue
from tearline.approval.queue import Says
from tearline.errors import RefusedError
from tearline.exchange.files import import_files
from tearline.node.publisher import flush_private, publish_grown
from tearline.release import arrive, expiring, leaving, recall, reconcile
from tearline.release.arrive import Annotation
from tearline.stix.objects import read
from tearline.stix.timestamp import format_timestamp
from tearline.store import agreements, annotations, releases, reviews

Did: TypeAlias = dict[str, Any]
"""What an act left in the stores, for the one who checks after a kill."""


class Stage:
    """The two homes, and the course they play."""

    def __init__(self, homes: Mapping[str, Home], course: Course, scratch: Path) -> None:
        """Bind the homes; `scratch` is for files that are imported."""
        self.homes = dict(homes)
        self.course = course
        self._scratch = scratch
        self._acts: Mapping[str, Callable[[Act, int], Did]] = {
            "import": self._import,
            "annotate": self._annotate,
            "hold": self._hold,
            "lift": self._lift,
            "recall": self._recall,
            "say": self._say,
            "exit": self._exit,
            "terminate": self._terminate,
            "reconcile": self._reconcile,
            "propose": self._propose,
            "countersign": self._countersign,
            "reject": self._reject,
            "withdraw": self._withdraw,
            "suspend": self._suspend,
            "resume": self._resume,
            "block": self._block,
            "unblock": self._unblock,
            "carry": self._carry,
            "pages": self._pages,
            "mirror": self._mirror,
            "settle": self._settle,
            "close": self._close,
            "jobs": self._jobs,
        }

    def play(self, act: Act, *, now: int) -> Did:
        """Do one act; what the software refuses is an answer too."""
        try:
            return self._acts[act.kind](act, now)
        except RefusedError as error:
            return {"refused": error.what}

    def _other(self, side: str) -> Home:
        return self.homes[SIDES[side == SIDES[0]]]

    # -------------------------------------------------------------------------------- arriving

    def _import(self, act: Act, now: int) -> Did:
        day = int(act.name.partition(".")[0])
        batch = self.course.worlds[act.side].batches(day)[act.more["batch"]]
        home = self.homes[act.side]
        if act.more["by"] == "arrive":
            note = Annotation(batch.marking, batch.grade)
            found = [read(raw) for raw in batch.raws()]
            done = arrive.arrive(home, found, source=batch.source, annotation=note, now=now)
            refused: tuple[Any, ...] = done.refused
        else:
            file = self._scratch / f"{act.side}.json"
            bundle = b'{"type":"bundle","id":"bundle--%s","objects":[%s]}'
            name = b"5d0a4c11-0b8c-4a53-9a0e-6f1f2f8f6a10"
            file.write_bytes(bundle % (name, b",".join(batch.raws())))
            said = {"mark": batch.marking, "grade": batch.grade, "source": batch.source}
            refused = import_files(home, [file], **said, now=now).refused
        if refused:
            raise AssertionError(f"{act.name}: sound objects were not taken: {refused[:3]}")
        return {}

    def _annotate(self, act: Act, now: int) -> Did:
        note = Annotation(act.more["marking"], act.more["grade"])
        return {"n": arrive.annotate(self.homes[act.side], act.more["ids"], note, now=now)}

    def _hold(self, act: Act, now: int) -> Did:
        home, kind = self.homes[act.side], act.more["kind"]
        for value in act.more["values"]:
            arrive.hold(home, kind, value, act.name, now=now)
        return {"held": [[kind, value] for value in act.more["values"]]}

    def _lift(self, act: Act, now: int) -> Did:
        """Lift what is named, or else the first three holds."""
        home = self.homes[act.side]
        values = [(act.more.get("kind", ""), value) for value in act.more.get("values", ())]
        if not values:
            with home.store.read() as tx:
                values = sorted(annotations.holds(tx))[:3]
        for kind, value in values:
            arrive.release_hold(home, kind, value, act.name, now=now)
        return {"lifted": [list(each) for each in values]}

    def _recall(self, act: Act, now: int) -> Did:
        home = self.homes[act.side]
        with home.store.read() as tx:
            done = act.name in annotations.holds(tx).values()
            stood = releases.standing_all(tx, AGREEMENT)
        live = sorted(each for each, row in stood.items() if row.live)
        if done or not live:
            return {}
        chosen = live[int(act.more["pick"] * len(live))]
        recall.recall(home, chosen, self._other(act.side).slug, act.name, now=now)
        return {"held": [["object", chosen]]}

    def _say(self, act: Act, now: int) -> Did:
        """A person says something of some of what waits; what cannot be said is passed over."""
        home, name = self.homes[act.side], act.more["person"]
        chance = random.Random(f"{self.course.seed}/{act.name}")
        with home.store.read() as tx:
            person = next(each for each in reviews.people(tx) if each.name == name)
        found = [each for each in queue.items(home, now=now) if each.state != "approved"]
        did = {"approvals": 0, "refusals": 0}
        for each in found:
            verdict: Says = "request" if each.state in {"refused", "lapsed"} else "approve"
            if verdict == "approve" and chance.random() < 0.05:
                verdict = "refuse"
            if chance.random() > act.more["part"]:
                continue
            said = queue.statement(each.review.item, name, verdict, act.name, now=now)
            with suppress(RefusedError):
                queue.say(home, queue.sign(said, person, key_of(name)), now=now)
                did["refusals" if verdict == "refuse" else "approvals"] += verdict != "request"
        return did

    def _exit(self, act: Act, now: int) -> Did:
        left = leaving.leave(self.homes[act.side], self._other(act.side).slug, now=now)
        return {"n": len(left)}

    def _terminate(self, act: Act, now: int) -> Did:
        signing.terminate(self.homes[act.side], AGREEMENT, act.name, now=now)
        return {}

    def _reconcile(self, act: Act, now: int) -> Did:
        done = reconcile.reconcile(self.homes[act.side], AGREEMENT, now=now)
        return {"released": done.released, "withdrawn": done.withdrawn}

    # ------------------------------------------------------------------------------- agreement

    def _propose(self, act: Act, now: int) -> Did:
        home = self.homes[act.side]
        with home.store.read() as tx:
            versions = agreements.versions(tx, AGREEMENT)
        if any(each.title.endswith(f"day {act.more['day']}") for each in versions):
            return {}
        last = versions[-1] if versions else None
        limits = {**act.more, "until": format_timestamp(act.more["until"])}
        text = TERMS.format(
            id=AGREEMENT,
            version=last.version + 1 if last else 1,
            replaces=f'replaces = "{last.hash}"' if last else "",
            **{side: each.card for side, each in self.homes.items()},
            **limits,
        )
        return {"proposed": signing.propose(home, parse_toml(text), now=now).hash}

    def _countersign(self, act: Act, now: int) -> Did:
        return {"n": signing.countersign(self.homes[act.side], AGREEMENT, now=now).version}

    def _reject(self, act: Act, now: int) -> Did:
        return {"n": signing.reject(self.homes[act.side], AGREEMENT, act.name, now=now).version}

    def _withdraw(self, act: Act, now: int) -> Did:
        return {"n": signing.withdraw(self.homes[act.side], AGREEMENT, act.name, now=now).version}

    def _suspend(self, act: Act, now: int) -> Did:
        if self._said(act):
            return {}
        signing.suspend(self.homes[act.side], AGREEMENT, act.name, now=now)
        return {"said": act.name}

    def _resume(self, act: Act, now: int) -> Did:
        if self._said(act):
            return {}
        signing.resume(self.homes[act.side], AGREEMENT, act.name, now=now)
        return {"said": act.name}

    def _said(self, act: Act) -> bool:
        """Whether the side made its statement of this act before it was killed."""
        reason = f'"reason":"{act.name}"'.encode()
        with self.homes[act.side].store.read() as tx:
            return any(
                each.ours and reason in each.body for each in agreements.statements(tx, AGREEMENT)
            )

    def _block(self, act: Act, now: int) -> Did:
        block_party(self.homes[act.side], self._other(act.side).slug, act.name, now=now)
        return {}

    def _unblock(self, act: Act, now: int) -> Did:
        unblock_party(self.homes[act.side], self._other(act.side).slug, act.name, now=now)
        return {}

    # -------------------------------------------------------------------------------- exchange

    def _carry(self, act: Act, now: int) -> Did:
        """From one side to the other, as a node does before and after it reads."""
        refused = carry.messages(self.homes[act.side], self._other(act.side), now=now)[1]
        return {"messages refused": refused}

    def _pages(self, act: Act, now: int) -> Did:
        giver, taker = self.homes[act.side], self._other(act.side)
        return {"n": carry.pages(giver, taker, AGREEMENT, now=now, most=act.more["most"])}

    def _mirror(self, act: Act, now: int) -> Did:
        giver, taker = self.homes[act.side], self._other(act.side)
        return {"n": carry.copy_log(giver, taker, AGREEMENT, now=now)}

    def _settle(self, act: Act, now: int) -> Did:
        return carry.settle(self._other(act.side), AGREEMENT, now=now)._asdict()

    def _close(self, _act: Act, now: int) -> Did:
        """Decide, and sync both ways to the end: what a quiet evening does."""
        # Twice: what the mail brings, a suspension say, is decided upon as a running node would.
        refused = 0
        for _ in range(2):
            for home in self.homes.values():
                reconcile.reconcile(home, AGREEMENT, now=now)
            refused += carry.both_ways(*self.homes.values(), now=now)
        for side in SIDES:
            giver, taker = self.homes[side], self._other(side)
            carry.pages(giver, taker, AGREEMENT, now=now, most=1000)
            carry.copy_log(giver, taker, AGREEMENT, now=now)
            carry.settle(taker, AGREEMENT, now=now)
        refused += carry.both_ways(*self.homes.values(), now=now)
        # What answers the last sync is in the logs; both copies have it too.
        for side in SIDES:
            carry.copy_log(self.homes[side], self._other(side), AGREEMENT, now=now)
            flush_private(self.homes[side], now=now)
            publish_grown(self.homes[side], now=now)
        return {"messages refused": refused}

    def _jobs(self, act: Act, now: int) -> Did:
        home = self.homes[act.side]
        reconcile.reconcile_all(home, now=now)
        gone = expiring.expire_all(home, now=now)
        return {
            "expired": gone,
            "n": flush_private(home, now=now),
            "signed": publish_grown(home, now=now),
        }


def enrol(home: Home, *, now: int) -> None:
    """Let everybody of the play approve at a home."""
    for name in PEOPLE:
        people.enrol(home, name, key_of(name), now=now)


def key_of(name: str) -> Ed25519PrivateKey:
    """The key of a person of the play."""
    return Ed25519PrivateKey.from_private_bytes(sha256(f"soak/{name}".encode()).digest())


def line(**said: object) -> str:
    """One line of what a child tells its parent."""
    return json.dumps(said)
