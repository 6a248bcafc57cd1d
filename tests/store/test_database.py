"""Transactions and rows, on both stores alike."""

import os
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Integer, Select, Text, bindparam, func, select
from sqlalchemy.exc import IntegrityError

from tearline.errors import HomeError, InputError, StoreError
from tearline.store import partitions
from tearline.store.agreements import message_waiting
from tearline.store.columns import Serial, among
from tearline.store.columns import Text as OurText
from tearline.store.database import Place, Statement, Store, Tx, insert_rows, metadata, trial
from tearline.store.logs import log_leaf
from tearline.store.objects import object_raw, topic_key
from tearline.store.parties import party
from tearline.store.schema import open_store, tables
from tests.cluster import Cluster

ODD = "ü🌊 '%s %(x)s \\N \t\n"


@pytest.fixture
def store(place: Place) -> Iterator[Store]:
    made = open_store(place)
    yield made
    made.close()


def ids(store: Store) -> list[str]:
    with store.read() as tx:
        return list(tx.execute(select(topic_key.c.stix_id).order_by(topic_key.c.stix_id)).scalars())


def mark(tx: Tx, *names: str) -> None:
    insert_rows(tx, topic_key, [("", "k", each) for each in names], ignore=True)


def put(store: Store, *names: str) -> None:
    with store.write() as tx:
        mark(tx, *names)


def test_what_fails_leaves_nothing(store: Store) -> None:
    with pytest.raises(ZeroDivisionError), store.write() as tx:  # noqa: PT012  # all of it is undone
        mark(tx, "x")
        raise ZeroDivisionError
    assert ids(store) == []


def test_a_trial_that_is_given_up_leaves_nothing(store: Store) -> None:
    with store.write() as tx:
        mark(tx, "before")
        with trial(tx) as give_up:
            mark(tx, "tried")
            give_up()
        with trial(tx):
            mark(tx, "kept")
    assert ids(store) == ["before", "kept"]


def test_a_reading_sees_one_moment(store: Store) -> None:
    query = select(func.count()).select_from(topic_key)
    with store.read() as tx:
        assert tx.execute(query).scalar() == 0
        put(store, "x")
        assert tx.execute(query).scalar() == 0
    assert ids(store) == ["x"]


def test_there_is_one_writer_from_its_first_reading_on(store: Store) -> None:
    """Whoever draws a number sees every smaller one: the later waits for the earlier's end."""
    order: list[str] = []

    def later() -> None:
        with store.write() as tx:
            order.append(f"later sees {tx.execute(select(topic_key.c.stix_id)).scalars().all()}")

    other = threading.Thread(target=later)
    with store.write() as tx:
        other.start()
        time.sleep(0.2)
        mark(tx, "x")
        order.append("earlier ends")
    other.join()
    assert order == ["earlier ends", "later sees ['x']"]


@pytest.mark.parametrize("count", [1, 63, 64, 200])
def test_rows_come_out_as_they_went_in(store: Store, count: int) -> None:
    odd = bytes(range(256))
    rows: list[tuple[Any, ...]] = [
        (f"p{place}", ODD, odd if place % 2 else None, None, 2**62 + place, None, "", place, ODD)
        for place in range(count)
    ]
    with store.write() as tx:
        insert_rows(tx, party, rows)
    with store.read() as tx:
        found = [tuple(row) for row in tx.execute(select(party))]
    assert sorted(found) == sorted(rows)


@pytest.mark.parametrize("count", [1, 100])
def test_a_key_that_is_taken_is_refused_or_passed_over(store: Store, count: int) -> None:
    rows = [("", "k", f"x{place:03}") for place in range(count)]
    with store.write() as tx:
        insert_rows(tx, topic_key, rows)
    with pytest.raises(IntegrityError), store.write() as tx:
        insert_rows(tx, topic_key, [*rows[1:], ("", "k", "new"), rows[0]])
    assert len(ids(store)) == count
    with store.write() as tx:
        insert_rows(tx, topic_key, [*rows, ("", "k", "new")], ignore=True)
    assert len(ids(store)) == count + 1


_AMONG = Statement(
    select(topic_key.c.stix_id).where(
        topic_key.c.key == bindparam("key"), among(topic_key.c.stix_id, bindparam("ids"))
    )
)


def test_a_statement_takes_a_list_as_one_parameter(store: Store) -> None:
    """As long as it may be, also longer than one statement's part of it."""
    names = [f"x{place}" for place in range(4_500)]
    with store.write() as tx:
        insert_rows(tx, topic_key, [("", "k", each) for each in names])
    with store.read() as tx:
        found = [row[0] for row in _AMONG.among(tx, ["y", *names, "z"], key="k")]
        assert sorted(found) == sorted(names)
        assert _AMONG.rows(tx, ids=[], key="k") == []
        assert _AMONG.rows(tx, ids=["x1", "'", '"', "\\u0000"], key="k") == [("x1",)]
        assert _AMONG.rows(tx, ids=["x1"], key="other") == []


