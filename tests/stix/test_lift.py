import gzip
import json
import os
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import stix2
from hypothesis import given

from tearline.errors import InputError
from tearline.stix import lift as lifting
from tearline.stix.check import Checker
from tearline.stix.lift import is_old, lift, notice_lines
from tearline.stix.marking import LEVEL_OF, RED, marking_of
from tearline.stix.objects import StixObject, read, references
from tearline.stix.observable import observable_id
from tearline.stix.sift import Refusal, sift_lifting
from tests.stix import old as made
from tests.stix.old import GREEN, LATER, OWN, STAMP, Doc, observed, old

ATTACK = Path(os.environ.get("TEARLINE_TEST_DATA", "")) / "attack" / "enterprise-attack.json.gz"


def lifted(doc: Doc) -> list[Doc]:
    return [json.loads(raw) for raw in lift(doc).raws]


def kinds(*objects: Doc) -> dict[str, Doc]:
    """What a lift makes of observables, by type."""
    inside = observed("x", {str(place): each for place, each in enumerate(objects)})
    assert made.problems(inside) == []
    return {each["type"]: each for each in lifted(inside)[1:]}


def sifted(*docs: Doc) -> tuple[list[StixObject], list[Refusal], Counter[str]]:
    notices: Counter[str] = Counter()
    slices = [json.dumps(each).encode() for each in docs]
    found = [each for _, each in sift_lifting(slices, notices)]
    sound = [each for each in found if isinstance(each, StixObject)]
    return sound, [each for each in found if isinstance(each, Refusal)], notices


# ------------------------------------------------------------------------------------ the rule


@given(made.domain_objects() | made.relations() | made.observed_data())
def test_what_is_sound_in_2_0_is_sound_in_2_1(doc: Doc) -> None:
    assert made.problems(doc) == []
    assert is_old(doc)
    done = lift(doc)
    for raw in done.raws:
        found = read(raw)
        assert Checker().problems(found.doc) == []
        assert not is_old(found.doc)
        stix2.parse(found.doc, allow_custom=True, version="2.1")


@given(made.domain_objects() | made.relations() | made.observed_data())
def test_the_same_object_gives_the_same_bytes(doc: Doc) -> None:
    turned = {k: _turned(v) for k, v in reversed(doc.items())}
    assert lift(doc) == lift(json.loads(json.dumps(doc)))
    assert lift(doc).raws[0] == lift(turned).raws[0]
    assert set(lift(doc).raws) == set(lift(turned).raws)


def _turned(value: object) -> object:
    """The same value with its members the other way round."""
    if isinstance(value, dict):
        return {k: _turned(v) for k, v in reversed(value.items())}
    return value


@given(made.domain_objects() | made.relations() | made.observed_data())
def test_ids_moments_and_markings_stay(doc: Doc) -> None:
    first, *inside = lift(doc).docs
    for name in ("type", "id", "created", "modified", "object_marking_refs"):
        assert first.get(name) == doc.get(name)
    marked = set(doc.get("object_marking_refs", ()))
    for each in inside:
        kept = set(each.get("object_marking_refs", ()))
        assert {ref for ref in marked if ref not in LEVEL_OF} <= kept
        levels = [LEVEL_OF[ref] for ref in marked if ref in LEVEL_OF]
        assert not levels or marking_of(each, silent={OWN}) >= max(levels)


@given(made.observed_data())
def test_every_reference_leads_to_an_observable_of_the_lift(doc: Doc) -> None:
    first, *inside = lift(doc).docs
    ids = {each["id"] for each in inside}
    assert first["object_refs"] == [each["id"] for each in inside]
    for each in inside:
        assert {target for _, target in references(each)} <= ids
        assert each["id"] == observable_id(each) or each["type"] in {"process", "x-made-up"}


# -------------------------------------------------------------------------------- what is 2.0


