"""Objects of STIX 2.0, made up, and a check that they are sound ones of that version."""

import json
import uuid
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import jsonschema_rs
from hypothesis import strategies as st

SPACE = uuid.UUID("d6f6c4de-2d5a-4e63-a1f1-3b5a3f1e9c11")
STAMP = "2019-04-02T10:00:00.000Z"
LATER = "2019-05-02T10:00:00.000Z"
GREEN = "marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da"
RED = "marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed"
OWN = "marking-definition--0b1f7f4e-3f4c-4a35-9d0a-3b1c1c0a5f10"

Doc = dict[str, Any]


def old_id(kind: str, name: str) -> str:
    made = uuid.uuid5(SPACE, f"{kind} {name}")
    return f"{kind}--{uuid.UUID(bytes=made.bytes, version=4)}"


def old(kind: str, name: str, **more: object) -> Doc:
    """A small sound object of 2.0."""
    doc: Doc = {"type": kind, "id": old_id(kind, name), "created": STAMP, "modified": STAMP}
    if kind in {"malware", "tool", "threat-actor", "report", "indicator"}:
        doc["labels"] = [kind]
    if kind not in {"indicator", "observed-data", "relationship", "sighting"}:
        doc["name"] = name
    if kind == "identity":
        doc["identity_class"] = "organization"
    if kind == "indicator":
        doc |= {"pattern": f"[domain-name:value = '{name}.example']", "valid_from": STAMP}
    if kind == "report":
        doc |= {"published": STAMP, "object_refs": [old_id("malware", name)]}
    if kind == "observed-data":
        doc |= {"first_observed": STAMP, "last_observed": LATER, "number_observed": 1}
    return doc | more


def observed(name: str, objects: dict[str, Doc], **more: object) -> Doc:
    return old("observed-data", name, objects=objects, **more)


@cache
def _folder() -> Path:
    spec = find_spec("stix2validator")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / "schemas-2.0" / "schemas"


@cache
def _schema(file: str) -> Any:  # noqa: ANN401  # JSON
    return json.loads((_folder() / file).read_bytes())


@cache
def _validator(kind: str) -> jsonschema_rs.Draft202012Validator:
    (file,) = [
        f"{each}/{kind}.json"
        for each in ("sdos", "sros", "common")
        if (_folder() / each / f"{kind}.json").exists()
    ]

    def retrieve(uri: str) -> Any:  # noqa: ANN401  # JSON
        return _schema("/".join(uri.split("/")[-2:]))

    return jsonschema_rs.Draft202012Validator(_schema(file), retriever=retrieve)


def problems(doc: Doc) -> list[str]:
    """What the OASIS schemas of 2.0 say against an object."""
    return [error.message for error in _validator(doc["type"]).iter_errors(doc)]


# ---------------------------------------------------------------------------------- made at will

_words = st.text("abcdefghij klmn", min_size=1, max_size=12)
_hex = st.integers(0, 2**128 - 1).map(lambda n: f"{n:032x}")
_LABELS = ["trojan", "malicious-activity", "threat-report", "criminal", "remote-access", "heron-7"]
_labels = st.lists(
    st.sampled_from([*_LABELS, "malware", "tool"]), min_size=1, max_size=4, unique=True
)
_markings = st.lists(st.sampled_from([GREEN, RED, OWN]), min_size=1, max_size=2, unique=True)
_hashes = st.fixed_dictionaries({"MD5": _hex}, optional={"ssdeep": st.just("3:abc:def")})