def test_a_list_with_nul_is_refused_alike(store: Store) -> None:
    with pytest.raises(InputError, match=r"U\+0000"), store.read() as tx:
        _AMONG.rows(tx, ids=["a\0b"], key="k")


@pytest.mark.parametrize("count", [1, 100])
def test_a_text_with_nul_is_refused_alike(store: Store, count: int) -> None:
    """PostgreSQL cannot hold it; a store that held one could not be moved."""
    put(store, "x")
    names = [*(f"y{place}" for place in range(1, count)), "a\0b"]
    with pytest.raises(InputError, match=r"U\+0000"), store.write() as tx:
        insert_rows(tx, topic_key, [("", "k", each) for each in names])
    with pytest.raises(InputError), store.write() as tx:
        mark(tx, *names)
    with pytest.raises(InputError), store.read() as tx:
        tx.execute(select(topic_key).where(topic_key.c.stix_id == "a\0b"))
    with pytest.raises(InputError), store.read() as tx:
        tx.execute(select(topic_key).where(topic_key.c.stix_id.in_(names)))
    with pytest.raises(InputError), store.read() as tx:
        Statement(select(topic_key).where(topic_key.c.stix_id == func.lower("a\0b")))(tx)
    assert ids(store) == ["x"]


def test_a_number_that_no_column_holds_is_refused_alike(store: Store) -> None:
    with pytest.raises(InputError, match="64 bits"), store.write() as tx:
        insert_rows(tx, log_leaf, [("a", 2**63, b"", b"")])
    with pytest.raises(InputError, match="64 bits"), store.read() as tx:
        tx.execute(select(log_leaf.c.idx).where(log_leaf.c.idx == 2**63))


def test_bytes_hold_anything(store: Store) -> None:
    with store.write() as tx:
        insert_rows(tx, log_leaf, [("a", place, b"\0", b"") for place in range(100)])
    with store.read() as tx:
        assert tx.execute(select(log_leaf.c.leaf)).scalars().all() == [b"\0"] * 100


def test_texts_sort_and_compare_as_bytes(store: Store) -> None:
    names = ["Z", "a", "B", "ä", "_", "-", "z", "é", "\U0001f30a", "\uffee", "a b", "ab"]
    put(store, *names)
    assert ids(store) == sorted(names)
    with store.read() as tx:
        later = tx.execute(select(topic_key.c.stix_id).where(topic_key.c.stix_id > "a")).scalars()
        assert set(later) == {each for each in names if each > "a"}


def test_every_column_means_the_same_on_both() -> None:
    for table in tables().sorted_tables:
        for column in table.columns:
            assert not isinstance(column.type, Text) or column.type is OurText, column
            small = type(column.type) is Integer
            assert not small or column.name not in {"seq", "position", "leaf", "idx"}, column
            own = column.primary_key and len(table.primary_key) == 1 and "seq" in column.name
            assert not own or column.type is Serial, column


def test_the_store_issues_numbers_that_rise(store: Store) -> None:
    with store.write() as tx:
        for name in "abc":
            values = {"party": "p", "hash": name, "document": b"", "at": 1}
            tx.execute(message_waiting.insert().values(values))
    with store.read() as tx:
        query: Select[Any] = select(message_waiting.c.hash).order_by(message_waiting.c.seq)
        assert tx.execute(query).scalars().all() == ["a", "b", "c"]


def test_a_process_that_forks_does_not_share_its_connections(store: Store) -> None:
    put(store, "before")
    query = select(func.count()).select_from(topic_key)
    with store.read() as tx:
        assert tx.execute(query).scalar() == 1
        reader, writer = os.pipe()
        child = os.fork()
        if not child:
            try:
                put(store, "child")
                os.write(writer, b"ok")
            finally:
                os._exit(0)
        os.waitpid(child, 0)
        os.close(writer)
        assert os.read(reader, 9) == b"ok"
        os.close(reader)
        assert tx.execute(query).scalar() == 1
    assert ids(store) == ["before", "child"]


# --------------------------------------------------------------------------- PostgreSQL alone


@pytest.fixture
def url(postgres: Cluster) -> Iterator[str]:
    made = postgres.borrow()
    yield made
    postgres.give_back(made)


@pytest.fixture
def remote(url: str) -> Iterator[Store]:
    made = open_store(url)
    yield made
    made.close()


def backends(postgres: Cluster, url: str) -> list[int]:
    name = url.rpartition("/")[2]
    rows = postgres.ask(f"SELECT pid FROM pg_stat_activity WHERE datname = '{name}'")
    return [int(str(row[0])) for row in rows]


