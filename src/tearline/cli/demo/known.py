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
    story: dict[str, Any]
    homes: list[str]
    verdict: str


class Said(NamedTuple):
    """What was said of objects: what North holds back, what people approved, and refused."""

    held_back: frozenset[str] = frozenset()
    approved: frozenset[str] = frozenset()
    refused: frozenset[str] = frozenset()


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
        self._said = Said()
        self._world: World | None = None

    def world(self) -> World:
        """What ought to become of everything, under the signed text, after all that was said."""
        if self._world is None:
            clause = next(each for each in self.terms["clause"] if each["from"] == "north")
            now = datetime.now(UTC)  # noqa: TID251  # the judge has no clock of the product's
            self._world = World(self.objects, self.terms, clause, now, *self._said)
        return self._world

    def now_also(self, said: Said) -> None:
        """Take note of what North holds back from now on, and of what people approve and refuse."""
        both = (one | other for one, other in zip(self._said, said, strict=True))
        self._said = Said(*both)
        self._world = None

    @property
    def approvals(self) -> int:
        """How many people have to approve what North gives and waits for them."""
        return int(self.world().clause["review"]["approvals"])

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
