"""Long play: sixty simulated days on two nodes, killed now and then, verified every evening.

    python -m soak [--days 60] [--seed 1] [--seconds LIMIT] [--json FILE]

Ends with an error at the first evening on which something does not hold; the homes are kept.
"""

import argparse
import json
import shutil
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from soak import killing, verify
from soak.course import AGREEMENT, SIDES, Course
from soak.playing import enrol
from soak.world import START
from tearline.agreement.card import card_hash, check_words
from tearline.agreement.home import create_home, open_home
from tearline.agreement.partners import add_party
from tearline.stix.timestamp import format_timestamp
from tearline.store import objects, releases
from tearline.store.objects import OURS

_SHOWN = 12


def main(arguments: list[str]) -> int:
    """Play, verify, report; 1 when something did not hold."""
    parser = argparse.ArgumentParser(prog="soak", description=__doc__.partition("\n")[0])
    parser.add_argument("--days", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--size", type=float, default=1.0, help="how much comes each day")
    parser.add_argument("--seconds", type=float, help="begin no new day after so many seconds")
    parser.add_argument("--json", type=Path, help="write the report there as well")
    parser.add_argument("--folder", type=Path, help="play here, and keep it")
    parser.add_argument("--no-kills", action="store_true", help="kill nothing")
    given = parser.parse_args(arguments)
    folder = given.folder or Path(tempfile.mkdtemp(prefix="tearline-soak-"))
    begin(folder)
    report = play(
        folder,
        Course(given.seed, given.days, given.size),
        seconds=given.seconds,
        kills=not given.no_kills,
        size=given.size,
    )
    if given.json:
        given.json.write_text(json.dumps(report, indent=1) + "\n")
    if report["problems"]:
        print(f"Kept in {folder}. Play it again: python -m soak --seed {given.seed}", end=" ")
        print(f"--days {given.days} --size {given.size}")
        return 1
    if given.folder is None:
        shutil.rmtree(folder)
    return 0


def begin(folder: Path) -> None:
    """Make two homes that pinned each other."""
    homes = [create_home(folder / side, f"{side.title()} Desk", None, START) for side in SIDES]
    for us, them in (homes, homes[::-1]):
        file = (them.path / "card.json").read_bytes()
        add_party(us, file, check_words(card_hash(them.card)), now=START)
    for home in homes:
        enrol(home, now=START)
        home.store.close()


def play(
    folder: Path, course: Course, *, size: float, kills: bool, seconds: float | None = None
) -> dict[str, object]:
    """Play day after day until one does not hold; returns the report."""
    began = time.monotonic()
    killed: Counter[str] = Counter()
    done: Counter[str] = Counter()
    problems: list[str] = []
    day = 0
    while day < course.days and not problems:
        if seconds is not None and time.monotonic() - began > seconds:
            break
        at = time.monotonic()
        played = killing.play(folder, course, day, size=size, kills=kills)
        between = time.monotonic()
        whole = day % 7 == 6 or day == course.days - 1
        problems = played.problems + _verified(folder, played.now, whole=whole)
        killed += played.kills
        done += played.done
        _tell(folder, course, day, played, between - at, time.monotonic() - between)
        for each in problems[:_SHOWN]:
            print(f"  day {day}, seed {course.seed}: {each}"[:600], flush=True)
        day += 1
    took = round(time.monotonic() - began, 1)
    print(f"{day} days in {took} s, {killed.total()} kills, {len(problems)} problems", flush=True)
    return {
        "seed": course.seed,
        "days": day,
        "seconds": took,
        "kills": dict(killed),
        "done": dict(done),
        "problems": problems,
    }


def _verified(folder: Path, now: int, *, whole: bool) -> list[str]:
    homes = [open_home(folder / side) for side in SIDES]
    problems = verify.everything(homes[0], homes[1], folder, now=now, whole=whole)
    for home in homes:
        home.store.close()
    return problems


def _tell(
    folder: Path, course: Course, day: int, played: killing.Played, first: float, second: float
) -> None:
    """One line for a day."""
    home = open_home(folder / SIDES[0])
    with home.store.read() as tx:
        held = sum(objects.count(tx, OURS).values())
        live = releases.live_count(tx, AGREEMENT)
    home.store.close()
    counts = " ".join(f"{name} {played.done[name]}" for name in sorted(played.done))
    date = format_timestamp(course.begins[day])[:10]
    kills = f" killed in {'+'.join(played.kills.elements())}" if played.kills else ""
    print(
        f"day {day:2} {date} {first:5.1f} s + {second:4.1f} s:",
        f"{held} held, {live} live, {counts}{kills}",
        flush=True,
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
