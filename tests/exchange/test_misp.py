import copy
import gzip
import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any, NoReturn

import pytest

from tearline.errors import InputError
from tearline.exchange.misp import is_misp, misp_objects, read_misp
from tearline.stix.check import Checker
from tearline.stix.marking import AMBER, CONTRADICTORY, RED, UNMARKED, level_name, marking_of
from tearline.stix.objects import read, references

FIXTURE = Path(__file__).parent / "invented_event.json"
EVENTS = Path(os.environ.get("TEARLINE_TEST_DATA", "nowhere"), "misp", "eset-events")
RED_ATTRIBUTE = "9e5f1072-4196-4da2-8e88-5a6b7c8d9eaf"


@pytest.fixture
def event() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(FIXTURE.read_text("utf-8"))
    return document


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> NoReturn:
        raise AssertionError("the conversion reached for the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


def _docs(document: dict[str, Any]) -> list[dict[str, Any]]:
    return [json.loads(raw) for raw in misp_objects(document)]


def _of_type(docs: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [doc for doc in docs if doc["type"] == kind]


def test_an_event_becomes_a_report_of_its_objects(event: dict[str, Any]) -> None:
    docs = _docs(event)
    (report,) = _of_type(docs, "report")
    assert report["name"] == event["Event"]["info"]
    assert report["id"] == f"report--{event['Event']['uuid']}"
    assert len(_of_type(docs, "indicator")) == 3
    assert {doc["name"] for doc in _of_type(docs, "malware")} == {"Tin Lock"}
    held = {doc["id"] for doc in docs}
    assert all(target in held for doc in docs for _, target in references(doc))


def test_an_unpublished_event_becomes_a_grouping(event: dict[str, Any]) -> None:
    event["Event"] |= {"published": False, "publish_timestamp": "0"}
    assert [doc["name"] for doc in _of_type(_docs(event), "grouping")] == [event["Event"]["info"]]


def test_every_object_passes_the_schemas(event: dict[str, Any]) -> None:
    for raw in misp_objects(event):
        assert Checker().problems(read(raw).doc) == []


def test_every_object_inherits_the_marking_of_the_event(event: dict[str, Any]) -> None:
    levels = {doc["id"]: marking_of(doc) for doc in _docs(event)}
    plain = {id_: level for id_, level in levels.items() if level != RED}
    assert set(plain.values()) == {AMBER}
    assert len(plain) > 8


def test_what_hangs_on_a_stricter_attribute_is_as_strict(event: dict[str, Any]) -> None:
    docs = _docs(event)
    red = {doc["type"] for doc in docs if marking_of(doc) == RED}
    assert {"file", "indicator", "observed-data", "relationship", "sighting"} <= red
    (file,) = _of_type(docs, "file")
    assert file["id"].endswith(RED_ATTRIBUTE)
    assert not {"identity", "malware", "report"} & red


def test_an_attribute_stays_red_when_the_event_is_unmarked(event: dict[str, Any]) -> None:
    event["Event"]["Tag"] = []
    levels = {doc["type"]: marking_of(doc) for doc in _docs(event)}
    assert levels["file"] == RED
    assert levels["report"] == levels["malware"] == UNMARKED


def test_markings_that_contradict_each_other_are_inherited_as_such(event: dict[str, Any]) -> None:
    event["Event"]["Tag"].append({"name": "tlp:green"})
    (malware,) = _of_type(_docs(event), "malware")
    assert marking_of(malware) == CONTRADICTORY


@pytest.mark.parametrize(
    ("tag", "level"),
    [
        ("TLP:AMBER", "TLP:AMBER"),
        ("tlp:white", "TLP:CLEAR"),
        ("TLP:Clear", "TLP:CLEAR"),
        ("tlp:green", "TLP:GREEN"),
        (" tlp:amber+strict", "TLP:AMBER+STRICT"),
        ("tlp:ex:chr", "TLP:RED"),
        ("tlp:purple", "TLP:RED"),
    ],
)
def test_tlp_tags_are_read_however_they_are_spelled(
    event: dict[str, Any], tag: str, level: str
) -> None:
    event["Event"]["Tag"] = [{"name": tag}]
    (malware,) = _of_type(_docs(event), "malware")
    assert level_name(marking_of(malware)) == level


def test_a_tag_that_is_no_level_is_remarked_on(event: dict[str, Any]) -> None:
    event["Event"]["Tag"] = [{"name": "tlp:purple"}]
    assert any("'tlp:purple'" in text for text in read_misp(event).remarks)


@pytest.mark.parametrize("tags", ["TLP:RED", ["tlp:red"], {"name": "tlp:red"}])
def test_a_careless_tag_still_binds(event: dict[str, Any], tags: object) -> None:
    event["Event"]["Tag"] = tags
    (malware,) = _of_type(_docs(event), "malware")
    assert marking_of(malware) == RED


def test_registry_hives_are_spelled_out(event: dict[str, Any]) -> None:
    (key,) = _of_type(_docs(event), "windows-registry-key")
    assert key["key"] == "HKEY_LOCAL_MACHINE\\Software\\TinLock"


def _bare(document: dict[str, Any]) -> dict[str, Any]:
    """The same without the ids and moments that a careless export leaves out."""

    def strip(value: Any, depth: int = 0) -> Any:  # noqa: ANN401 - any JSON
        if isinstance(value, list):
            return [strip(item, depth) for item in value]
        if not isinstance(value, dict):
            return value
        drop = {"timestamp", "publish_timestamp", "date_sighting"}
        drop |= {"uuid"} if "type" in value or "Attribute" in value else set()
        return {key: strip(item) for key, item in value.items() if key not in drop}

    stripped: dict[str, Any] = strip(document)
    stripped["Event"]["EventReport"] = [{"name": "Notes", "content": "what was seen"}]
    stripped["Event"]["Note"] = [{"note": "weighed", "note_type": "0"}]
    return stripped


@pytest.mark.parametrize("bare", [False, True])
def test_the_same_file_gives_the_same_bytes_in_another_process(
    event: dict[str, Any], tmp_path: Path, *, bare: bool
) -> None:
    document = _bare(event) if bare else event
    here = misp_objects(copy.deepcopy(document))
    path = tmp_path / "event.json"
    path.write_text(json.dumps(document), "utf-8")
    program = (
        "import json,sys;from tearline.exchange.misp import misp_objects;"
        "sys.stdout.buffer.write(b'\\n'.join(misp_objects(json.load(open(sys.argv[1])))))"
    )
    run = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program, str(path)], capture_output=True, check=True
    )
    assert run.stdout.split(b"\n") == here
    assert len(here) > 10
    assert all(doc.get("created", "2024").startswith("2024") for doc in map(json.loads, here))


