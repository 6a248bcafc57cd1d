import uuid
from pathlib import Path

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from stix2validator import ValidationOptions, validate_instance

from tearline.release import cut
from tearline.stix.check import Checker
from tearline.stix.objects import references
from tests.pair import make_pair, rel, sdo, stix_id

maker = sdo("identity", "Harbour Lab")
heron = sdo("intrusion-set", "Gray Heron", created_by_ref=maker["id"], description="says much")
loader = sdo("malware", "Mud Loader", created_by_ref=maker["id"], x_source_desk="12")
use = rel(heron, "uses", loader, created_by_ref=maker["id"])
domain = {
    "type": "domain-name",
    "spec_version": "2.1",
    "id": stix_id("domain-name", "d"),
    "value": "d.example",
    "x_source_desk": "12",
}
GREEN = "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb"


def everything_goes(target: str) -> str | None:
    return target


def nothing_goes(_target: str) -> str | None:
    return None


def test_what_needs_no_cut_is_not_cut() -> None:
    assert cut.cut(heron, (), everything_goes) is None
    assert cut.cut(heron, ("x_source_*",), everything_goes) is None


def test_fields_are_removed_by_name_and_by_beginning() -> None:
    short = cut.cut(loader, ("x_source_*",), everything_goes)
    assert short is not None
    assert "x_source_desk" not in short
    assert cut.cut(heron, ("description",), everything_goes) == {
        name: value for name, value in heron.items() if name != "description"
    }


def test_what_an_object_is_cannot_be_removed() -> None:
    short = cut.cut(heron, ("*",), everything_goes)
    assert short is not None
    assert short.keys() == cut.KEPT & heron.keys()


def test_references_to_what_stays_are_removed_and_others_rewritten() -> None:
    renamed = {maker["id"]: None, heron["id"]: "intrusion-set--x"}

    def deliver(target: str) -> str | None:
        return renamed.get(target, target)

    short = cut.cut(use, (), deliver)
    assert short is not None
    assert "created_by_ref" not in short
    assert short["source_ref"] == "intrusion-set--x"
    assert short["target_ref"] == loader["id"]


def test_a_report_is_cut_down_and_its_selectors_follow() -> None:
    marks = [
        {"selectors": ["object_refs.[2]", "name"], "marking_ref": GREEN},
        {"selectors": ["object_refs.[0]", "created_by_ref"], "marking_ref": GREEN},
    ]
    report = sdo(
        "report",
        "weekly",
        created_by_ref=maker["id"],
        object_refs=[maker["id"], heron["id"], loader["id"]],
        granular_markings=marks,
    )
    short = cut.cut(report, (), lambda each: None if each == maker["id"] else each)
    assert short is not None
    assert short["object_refs"] == [heron["id"], loader["id"]]
    assert short["granular_markings"] == [
        {"selectors": ["object_refs.[1]", "name"], "marking_ref": GREEN}
    ]


def test_references_deep_inside_are_cut_too() -> None:
    note = {"extensions": {"extension-definition--x": {"found_by_ref": maker["id"], "n": 1}}}
    short = cut.cut(heron | note, (), nothing_goes)
    assert short is not None
    assert short["extensions"] == {"extension-definition--x": {"n": 1}}


def test_markings_are_never_cut() -> None:
    marked = heron | {"object_marking_refs": [GREEN]}
    short = cut.cut(marked, ("object_marking_refs",), nothing_goes)
    assert short is not None
    assert short["object_marking_refs"] == [GREEN]


@given(st.binary(min_size=32, max_size=32), st.uuids(), st.uuids())
def test_a_derived_id_is_stable_keyed_and_of_version_4(
    secret: bytes, agreement: uuid.UUID, original: uuid.UUID
) -> None:
    first = cut.derived_id(secret, str(agreement), f"malware--{original}")
    assert first == cut.derived_id(secret, str(agreement), f"malware--{original}")
    assert first != cut.derived_id(secret[::-1] + b"x", str(agreement), f"malware--{original}")
    assert first != cut.derived_id(secret, "another", f"malware--{original}")
    kind, _, rest = first.partition("--")
    assert (kind, uuid.UUID(rest).version, uuid.UUID(rest).variant) == (
        "malware",
        4,
        uuid.RFC_4122,
    )


def test_an_observable_gets_the_id_that_the_standard_computes() -> None:
    short = cut.cut(domain, ("x_source_*",), everything_goes)
    assert short is not None
    computed = cut.identified(short, "domain-name--derived")["id"]
    assert computed == "domain-name--" + str(
        uuid.uuid5(uuid.UUID("00abedb4-aa42-466c-9c01-fed23315a9b7"), '{"value":"d.example"}')
    )


