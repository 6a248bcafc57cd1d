import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from tearline.agreement import signing
from tearline.agreement.home import Home
from tearline.errors import PartnerError
from tearline.exchange import peer
from tearline.node.logs import log_as_json
from tearline.node.runner import LEASE_US, Carrying, Deciding, Job, backoff_s
from tearline.store import agreements, private
from tests.exchange.nodes import Nodes, give, make_nodes, signs

SECOND = 1_000_000
NOBODY = peer.Delivered(0, ())


@pytest.fixture
def nodes(tmp_path: Path) -> Iterator[Nodes]:
    made = make_nodes(tmp_path, "http://127.0.0.1:1", "http://127.0.0.1:1")
    yield made
    made.close()


def test_one_process_does_a_job_and_another_when_its_lease_ran_out(nodes: Nodes) -> None:
    done: list[str] = []
    first = Job(nodes.north, "carry", lambda _now: done.append("first"))
    second = Job(nodes.north, "carry", lambda _now: done.append("second"))
    now = nodes.tick()
    for after in (0, 1, 6, 12):  # the first renews as it goes
        assert first.step(now + after * SECOND)
        assert second.step(now + after * SECOND)
    assert done == ["first"] * 4
    late = now + 12 * SECOND + LEASE_US  # killed: nothing renews
    second.step(late - 1)
    second.step(late)
    first.step(late + 1)
    assert done == ["first"] * 4 + ["second"]


def test_a_job_that_fails_or_breaks_goes_on(
    nodes: Nodes, capsys: pytest.CaptureFixture[str]
) -> None:
    errors: list[Exception] = [PartnerError("They are away."), ZeroDivisionError("secret")]

    def act(_now: int) -> None:
        if errors:
            raise errors.pop(0)

    shown = logging.getLogger().handlers[:]
    log_as_json()
    job = Job(nodes.north, "carry", act)
    assert [job.step(nodes.tick()) for _ in range(3)] == [False, False, True]
    said = "".join(capsys.readouterr())
    structlog.reset_defaults()  # it wrote to what pytest captures
    logging.getLogger().handlers[:] = shown
    assert "ZeroDivisionError" in said
    assert "secret" not in said


def test_waiting_grows_and_has_an_end() -> None:
    waits = [backoff_s(failures) for failures in range(1, 2000)]
    assert waits[:4] == [2, 4, 8, 16]
    assert max(waits) == waits[-1] == 300


def test_private_records_become_leaves_at_fixed_moments_alone(nodes: Nodes) -> None:
    give(nodes, 1)
    nodes.agree(reach=2)
    deciding = Deciding(nodes.north)
    span = nodes.north.settings.private_seconds * SECOND
    turn = (nodes.tick() // span + 1) * span

    def pending() -> int:
        with nodes.north.store.read() as tx:
            return private.count(tx)

    for now in (turn, turn + 1, turn + span - 1):
        deciding(now)
        assert pending() > 0
    deciding(turn + span)
    assert pending() == 0


def test_what_is_dirty_is_decided(nodes: Nodes) -> None:
    nodes.agree(reach=2)
    deciding = Deciding(nodes.north)
    deciding(nodes.tick())
    assert nodes.delivered() == {}
    nodes.put(*signs(1))
    deciding(nodes.tick())
    assert len(nodes.delivered()) == 5


class Partner:
    """Stands in for the network: notes what was tried, and fails while it is told to."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.tried: list[tuple[str, int]] = []
        self.away = False
        monkeypatch.setattr(peer, "sync", self._sync)
        monkeypatch.setattr(peer, "deliver", self._deliver)

    def _deliver(self, home: Home, party: str, *, now: int) -> peer.Delivered:
        assert party == "south-isac"
        self._try("deliver", now)
        with home.store.write() as tx:
            waiting = [each.id for each in agreements.pending(tx, party)]
            agreements.set_delivered(tx, waiting, at=now)
        return NOBODY

    def _sync(self, home: Home, party: str, *, now: int) -> peer.SyncResult:
        assert home.slug == "north-cert"
        self._try("sync", now)
        return peer.SyncResult(party, NOBODY, ())

    def _try(self, what: str, now: int) -> None:
        self.tried.append((what, now // SECOND))
        if self.away:
            raise PartnerError("They are away.")


def test_partners_are_read_at_the_set_pace_and_messages_go_at_once(
    nodes: Nodes, monkeypatch: pytest.MonkeyPatch
) -> None:
    nodes.agree(reach=2)
    partner = Partner(monkeypatch)
    carrying = Carrying(nodes.north)
    begin = nodes.tick() // SECOND
    for second in range(125):
        if second == 30:
            signing.suspend(nodes.north, nodes.agreement_id, "a doubt", now=nodes.tick())
        carrying((begin + second) * SECOND)
    found = [(what, at - begin) for what, at in partner.tried]
    assert found == [("sync", 0), ("deliver", 30), ("sync", 60), ("sync", 120)]


def test_a_clock_that_is_set_back_holds_up_nothing(
    nodes: Nodes, monkeypatch: pytest.MonkeyPatch
) -> None:
    nodes.agree(reach=2)
    partner = Partner(monkeypatch)
    carrying = Carrying(nodes.north)
    begin = nodes.tick() // SECOND
    for at in (begin + 3600, begin, begin + 30, begin + 60):
        carrying(at * SECOND)
    assert partner.tried == [("sync", begin + 3600), ("sync", begin), ("sync", begin + 60)]


def test_who_is_away_is_tried_less_and_less_until_something_new_is_to_be_said(
    nodes: Nodes, monkeypatch: pytest.MonkeyPatch
) -> None:
    partner = Partner(monkeypatch)
    partner.away = True
    carrying = Carrying(nodes.north)
    nodes.propose()
    begin = nodes.tick() // SECOND
    for second in range(40):
        carrying((begin + second) * SECOND)
    assert [at - begin for _, at in partner.tried] == [0, 2, 6, 14, 30]
    signing.withdraw(nodes.north, nodes.agreement_id, now=nodes.tick())
    carrying((begin + 40) * SECOND)
    assert partner.tried[-1] == ("deliver", begin + 40)
    partner.away = False
    for second in range(41, 400):
        carrying((begin + second) * SECOND)
    with nodes.north.store.read() as tx:
        assert agreements.pending(tx) == []


def test_polling_can_be_switched_off(nodes: Nodes, monkeypatch: pytest.MonkeyPatch) -> None:
    nodes.agree(reach=2)
    partner = Partner(monkeypatch)
    quiet = Home(
        path=nodes.north.path,
        settings=nodes.north.settings.model_copy(update={"poll_seconds": 0}),
        store=nodes.north.store,
        card=nodes.north.card,
        keys=nodes.north.keys,
    )
    carrying = Carrying(quiet)
    for second in range(100):
        carrying(second * 10**9)
    assert partner.tried == []
