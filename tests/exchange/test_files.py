import gzip
import io
import json
import os
import sys
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from tearline.agreement.home import Home, create_home
from tearline.errors import InputError, MisuseError
from tearline.exchange import keeping, reading
from tearline.exchange.files import import_files, import_galaxies, read_document
from tearline.release.arrive import take_in
from tearline.stix.bundle import Limits
from tearline.stix.marking import AMBER, GREEN, RED
from tearline.store.database import Tx
from tests.stix.old import observed, old

NOW = 1_767_225_600_000_000
EVENTS = Path(os.environ.get("TEARLINE_TEST_DATA", "nowhere"), "misp", "eset-events")
FIXTURE = Path(__file__).parent / "invented_event.json"
SMALL = Limits(max_bytes=1 << 20)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return create_home(tmp_path / "home", "Northgate CERT", None, now=NOW)


def _uuid(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012}"


def _malware(number: int, **more: object) -> dict[str, Any]:
    return {
        "type": "malware",
        "spec_version": "2.1",
        "id": f"malware--{_uuid(number)}",
        "created": "2025-01-01T00:00:00.000Z",
        "modified": "2025-01-01T00:00:00.000Z",
        "name": f"Tin Lock {number}",
        "is_family": True,
        **more,
    }


def _bundle(*objects: dict[str, Any]) -> bytes:
    return json.dumps(
        {"type": "bundle", "id": f"bundle--{_uuid(0)}", "objects": list(objects)}
    ).encode()


def _write(tmp_path: Path, data: bytes, name: str = "file.json") -> Path:
    path = tmp_path / name
    path.write_bytes(data)
    return path


def test_plain_and_packed_files_read_the_same(tmp_path: Path) -> None:
    data = _bundle(_malware(1))
    assert read_document(_write(tmp_path, data)) == data
    assert read_document(_write(tmp_path, gzip.compress(data), "misleading.json")) == data
    two = gzip.compress(data[:40]) + gzip.compress(data[40:])
    assert read_document(_write(tmp_path, two, "two.gz")) == data


@pytest.mark.parametrize("path", [None, Path("-")])
@pytest.mark.parametrize("packed", [False, True])
def test_standard_input_is_read(
    monkeypatch: pytest.MonkeyPatch, path: Path | None, *, packed: bool
) -> None:
    data = gzip.compress(b"{}") if packed else b"{}"
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
    assert read_document(path) == b"{}"


@pytest.mark.parametrize("cut", [3, 12, -9, -4, -1])
def test_a_cut_off_gzip_file_is_refused(tmp_path: Path, cut: int) -> None:
    packed = gzip.compress(_bundle(_malware(1)))[:cut]
    with pytest.raises(InputError, match=r"file\.gz: The gzip file is cut off"):
        read_document(_write(tmp_path, packed, "file.gz"))


def test_a_damaged_gzip_file_is_refused(tmp_path: Path) -> None:
    packed = bytearray(gzip.compress(_bundle(_malware(1))))
    packed[-6] ^= 0xFF
    with pytest.raises(InputError, match="damaged"):
        read_document(_write(tmp_path, bytes(packed), "file.gz"))
    with pytest.raises(InputError, match="damaged"):
        read_document(_write(tmp_path, gzip.compress(b"{}") + b"tail", "tail.gz"))


@pytest.mark.parametrize("packed", [False, True])
def test_a_huge_line_is_refused_before_it_is_held(tmp_path: Path, *, packed: bool) -> None:
    path = tmp_path / "huge.json"
    line = b'{"a":"' + b"x" * (64 << 20)
    path.write_bytes(gzip.compress(line) if packed else line)
    del line
    tracemalloc.start()
    try:
        with pytest.raises(InputError, match="more than 1048576 bytes"):
            read_document(path, SMALL)
        assert tracemalloc.get_traced_memory()[1] < 12 << 20
    finally:
        tracemalloc.stop()


def test_an_endless_stream_ends_at_the_limit() -> None:
    with pytest.raises(InputError, match="more than"):
        read_document(Path("/dev/zero"), SMALL)


def test_what_is_no_readable_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(MisuseError, match=r"no file .*nowhere\.json"):
        read_document(tmp_path / "nowhere.json")
    with pytest.raises(MisuseError, match="not a file"):
        read_document(tmp_path)
    with pytest.raises(MisuseError, match="not a file"):
        read_document(_write(tmp_path, b"{}") / "below.json")


def test_a_file_without_permission_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(InputError, match=r"secret\.json: .*may not be read"):
        read_document(tmp_path / "secret.json")


