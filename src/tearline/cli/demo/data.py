"""What North holds in the demo: the galaxies as they are, and generated objects tied to them.

Whatever is generated says so in its labels and its description, uses addresses and names that are
reserved for documentation (RFC 5737, RFC 3849, RFC 2606), and is the same bytes on every machine.
"""

import json
import uuid
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

GALAXIES = (
    "mitre-intrusion-set",
    "mitre-malware",
    "mitre-tool",
    "mitre-attack-pattern",
    "threat-actor",
    "ransomware",
)
GROUP = "Wizard Spider"
LABEL = "ransomware-against-hospitals"
"""The label under which North's analysts file what belongs to the case."""

_NAMESPACE = uuid.UUID("0b9a5d0e-7f60-5c57-8a3a-2f9c6c1f5d11")
_CREATED = "2025-11-20T09:00:00.000Z"
_LONG_AGO = "2009-03-01T09:00:00.000Z"
_AMBER = "marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421"
_RED = "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1"
_NOTICE = "Generated for the Tearline demo; it is about nothing real."
_EACH = 8
"""Generated indicators for each malware."""

Doc = dict[str, Any]


class Input(NamedTuple):
    """A file that North imports, and the marking and grade that it puts beside each object."""

    path: Path
    source: str
    mark: str | None
    grade: str | None


class Story(NamedTuple):
    """The input files, and the objects that the course speaks of by name."""

    inputs: tuple[Input, ...]
    closer: Path
    closer_mark: str
    galaxy_count: int
    generated_count: int
    group: str
    went: str
    stays: str
    waits: str
    recalled: str
    lie: str
    approved: tuple[str, ...]
    refused: str
    held: str


def write_inputs(folder: Path) -> Story:
    """Write what North imports into `folder`, and name the objects of the course."""
    from tearline.exchange.galaxies import galaxy_objects

    raws = galaxy_objects(GALAXIES)
    known = _Known([json.loads(raw) for raw in raws])
    weak, unmarked = list(_loose(known, "rumour")), list(_loose(known, "draft"))
    ties = [*_loose_ties(known, "rumour"), *_loose_ties(known, "draft")]
    ordinary = [*_indicators(known), *_case(known), *_places(known), *ties]
    inputs = (
        _written(folder / "galaxies.json", "galaxies", "TLP:GREEN", "B2", raws),
        _written(folder / "generated.json", "analysis", "TLP:GREEN", "B2", _lines(ordinary)),
        _written(folder / "rumours.json", "rumours", "TLP:GREEN", "D4", _lines(weak)),
        _written(folder / "drafts.json", "drafts", None, None, _lines(unmarked)),
    )
    closer = folder / "closer.txt"
    closer.write_text("\n".join(_closer(known)) + "\n", "utf-8")
    return Story(
        inputs=inputs,
        closer=closer,
        closer_mark="TLP:AMBER+STRICT",
        galaxy_count=len(raws),
        generated_count=len(ordinary) + len(weak) + len(unmarked),
        group=known.group,
        went=known.named("malware", "Emotet"),
        stays=known.named("malware", "Anchor"),
        waits=_id("identity", "hospital 1"),
        recalled=_id("indicator", f"{known.named('malware', 'Ryuk')} 1"),
        lie=_id("indicator", f"{known.strangers[0]} 1"),
        approved=(_id("identity", "hospital 2"), _tie_id(known.group, "targets", "hospital 2")),
        refused=_id("identity", "hospital 3"),
        held="TrickBot",
    )


class _Known:
    """The galaxies, looked up by type, name and use."""

    def __init__(self, docs: Sequence[Doc]) -> None:
        self._docs = {doc["id"]: doc for doc in docs}
        self._uses: dict[str, list[str]] = {}
        for doc in docs:
            if doc.get("relationship_type") == "uses":
                self._uses.setdefault(doc["source_ref"], []).append(doc["target_ref"])
        self.group = self.named("intrusion-set", GROUP)

    def named(self, kind: str, name: str) -> str:
        """The first object of a type with a name: the ATT&CK one, where there are two."""
        for each, doc in self._docs.items():
            if doc["type"] == kind and doc.get("name") == name:
                return str(each)
        raise KeyError(name)

    def used_by_group(self, kind: str) -> list[str]:
        """What the group uses, of one type."""
        return [each for each in self._uses[self.group] if each.startswith(f"{kind}--")]

    @property
    def strangers(self) -> list[str]:
        """Ransomware that the group does not use."""
        used = set(self._uses[self.group])
        found = [
            each
            for each, doc in self._docs.items()
            if "ransomware" in doc.get("malware_types", ()) and each not in used
        ]
        # Far from the names of the topic: some ransomware goes by two names in two galaxies.
        return [each for each in found if self._docs[each]["name"] not in {"Conti", "Diavol"}][:12]

    def title(self, stix_id: str) -> str:
        """The name of an object."""
        return str(self._docs[stix_id]["name"])


# ------------------------------------------------------------------------------- what is made


def _indicators(known: _Known) -> Iterator[Doc]:
    """Addresses and names for what the group uses, and for ransomware that it does not use."""
    number = 0
    for malware in (*known.used_by_group("malware"), *known.strangers):
        for count in range(1, _EACH + 1):
            number += 1
            yield from _indicator(known, malware, count, number)


