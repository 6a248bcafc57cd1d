"""Reading ahead in a second process: the same as reading at once, and it ends with the first."""

import json
import os
import signal
import sys
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tearline.errors import TearlineError
from tearline.exchange import reading
from tearline.exchange.reading import batches, batches_ahead
from tearline.stix.bundle import DEFAULT

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads in turn elsewhere")

AT = "2026-01-02T03:04:05.000Z"


def told(number: int, name: object = "Gray Heron") -> bytes:
    said = {
        "type": "malware",
        "spec_version": "2.1",
        "id": f"malware--{uuid.UUID(int=number, version=4)}",
        "created": AT,
        "modified": AT,
        "name": name,
        "is_family": True,
    }
    return json.dumps(said).encode()


def old(number: int) -> bytes:
    """An object of STIX 2.0, with an observable inside that others hold too."""
    said = {
        "type": "observed-data",
        "id": f"observed-data--{uuid.UUID(int=number, version=4)}",
        "created": AT,
        "modified": AT,
        "first_observed": AT,
        "last_observed": AT,
        "number_observed": 1,
        "objects": {"0": {"type": "ipv4-addr", "value": f"192.0.2.{number % 7}"}},
    }
    return json.dumps(said).encode()


def document(count: int) -> list[bytes]:
    """Mostly sound objects; every eleventh is not, every seventh is of STIX 2.0."""
    return [
        old(number) if number % 7 == 0 else told(number, "Gray Heron" if number % 11 else 11)
        for number in range(count)
    ]


@pytest.fixture
def _readily(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "_can_fork", lambda: True)
    monkeypatch.setattr(reading, "_WORTH_IT", 1)
    monkeypatch.setattr(reading, "_AHEAD", 50)


@pytest.mark.usefixtures("_readily")
def test_a_second_process_reads_the_same() -> None:
    slices = document(777)
    noticed, ahead = Counter[str](), Counter[str]()
    at_once = [each for batch in batches(slices, DEFAULT, noticed) for each in batch]
    read = list(batches_ahead(slices, DEFAULT, ahead))
    assert len(read) > 1
    assert [each for batch in read for each in batch] == at_once
    assert ahead == noticed
    assert noticed["twice"] == 0
    assert any(noticed.values())


def children() -> set[int]:
    return {
        int(each) for each in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    }


def begun(slices: list[bytes]) -> tuple[Iterator[Any], int]:
    """A reading of which one batch came, and the process that does it."""
    before = children()
    read = batches_ahead(slices, DEFAULT, Counter())
    next(read)
    (reader,) = children() - before
    return read, reader


@pytest.mark.usefixtures("_readily")
def test_a_reader_that_is_ended_is_a_clear_error() -> None:
    read, reader = begun(document(20_000))
    os.kill(reader, signal.SIGKILL)
    with pytest.raises(TearlineError, match="Import it again"):
        for _ in read:
            pass


@pytest.mark.usefixtures("_readily")
def test_a_reader_ends_when_nobody_listens_any_more() -> None:
    read, reader = begun(document(20_000))
    read.close()  # type: ignore[attr-defined]  # a generator
    until = time.monotonic() + 20
    while reader in children() and Path(f"/proc/{reader}/stat").read_text().split()[2] != "Z":
        assert time.monotonic() < until
        time.sleep(0.01)
