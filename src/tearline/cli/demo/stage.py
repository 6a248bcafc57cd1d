"""Who is there and what is told: the nodes, the judge, the folder, the lines that are printed."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import typer

from tearline import clock
from tearline.agreement.terms import collection_id
from tearline.cli.demo.data import Story
from tearline.cli.demo.nodes import Judge, Node, StepError, at_once, stop_all
from tearline.cli.terminal import visible

_HOLDS = typer.style("holds", fg="green")
_DOES_NOT = typer.style("DOES NOT HOLD", fg="red", bold=True)


class Stage:
    """The cast of the story, what everybody knows, and the seconds of each step."""

    def __init__(self, folder: Path) -> None:
        """Take a folder in which everything is made; nothing is started yet."""
        self.folder = folder
        self.north = Node(folder, "north", "North CERT")
        self.south = Node(folder, "south", "South CERT")
        self.east = Node(folder, "east", "East Bureau")
        self.judge: Judge | None = None
        self._begun = time.monotonic()
        self._seconds: dict[str, float] = {}
        self._failed = 0
        self._checked = 0
        self.agreement = f"urn:uuid:{clock.fresh_uuid()}"
        self.cards: dict[str, dict[str, Any]] = {}
        self.story: Story | None = None

    def stay(self) -> None:
        """Leave the nodes running with their addresses until Ctrl-C."""
        for node in (self.north, self.south):
            typer.echo(f"{node.name} stays at {node.url}   TEARLINE_HOME={node.home}")
        typer.echo("Ctrl-C stops them.")
        threading.Event().wait()

    def end(self) -> None:
        """End every process that the course started."""
        judge = [self.judge] if self.judge else []
        stop_all([self.north, self.south, self.east, *judge])

    def figures(self, *, good: bool) -> dict[str, Any]:
        """The judge's figures, and the seconds of each step."""
        found = json.loads((self.folder / "verdict.json").read_bytes())
        failed = [each for each in found["checks"] if not each["holds"]]
        return {
            "good": good,
            **found["figures"],
            "checks": len(found["checks"]),
            "failed": failed,
            "seconds": {name: round(spent, 2) for name, spent in self._seconds.items()},
            "seconds_in_all": round(time.monotonic() - self._begun, 2),
        }

    @contextmanager
    def step(self, name: str, title: str) -> Iterator[None]:
        """One step of the course, with the seconds that it took."""
        begun = time.monotonic()
        number = len(self._seconds) + 1
        typer.secho(f"{number}. {title}", bold=True)
        yield
        self._seconds[name] = time.monotonic() - begun
        typer.secho(f"   {self._seconds[name]:.1f} s", dim=True)

    def say(self, line: str) -> None:
        """Print a line with the seconds since the beginning."""
        typer.echo(f"   {time.monotonic() - self._begun:5.1f} s  {line}")

    def ask(self, moment: str, **told: object) -> None:
        """Have the judge look, and show what it found."""
        if self.judge is None:
            raise StepError("There is no judge.")
        for each in self.judge.ask(moment, **told):
            self._checked += 1
            self._failed += not each["holds"]
            mark = _HOLDS if each["holds"] else _DOES_NOT
            detail = f" ({each['detail']})" if each["detail"] else ""
            self.say(f"judge: {mark}  {visible(each['line'] + detail)}")

    def verdict(self) -> bool:
        """Let the judge write its verdict; whether it found everything to hold."""
        held = self.judge is not None and self.judge.end()
        good = held and not self._failed
        failed = f"{self._failed} of {self._checked} checks do not hold"
        self.say(f"{self._checked} checks held" if good else failed)
        return good

    def copy_logs(self, moment: str, *nodes: Node, private: tuple[str, ...] = ()) -> str:
        """Copy logs with what opens them, as their owners would hand them to an overseer."""
        folder = self.folder / "logs" / moment
        by_slot = {"north": self.north, "south": self.south}
        wanted = [(node, self.agreement, node.slot) for node in nodes]
        wanted += [(by_slot[each.partition("-")[0]], "private", each) for each in private]
        at_once(
            *(
                lambda node=node, log=log, name=name: node.run(
                    "log", "copy", log, folder / name, "--records"
                )
                for node, log, name in wanted
            )
        )
        return str(folder)

    def write_case(self) -> Path:
        """Write down what the judge is told before anything happens."""
        told = self.told
        names = ("went", "stays", "waits", "recalled", "lie", "approved", "refused", "held")
        case = {
            "agreement": self.agreement,
            "collection": collection_id(self.agreement, "north"),
            "nodes": {"north": self.north.url, "south": self.south.url},
            "cards": self.cards,
            "inputs": [each._asdict() | {"path": str(each.path)} for each in told.inputs],
            "closer": {"path": str(told.closer), "mark": told.closer_mark},
            "story": {name: getattr(told, name) for name in names},
            "homes": [f"{each.home}/" for each in (self.north, self.south, self.east)],
            "verdict": str(self.folder / "verdict.json"),
        }
        return Path(self.write_json("case.json", case))

    def write_json(self, name: str, value: object) -> str:
        """Write a value into the folder; return its path."""
        path = self.folder / name
        path.write_text(written(value), "utf-8")
        return str(path)

    def parties(self, *slots: str) -> dict[str, dict[str, Any]]:
        """The cards of these parties, by slot."""
        return {slot: self.cards[slot] for slot in slots}

    def slug(self, node: Node) -> str:
        """The short name by which partners know a node."""
        return str(self.cards[node.slot]["slug"])

    @property
    def told(self) -> Story:
        """The story, once it has begun."""
        if self.story is None:
            raise StepError("The story has not begun.")
        return self.story


def written(value: object) -> str:
    """Return a value as JSON for a file."""
    return json.dumps(value, indent=2, default=str) + "\n"
