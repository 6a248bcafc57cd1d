"""MISP events as STIX 2.1, through `misp-stix`, without the network.

The converter keeps MISP's own uuids and moments; what a file leaves out it would invent afresh
each time. So that is filled in beforehand from the event itself, and the same file gives the same
objects whenever it is read. It also leaves an event's TLP on the event alone: here every object of
the event inherits it, and what hangs on a stricter attribute inherits that.
"""

import copy
import logging
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import msgspec
from misp_stix_converter import MISPtoSTIX21Parser

from tearline.errors import InputError
from tearline.exchange.misp_markings import inherit
from tearline.stix.canonical import Json
from tearline.stix.marking import LEVEL_OF, parse_level
from tearline.stix.strict import collector_paused, shown

_NAMESPACE = uuid.UUID("0d2c8f0e-6f5b-5a0e-8a5e-6f1c9b7d2e43")
# An event that says nothing of when: before MISP was, so that it never counts as young.
_BEFORE_MISP = "1293840000"
# What an event holds that the converter gives an id or a moment of its own.
_RECORDS = (
    "Attribute",
    "Object",
    "EventReport",
    "Note",
    "Opinion",
    "Sighting",
    "ObjectReference",
    "Galaxy",
    "GalaxyCluster",
)
_TIMELESS = frozenset({"Galaxy", "GalaxyCluster", "Note", "Opinion"})
# What the converter can do without, least first, when it fails on an event as a whole.
_PARTS = ("Galaxy", "Note", "Opinion", "EventReport", "Object", "Attribute")
_MOMENT = {"Sighting": "date_sighting"}
_HIVES = {
    "HKCC": "HKEY_CURRENT_CONFIG",
    "HKCR": "HKEY_CLASSES_ROOT",
    "HKCU": "HKEY_CURRENT_USER",
    "HKLM": "HKEY_LOCAL_MACHINE",
    "HKU": "HKEY_USERS",
}
_ENCODER = msgspec.json.Encoder(order="deterministic")


class Converted(msgspec.Struct, frozen=True):
    """What became of MISP events."""

    objects: tuple[bytes, ...]
    """STIX objects as compact JSON; each event is a report or a grouping among them."""
    lost: tuple[str, ...] = ()
    """What could not be converted, one sentence each."""
    remarks: tuple[str, ...] = ()
    """What was converted with less meaning than it had."""


def is_misp(document: Json) -> bool:
    """Whether a JSON document holds MISP events."""
    return next(_events(document), None) is not None


def misp_objects(document: Json) -> list[bytes]:
    """Return the objects that a MISP document becomes, as compact JSON; see `read_misp`."""
    return list(read_misp(document).objects)


def read_misp(document: Json) -> Converted:
    """Convert every event of a MISP document: one event, an export with `response`, or a list.

    Never fails for what an event holds: that becomes a sentence in `lost`. Raises InputError when
    there is no event at all.
    """
    if not is_misp(document):
        raise InputError(
            "The document holds no MISP event.", do="Export the event from MISP as MISP JSON."
        )
    objects: dict[bytes, None] = {}
    lost: list[str] = []
    remarks: list[str] = []
    for event in _events(document):
        converted = _convert(event)
        objects |= dict.fromkeys(converted.objects)
        lost += converted.lost
        remarks += converted.remarks
    return Converted(tuple(objects), tuple(lost), tuple(dict.fromkeys(remarks)))


def _events(document: Json) -> Iterator[dict[str, Any]]:
    """Find the events in the forms that MISP exports."""
    if isinstance(document, dict) and "response" in document:
        document = document["response"]
    for item in document if isinstance(document, list) else [document]:
        if not isinstance(item, dict):
            continue
        if isinstance(item.get("Event"), dict):
            yield item["Event"]
        elif "info" in item and "type" not in item and ("Attribute" in item or "Object" in item):
            yield item


def _convert(event: dict[str, Any]) -> Converted:
    """Convert one event; if that fails, all of it but the part that makes it fail."""
    filled, unknown = _completed(event)
    name = f"event {shown(filled['uuid'])}"
    for part in (None, *_PARTS):
        if part is not None and part not in filled:
            continue
        try:
            docs, parser = _parsed({key: value for key, value in filled.items() if key != part})
        except Exception:  # noqa: BLE001, S112 - the converter raises what the event provokes
            continue
        if not docs:
            continue
        lost = [f"{name}: the converter cannot read its '{part}'; the rest was read."]
        return Converted(
            tuple(dict.fromkeys(msgspec.json.encode(doc) for doc in docs)),
            (*(lost if part else ()), *_sentences(name, parser.errors)),
            (
                *_sentences(name, parser.warnings),
                *(f"{name}: {shown(tag)} is no TLP level: TLP:RED holds." for tag in unknown),
            ),
        )
    return Converted((), (f"{name}: the converter cannot read it; nothing of it was kept.",))


