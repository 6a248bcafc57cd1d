"""The course of the founding story, between two real nodes: `tearline demo`.

Announced, rejected, countersigned; exclusive; what names a victim waits; the unacceptable partner
is stopped; recalled. Everything is done with the command line; the judge sees what a third party
can be shown, and has the last word.
"""

import json
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

import typer

from tearline import clock
from tearline.agreement.terms import collection_id
from tearline.cli.demo.data import GALAXIES, Story, write_inputs
from tearline.cli.demo.nodes import Judge, Node, StepError, at_once, environment, stop_all
from tearline.cli.demo.peek import key_of, signed_text, wait_for_leaves
from tearline.cli.demo.terms import write_terms
from tearline.cli.terminal import visible
from tearline.errors import TearlineError

_LIAR = Path(__file__).parents[4] / "examples" / "demo" / "lying_north.py"
_WHY_NOT = "Nothing that you mark TLP:RED may come to us: we could not keep it as you would."


def run(*, once: bool, json: Path | None, keep: Path | None) -> int:
    """Play the course; return 0 only if the judge found every step to hold.

    Without `once` the nodes stay up until Ctrl-C. `json` gets the figures; `keep` is the folder for
    the homes and the evidence, which otherwise are removed after a good `once`.
    """
    folder = keep or Path(tempfile.mkdtemp(prefix="tearline-demo-"))
    folder.mkdir(parents=True, exist_ok=True)
    course = Course(folder.absolute())
    good = False
    before = signal.signal(signal.SIGTERM, _interrupted)
    try:
        good = course.play()
        if json is not None:
            json.write_text(_written(course.figures(good=good)), "utf-8")
        if good and not once:
            course.stay()
    except KeyboardInterrupt:
        typer.echo("\nStopped.")
    except TearlineError as error:
        typer.echo(f"The demo stopped: {visible(error.what)}\n{error.means}\n{error.do}".rstrip())
    finally:
        course.end()
        signal.signal(signal.SIGTERM, before)
        if good and once and keep is None:
            shutil.rmtree(folder)
        else:
            typer.echo(f"Homes, logs and evidence are in {folder}.")
    return 0 if good else 1


