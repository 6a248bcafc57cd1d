from typing import Any

import pytest
import stix2

from tearline.stix.observable import (
    DOMAIN_TYPES,
    KNOWN_TYPES,
    META_TYPES,
    OBSERVABLE_TYPES,
    RELATIONSHIP_TYPES,
    is_observable,
    observable_id,
)

FILE = "file--3f2504e0-4f89-51d3-9a0c-0305e82c3301"
ADDRESS = "ipv4-addr--3f2504e0-4f89-51d3-9a0c-0305e82c3302"
MD5 = "d41d8cd98f00b204e9800998ecf8427e"
SHA1 = "da39a3ee5e6b4b0d3255bfef95601890afd80709"
SHA256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

OBSERVABLES: list[dict[str, Any]] = [
    {"type": "artifact", "payload_bin": "aGFyYm91cg==", "mime_type": "text/plain"},
    {"type": "artifact", "url": "https://harbour.example/a", "hashes": {"SHA-256": SHA256}},
    {"type": "autonomous-system", "number": 64500, "name": "Harbour"},
    {"type": "directory", "path": "C:\\Harbour\\Späť", "path_enc": "cp1252"},
    {"type": "domain-name", "value": "harbour.example"},
    {"type": "domain-name", "value": "hÄfen.example"},
    {"type": "domain-name", "value": "😀.example"},
    {"type": "email-addr", "value": "mole@harbour.example", "display_name": "Mole"},
    {
        "type": "email-message",
        "is_multipart": False,
        "subject": 'A "quiet" word\n',
        "body": "tab\there",
        "from_ref": "email-addr--3f2504e0-4f89-51d3-9a0c-0305e82c3301",
    },
    {"type": "file", "name": "crane.exe", "hashes": {"SHA-256": SHA256, "MD5": MD5}, "size": 7},
    {"type": "file", "hashes": {"SHA-256": SHA256, "SHA-1": SHA1}},
    {"type": "file", "hashes": {"SHA3-256": SHA256}},
    {
        "type": "file",
        "name": "crane.zip",
        "parent_directory_ref": "directory--3f2504e0-4f89-51d3-9a0c-0305e82c3301",
        "extensions": {"archive-ext": {"contains_refs": [FILE], "comment": "é"}},
    },
    {
        "type": "file",
        "name": "crane.dll",
        "extensions": {
            "windows-pebinary-ext": {
                "pe_type": "dll",
                "sections": [{"name": ".text", "entropy": 0.061089, "size": 0}],
            }
        },
    },
    {"type": "ipv4-addr", "value": "192.0.2.7"},
    {"type": "ipv4-addr", "value": "192.0.2.0/24"},
    {"type": "ipv6-addr", "value": "2001:db8::7"},
    {"type": "mac-addr", "value": "d2:fb:49:24:37:18"},
    {"type": "mutex", "name": "__HARBOUR__"},
    {
        "type": "network-traffic",
        "src_ref": ADDRESS,
        "dst_port": 443,
        "src_port": 1024,
        "protocols": ["ipv4", "tcp"],
        "src_byte_count": 7,
    },
    {
        "type": "software",
        "name": "Crane",
        "version": "1.0",
        "vendor": "Harbour",
        "languages": ["en"],
    },
    {"type": "url", "value": "https://harbour.example/?q=ä&x=1"},
    {"type": "user-account", "user_id": "1001", "account_login": "mole", "account_type": "unix"},
    {"type": "windows-registry-key", "key": "hkey_local_machine\\harbour", "modified_time": None},
    {
        "type": "windows-registry-key",
        "key": "hkey_local_machine\\harbour",
        "values": [{"name": "Start", "data": "7", "data_type": "REG_DWORD"}],
    },
    {"type": "x509-certificate", "serial_number": "36:f7:d4", "issuer": "C=XX"},
    {"type": "x509-certificate", "hashes": {"SHA-256": SHA256}, "serial_number": "36:f7:d4"},
]


@pytest.mark.parametrize("given", OBSERVABLES, ids=lambda given: given["type"])
def test_ids_are_those_that_the_stix2_library_computes(given: dict[str, Any]) -> None:
    doc = {name: value for name, value in given.items() if value is not None}
    theirs = stix2.parse({"spec_version": "2.1", "id": f"{doc['type']}--{FILE[6:]}"} | doc)
    properties = {name: value for name, value in theirs.items() if name != "id"}
    assert observable_id(doc) == type(theirs)(**properties).id


def test_every_observable_type_that_has_an_id_is_compared() -> None:
    assert {given["type"] for given in OBSERVABLES} == OBSERVABLE_TYPES - {"process"}


def test_other_properties_do_not_change_the_id() -> None:
    doc = {"type": "url", "value": "https://harbour.example/"}
    more = doc | {"id": "url--x", "spec_version": "2.1", "x_note": "n", "defanged": True}
    assert observable_id(doc) == observable_id(more)


@pytest.mark.parametrize(
    "doc",
    [
        {},
        {"type": 7},
        {"type": "process", "pid": 7},
        {"type": "url"},
        {"type": "tool", "name": "crane"},
        {"type": "x-odd", "value": "7"},
    ],
)
def test_the_standard_computes_none_for_others(doc: dict[str, Any]) -> None:
    assert observable_id(doc) is None


def test_the_id_does_not_hang_on_the_order_of_odd_hashes() -> None:
    hashes = {"TLSH": "T", "SSDEEP": "S"}
    turned = dict(reversed(hashes.items()))
    assert observable_id({"type": "file", "hashes": hashes}) == observable_id(
        {"type": "file", "hashes": turned}
    )


def test_the_types_are_those_of_the_stix2_library() -> None:
    registry = stix2.registry.STIX2_OBJ_MAPS["2.1"]
    assert set(registry["observables"]) == OBSERVABLE_TYPES
    # Importing the MISP converter adds types of its own to the library.
    own = {name for name in registry["objects"] if name.startswith("x-")}
    objects = registry["objects"].keys() - own - {"bundle"}
    assert objects == DOMAIN_TYPES | RELATIONSHIP_TYPES | META_TYPES
    assert objects | OBSERVABLE_TYPES == KNOWN_TYPES


def test_only_observables_are_observables() -> None:
    assert is_observable("url")
    assert not is_observable("indicator")
    assert not is_observable("x-odd")