def test_importing_twice_stores_nothing_and_refuses_nothing(home: Home, tmp_path: Path) -> None:
    path = _write(tmp_path, _bundle(*(_malware(n) for n in range(20))))
    first = import_files(home, [path], now=NOW)
    assert (first.stored, first.unchanged, first.refused) == (20, 0, ())
    second = import_files(home, [path, path], now=NOW + 1)
    assert (second.stored, second.unchanged, second.refused) == (0, 40, ())


BAD = {
    "duplicate member": '{"type":"malware","type":"tool"}',
    "beyond 2^53": json.dumps(_malware(91, x_n=2**53 + 1)),
    "nested too deeply": json.dumps(_malware(92)).replace("true", "[" * 65 + "]" * 65),
    "not an object": "[1]",
    "number": "5",
    "wrong type": json.dumps(_malware(93, name=5)),
    "wrong id": json.dumps(_malware(94, id="malware--5")),
    "no type": "{}",
    "missing property": json.dumps({k: v for k, v in _malware(96).items() if k != "is_family"}),
}


@pytest.mark.parametrize("text", BAD.values(), ids=BAD.keys())
def test_a_bad_object_is_listed_with_its_place_and_hinders_no_other(
    home: Home, tmp_path: Path, text: str
) -> None:
    sound = [json.dumps(_malware(number)) for number in range(18)]
    listed = ",".join([*sound[:17], text, sound[17]])
    path = _write(tmp_path, f'{{"type":"bundle","objects":[{listed}]}}'.encode())
    result = import_files(home, [path], now=NOW)
    assert result.stored == 18
    (refused,) = result.refused
    assert refused.where == "file.json objects[17]"
    assert refused.reason
    assert import_files(home, [path], now=NOW).stored == 0


WHOLE = {
    "empty": b"",
    "malformed": b'{"type":"bundle","objects":[',
    "cut off": _bundle(_malware(1))[:-1],
    "more follows": _bundle(_malware(1)) + b"{}",
    "not UTF-8": _bundle(_malware(1)).replace(b"Tin", b"\xff\xfe\xff"),
    "UTF-16": _bundle(_malware(1)).decode().encode("utf-16"),
    "duplicate objects": b'{"type":"bundle","objects":[],"objects":[]}',
    "NaN": b'{"type":"bundle","objects":NaN}',
    "NaN in an object": _bundle(_malware(1)).replace(b"true", b"NaN"),
    "half a character": _bundle(_malware(1, name="\ud800")),
    "deep": b'{"type":"bundle","objects":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "deep list": b"[" * 100_000 + b"]" * 100_000,
    "deep event": b'{"Event":' + b'{"a":' * 100 + b"1" + b"}" * 101,
    "event with a member twice": b'{"Event":{"info":"a","info":"b","Attribute":[]}}',
    "event with NaN": b'{"Event":{"info":NaN,"Attribute":[]}}',
    "event with a large number": b'{"Event":{"info":"a","id":9007199254740993,"Attribute":[]}}',
    "objects no list": b'{"type":"bundle","objects":{"a":1}}',
    "a list of objects": json.dumps([_malware(1)]).encode(),
    "no type": b'{"objects":[]}',
    "a number": b"5",
    "a text": b'"bundle"',
    "null": b"null",
}


@pytest.mark.parametrize("document", WHOLE.values(), ids=WHOLE.keys())
def test_a_document_that_does_not_parse_stores_nothing(
    home: Home, tmp_path: Path, document: bytes
) -> None:
    good = _write(tmp_path, _bundle(_malware(7)), "good.json")
    with pytest.raises(InputError, match=r"bad\.json"):
        import_files(home, [good, _write(tmp_path, document, "bad.json")], now=NOW)
    again = import_files(home, [good], now=NOW)
    assert (again.stored, again.unchanged) == (0, 1)


def test_a_single_object_is_a_document(home: Home, tmp_path: Path) -> None:
    path = _write(tmp_path, json.dumps(_malware(1)).encode())
    assert import_files(home, [path], now=NOW).stored == 1


def test_the_same_version_with_other_content_is_refused_where_it_stands(
    home: Home, tmp_path: Path
) -> None:
    path = _write(tmp_path, _bundle(_malware(1), _malware(2), _malware(1, name="Other")))
    result = import_files(home, [path], now=NOW)
    assert result.stored == 2
    assert [each.where for each in result.refused] == ["file.json objects[2]"]


