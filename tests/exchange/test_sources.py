"""Polling foreign servers over HTTP, as they are: nothing is lost, and nothing goes on for ever."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tearline import clock
from tearline.agreement.home import Home, create_home
from tearline.errors import MisuseError, SourceError
from tearline.exchange import foreign_line, keeping, sources
from tearline.exchange.foreign_line import Line, Login, ShutOutError
from tearline.exchange.sources import Polled, due_at
from tearline.stix.bundle import Limits
from tearline.stix.marking import GREEN
from tearline.store import annotations, objects, private
from tearline.store import sources as rows
from tearline.store.objects import OURS
from tearline.store.sources import Reading, Source, Walk
from tests.exchange.foreign_server import ONE, SECOND, TWO, Doc, Foreign, foreign
from tests.pair import START, sdo
from tests.stix.old import observed, old

Serve = Callable[..., Foreign]


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    made = create_home(tmp_path / "home", "North CERT", None, START)
    yield made
    made.store.close()


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Start a foreign server that behaves as it is told."""
    with ExitStack() as stack:
        yield lambda **how: stack.enter_context(foreign(Foreign(**how)))


def signs(number: int, name: str = "sign") -> list[Doc]:
    return [sdo("indicator", f"{name} {place}") for place in range(number)]


def add(home: Home, server: Foreign, login: Login | None = None, **more: Any) -> Reading:  # noqa: ANN401
    """Add the server's first collection as a source called feed."""
    login = login or Login()
    given: dict[str, Any] = {"page": 10, "every_s": 300, "marking": GREEN, "grade": 33} | more
    walked = Walk(done_at=given.pop("since_at", None))
    reading = Reading(
        "feed", f"{server.url}/root/collections/{ONE}/", ONE, "One", server.version, walked
    )
    entry = Source(
        name="feed",
        url=f"{server.url}/",
        way=login.way,
        login=login.user,
        secret=login.secret,
        plain_http=False,
        since_at=START,
        ended_at=None,
        **given,
    )
    sources.add(home, entry, [reading], now=START)
    return reading


def poll(home: Home, reading: Reading, **how: Any) -> Polled:  # noqa: ANN401
    return sources.poll(home, "feed", reading.url, **({"now": clock.now()} | how))


def state(home: Home, reading: Reading) -> Reading:
    with home.store.read() as tx:
        found = rows.reading_at(tx, "feed", reading.url)
    assert found is not None
    return found


def held(home: Home) -> set[str]:
    with home.store.read() as tx:
        return set(objects.ids_from(tx, "taxii:feed"))


def ids(docs: list[Doc]) -> set[str]:
    return {each["id"] for each in docs}


# ------------------------------------------------------------------------------------- reading


@pytest.mark.parametrize("version", ["2.1", "2.0"])
def test_a_collection_is_read_to_its_end_and_then_only_what_is_new(
    home: Home, serve: Serve, version: str
) -> None:
    make = sdo if version == "2.1" else old
    docs = [make("tool", f"tool {place}") for place in range(35)]
    server = serve(version=version)
    server.put(*docs[:30], at=START)
    reading = add(home, server)
    told: list[int] = []
    first = poll(home, reading, progress=told.append)
    assert (first.objects, first.result.stored, first.ended, first.problem) == (30, 30, True, None)
    assert held(home) == ids(docs[:30])
    assert told[-1] == 30
    assert len(told) == 3

    server.put(*docs[30:], at=START + 100 * SECOND)
    assert poll(home, reading).result.stored == 5
    assert held(home) == ids(docs)
    assert poll(home, reading).result.stored == 0
    asked = len(server.pages)
    quiet = poll(home, reading)
    assert (quiet.objects, quiet.ended, len(server.pages)) == (0, True, asked + 1)
    found = state(home, reading)
    assert found.walk.done_at == START + 104 * SECOND
    assert (found.tally.stored, found.tally.refused) == (35, 0)
    assert (found.turn.failures, found.turn.problem) == (0, "")


def test_what_comes_is_an_import_of_ours_with_the_default_labels(home: Home, serve: Serve) -> None:
    server = serve()
    (doc,) = signs(1)
    server.put(doc, at=START)
    poll(home, add(home, server))
    with home.store.read() as tx:
        (version,) = objects.latest(tx, OURS, [doc["id"]]).values()
        assert version.source == "taxii:feed"
        assert annotations.annotations(tx, [doc["id"]]) == {doc["id"]: (GREEN, 33)}
        kinds = [kind for kind, _ in private.pending(tx)]
    assert sorted(kinds) == ["annotation", "annotation", "import", "source"]


