"""Files brought by a browser: kept, imported in turn, told of, cancelled, and gone afterwards."""

import gzip
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from httpx2 import Response
from starlette.testclient import TestClient

from tearline import clock
from tearline.agreement.home import Home
from tearline.errors import RefusedError
from tearline.exchange import reading
from tearline.node.importing import Importing
from tearline.release import bringing
from tearline.release.arrive import NOTHING
from tearline.store import imports, objects, private
from tearline.store.objects import OURS
from tests.pair import DAY, Pair, make_pair, sdo
from tests.web.site import AT, site


def bundle(*docs: dict[str, Any]) -> bytes:
    return json.dumps({"type": "bundle", "id": f"bundle--{'0' * 8}", "objects": docs}).encode()


TOOLS = [sdo("tool", f"tool {number}") for number in range(6)]
GOOD = bundle(*TOOLS)


@pytest.fixture
def pair(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pair:
    made = make_pair(tmp_path)
    monkeypatch.setattr(clock, "now", lambda: made.now)
    return made


@pytest.fixture
def analyst(pair: Pair) -> Iterator[TestClient]:
    with site(pair.north, "analyst") as client:
        yield client


def send(client: TestClient, files: dict[str, bytes], **fields: str) -> Response:
    given = [("files", each) for each in files.items()]
    return client.post("/import", files=given, data=fields)


def done(client: TestClient, home: Home, at: str) -> dict[str, Any]:
    Importing(home)(clock.now())
    found: dict[str, Any] = client.get(f"{at}.json").json()
    return found


def held(home: Home) -> set[str]:
    with home.store.read() as tx:
        return {each.stix_id for each in objects.latest_all(tx, OURS)}


def left(home: Home) -> list[str]:
    """What lies in the folder for files that are to be imported."""
    return [each.name for each in (home.path / "imports").iterdir()]


def test_files_are_kept_then_imported_with_their_labels(pair: Pair, analyst: TestClient) -> None:
    files = {"first.json": GOOD, "second.json.gz": gzip.compress(bundle(TOOLS[0], TOOLS[1]))}
    at = send(analyst, files, mark="TLP:GREEN", grade="b2", source=" feed ").headers["location"]
    waits = analyst.get(f"{at}.json").json()
    assert (waits["state"], waits["names"], held(pair.north)) == ("waiting", list(files), set())
    found = done(analyst, pair.north, at)
    assert (found["state"], found["stored"], found["unchanged"], found["refused"]) == (
        "done",
        6,
        2,
        0,
    )
    shown = analyst.get(f"/objects/{TOOLS[0]['id']}.json").json()
    assert (shown["our_marking"], shown["our_grade"], shown["source"]) == (
        "TLP:GREEN",
        "B2",
        "feed",
    )
    assert left(pair.north) == []
    with pair.north.store.read() as tx:
        noted = [json.loads(line) for kind, line in private.pending(tx) if kind == "import"]
    assert [each["person"] for each in noted if each["kind"] == "import-brought"] == ["analyst"]


def test_without_a_source_the_file_gives_its_name(pair: Pair, analyst: TestClient) -> None:
    done(analyst, pair.north, send(analyst, {"../feed.json": GOOD}).headers["location"])
    assert analyst.get(f"/objects/{TOOLS[0]['id']}.json").json()["source"] == "feed"


def test_a_file_that_does_not_parse_stores_nothing_and_the_others_are_taken(
    pair: Pair, analyst: TestClient
) -> None:
    files = {"cut.json": GOOD[:-9], "good.json": GOOD, "part.json": bundle({"type": "tool"})}
    found = done(analyst, pair.north, send(analyst, files).headers["location"])
    assert (found["state"], found["stored"], found["refused"]) == ("done", 6, 2)
    assert [each["where"].split()[0] for each in found["refusals"]] == ["cut.json", "part.json"]
    assert str(pair.north.path) not in json.dumps(found)
    nothing = done(analyst, pair.north, send(analyst, {"cut.json": GOOD[:-9]}).headers["location"])
    assert (nothing["state"], nothing["stored"]) == ("failed", 0)


def test_a_file_that_unpacks_beyond_the_limit_is_refused(
    pair: Pair, analyst: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = pair.north.settings.model_copy(update={"max_document_bytes": 10_000})
    monkeypatch.setattr(pair.north, "settings", small)
    bomb = gzip.compress(b" " * 1_000_000)
    found = done(analyst, pair.north, send(analyst, {"b.gz": bomb}).headers["location"])
    assert (found["state"], "10000 bytes" in found["refusals"][0]["reason"]) == ("failed", True)


def test_too_much_is_refused_before_it_is_kept(
    pair: Pair, analyst: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = pair.north.settings.model_copy(update={"upload_bytes": 1_000})
    monkeypatch.setattr(pair.north, "settings", small)
    assert send(analyst, {"big.json": b"x" * 200_000}).status_code == 413
    assert left(pair.north) == []
    assert analyst.get("/import.json").json()["imports"] == []


@pytest.mark.parametrize("fields", [{"mark": "TLP:PINK"}, {"grade": "Z9"}, {"source": "\0"}])
def test_a_wrong_label_keeps_nothing(
    pair: Pair, analyst: TestClient, fields: dict[str, str]
) -> None:
    assert send(analyst, {"a.json": GOOD}, **fields).status_code == 400
    assert left(pair.north) == []


def test_no_file_another_page_or_another_role_keeps_nothing(
    pair: Pair, analyst: TestClient
) -> None:
    assert send(analyst, {"": b""}).status_code == 400
    elsewhere = {"Origin": "http://elsewhere.example"}
    files = {"files": ("a.json", GOOD)}
    assert analyst.post("/import", files=files, headers=elsewhere).status_code == 403
    assert analyst.post("/import", content=b"x").status_code == 400
    with site(pair.north, "reader") as reader:
        assert send(reader, {"a.json": GOOD}).status_code == 404
        assert reader.get("/import").status_code == 404
    with site(pair.north) as nobody:
        assert send(nobody, {"a.json": GOOD}).headers["location"] == "/sign-in"
    assert analyst.get("/import.json").json()["imports"] == []
    assert left(pair.north) == []


def test_what_waits_is_cancelled_at_once(pair: Pair, analyst: TestClient) -> None:
    at = send(analyst, {"a.json": GOOD}).headers["location"]
    assert analyst.post(f"{at}/cancel", headers={"Origin": AT}).headers["location"] == at
    assert done(analyst, pair.north, at)["state"] == "cancelled"
    assert (held(pair.north), left(pair.north)) == (set(), [])
    assert analyst.post(f"{at}/cancel").status_code == 400


def test_what_runs_ends_between_two_batches(
    pair: Pair, analyst: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "_BATCH", 2)
    at = send(analyst, {"a.json": GOOD, "b.json": GOOD}).headers["location"]
    step = bringing.step
    seen = []

    def cancelling(home: Home, job: imports.ImportJob, *, now: int) -> bool:
        seen.append((job.file, job.done, job.total))
        if job.done == 4:
            shown = analyst.get(f"{at}.json").json()
            assert (shown["state"], shown["done"], shown["total"]) == ("running", 2, 6)
            analyst.post(f"{at}/cancel")
            assert analyst.get(f"{at}.json").json()["stopping"]
        return step(home, job, now=now)

    monkeypatch.setattr(bringing, "step", cancelling)
    assert done(analyst, pair.north, at)["state"] == "cancelled"
    assert seen == [(0, 0, 0), (0, 2, 6), (0, 4, 6)]
    assert held(pair.north) == {each["id"] for each in TOOLS[:4]}
    assert left(pair.north) == []


def brought(home: Home, now: int) -> imports.ImportJob:
    file = home.path / "brought"
    file.write_bytes(GOOD)
    given = [bringing.Brought("a.json", len(GOOD), file)]
    return bringing.bring(home, given, NOTHING, source=None, person="ada", now=now)


def test_one_runs_at_a_time_and_who_is_silent_is_dead(pair: Pair) -> None:
    first, second = brought(pair.north, pair.tick()), brought(pair.north, pair.tick())
    taken = bringing.take(pair.north, "one", now=pair.now)
    assert taken is not None
    assert taken.id == first.id
    assert bringing.take(pair.north, "two", now=pair.now) is None
    later = pair.tick(bringing.DEAD_US)
    again = bringing.take(pair.north, "two", now=later)
    assert again is not None
    assert again.id == first.id
    assert not bringing.step(pair.north, taken, now=later), "it was taken over"
    assert bringing.step(pair.north, again, now=later)
    bringing.end(pair.north, again, "done", now=later)
    rest = bringing.take(pair.north, "two", now=later)
    assert rest is not None
    assert rest.id == second.id


def test_a_process_that_dies_half_way_leaves_whole_batches_and_the_next_goes_on(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "_BATCH", 2)
    job = brought(pair.north, pair.tick())
    step = bringing.step

    def dying(home: Home, job: imports.ImportJob, *, now: int) -> bool:
        if job.done:
            raise KeyboardInterrupt
        return step(home, job, now=now)

    with monkeypatch.context() as patch:
        patch.setattr(bringing, "step", dying)
        with pytest.raises(KeyboardInterrupt):
            Importing(pair.north)(pair.now)
    assert held(pair.north) == {each["id"] for each in TOOLS[:2]}
    Importing(pair.north)(pair.tick(bringing.DEAD_US))
    (found,) = bringing.all_jobs(pair.north)
    assert (found.id, found.state) == (job.id, "done")
    assert held(pair.north) == {each["id"] for each in TOOLS}


def test_only_so_many_wait(pair: Pair) -> None:
    for _ in range(bringing.MOST_WAITING):
        brought(pair.north, pair.tick())
    with pytest.raises(RefusedError, match="wait already"):
        brought(pair.north, pair.tick())
    assert len(left(pair.north)) == bringing.MOST_WAITING


def test_a_job_of_another_machine_is_left_to_it(pair: Pair) -> None:
    job = brought(pair.north, pair.tick())
    folder = pair.north.path / "imports" / job.id
    folder.rename(pair.north.path / "away")
    assert bringing.take(pair.north, "one", now=pair.now) is None


def test_what_a_dead_process_left_is_swept_after_a_day(pair: Pair) -> None:
    job = brought(pair.north, pair.tick())
    (pair.north.path / "imports" / "coming-x").mkdir()
    real = time.time_ns() // 1_000
    bringing.sweep(pair.north, now=real)
    assert sorted(left(pair.north)) == sorted([job.id, "coming-x"])
    bringing.sweep(pair.north, now=real + 2 * DAY)
    assert left(pair.north) == [job.id]
