from collections.abc import Iterator

import pytest

from tearline.store import sources
from tearline.store.database import Place, Store
from tearline.store.schema import open_store
from tearline.store.sources import Reading, Source, Tally, Turn, Walk

FEED = Source(
    name="feed",
    url="https://a.example/",
    way="basic",
    login="us",
    secret="hush",
    plain_http=False,
    marking=1,
    grade=33,
    page=500,
    every_s=300,
    since_at=7,
    ended_at=None,
)
FIRST = Reading("feed", "https://a.example/c/1/", "1", "One", "2.1")
SECOND = Reading("feed", "https://a.example/c/2/", "2", "Two", "2.0", Walk(done_at=5))


@pytest.fixture
def store(place: Place) -> Iterator[Store]:
    made = open_store(place)
    with made.write() as tx:
        sources.add(tx, FEED, [SECOND, FIRST])
    yield made
    made.close()


def test_a_source_is_kept_with_its_collections(store: Store) -> None:
    with store.read() as tx:
        assert sources.source_named(tx, "feed") == FEED
        assert sources.source_named(tx, "other") is None
        assert sources.sources(tx) == [FEED]
        assert sources.readings_of(tx, "feed") == [FIRST, SECOND]
        assert sources.reading_at(tx, "feed", SECOND.url) == SECOND


def test_each_part_of_a_reading_is_written_alone(store: Store) -> None:
    walk = Walk(1, 2, "token", sure=True, top_at=3, ordered=False, open=True, fresh=True, met=4)
    tally = Tally(1, 2, 3, 4, '["x"]')
    turn = Turn(1, "no", 2, 3, 4, stopped=True)
    with store.write() as tx:
        sources.put_walk(tx, FIRST, walk)
        sources.put_tally(tx, FIRST, tally)
        sources.put_turn(tx, FIRST, turn)
    with store.read() as tx:
        assert sources.readings_of(tx, "feed") == [
            FIRST._replace(walk=walk, tally=tally, turn=turn),
            SECOND,
        ]


def test_a_source_that_is_ended_keeps_no_secret(store: Store) -> None:
    with store.write() as tx:
        sources.end(tx, "feed", at=9)
    with store.read() as tx:
        ended = sources.source_named(tx, "feed")
        assert ended == FEED._replace(secret="", login="", ended_at=9)
        assert sources.reading_at(tx, "feed", FIRST.url) is None
        assert len(sources.readings_of(tx, "feed")) == 2


def test_a_name_may_be_used_again_and_a_login_changed(store: Store) -> None:
    with store.write() as tx:
        sources.end(tx, "feed", at=9)
        sources.add(tx, FEED, [FIRST])
        sources.put_login(tx, "feed", way="bearer", login="", secret="other")
    with store.read() as tx:
        assert sources.readings_of(tx, "feed") == [FIRST]
        found = sources.source_named(tx, "feed")
        assert found == FEED._replace(way="bearer", login="", secret="other")