def test_bad_objects_are_refused_alone_and_the_first_reasons_kept(home: Home, serve: Serve) -> None:
    server = serve()
    good = signs(30)
    bad = [each | {"pattern": 7} for each in signs(25, "bad")]
    server.put(*(doc for pair in zip(good, bad, strict=False) for doc in pair), at=START)
    reading = add(home, server)
    done = poll(home, reading)
    assert (done.result.stored, len(done.result.refused), done.problem) == (25, 25, None)
    tally = state(home, reading).tally
    assert (tally.stored, tally.refused) == (25, 25)
    reasons = json.loads(tally.reasons)
    assert len(reasons) == 20
    assert reasons[0][0] == bad[0]["id"]
    assert "pattern" in reasons[0][1]


def test_objects_of_2_0_are_lifted_with_notices_and_read_again_change_nothing(
    home: Home, serve: Serve
) -> None:
    server = serve(version="2.0")
    inside = {"0": {"type": "ipv4-addr", "value": "192.0.2.1"}}
    server.put(old("malware", "Mud", labels=["worm"]), observed("a", inside), at=START)
    reading = add(home, server)
    done = poll(home, reading)
    assert done.result.stored == 3
    assert any("is_family" in line for line in done.result.remarks)
    again = poll(home, reading)
    assert (again.result.stored, again.result.unchanged) == (0, 3)
    assert state(home, reading).tally.lifted == 4


def test_a_first_moment_is_kept_to(home: Home, serve: Serve) -> None:
    server = serve()
    docs = signs(10)
    server.put(*docs, at=START)
    poll(home, add(home, server, since_at=START + 6 * SECOND))
    assert held(home) == ids(docs[7:])


# -------------------------------------------------------------------------- going on after a stop


def test_a_poll_that_is_stopped_goes_on_and_repeats_nothing(home: Home, serve: Serve) -> None:
    server = serve()
    docs = signs(45)
    server.put(*docs, at=START)
    reading = add(home, server)
    turns = [poll(home, reading, seconds=0) for _ in range(5)]
    assert [each.problem for each in turns] == [None] * 5
    assert [each.ended for each in turns] == [False] * 4 + [True]
    assert sum(each.objects for each in turns) == 45
    assert held(home) == ids(docs)


@pytest.mark.parametrize("kind", ["position", "counted", "none"])
# So far apart that the overlap of the next walk would not bring back what was passed over.
@pytest.mark.parametrize("spread", [0, 100 * SECOND])
@pytest.mark.parametrize("seconds", [None, 0])
def test_a_poll_that_breaks_off_between_answer_and_commit_loses_nothing(
    home: Home,
    serve: Serve,
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
    spread: int,
    seconds: float | None,
) -> None:
    """The worst moment: the server believes that the page was taken, and it was not."""
    server = serve(next_kind=kind)
    docs = signs(45)
    server.put(*docs, at=START, step=spread)
    reading = add(home, server, page=50 if kind == "none" and not spread else 10)
    real, pages = keeping.take, 0

    def breaks(*args: Any, **how: Any) -> Any:  # noqa: ANN401 - passes everything on
        nonlocal pages
        pages += 1
        if pages % 2 == 0 and pages < 8:
            raise KeyboardInterrupt
        return real(*args, **how)

    monkeypatch.setattr(sources, "take", breaks)
    for _ in range(30):
        with suppress(KeyboardInterrupt):
            poll(home, reading, seconds=seconds)
    poll(home, reading)
    assert held(home) == ids(docs)
    assert state(home, reading).tally.stored == 45


def test_a_next_that_was_forgotten_is_gone_round(home: Home, serve: Serve) -> None:
    server = serve()
    docs = signs(45)
    server.put(*docs, at=START)
    reading = add(home, server)
    poll(home, reading, seconds=0)
    server.habit = "forgets"
    done = poll(home, reading)
    assert done.problem is None
    assert held(home) == ids(docs)


def test_a_next_that_is_never_known_is_a_problem_in_the_end(home: Home, serve: Serve) -> None:
    server = serve(habit="forgets")
    server.put(*signs(45), at=START, step=0)
    done = poll(home, add(home, server))
    assert done.problem is not None
    assert "answered 400" in done.problem.what
    assert len(server.pages) < 20


# ------------------------------------------------------------------------ servers that lose things


def test_what_is_added_in_the_last_moment_is_seen_later(home: Home, serve: Serve) -> None:
    """Stamped before it was committed: earlier than what was read already."""
    server = serve()
    server.put(*signs(10), at=START)
    reading = add(home, server)
    poll(home, reading)
    late = signs(3, "late")
    server.put(*late, at=START + 9 * SECOND, step=-SECOND)
    server.shelf.sort(key=lambda each: each[0])
    poll(home, reading)
    assert ids(late) <= held(home)


