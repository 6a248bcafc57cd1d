"""The command line called in this process, and what the tests make with it."""

import contextlib
import io
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tearline.cli.main import run

SPACE = uuid.UUID("3c6f52b5-35a6-4a58-9b3f-4d0a1c7a0e11")
STAMP = "2026-01-05T10:00:00.000Z"


@dataclass(frozen=True)
class Said:
    """The exit code of a verb and what it wrote."""

    code: int
    out: str
    err: str

    @property
    def value(self) -> Any:  # noqa: ANN401  # any JSON value
        return json.loads(self.out)


def tearline(*arguments: str | Path, home: Path | None = None) -> Said:
    out, err = io.StringIO(), io.StringIO()
    more = ["--home", str(home)] if home else []
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = run([*map(str, arguments), *more])
    return Said(code, out.getvalue(), err.getvalue())


def good(*arguments: str | Path, home: Path | None = None) -> Any:  # noqa: ANN401  # any JSON value
    """The JSON that a verb answers, when it says yes."""
    said = tearline(*arguments, "--json", home=home)
    assert said.code == 0, said
    return said.value


@dataclass(frozen=True)
class Sides:
    """Two homes in a folder, and the id of an agreement between them where there is one."""

    folder: Path

    @property
    def north(self) -> Path:
        return self.folder / "north"

    @property
    def south(self) -> Path:
        return self.folder / "south"

    @property
    def draft(self) -> Path:
        return self.folder / "draft.toml"

    @property
    def agreement(self) -> str:
        found: str = good("agreement", "list", home=self.north)[0]["agreement"]
        return found

    def carry(self, *act: str | Path, sender: Path, receiver: Path) -> None:
        """Do something that writes messages to a file, and let the other side take them."""
        path = self.folder / "carried.messages"
        good(*act, "--out", path, home=sender)
        good("agreement", "receive", path, "--out", self.folder / "back", home=receiver)


def make_sides(folder: Path, urls: Mapping[str, str] | None = None) -> Sides:
    """Two homes that compared their words."""
    sides = Sides(folder)
    for home, name in ((sides.north, "North CERT"), (sides.south, "South ISAC")):
        url = ["--url", urls[home.name]] if urls else []
        good("init", "--name", name, *url, home=home)
        good("card", "--out", folder / f"{home.name}.card", home=home)
    for us, them in ((sides.north, sides.south), (sides.south, sides.north)):
        words = good("card", home=them)["words"]
        good("party", "add", folder / f"{them.name}.card", "--words", words, home=us)
    good("agreement", "new", "--with", "south-isac", "--out", sides.draft, home=sides.north)
    text = sides.draft.read_text("utf-8")
    text = text.replace("Example Spider", "Gray Heron").replace("days = 180", 'days = "*"')
    sides.draft.write_text(text, "utf-8")
    return sides


def agree(sides: Sides) -> None:
    """Propose, countersign and activate, by files alone."""
    north, south = sides.north, sides.south
    sides.carry("agreement", "propose", sides.draft, sender=north, receiver=south)
    sides.carry("agreement", "countersign", sides.agreement, sender=south, receiver=north)
    good("agreement", "receive", sides.folder / "back", "--out", sides.folder / "last", home=south)
    good("agreement", "receive", sides.folder / "last", home=north)


def actor(name: str) -> dict[str, Any]:
    return _object("intrusion-set", name, name=name)


def malware(name: str) -> dict[str, Any]:
    return _object("malware", name, name=name, is_family=True)


def uses(source: dict[str, Any], target: dict[str, Any]) -> dict[str, Any]:
    ends = {"source_ref": source["id"], "target_ref": target["id"]}
    name = f"{source['id']} uses {target['id']}"
    return _object("relationship", name, relationship_type="uses", **ends)


def _object(kind: str, of: str, **more: object) -> dict[str, Any]:
    return {
        "type": kind,
        "spec_version": "2.1",
        "id": f"{kind}--{uuid.uuid5(SPACE, of)}",
        "created": STAMP,
        "modified": STAMP,
        **more,
    }


def bundle(path: Path, *objects: dict[str, Any]) -> Path:
    document = {"type": "bundle", "id": f"bundle--{uuid.uuid5(SPACE, 'b')}", "objects": objects}
    path.write_text(json.dumps(document), "utf-8")
    return path
