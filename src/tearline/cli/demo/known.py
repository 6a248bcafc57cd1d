"""What the judge knows: the case as it was put, and what it saw itself at earlier moments."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from tearline.cli.demo.below import Fit
from tearline.cli.demo.evidence import Answer, Log, read_log
from tearline.cli.demo.expect import Object, World


class Case(NamedTuple):
    """What the judge is told before anything happens."""

    agreement: str
    collection: str
    nodes: dict[str, str]
    cards: dict[str, dict[str, Any]]
    inputs: list[dict[str, Any]]
    closer: dict[str, Any]
    story: dict[str, str]
    homes: list[str]
    verdict: str


class Known:
    """The case, the objects that North holds, and what was seen so far."""

    def __init__(self, case: Case, objects: dict[str, Object]) -> None:
        """Begin with the input files and nothing seen."""
        self.case = case
        self.objects = objects
        self.figures: dict[str, Any] = {"held": len(objects)}
        self.terms: dict[str, Any] = {}
        self.agreement_hash = ""
        self.answer = Answer(0, {}, 0)
        self.fit = Fit(0, 0, [], [], {})
        self._folders: dict[str, Path] = {}
        self._worlds: dict[frozenset[str], World] = {}

    def world(self, *, held_back: frozenset[str] = frozenset()) -> World:
        """What ought to become of everything, under the signed text; worked out once each."""
        if held_back not in self._worlds:
            clause = next(each for each in self.terms["clause"] if each["from"] == "north")
            now = datetime.now(UTC)  # noqa: TID251  # the judge has no clock of the product's
            self._worlds[held_back] = World(self.objects, self.terms, clause, now, held_back)
        return self._worlds[held_back]

    @property
    def keys(self) -> dict[str, str]:
        """The key by which each of the two parties signs."""
        return {slot: str(self.case.cards[slot]["sign"]) for slot in ("north", "south")}

    def log(self, folder: str, name: str) -> Log:
        """Read a copied log: `north`, `south`, or with `-private`; it must have grown since."""
        slot, _, private = name.partition("-")
        origin = "private" if private else self.case.agreement.removeprefix("urn:uuid:")
        path = Path(folder) / name
        found = read_log(path, self.case.cards[slot], origin, self._folders.get(name))
        self._folders[name] = path
        size, root = found.verdict.size, found.verdict.root.hex()
        self.figures.setdefault("logs", {})[name] = {"leaves": size, "root": root}
        return found


def read_json(path: str) -> Any:  # noqa: ANN401  # any JSON value
    """Return the value in a JSON file."""
    return json.loads(Path(path).read_bytes())