def test_what_says_2_1_or_is_only_in_2_1_is_left_alone() -> None:
    assert not is_old(old("malware", "x") | {"spec_version": "2.1"})
    assert is_old(old("malware", "x") | {"spec_version": "2.0"})
    assert not is_old(old("malware", "x") | {"is_family": True})
    assert not is_old(old("indicator", "x") | {"pattern_type": "stix"})
    assert not is_old(old("note", "x"))
    assert not is_old(old("tool", "x") | {"confidence": 3})
    assert not is_old({"type": "file", "id": "file--1", "name": "x"})
    assert not is_old({"type": "x-custom", "id": "x-custom--1", "created": STAMP})
    assert is_old(old("x-custom", "x"))
    assert not is_old({"type": []})
    assert not is_old({})


# ----------------------------------------------------------------------------- domain objects


def test_labels_that_say_a_type_are_parted_from_the_others() -> None:
    (found,) = lifted(old("malware", "Mud", labels=["ransomware", "malware", "heron-7"]))
    assert found["malware_types"] == ["ransomware"]
    assert found["labels"] == ["heron-7"]
    assert found["is_family"] is True
    assert "labels" not in lifted(old("tool", "Pry"))[0]
    assert lifted(old("identity", "Vet", labels=["hospital"]))[0]["roles"] == ["hospital"]
    assert lifted(old("campaign", "C", labels=["criminal"]))[0]["labels"] == ["criminal"]


def test_markings_of_labels_follow_them() -> None:
    selectors = ["labels.[0]", "labels.[1]", "labels.[2]", "labels", "name"]
    granular = [{"selectors": selectors, "marking_ref": GREEN}]
    labels = ["heron-7", "malware", "worm"]
    (found,) = lifted(old("malware", "Mud", labels=labels, granular_markings=granular))
    assert found["granular_markings"] == [
        {
            "selectors": ["labels.[0]", "malware_types.[0]", "malware_types", "labels", "name"],
            "marking_ref": GREEN,
        }
    ]
    only = [{"selectors": ["labels.[0]"], "marking_ref": GREEN}]
    (found,) = lifted(old("tool", "Pry", granular_markings=only))
    assert "granular_markings" not in found


def test_a_pattern_is_said_to_be_of_2_0_and_stays() -> None:
    doc = old("indicator", "x")
    (found,) = lifted(doc)
    assert (found["pattern_type"], found["pattern_version"]) == ("stix", "2.0")
    assert found["pattern"] == doc["pattern"]


@pytest.mark.parametrize("ref", [GREEN, made.RED])
def test_a_tlp_marking_is_the_one_of_the_standard(ref: str) -> None:
    colour = {GREEN: "green", made.RED: "red"}[ref]
    doc = {
        "type": "marking-definition",
        "id": ref,
        "created": "2017-01-20T00:00:00.000Z",
        "definition_type": "tlp",
        "definition": {"tlp": colour},
    }
    (found,) = lifted(doc)
    assert found == doc | {"spec_version": "2.1", "name": f"TLP:{colour.upper()}"}
    assert lifted(doc | {"definition": {"tlp": "white"}}) == [found]


def test_a_statement_is_lifted() -> None:
    doc = {
        "type": "marking-definition",
        "id": OWN,
        "created": STAMP,
        "definition_type": "statement",
        "definition": {"statement": "Ours"},
    }
    sound, refused, _ = sifted(doc)
    assert not refused
    assert sound[0].doc == doc | {"spec_version": "2.1"}


# ---------------------------------------------------------------------------------- observables


