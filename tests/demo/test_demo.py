"""The demo itself: it holds as it is, and fails as soon as one safeguard is switched off."""

import contextlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tearline.cli.demo import play

SABOTAGE = Path(__file__).with_name("sabotage")


class Played(NamedTuple):
    code: int
    said: str
    figures: dict[str, Any]
    folder: Path

    @property
    def failed(self) -> str:
        """What the judge found not to hold."""
        return "\n".join(each["line"] for each in self.figures["failed"])


def played(folder: Path, sabotage: str = "") -> Played:
    """Run `tearline demo --once` in a process of its own."""
    figures = folder / "figures.json"
    plain = {name: value for name, value in os.environ.items() if not name.startswith("TEARLINE_")}
    paths = [str(SABOTAGE), *filter(None, [os.environ.get("PYTHONPATH")])]
    more = {"DEMO_SABOTAGE": sabotage, "PYTHONPATH": os.pathsep.join(paths)} if sabotage else {}
    words = ["demo", "--once", "--json", str(figures), "--keep", str(folder / "kept")]
    done = subprocess.run(
        [sys.executable, "-m", "tearline", *words],
        env=plain | more,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    found = json.loads(figures.read_text("utf-8")) if figures.exists() else {}
    return Played(done.returncode, done.stdout, found, folder)


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    shutil.rmtree(tmp_path, ignore_errors=True)


@pytest.mark.timeout(900)
def test_every_step_of_the_story_holds(folder: Path) -> None:
    done = played(folder)
    assert done.code == 0, done.said
    figures = done.figures
    assert figures["good"]
    assert figures["failed"] == []
    assert figures["held"] == figures["released"] + figures["waiting"] + figures["withheld"]
    assert figures["galaxy"]["release"] >= 200
    assert figures["withheld"] >= 1000
    assert figures["received"] == figures["released"]
    assert (figures["quarantined"], figures["recalled"]) == (1, 2 + figures["held_back"])
    assert figures["held_back"] >= 10
    assert figures["by_its_own_clock"] >= figures["received"] - figures["recalled"]
    assert figures["cut"] > 0
    assert {"not-about", "marking-above", "grade-below", "too-old", "unmarked"} <= figures[
        "withheld_by_reason"
    ].keys()
    assert figures["logs"].keys() == {"north", "south", "north-private", "south-private"}
    assert all(each["leaves"] and len(each["root"]) == 64 for each in figures["logs"].values())
    steps = {"meet", "import", "reject", "countersign", "release", "approve", "hold", "block"}
    assert steps | {"lie", "recall", "leave"} <= figures["seconds"].keys()
    assert_nothing_runs(done)
    assert_generated_says_so(done.folder / "kept" / "inputs")


def assert_nothing_runs(done: Played) -> None:
    """Every process that the demo started has ended: none lives with a home in the folder."""
    left = []
    for path in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            said = (path / "environ").read_bytes() + (path / "cmdline").read_bytes()
            left += [path.name] * (str(done.folder / "kept").encode() in said)
    assert left == []


def assert_generated_says_so(inputs: Path) -> None:
    """What is not of a galaxy says that it was generated, and uses reserved addresses."""
    for name in ("generated", "rumours", "drafts"):
        for doc in json.loads((inputs / f"{name}.json").read_bytes())["objects"]:
            assert "generated" in doc["labels"]
            pattern = doc.get("pattern", ".example'")
            reserved = ("192.0.2.", "198.51.100.", "203.0.113.", "2001:db8::", ".example'")
            assert any(each in pattern for each in reserved)


@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    ("sabotage", "expected"),
    [
        ("about", "exactly what the signed text allows"),
        ("approvals", "never before both had signed its exact bytes"),
        ("ceiling", "exactly what the signed text allows"),
        ("inbound", "South put it into quarantine"),
        ("certificate", "is over the bytes of every recall"),
        ("leaf", "each object given has its slip in North's log"),
    ],
)
def test_a_safeguard_that_is_switched_off_fails_the_demo(
    sabotage: str, expected: str, folder: Path
) -> None:
    done = played(folder, sabotage)
    assert done.code == 1, done.said
    assert done.figures, done.said
    assert expected in done.failed


def test_without_the_liar_the_demo_says_so_and_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(play, "_LIAR", tmp_path / "nowhere.py")
    assert play.run(once=True, json=None, keep=tmp_path / "kept") == 1
    assert "nowhere.py is missing" in capsys.readouterr().out