def test_progress_is_told_and_batches_hold_the_order(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "_BATCH", 4)
    objects = [_malware(number) for number in range(10)]
    objects[9]["name"] = 5
    told: list[tuple[int, int]] = []
    result = import_files(
        home,
        [_write(tmp_path, _bundle(*objects))],
        progress=lambda done, total: told.append((done, total)),
        now=NOW,
    )
    assert told == [(4, 10), (8, 10), (10, 10)]
    assert result.stored == 9
    assert result.refused[0].where == "file.json objects[9]"


@pytest.fixture
def arrivals(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What is handed to the door, and how."""
    seen: list[dict[str, Any]] = []
    real = take_in

    def spy(tx: Tx, arriving: Any, **how: Any) -> Any:  # noqa: ANN401 - passes everything on
        seen.append({"count": len(arriving), **how})
        return real(tx, arriving, **how)

    monkeypatch.setattr(keeping, "take_in", spy)
    return seen


def test_sources_are_named_after_files(
    home: Home, tmp_path: Path, arrivals: list[dict[str, Any]]
) -> None:
    packed = _write(tmp_path, gzip.compress(_bundle(_malware(1))), "feed.json.gz")
    import_files(home, [packed], mark=AMBER, grade=22, now=NOW)
    import_files(home, [packed], source="a partner", now=NOW)
    assert [seen["source"] for seen in arrivals] == ["feed", "a partner"]
    assert arrivals[0]["annotation"] == (AMBER, 22)
    assert arrivals[1]["annotation"] == (None, None)


def test_a_bundle_of_stix_2_0_is_lifted_with_remarks(home: Home, tmp_path: Path) -> None:
    inside = {"0": {"type": "ipv4-addr", "value": "192.0.2.1"}}
    docs = [
        old("malware", "Mud", labels=["ransomware"]),
        observed("a", inside),
        observed("b", inside),
        observed("c", {}),
    ]
    path = _write(tmp_path, _bundle(*docs).replace(b'"bundle"', b'"bundle","spec_version":"2.0"'))
    result = import_files(home, [path], now=NOW)
    assert result.stored == 4, "one observable, though two held it"
    assert [(each.where, each.id) for each in result.refused] == [
        ("file.json objects[3]", docs[3]["id"])
    ]
    assert result.remarks[0].startswith("file.json: 3 times: STIX 2.0, lifted")
    assert any("is_family" in each for each in result.remarks)
    again = import_files(home, [path], now=NOW + 1)
    assert (again.stored, again.unchanged) == (0, 4)


def test_an_event_is_imported_once(home: Home) -> None:
    first = import_files(home, [FIXTURE], mark=GREEN, now=NOW)
    assert first.stored > 10
    assert first.refused == ()
    second = import_files(home, [FIXTURE], mark=GREEN, now=NOW + 1)
    assert (second.stored, second.unchanged, second.refused) == (0, first.stored, ())


def test_what_an_event_loses_is_listed(home: Home, tmp_path: Path) -> None:
    document = json.loads(FIXTURE.read_text("utf-8"))
    document["Event"]["Galaxy"] = "broken"
    document["Event"]["Tag"] = [{"name": "tlp:purple"}]
    result = import_files(home, [_write(tmp_path, json.dumps(document).encode())], now=NOW)
    assert [each.where for each in result.refused] == ["file.json"]
    assert any("tlp:purple" in remark for remark in result.remarks)


def test_galaxies_are_imported_once(home: Home, arrivals: list[dict[str, Any]]) -> None:
    first = import_galaxies(home, ["exploit-kit", "botnet"], mark=RED, now=NOW)
    assert first.stored > 150
    assert first.refused == ()
    assert arrivals[0]["source"] == "galaxy/botnet+exploit-kit"
    second = import_galaxies(home, ["botnet", "exploit-kit"], mark=RED, now=NOW + 1)
    assert (second.stored, second.unchanged, second.refused) == (0, first.stored, ())


def test_an_unknown_galaxy_stores_nothing(home: Home, arrivals: list[dict[str, Any]]) -> None:
    with pytest.raises(MisuseError, match="botnet"):
        import_galaxies(home, ["botnet", "botnets"], now=NOW)
    assert arrivals == []


@pytest.mark.skipif(not EVENTS.is_dir(), reason="no MISP events here; set TEARLINE_TEST_DATA")
def test_real_events_are_imported_once(home: Home) -> None:
    paths = sorted(EVENTS.glob("*.json.gz"))
    first = import_files(home, paths, now=NOW)
    assert first.stored > 5000
    second = import_files(home, paths, now=NOW + 1)
    assert second.stored == 0
    assert second.refused == first.refused