class Course:
    """The story as it is played: its nodes, the judge, and the seconds of each step."""

    def __init__(self, folder: Path) -> None:
        """Take a folder in which everything is made; nothing is started yet."""
        self._folder = folder
        self._north = Node(folder, "north", "North CERT")
        self._south = Node(folder, "south", "South CERT")
        self._east = Node(folder, "east", "East Bureau")
        self._judge: Judge | None = None
        self._begun = time.monotonic()
        self._seconds: dict[str, float] = {}
        self._failed = 0
        self._checked = 0
        self._agreement = f"urn:uuid:{clock.fresh_uuid()}"
        self._cards: dict[str, dict[str, Any]] = {}
        self._story: Story | None = None

    def play(self) -> bool:
        """Play it to its end; whether the judge found everything to hold."""
        if not _LIAR.is_file():
            raise StepError(
                f"{_LIAR} is missing: the demo plays a lying North with it.",
                do="Run the demo from a checkout of the repository: `make demo`.",
            )
        with self._step("meet", "Two parties, a third, and a judge"):
            self._meet()
        with self._step("import", "North imports the galaxies, and generated objects tied to them"):
            self._import()
        with self._step("reject", "North announces an agreement; South rejects it"):
            first = self._reject()
        with self._step("countersign", "North announces a second version; South countersigns it"):
            agreed, foreseen = self._countersign(first)
        with self._step("release", "What the text allows flows, and nothing else"):
            self._release(agreed, foreseen)
        with self._step("block", "A third party is blocked: it cannot be given an agreement"):
            self._block()
        with self._step("lie", "North lies: it releases what is not about the topic"):
            self._lie()
        with self._step("recall", "North takes one object back"):
            self._recall()
        with self._step("verdict", "The judge's verdict"):
            return self._verdict()

    def stay(self) -> None:
        """Leave the nodes running with their addresses until Ctrl-C."""
        for node in (self._north, self._south):
            typer.echo(f"{node.name} stays at {node.url}   TEARLINE_HOME={node.home}")
        typer.echo("Ctrl-C stops them.")
        threading.Event().wait()

    def end(self) -> None:
        """End every process that the course started."""
        judge = [self._judge] if self._judge else []
        stop_all([self._north, self._south, self._east, *judge])

    def figures(self, *, good: bool) -> dict[str, Any]:
        """The judge's figures, and the seconds of each step."""
        found = json.loads((self._folder / "verdict.json").read_bytes())
        failed = [each for each in found["checks"] if not each["holds"]]
        return {
            "good": good,
            **found["figures"],
            "checks": len(found["checks"]),
            "failed": failed,
            "seconds": {name: round(spent, 2) for name, spent in self._seconds.items()},
            "seconds_in_all": round(time.monotonic() - self._begun, 2),
        }

    # ------------------------------------------------------------------------------ the steps

    def _meet(self) -> None:
        inputs = self._folder / "inputs"
        inputs.mkdir(exist_ok=True)
        north, south, east = self._north, self._south, self._east
        for node in (north, south, east):
            node.open()
        *cards, self._story = at_once(
            lambda: north.run("init", "--name", north.name, "--url", north.url),
            lambda: south.run("init", "--name", south.name, "--url", south.url),
            lambda: east.run("init", "--name", east.name, "--url", east.url),
            lambda: write_inputs(inputs),
        )
        self._cards = {n.slot: c["card"] for n, c in zip((north, south, east), cards, strict=True)}
        words = {n.slot: c["words"] for n, c in zip((north, south, east), cards, strict=True)}
        self._judge = Judge(self._case())
        for node in (north, south):
            node.start()
        at_once(
            *(
                lambda one=one, other=other: one.run(
                    "party", "add", other.home / "card.json", "--words", words[other.slot]
                )
                for one, other in ((north, south), (south, north), (north, east), (east, north))
            ),
            north.wait_until_up,
            south.wait_until_up,
        )
        for node in (north, south):
            self._say(f"{node.name} answers at {node.url}; its words were compared by telephone")

    def _import(self) -> None:
        told = self._told
        galaxies, *others = told.inputs
        names = [word for name in GALAXIES for word in ("--galaxy", name)]
        labels = ["--mark", galaxies.mark, "--grade", galaxies.grade, "--source", galaxies.source]
        done = self._north.run("import", *names, *labels)
        self._say(f"{done['stored']:,} objects of {len(GALAXIES)} galaxies, {galaxies.mark}")
        for each in others:
            words = ["--mark", each.mark] if each.mark else []
            words += ["--grade", each.grade] if each.grade else []
            done = self._north.run("import", each.path, *words, "--source", each.source)
            beside = " ".join(filter(None, (each.mark, each.grade))) or "unmarked, ungraded"
            count = done["stored"] + done["unchanged"]
            self._say(f"{count:,} objects of {each.path.name}, {beside}")
        closer = told.closer.read_text("utf-8").split()
        self._north.run("mark", told.closer_mark, *closer)
        self._say(f"{len(closer)} of the galaxies' objects North keeps closer: {told.closer_mark}")

    def _reject(self) -> str:
        first = self._write("first.toml", ceiling="TLP:RED")
        proposed = self._north.run("agreement", "propose", first)
        self._delivered(proposed)
        self._say(f"announced: “{proposed['title']}”, version 1, up to TLP:RED")
        self._delivered(
            self._south.run("agreement", "reject", self._agreement, "--reason", _WHY_NOT)
        )
        self._say(f"South rejects it: “{_WHY_NOT}”")
        logs = self._copy("rejected", self._north, self._south)
        self._ask("rejected", logs=logs, hash=proposed["hash"])
        return str(proposed["hash"])

    def _countersign(self, first: str) -> tuple[str, list[int]]:
        second = self._write("second.toml", version=2, replaces=first)
        found = self._north.run("agreement", "preview", second)
        self._say(
            f"before anyone signs, North sees: {found['go']:,} would go, {found['wait']:,} wait, "
            f"{found['stay']:,} stay"
        )
        proposed = self._north.run("agreement", "propose", second)
        self._delivered(proposed)
        self._say("announced again: version 2, up to TLP:AMBER, what names a victim waits")
        logs = self._copy("announced", self._north)
        self._ask("announced", logs=logs, hash=proposed["hash"])
        self._delivered(self._south.run("agreement", "countersign", self._agreement))
        self._say("South countersigns the same bytes")
        for node, other in ((self._north, self._south), (self._south, self._north)):
            node.run("sync", self._slug(other))
        self._say("each side holds the other's proof: the agreement is active")
        return str(proposed["hash"]), [found[each] for each in ("go", "wait", "stay")]

    def _release(self, agreed: str, foreseen: list[int]) -> None:
        self._north.run("sync", self._slug(self._south))
        done = self._sync_south()
        self._say(f"South received {done['objects']:,}: accepted {done['accepted']:,}, "
                  f"quarantined {done['quarantined']:,}")  # fmt: skip
        wait_for_leaves(self._north, self._south)
        jws = self._folder / "agreement.jws.json"
        jws.write_bytes(signed_text(self._north, agreed))
        explained = self._explain()
        private = ("north-private", "south-private")
        logs = self._copy("delivered", self._north, self._south, private=private)
        self._ask(
            "delivered",
            logs=logs,
            hash=agreed,
            agreement=str(jws),
            key=key_of(self._south, self._agreement),
            explained=explained,
            foreseen=foreseen,
        )

    def _explain(self) -> dict[str, str]:
        wanted = {"went": self._told.went, "stays": self._told.stays, "waits": self._told.waits}
        to = self._slug(self._south)
        found = at_once(
            *(
                lambda each=each: self._north.run("explain", each, "--to", to)
                for each in wanted.values()
            )
        )
        files = {}
        for which, value in zip(wanted, found, strict=True):
            said = " ".join(each["sentence"] for each in value["reasons"])
            names = value["agreements"][0]["names"]
            path = " → ".join(names[each] for each in value["path"] if each in names)
            told = self._told_of(value["object"])
            self._say(f"explain {told}, which {which}: {said or f'about the topic by {path}'}")
            files[which] = self._write_json(f"explain-{which}.json", value)
        return files

    def _told_of(self, stix_id: str) -> str:
        """What people would call an object: its name, or its id."""
        return str(self._north.run("show", stix_id)["object"].get("name", stix_id))

    def _block(self) -> None:
        east, reason = self._east, "its owner runs the campaign that we defend against"
        agreement = f"urn:uuid:{clock.fresh_uuid()}"
        path = self._folder / "east.toml"
        path.write_text(write_terms(agreement, self._parties("north", "east"), now=clock.now()))
        messages = self._folder / "east.messages"
        at_once(
            lambda: self._north.run("party", "block", self._slug(east), "--reason", reason),
            lambda: east.run("agreement", "propose", path, "--out", messages),
        )
        self._say(f"North blocks {east.name}: “{reason}”")
        self._ask("knocked", messages=str(messages))
        refused, logs = at_once(
            lambda: self._north.run("agreement", "propose", path, code=1),
            lambda: self._north.run("log", "list"),
        )
        self._say(f"North tries to offer it an agreement: {refused['error']['what']}")
        self._ask(
            "stopped",
            id=agreement,
            proposal=self._write_json("east-proposal.json", refused),
            all_logs=self._write_json("north-logs.json", logs),
        )

    def _lie(self) -> None:
        line = [sys.executable, str(_LIAR), str(self._north.home), self._agreement, self._told.lie]
        done = subprocess.run(line, env=environment(), capture_output=True, check=False)  # noqa: S603  # of this repository
        if done.returncode:
            raise StepError("North could not lie.", means=done.stderr.decode()[-2000:])
        self._say(done.stdout.decode().strip())
        found = self._sync_south()
        self._say(f"South received {found['objects']:,}: accepted {found['accepted']:,}, "
                  f"quarantined {found['quarantined']:,}")  # fmt: skip
        wait_for_leaves(self._south)
        logs = self._copy("lied", self._north, private=("south-private",))
        self._ask("lied", logs=logs, key=key_of(self._south, self._agreement))

    def _recall(self) -> None:
        north, south, target = self._north, self._south, self._told.recalled
        reason = "The address was given to someone else; whoever blocks it hurts a bystander."
        north.run("recall", target, "--to", self._slug(south), "--reason", reason)
        self._say(f"North recalls {target}: “{reason}”")
        done = self._sync_south()
        self._say(f"South erases {done['recalled']:,} objects and sends its receipt")
        open_ones = [each for each in north.run("recalls") if each["confirmed_at"] is None]
        if open_ones:
            raise StepError(f"{len(open_ones)} recalls were not confirmed.")
        self._say("North holds the receipt: the recall is acknowledged")
        wait_for_leaves(north, south)
        private = ("north-private", "south-private")
        logs = self._copy("recalled", north, south, private=private)
        key = key_of(south, self._agreement)
        self._ask("recalled", logs=logs, key=key, receipts=self._receipts(Path(logs)))

    def _receipts(self, logs: Path) -> dict[str, list[str]]:
        """Have both sides make receipts of what they did, by the leaves of their copied logs."""
        wanted = (
            (self._north, "release"),
            (self._north, "delivery"),
            (self._south, "statement"),
            (self._south, "accept"),
            (self._south, "recall-receipt"),
        )
        files: dict[str, list[str]] = {"north": [], "south": []}
        calls = []
        for node, kind in wanted:
            out = self._folder / f"receipt-{node.slot}-{kind}.json"
            leaf = _last_leaf(logs / node.slot / "records.jsonl", kind)
            words = ("--log", f"ours/{self._agreement}", "--leaf", leaf, "--out", out)
            calls.append(lambda n=node, w=words: n.run("receipt", "make", *w))
            files[node.slot].append(str(out))
        at_once(*calls)
        return files

    def _verdict(self) -> bool:
        held = self._judge is not None and self._judge.end()
        good = held and not self._failed
        self._say(
            f"{self._checked} checks held"
            if good
            else f"{self._failed} of {self._checked} checks do not hold"
        )
        return good

    # ---------------------------------------------------------------------------------- tools

    @property
    def _told(self) -> Story:
        if self._story is None:
            raise StepError("The story has not begun.")
        return self._story

    def _case(self) -> Path:
        """Write down what the judge is told before anything happens."""
        told = self._told
        names = ("went", "stays", "waits", "recalled", "lie")
        case = {
            "agreement": self._agreement,
            "collection": collection_id(self._agreement, "north"),
            "nodes": {"north": self._north.url, "south": self._south.url},
            "cards": self._cards,
            "inputs": [each._asdict() | {"path": str(each.path)} for each in told.inputs],
            "closer": {"path": str(told.closer), "mark": told.closer_mark},
            "story": {name: getattr(told, name) for name in names},
            "homes": [f"{each.home}/" for each in (self._north, self._south, self._east)],
            "verdict": str(self._folder / "verdict.json"),
        }
        return Path(self._write_json("case.json", case))

    def _write(self, name: str, **more: Any) -> Path:  # noqa: ANN401  # what a version has
        path = self._folder / name
        parties = self._parties("north", "south")
        path.write_text(write_terms(self._agreement, parties, now=clock.now(), **more), "utf-8")
        return path

    def _parties(self, *slots: str) -> dict[str, dict[str, Any]]:
        return {slot: self._cards[slot] for slot in slots}

    def _slug(self, node: Node) -> str:
        return str(self._cards[node.slot]["slug"])

    def _sync_south(self) -> dict[str, Any]:
        done = self._south.run("sync", self._slug(self._north))
        return dict(done["parties"][0]["agreements"][0])

    def _copy(self, moment: str, *nodes: Node, private: tuple[str, ...] = ()) -> str:
        """Copy logs with what opens them, as their owners would hand them to an overseer."""
        folder = self._folder / "logs" / moment
        by_slot = {"north": self._north, "south": self._south}
        wanted = [(node, self._agreement, node.slot) for node in nodes]
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

    def _ask(self, moment: str, **told: object) -> None:
        """Have the judge look, and show what it found."""
        if self._judge is None:
            raise StepError("There is no judge.")
        for each in self._judge.ask(moment, **told):
            self._checked += 1
            self._failed += not each["holds"]
            mark = typer.style("holds", fg="green") if each["holds"] else typer.style(
                "DOES NOT HOLD", fg="red", bold=True)  # fmt: skip
            detail = f" ({each['detail']})" if each["detail"] else ""
            self._say(f"judge: {mark}  {visible(each['line'] + detail)}")

    def _delivered(self, done: dict[str, Any]) -> None:
        """See that a message reached the other node."""
        if not done["delivery"] or done["delivery"]["problem"] or done["delivery"]["refused"]:
            raise StepError("A message did not reach the other node.", means=str(done["delivery"]))

    def _write_json(self, name: str, value: object) -> str:
        path = self._folder / name
        path.write_text(_written(value), "utf-8")
        return str(path)

    @contextmanager
    def _step(self, name: str, title: str) -> Iterator[None]:
        """One step of the course, with the seconds that it took."""
        begun = time.monotonic()
        number = len(self._seconds) + 1
        typer.secho(f"{number}. {title}", bold=True)
        yield
        self._seconds[name] = time.monotonic() - begun
        typer.secho(f"   {self._seconds[name]:.1f} s", dim=True)

    def _say(self, line: str) -> None:
        typer.echo(f"   {time.monotonic() - self._begun:5.1f} s  {line}")


def _last_leaf(records: Path, kind: str) -> int:
    """The last leaf of a kind in a copied log."""
    found = -1
    for line in records.read_bytes().splitlines():
        value = json.loads(line)
        if json.loads(value["record"])["kind"] == kind:
            found = value["leaf"]
    return found


def _written(value: object) -> str:
    return json.dumps(value, indent=2, default=str) + "\n"


def _interrupted(_signal: int, _frame: object) -> NoReturn:
    raise KeyboardInterrupt
