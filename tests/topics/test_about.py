"""Paths from a topic to objects, over relations that stand in a real store."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path as File
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tearline.store.database import Store, Tx, insert_rows, metadata
from tearline.store.objects import (
    OURS,
    NewVersion,
    Relation,
    Version,
    keep,
    object_version,
    relation,
)
from tearline.topics.about import Finder, Graph, Path, holds, starts
from tearline.topics.held import Held
from tearline.topics.topic import AGAINST, ALONG, CARRIERS

TOPIC = "intrusion-set--heron"
START = {TOPIC: "name:gray heron"}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    store = Store(tmp_path_factory.mktemp("about") / "a.db")
    with store.write() as tx:
        metadata.create_all(tx)
    yield store
    store.close()


@contextmanager
def world(store: Store, relations: Iterable[Relation]) -> Iterator[Tx]:
    """These relations and no others; undone at the end."""
    with store.read() as tx:
        stated = list(relations)
        seqs = {via: seq for seq, via in enumerate({each.via_id for each in stated})}
        rest = ("x", None, 0, 0, False, True, "", "", -1, None, None, 0)
        insert_rows(tx, object_version, [(seq, OURS, via, 0, *rest) for via, seq in seqs.items()])
        rows = enumerate((seqs[via], *ends) for via, *ends in stated)
        insert_rows(tx, relation, [(seq, place, *ends) for place, (seq, *ends) in rows])
        yield tx


def tie(source: str, kind: str, target: str) -> Relation:
    return Relation(f"relationship--{source} {kind} {target}", kind, source, target)


def holding(container: str, *members: str) -> list[Relation]:
    return [Relation(container, "member", container, each) for each in members]


def find(  # every question of this file, with the usual answers
    tx: Tx,
    stix_id: str,
    reach: int = 2,
    *,
    members: bool = False,
    stopped: Iterable[str] = (),
    topics: dict[str, str] = START,
    whole: bool = False,
) -> Path | None:
    graph = Graph(Held(tx, OURS), whole=whole)
    stops = set(stopped)
    finder = Finder(graph, topics, members=members, passes=lambda each, _: each not in stops)
    finder.load([stix_id], reach)
    return finder.path(stix_id, reach)


@pytest.mark.parametrize("kind", sorted(ALONG))
def test_along_reaches_the_target_and_not_the_source(store: Store, kind: str) -> None:
    there, back = tie(TOPIC, kind, "tool--a"), tie("malware--b", kind, TOPIC)
    with world(store, [there, back]) as tx:
        found = find(tx, "tool--a", 1)
        assert found == Path("name:gray heron", (TOPIC, there.via_id, "tool--a"))
        assert found.steps == 1
        assert find(tx, "malware--b") is None


@pytest.mark.parametrize("kind", sorted(AGAINST))
def test_against_reaches_the_source_and_not_the_target(store: Store, kind: str) -> None:
    there, back = tie("indicator--a", kind, TOPIC), tie(TOPIC, kind, "malware--b")
    with world(store, [there, back]) as tx:
        found = find(tx, "indicator--a", 1)
        assert found == Path("name:gray heron", (TOPIC, there.via_id, "indicator--a"))
        assert find(tx, "malware--b") is None


@pytest.mark.parametrize("kind", ["related-to", "similar", "mitigates", "located-at"])
def test_other_ties_carry_nothing(store: Store, kind: str) -> None:
    with world(store, [tie(TOPIC, kind, "tool--a"), tie("tool--b", kind, TOPIC)]) as tx:
        assert find(tx, "tool--a") is None
        assert find(tx, "tool--b") is None


def test_there_is_no_way_back_from_a_malware_to_its_users(store: Store) -> None:
    ties = [tie(TOPIC, "uses", "malware--m"), tie("intrusion-set--other", "uses", "malware--m")]
    with world(store, ties) as tx:
        assert find(tx, "malware--m") is not None
        assert find(tx, "intrusion-set--other") is None


@pytest.mark.parametrize("reach", [0, 1, 2])
def test_the_reach_counts_steps_from_the_topic(store: Store, reach: int) -> None:
    chain = ["malware--1", "malware--2", "malware--3"]
    ties = [tie(one, "drops", other) for one, other in zip([TOPIC, *chain], chain, strict=False)]
    with world(store, ties) as tx:
        assert find(tx, TOPIC, reach) == Path("name:gray heron", (TOPIC,))
        for steps, each in enumerate(chain, start=1):
            found = find(tx, each, reach)
            assert (found is not None) == (steps <= reach)
            assert found is None or found.steps == steps


NOT_CARRIERS = (
    *("tool", "attack-pattern", "vulnerability", "location", "identity", "indicator"),
    "course-of-action",
)


@pytest.mark.parametrize("type_", [*sorted(CARRIERS), *NOT_CARRIERS])
def test_only_carriers_carry_further(store: Store, type_: str) -> None:
    between = f"{type_}--between"
    with world(store, [tie(TOPIC, "uses", between), tie(between, "uses", "tool--end")]) as tx:
        assert find(tx, between) is not None
        assert (find(tx, "tool--end") is not None) == (type_ in CARRIERS)


def test_a_topic_that_does_not_carry_reaches_nothing(store: Store) -> None:
    with world(store, [tie("tool--t", "uses", "attack-pattern--a")]) as tx:
        labelled = {"tool--t": "label:heron"}
        assert find(tx, "tool--t", 0, topics=labelled) == Path("label:heron", ("tool--t",))
        assert find(tx, "attack-pattern--a", topics=labelled) is None


def test_what_carries_only_the_label_carries_further(store: Store) -> None:
    with world(store, [tie("malware--m", "uses", "tool--t")]) as tx:
        found = find(tx, "tool--t", 1, topics={"malware--m": "label:heron"})
        assert found is not None
        assert (found.start, found.ids[0]) == ("label:heron", "malware--m")


def test_a_path_leaves_only_from_what_passes_and_by_what_passes(store: Store) -> None:
    first, second = tie(TOPIC, "uses", "malware--m"), tie("malware--m", "uses", "tool--t")
    with world(store, [first, second]) as tx:
        for stopped in (TOPIC, "malware--m", first.via_id, second.via_id):
            assert find(tx, "tool--t", stopped=[stopped]) is None
        # The last object need not pass: it is about the topic, and something else stops it.
        assert find(tx, "tool--t", stopped=["tool--t"]) is not None


def test_a_detour_is_taken_where_the_short_way_is_barred(store: Store) -> None:
    short = tie(TOPIC, "uses", "tool--t")
    detour = [tie(TOPIC, "uses", "malware--m"), tie("malware--m", "uses", "tool--t")]
    with world(store, [short, *detour]) as tx:
        direct = find(tx, "tool--t")
        assert direct is not None
        assert direct.steps == 1
        around = find(tx, "tool--t", stopped=[short.via_id])
        assert around is not None
        assert around.ids == (TOPIC, detour[0].via_id, "malware--m", detour[1].via_id, "tool--t")


def test_of_two_ways_of_one_length_the_first_by_id_is_taken(store: Store) -> None:
    ties = [
        Relation("relationship--2", "uses", TOPIC, "malware--a"),
        Relation("relationship--3", "uses", "malware--a", "tool--t"),
        Relation("relationship--1", "uses", TOPIC, "malware--b"),
        Relation("relationship--4", "uses", "malware--b", "tool--t"),
    ]
    for order in (ties, ties[::-1]):
        with world(store, order) as tx:
            found = find(tx, "tool--t")
            assert found is not None
            assert found.ids[1:4] == ("relationship--1", "malware--b", "relationship--4")


# --------------------------------------------------------------------------------- containers


def test_members_are_about_the_topic_only_where_the_clause_says_so(store: Store) -> None:
    with world(store, holding("report--r", TOPIC, "indicator--i")) as tx:
        assert find(tx, "indicator--i") is None
        found = find(tx, "indicator--i", 1, members=True)
        assert found == Path("name:gray heron", (TOPIC, "report--r", "indicator--i"))
        assert find(tx, "indicator--i", 0, members=True) is None


def test_a_container_is_about_the_topic_that_it_holds(store: Store) -> None:
    with world(store, holding("report--r", TOPIC, "indicator--i")) as tx:
        assert find(tx, "report--r") is None
        assert find(tx, "report--r", 1, members=True) == Path(
            "name:gray heron", (TOPIC, "report--r")
        )


def test_the_label_on_a_container_counts_for_its_members(store: Store) -> None:
    labelled = {"report--r": "label:heron"}
    with world(store, holding("report--r", "indicator--i")) as tx:
        assert find(tx, "report--r", 0, topics=labelled) is not None
        assert find(tx, "indicator--i", topics=labelled) is None
        found = find(tx, "indicator--i", 1, topics=labelled, members=True)
        assert found == Path("label:heron", ("report--r", "indicator--i"))


def test_membership_does_not_start_from_what_is_merely_tied_to_the_topic(store: Store) -> None:
    ties = [tie(TOPIC, "uses", "malware--m"), *holding("report--r", "malware--m", "indicator--i")]
    with world(store, ties) as tx:
        assert find(tx, "malware--m", members=True) is not None
        assert find(tx, "report--r", members=True) is None
        assert find(tx, "indicator--i", members=True) is None


def test_a_member_that_carries_is_walked_on_from(store: Store) -> None:
    ties = [*holding("report--r", TOPIC, "malware--m"), tie("malware--m", "uses", "tool--t")]
    with world(store, ties) as tx:
        assert find(tx, "tool--t", 1, members=True) is None
        found = find(tx, "tool--t", 2, members=True)
        assert found is not None
        assert found.ids[1] == "report--r"


def test_neither_the_container_nor_the_topic_in_it_may_be_stopped(store: Store) -> None:
    with world(store, holding("report--r", TOPIC, "indicator--i")) as tx:
        for stopped in ("report--r", TOPIC):
            assert find(tx, "indicator--i", members=True, stopped=[stopped]) is None
        assert find(tx, "report--r", members=True, stopped=[TOPIC]) is None
        assert find(tx, "report--r", members=True, stopped=["report--r"]) is not None


# ------------------------------------------------------------------------------ for all graphs

IDS = [
    *(TOPIC, "campaign--c", "malware--a", "malware--b", "infrastructure--i", "tool--t"),
    *("attack-pattern--p", "indicator--x", "report--r", "grouping--g"),
]
KINDS = ["uses", "indicates", "variant-of", "attributed-to", "targets", "related-to"]
TIES = st.builds(tie, st.sampled_from(IDS[:8]), st.sampled_from(KINDS), st.sampled_from(IDS[:8]))
MEMBERS = st.builds(
    lambda container, member: holding(container, member)[0],
    st.sampled_from(IDS[8:]),
    st.sampled_from(IDS[:8]),
)
RELATIONS = st.lists(TIES, max_size=14, unique=True)
MEMBERSHIPS = st.lists(MEMBERS, max_size=5, unique=True)
TOPICS = st.sampled_from(
    [START, {**START, "malware--b": "name:b"}, {"report--r": "label:l"}, {"tool--t": "label:l"}]
)
STOPPED = st.sets(st.sampled_from(IDS), max_size=2)


@given(RELATIONS, MEMBERSHIPS, TOPICS, STOPPED, st.booleans())
def test_what_is_loaded_by_need_answers_like_the_whole(  # hypothesis gives each part
    store: Store,
    relations: list[Relation],
    memberships: list[Relation],
    topics: dict[str, str],
    stopped: set[str],
    members: bool,  # noqa: FBT001  # given by hypothesis
) -> None:
    with world(store, [*relations, *memberships]) as tx:
        for each in IDS:
            for reach in (0, 1, 2):
                few, all_ = (
                    find(
                        tx,
                        each,
                        reach,
                        members=members,
                        stopped=stopped,
                        topics=topics,
                        whole=whole,
                    )
                    for whole in (False, True)
                )
                assert few == all_


@given(RELATIONS, STOPPED, st.integers(0, 2))
def test_a_path_is_the_shortest_and_among_those_the_first_by_id(
    store: Store, relations: list[Relation], stopped: set[str], reach: int
) -> None:
    with world(store, relations) as tx:
        for each in IDS:
            walks = list(_walks(relations, each, reach, stopped))
            best = min(walks, key=lambda ids: (len(ids), ids), default=None)
            found = find(tx, each, reach, stopped=stopped)
            assert (found and found.ids) == best


@given(RELATIONS, MEMBERSHIPS, st.randoms(), st.booleans())
def test_the_order_of_arrival_changes_no_path(
    store: Store,
    relations: list[Relation],
    memberships: list[Relation],
    chance: Random,
    members: bool,  # noqa: FBT001  # given by hypothesis
) -> None:
    shuffled = [*relations, *memberships]
    chance.shuffle(shuffled)
    answers = []
    for order in ([*relations, *memberships], shuffled):
        with world(store, order) as tx:
            answers.append([find(tx, each, members=members) for each in IDS])
    assert answers[0] == answers[1]


@given(RELATIONS, MEMBERSHIPS, TOPICS, st.booleans())
def test_every_path_that_is_found_holds_when_it_is_walked_again(
    store: Store,
    relations: list[Relation],
    memberships: list[Relation],
    topics: dict[str, str],
    members: bool,  # noqa: FBT001  # given by hypothesis
) -> None:
    with world(store, [*relations, *memberships]) as tx:
        graph = Graph(Held(tx, OURS), whole=True)
        for each in IDS:
            found = find(tx, each, members=members, topics=topics)
            if found is not None:
                assert holds(found, graph, topics, members=members)


def _walks(
    relations: list[Relation], end: str, reach: int, stopped: set[str]
) -> Iterator[tuple[str, ...]]:
    """Every walk from the topic to an object, by trying all of them."""
    moves = [(r.source_id, r.via_id, r.target_id) for r in relations if r.kind in ALONG]
    moves += [(r.target_id, r.via_id, r.source_id) for r in relations if r.kind in AGAINST]
    walks: list[tuple[str, ...]] = [(TOPIC,)]
    for walk in walks:
        if walk[-1] == end:
            yield walk
        if len(walk) // 2 < reach and _carries(walk[-1], stopped) and walk[-1] not in walk[:-1]:
            walks += [
                (*walk, via, to) for from_, via, to in moves if from_ == walk[-1] and to != TOPIC
            ]


def _carries(stix_id: str, stopped: set[str]) -> bool:
    return stix_id.partition("--")[0] in CARRIERS and stix_id not in stopped


# --------------------------------------------------------------------------- claims and topics


def test_a_claimed_path_that_cannot_be_walked_does_not_hold(store: Store) -> None:
    first, second = tie(TOPIC, "uses", "malware--m"), tie("malware--m", "uses", "tool--t")
    with world(store, [first, second]) as tx:
        graph = Graph(Held(tx, OURS))
        true = Path(
            "name:gray heron", (TOPIC, first.via_id, "malware--m", second.via_id, "tool--t")
        )
        assert holds(true, graph, START, members=False)
        for ids in (
            (TOPIC, first.via_id, "tool--t"),
            (TOPIC, "relationship--none", "malware--m", second.via_id, "tool--t"),
            (TOPIC, first.via_id, "malware--other", second.via_id, "tool--t"),
            ("malware--m", second.via_id, "tool--t"),
        ):
            assert not holds(Path("name:gray heron", ids), graph, START, members=False)
        assert not holds(true, graph, {}, members=False)


def test_a_path_by_membership_holds_only_under_a_clause_with_members(store: Store) -> None:
    with world(store, holding("report--r", TOPIC, "indicator--i")) as tx:
        graph = Graph(Held(tx, OURS))
        path = Path("name:gray heron", (TOPIC, "report--r", "indicator--i"))
        assert holds(path, graph, START, members=True)
        assert not holds(path, graph, START, members=False)


def test_an_object_is_the_topic_by_a_key_or_by_its_id(tmp_path: File) -> None:
    store = Store(tmp_path / "a.db")
    with store.write() as tx:
        metadata.create_all(tx)
        keep(tx, OURS, [_version("malware--a", "name:mud"), _version("malware--b", "name:tin")])
        keep(tx, "urn:other", [_version("malware--c", "name:mud")])
    with store.read() as tx:
        assert starts(Held(tx, OURS), ["name:mud"], []) == {"malware--a": "name:mud"}
        by_id = starts(Held(tx, OURS), [], ["malware--b", "malware--unknown"])
        assert by_id == {"malware--b": "stix:malware--b"}
    store.close()


def _version(stix_id: str, key: str) -> NewVersion:
    version = Version(0, stix_id, 1, "malware", 1, 1, 0, False, True, "sha256:0", "test")  # noqa: FBT003  # a row
    return NewVersion(version, b"{}", [], [], [key])
