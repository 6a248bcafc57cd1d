"""Two persons over exact bytes: what waits, who may say what, and what ends what was said."""

import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tearline.agreement import jws
from tearline.approval import people, queue
from tearline.approval.queue import Item, Says
from tearline.errors import ProofError, RefusedError
from tearline.log import record
from tearline.release import arrive, inbound, recall, reconcile, replay
from tearline.stix import canonical
from tearline.store import logs, private, reviews
from tearline.store.reviews import Person
from tests.pair import DAY, Pair, make_pair, rel, sdo

pytestmark = pytest.mark.usefixtures("either_store")

HOUR = DAY // 24
heron = sdo("intrusion-set", "Gray Heron")
hospital = sdo("identity", "a hospital")
TARGETS = rel(heron, "targets", hospital)


class Desk:
    """North's queue, and the people at it."""

    def __init__(self, folder: Path, **limits: object) -> None:
        self.pair = make_pair(folder)
        self.keys: dict[str, tuple[Person, Ed25519PrivateKey]] = {}
        for name in ("ada", "bo", "cy"):
            key = Ed25519PrivateKey.generate()
            self.keys[name] = people.enrol(self.pair.north, name, key, now=self.pair.now), key
        self.pair.put(heron, hospital, TARGETS)
        self.pair.agree(approvals=2, **limits)

    def items(self) -> dict[str, Item]:
        found = queue.items(self.pair.north, now=self.pair.now)
        assert all(each.state == each.review.state for each in found)
        return {each.review.stix_id: each for each in found}

    def signed(self, name: str, verdict: Says, doc: dict[str, Any], text: str = "") -> jws.Signed:
        person, key = self.keys[name]
        item = self.items()[doc["id"]].review.item
        said = queue.statement(item, name, verdict, text, now=self.pair.tick())
        return queue.sign(said, person, key)

    def say(self, name: str, verdict: Says, *docs: dict[str, Any]) -> None:
        for doc in docs:
            signed = self.signed(name, verdict, doc, "a reason")
            queue.say(self.pair.north, signed, now=self.pair.now)
            self.pair.reconcile()

    def approve_all(self) -> None:
        for name in ("ada", "bo"):
            self.say(name, "approve", hospital, TARGETS)

    def gone(self) -> set[str]:
        return {each for each in self.pair.delivered() if each in {hospital["id"], TARGETS["id"]}}

    def state(self, doc: dict[str, Any]) -> str:
        return self.items()[doc["id"]].state


BOTH = {hospital["id"], TARGETS["id"]}


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_what_two_people_approved_goes_and_the_receiver_takes_it(desk: Desk) -> None:
    assert desk.items().keys() == BOTH
    desk.say("ada", "approve", hospital, TARGETS)
    assert desk.gone() == set()
    desk.say("bo", "approve", hospital)
    assert desk.gone() == set()  # the targeting still waits, and it is what ties it to the topic
    desk.say("bo", "approve", TARGETS)
    assert desk.gone() == BOTH
    settled = desk.pair.sync()
    assert (settled.accepted, settled.quarantined) == (3, 0)
    assert inbound.quarantined(desk.pair.south, desk.pair.agreement_id) == []
    assert replay.replay(desk.pair.north).differing == ()


def test_the_slip_commits_to_the_signed_approvals_and_names_nobody(desk: Desk) -> None:
    desk.approve_all()
    slips = {each["object"]: each for each in entries(desk.pair) if each["kind"] == "release"}
    for stix_id in BOTH:
        item = desk.items()[stix_id]
        signed = [canonical.sha256(each.signed.encode()) for each in item.said]
        assert slips[stix_id]["attested"]["approvals"] == signed
    assert "approvals" not in slips[heron["id"]]["attested"]
    assert not {"ada", "bo"} & set(json.dumps(slips).replace('"', " ").split())


def test_who_requested_it_cannot_approve_it(desk: Desk) -> None:
    desk.say("ada", "approve", hospital)
    desk.say("ada", "request", hospital)
    with pytest.raises(RefusedError, match="requested it"):
        desk.say("ada", "approve", hospital)
    desk.say("bo", "approve", hospital, TARGETS)
    desk.say("ada", "approve", TARGETS)
    assert desk.gone() == set()  # the request ended what ada said of the hospital before
    desk.say("cy", "approve", hospital)
    assert desk.gone() == BOTH


