"""The course of the founding story, between two real nodes: `tearline demo`.

Announced, rejected, countersigned; exclusive; what names a victim waits until two people approve
it; a topic is held; the unacceptable partner is stopped; recalled; ended, with a certificate.
Everything is done with the command line; the judge sees what a third party can be shown, and has
the last word.
"""

import json
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, NoReturn

import typer

from tearline import clock
from tearline.cli.demo.data import GALAXIES, write_inputs
from tearline.cli.demo.later import Later
from tearline.cli.demo.nodes import Judge, StepError, at_once, environment
from tearline.cli.demo.peek import key_of, signed_text, signs_of, wait_for_leaves
from tearline.cli.demo.stage import written
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
            json.write_text(written(course.figures(good=good)), "utf-8")
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


class Course(Later):
    """The story as it is played, step by step."""

    def play(self) -> bool:
        """Play it to its end; whether the judge found everything to hold."""
        if not _LIAR.is_file():
            raise StepError(
                f"{_LIAR} is missing: the demo plays a lying North with it.",
                do="Run the demo from a checkout of the repository: `make demo`.",
            )
        with self.step("meet", "Two parties, a third, and a judge"):
            self._meet()
        with self.step("import", "North imports the galaxies, and generated objects tied to them"):
            self._import()
        with self.step("reject", "North announces an agreement; South rejects it"):
            first = self._reject()
        with self.step("countersign", "North announces a second version; South countersigns it"):
            agreed, foreseen = self._countersign(first)
        with self.step("release", "What the text allows flows, and nothing else"):
            self._release(agreed, foreseen)
        with self.step("approve", "Two people approve what names a victim; another is refused"):
            self.approve()
        with self.step("hold", "North holds a topic, and what went of it is recalled"):
            self.hold()
        with self.step("block", "A third party is blocked: it cannot be given an agreement"):
            self._block()
        with self.step("lie", "North lies: it releases what is not about the topic"):
            self._lie()
        with self.step("recall", "North takes one object back"):
            self._recall()
        with self.step("leave", "The agreement ends, and both sides leave"):
            self.leave()
        with self.step("verdict", "The judge's verdict"):
            return self.verdict()

    # ------------------------------------------------------------------------------ the steps

    def _meet(self) -> None:
        inputs = self.folder / "inputs"
        inputs.mkdir(exist_ok=True)
        north, south, east = self.north, self.south, self.east
        for node in (north, south, east):
            node.open()
        *cards, self.story = at_once(
            lambda: north.run("init", "--name", north.name, "--url", north.url),
            lambda: south.run("init", "--name", south.name, "--url", south.url),
            lambda: east.run("init", "--name", east.name, "--url", east.url),
            lambda: write_inputs(inputs),
        )
        self.cards = {n.slot: c["card"] for n, c in zip((north, south, east), cards, strict=True)}
        words = {n.slot: c["words"] for n, c in zip((north, south, east), cards, strict=True)}
        self.judge = Judge(self.write_case())
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
            self.say(f"{node.name} answers at {node.url}; its words were compared by telephone")

    def _import(self) -> None:
        told = self.told
        galaxies, *others = told.inputs
        names = [word for name in GALAXIES for word in ("--galaxy", name)]
        labels = ["--mark", galaxies.mark, "--grade", galaxies.grade, "--source", galaxies.source]
        done = self.north.run("import", *names, *labels)
        self.say(f"{done['stored']:,} objects of {len(GALAXIES)} galaxies, {galaxies.mark}")
        for each in others:
            words = ["--mark", each.mark] if each.mark else []
            words += ["--grade", each.grade] if each.grade else []
            done = self.north.run("import", each.path, *words, "--source", each.source)
            beside = " ".join(filter(None, (each.mark, each.grade))) or "unmarked, ungraded"
            count = done["stored"] + done["unchanged"]
            self.say(f"{count:,} objects of {each.path.name}, {beside}")
        closer = told.closer.read_text("utf-8").split()
        self.north.run("mark", told.closer_mark, *closer)
        self.say(f"{len(closer)} of the galaxies' objects North keeps closer: {told.closer_mark}")

    def _reject(self) -> str:
        first = self._write("first.toml", ceiling="TLP:RED")
        proposed = self.north.run("agreement", "propose", first)
        self._delivered(proposed)
        self.say(f"announced: “{proposed['title']}”, version 1, up to TLP:RED")
        self._delivered(self.south.run("agreement", "reject", self.agreement, "--reason", _WHY_NOT))
        self.say(f"South rejects it: “{_WHY_NOT}”")
        logs = self.copy_logs("rejected", self.north, self.south)
        self.ask("rejected", logs=logs, hash=proposed["hash"])
        return str(proposed["hash"])

    def _countersign(self, first: str) -> tuple[str, list[int]]:
        second = self._write("second.toml", version=2, replaces=first)
        found = self.north.run("agreement", "preview", second)
        self.say(
            f"before anyone signs, North sees: {found['go']:,} would go, {found['wait']:,} wait, "
            f"{found['stay']:,} stay"
        )
        proposed = self.north.run("agreement", "propose", second)
        self._delivered(proposed)
        self.say("announced again: version 2, up to TLP:AMBER, what names a victim waits")
        logs = self.copy_logs("announced", self.north)
        self.ask("announced", logs=logs, hash=proposed["hash"])
        self._delivered(self.south.run("agreement", "countersign", self.agreement))
        self.say("South countersigns the same bytes")
        for node, other in ((self.north, self.south), (self.south, self.north)):
            node.run("sync", self.slug(other))
        self.say("each side holds the other's proof: the agreement is active")
        return str(proposed["hash"]), [found[each] for each in ("go", "wait", "stay")]

    def _release(self, agreed: str, foreseen: list[int]) -> None:
        self.north.run("sync", self.slug(self.south))
        done = self.sync_south()
        self.say(f"South received {done['objects']:,}: accepted {done['accepted']:,}, "
                  f"quarantined {done['quarantined']:,}")  # fmt: skip
        wait_for_leaves(self.north, self.south)
        jws = self.folder / "agreement.jws.json"
        jws.write_bytes(signed_text(self.north, agreed))
        explained = self._explain()
        private = ("north-private", "south-private")
        logs = self.copy_logs("delivered", self.north, self.south, private=private)
        self.ask(
            "delivered",
            logs=logs,
            hash=agreed,
            agreement=str(jws),
            key=key_of(self.south, self.agreement),
            explained=explained,
            foreseen=foreseen,
        )

    def _explain(self) -> dict[str, str]:
        wanted = {"went": self.told.went, "stays": self.told.stays, "waits": self.told.waits}
        to = self.slug(self.south)
        found = at_once(
            *(
                lambda each=each: self.north.run("explain", each, "--to", to)
                for each in wanted.values()
            )
        )
        files = {}
        for which, value in zip(wanted, found, strict=True):
            said = " ".join(each["sentence"] for each in value["reasons"])
            names = value["agreements"][0]["names"]
            path = " → ".join(names[each] for each in value["path"] if each in names)
            told = self._told_of(value["object"])
            self.say(f"explain {told}, which {which}: {said or f'about the topic by {path}'}")
            files[which] = self.write_json(f"explain-{which}.json", value)
        return files

    def _told_of(self, stix_id: str) -> str:
        """What people would call an object: its name, or its id."""
        return str(self.north.run("show", stix_id)["object"].get("name", stix_id))

    def _block(self) -> None:
        east, reason = self.east, "its owner runs the campaign that we defend against"
        agreement = f"urn:uuid:{clock.fresh_uuid()}"
        path = self.folder / "east.toml"
        path.write_text(write_terms(agreement, self.parties("north", "east"), now=clock.now()))
        messages = self.folder / "east.messages"
        at_once(
            lambda: self.north.run("party", "block", self.slug(east), "--reason", reason),
            lambda: east.run("agreement", "propose", path, "--out", messages),
        )
        self.say(f"North blocks {east.name}: “{reason}”")
        self.ask("knocked", messages=str(messages), signs=signs_of(east))
        refused, logs = at_once(
            lambda: self.north.run("agreement", "propose", path, code=1),
            lambda: self.north.run("log", "list"),
        )
        self.say(f"North tries to offer it an agreement: {refused['error']['what']}")
        self.ask(
            "stopped",
            id=agreement,
            proposal=self.write_json("east-proposal.json", refused),
            all_logs=self.write_json("north-logs.json", logs),
        )

    def _lie(self) -> None:
        line = [sys.executable, str(_LIAR), str(self.north.home), self.agreement, self.told.lie]
        done = subprocess.run(line, env=environment(), capture_output=True, check=False)  # noqa: S603  # of this repository
        if done.returncode:
            raise StepError("North could not lie.", means=done.stderr.decode()[-2000:])
        self.say(done.stdout.decode().strip())
        found = self.sync_south()
        self.say(f"South received {found['objects']:,}: accepted {found['accepted']:,}, "
                  f"quarantined {found['quarantined']:,}")  # fmt: skip
        wait_for_leaves(self.south)
        logs = self.copy_logs("lied", self.north, private=("south-private",))
        self.ask("lied", logs=logs, key=key_of(self.south, self.agreement))

    def _recall(self) -> None:
        north, south, target = self.north, self.south, self.told.recalled
        reason = "The address was given to someone else; whoever blocks it hurts a bystander."
        north.run("recall", target, "--to", self.slug(south), "--reason", reason)
        self.say(f"North recalls {target}: “{reason}”")
        done = self.sync_south()
        self.say(f"South erases {done['recalled']:,} objects and sends its receipt")
        open_ones = [each for each in north.run("recalls") if each["confirmed_at"] is None]
        if open_ones:
            raise StepError(f"{len(open_ones)} recalls were not confirmed.")
        self.say("North holds the receipt: the recall is acknowledged")
        wait_for_leaves(north, south)
        private = ("north-private", "south-private")
        logs = self.copy_logs("recalled", north, south, private=private)
        key = key_of(south, self.agreement)
        self.ask("recalled", logs=logs, key=key, receipts=self._receipts(Path(logs)))

    def _receipts(self, logs: Path) -> dict[str, list[str]]:
        """Have both sides make receipts of what they did, by the leaves of their copied logs."""
        wanted = (
            (self.north, "release"),
            (self.north, "delivery"),
            (self.south, "statement"),
            (self.south, "accept"),
            (self.south, "recall-receipt"),
        )
        files: dict[str, list[str]] = {"north": [], "south": []}
        calls = []
        for node, kind in wanted:
            out = self.folder / f"receipt-{node.slot}-{kind}.json"
            leaf = _last_leaf(logs / node.slot / "records.jsonl", kind)
            words = ("--log", f"ours/{self.agreement}", "--leaf", leaf, "--out", out)
            calls.append(lambda n=node, w=words: n.run("receipt", "make", *w))
            files[node.slot].append(str(out))
        at_once(*calls)
        return files

    # ---------------------------------------------------------------------------------- tools

    def _write(self, name: str, **more: Any) -> Path:  # noqa: ANN401  # what a version has
        path = self.folder / name
        parties = self.parties("north", "south")
        path.write_text(write_terms(self.agreement, parties, now=clock.now(), **more), "utf-8")
        return path

    def _delivered(self, done: dict[str, Any]) -> None:
        """See that a message reached the other node."""
        if not done["delivery"] or done["delivery"]["problem"] or done["delivery"]["refused"]:
            raise StepError("A message did not reach the other node.", means=str(done["delivery"]))


def _last_leaf(records: Path, kind: str) -> int:
    """The last leaf of a kind in a copied log."""
    found = -1
    for line in records.read_bytes().splitlines():
        value = json.loads(line)
        if json.loads(value["record"])["kind"] == kind:
            found = value["leaf"]
    return found


def _interrupted(_signal: int, _frame: object) -> NoReturn:
    raise KeyboardInterrupt