def test_a_connection_that_was_ended_while_it_waited_is_replaced(
    postgres: Cluster, url: str, remote: Store
) -> None:
    put(remote, "x")
    for pid in backends(postgres, url):
        postgres.ask(f"SELECT pg_terminate_backend({pid}, 5000)")
    assert ids(remote) == ["x"]


def test_a_connection_that_is_ended_mid_way_fails_alone(postgres: Cluster, remote: Store) -> None:
    with pytest.raises(StoreError) as caught, remote.write() as tx:  # noqa: PT012  # at any of it
        mark(tx, "lost")
        pid = tx.exec_driver_sql("SELECT pg_backend_pid()").scalar()
        postgres.ask(f"SELECT pg_terminate_backend({pid}, 5000)")
        mark(tx, "more")
    assert "administrator" in caught.value.what
    put(remote, "next")
    assert ids(remote) == ["next"]


def test_an_error_that_was_passed_over_does_not_end_in_silence(remote: Store) -> None:
    """PostgreSQL answers such a commit by undoing it, and calls that success."""
    put(remote, "x")
    with pytest.raises(RuntimeError, match="passed over"), remote.write() as tx:  # noqa: PT012  # at its end
        mark(tx, "y")
        with pytest.raises(IntegrityError):
            insert_rows(tx, topic_key, [("", "k", "x")])
    assert ids(remote) == ["x"]


def test_commits_are_durable_whatever_the_server_says(url: str, remote: Store) -> None:
    name = url.rpartition("/")[2]
    with remote.write() as tx:
        tx.exec_driver_sql(f"ALTER DATABASE {name} SET synchronous_commit = off")
    again = Store(url)
    with again.write() as tx:
        assert tx.exec_driver_sql("SHOW synchronous_commit").scalar() == "on"
    again.close()
    with remote.write() as tx:
        tx.exec_driver_sql(f"ALTER DATABASE {name} RESET synchronous_commit")


def test_a_reading_cannot_write(remote: Store) -> None:
    with pytest.raises(StoreError, match="read-only"), remote.read() as tx:
        mark(tx, "x")


@pytest.mark.parametrize(
    "address",
    [
        "postgresql://tearline:s3cret@127.0.0.1:1/nothing",
        "postgresql://tearline:s3cret@127.0.0.1:1,127.0.0.1:2/nothing?sslmode=disable",
    ],
)
def test_a_server_that_does_not_answer_is_named_without_its_password(address: str) -> None:
    store = Store(address)
    with pytest.raises(StoreError) as caught, store.read():
        pass
    assert "127.0.0.1:1" in caught.value.what
    chain = f"{caught.value} {caught.value.__cause__!r} {vars(store)!r} {store.shown}"
    assert "s3cret" not in chain


@pytest.mark.parametrize(
    "address",
    [
        "postgresql://t:s3cret@host:port/db",
        "postgresql://t:s3cret@s3cret@host/db",
        "postgresql://t:s3/cret@[host/db",
        "s3cret",
        "x://s3cret",
    ],
)
def test_an_address_that_is_none_is_not_repeated(address: str) -> None:
    with pytest.raises(HomeError) as caught:
        Store(address)
    assert "TEARLINE_STORE" in caught.value.do
    assert "s3cret" not in f"{caught.value} {caught.value.__cause__!r}"


def test_parts_of_the_bytes_are_made_before_they_are_needed(
    remote: Store,
) -> None:
    query = "SELECT relname FROM pg_class WHERE relname LIKE 'object_raw_part_00___' ORDER BY 1"

    def parts() -> list[str]:
        with remote.read() as tx:
            return [str(row[0])[-5:] for row in tx.exec_driver_sql(query) if row[0][-5:].isdigit()]

    assert parts() == ["00000", "00001"]
    with remote.write() as tx:
        partitions.ensure(tx, 3 * partitions.RANGE_OF)
        insert_rows(tx, object_raw, [(3 * partitions.RANGE_OF, b"x"), (1, b"y")])
    assert parts() == ["00000", "00001", "00002", "00003", "00004"]
    with remote.write() as tx:
        partitions.ensure(tx, 1)
        for number in (2, 3, 4):
            tx.exec_driver_sql(f"DROP TABLE object_raw_part_{number:05}")
    assert metadata.tables["object_raw"] is object_raw


def test_a_full_part_does_not_stop_an_import(remote: Store) -> None:
    """Readers and the writer go on while a part is attached."""
    with remote.read() as reader:
        assert reader.execute(select(func.count()).select_from(object_raw)).scalar() == 0
        with remote.write() as tx:
            tx.exec_driver_sql("SET LOCAL lock_timeout = '1s'")
            partitions.ensure(tx, partitions.RANGE_OF)
    with remote.write() as tx:
        tx.exec_driver_sql("DROP TABLE object_raw_part_00002")
