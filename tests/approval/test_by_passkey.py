"""Approvals by passkey: they count as those by key file do, and nothing else counts."""

import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tearline.approval import people, queue
from tearline.approval.queue import Says
from tearline.errors import ProofError, RefusedError
from tearline.store import private, reviews
from tearline.store.reviews import Person
from tests.authenticator import Device
from tests.pair import DAY, Pair, make_pair, rel, sdo

pytestmark = pytest.mark.usefixtures("either_store")

heron = sdo("intrusion-set", "Gray Heron")
hospital = sdo("identity", "a hospital")
TARGETS = rel(heron, "targets", hospital)


class Desk:
    """North's queue; Ada has a passkey, Bo a key file, Cy a passkey of another kind."""

    def __init__(self, folder: Path) -> None:
        self.pair: Pair = make_pair(folder)
        self.devices = {"ada": Device(), "cy": Device("Ed25519")}
        for name, device in self.devices.items():
            self.let_in(name, device.key)
        self.file = Ed25519PrivateKey.generate()
        self.bo = people.enrol(self.pair.north, "bo", self.file, now=self.pair.now)
        self.pair.put(heron, hospital, TARGETS)
        self.pair.agree(approvals=2)

    def let_in(self, name: str, key: str, *, also: bool = False) -> Person:
        with self.pair.north.store.write() as tx:
            return people.let_in(tx, name, key, also=also, now=self.pair.now)

    def item(self, doc: dict[str, Any]) -> queue.Item:
        found = queue.items(self.pair.north, now=self.pair.now)
        return next(each for each in found if each.review.stix_id == doc["id"])

    def body(self, name: str, verdict: Says, doc: dict[str, Any]) -> bytes:
        item = self.item(doc).review.item
        said = queue.statement(item, name, verdict, "a reason", now=self.pair.tick())
        return queue.body_of(said)

    def say(self, name: str, verdict: Says, *docs: dict[str, Any]) -> None:
        for doc in docs:
            body = self.body(name, verdict, doc)
            queue.say(self.pair.north, self.devices[name].sign(body), now=self.pair.now)
            self.pair.reconcile()

    def say_by_file(self, *docs: dict[str, Any]) -> None:
        for doc in docs:
            item = self.item(doc).review.item
            said = queue.statement(item, "bo", "approve", "", now=self.pair.tick())
            queue.say(self.pair.north, queue.sign(said, self.bo, self.file), now=self.pair.now)
            self.pair.reconcile()

    def gone(self) -> bool:
        return hospital["id"] in self.pair.delivered()


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_a_passkey_and_a_key_file_are_two_people(desk: Desk) -> None:
    desk.say("ada", "approve", hospital, TARGETS)
    assert not desk.gone()
    desk.say_by_file(hospital, TARGETS)
    assert desk.gone()
    desk.pair.sync()


def test_two_passkeys_of_one_person_are_one_person(desk: Desk) -> None:
    second = Device()
    with pytest.raises(RefusedError, match="There is or was a person called ada"):
        desk.let_in("ada", second.key)
    desk.let_in("ada", second.key, also=True)
    desk.say("ada", "approve", hospital, TARGETS)
    for doc in (hospital, TARGETS):
        with pytest.raises(RefusedError, match="has said that already"):
            queue.say(
                desk.pair.north,
                second.sign(desk.body("ada", "approve", doc)),
                now=desk.pair.now,
            )
    desk.pair.reconcile()
    assert not desk.gone()
    desk.say("cy", "approve", hospital, TARGETS)
    assert desk.gone()


def test_one_key_does_not_serve_two_names(desk: Desk) -> None:
    device = desk.devices["cy"]
    for also, name in ((False, "dee"), (True, "ada")):
        with pytest.raises(RefusedError, match="This is the key of cy"):
            desk.let_in(name, device.key, also=also)
    assert isinstance(device.private, Ed25519PrivateKey)
    with pytest.raises(RefusedError, match="This is the key of cy"):
        people.enrol(desk.pair.north, "dee", device.private, now=desk.pair.now)
    moved = device.key.replace("cert.example.net", "other.example.net")
    with pytest.raises(RefusedError, match="This is the key of cy"):
        desk.let_in("dee", moved)