def test_one_no_is_enough_and_lasts_until_it_is_requested_anew(desk: Desk) -> None:
    desk.say("ada", "refuse", TARGETS)
    assert desk.state(TARGETS) == "rests"  # the hospital is about nothing any more
    pair = desk.pair
    for _ in range(2):
        pair.put(sdo("malware", f"another {pair.now}"))
        pair.reconcile()
    assert desk.items()[TARGETS["id"]].reviewed.refused
    desk.say("bo", "request", TARGETS)
    assert (desk.state(TARGETS), desk.state(hospital)) == ("waits", "waits")
    for name in ("ada", "cy"):
        desk.say(name, "approve", hospital, TARGETS)
    assert desk.gone() == BOTH


def test_silence_withholds_when_the_time_of_the_clause_is_over(desk: Desk) -> None:
    desk.say("ada", "approve", hospital, TARGETS)
    desk.pair.tick(72 * HOUR)
    desk.pair.reconcile()
    assert desk.gone() == set()
    assert {desk.state(hospital), desk.state(TARGETS)} <= {"lapsed", "rests"}
    for doc in (hospital, TARGETS):
        if desk.state(doc) == "lapsed":
            with pytest.raises(RefusedError, match="Nobody approved it in time"):
                desk.say("bo", "approve", doc)
    desk.say("cy", "request", TARGETS)
    desk.say("cy", "request", hospital)
    desk.approve_all()
    assert desk.gone() == BOTH


def test_nobody_counts_twice(desk: Desk) -> None:
    desk.say("ada", "approve", TARGETS)
    with pytest.raises(RefusedError, match="already"):
        desk.say("ada", "approve", TARGETS)
    key = Ed25519PrivateKey.generate()
    people.enrol(desk.pair.north, "dee", key, now=desk.pair.now)
    with pytest.raises(RefusedError, match="key of dee"):
        people.enrol(desk.pair.north, "dee the second", key, now=desk.pair.now)


def test_only_the_person_who_is_enrolled_can_sign(desk: Desk) -> None:
    item = desk.items()[hospital["id"]].review.item
    now = desk.pair.tick()
    ada, _ = desk.keys["ada"]
    stolen = queue.sign(
        queue.statement(item, "ada", "approve", "", now=now), ada, Ed25519PrivateKey.generate()
    )
    with pytest.raises(ProofError):
        queue.say(desk.pair.north, stolen, now=now)
    bo, key = desk.keys["bo"]
    in_her_name = queue.sign(queue.statement(item, "ada", "approve", "", now=now), bo, key)
    with pytest.raises(ProofError):
        queue.say(desk.pair.north, in_her_name, now=now)
    late = desk.signed("bo", "approve", hospital)
    with pytest.raises(RefusedError, match="not signed just now"):
        queue.say(desk.pair.north, late, now=desk.pair.tick(HOUR))
    people.end(desk.pair.north, "bo", "left", now=desk.pair.now)
    with pytest.raises(RefusedError, match="Nobody called bo"):
        desk.say("bo", "approve", hospital)


def test_other_bytes_are_another_item(desk: Desk) -> None:
    desk.say("ada", "approve", hospital, TARGETS)
    before = desk.items()[hospital["id"]].review
    signed = desk.signed("bo", "approve", hospital)
    desk.pair.put(hospital | {"name": "two hospitals", "modified": "2026-03-05T00:00:00.000Z"})
    desk.pair.reconcile()
    after = desk.items()[hospital["id"]]
    assert after.review.item != before.item
    assert after.said == ()
    with pytest.raises(RefusedError, match="has a new name"):
        queue.say(desk.pair.north, signed, now=desk.pair.now)
    desk.say("bo", "approve", hospital, TARGETS)
    assert desk.gone() == set()
    desk.say("ada", "approve", hospital)
    assert desk.gone() == BOTH


def test_a_new_version_of_what_was_approved_waits_again(desk: Desk) -> None:
    desk.approve_all()
    desk.pair.put(hospital | {"name": "two hospitals", "modified": "2026-03-05T00:00:00.000Z"})
    desk.pair.reconcile()
    assert desk.gone() == set()
    assert desk.state(hospital) == "waits"
    assert recall.recalls(desk.pair.north, now=desk.pair.now) == []


