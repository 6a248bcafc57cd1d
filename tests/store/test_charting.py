"""Counting part by part, and looking around one object: no more is read than is told."""

from tearline.store import around, charting
from tearline.store.database import Statement, Store, Tx
from tearline.store.objects import OURS
from tests.store.filled import OBJECTS, steps

PART = {"after": 20_000, "upto": 21_000}


def plan(tx: Tx, statement: Statement, **values: object) -> str:
    return "\n".join(steps(tx, *statement.told(tx.dialect, values)))


def test_a_part_is_counted_without_reading_the_rest(filled: Store) -> None:
    with filled.read() as tx:
        assert charting.last(tx) == OBJECTS
        counted = charting.by_day(tx, OURS, **PART)
        assert sum(each.number for each in counted) == 1_000
        assert charting.number(tx, OURS, **PART) == 1_000
        assert charting.renewed(tx, OURS, **PART) == set()
        tools = charting.of_types(tx, OURS, **PART, types=["tool"])
        assert (len(tools), set(tools.values())) == (1, {True})
        for each in (charting._BY_DAY, charting._RENEWED):  # noqa: SLF001  # their plans
            told = plan(tx, each, origin=OURS, **PART)
            assert "Seq Scan" not in told
            assert "SCAN" not in told


def test_what_is_around_is_read_as_far_as_asked(filled: Store) -> None:
    hub = "identity--5"
    with filled.read() as tx:
        ties, whole = around.ties_of(tx, OURS, hub, 1, most=40)
        assert (len(ties), whole) == (42, False)
        every, whole = around.ties_of(tx, OURS, hub, 1, most=OBJECTS)
        assert whole
        assert sum(each.kind == "created_by_ref" for each in every) == OBJECTS // 24 + 1
        for each in (around._FROM, around._TO, around._NAMED):  # noqa: SLF001  # their plans
            told = plan(tx, each, id=hub, origin=OURS, most=41)
            assert "Seq Scan" not in told
            assert "SCAN" not in told


def test_sources_are_those_of_relations_up_to_a_version(filled: Store) -> None:
    with filled.read() as tx:
        assert charting.sources_of(tx, 20_009, 20_010, ["indicates"]) == {"malware--20010"}
        assert charting.sources_of(tx, 20_009, 20_010, ["targets"]) == set()
        wanted, kinds = ["malware--20010"], ["indicates"]
        assert charting.sources_to(tx, wanted, kinds, upto=20_010) == set(wanted)
        assert charting.sources_to(tx, wanted, kinds, upto=20_009) == set()