@pytest.mark.parametrize("spread", [0, 1, SECOND])
def test_more_without_next_is_read_on_by_moment(home: Home, serve: Serve, spread: int) -> None:
    server = serve(next_kind="none")
    docs = signs(45)
    server.put(*docs, at=START, step=spread)
    done = poll(home, add(home, server))
    assert done.problem is None
    assert held(home) == ids(docs), "also those of one moment at the border of a page"
    assert len(server.pages) < 12


def test_a_server_of_2_0_whose_items_move_is_read_again(home: Home, serve: Serve) -> None:
    server = serve(version="2.0", habit="shifting")
    docs = [old("tool", f"tool {place}") for place in range(35)]
    server.put(*docs, at=START)
    done = poll(home, add(home, server))
    assert done.problem is None
    assert held(home) == ids(docs)


def test_a_server_of_2_0_that_knows_no_ranges_gives_all_at_once(home: Home, serve: Serve) -> None:
    server = serve(version="2.0", habit="unranged")
    docs = [old("tool", f"tool {place}") for place in range(35)]
    server.put(*docs, at=START)
    assert poll(home, add(home, server)).ended
    assert held(home) == ids(docs)
    assert len(server.pages) == 1


def test_a_404_where_nothing_is_new_is_no_problem(home: Home, serve: Serve) -> None:
    server = serve(version="2.0", habit="404")
    reading = add(home, server)
    assert poll(home, reading).problem is None
    lost = reading._replace(url=reading.url.replace(ONE, ONE[::-1]))
    with home.store.write() as tx:
        rows.add(tx, rows.sources(tx)[0], [lost])
    assert "404" in str(poll(home, lost).problem)


def test_no_moments_at_all_are_read_from_the_beginning_each_time(home: Home, serve: Serve) -> None:
    server = serve(dates=False)
    server.put(*signs(25), at=START)
    reading = add(home, server)
    assert poll(home, reading).result.stored == 25
    server.put(*signs(5, "new"), at=START)
    assert poll(home, reading).result.stored == 5


# ------------------------------------------------------------------------- servers that lead astray


@pytest.mark.parametrize(
    ("how", "says"),
    [
        ({"habit": "circle"}, "same page again"),
        ({"habit": "hollow"}, "empty pages"),
        ({"next_kind": "none", "dates": False}, "no moments"),
        ({"next_kind": "none", "cap": 5}, "of one moment"),
    ],
)
def test_a_server_that_leads_nowhere_is_a_problem(
    home: Home, serve: Serve, how: dict[str, Any], says: str
) -> None:
    server = serve(**how)
    server.put(*signs(45), at=START, step=0)
    reading = add(home, server)
    done = poll(home, reading)
    assert done.problem is not None
    assert says in done.problem.what
    assert len(server.pages) < 30
    if how.get("habit") != "hollow":
        assert held(home), "what came before it is kept"
    found = state(home, reading)
    assert found.turn.failures == 1
    assert not found.turn.stopped
    assert due_at(*_pair(home, reading)) == found.turn.again_at


def _pair(home: Home, reading: Reading) -> tuple[Source, Reading]:
    with home.store.read() as tx:
        return sources.open_source(tx, "feed"), state(home, reading)


def test_pages_without_end_are_stopped_at_the_operators_limit(
    home: Home, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "limits_of", lambda _settings: Limits(max_objects=100))
    server = serve(habit="endless")
    reading = add(home, server)
    turns = [poll(home, reading, seconds=0) for _ in range(11)]
    assert [each.problem for each in turns[:-1]] == [None] * 10
    assert isinstance(turns[-1].problem, sources.EndlessError)
    assert state(home, reading).walk.met == 110
    assert state(home, reading).turn.stopped
    assert due_at(*_pair(home, reading)) is None
    sources.retry(home, "feed")
    assert state(home, reading).walk.met == 0
    assert due_at(*_pair(home, reading)) == 0


# ---------------------------------------------------------------------------------- being refused


def test_a_busy_server_is_left_alone_as_long_as_it_asks(home: Home, serve: Serve) -> None:
    server = serve()
    docs = signs(25)
    server.put(*docs, at=START)
    reading = add(home, server)
    poll(home, reading, seconds=0)
    server.refusals = [(429, {"Retry-After": "7200"})]
    now = clock.now()
    done = poll(home, reading, now=now)
    assert done.problem is not None
    turn = state(home, reading).turn
    assert turn.wait_at is not None
    assert turn.wait_at >= now + 7200 * SECOND
    assert due_at(*_pair(home, reading)) == turn.wait_at
    assert state(home, reading).walk.sure, "a page that was turned away is asked for once more"
    assert poll(home, reading).ended
    assert held(home) == ids(docs)