def test_the_document_is_left_as_it_was(event: dict[str, Any]) -> None:
    before = copy.deepcopy(event)
    read_misp(event)
    assert event == before


@pytest.mark.parametrize(
    "damage",
    [
        {"Attribute": "none"},
        {"Attribute": ["none", 4, None, [], {}]},
        {"Attribute": [{"type": "sha256", "value": {"deep": 1}, "category": "Payload delivery"}]},
        {"Object": [{"name": "../../etc/passwd", "Attribute": []}]},
        {"Object": [{"name": 7}]},
        {"Tag": [4, {"name": 4}, {}]},
        {"Tag": "tlp:red"},
        {"timestamp": "yesterday"},
        {"timestamp": "9" * 40},
        {"date": "never", "timestamp": None},
        {"uuid": "not a uuid"},
        {"uuid": 5},
        {"info": None},
        {"Orgc": "nobody"},
        {"Orgc": {"uuid": "x", "name": 5}},
        {"Galaxy": [{"type": "ransomware"}]},
    ],
    ids=lambda damage: json.dumps(damage)[:50],
)
def test_no_event_makes_the_conversion_fail(event: dict[str, Any], damage: dict[str, Any]) -> None:
    event["Event"] |= damage
    converted = read_misp(event)
    assert converted.objects or converted.lost
    assert all(len(sentence) < 500 for sentence in converted.lost)
    assert not any("Traceback" in each or ".py" in each for each in converted.lost)
    assert read_misp(event) == converted


def test_one_bad_attribute_does_not_lose_the_others(event: dict[str, Any]) -> None:
    uuid = "e3a465c7-96eb-42f7-93dd-afb0c1d2e3f4"
    bad = {"uuid": uuid, "type": "sha256", "value": None}
    event["Event"]["Attribute"].append(bad)
    converted = read_misp(event)
    assert len(_of_type(_docs(event), "indicator")) == 3
    assert any(uuid in sentence for sentence in converted.lost)


@pytest.mark.parametrize("galaxy", ["x", [4], [{"type": "ransomware", "GalaxyCluster": [{}]}]])
def test_one_bad_part_does_not_lose_the_event(event: dict[str, Any], galaxy: object) -> None:
    event["Event"]["Galaxy"] = galaxy
    converted = read_misp(event)
    assert len(_of_type(_docs(event), "indicator")) == 3
    assert any("'Galaxy'" in sentence for sentence in converted.lost)


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({"Event": {"info": "x"}}, True),
        ({"response": [{"Event": {"info": "x"}}]}, True),
        ([{"Event": {"info": "x"}}], True),
        ({"info": "x", "Attribute": []}, True),
        ({"type": "bundle", "objects": []}, False),
        ({"type": "report", "info": "x", "Object": []}, False),
        ({"Event": []}, False),
        ({"response": []}, False),
        ([], False),
        ("Event", False),
        (None, False),
    ],
)
def test_events_are_recognised(document: object, *, expected: bool) -> None:
    assert is_misp(document) is expected


def test_a_document_without_an_event_is_refused() -> None:
    with pytest.raises(InputError, match="no MISP event"):
        read_misp({"type": "bundle"})


def test_an_export_holds_several_events(event: dict[str, Any]) -> None:
    second = copy.deepcopy(event)
    second["Event"]["uuid"] = "f4b576d8-a7fc-43a8-a4ee-b0c1d2e3f405"
    second["Event"]["Tag"] = []
    docs = _docs({"response": [event, second]})
    assert {marking_of(doc) for doc in _of_type(docs, "report")} == {AMBER, UNMARKED}


@pytest.mark.skipif(not EVENTS.is_dir(), reason="no MISP events here; set TEARLINE_TEST_DATA")
def test_real_events_convert_and_pass_the_schemas() -> None:
    paths = sorted(EVENTS.glob("*.json.gz"))
    assert len(paths) == 26
    problems = []
    total = 0
    for path in paths:
        converted = read_misp(json.loads(gzip.decompress(path.read_bytes())))
        assert converted.lost == ()
        total += len(converted.objects)
        problems += [p for raw in converted.objects if (p := Checker().problems(read(raw).doc))]
    assert total > 5000
    # One registry key names two hives at once, which STIX has no form for.
    assert len(problems) == 1
