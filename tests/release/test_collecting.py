"""The order of a collection, and which version is first and last in it, whatever comes when."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from tearline.agreement.home import Home, create_home
from tearline.errors import MisuseError, RefusedError
from tearline.exchange import accounts
from tearline.release import arrive, collecting
from tearline.release.indexing import index
from tearline.stix.timestamp import format_timestamp
from tearline.store import collections
from tearline.store.collections import Collection, Which
from tests.exchange.local import cheap_passwords
from tests.pair import START, as_object, sdo

NAMES = ("Mud Loader", "Reed Loader", "Silt Loader")


def loader(name: str, day: int) -> dict[str, Any]:
    at = format_timestamp(START + day * 86_400_000_000)
    return sdo("malware", name) | {"modified": at, "description": f"day {day}"}


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    made = create_home(tmp_path / "home", "North CERT", None, START)
    with cheap_passwords():
        collecting.add_collection(made, "feed", "", "", now=START)
        accounts.add_account(made, "alice", "pw", read=["feed"], write=["feed"], now=START)
    yield made
    made.store.close()


def feed(home: Home, name: str = "feed") -> Collection:
    with home.store.read() as tx:
        return collecting.served(tx, name)


def post(home: Home, *docs: dict[str, Any], now: int, to: str = "feed") -> collecting.Submitted:
    found = [index(as_object(doc)) for doc in docs]
    return collecting.submit(home, feed(home, to).id, "alice", found, now=now)


def listed(home: Home, name: str = "feed") -> list[collections.Member]:
    with home.store.read() as tx:
        number = feed(home, name).number
        return collections.listing(tx, number, after=0, limit=1000, which=collections.EVERY)


def test_moments_rise_whatever_the_clock_says(home: Home) -> None:
    for now in (START + 50, START + 20, START + 20, START - 9):
        post(home, *(loader(f"{name} {now}", 0) for name in NAMES), now=now)
        post(home, loader("the same", 0), now=now)
    ats = [each.at for each in listed(home)]
    assert ats == sorted(set(ats))
    assert ats[0] == START + 50
    assert feed(home).last_at == ats[-1]


def test_an_object_that_comes_twice_in_one_post_stands_once(home: Home) -> None:
    done = post(home, loader("Mud Loader", 1), loader("Mud Loader", 1), now=START)
    assert (done.success_count, len(done.failures), len(listed(home))) == (2, 0, 1)
    with home.store.read() as tx:
        told = collecting.status_of(tx, done.id, "alice")
    assert told is not None
    assert told.success_count == len(told.successes) == 2


def test_versions_that_we_hold_already_are_put_as_they_are(home: Home) -> None:
    for day in (1, 3, 2):
        arrive.arrive(home, [as_object(loader("Mud Loader", day))], source="file", now=START)
    stix_id = loader("Mud Loader", 1)["id"]
    assert collecting.put(home, "feed", [stix_id, stix_id], now=START) == 1
    assert collecting.put(home, "feed", [stix_id], now=START) == 0
    (only,) = listed(home)
    assert (only.version, only.earliest, only.latest) == (loader("", 3)["modified"], True, True)
    post(home, loader("Mud Loader", 2), now=START)
    assert [(each.earliest, each.latest) for each in listed(home)] == [(False, True), (True, False)]


def test_a_right_that_was_lost_meanwhile_stores_nothing(home: Home) -> None:
    accounts.deny(home, "alice", write=["feed"], now=START)
    with pytest.raises(RefusedError):
        post(home, loader("Mud Loader", 1), now=START)
    assert listed(home) == []


def test_collections_do_not_touch_each_other(home: Home) -> None:
    collecting.add_collection(home, "other", "", "", now=START)
    accounts.grant(home, "alice", write=["other"], now=START)
    post(home, loader("Mud Loader", 1), now=START)
    post(home, loader("Mud Loader", 2), now=START, to="other")
    assert collecting.take_out(home, feed(home).id, [loader("Mud Loader", 1)["id"]], now=START) == 1
    assert listed(home) == []
    (left,) = listed(home, "other")
    assert (left.earliest, left.latest) == (True, True)


@pytest.mark.parametrize("name", ["", " feed", "feed ", "a\nb", "x" * 64])
def test_a_name_is_short_and_plain(home: Home, name: str) -> None:
    with pytest.raises(MisuseError):
        collecting.add_collection(home, name, "", "", now=START)


_name = st.sampled_from(NAMES)
_days = st.lists(st.integers(0, 4), min_size=1, max_size=3)
_act = st.one_of(
    st.tuples(st.just("post"), _name, _days),
    st.tuples(st.just("take"), _name, st.sampled_from(["first", "last", "all"])),
    st.tuples(st.just("put"), _name, st.none()),
)


@hypothesis_settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(acts=st.lists(_act, max_size=8))
def test_the_flags_are_what_the_versions_say(home: Home, acts: list[tuple[str, str, Any]]) -> None:
    """After any course of posting, putting and taking, against a plain model of it."""
    collecting.add_collection(home, name := f"c{len(all_names(home))}", "", "", now=START)
    accounts.grant(home, "alice", write=[name], now=START)
    model: dict[str, set[str]] = {each: set() for each in NAMES}
    held: dict[str, set[str]] = {each: set() for each in NAMES}
    for act, what, more in acts:
        if act == "post":
            docs = [loader(f"{name} {what}", day) for day in more]
            post(home, *docs, now=START, to=name)
            model[what] |= {each["modified"] for each in docs}
            held[what] |= {each["modified"] for each in docs}
        elif act == "take":
            which = Which(earliest=more == "first", latest=more == "last", every=more == "all")
            stix_id = loader(f"{name} {what}", 0)["id"]
            collecting.take_out(home, feed(home, name).id, [stix_id], which, now=START)
            there = model[what]
            gone = {"first": {min(there)}, "last": {max(there)}, "all": set(there)} if there else {}
            model[what] = there - gone.get(more, set())
        elif held[what]:
            collecting.put(home, name, [loader(f"{name} {what}", 0)["id"]], now=START)
            model[what].add(max(held[what]))
    found = listed(home, name)
    ids = {loader(f"{name} {what}", 0)["id"]: versions for what, versions in model.items()}
    assert {(each.stix_id, each.version) for each in found} == {
        (stix_id, version) for stix_id, versions in ids.items() for version in versions
    }
    for each in found:
        versions = ids[each.stix_id]
        assert each.earliest == (each.version == min(versions))
        assert each.latest == (each.version == max(versions))


def all_names(home: Home) -> list[str]:
    with home.store.read() as tx:
        return [each.name for each in collections.collections(tx)]