def _parsed(event: dict[str, Any]) -> tuple[list[dict[str, Any]], MISPtoSTIX21Parser]:
    with _quiet(), collector_paused():
        parser = MISPtoSTIX21Parser()
        parser.parse_misp_event({"Event": event})
        docs = [msgspec.json.decode(each.serialize()) for each in parser.stix_objects]
    docs = [doc for doc in docs if doc["id"] not in LEVEL_OF]
    inherit(docs, str(event["uuid"]))
    _spell_out_hives(docs)
    return docs, parser


def _sentences(name: str, messages: dict[str, list[str]]) -> list[str]:
    return [f"{name}: {_said(text)}" for texts in messages.values() for text in texts]


def _said(text: str) -> str:
    """What the converter says, without the traceback that it may have put in the middle."""
    first, *rest = text.strip().splitlines()
    return f"{first} {rest[-1].strip()}" if rest else first


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep what the converter's libraries log from the operator: `errors` holds it all."""
    logger = logging.getLogger("pymisp")
    before, logger.disabled = logger.disabled, True
    try:
        yield
    finally:
        logger.disabled = before


def _completed(event: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Copy an event, with every id and moment and with TLP tags as the converter spells them.

    Returns it with the TLP tags that are none.
    """
    event = copy.deepcopy(event)
    if not _is_uuid(event.get("uuid")):
        event["uuid"] = _uuid("event", event)
    if not event.get("timestamp"):
        event["timestamp"] = event.get("publish_timestamp") or _at_day(event.get("date"))
    unknown: list[str] = []
    _complete(event, str(event["uuid"]), event["timestamp"], unknown)
    return event, list(dict.fromkeys(unknown))


def _complete(record: dict[str, Any], parent: str, moment: Json, unknown: list[str]) -> None:
    """Fill in what is missing beneath a record, which inherits moments from above."""
    unknown += _spell_tags(record)
    for kind in _RECORDS:
        records = record.get(kind)
        for below in records if isinstance(records, list) else ():
            if not isinstance(below, dict):
                continue
            if not _is_uuid(below.get("uuid")):
                below["uuid"] = _uuid(f"{parent} {kind}", below)
            own = _MOMENT.get(kind, "timestamp")
            if kind not in _TIMELESS and not below.get(own):
                below[own] = moment
            _complete(below, str(below["uuid"]), below.get(own, moment), unknown)


def _spell_tags(record: dict[str, Any]) -> list[str]:
    """Write known TLP tags in small letters; an unknown one gets TLP:RED beside it (fail safe)."""
    tags = record.get("Tag")
    if not tags:
        return []
    listed = [
        {"name": tag} if isinstance(tag, str) else tag
        for tag in (tags if isinstance(tags, list) else [tags])
    ]
    named = [tag for tag in listed if isinstance(tag, dict) and isinstance(tag.get("name"), str)]
    unknown: list[str] = []
    for tag in named:
        if not tag["name"].strip().lower().startswith("tlp:"):
            continue
        try:
            parse_level(tag["name"])
            tag["name"] = tag["name"].strip().lower()
        except InputError:
            unknown.append(tag["name"])
    record["Tag"] = named + [{"name": "tlp:red"}] * bool(unknown)
    return unknown


def _spell_out_hives(docs: list[dict[str, Any]]) -> None:
    """Name registry hives in full, as STIX 2.1 section 6.17 demands; MISP allows the short form."""
    for doc in docs:
        if doc["type"] == "windows-registry-key" and isinstance(doc.get("key"), str):
            hive, stroke, rest = doc["key"].partition("\\")
            doc["key"] = _HIVES.get(hive.upper(), hive) + stroke + rest


def _is_uuid(value: Json) -> bool:
    try:
        return isinstance(value, str) and bool(uuid.UUID(value))
    except ValueError:
        return False


def _uuid(place: str, record: dict[str, Any]) -> str:
    """Name a record by what it says and where it stands."""
    return str(uuid.uuid5(_NAMESPACE, f"{place} {_ENCODER.encode(record).decode()}"))


def _at_day(date: Json) -> str:
    try:
        day = datetime.strptime(str(date), "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        return _BEFORE_MISP
    return str(int(day.timestamp()))
