"""Two nodes in one process, joined by carrying bytes: what the tests of whole courses play on."""

import json
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tearline.agreement import outbox, receiving, signing, watching
from tearline.agreement.card import card_hash, check_words
from tearline.agreement.cards_held import cards_of
from tearline.agreement.home import Home, create_home
from tearline.agreement.messages import open_message
from tearline.agreement.partners import add_party
from tearline.agreement.terms import parse_toml
from tearline.log import mirror, record
from tearline.log.verify import Opening
from tearline.release import (
    arrive,
    certifying,
    consenting,
    delivery,
    inbound,
    offering,
    recall,
    reconcile,
)
from tearline.release.arrive import Annotation
from tearline.stix.objects import StixObject, read
from tearline.stix.timestamp import format_timestamp, parse_timestamp
from tearline.store import logs, releases

START = parse_timestamp("2026-03-01T00:00:00Z")
DAY = 86_400_000_000
SPACE = uuid.UUID("5a0e0f53-6d3a-4b0e-9a0f-1d6a2f2f9b11")
AGREEMENT = "urn:uuid:7d3f1f63-53f3-4b6c-8d53-2f6f0f6c9b01"

TERMS = """
schema = "tearline-agreement/1"
id = "{id}"
version = {version}
title = "Gray Heron against hospitals"
{replaces}
valid = {{ from = "2026-02-01", until = "{until}" }}

[party.north]
name = "{north.name}"
slug = "{north.slug}"
key = "{north.sign}"
log = "{north.log}"

[party.south]
name = "{south.name}"
slug = "{south.slug}"
key = "{south.sign}"
log = "{south.log}"

[purpose]
text = "Detect and stop Gray Heron."

[[topic]]
id = "T1"
names = {names}
aliases = ["HERON-7"]
labels = {labels}
{threats}
{categories}
[[clause]]
id = "N1"
from = "north"
to = "south"
types = {types}
topics = {topics}
reach = {reach}
members = {members}
marking_max = "{ceiling}"
grading_min = "{floor}"
max_age_days = {age}
countries = {countries}
confidence_min = {confidence}
{more}
remove = {remove}
{shape}
review = {{ when = {when}, approvals = {approvals}, within_hours = 72, silence = "withhold" }}
{end}
{onward}
"""

TYPES = (
    "intrusion-set",
    "malware",
    "tool",
    "attack-pattern",
    "indicator",
    "infrastructure",
    "identity",
    "location",
    "campaign",
    "relationship",
    "sighting",
    "report",
    "note",
)


@dataclass
class Pair:
    """North and South, pinned to each other, and the one clock that both read."""

    north: Home
    south: Home
    now: int = START
    agreement_id: str = AGREEMENT
    version: int = 0
    last_hash: str | None = None
    limits: dict[str, object] = field(default_factory=dict)

    def beside(self, number: int, **limits: object) -> "Pair":
        """Another agreement between the same two, from template and clock of this one."""
        agreement_id = f"{self.agreement_id[:-4]}{number:04x}"
        return Pair(self.north, self.south, self.now, agreement_id, limits=self.limits | limits)

    def tick(self, span: int = 1_000_000) -> int:
        self.now += span
        return self.now

    def terms(self, **limits: object) -> str:
        values: dict[str, object] = {
            "types": json.dumps(TYPES),
            "reach": 1,
            "members": "false",
            "ceiling": "TLP:AMBER",
            "floor": "*",
            "age": '"*"',
            "remove": "[]",
            "approvals": 1,
            "shape": "",
            "when": '["victim"]',
            "categories": "",
            "until": "2026-12-31",
            "names": '["Gray Heron"]',
            "labels": '["gray-heron"]',
            "topics": '["T1"]',
            "threats": "",
            "countries": '"*"',
            "confidence": '"*"',
            "more": "",
            "onward": "",
            "end": "",
        }
        values |= self.limits | limits
        return TERMS.format(
            id=self.agreement_id,
            version=self.version + 1,
            replaces=f'replaces = "{self.last_hash}"' if self.last_hash else "",
            north=self.north.card,
            south=self.south.card,
            **values,
        )

    def propose(self, **limits: object) -> None:
        proposed = signing.propose(self.north, parse_toml(self.terms(**limits)), now=self.tick())
        self.version += 1
        self.last_hash = proposed.hash
        self.limits |= limits

    def agree(self, **limits: object) -> None:
        """Propose a version, countersign it, and carry messages until both are active."""
        self.propose(**limits)
        self.carry()
        signing.countersign(self.south, self.agreement_id, now=self.tick())
        self.carry()
        self.reconcile()

    def carry(self) -> None:
        """Carry every waiting message to the other side until none is left."""
        moved = True
        while moved:
            moved = self._carry_from(self.north, self.south)
            moved = self._carry_from(self.south, self.north) or moved

    def _carry_from(self, sender: Home, receiver: Home) -> bool:
        waiting = outbox.export_messages(sender, receiver.slug, now=self.tick())
        for message_id, document in waiting:
            take(receiver, document, now=self.tick())
            outbox.delivered(sender, [message_id], now=self.now)
        return bool(waiting)

    def put(
        self, *docs: dict[str, Any], marking: int | None = 0, grade: int | None = None
    ) -> arrive.Arrival:
        arriving = [as_object(doc) for doc in docs]
        arrival = arrive.arrive(self.north, arriving, source="test", now=self.tick())
        ids = [each.id for each in arriving]
        arrive.annotate(self.north, ids, Annotation(marking, grade), now=self.now)
        return arrival

    def reconcile(self) -> reconcile.Reconciled:
        return reconcile.reconcile(self.north, self.agreement_id, now=self.tick())

    def sync(self, page: int = 1000) -> inbound.Settled:
        """South reads North's collection and log to the end, decides, and answers."""
        self.read_pages(page)
        self.copy_log()
        settled = inbound.settle(self.south, self.agreement_id, now=self.tick())
        self.carry()
        return settled

    def read_pages(self, page: int = 1000) -> None:
        while True:
            at = inbound.cursor(self.south, self.agreement_id)
            with self.north.store.read() as tx:
                rows = releases.page(
                    tx, self.agreement_id, after=int(at.next or 0), now=self.now, limit=page
                )
            if not rows:
                return
            inbound.stage(
                self.south,
                self.agreement_id,
                [row.raw for row in rows],
                next_=str(rows[-1].position),
                now=self.tick(),
            )

    def copy_log(self) -> None:
        copy_log(self.north, self.south, self.agreement_id, self.tick())

    def delivered(self) -> dict[str, dict[str, Any]]:
        """What South could read now, by id."""
        with self.north.store.read() as tx:
            rows = releases.page(tx, self.agreement_id, after=0, now=self.now, limit=10**6)
        return {row.delivered_id: json.loads(row.raw) for row in rows}