def test_a_server_that_asks_to_be_left_alone_means_all_its_collections(
    home: Home, serve: Serve
) -> None:
    server = serve(refusals=[(429, {"Retry-After": "900"})])
    reading = add(home, server)
    other = reading._replace(url=f"{server.url}/root/collections/{TWO}/", id=TWO)
    with home.store.write() as tx:
        rows.add(tx, rows.sources(tx)[0], [reading, other])
    poll(home, reading)
    assert state(home, other).turn.wait_at == state(home, reading).turn.wait_at
    assert due_at(*_pair(home, other)) == state(home, reading).turn.wait_at
    assert state(home, other).turn.problem == ""


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:60Z"])
def test_moments_out_of_all_reason_do_no_harm(home: Home, serve: Serve, at: str) -> None:
    server = serve(next_kind="none", said=at)
    server.put(*signs(25), at=START)
    reading = add(home, server)
    turns = [poll(home, reading) for _ in range(3)]
    assert len(server.pages) < 30
    assert all(each.problem is None or each.problem.do for each in turns)


def test_waits_grow_and_end_with_a_success(home: Home, serve: Serve) -> None:
    server = serve(refusals=[(503, {})] * 12)
    reading = add(home, server)
    waits = []
    for _ in range(12):
        now = clock.now()
        poll(home, reading, now=now)
        again_at = state(home, reading).turn.again_at
        assert again_at is not None
        waits.append(round((again_at - now) / SECOND))
    assert waits == [30, 60, 120, 240, 480, 960, 1920, 3600, 3600, 3600, 3600, 3600]
    assert poll(home, reading).problem is None
    assert state(home, reading).turn.failures == 0


def test_a_moment_in_retry_after_counts_from_the_servers_clock(home: Home, serve: Serve) -> None:
    headers = {
        "Date": "Thu, 01 Jan 2026 00:00:00 GMT",
        "Retry-After": "Thu, 01 Jan 2026 00:10:00 GMT",
    }
    server = serve(refusals=[(503, headers)])
    reading = add(home, server)
    now = clock.now()
    poll(home, reading, now=now)
    wait_at = state(home, reading).turn.wait_at
    assert wait_at is not None
    assert 599 <= (wait_at - now) / SECOND < 620


@pytest.mark.parametrize("status", [401, 403])
def test_who_is_shut_out_does_not_knock_again(home: Home, serve: Serve, status: int) -> None:
    server = serve(refusals=[(status, {})])
    reading = add(home, server)
    done = poll(home, reading)
    assert isinstance(done.problem, ShutOutError)
    turn = state(home, reading).turn
    assert turn.stopped
    assert "source retry" in turn.problem
    assert due_at(*_pair(home, reading)) is None
    sources.retry(home, "feed", Login("bearer", "", "new"))
    assert due_at(*_pair(home, reading)) == 0
    assert poll(home, reading).problem is None
    assert server.headers[-1]["authorization"] == "Bearer new"


@pytest.mark.parametrize(
    ("login", "name", "value"),
    [
        (Login("basic", "us", "pä:ss"), "authorization", "Basic dXM6cMOkOnNz"),
        (Login("bearer", "", "key"), "authorization", "Bearer key"),
        (Login("X-API-Key", "", "key"), "x-api-key", "key"),
    ],
)
def test_each_way_of_being_let_in(
    home: Home, serve: Serve, login: Login, name: str, value: str
) -> None:
    server = serve(needs={name: value})
    server.put(*signs(2), at=START)
    assert poll(home, add(home, server, login)).result.stored == 2


def test_a_server_that_is_not_there_is_tried_again_later(home: Home, serve: Serve) -> None:
    server = serve()
    reading = add(home, server)
    nobody = reading._replace(url="http://127.0.0.1:9/root/collections/x/")
    with home.store.write() as tx:
        rows.add(tx, rows.sources(tx)[0], [nobody])
    done = poll(home, nobody)
    assert done.problem is not None
    assert "could not be reached" in done.problem.what
    assert state(home, nobody).turn.failures == 1


def test_our_credentials_go_to_no_other_host(home: Home, serve: Serve) -> None:
    server, other = serve(), serve()
    server.moved_to = f"{other.url}/new"
    done = poll(home, add(home, server, Login("bearer", "", "key")))
    assert done.problem is not None
    assert "another host" in done.problem.what
    assert other.asked == []


