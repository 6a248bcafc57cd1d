"""Two nodes by the command line alone, one of them served by `tearline serve`."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tearline import clock
from tearline.agreement.home import open_home
from tearline.release import inbound
from tests.cli.calls import (
    STAMP,
    Sides,
    actor,
    agree,
    bundle,
    good,
    make_sides,
    malware,
    tearline,
    uses,
)

HERON, LOCK = actor("Gray Heron"), malware("Tin Lock")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def _served(home: Path, port: int) -> Iterator[None]:
    command = [sys.executable, "-m", "tearline", "serve", "--port", str(port), "--home", str(home)]
    quiet = os.environ | {"TEARLINE_POLL_SECONDS": "0"}
    with subprocess.Popen(command, stderr=subprocess.PIPE, env=quiet) as node:
        try:
            _wait_for(f"http://127.0.0.1:{port}/health")
            yield
        finally:
            node.send_signal(signal.SIGINT)
            _, said = node.communicate(timeout=60)
    assert node.returncode in {0, 130}, said
    assert b"Traceback" not in said


def _wait_for(url: str) -> None:
    for _ in range(600):
        try:
            if httpx.get(url, trust_env=False).status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    pytest.fail(f"{url} does not answer")


@pytest.fixture(scope="module")
def sides(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sides]:
    """North is served and gives three objects; South has no running node."""
    port = _free_port()
    urls = {"north": f"http://127.0.0.1:{port}", "south": "http://127.0.0.1:9"}
    sides = make_sides(tmp_path_factory.mktemp("served"), urls)
    path = bundle(sides.folder / "held.json", HERON, LOCK, uses(HERON, LOCK))
    good("import", path, "--mark", "TLP:GREEN", "--grade", "B2", home=sides.north)
    agree(sides)
    with _served(sides.north, port):
        yield sides


def test_a_sync_a_recall_and_its_receipt(sides: Sides) -> None:
    first = good("sync", home=sides.south)
    assert first["ok"]
    assert first["parties"][0]["agreements"][0]["accepted"] == 3
    assert good("show", LOCK["id"], home=sides.south)["agreement"] == sides.agreement
    assert "0 objects came" in tearline("sync", "north-cert", home=sides.south).out
    assert good("status", home=sides.south)["agreements"][0]["last_sync"]

    why = "--reason", "A mistake"
    ordered = good("recall", LOCK["id"], "--to", "south-isac", *why, home=sides.north)
    assert {each["confirmed_at"] for each in ordered} == {None}
    after = good("sync", home=sides.south)["parties"][0]["agreements"][0]
    assert after["recalled"] == 2
    confirmed = good("recalls", "south-isac", home=sides.north)
    assert len(confirmed) == 2
    assert all(each["confirmed_at"] for each in confirmed)
    assert tearline("show", LOCK["id"], home=sides.south).code == 1

    again = tearline("recall", LOCK["id"], "--to", "south-isac", *why, home=sides.north)
    assert again.code == 1
    copied = sides.folder / "theirs"
    good("log", "copy", sides.agreement, copied, "--theirs", "--records", home=sides.south)
    assert good("log", "verify", copied, home=sides.south)["pinned"]


def test_a_partner_that_cannot_be_reached_is_said(sides: Sides) -> None:
    said = tearline("sync", "south-isac", "--json", home=sides.north)
    assert said.code == 1
    assert said.value["ok"] is False
    assert "could not be reached" in said.out


def test_nothing_waits_and_nothing_unknown_is_settled(sides: Sides) -> None:
    assert good("quarantine", "list", home=sides.south) == []
    for verb in ("accept", "refuse"):
        said = tearline("quarantine", verb, "sha256:", "--reason", "x", home=sides.south)
        assert said.code == 1
        assert "names nothing" in said.err


def test_recalls_of_nobody_and_syncs_with_nobody(strangers: Sides) -> None:
    assert good("recalls", home=strangers.north) == []
    assert good("sync", home=strangers.north) == {
        "ok": True,
        "parties": [],
        "sources": [],
    }
    assert tearline("sync", "nobody", home=strangers.north).code == 2
    who = "--to", "nobody", "--reason", "x"
    assert tearline("recall", LOCK["id"], *who, home=strangers.north).code == 1


@pytest.fixture
def waiting(agreed: Sides) -> str:
    """Something in South's quarantine; returns its hash."""
    home = open_home(agreed.south)
    raw = f'{{"type":"tool","spec_version":"2.1","id":"{LOCK["id"].replace("malware", "tool")}",'
    raw += f'"created":"{STAMP}","modified":"{STAMP}","name":"Pry Bar"}}'
    inbound.stage(home, agreed.agreement, [raw.encode()], next_="1", now=clock.now())
    inbound.settle(home, agreed.agreement, now=clock.now())
    found: str = good("quarantine", "list", home=agreed.south)[0]["hash"]
    return found