_TYPED = ["indicator", "malware", "report", "threat-actor", "tool"]
_UNTYPED = ["attack-pattern", "campaign", "course-of-action", "identity", "intrusion-set"]
_DOMAIN = [*_TYPED, *_UNTYPED, "vulnerability"]
_PLAIN: dict[str, st.SearchStrategy[Doc]] = {
    "domain-name": st.fixed_dictionaries({"value": _words.map(lambda w: f"{w[:3]}.example")}),
    "ipv4-addr": st.fixed_dictionaries({"value": st.sampled_from(["198.51.100.7", "192.0.2.1"])}),
    "url": st.fixed_dictionaries({"value": st.just("http://bad.example/x")}),
    "mutex": st.fixed_dictionaries({"name": _words}),
    "directory": st.fixed_dictionaries(
        {"path": st.just("/var/lib")},
        optional={"created": st.just(STAMP), "accessed": st.just(STAMP)},
    ),
    "file": st.fixed_dictionaries(
        {"name": _words},
        optional={
            "hashes": _hashes,
            "size": st.integers(0, 10**9),
            "created": st.just(STAMP),
            "modified": st.just(LATER),
            "extensions": st.sampled_from(
                [
                    {"archive-ext": {"contains_refs": ["0"], "version": "5.0"}},
                    {"raster-image-ext": {"image_compression_algorithm": "JPEG"}},
                ]
            ),
        },
    ),
    "process": st.fixed_dictionaries(
        {"pid": st.integers(1, 9999)},
        optional={
            "name": _words,
            "created": st.just(STAMP),
            "arguments": st.just(["-x"]),
            "command_line": _words,
        },
    ),
    "user-account": st.fixed_dictionaries(
        {"user_id": _words}, optional={"password_last_changed": st.just(STAMP)}
    ),
    "windows-registry-key": st.fixed_dictionaries(
        {"key": st.just("HKEY_LOCAL_MACHINE\\Software\\X")}, optional={"modified": st.just(STAMP)}
    ),
    "software": st.fixed_dictionaries({"name": _words}, optional={"version": st.just("1.2")}),
    "x-made-up": st.fixed_dictionaries({"x_says": _words}),
}


@st.composite
def observed_data(draw: st.DrawFn) -> Doc:
    """Observed data whose observables name each other as 2.0 lets them."""
    kinds = draw(st.lists(st.sampled_from(sorted(_PLAIN)), min_size=1, max_size=4))
    objects: dict[str, Doc] = {"0": {"type": "file", "name": "first"}}
    for place, kind in enumerate(kinds, 1):
        objects[str(place)] = {"type": kind, **draw(_PLAIN[kind])}
    if draw(st.booleans()):
        objects["a"] = {"type": "ipv4-addr", "value": "198.51.100.7"}
        objects["t"] = {"type": "network-traffic", "src_ref": "a", "protocols": ["tcp", "http"]}
        objects["t"]["extensions"] = {
            "http-request-ext": {
                "request_method": "get",
                "request_value": "/",
                "request_header": {"Accept": "text/html"},
            }
        }
    for key, each in list(objects.items()):
        if each["type"] == "process" and draw(st.booleans()):
            objects[key] = each | {"binary_ref": "0"}
    doc = observed(draw(_words), objects)
    if draw(st.booleans()):
        doc["object_marking_refs"] = draw(_markings)
    if draw(st.booleans()):
        key = draw(st.sampled_from(sorted(objects)))
        name = draw(st.sampled_from(sorted(objects[key])))
        selectors = [draw(st.sampled_from([f"objects.{key}", f"objects.{key}.{name}", "objects"]))]
        doc["granular_markings"] = [{"selectors": selectors, "marking_ref": RED}]
    return doc


@st.composite
def domain_objects(draw: st.DrawFn) -> Doc:
    """Any other object of 2.0."""
    kinds = "attack-pattern campaign course-of-action identity indicator intrusion-set malware"
    kind = draw(
        st.sampled_from([*kinds.split(), "report", "threat-actor", "tool", "vulnerability"])
    )
    doc = old(kind, draw(_words))
    if kind in _TYPED or draw(st.booleans()):
        doc["labels"] = draw(_labels)
        if draw(st.booleans()):
            place = draw(st.integers(0, len(doc["labels"]) - 1))
            selectors = draw(st.sampled_from([["labels"], [f"labels.[{place}]", "created"]]))
            doc["granular_markings"] = [{"selectors": selectors, "marking_ref": GREEN}]
    if draw(st.booleans()):
        doc["object_marking_refs"] = draw(_markings)
    if draw(st.booleans()):
        doc["x_source_note"] = draw(_words)
    if draw(st.booleans()):
        hashes = draw(_hashes)
        doc["external_references"] = [
            {"source_name": "made up", "url": "http://made.example/x", "hashes": hashes}
        ]
    return doc


@st.composite
def relations(draw: st.DrawFn) -> Doc:
    """Relationships and sightings of 2.0."""
    if draw(st.booleans()):
        ends = {"source_ref": old_id("malware", "a"), "target_ref": old_id("identity", "b")}
        return old("relationship", draw(_words), relationship_type="targets", **ends)
    more = {"count": draw(st.integers(0, 99)), "observed_data_refs": [old_id("observed-data", "c")]}
    return old("sighting", draw(_words), sighting_of_ref=old_id("malware", "a"), **more)