def test_a_redirect_on_the_same_host_is_followed(home: Home, serve: Serve) -> None:
    server = serve(moved_to="/new")
    server.put(*signs(3), at=START)
    assert poll(home, add(home, server)).result.stored == 3


def test_a_redirect_that_never_ends_is_given_up(serve: Serve) -> None:
    server = serve()
    server.refusals = [(302, {"Location": "/x/"})] * 50
    with Line(server.url, Login()) as line, pytest.raises(SourceError, match="place to place"):
        line.get(f"{server.url}/x/", accept="*/*", most=10)


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("ftp://a.example/", "no address"),
        ("a.example", "no address"),
        ("https://[::1", "no address"),
        ("https://a.example:x/", "no address"),
        ("https://us:hush@a.example/", "more than a host"),
        ("https://a.example/?key=hush", "more than a host"),
        ("http://a.example/", "plain HTTP"),
    ],
)
def test_addresses_that_may_not_be_used(url: str, says: str) -> None:
    with pytest.raises(MisuseError, match=says) as caught:
        Line(url, Login())
    assert "hush" not in str(caught.value)
    assert foreign_line.address("http://a.example", plain_http=True) == "http://a.example/"


def test_a_page_that_is_too_large_is_asked_for_in_parts(
    home: Home, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serve()
    docs = signs(45)
    server.put(*docs, at=START)
    monkeypatch.setattr("tearline.exchange.foreign._PAGE_BYTES", 4000)
    done = poll(home, add(home, server, page=40))
    assert done.problem is None
    assert held(home) == ids(docs)
    assert {each["limit"] for each in server.pages} == {"40", "5"}


def test_one_object_that_is_too_large_is_a_problem(
    home: Home, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serve()
    server.put(*signs(5), at=START)
    monkeypatch.setattr("tearline.exchange.foreign._PAGE_BYTES", 40)
    done = poll(home, add(home, server))
    assert "more than 40 bytes" in str(done.problem)


def test_a_server_that_is_too_slow_is_given_up(
    home: Home, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(foreign_line, "_WHOLE_S", -1.0)
    server = serve()
    server.put(*signs(5), at=START)
    assert "too slowly" in str(poll(home, add(home, server)).problem)


@pytest.mark.parametrize("body", [b"", b"[]", b"<html>", b'{"objects": 7}', b'{"next": 7}'])
def test_a_page_that_cannot_be_read_is_a_problem(home: Home, serve: Serve, body: bytes) -> None:
    server = serve(body=body)
    assert "cannot be read" in str(poll(home, add(home, server)).problem)


def _self_signed(folder: Path) -> dict[str, str]:
    """A key and a certificate that nobody vouches for."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    day = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(day)
        .not_valid_after(day + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    plain = serialization.NoEncryption()
    form = serialization.PrivateFormat.PKCS8
    (folder / "key.pem").write_bytes(key.private_bytes(pem, form, plain))
    (folder / "certificate.pem").write_bytes(made.public_bytes(pem))
    return {
        "ssl_keyfile": str(folder / "key.pem"),
        "ssl_certfile": str(folder / "certificate.pem"),
    }


def test_a_certificate_that_nobody_vouches_for_is_refused(home: Home, tmp_path: Path) -> None:
    with foreign(Foreign(), **_self_signed(tmp_path)) as server:
        assert server.url.startswith("https:")
        done = poll(home, add(home, server, Login("bearer", "", "key")))
    assert "could not be reached" in str(done.problem)
    assert server.asked == [], "nothing was sent, and no key"


# -------------------------------------------------------------------------------- adding and ending


def test_a_name_is_given_once_and_an_ended_source_reads_no_more(home: Home, serve: Serve) -> None:
    server = serve()
    reading = add(home, server, Login("bearer", "", "key"))
    with pytest.raises(MisuseError, match="already"):
        add(home, server)
    sources.end(home, "feed", now=START)
    with home.store.read() as tx:
        assert rows.sources(tx)[0].secret == ""
    for act in (lambda: poll(home, reading), lambda: sources.retry(home, "feed")):
        with pytest.raises(MisuseError, match="no source"):
            act()
    add(home, server)
    assert poll(home, reading).ended


def test_a_source_that_is_ended_while_it_is_read_stops(home: Home, serve: Serve) -> None:
    server = serve()
    server.put(*signs(30), at=START)
    reading = add(home, server)

    def stop(_count: int) -> None:
        sources.end(home, "feed", now=START)

    with pytest.raises(Exception, match="was ended"):
        poll(home, reading, progress=stop)
    assert len(held(home)) == 10