def test_two_cut_versions_that_differ_in_modified_alone_have_one_basis() -> None:
    assert cut.basis(heron) == cut.basis(heron | {"modified": "2027-01-01T00:00:00.000Z"})
    assert cut.basis(heron) != cut.basis(heron | {"description": "other"})


@pytest.mark.parametrize(
    "doc",
    [
        sdo("malware", "a family"),
        sdo("malware", "a sample") | {"is_family": False},
        sdo("location", "a region", region="northern-europe"),
        sdo("location", "a place", latitude=54.0, longitude=10.0),
        sdo("observed-data", "seen")
        | {
            "number_observed": 1,
            "first_observed": "2026-03-01T00:00:00.000Z",
            "last_observed": "2026-03-01T00:00:00.000Z",
            "object_refs": [domain["id"]],
        },
        sdo("indicator", "a sign"),
        heron,
        use,
    ],
)
def test_a_bare_revocation_is_valid(doc: dict[str, object]) -> None:
    short = cut.bare(doc | {"revoked": True}, everything_goes)
    assert short is not None
    assert cut.is_bare(short)
    assert Checker().problems(short) == []


def test_a_bare_revocation_keeps_what_its_type_requires() -> None:
    short = cut.bare(loader | {"revoked": True, "description": "x"}, nothing_goes)
    assert short is not None
    assert cut.is_bare(short)
    assert short["is_family"] is True
    assert "description" not in short
    assert "created_by_ref" not in short
    assert not cut.is_bare(loader | {"revoked": True})
    assert cut.bare(use | {"revoked": True}, nothing_goes) is None


@pytest.mark.parametrize("remove", [[], ["description", "x_source_*"]])
def test_the_oasis_validator_accepts_what_a_partner_gets(tmp_path: Path, remove: list[str]) -> None:
    pair = make_pair(tmp_path)
    sign = sdo("indicator", "loader domain", created_by_ref=maker["id"])
    wave = sdo("campaign", "winter wave", created_by_ref=maker["id"])
    relay = sdo(
        "infrastructure", "relay", created_by_ref=maker["id"], infrastructure_types=["hosting"]
    )
    phish = sdo("attack-pattern", "phishing", created_by_ref=maker["id"])
    report = sdo(
        "report",
        "weekly",
        labels=["gray-heron"],
        published=heron["created"],
        object_refs=[maker["id"], heron["id"], loader["id"]],
        created_by_ref=maker["id"],
    )
    note = sdo("note", "n", content="said", object_refs=[heron["id"]], created_by_ref=maker["id"])
    del note["name"]
    sighting = sdo("sighting", "s", sighting_of_ref=loader["id"], created_by_ref=maker["id"])
    del sighting["name"]
    pair.put(
        *(maker, heron, loader, use, sign, wave, relay, phish, report, note, sighting),
        *(
            rel(*each, created_by_ref=maker["id"])
            for each in (
                (sign, "indicates", loader),
                (wave, "attributed-to", heron),
                (loader, "controls", relay),
                (loader, "uses", phish),
            )
        ),
    )

    pair.agree(reach=2, remove=orjson.dumps(remove).decode())
    served = pair.delivered()
    assert len(served) == 14
    assert maker["id"] not in served
    assert not served.keys() & {heron["id"], loader["id"], use["id"]}
    options = ValidationOptions(version="2.1", strict=False)
    for doc in served.values():
        result = validate_instance(doc, options)
        assert result.is_valid, (doc, [str(each) for each in result.errors])


def test_every_cut_keeps_the_order_of_what_is_left() -> None:
    short = cut.cut(loader, ("spec_version", "x_source_*"), everything_goes)
    assert short is not None
    assert list(short) == [name for name in loader if name in short]
    assert Checker().problems(short) == []


def test_a_cut_version_names_others_by_the_ids_under_which_they_go(tmp_path: Path) -> None:
    # Each of these is written before what it names, in the order in which they are cut.
    weekly = sdo(
        "report", "weekly", published=heron["created"], object_refs=[heron["id"], use["id"]]
    )
    note = sdo("note", "n", content="said", object_refs=[weekly["id"], use["id"]])
    del note["name"]
    sighting = sdo("sighting", "s", sighting_of_ref=heron["id"])
    del sighting["name"]
    pair = make_pair(tmp_path)
    pair.put(maker, heron, loader, use, weekly, note, sighting)
    pair.agree(reach=2, members="true", remove='["created_by_ref"]')
    served = pair.delivered()
    assert len(served) == 6
    named = {target for doc in served.values() for _, target in references(doc)}
    assert {each.partition("--")[0] for each in named} >= {"relationship", "report"}
    assert named <= served.keys()