def take(receiver: Home, document: bytes, *, now: int) -> None:
    """What a node does with a message that arrives."""
    with receiver.store.read() as tx:
        message = open_message(tx, receiver, document, now=now)
    if message.kind in receiving.KINDS:
        receiving.receive(receiver, document, now=now)
    elif message.kind == "acknowledgement":
        delivery.acknowledged(receiver, message, now=now)
    elif message.kind == "recall-receipt":
        recall.receipted(receiver, message, now=now)
    elif message.kind == "onward-request":
        consenting.asked(receiver, message, now=now)
    elif message.kind == "onward-answer":
        consenting.answered(receiver, message, now=now)
    elif message.kind == "certificate":
        certifying.certified(receiver, message, now=now)
    elif message.kind == offering.KIND:
        offering.taken(receiver, message, now=now)
    else:
        raise AssertionError(message.kind)


def copy_log(owner: Home, reader: Home, agreement_id: str, now: int) -> None:
    """Publish the owner's log of the agreement and bring the reader's copy up to it."""
    log, copy = record.our_log(agreement_id), record.their_log(agreement_id)
    origin = record.origin_of(owner.slug, agreement_id)
    note = owner.publish(agreement_id, now=now)
    with reader.store.read() as tx:
        have = logs.head(tx, copy).size
        cards = cards_of(tx, owner.slug)
        assert cards is not None
        key = cards.log_key(origin, note, now)
    with owner.store.read() as tx:
        size = logs.head(tx, log).size
        entries = logs.leaves(tx, log, have, size)
        rows = logs.records(tx, log, have, size)
    with reader.store.write() as tx:
        mirror.extend(tx, copy, note, entries, origin=origin, vkey=key, at=now)
        mirror.open_leaves(tx, copy, [Opening(*row) for row in rows])
    watching.compare_log(reader, agreement_id, now=now)


def make_pair(folder: Path, url: str | None = None) -> Pair:
    """Two fresh homes that pinned each other's card; with a `url`, both say to answer there."""
    north = create_home(folder / "north", "North CERT", url, START)
    south = create_home(folder / "south", "South ISAC", url, START)
    for us, them in ((north, south), (south, north)):
        file = (them.path / "card.json").read_bytes()
        add_party(us, file, check_words(card_hash(them.card)), now=START)
    return Pair(north, south)


def as_object(doc: dict[str, Any]) -> StixObject:
    return read(json.dumps(doc).encode())


def stix_id(type_: str, name: str) -> str:
    return f"{type_}--{uuid.uuid5(SPACE, name)}"


def sdo(type_: str, name: str, at: int = START, **more: object) -> dict[str, Any]:
    """A small valid object of a type, its id made from its name."""
    stamp = format_timestamp(at)
    doc: dict[str, Any] = {
        "type": type_,
        "spec_version": "2.1",
        "id": stix_id(type_, name),
        "created": stamp,
        "modified": stamp,
        "name": name,
    }
    if type_ == "malware":
        doc["is_family"] = True
    if type_ == "indicator":
        doc |= {
            "pattern": f"[domain-name:value = '{uuid.uuid5(SPACE, name)}.example']",
            "pattern_type": "stix",
            "valid_from": stamp,
        }
    if type_ == "identity":
        doc["identity_class"] = "organization"
    return doc | more


def rel(
    source: dict[str, Any], kind: str, target: dict[str, Any], at: int = START, **more: object
) -> dict[str, Any]:
    """A relationship between two objects, its id made from what it says."""
    stamp = format_timestamp(at)
    name = f"{source['id']} {kind} {target['id']}"
    return {
        "type": "relationship",
        "spec_version": "2.1",
        "id": stix_id("relationship", name),
        "created": stamp,
        "modified": stamp,
        "relationship_type": kind,
        "source_ref": source["id"],
        "target_ref": target["id"],
    } | more