def _indicator(known: _Known, malware: str, count: int, number: int) -> Iterator[Doc]:
    """One indicator and its tie: of every eight one is RED, one AMBER, one old, one of a case."""
    indicator = _made(
        "indicator",
        f"{malware} {count}",
        created=_LONG_AGO if count == 6 else _CREATED,  # noqa: PLR2004  # the sixth of each eight
        name=f"A generated sign of {known.title(malware)}",
        indicator_types=["malicious-activity"],
        pattern=_pattern(number),
        pattern_type="stix",
        valid_from=_CREATED,
    )
    if count in {3, 4}:
        indicator["object_marking_refs"] = [_RED if count == 3 else _AMBER]  # noqa: PLR2004
    if count == 5:  # noqa: PLR2004  # the fifth of each eight
        indicator["created_by_ref"] = _id("identity", "desk")
        indicator["x_north_case"] = f"case {number}"
    yield indicator
    yield _tie(indicator["id"], "indicates", malware)


def _pattern(number: int) -> str:
    """A pattern over what is reserved for documentation."""
    host = number % 254 + 1
    choice = (
        f"[ipv4-addr:value = '192.0.2.{host}']",
        f"[ipv4-addr:value = '198.51.100.{host}']",
        f"[ipv4-addr:value = '203.0.113.{host}']",
        f"[ipv6-addr:value = '2001:db8::{number:x}']",
        f"[domain-name:value = 'c2-{number}.example']",
    )
    return choice[number % len(choice)]


def _case(known: _Known) -> Iterator[Doc]:
    """What names a victim: an identity by role, the group that targets it, where it was seen."""
    yield _made("identity", "desk", name="North's analysis desk", identity_class="organization")
    ryuk = known.named("malware", "Ryuk")
    for number in (1, 2, 3):
        hospital = _made(
            "identity",
            f"hospital {number}",
            name="a hospital (generated)",
            identity_class="organization",
            sectors=["healthcare"],
        )
        if number > 1:  # the first is about the topic only because the group targets it
            hospital["labels"].append(LABEL)
        yield hospital
        yield _tie(known.group, "targets", hospital["id"])
        yield _made(
            "sighting",
            f"sighting {number}",
            sighting_of_ref=_id("indicator", f"{ryuk} {number if number < 3 else 7}"),  # noqa: PLR2004
            where_sighted_refs=[hospital["id"]],
            count=number,
        )
    yield _note("seen", "Seen to spread by night.", [ryuk])
    yield _note("night", "Came in by night.", [ryuk, _id("identity", "hospital 1")])
    # A victim of someone else: not about the topic, so it does not even wait.
    other = _made(
        "identity", "mill", name="a paper mill (generated)", identity_class="organization"
    )
    yield other
    yield _tie(known.strangers[0], "targets", other["id"])


def _places(known: _Known) -> Iterator[Doc]:
    """Infrastructure: about the topic, but of a type that the agreement does not list."""
    for number, malware in enumerate(known.used_by_group("malware")[:4], start=1):
        place = _made(
            "infrastructure",
            f"place {number}",
            name=f"a server (generated {number})",
            infrastructure_types=["command-and-control"],
        )
        yield place
        yield _tie(malware, "uses", place["id"])


def _loose(known: _Known, key: str) -> Iterator[Doc]:
    """A rumour from a weak source, or a draft that nobody has marked, for each malware in use."""
    for number, malware in enumerate(known.used_by_group("malware"), start=1):
        yield _made(
            "indicator",
            f"{key} {malware}",
            name=f"A {key} about {known.title(malware)}",
            pattern=f"[domain-name:value = '{key}-{number}.example']",
            pattern_type="stix",
            valid_from=_CREATED,
        )


def _loose_ties(known: _Known, key: str) -> Iterator[Doc]:
    for malware in known.used_by_group("malware"):
        yield _tie(_id("indicator", f"{key} {malware}"), "indicates", malware)


def _closer(known: _Known) -> list[str]:
    """Galaxy objects about the topic that North keeps closer: it marks them above the ceiling."""
    kept = {known.named("malware", "Anchor"), known.named("malware", "GrimAgent")}
    kept |= set(known.used_by_group("attack-pattern")[::4])
    kept |= set(known.used_by_group("tool")[::4])
    return sorted(kept)


def _note(key: str, content: str, about: list[str]) -> Doc:
    return _made("note", f"note {key}", content=content, object_refs=about)


def _tie_id(source: str, kind: str, target: str) -> str:
    """The id of a tie to a generated identity."""
    return str(_tie(source, kind, _id("identity", target))["id"])


def _tie(source: str, kind: str, target: str) -> Doc:
    key = f"{source} {kind} {target}"
    return _made("relationship", key, relationship_type=kind, source_ref=source, target_ref=target)


def _made(kind: str, key: str, *, created: str = _CREATED, **rest: Any) -> Doc:  # noqa: ANN401  # STIX properties
    doc: Doc = {"type": kind, "spec_version": "2.1", "id": _id(kind, key)}
    doc |= {"created": created, "modified": _CREATED, **rest, "labels": ["generated"]}
    return doc if kind == "note" else doc | {"description": _NOTICE}


def _id(kind: str, key: str) -> str:
    return f"{kind}--{uuid.uuid5(_NAMESPACE, key)}"


# ------------------------------------------------------------------------------------- writing


def _lines(docs: Iterable[Doc]) -> list[bytes]:
    return [json.dumps(doc, separators=(",", ":")).encode() for doc in docs]


def _written(
    path: Path, source: str, mark: str | None, grade: str | None, raws: Sequence[bytes]
) -> Input:
    """Write a bundle, one object on a line, so that its bytes can be read without a parser."""
    head = (
        b'{"type":"bundle","id":"bundle--%s","objects":[\n'
        % str(uuid.uuid5(_NAMESPACE, path.name)).encode()
    )
    path.write_bytes(head + b",\n".join(raws) + b"\n]}\n")
    return Input(path, source, mark, grade)
