"""Lists, counts and searches say what is there, as it would be told by reading everything."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tearline.release import arrive, finding, listing
from tearline.release.arrive import Annotation
from tearline.release.finding import Found, Wanted, everything
from tearline.stix.words import RECIPE, sought
from tearline.store import listed, objects, searched
from tearline.store.objects import OURS
from tearline.store.schema import open_store
from tests.conftest import BOTH
from tests.pair import DAY, Pair, as_object, make_pair, sdo

TYPES = ("tool", "malware", "campaign")


@pytest.fixture
def pair(tmp_path: Path, either_store: str) -> Pair:
    assert either_store in BOTH
    return make_pair(tmp_path)


def bring(pair: Pair, number: int, first: int = 0, source: str = "feed") -> list[str]:
    docs = [
        sdo(TYPES[n % 3], f"thing {n}", labels=["odd" if n % 2 else "even"])
        for n in range(first, first + number)
    ]
    for begin in range(0, number, 500):
        some = [as_object(each) for each in docs[begin : begin + 500]]
        arrive.arrive(pair.north, some, source=source, now=pair.tick())
    return [each["id"] for each in docs]


def ids(found: Found) -> list[str]:
    return [each.stix_id for _, each in found.rows]


def look(pair: Pair, wanted: Wanted = Wanted(), **more: int) -> Found:  # noqa: B008  # a value
    with pair.north.store.read() as tx:
        return finding.find(tx, wanted, everything, **{"limit": 50, **more})


def test_every_place_of_a_list_is_what_reading_all_would_show(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listed, "CHUNK", 64)
    monkeypatch.setattr(finding, "FRESH", 30)
    brought = bring(pair, 500)
    listing.sort_in(pair.north)
    brought += bring(pair, 20, first=500)
    for wanted, every in (
        (Wanted(), brought[::-1]),
        (Wanted(type="tool"), [e for e in brought[::-1] if e.startswith("tool")]),
        (Wanted(type="tool", source="feed"), [e for e in brought[::-1] if e.startswith("tool")]),
        (Wanted(source="nobody"), []),
    ):
        whole = look(pair, wanted, limit=1000)
        assert (ids(whole), whole.number, whole.next) == (every, len(every), None)
        for at in (0, 1, 7, 19, 20, 21, 63, 100, len(every) - 3, len(every), len(every) + 9):
            part = look(pair, wanted, at=max(at, 0), limit=10)
            assert ids(part) == every[max(at, 0) :][:10]
        walked: list[str] = []
        before: int | None = None
        while True:
            part = look(pair, wanted, limit=37, **({"before": before} if before else {}))
            assert part.at == len(walked)
            walked += ids(part)
            before = part.next
            if before is None:
                break
        assert walked == every


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 400), st.integers(0, 4)), max_size=60), st.data())
def test_counts_are_sums_of_what_is_there(
    tmp_path_factory: pytest.TempPathFactory, placed: list[tuple[int, int]], data: st.DataObject
) -> None:
    store = open_store(tmp_path_factory.mktemp("counts") / "node.db")
    rows = dict(placed)
    kinds = [listed.Kind("", f"t{n}", "s", n, -1, False) for n in range(5)]  # noqa: FBT003  # a row
    with pytest.MonkeyPatch.context() as patch, store.write() as tx:
        patch.setattr(listed, "CHUNK", 32)
        listed.begin_again(tx)
        listed.put(tx, [(seq, kinds[kind]) for seq, kind in rows.items()])
        gone = data.draw(st.lists(st.sampled_from(sorted(rows)), unique=True)) if rows else []
        listed.drop(tx, gone)
        left = {seq: kind for seq, kind in rows.items() if seq not in gone}
        numbers = {kind: number for number, kind in listed.kinds(tx).items()}
        for low in (0, 1, 32, 33, 100, 500):
            above = [kind for seq, kind in left.items() if seq >= low]
            sums = {numbers[kinds[each]]: above.count(each) for each in set(above)}
            assert {k: n for k, n in listed.totals(tx, low).items() if n} == sums
            for of in (None, {numbers[each] for each in kinds[:2] if each in numbers}):
                seqs = sorted(
                    (s for s, k in left.items() if s >= low and (of is None or k < 2)), reverse=True
                )
                counted = listed.stretches(tx, of, low)
                assert sum(number for _, number in counted) == len(seqs)
                for at in range(0, len(seqs), 5):
                    assert listed.page(tx, of, counted, at, 7, low) == seqs[at:][:7]
                    assert listed.place(tx, of, counted, seqs[at], low) == at + 1
    store.close()


def test_a_newer_version_takes_the_place_of_the_older(pair: Pair) -> None:
    first = sdo("tool", "the old name")
    arrive.arrive(pair.north, [as_object(first)], source="feed", now=pair.tick())
    listing.sort_in(pair.north)
    later = first | {"modified": "2026-03-02T00:00:00.000Z", "name": "the new name"}
    arrive.arrive(pair.north, [as_object(later)], source="feed", now=pair.tick())
    for _ in range(2):
        assert ids(look(pair)) == [first["id"]]
        assert ids(look(pair, Wanted(words="old"))) == []
        assert ids(look(pair, Wanted(words="new"))) == [first["id"]]
        listing.sort_in(pair.north)
    assert look(pair).number == 1
    with pair.north.store.read() as tx:
        assert searched.find(tx, sought("old"), limit=9) == []


def test_what_we_say_of_an_object_counts_in_the_lists(pair: Pair) -> None:
    brought = bring(pair, 6)
    listing.sort_in(pair.north)
    arrive.annotate(pair.north, brought[:2], Annotation(3, 22), now=pair.tick())
    listing.sort_in(pair.north)
    assert ids(look(pair, Wanted(grade=22))) == brought[1::-1]
    assert ids(look(pair, Wanted(marking=3))) == brought[1::-1]
    with pair.north.store.read() as tx:
        grades = finding.count(tx, Wanted(), everything).facets["grade"]
    assert [(each.value, each.number) for each in grades] == [(-1, 4), (22, 2)]


def test_what_is_erased_is_in_no_list_and_no_index(pair: Pair) -> None:
    brought = bring(pair, 5)
    listing.sort_in(pair.north)
    with pair.north.store.write() as tx:
        objects.erase(tx, OURS, brought[3:])
        assert listed.SORTED_IN.upto(tx, RECIPE) == 3
    assert ids(look(pair)) == brought[2::-1]
    assert ids(look(pair, Wanted(words="thing"))) == brought[2::-1]
    # The number of what is gone is given again, and its bearer is not passed over.
    again = bring(pair, 2, first=10)
    listing.sort_in(pair.north)
    assert ids(look(pair)) == [*again[::-1], *brought[2::-1]]
    assert ids(look(pair, Wanted(words="thing"))) == [*again[::-1], *brought[2::-1]]


def test_filters_combine_and_are_counted_without_themselves(pair: Pair) -> None:
    early = bring(pair, 6, source="old")
    pair.tick(10 * DAY)
    bring(pair, 4, first=6, source="new")
    for _ in range(2):
        since = pair.now - DAY
        with pair.north.store.read() as tx:
            found = finding.count(tx, Wanted(type="tool"), everything, [since, 0])
            both = finding.count(tx, Wanted(type="tool", source="old"), everything)
            late = finding.count(tx, Wanted(since_at=since), everything)
        assert found.number == 4
        assert {e.value: e.number for e in found.facets["type"]} == {
            "tool": 4,
            "malware": 3,
            "campaign": 3,
        }
        assert {e.value: e.number for e in found.facets["source"]} == {"old": 2, "new": 2}
        assert [each.number for each in found.since] == [2, 4]
        assert both.number == 2
        assert late.number == 4
        assert ids(look(pair, Wanted(type="tool", source="old"))) == [early[3], early[0]]
        listing.sort_in(pair.north)


def test_a_search_passes_through_what_somebody_may_see(pair: Pair) -> None:
    bring(pair, 9)
    for _ in range(2):
        with pair.north.store.read() as tx:
            found = finding.find(
                tx, Wanted(words="thing"), lambda kind: kind.type == "tool", limit=50
            )
            counted = finding.count(tx, Wanted(words="thing"), lambda kind: kind.type == "tool")
        assert {each.type for _, each in found.rows} == {"tool"}
        assert counted.number == len(found.rows) == 3
        listing.sort_in(pair.north)


def test_a_search_says_what_was_not_looked_through(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finding, "FRESH", 3)
    bring(pair, 10)
    assert look(pair).behind == 7
    assert len(ids(look(pair, Wanted(words="thing")))) == 3
    assert listing.sort_in(pair.north) == 0
    assert look(pair).behind == 0
    assert len(ids(look(pair, Wanted(words="thing")))) == 10


def test_the_hits_of_a_search_are_walked_to_their_end(pair: Pair) -> None:
    brought = bring(pair, 60)
    listing.sort_in(pair.north)
    walked: list[str] = []
    before: int | None = None
    while True:
        part = look(
            pair,
            Wanted(words="odd", type="tool"),
            limit=4,
            **({"before": before} if before else {}),
        )
        walked += ids(part)
        before = part.next
        if before is None:
            break
    assert walked == [brought[n] for n in range(59, -1, -1) if n % 2 and n % 3 == 0]
