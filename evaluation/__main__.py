"""Score the software on the labelled pairs; exit code 1 when a goal is missed.

The goals are set for both sources together: with one of them skipped they are not judged.
"""

import argparse
import sys
from pathlib import Path

import msgspec

from evaluation.asking import ask, attack_file
from evaluation.pairs import read_pairs
from evaluation.scoring import (
    PRECISION_GOAL,
    RECALL_GOAL,
    Answer,
    Score,
    Scores,
    misses,
    score,
)

RESULTS = Path(__file__).with_name("results.json")


def main() -> int:
    """Ask, score, print, and write the file if asked for."""
    parser = argparse.ArgumentParser(prog="python -m evaluation", description=__doc__)
    parser.add_argument("--json", action="store_true", help=f"write {RESULTS.name} as well")
    wants_file = parser.parse_args().json
    pairs = list(read_pairs())
    answers = ask(pairs, "galaxy")
    whole = attack_file() is not None
    if not whole:
        print("ATT&CK is not here: its half is skipped. Set TEARLINE_TEST_DATA.", file=sys.stderr)
    else:
        answers += ask(pairs, "attack")
    scores = score(answers)
    _print(scores, answers)
    verdict = "The goals are for both sources together: not judged."
    if whole:
        verdict = "Both goals hold." if scores.reached else "A goal is MISSED."
    print(verdict)
    if wants_file:
        _write(scores, answers)
    return 0 if scores.reached or not whole else 1


def _print(scores: Scores, answers: list[Answer]) -> None:
    wrong = misses(answers)
    for each in wrong:
        _print_miss(each)
    print(f"\n{'':34}{'pairs':>6}{'precision':>11}{'recall':>8}{'wrong':>7}{'missed':>8}")
    for name, group in sorted(scores.groups.items()):
        print(_line(name, group))
    print(_line("all", scores.overall))
    print(f"{'goals':40}{PRECISION_GOAL:11.3f}{RECALL_GOAL:8.3f}")


def _print_miss(miss: Answer) -> None:
    pair = miss.pair
    verdict = "missed" if pair.about else "WRONG "
    print(f"{verdict} {pair.n:3} {pair.kind}: {pair.name!r} for {pair.topic.names[0]!r}")
    print(f"           found:    {miss.path}")
    print(f"           labeller: {pair.reason}")


def _line(name: str, group: Score) -> str:
    shares = f"{group.precision:11.3f}{group.recall:8.3f}"
    return f"{name:34}{group.pairs:6}{shares}{group.false_positives:7}{group.false_negatives:8}"


def _write(scores: Scores, answers: list[Answer]) -> None:
    result = {
        "goals": {"precision": PRECISION_GOAL, "recall": RECALL_GOAL, "reached": scores.reached},
        "scores": scores,
        "misses": misses(answers),
    }
    RESULTS.write_bytes(msgspec.json.format(msgspec.json.encode(result)) + b"\n")
    print(f"Written: {RESULTS}")


if __name__ == "__main__":
    raise SystemExit(main())
