"""Three nodes in one process, one behind the other: what North gives South, South may give East."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tearline.agreement.card import card_hash, check_words
from tearline.agreement.home import Home, create_home, open_home
from tearline.agreement.partners import add_party
from tearline.release import consenting, reconcile
from tearline.release.consents import Says
from tearline.release.reconcile import Reconciled, reconcile_all
from tearline.store import received
from tearline.store.onward import Consent
from tests.pair import START, Pair, sdo

heron = sdo("intrusion-set", "Gray Heron")
FREELY = """
[onward]
allowed = true
to = "*"
marking_max = "TLP:RED"
ask_first = false
"""
ASKED = FREELY.replace("ask_first = false", "ask_first = true")


@dataclass
class Chain:
    """North gives South under `first`; South gives East under `second`: one clock for both."""

    first: Pair
    second: Pair

    @property
    def north(self) -> Home:
        return self.first.north

    @property
    def south(self) -> Home:
        return self.first.south

    @property
    def east(self) -> Home:
        return self.second.south

    def agree(
        self, first: Mapping[str, object] | None = None, second: Mapping[str, object] | None = None
    ) -> None:
        """Both agreements come into force, or into another version."""
        if first is not None:
            self.first.agree(**first)
        if second is not None:
            self.second.now = self.first.now
            self.second.agree(**second)

    def move(self, rounds: int = 2) -> None:
        """Let everything that is under way come to rest: decide, read, answer, and again."""
        for _ in range(rounds):
            self.reconcile(self.north)
            self.sync(self.first)
            self.reconcile(self.south)
            self.carry()
            self.sync(self.second)
            self.reconcile(self.east)
            self.carry()

    def reconcile(self, home: Home) -> dict[str, Reconciled]:
        return reconcile_all(home, now=self._now())

    def sync(self, pair: Pair) -> None:
        pair.now = self._now()
        pair.sync()

    def carry(self) -> None:
        """Every message to whom it is for; each pair's own are between its two."""
        for pair in (self.first, self.second):
            pair.now = self._now()
            pair.carry()

    def _now(self) -> int:
        now = max(self.first.now, self.second.now)
        self.first.now = self.second.now = now
        return self.first.tick()

    def at_east(self) -> dict[str, dict[str, Any]]:
        """What East could read from South now, by id."""
        self.second.now = self._now()
        return self.second.delivered()

    def asked(self) -> list[Consent]:
        """What North has to answer."""
        found = consenting.questions(self.north)
        return [each for each in found if not each.ours and not each.verdict]

    def held_at_east(self) -> set[str]:
        """What East took in, once it has checked it."""
        with self.east.store.read() as tx:
            agreement_id = self.second.agreement_id
            assert not received.in_state(tx, agreement_id, "quarantined", "staged")
            return {r.delivered_id for r in received.in_state(tx, agreement_id, "accepted")}

    def rebuilt(self) -> bool:
        """Whether a rebuild from nothing would leave South's releases as they are."""
        done = reconcile.reconcile(
            self.south, self.second.agreement_id, now=self._now(), whole=True
        )
        return (done.released, done.withdrawn, done.decided) == (0, 0, 0)

    def answer(self, verdict: Says = "consent", *ids: str) -> None:
        """North says the same to all it is asked, or to the questions about `ids`."""
        for each in self.asked():
            if not ids or each.given in ids:
                consenting.answer(self.north, each.item, verdict, "so", now=self._now())


def make_chain(folder: Path) -> Chain:
    """Three fresh homes; South has pinned both others, and both have pinned South."""
    names = (("north", "North CERT"), ("south", "South ISAC"), ("east", "East CERT"))
    north, south, east = (create_home(folder / slug, name, None, START) for slug, name in names)
    for us, them in ((north, south), (south, north), (south, east), (east, south)):
        file = (them.path / "card.json").read_bytes()
        add_party(us, file, check_words(card_hash(them.card)), now=START)
    return _chain(north, south, east)


def open_chain(folder: Path) -> Chain:
    """The three homes of a folder, opened again."""
    return _chain(*(open_home(folder / slug) for slug in ("north", "south", "east")))


def _chain(north: Home, south: Home, east: Home) -> Chain:
    first = Pair(north, south)
    second = Pair(south, east, agreement_id=f"{first.agreement_id[:-4]}00aa")
    return Chain(first, second)
