"""Measure, print a table and write `bench/results.json`; exit code 1 when a goal is missed.

`python -m bench import decide` measures only those. Figures without a goal only inform.
"""

import argparse
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from bench import (
    appending,
    deciding,
    giving,
    growing,
    importing,
    paging,
    playing,
    polling,
    posting,
    previewing,
    reading,
    rebuilding,
    recalling,
    reconciling,
    signing,
    sizing,
    ticking,
    weighing,
)
from bench.measuring import Figure, machine

RESULTS = Path(__file__).with_name("results.json")
MEASURED: dict[str, Callable[[], Iterator[Figure]]] = {
    "decide": deciding.figures,
    "import": importing.figures,
    "append": appending.figures,
    "reconcile": reconciling.figures,
    "give": giving.figures,
    "preview": previewing.figures,
    "tick": ticking.figures,
    "rebuild": rebuilding.figures,
    "recall": recalling.figures,
    "post": posting.figures,
    "read": reading.figures,
    "poll": polling.figures,
    "sign": signing.figures,
    "grow": growing.figures,
    "size": sizing.figures,
    "worth": weighing.figures,
    "pages": paging.figures,
    "demo": playing.figures,
}


def main() -> int:
    """Measure what is asked for, or everything."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("which", nargs="*", choices=[*MEASURED, []], help="all, if none is named")
    parser.add_argument("--large", action="store_true", help="a million objects too; or LARGE=1")
    parser.add_argument("--peers", action="store_true", help="OpenTAXII and medallion; or PEERS=1")
    given = parser.parse_args()
    os.environ.update(
        {"LARGE": "1"} if given.large else {}, **({"PEERS": "1"} if given.peers else {})
    )
    wanted = given.which or MEASURED
    before = machine()
    print(f"{'':46}{'value':>12}{'floor':>12}{'ratio':>8}{'goal':>10}")
    found: list[Figure] = []
    for name in wanted:
        for figure in MEASURED[name]():
            print(_line(figure), flush=True)
            found.append(figure)
    result = {"results": found, "machine": {**machine(), "load_before": before["load"]}}
    RESULTS.write_bytes(msgspec.json.format(msgspec.json.encode(result)) + b"\n")
    print(f"Written: {RESULTS}")
    missed = [each.name for each in found if each.ok is False]
    if missed:
        print(f"Goals missed: {'; '.join(missed)}", file=sys.stderr)
    return 1 if missed else 0


def _line(figure: Figure) -> str:
    cells = [_number(figure.value), _number(figure.floor)]
    cells += ["" if figure.ratio is None else f"{figure.ratio:.3f}"]
    goal = _number(figure.goal) + ("x" if figure.goal and figure.goal_of == "ratio" else "")
    goal += "" if figure.ok is None else (" ok" if figure.ok else " NO")
    row = f"{figure.name:46}{cells[0]:>12}{cells[1]:>12}{cells[2]:>8}{goal:>10}"
    return f"{row}  {figure.unit}{f' ({figure.note})' if figure.note else ''}"


def _number(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if value >= 100 else f"{value:.4f}".rstrip("0").rstrip(".")


if __name__ == "__main__":
    raise SystemExit(main())
