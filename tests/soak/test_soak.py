"""Two minutes of the long play, and faults that its evening checks must find."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from soak import __main__ as soak
from soak import killing, verify
from soak.course import AGREEMENT, SIDES, Course
from soak.day import moment
from soak.killing import Line
from soak.playing import Stage
from soak.world import Thing
from tearline.agreement.home import open_home
from tearline.release import arrive, certifying, decide, inbound, reconcile
from tearline.release.arrive import Annotation
from tearline.release.turn import Turn
from tearline.store import objects, received
from tearline.topics.about import Graph
from tests.pair import as_object, rel, sdo

SIZE = 0.4


def test_days_with_kills_end_as_they_must(tmp_path: Path) -> None:
    soak.begin(tmp_path)
    report = soak.play(tmp_path, Course(7, 7, SIZE), size=SIZE, kills=True, seconds=45)
    assert report["problems"] == []
    assert report["days"]


class Played:
    """Days played in this process, so that a fault can be planted in it."""

    def __init__(self, folder: Path, days: int = 10) -> None:
        soak.begin(folder)
        self.folder = folder
        self.course = Course(11, days, SIZE)
        self.homes = {side: open_home(folder / side) for side in SIDES}
        self.stage = Stage(self.homes, self.course, folder)

    def day(self, day: int) -> list[str]:
        now = 0
        for place, act in enumerate(self.course.acts(day)):
            now = moment(self.course, day, 0, place)
            self.stage.play(act, now=now)
        north, south = (self.homes[side] for side in SIDES)
        return verify.everything(north, south, self.folder, now=now)

    def found(self, word: str, days: int = 4) -> bool:
        """Whether the checks of one of the first evenings say `word`."""
        return any(word in problem for day in range(days) for problem in self.day(day))


@pytest.fixture
def played(tmp_path: Path) -> Iterator[Played]:
    days = Played(tmp_path)
    yield days
    for home in days.homes.values():
        home.store.close()


def test_nothing_is_found_where_nothing_is_wrong(played: Played) -> None:
    assert [problem for day in range(3) for problem in played.day(day)] == []


def test_a_plan_that_ignores_what_late_edges_reach_is_found(
    played: Played, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sign of a malware; then the edge that makes the malware the topic's."""
    played.day(0)
    north, world = played.homes["north"], played.course.worlds["north"]
    heron = {"id": world.id_of(Thing("intrusion-set", 0, 0))}
    kit, sign = sdo("malware", "Late Kit"), sdo("indicator", "late sign")
    early = [kit, sign, rel(sign, "indicates", kit)]
    now = played.course.begins[1]
    monkeypatch.setattr(Graph, "onward", lambda *_: set())
    for docs in (early, [rel(heron, "uses", kit)]):
        note = Annotation(0, 12)
        arrive.arrive(north, [as_object(doc) for doc in docs], source="", annotation=note, now=now)
        reconcile.reconcile(north, AGREEMENT, now=now)
    assert any(sign["id"] in each for each in verify.rebuilt(north, played.folder, now=now))


@pytest.mark.parametrize(
    ("name", "instead", "found"),
    [
        ("_approved", lambda *_: True, "people approved it"),
        ("_handled", lambda rules, *_: [(each, 0) for each in rules.clauses], "but it"),
    ],
)
def test_a_limit_that_decides_nothing_is_found(
    name: str,
    instead: Callable[..., object],
    found: str,
    played: Played,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(decide, name, instead)
    assert played.found(found)


@pytest.fixture
def last(tmp_path: Path) -> Iterator[Played]:
    """A play of one day, at the end of which both leave."""
    day = Played(tmp_path, days=1)
    yield day
    for home in day.homes.values():
        home.store.close()


def test_an_end_is_one(last: Played) -> None:
    assert last.day(0) == []
    north, south = (last.homes[side] for side in SIDES)
    with south.store.read() as tx:
        assert received.holds_any(tx, AGREEMENT, "ended", "expired")
    assert verify.left(north, south, now=last.course.begins[1]) == []


def test_an_end_without_a_certificate_is_found(
    last: Played, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(certifying, "certify_in", lambda *_: False)
    assert any("there is no certificate" in each for each in last.day(0))


def test_a_receiver_that_erases_nothing_is_found(
    played: Played, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inbound, "_end", lambda *_: 0)
    assert played.found("accepted and given differ")


def test_a_withdrawal_that_is_skipped_is_found(
    played: Played, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Turn, "_withdraw", lambda _turn, head, *_: head)
    assert played.found("the log says")


def test_bytes_without_a_slip_are_found(played: Played) -> None:
    played.day(0)
    south, north = played.homes["south"], played.homes["north"]
    with south.store.write() as tx:
        tx.exec_driver_sql("UPDATE received SET raw = x'7b7d' WHERE state = 'accepted'")
    problems = verify.received_as_given(north, south, now=played.course.begins[1])
    assert any("without a slip" in each for each in problems)


def test_a_kept_object_that_is_lost_is_found(played: Played) -> None:
    said = [Line(act, done=True, did={}, now=0) for act in played.course.acts(0)]
    played.day(0)
    north = played.homes["north"]
    assert killing.lost(north, "north", played.course, said) == []
    with north.store.write() as tx:
        first = played.course.worlds["north"].batches(0)[0].docs[0]["id"]
        objects.erase(tx, objects.OURS, [first])
    assert any("are gone" in each for each in killing.lost(north, "north", played.course, said))