@pytest.mark.parametrize(
    "change",
    [
        {"origin": "https://evil.example"},
        {"host": "evil.example"},
        {"flags": 0x01},
        {"type_": "webauthn.create"},
    ],
)
def test_a_hostile_assertion_says_nothing(desk: Desk, change: dict[str, object]) -> None:
    body = desk.body("ada", "approve", hospital)
    with pytest.raises(ProofError):
        queue.say(desk.pair.north, desk.devices["ada"].sign(body, **change), now=desk.pair.now)
    assert desk.item(hospital).said == ()


def test_a_passkey_speaks_for_its_person_alone(desk: Desk) -> None:
    body = desk.body("ada", "approve", hospital)
    with pytest.raises(ProofError, match="not of a key of this person"):
        queue.say(desk.pair.north, desk.devices["cy"].sign(body), now=desk.pair.now)
    forged = desk.devices["cy"].sign(body, key=desk.devices["ada"].key)
    with pytest.raises(ProofError, match="not that of its key"):
        queue.say(desk.pair.north, forged, now=desk.pair.now)
    with pytest.raises(RefusedError, match="Nobody called eve is enrolled"):
        queue.say(
            desk.pair.north,
            Device().sign(desk.body("eve", "approve", hospital)),
            now=desk.pair.now,
        )


def test_an_assertion_counts_once_and_for_its_bytes_alone(desk: Desk) -> None:
    body = desk.body("ada", "approve", hospital)
    signed = desk.devices["ada"].sign(body)
    queue.say(desk.pair.north, signed, now=desk.pair.now)
    with pytest.raises(RefusedError, match="has said that already"):
        queue.say(desk.pair.north, signed, now=desk.pair.now)
    with pytest.raises(RefusedError, match="not signed just now"):
        queue.say(desk.pair.north, signed, now=desk.pair.now + DAY)
    desk.pair.agree(age=400)
    assert desk.item(hospital).reviewed.approvals == (), "another version, another item"


def test_who_requested_it_cannot_approve_by_passkey_either(desk: Desk) -> None:
    desk.say("ada", "refuse", hospital)
    desk.say("ada", "request", hospital)
    with pytest.raises(RefusedError, match="cannot approve"):
        desk.say("ada", "approve", hospital)


def test_a_row_that_was_altered_counts_no_more(desk: Desk) -> None:
    desk.say("ada", "approve", hospital)
    with desk.pair.north.store.write() as tx:
        tx.execute(
            reviews.verdict.update().values(
                signed=reviews.verdict.c.signed.op("||")(" ")  # still JSON, and still signed
            )
        )
    assert len(desk.item(hospital).reviewed.approvals) == 1
    with desk.pair.north.store.write() as tx:
        row = tx.execute(reviews.verdict.select()).one()
        said = json.loads(row.signed)
        said["assertion"]["key"] = desk.devices["cy"].key
        tx.execute(reviews.verdict.update().values(signed=json.dumps(said)))
    assert desk.item(hospital).reviewed.approvals == ()


def test_a_key_that_ended_says_no_more_and_what_was_said_stays(desk: Desk) -> None:
    desk.say("ada", "approve", hospital)
    with desk.pair.north.store.write() as tx:
        people.end_key(tx, desk.devices["ada"].key, "lost", now=desk.pair.tick())
        people.end_key(tx, desk.devices["ada"].key, "again", now=desk.pair.tick())
    assert len(desk.item(hospital).reviewed.approvals) == 1
    with pytest.raises(RefusedError, match="Nobody called ada is enrolled"):
        desk.say("ada", "approve", TARGETS)
    with desk.pair.north.store.read() as tx:
        ends = [json.loads(r) for k, r in private.pending(tx) if k == "person" and '"ended"' in r]
    assert [(each["person"], each["key"]) for each in ends] == [("ada", desk.devices["ada"].key)]
