"""How both databases go about the hot questions, on a store with enough rows to choose wrongly.

Two traps were met, each a hundred times slower at a million objects. SQLite takes an index on the
type and sorts all of it for one page. PostgreSQL joins by walking the bytes from their first row,
so that pages grow slower with their depth; or collects and sorts. Here a page reads what it shows.
"""

import json
import re
from typing import Any

import pytest
from sqlalchemy import Select, select

from tearline.store import (
    agreements,
    aliases,
    asked,
    collections,
    objects,
    recalls,
    received,
    releases,
    reviews,
    tallies,
    ties,
)
from tearline.store.collections import collected
from tearline.store.columns import among
from tearline.store.database import Store, Tx
from tearline.store.objects import object_raw, object_version
from tearline.store.recalls import Some
from tearline.store.reviews import Place as Asked
from tearline.store.walking import Place
from tests.store.filled import HERE, OBJECTS, RELEASED, THERE, steps

LIMIT = 101
DEEP = 9 * RELEASED // 10


def planned(tx: Tx, query: Select[Any], values: dict[str, Any]) -> list[str]:
    """What SQLite does for a query; no value has a part in that."""
    done = query.compile(dialect=tx.dialect)
    state = done.construct_expanded_state({**done.params, **values})
    return steps(tx, state.statement, tuple(None for _ in state.positional_parameters))


def nodes(
    tx: Tx, query: Select[Any], values: dict[str, Any], *, often: bool
) -> list[dict[str, Any]]:
    """What PostgreSQL did for a query, step by step, with the numbers of rows it read.

    `often`: by the plan that a connection uses in the end, when it has asked a good many times.
    """
    done = query.compile(dialect=tx.dialect)
    state = done.construct_expanded_state({**done.params, **values})
    given = state.parameters
    names = list(dict.fromkeys(re.findall(r"%\((\w+)\)s", state.statement)))
    text = re.sub(r"%\((\w+)\)s", lambda match: f"${names.index(match[1]) + 1}", state.statement)
    arguments = ", ".join(_literal(given[name]) for name in names)
    run = f"EXECUTE hot ({arguments})" if names else "EXECUTE hot"
    tx.exec_driver_sql(f"PREPARE hot AS {text}")
    for _ in range(12 if often else 0):
        tx.exec_driver_sql(run).all()
    plan = tx.exec_driver_sql(f"EXPLAIN (ANALYZE, FORMAT JSON) {run}").scalar_one()
    tx.exec_driver_sql("DEALLOCATE hot")
    rest, found = [(json.loads(plan) if isinstance(plan, str) else plan)[0]["Plan"]], []
    while rest:
        node = rest.pop()
        rest += node.get("Plans", ())
        found.append(node)
    return found


def _literal(value: object) -> str:
    if isinstance(value, list):
        return f"ARRAY[{', '.join(map(_literal, value))}]"
    return str(value) if isinstance(value, int) else "'" + str(value).replace("'", "''") + "'"


def read(found: list[dict[str, Any]]) -> int:
    """How many rows were touched in tables."""
    return sum(
        node["Actual Loops"] * (node["Actual Rows"] + node.get("Rows Removed by Filter", 0))
        for node in found
        if "Relation Name" in node
    )


def kinds(found: list[dict[str, Any]]) -> set[str]:
    return {node["Node Type"] for node in found}


def release_page(
    after: int, ids: tuple[str, ...] = (), types: tuple[str, ...] = ()
) -> tuple[Select[Any], dict[str, Any]]:
    query = releases._page(bool(ids), bool(types), False)  # noqa: FBT003, SLF001  # its plan
    values = {"id": HERE, "after": after, "now": 0, "limit": LIMIT}
    return query, values | ({"ids": list(ids)} if ids else {}) | (
        {"types": list(types)} if types else {}
    )


def local_page(after: int, type_: str | None = None) -> tuple[Select[Any], dict[str, Any]]:
    query = collections._page(type_ is not None, True, False, False, False)  # noqa: FBT003, SLF001  # its plan
    values = {"number": 1, "after": after, "limit": LIMIT}
    return query, values | ({} if type_ is None else {"type": type_})


