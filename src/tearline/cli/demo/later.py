"""The course after the first release: people approve and refuse, a topic is held, both leave."""

import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from tearline.cli.demo.nodes import StepError
from tearline.cli.demo.peek import key_of, wait_for_leaves
from tearline.cli.demo.stage import Stage

_LONGEST_S = 15.0
_PEOPLE = ("ada", "bo")
_HELD = "A court has it: nothing of it leaves before the hearing."
_REFUSED = "This hospital asked us not to."
_OVER = "The purpose is met."


class Later(Stage):
    """Steps of the story that follow on what was given first."""

    def approve(self) -> None:
        """Two people approve what names one victim; another is refused."""
        north, told = self.north, self.told
        keys = {name: self.folder / f"{name}.pem" for name in _PEOPLE}
        for name, key in keys.items():
            north.run("person", "add", name, "--key", key)
        for name, key in keys.items():
            items = self._waiting()
            for each in told.approved:
                if each in items:  # what goes already, the judge will ask about
                    north.run("queue", "approve", items[each], "--key", key)
            self.say(f"{name} signs the exact bytes of {len(told.approved)} that name one victim")
        why = ("--key", keys["ada"], "--reason", _REFUSED)
        north.run("queue", "refuse", self._waiting()[told.refused], *why)
        self.say(f"ada refuses another: “{_REFUSED}”")
        shown = north.run("show", told.approved[0], "--to", self.slug(self.south))
        for each in shown["agreements"][0]["difference"]:
            if each["place"] == "name":
                self.say(f"it goes under a pseudonym: “{each['ours']}” → “{each['theirs']}”")
        done = self.sync_south()
        self.say(f"South received {done['objects']:,}: accepted {done['accepted']:,}")
        wait_for_leaves(north, self.south)
        private = ("north-private", "south-private")
        logs = self.copy_logs("approved", north, self.south, private=private)
        self.ask("approved", logs=logs, key=key_of(self.south, self.agreement))

    def _waiting(self) -> dict[str, str]:
        """The items that wait for people at North, by object."""
        return {each["object"]: each["item"] for each in self.north.run("queue", "list")}

    def hold(self) -> None:
        """North stops a topic at once, and so recalls what went of it."""
        topic = self.told.held
        done = self.north.run("hold", topic, "--kind", "topic", "--reason", _HELD)
        gone = sum(each["withdrawn"] for each in done["reconciled"].values())
        self.say(f"North holds {topic}: “{_HELD}” {gone} objects go with it, and are recalled")
        settled = self.sync_south()
        self.say(f"South erases {settled['recalled']:,} objects and sends its receipt")
        self._look("held", key=key_of(self.south, self.agreement))

    def leave(self) -> None:
        """The agreement ends, both nodes carry it out, and what is left to do is nothing."""
        north, south = self.north, self.south
        key = key_of(south, self.agreement)
        north.run("agreement", "terminate", self.agreement, "--reason", _OVER)
        self.say(f"North ends the agreement: “{_OVER}”")
        self._carry()
        over = south.run("received", "--expired")
        self.say(f"South's own clock ends it too: {len(over):,} objects are gone there")
        folder = self.folder / "left"
        done = self._at_its_end(folder)
        states = ", ".join(f"{n:,} {each}" for each, n in done["agreements"][0]["recalls"].items())
        self.say(f"nothing is left to do: recalls {states}; South certified it")
        self._look("left", key=key, exit=self.write_json("exit.json", done), folder=str(folder))

    def _at_its_end(self, folder: Path) -> dict[str, Any]:
        """Tick off until nothing is left: the running nodes carry messages at the same time.

        What stays open in the end is for the judge to see.
        """
        until = time.monotonic() + _LONGEST_S
        words = ("exit", self.slug(self.south), "--out", folder)
        while time.monotonic() < until:
            self._carry()
            with suppress(StepError):
                return dict(self.north.run(*words))
        return dict(self.north.run(*words, code=1))

    def _carry(self) -> None:
        """Let each sync with the other; a message that is refused is for the judge to see."""
        for node, other in ((self.south, self.north), (self.north, self.south)):
            with suppress(StepError):
                node.run("sync", self.slug(other))

    def _look(self, moment: str, **told: object) -> None:
        """Let the judge look at both logs of the agreement."""
        logs = self.copy_logs(moment, self.north, self.south)
        self.ask(moment, logs=logs, **told)

    def sync_south(self) -> dict[str, Any]:
        """Let South sync with North; what it did under the agreement."""
        done = self.south.run("sync", self.slug(self.north))
        return dict(done["parties"][0]["agreements"][0])