def test_what_ended_while_it_was_decided_and_waits_again_is_asked_anew(desk: Desk) -> None:
    # The clinic is asked about as it goes while the hospital stays; for a moment of one plan the
    # hospital goes, and so the clinic in other bytes, until its own new version is seen.
    clinic = sdo("identity", "a clinic", created_by_ref=hospital["id"])
    desk.pair.put(clinic, rel(heron, "targets", clinic))
    desk.pair.reconcile()
    asked = desk.items()[clinic["id"]].review.item
    desk.say("ada", "approve", hospital, TARGETS)
    desk.say("bo", "approve", TARGETS)
    queue.say(desk.pair.north, desk.signed("bo", "approve", hospital), now=desk.pair.now)
    desk.pair.put(hospital | {"name": "another", "modified": "2026-03-02T00:00:00.000Z"})
    desk.pair.reconcile()
    assert desk.gone() == set()
    assert (desk.state(clinic), desk.items()[clinic["id"]].review.item) == ("waits", asked)


def test_another_version_of_the_agreement_voids_what_was_said(desk: Desk) -> None:
    desk.say("ada", "approve", hospital, TARGETS)
    desk.pair.agree(approvals=2, age=3650)
    assert desk.items().keys() == BOTH
    desk.say("bo", "approve", hospital, TARGETS)
    assert desk.gone() == set()
    desk.say("ada", "approve", hospital, TARGETS)
    assert desk.gone() == BOTH


def test_an_approval_is_used_once(desk: Desk) -> None:
    desk.approve_all()
    arrive.hold(desk.pair.north, "object", hospital["id"], "a doubt", now=desk.pair.tick())
    desk.pair.reconcile()
    assert desk.gone() == set()
    arrive.release_hold(desk.pair.north, "object", hospital["id"], "none", now=desk.pair.tick())
    desk.pair.reconcile()
    assert desk.gone() == set()
    assert desk.state(hospital) == "waits"
    assert desk.items()[hospital["id"]].reviewed.approvals == ()


def test_an_approval_is_used_once_though_nothing_was_decided_in_between(desk: Desk) -> None:
    desk.approve_all()
    arrive.hold(desk.pair.north, "object", hospital["id"], "a doubt", now=desk.pair.tick())
    arrive.release_hold(desk.pair.north, "object", hospital["id"], "none", now=desk.pair.tick())
    desk.pair.reconcile()
    assert hospital["id"] not in desk.gone()
    assert desk.items()[hospital["id"]].reviewed.approvals == ()


def test_a_verdict_that_was_altered_in_the_store_counts_no_more(desk: Desk) -> None:
    desk.say("ada", "approve", hospital, TARGETS)
    desk.say("bo", "approve", TARGETS)
    item = desk.items()[hospital["id"]].review.item
    of_targets = desk.items()[TARGETS["id"]].said[1]
    with desk.pair.north.store.write() as tx:
        reviews.add_verdict(tx, of_targets._replace(item=item))
    reconcile.reconcile(desk.pair.north, desk.pair.agreement_id, now=desk.pair.tick(), whole=True)
    assert desk.gone() == set()


def test_every_verdict_is_in_the_private_log_with_its_signature(desk: Desk) -> None:
    desk.approve_all()
    with desk.pair.north.store.read() as tx:
        told = [json.loads(line) for kind, line in private.pending(tx) if kind == "verdict"]
        found = [
            json.loads(row[3])
            for row in logs.records(tx, record.PRIVATE, 0, logs.head(tx, record.PRIVATE).size)
        ]
    told += [each for each in found if each["kind"] == "verdict"]
    assert len(told) == 4
    for each in told:
        signed = jws.convert(each["signed"])
        body = json.loads(jws.verify(signed, desk.keys[json.loads(signed.body)["person"]][0].key))
        assert body["verdict"] == "approve"


def entries(pair: Pair) -> list[dict[str, Any]]:
    log = record.our_log(pair.agreement_id)
    with pair.north.store.read() as tx:
        return [json.loads(row[3]) for row in logs.records(tx, log, 0, logs.head(tx, log).size)]
