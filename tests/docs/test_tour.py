"""The tour of the README, pasted as one script into a shell in a clean copy."""

import re
import shutil
from pathlib import Path

import pytest

from tests.docs.pages import ROOT, blocks, run_script, with_free_ports

# The script is the leader of its group: a node that it meant to stop would still be in it.
NOBODY_LEFT = """
for TRY in 1 2 3 4 5 6 7 8 9 10; do
  sleep 2
  ps -A -o pid=,pgid=,command= | awk -v group=$$ '
    $1 != group && $2 == group && /[t]earline serve/ {left = 1; print} END {exit left}' && exit
done
exit 1
"""
OURS = "indicator--63911090-e4f6-44df-a7e9-371e116f71f8"


def _clean_copy(folder: Path) -> Path:
    """What a fresh clone has and the tour uses; what was made beside it is left out."""
    for name in ("src", "examples"):
        rest = shutil.ignore_patterns("__pycache__", "*.db", "*.db-*")
        shutil.copytree(ROOT / name, folder / name, ignore=rest)
    return folder


@pytest.mark.timeout(900)
def test_the_tour_runs_as_it_stands(tmp_path: Path) -> None:
    tour = [each for each in blocks(ROOT / "README.md") if each.info == "sh tour"]
    script = "\n".join(each.body for each in tour)

    done = run_script(with_free_ports(script) + NOBODY_LEFT, _clean_copy(tmp_path), seconds=850)

    said = done.stdout
    assert done.returncode == 0, said[-4000:]
    for expected in (
        r'"success_count":6,.*"failure_count":0',
        r'"more":true,"next":".*"objects":\[\{[^]]*"indicator"',
        r"Objects +6",
        # The clinic reads, and after the recall what it read is revoked.
        r"User +east-clinic",
        r'"name":"Loader seen before the encryption"',
        r'"revoked":true,[^]]*x-withdrawn',
        r"held +\S+ \S+Z +\S+ \S+Z +unconfirmable",
        r"GET objects was answered 200, 1 object",
        r"Of 1,\d{3} objects: \d+ would go, 2 would wait",
        # Whichever is first brings it: the running node, or the command itself.
        r"The partner's node (took 1 message|has every message already)",
        r"ransomware against hospitals +\d +south-hospitals +active +[1-9]",
        r"[1-9]\d* received",
        r"Received +under urn:uuid:",
        r"goes to south-hospitals .* by clause N1",
        r"attack:G0102: Wizard Spider → relationship--\S+ → Ryuk →",
        r"marking-above \(clause N1\)",
        r"waits for a person",
        rf"{OURS} +held +\S+ \S+Z +\S+ \S+Z +\d{{4}}-\d\d-\d\d",
        r"Everything holds",
        r"The receipt holds",
        r"[1-9][\d,]* decisions taken again, 0 answered otherwise",
        r"The movement denies it +\[denied, reported\]",
    ):
        assert re.search(expected, said, re.IGNORECASE), f"{expected} is not in:\n{said}"
    assert said.count('{"status":"ok"}') == 4
    assert not (tmp_path / "home").exists()
