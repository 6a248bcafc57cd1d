"""Play one day in a process of its own, which may be killed at any moment.

    python -m soak.day FOLDER --seed 1 --days 60 --day 3 --attempt 0 --size 1

Prints a line before each act and one after it; what was said to be done must never be lost.
"""

import argparse
import sys
from pathlib import Path

from soak.course import SIDES, Course
from soak.playing import Stage, line
from soak.world import HOUR
from tearline.agreement.home import open_home

_ACT_US = 45_000_000


def moment(course: Course, day: int, attempt: int, place: int) -> int:
    """The moment of an act; whoever plays a day again does so an hour later."""
    return course.begins[day] + (8 + attempt) * HOUR + place * _ACT_US


def main(arguments: list[str]) -> None:
    """Play the acts of one day in order."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    for name in ("seed", "days", "day", "attempt"):
        parser.add_argument(f"--{name}", type=int, required=True)
    parser.add_argument("--size", type=float, required=True)
    given = parser.parse_args(arguments)
    course = Course(given.seed, given.days, given.size)
    homes = {side: open_home(given.folder / side) for side in SIDES}
    stage = Stage(homes, course, given.folder)
    for place, act in enumerate(course.acts(given.day)):
        now = moment(course, given.day, given.attempt, place)
        print(line(begin=place), flush=True)
        did = stage.play(act, now=now)
        print(line(done=place, now=now, did=did), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
