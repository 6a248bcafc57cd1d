"""Two invented nodes that have confirmed each other's card, and the messages between them."""

import atexit
import shutil
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

from tearline.agreement import outbox
from tearline.agreement.card import card_hash, check_words
from tearline.agreement.force import InForce, in_force
from tearline.agreement.home import Home, create_home, open_home
from tearline.agreement.partners import add_party
from tearline.agreement.receiving import receive
from tearline.agreement.terms import Terms, parse_toml
from tearline.store import agreements
from tearline.store.agreements import Version

NOW = 1_767_700_000_000_000
"""6 January 2026, a Tuesday."""

DAY = 86_400_000_000
ID = "urn:uuid:5d3bd1a4-7f0a-4e8f-9a53-0d6ef04c2a10"

CLAUSE = """
[[clause]]
id = "{clause}"
from = "{giver}"
to = "{taker}"
types = ["indicator", "malware", "relationship"]
topics = ["T1"]
reach = 1
marking_max = "TLP:AMBER"
grading_min = "B2"
max_age_days = 180
countries = "*"
confidence_min = "*"
"""


@dataclass(frozen=True)
class Sides:
    """North, who proposes most of the time, and South."""

    north: Home
    south: Home

    @property
    def both(self) -> tuple[Home, Home]:
        return self.north, self.south

    def other(self, home: Home) -> Home:
        return self.south if home is self.north else self.north

    def close(self) -> None:
        for home in self.both:
            home.store.close()


def new_sides(folder: Path) -> Sides:
    """Copy the pair that was made once; making keys and tables each time would be slow."""
    shutil.copytree(_made_once(), folder, dirs_exist_ok=True)
    return Sides(open_home(folder / "north"), open_home(folder / "south"))


@cache
def _made_once() -> Path:
    folder = Path(mkdtemp(prefix="sides-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    make_sides(folder).close()
    return folder


def make_sides(folder: Path) -> Sides:
    """Make a pair whose homes confirmed each other's card."""
    north = create_home(folder / "north", "North CERT", "https://north.example", NOW)
    south = create_home(folder / "south", "South ISAC", None, NOW)
    pin(north, south)
    pin(south, north)
    return Sides(north, south)


def pin(home: Home, partner: Home) -> None:
    """Confirm the partner's card, as after a telephone call."""
    words = check_words(card_hash(partner.card))
    add_party(home, (partner.path / "card.json").read_bytes(), words, now=NOW)


def party(slot: str, home: Home) -> str:
    return (
        f'\n[party.{slot}]\nname = "{home.name}"\nslug = "{home.slug}"\n'
        f'key = "{home.card.sign}"\nlog = "{home.card.log}"\n'
    )


def text(sides: Sides, *, version: int = 1, replaces: str = "", title: str = "Hospitals") -> str:
    """Return an agreement of the two sides as TOML."""
    return (
        f'schema = "tearline-agreement/1"\nid = "{ID}"\nversion = {version}\ntitle = "{title}"\n'
        + (f'replaces = "{replaces}"\n' if replaces else "")
        + 'valid = { from = "2026-01-01", until = "2026-12-31" }\n'
        + party("north", sides.north)
        + party("south", sides.south)
        + '\n[[topic]]\nid = "T1"\nnames = ["Example Spider"]\n'
        + CLAUSE.format(clause="N1", giver="north", taker="south")
        + CLAUSE.format(clause="S1", giver="south", taker="north")
    )


def terms(sides: Sides, *, version: int = 1, replaces: str = "", title: str = "Hospitals") -> Terms:
    return parse_toml(text(sides, version=version, replaces=replaces, title=title))


def paper_terms(home: Home) -> Terms:
    """Return a one-sided agreement with a receiver who has no node."""
    return parse_toml(
        f'schema = "tearline-agreement/1"\nid = "{ID}"\nversion = 1\ntitle = "On paper"\n'
        f'one_sided = true\npaper = "sha256:{"0" * 64}"\n'
        'valid = { from = "2026-01-01", until = "2026-12-31" }\n'
        + party("north", home)
        + '\n[party.south]\nname = "East Clinic"\nslug = "east-clinic"\n'
        + '\n[[topic]]\nid = "T1"\nnames = ["Example Spider"]\n'
        + CLAUSE.format(clause="N1", giver="north", taker="south")
    )


def outgoing(home: Home, *, now: int = NOW) -> list[bytes]:
    """Return what waits to be carried to the other side."""
    return [document for _, document in outbox.export_messages(home, now=now)]


def carry(sides: Sides, *, now: int = NOW) -> None:
    """Carry everything both ways until nothing new arrives."""
    arrived = True
    while arrived:
        arrived = False
        for home in sides.both:
            for message_id, document in outbox.export_messages(home, now=now):
                arrived |= receive(sides.other(home), document, now=now) == "taken"
                outbox.delivered(home, [message_id], now=now)


def versions(home: Home, agreement_id: str = ID) -> list[Version]:
    with home.store.read() as tx:
        return agreements.versions(tx, agreement_id)


def states(home: Home, agreement_id: str = ID) -> dict[str, str]:
    return {each.hash: each.state for each in versions(home, agreement_id)}


def standing(home: Home, *, now: int = NOW) -> InForce | None:
    with home.store.read() as tx:
        return in_force(tx, ID, now=now)


def steps(home: Home, agreement_id: str = ID) -> set[str]:
    """Return the hashes of all statements that a side holds."""
    with home.store.read() as tx:
        return {row.hash for row in agreements.statements(tx, agreement_id)}
