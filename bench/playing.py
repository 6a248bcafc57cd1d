"""How long the demo takes once it is installed."""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from bench.measuring import Figure, duration, spent

GOAL_S = 60


def figures() -> Iterator[Figure]:
    """Play it once, as `make demo` does, to its verdict."""
    with tempfile.TemporaryDirectory(prefix="tearline-bench-") as folder:
        verdict = Path(folder, "verdict.json")
        command = [sys.executable, "-m", "tearline", "demo", "--once", "--json", str(verdict)]
        ended: list[subprocess.CompletedProcess[str]] = []

        def play() -> None:
            run = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)
            ended.append(run)

        took = spent(play)
    if ended[0].returncode != 0:
        name, note = "demo to its verdict", f"it ended with exit code {ended[0].returncode}"
        yield Figure(name, took.wall_s, "s", goal=GOAL_S, ok=False, note=note)
        return
    yield duration("demo to its verdict", took.wall_s, None, GOAL_S)