def test_properties_of_observables_have_their_new_names() -> None:
    found = kinds(
        {"type": "directory", "path": "/x", "created": STAMP, "accessed": LATER},
        {"type": "file", "name": "f", "parent_directory_ref": "0", "modified": STAMP},
        {"type": "process", "pid": 1, "binary_ref": "1", "created": STAMP, "name": "f"},
        {"type": "user-account", "user_id": "7", "password_last_changed": STAMP},
        {"type": "windows-registry-key", "key": "HKEY_USERS\\x", "modified": STAMP},
    )
    assert (found["directory"]["ctime"], found["directory"]["atime"]) == (STAMP, LATER)
    assert found["file"]["mtime"] == STAMP
    assert found["file"]["parent_directory_ref"] == found["directory"]["id"]
    assert found["process"]["image_ref"] == found["file"]["id"]
    assert found["process"]["created_time"] == STAMP
    assert not found["process"].keys() & {"name", "x_stix20_name", "binary_ref", "created"}
    assert found["user-account"]["credential_last_changed"] == STAMP
    assert found["windows-registry-key"]["modified_time"] == STAMP


def test_what_2_1_has_no_word_for_is_kept_aside() -> None:
    found = kinds(
        {"type": "file", "name": "image.bin"},
        {"type": "process", "pid": 1, "name": "shown", "binary_ref": "0", "arguments": ["-x"]},
        {"type": "process", "pid": 1, "name": "shown", "binary_ref": "0"},
    )
    assert found["process"]["x_stix20_name"] == "shown"
    (_, process, image) = lifted(
        observed("y", {"0": {"type": "process", "pid": 2, "name": "run", "arguments": ["-x"]}})
    )
    assert process["x_stix20_arguments"] == ["-x"]
    assert process["image_ref"] == image["id"]
    assert (image["type"], image["name"]) == ("file", "run")


def test_headers_hashes_and_empty_dictionaries() -> None:
    found = kinds(
        {"type": "ipv4-addr", "value": "192.0.2.1"},
        {
            "type": "network-traffic",
            "src_ref": "0",
            "protocols": ["tcp"],
            "extensions": {
                "http-request-ext": {
                    "request_method": "get",
                    "request_value": "/",
                    "request_header": {"Accept": "*/*"},
                },
                "socket-ext": {"address_family": "AF_INET", "protocol_family": "PF_INET"},
            },
        },
        {"type": "file", "hashes": {"ssdeep": "3:a:b"}, "extensions": {}},
    )
    extensions = found["network-traffic"]["extensions"]
    assert extensions["http-request-ext"]["request_header"] == {"Accept": ["*/*"]}
    assert extensions["socket-ext"] == {"address_family": "AF_INET"}
    assert found["network-traffic"]["x_stix20_protocol_family"] == "PF_INET"
    assert found["file"]["hashes"] == {"SSDEEP": "3:a:b"}
    assert "extensions" not in found["file"]


def test_an_observable_is_as_strictly_marked_as_what_held_it() -> None:
    objects: dict[str, Doc] = {
        "0": {"type": "domain-name", "value": "a.example"},
        "1": {"type": "domain-name", "value": "b.example"},
        "2": {"type": "process", "pid": 1, "name": "x"},
    }
    granular = [
        {"selectors": ["objects.0", "number_observed"], "marking_ref": made.RED},
        {"selectors": ["objects.1.value", "objects.2.name"], "marking_ref": made.RED},
    ]
    doc = observed("x", objects, object_marking_refs=[GREEN, OWN], granular_markings=granular)
    first, a, b, process, image = lifted(doc)
    assert first["object_marking_refs"] == [GREEN, OWN]
    assert first["granular_markings"] == [
        {"selectors": ["number_observed"], "marking_ref": made.RED}
    ]
    assert a["object_marking_refs"] == [OWN, made.RED]
    assert b["granular_markings"] == [{"selectors": ["value"], "marking_ref": made.RED}]
    # What stands elsewhere now marks all that it may stand in.
    for each in (process, image):
        assert each["object_marking_refs"] == [OWN, made.RED]
    for each in (a, b, process, image):
        assert marking_of(each, silent={OWN}) == RED