def quarantine(before: Place | None = None) -> tuple[Select[Any], dict[str, Any]]:
    return received._quarantined(HERE, LIMIT, before), {}  # noqa: SLF001  # its plan


def recalls_page(
    *, answered: bool, before: Place | None = None, **span: int
) -> tuple[Select[Any], dict[str, Any]]:
    return recalls._newest(Some(HERE, answered, **span), LIMIT, before), {}  # noqa: SLF001  # its plan


def questions_page(before: int) -> tuple[Select[Any], dict[str, Any]]:
    query = asked._PAGE._query  # noqa: SLF001  # its plan
    assert isinstance(query, Select)
    return query, {"before": before, "limit": LIMIT}


def queue(
    state: str, *, after: Asked | None = None, before: Asked | None = None
) -> tuple[Select[Any], dict[str, Any]]:
    query = reviews._queued(state, [HERE, THERE])  # noqa: SLF001  # its plan
    if before is not None:
        return reviews._before(query, before).limit(LIMIT), {}  # noqa: SLF001  # its plan
    return reviews._after(query, after).limit(LIMIT), {}  # noqa: SLF001  # its plan


PAGES = {
    "queue": queue("waits"),
    "queue, deep": queue("waits", after=Asked(250, "sha256:25003")),
    "queue, approved, deep": queue("approved", after=Asked(250, "sha256:25003")),
    "queue, what stands before": queue("waits", before=Asked(250, "sha256:25003")),
    "questions": questions_page(2**62),
    "questions, deep": questions_page(OBJECTS // 10),
    "quarantine": quarantine(),
    "quarantine, deep": quarantine(Place(30, HERE, "sha256:3030")),
    "quarantine, deep, another's place": quarantine(Place(30, THERE, "sha256:3030")),
    "recalls, open": recalls_page(answered=False),
    "recalls, overdue": recalls_page(answered=False, until_at=DEEP // 100),
    "recalls, open, deep": recalls_page(answered=False, after_at=10, before=Place(30, HERE, 3001)),
    "recalls, answered, deep": recalls_page(answered=True, before=Place(30, HERE, 3002)),
    "release": release_page(0),
    "release, deep": release_page(DEEP),
    "local": local_page(0),
    "local, deep": local_page(9 * OBJECTS // 10),
    "local, a type": local_page(0, "malware"),
    "local, a type, deep": local_page(9 * OBJECTS // 10, "malware"),
    "local, a rare type": local_page(0, "tool"),
}


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("often", [False, True])
def test_a_page_reads_what_it_shows(filled: Store, page: str, *, often: bool) -> None:
    query, values = PAGES[page]
    with filled.read() as tx:
        if filled.path is not None:
            found = [step for step in planned(tx, query, values) if "json_each" not in step]
            assert not any(step.startswith("SCAN") and "anon" not in step for step in found)
            assert not any("TEMP B-TREE" in step for step in found)
            return
        plan = nodes(tx, query, values, often=often)
    assert read(plan) <= 2 * LIMIT
    assert not kinds(plan) & {"Sort", "Hash Join", "Merge Join", "Gather", "Gather Merge"}


COUNTS = {
    "release_stands": tallies._NUMBERS,  # noqa: SLF001  # its plan
    "release_stands, the last": tallies._LAST_AT,  # noqa: SLF001  # its plan
    "received_quarantined": received._NUMBERS,  # noqa: SLF001  # its plan
    "recall_open": recalls._OPEN_NUMBERS,  # noqa: SLF001  # its plan
}


@pytest.mark.parametrize("index", COUNTS)
@pytest.mark.parametrize("often", [False, True])
def test_what_is_counted_for_each_agreement_is_read_no_further(
    filled: Store, index: str, *, often: bool
) -> None:
    query = COUNTS[index]._query  # noqa: SLF001  # its plan
    assert isinstance(query, Select)
    under = [HERE, THERE]
    with filled.read() as tx:
        if filled.path is not None:
            found = planned(tx, query, {"ids": under, "most": LIMIT})
            (walk,) = (step for step in found if step.startswith("SEARCH"))
            assert f"INDEX {index.partition(',')[0]} (agreement_id=?)" in walk
            assert not any("TEMP B-TREE" in step for step in found)
        else:
            plan = nodes(tx, query, {"ids": under, "most": LIMIT}, often=often)
            assert read(plan) <= 3 * len(under) * LIMIT


@pytest.mark.parametrize("often", [False, True])
def test_a_release_page_of_types_walks_positions(filled: Store, *, often: bool) -> None:
    """By its position, never by collecting and sorting all of a type."""
    query, values = release_page(DEEP, types=("malware", "tool"))
    with filled.read() as tx:
        if filled.path is not None:
            found = planned(tx, query, values)
            assert "agreement_id=? AND position>?" in found[0]
            assert not any("TEMP B-TREE" in step for step in found)
            return
        plan = nodes(tx, query, values, often=often)
    assert read(plan) <= LIMIT + RELEASED - DEEP


@pytest.mark.parametrize("often", [False, True])
def test_objects_by_id_are_looked_up(filled: Store, *, often: bool) -> None:
    names = ("malware--10", "malware--20", "nothing--1")
    held = select(object_version.c.seq).where(
        object_version.c.origin == "",
        among(object_version.c.stix_id, names),
    )
    for query, values in (
        release_page(0, ids=names),
        (held, {}),
        (select(object_raw).where(among(object_raw.c.seq, [5, 70])), {}),
    ):
        with filled.read() as tx:
            if filled.path is not None:
                assert planned(tx, query, values)[0].startswith("SEARCH")
            else:
                assert read(nodes(tx, query, values, often=often)) <= 2 * len(names)


@pytest.mark.parametrize("often", [False, True])
def test_members_by_id_are_looked_up(filled: Store, *, often: bool) -> None:
    """By their numbers: the key begins with the collection, and by that all of it is read."""
    names = ["indicator--11", "malware--20", "nothing--1"]
    query = collections._members()  # noqa: SLF001  # its plan
    with filled.read() as tx:
        if filled.path is not None:
            found = planned(tx, query, {"number": 1, "ids": names})
            assert found[0].startswith("SEARCH collected USING INDEX")
            assert "(seq=?)" in found[0]
            assert any("(origin=? AND stix_id=?)" in step for step in found)
            # What is looked for is seen: without the word aside, the planner reads all of it.
            trap = select(collected.c.at).where(
                among(collected.c.seq, [5, 70]), collected.c.collection == 1
            )
            assert "(collection=?)" in planned(tx, trap, {})[0]
            return
        plan = nodes(tx, query, {"number": 1, "ids": names}, often=often)
    assert read(plan) <= 2 * len(names)


@pytest.mark.parametrize("often", [False, True])
def test_relations_and_references_are_looked_up(filled: Store, *, often: bool) -> None:
    """By the ends that are asked for: to begin with all that is ours would read everything."""
    names = ["malware--10", "malware--20", "nothing--1"]
    hot = {**ties._RELATIONS, **ties._REFERENCES}  # noqa: SLF001  # their plans
    queries: list[Any] = [each._query for each in hot.values()]  # noqa: SLF001  # their plans
    for query in queries:
        values = {"origin": "", "ids": names}
        with filled.read() as tx:
            if filled.path is not None:
                found = planned(tx, query, values)
                assert not any(step.startswith("SCAN") and "json" not in step for step in found)
                assert not any("(origin=?)" in step for step in found)
            else:
                assert read(nodes(tx, query, values, often=often)) <= 8 * len(names)


@pytest.mark.parametrize("often", [False, True])
def test_what_an_object_is_called_there_is_looked_up(filled: Store, *, often: bool) -> None:
    names = [f"indicator--{n}" for n in range(3, 9)]
    query = aliases._OURS_OF  # noqa: SLF001  # its plan
    values = {"agreement_id": HERE, "ids": names}
    with filled.read() as tx:
        if filled.path is not None:
            assert any("stix_id=?" in step for step in planned(tx, query, values))
        else:
            assert read(nodes(tx, query, values, often=often)) <= 2 * len(names)


@pytest.mark.parametrize("often", [False, True])
def test_what_names_something_received_is_looked_up_from_there(
    filled: Store, *, often: bool
) -> None:
    """Where nothing came, nothing is read of what is ours."""
    query = received._naming(THERE, "")  # noqa: SLF001  # its plan
    with filled.read() as tx:
        if filled.path is not None:
            first, *rest = planned(tx, query, {})
            assert first.startswith("SEARCH received")
            assert not any(step.startswith("SCAN") or "(origin=?" in step for step in rest)
        else:
            assert read(nodes(tx, query, {}, often=often)) == 0


def test_what_is_found_by_a_title_or_a_beginning_is_looked_up(filled: Store) -> None:
    hot = {
        "agreement_version_title (title=?)": agreements._TITLED,  # noqa: SLF001  # its plan
        "review_item (item>? AND item<?)": reviews._NAMED,  # noqa: SLF001  # its plan
    }
    for index, statement in hot.items():
        query = statement._query  # noqa: SLF001  # its plan
        assert isinstance(query, Select)
        with filled.read() as tx:
            if filled.path is not None:
                found = planned(tx, query, {"title": "x", "item": "x", "end": "xg"})
                assert any(index in step for step in found), found


def test_this_test_sees_the_trap(filled: Store) -> None:
    """The same page, asked for in the way that was measured to grow slower with its depth."""
    _, values = local_page(9 * OBJECTS // 10)
    naive = (
        select(collected.c.at, object_raw.c.raw)
        .join(object_raw, object_raw.c.seq == collected.c.seq)
        .where(collected.c.collection == 1, collected.c.at + 0 > values["after"])
        .order_by(collected.c.at)
        .limit(LIMIT)
    )
    with filled.read() as tx:
        if filled.path is None:
            assert read(nodes(tx, naive, {}, often=False)) > 10 * LIMIT
        sorting = naive.order_by(None).order_by(collected.c.version_at)
        if filled.path is not None:
            assert any("TEMP B-TREE" in step for step in planned(tx, sorting, {}))


def test_the_last_position_up_to_a_moment_is_looked_up(filled: Store) -> None:
    values = {"id": HERE, "at": 5 * RELEASED}
    with filled.read() as tx:
        if filled.path is not None:
            assert "INDEX release_at" in planned(tx, releases._POSITION_AT, values)[0]  # noqa: SLF001  # its plan
        else:
            assert read(nodes(tx, releases._POSITION_AT, values, often=False)) <= 1  # noqa: SLF001  # its plan


@pytest.mark.parametrize("often", [False, True])
def test_what_was_delivered_is_looked_up(filled: Store, *, often: bool) -> None:
    """Never by walking all positions, which a database does when it is told to sort by them."""
    names = ("malware--10", "malware--20", "nothing--1")
    query = releases._DELIVERED._query  # noqa: SLF001  # its plan
    assert isinstance(query, Select)
    values = {"of": HERE, "ids": list(names)}
    with filled.read() as tx:
        assert set(releases.last_delivered(tx, HERE, names)) == set(names[:2])
        if filled.path is not None:
            found = planned(tx, query, values)
            assert any(
                "INDEX release_object (agreement_id=? AND delivered_id=?)" in e for e in found
            )
            assert not any("TEMP B-TREE" in step for step in found)
        else:
            plan = nodes(tx, query, values, often=often)
            assert read(plan) <= 2 * len(names)
            assert "Sort" not in kinds(plan)


def test_bytes_and_versions_are_found_as_they_were_filled(filled: Store) -> None:
    with filled.read() as tx:
        assert len(objects.raw_of(tx, [1, 2, OBJECTS])) == 3
        assert len(releases.page(tx, HERE, after=DEEP, now=0, limit=LIMIT)) == LIMIT
        assert len(collections.page(tx, 1, after=0, limit=LIMIT, type="tool")) == OBJECTS // 1000
