"""Play a day in a child that is killed now and then, and see that nothing it said is lost.

`kill -9` falls inside an act: after the child announced it, and a random moment later. Then the
stores are read: what was acknowledged is there, nothing is there twice. Then the day is played
again, as a person would who does not know how far it came.
"""

import json
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import func, select

from soak.course import AGREEMENT, SIDES, Act, Course
from tearline.agreement.home import Home, open_home
from tearline.stix import canonical
from tearline.store import agreements, annotations
from tearline.store.database import Tx
from tearline.store.objects import OURS, object_version

_MOST_ATTEMPTS = 5


class Played(NamedTuple):
    """What one day brought: the moment it ended, kills by the kind of act, and what was done."""

    now: int
    kills: Counter[str]
    done: Counter[str]
    problems: list[str]


class Line(NamedTuple):
    """What a child said of an act: begun, or done with what it left."""

    act: Act
    done: bool
    did: Mapping[str, Any]
    now: int


def play(folder: Path, course: Course, day: int, *, size: float, kills: bool) -> Played:
    """Play a day to its end, through as many kills as chance wants."""
    chance = random.Random(f"{course.seed}/kills/{day}")
    acts = course.acts(day)
    said: list[Line] = []
    killed: Counter[str] = Counter()
    problems: list[str] = []
    for attempt in range(_MOST_ATTEMPTS):
        target = None
        if kills and attempt < _MOST_ATTEMPTS - 1 and chance.random() < 0.4:
            target = chance.choice([place for place, act in enumerate(acts) if _worth(act)])
        delay = 10 ** chance.uniform(-3.3, -0.9)
        lines, ended = _attempt(folder, course, day, attempt, size, target, delay)
        said += [Line(acts[each[0]], *each[1:]) for each in lines]
        if ended:
            return Played(said[-1].now, killed, _count(said), problems)
        killed[said[-1].act.kind] += 1
        homes = {side: open_home(folder / side) for side in SIDES}
        problems += [each for side in SIDES for each in lost(homes[side], side, course, said)]
        for home in homes.values():
            home.store.close()
    raise AssertionError(f"day {day} did not end")


def _worth(act: Act) -> bool:
    return act.kind not in {"suspend", "resume", "reject", "withdraw", "terminate"}


def _attempt(
    folder: Path,
    course: Course,
    day: int,
    attempt: int,
    size: float,
    target: int | None,
    delay: float,
) -> tuple[list[tuple[int, bool, dict[str, Any], int]], bool]:
    """Run a child; kill it `delay` seconds after it began act `target`. Returns what it said."""
    given = {"seed": course.seed, "days": course.days, "day": day, "attempt": attempt, "size": size}
    words = [f"--{name}={value}" for name, value in given.items()]
    command = [sys.executable, "-m", "soak.day", str(folder), *words]
    lines: list[tuple[int, bool, dict[str, Any], int]] = []
    killed = False
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        for text in child.stdout or ():
            try:
                said = json.loads(text)
            except ValueError:
                break  # the last line of one that was killed
            if "begin" in said:
                lines.append((said["begin"], False, {}, 0))
                if said["begin"] == target and not killed:
                    time.sleep(delay)
                    child.kill()
                    killed = True
            else:
                lines.append((said["done"], True, said["did"], said["now"]))
    if child.returncode and not killed:
        raise AssertionError(f"the child of day {day} failed in act {lines[-1][0] if lines else 0}")
    return lines, not child.returncode


def _count(said: list[Line]) -> Counter[str]:
    """The numbers that the acts of a day told."""
    total: Counter[str] = Counter()
    for each in said:
        total.update({name: n for name, n in each.did.items() if type(n) is int and name != "n"})
        if "refused" in each.did:
            total["acts refused"] += 1
    return total


# ------------------------------------------------------------------------------- after a kill


def lost(home: Home, side: str, course: Course, said: list[Line]) -> list[str]:
    """What a side's stores lack of what was acknowledged, or have twice."""
    done = [each for each in said if each.done and each.act.side == side]
    flying = said[-1].act if not said[-1].done and said[-1].act.side == side else None
    with home.store.read() as tx:
        columns = object_version.c.stix_id, object_version.c.hash
        count = select(*columns, func.count()).where(object_version.c.origin == OURS)
        versions = {(row[0], row[1]): row[2] for row in tx.execute(count.group_by(*columns))}
        holds = set(annotations.holds(tx))
        reasons = b"".join(each.body for each in agreements.statements(tx, AGREEMENT))
        proposed = {each.hash for each in agreements.versions(tx, AGREEMENT)}
        problems = [f"{side}: {each[0]} is there twice" for each, n in versions.items() if n > 1]
        hashes = {each[1] for each in versions}
        expected: dict[tuple[str, str], bool] = {}
        for each in done:
            day = int(each.act.name.partition(".")[0])
            if each.act.kind == "import":
                raws = course.worlds[side].batches(day)[each.act.more["batch"]].raws()
                missing = sum(canonical.sha256(raw) not in hashes for raw in raws)
                if missing:
                    problems.append(f"{side}: {each.act.name} said it kept {missing} that are gone")
            expected |= dict.fromkeys(map(tuple, each.did.get("held", ())), True)
            expected |= dict.fromkeys(map(tuple, each.did.get("lifted", ())), False)
            if "said" in each.did and f'"reason":"{each.act.name}"'.encode() not in reasons:
                problems.append(f"{side}: the statement of {each.act.name} is gone")
            if "proposed" in each.did and each.did["proposed"] not in proposed:
                problems.append(f"{side}: the proposal of {each.act.name} is gone")
        if flying is None or flying.kind not in {"hold", "lift", "recall"}:
            wrong = [each for each, there in expected.items() if (each in holds) != there]
            problems += [f"{side}: the hold on {each} is not as it was left" for each in wrong]
        problems += _annotated(tx, side, done, flying)
    return problems


def _annotated(tx: Tx, side: str, done: list[Line], flying: Act | None) -> list[str]:
    wanted: dict[str, tuple[Any, Any]] = {}
    for each in done:
        if each.act.kind == "annotate":
            said = each.act.more
            for stix_id in said["ids"]:
                level, grade = wanted.get(stix_id, (None, None))
                level = level if said["marking"] is None else said["marking"]
                wanted[stix_id] = (level, said["grade"] or grade)
        elif each.act.kind == "import":
            wanted.clear()  # what comes again brings its own marking and grade
    if flying is not None and flying.kind in {"annotate", "import"}:
        return []
    held = annotations.annotations(tx, wanted)
    return [
        f"{side}: the marking or grade of {stix_id} is gone"
        for stix_id, (level, grade) in wanted.items()
        if stix_id in held
        and ((level is not None and held[stix_id][0] != level) or held[stix_id][1] != grade)
    ]