@pytest.mark.parametrize(
    ("objects", "says"),
    [
        ({}, "no observables"),
        ([], "no observables"),
        ({"0": 7}, "no type"),
        ({"0": {"value": "x"}}, "no type"),
        ({"0": {"type": "file", "name": "x", "parent_directory_ref": "9"}}, "not among"),
        ({"0": {"type": "process", "pid": 1, "binary_ref": "9"}}, "not among"),
        ({"0": {"type": "network-traffic", "src_ref": "0", "protocols": ["x"]}}, "circle"),
    ],
)
def test_what_cannot_be_lifted_is_refused_with_its_place(objects: object, says: str) -> None:
    with pytest.raises(InputError, match=says) as caught:
        lift(old("observed-data", "x", objects=objects))
    assert caught.value.place.startswith("objects")


@pytest.mark.parametrize(
    "more",
    [
        {"granular_markings": 7},
        {"granular_markings": [{"selectors": 7, "marking_ref": GREEN}]},
        {"granular_markings": [{"selectors": ["objects.9"], "marking_ref": GREEN}]},
        {"object_marking_refs": GREEN},
    ],
)
def test_markings_that_cannot_be_followed_are_refused(more: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        lift(observed("x", {"0": {"type": "mutex", "name": "m"}}, **more))


def test_a_long_chain_of_directories_is_refused_and_not_followed() -> None:
    objects: dict[str, Doc] = {
        str(place): {"type": "file", "name": "x", "parent_directory_ref": str(place + 1)}
        for place in range(5000)
    }
    objects["5000"] = {"type": "directory", "path": "/"}
    with pytest.raises(InputError, match="circle"):
        lift(observed("x", objects))


# -------------------------------------------------------------------------------- in a document


def test_a_document_may_hold_both_versions() -> None:
    new = lifted(old("tool", "new"))[0]
    sound, refused, notices = sifted(new, old("malware", "Mud", labels=["worm"]), old("note", "n"))
    assert [each.type for each in sound] == ["tool", "malware"]
    assert json.loads(sound[0].raw) == new
    assert [(each.place, each.reason.count("spec_version")) for each in refused] == [
        ("objects[2]", 1)
    ]
    assert notices == {"lifted": 1, "types": 1, "family": 1}
    assert notice_lines(notices)[0].startswith("1 times: STIX 2.0")


def test_an_observable_of_many_sightings_comes_once() -> None:
    same = {"type": "ipv4-addr", "value": "192.0.2.1"}
    other = same | {"x_seen_as": "other"}
    sound, refused, notices = sifted(
        *(observed(n, {"0": o}) for n, o in [("a", same), ("b", same), ("c", other)])
    )
    assert not refused
    assert Counter(each.type for each in sound) == {"observed-data": 3, "ipv4-addr": 1}
    assert notices["twice"] == 1


def test_an_observable_that_is_unsound_in_2_1_refuses_what_held_it() -> None:
    sound, refused, notices = sifted(
        observed(
            "x", {"0": {"type": "mutex", "name": "m"}, "1": {"type": "process", "created": STAMP}}
        )
    )
    assert not sound
    assert "lifted to 2.1" in refused[0].reason
    assert refused[0].id == made.old_id("observed-data", "x")
    assert not notices


def test_every_notice_has_a_sentence() -> None:
    assert all(line and not line.endswith(".") for line in lifting.NOTICES.values())


@pytest.mark.skipif(not ATTACK.is_file(), reason="ATT&CK is not here; set TEARLINE_TEST_DATA")
def test_att_and_ck_set_back_to_2_0_is_lifted_to_what_it_was() -> None:
    for new in json.loads(gzip.decompress(ATTACK.read_bytes()))["objects"]:
        doc = {k: v for k, v in new.items() if k not in {"spec_version", "is_family"}}
        if doc["type"] in {"malware", "tool"}:
            doc["labels"] = [doc["type"]]
        assert lift(doc).docs == (new,)