def test_a_person_settles_what_is_in_quarantine(agreed: Sides, waiting: str) -> None:
    said = tearline("quarantine", "list", home=agreed.south).out
    assert "slip-missing" in said
    assert tearline("quarantine", "accept", waiting, home=agreed.south).code == 2, "no reason"
    done = good("quarantine", "accept", waiting[7:15], "--reason", "Known", home=agreed.south)
    assert done["accepted"]
    assert good("quarantine", "list", home=agreed.south) == []


def test_a_person_refuses_what_is_in_quarantine(agreed: Sides, waiting: str) -> None:
    done = good("quarantine", "refuse", waiting, "--reason", "No", home=agreed.south)
    assert not done["accepted"]
    assert good("quarantine", "list", home=agreed.south) == []


def test_an_exit_says_what_is_open(agreed: Sides, tmp_path: Path) -> None:
    said = tearline("exit", "south-isac", "--json", home=agreed.north)
    assert (said.code, said.value["done"]) == (1, False)
    assert said.value["agreements"][0]["live"] == 3
    shown = tearline("exit", "south-isac", home=agreed.north).out
    assert "they can still read 3 objects" in shown
    assert "agreement terminate" in shown
    good("agreement", "terminate", agreed.agreement, "--reason", "done", home=agreed.north)
    left = tearline("exit", "south-isac", "--json", "--out", tmp_path / "r", home=agreed.north)
    assert (left.value["agreements"][0]["live"], left.value["files"]) == (0, [])
    assert tearline("exit", "nobody", home=agreed.north).code == 1


def test_what_ended_is_shown_and_certified(sides: Sides) -> None:
    """The last of this module: it ends the agreement."""
    good("sync", home=sides.south)
    (before,) = [e for e in good("received", home=sides.south) if e["object"] == HERON["id"]]
    assert (before["state"], before["until"], before["party"]) == ("accepted", None, "north-cert")
    assert tearline("received", "--expired", home=sides.south).out.endswith("Nothing expired.\n")
    good("agreement", "terminate", sides.agreement, "--reason", "done", home=sides.south)

    shown = tearline("show", HERON["id"], home=sides.south)
    assert (shown.code, "expired at" in shown.err) == (1, True)
    assert "expired at" in tearline("received", "north-cert", home=sides.south).out
    assert good("status", home=sides.south)["received"] == 0
    ended = tearline("exit", "north-cert", "--out", sides.folder / "s", home=sides.south)
    assert "done  our certificate that nothing is left" in ended.out
    good("sync", home=sides.south)
    left = sides.folder / "left"
    done = tearline("exit", "south-isac", "--json", "--out", left, home=sides.north)
    (agreement,) = done.value["agreements"]
    assert agreement["certificates"] == {"ours": False, "theirs": True, "lacking": []}
    (file,) = left.glob("*-theirs.certificate.json")
    card = sides.folder / "south.card"
    tearline("card", "--out", card, home=sides.south)
    proven = good("receipt", "verify", file, "--card", card)["record"]
    assert (proven["kind"], proven["objects"]) == ("certificate", 3)
    assert {each["state"] for each in good("recalls", home=sides.north)} == {"confirmed"}
