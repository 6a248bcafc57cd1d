"""Two stores that are equal on what was released answer a partner byte for byte the same.

One node agrees and releases; its home is copied, and one copy learns of things that stay: objects
that are withheld or wait, older versions, holds, refused messages, sources, accounts, another
partner. Then every route is asked on both.
"""

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from tearline import clock
from tearline.agreement import signing
from tearline.agreement.card import card_hash, check_words
from tearline.agreement.home import Home, create_home, open_home
from tearline.agreement.messages import MessageRefusedError
from tearline.agreement.partners import add_party
from tearline.exchange import accounts, peer_server
from tearline.node import publisher
from tearline.node.app import create_app
from tearline.release import arrive, collecting, consenting, preview
from tearline.release.arrive import Annotation
from tearline.release.reconcile import reconcile_all
from tearline.stix.timestamp import format_timestamp
from tearline.store import releases
from tests.chain import ASKED
from tests.exchange.nodes import Nodes, make_nodes
from tests.pair import TYPES, as_object, rel, sdo, stix_id

HOUR = 3_600_000_000
DAY = 24 * HOUR
MAKER = sdo("identity", "Harbour Lab")
heron = sdo("intrusion-set", "Gray Heron", created_by_ref=MAKER["id"])
loader = sdo("malware", "Mud Loader", x_desk="12")
uses = rel(heron, "uses", loader)
sign = sdo("indicator", "a sign")
says = rel(sign, "indicates", loader)
gone = sdo("indicator", "another sign")
gone_says = rel(gone, "indicates", loader)
UNHELD = sdo("malware", "Stone Loader")
weekly = sdo(
    "report",
    "weekly",
    labels=["gray-heron"],
    published=heron["created"],
    object_refs=[heron["id"], UNHELD["id"], sign["id"]],
)
late = sdo("malware", "Late Loader")
late_uses = rel(heron, "uses", late, created_by_ref=MAKER["id"])
claim = sdo("note", "a claim", content="said", object_refs=[heron["id"]])
other_claim = sdo("note", "another", content="said", object_refs=[UNHELD["id"]])
del claim["name"], other_claim["name"]
alike = sdo(
    "grouping",
    "alike",
    labels=["gray-heron", "proposition"],
    context="unspecified",
    object_refs=[other_claim["id"], claim["id"]],
)
RELEASED = (heron, loader, uses, sign, says, gone, gone_says, weekly, claim, alike)

clinic = sdo("identity", "Harbour Clinic")
targets = rel(heron, "targets", clinic)
red = sdo("indicator", "a red sign")
red_says = rel(red, "indicates", loader)
seen = sdo("sighting", "s", sighting_of_ref=UNHELD["id"], where_sighted_refs=[clinic["id"]])
note = sdo("note", "n", content="said", object_refs=[heron["id"]], authors=["Ada"])
del note["name"], seen["name"]
wave = sdo("campaign", "winter wave", first_seen="2026-01-01T00:00:00Z")
domain = {
    "type": "domain-name",
    "spec_version": "2.1",
    "id": stix_id("domain-name", "d"),
    "value": "d.example",
}


class Copy(NamedTuple):
    """One of the two homes, and the moment at which its node is asked."""

    home: Home
    now: int

    def take(self, *docs: dict[str, Any], level: int = 0, source: str = "elsewhere") -> None:
        said = Annotation(level, None)
        arriving = [as_object(doc) for doc in docs]
        arrive.arrive(self.home, arriving, source=source, annotation=said, now=self.now)


def a_message_that_is_none(copy: Copy) -> None:
    with pytest.raises(MessageRefusedError):
        peer_server.receive(copy.home, b"{}", now=copy.now)


def an_account(copy: Copy) -> None:
    collecting.add_collection(copy.home, "feed", "", "", now=copy.now)
    rights = ["feed"]
    accounts.add_account(
        copy.home, "reader", "a long password", read=rights, write=rights, now=copy.now
    )


def a_published_private_log(copy: Copy) -> None:
    copy.take(UNHELD)
    reconcile_all(copy.home, now=copy.now)
    publisher.flush_private(copy.home, now=copy.now)
    publisher.publish_grown(copy.home, now=copy.now)


def a_held_source(copy: Copy) -> None:
    copy.take(UNHELD, domain, source="desk 9")
    arrive.hold(copy.home, "source", "desk 9", "not ours", now=copy.now)


def a_hold_that_ended(copy: Copy) -> None:
    copy.take(UNHELD)
    arrive.hold(copy.home, "object", UNHELD["id"], "not ours", now=copy.now)
    reconcile_all(copy.home, now=copy.now)
    arrive.release_hold(copy.home, "object", UNHELD["id"], "ours", now=copy.now)


def many_of_them(copy: Copy) -> None:
    copy.take(*(sdo("malware", f"other {number}") for number in range(60)))


def a_look(copy: Copy) -> None:
    copy.take(clinic, targets)
    reconcile_all(copy.home, now=copy.now)
    preview.explain(copy.home, clinic["id"], "south-isac", now=copy.now)


ACTS: dict[str, Callable[[Copy], None]] = {
    "what a report names and nobody held": lambda copy: copy.take(UNHELD),
    "what says alike and stays": lambda copy: copy.take(UNHELD, other_claim),
    "who made it": lambda copy: copy.take(MAKER, level=4),
    "a victim that waits": lambda copy: copy.take(clinic, targets),
    "where a stranger was seen": lambda copy: copy.take(UNHELD, clinic, seen),
    "what is marked too strictly": lambda copy: copy.take(red, red_says, level=4),
    "what shows its author": lambda copy: copy.take(note),
    "what goes on": lambda copy: copy.take(wave, rel(wave, "attributed-to", heron)),
    "an observable": lambda copy: copy.take(domain),
    "an older version": lambda copy: copy.take(
        loader
        | {"modified": loader["modified"].replace("2026-03", "2026-02"), "name": "Old"}
        | {"created": loader["created"].replace("2026-03", "2026-02")}
    ),
    "many others": many_of_them,
    "a held source": a_held_source,
    "a hold that ended": a_hold_that_ended,
    "a refused message": a_message_that_is_none,
    "an account of ours": an_account,
    "a private log": a_published_private_log,
    "a look at it": a_look,
}


class Agreed(NamedTuple):
    """Two nodes that agreed, and all that South could ask North."""

    nodes: Nodes
    asked: list[tuple[str, str]]


@pytest.fixture(scope="module")
def agreed(tmp_path_factory: pytest.TempPathFactory) -> Agreed:
    """Two nodes that agreed; what went went, one of it was recalled, and South has it all."""
    nodes = make_nodes(tmp_path_factory.mktemp("agreed"))
    said = Annotation(0, None)
    arriving = [as_object(doc) for doc in RELEASED]
    arrive.arrive(nodes.north, arriving, source="desk", annotation=said, now=nodes.tick())
    shape = {"remove": '["x_*"]', "when": '["victim", "live-operation"]'}
    nodes.agree(types=json.dumps([*TYPES, "grouping"]), reach=2, **shape)
    assert {"grouping", "note", "report"} <= {each["type"] for each in nodes.delivered().values()}
    arrive.hold(nodes.north, "object", gone["id"], "a mistake", now=nodes.tick())
    nodes.reconcile()
    assert nodes.sync().quarantined == 0
    nodes.north.publish(nodes.agreement_id, now=nodes.tick())
    with nodes.north.store.read() as tx:
        rows = releases.page(tx, nodes.agreement_id, after=0, now=nodes.now, limit=1000)
    moments = [format_timestamp(row.at, digits=6) for row in rows[::3]]
    asked = questions(nodes, sorted(row.delivered_id for row in rows), moments)
    nodes.close()
    return Agreed(nodes, asked)


@contextmanager
def two_copies(agreed: Agreed, folder: Path) -> Iterator[tuple[Copy, Copy]]:
    now = agreed.nodes.now + HOUR
    copies = []
    for name in ("plain", "other"):
        shutil.copytree(agreed.nodes.north.path, folder / name)
        copies.append(Copy(open_home(folder / name), now))
    try:
        yield copies[0], copies[1]
    finally:
        for each in copies:
            each.home.store.close()
        shutil.rmtree(folder)


def questions(nodes: Nodes, delivered: list[str], moments: list[str]) -> list[tuple[str, str]]:
    """Every route, with every filter, for what was released, what was not, and what is nowhere."""
    root = "/taxii2/agreements/"
    own, nowhere = nodes.path, nodes.path.replace(nodes.collection, "11" * 4 + nodes.collection[8:])
    withheld = [each["id"] for each in (UNHELD, MAKER, clinic, targets, red, note, wave, domain)]
    withheld.append(other_claim["id"])
    ids = [*delivered, *withheld, loader["id"], gone["id"], "malware--no", stix_id("tool", "none")]
    uuid = nodes.agreement_id.removeprefix("urn:uuid:")
    log = f"/peer/agreements/{uuid}/log/"
    filters = [
        *("", "limit=1", "limit=3", "limit=0", "limit=x", "next=abc", "colour=red"),
        *(f"match[id]={each}" for each in ids),
        f"match[id]={','.join(ids)}",
        *(f"match[type]={each}" for each in ("malware", "identity", "campaign", "report,note")),
        *(f"match[version]={each}" for each in ("all", "first", "last", loader["modified"])),
        *("match[spec_version]=2.1", "match[spec_version]=2.0"),
        *(f"added_after={each}" for each in ("2020-01-01T00:00:00Z", *moments, "2099-01-01")),
    ]
    paths = [
        *("/taxii2/", root, f"{root}collections/", own, nowhere, f"{nowhere}objects/", "/health"),
        *(f"{own}objects/?{each}" for each in filters),
        *(f"{own}manifest/?{each}" for each in filters),
        *(f"{own}objects/{each}/" for each in ids),
        *(f"{own}objects/{each}/versions/" for each in ids),
        *(f"{root}status/{uuid}/", "/taxii2/local/", "/taxii2/local/collections/"),
        *(f"/taxii2/local/collections/{each}/" for each in ("feed", nodes.collection)),
        f"/taxii2/local/status/{uuid}/",
        *(
            f"{log}{each}"
            for each in ("checkpoint", "records", "records?after=1", "records?after=")
        ),
        *(f"{log}tile/{each}" for each in ("0/000", "entries/000", "1/000", "x")),
        *(f"{log}tile/{kind}/000.p/{size}" for kind in ("0", "entries") for size in range(1, 9)),
        log.replace(uuid, "11" * 4 + uuid[8:]) + "checkpoint",
        *("/peer/agreements/", "/peer/", "/nothing"),
    ]
    written = [f"{own}objects/", f"{own}objects/{loader['id']}/", f"{own}objects/{clinic['id']}/"]
    return [
        *(("GET", each) for each in paths),
        *(("HEAD", each) for each in paths[:6]),
        *((verb, each) for each in written for verb in ("POST", "DELETE", "PUT")),
        ("POST", "/peer/messages"),
    ]


def answers(copy: Copy, agreed: Agreed) -> dict[str, tuple[int, dict[str, str], bytes]]:
    """What a node says to each question: with South's key, with a wrong one, and with none."""
    key = {"Authorization": f"Bearer {agreed.nodes.key}"}
    relied = {"Tearline-Agreement": agreed.nodes.last_hash or ""}
    few = agreed.asked[::15]
    found: dict[str, tuple[int, dict[str, str], bytes]] = {}
    app = create_app(copy.home.path, jobs=False)
    with (
        mock.patch.object(clock, "now", return_value=copy.now),
        mock.patch.object(clock, "fresh_bytes", fixed_bytes),
        TestClient(app, raise_server_exceptions=False) as client,
    ):
        client.auth = agreed.nodes.signs
        for name, asked, headers in (
            ("right", agreed.asked, key | relied),
            ("outdated", few, key | {"Tearline-Agreement": "sha256:0"}),
            ("forged", few, key | {"Signature": "tearline=:AA==:"}),
            ("wrong", few[:9], {"Authorization": "Bearer no"}),
            ("none", few[:9], {}),
        ):
            for verb, path in asked:
                page = path
                while page:
                    said = client.request(verb, page, headers=headers)
                    one = said.status_code, dict(said.headers), said.content
                    found[f"{name} {verb} {page}"] = one
                    walks = path.endswith("limit=1") and said.status_code == 200
                    token = said.json().get("next") if walks else None
                    page = f"{path}&next={token}" if token else ""
    return found


def fixed_bytes(count: int) -> bytes:
    """Chance that falls the same on both sides: what differs by chance alone tells nothing."""
    return b"\7" * count


def differing(agreed: Agreed, plain: Copy, other: Copy, *, served: int = 60) -> list[str]:
    """The questions that the two answer in different ways; at least so many are `served`."""
    first, second = (answers(each, agreed) for each in (plain, other))
    assert sum(each[0] == 200 for each in first.values()) >= served
    return [each for each in first.keys() | second.keys() if first.get(each) != second.get(each)]


@settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck))
@given(acts=st.lists(st.sampled_from(sorted(ACTS)), min_size=1, max_size=8, unique=True))
def test_what_stays_changes_nothing_that_a_partner_can_see(
    agreed: Agreed, tmp_path_factory: pytest.TempPathFactory, acts: list[str]
) -> None:
    with two_copies(agreed, tmp_path_factory.mktemp("copies") / "of") as (plain, other):
        for act in acts:
            ACTS[act](other)
        for each in (plain, other):
            reconcile_all(each.home, now=each.now)
        assert differing(agreed, plain, other) == []


def test_what_is_released_later_goes_the_same_too(agreed: Agreed, tmp_path: Path) -> None:
    with two_copies(agreed, tmp_path / "of") as (plain, other):
        for act in ACTS.values():
            act(other)
        for each in (plain, other):
            with mock.patch.object(clock, "fresh_bytes", fixed_bytes):
                each.take(late, late_uses, source="desk")
                assert sum(
                    done.released for done in reconcile_all(each.home, now=each.now).values()
                )
        assert differing(agreed, plain, other) == []


def test_an_end_is_the_same_too(agreed: Agreed, tmp_path: Path) -> None:
    with two_copies(agreed, tmp_path / "of") as (plain, other):
        for act in ACTS.values():
            act(other)
        for each in (plain, other):
            with mock.patch.object(clock, "fresh_bytes", fixed_bytes):
                signing.suspend(each.home, agreed.nodes.agreement_id, reason="stop", now=each.now)
                reconcile_all(each.home, now=each.now)
        assert differing(agreed, plain, other, served=10) == []


def test_one_release_more_is_seen(agreed: Agreed, tmp_path: Path) -> None:
    with two_copies(agreed, tmp_path / "of") as (plain, other):
        other.take(late, late_uses)
        reconcile_all(other.home, now=other.now)
        assert len(differing(agreed, plain, other)) > 20


class Passing(NamedTuple):
    """North's home at three moments, and what a partner asks it.

    `alone`, before another partner gave it anything; `waiting`, while that one is asked whether
    some of it may go on; and `refused`, when it said no.
    """

    asked: Agreed
    alone: Path
    waiting: Path
    refused: Path


@pytest.fixture(scope="module")
def passing(tmp_path_factory: pytest.TempPathFactory) -> Passing:
    """North gives South what is its own; East gives North what may go on if East consents."""
    folder = tmp_path_factory.mktemp("passing")
    nodes = make_nodes(folder)
    said = Annotation(0, None)
    arriving = [as_object(doc) for doc in RELEASED]
    arrive.arrive(nodes.north, arriving, source="desk", annotation=said, now=nodes.tick())
    nodes.agree(reach=2)
    nodes.sync()
    east = create_home(folder / "east", "East CERT", None, nodes.tick())
    for us, them in ((nodes.north, east), (east, nodes.north)):
        file = (them.path / "card.json").read_bytes()
        add_party(us, file, check_words(card_hash(them.card)), now=nodes.tick())
    given = Nodes(east, nodes.north, nodes.now, f"{nodes.agreement_id[:-4]}00ee")
    given.limits = {"until": "2099-12-31", "onward": ASKED}
    plain = sdo("intrusion-set", "Gray Heron")
    given.put(plain, late, rel(plain, "uses", late))
    alone = _copied(nodes.north, folder / "alone")
    given.agree()
    given.sync()
    reconcile_all(nodes.north, now=given.tick())
    given.carry()
    questions_of = [each for each in consenting.questions(east) if not each.ours]
    assert {each.given for each in questions_of} == {late["id"], late_uses["id"]}
    waiting = _copied(nodes.north, folder / "waiting")
    for each in questions_of:
        consenting.answer(east, each.item, "refuse", "no", now=given.tick())
    given.carry()
    reconcile_all(nodes.north, now=given.tick())
    (why,) = preview.explain(nodes.north, late["id"], "south-isac", now=given.now)
    assert "consent-refused" in {each.code for each in why.reasons}
    refused = _copied(nodes.north, folder / "refused")
    nodes.now = given.now
    ids = [*(doc["id"] for doc in RELEASED), late["id"], late_uses["id"]]
    asked = Agreed(nodes, questions(nodes, ids, []))
    nodes.close()
    east.store.close()
    return Passing(asked, alone, waiting, refused)


def _copied(home: Home, folder: Path) -> Path:
    home.store.close()
    shutil.copytree(home.path, folder)
    return folder


@pytest.mark.parametrize("other", ["waiting", "refused"])
def test_what_its_giver_keeps_back_changes_nothing_either(passing: Passing, other: str) -> None:
    now = passing.asked.nodes.now + HOUR
    folders = passing.alone, getattr(passing, other)
    copies = [Copy(open_home(each), now) for each in folders]
    for each in copies:
        reconcile_all(each.home, now=now)
    found = differing(passing.asked, *copies)
    for each in copies:
        each.home.store.close()
    assert found == []
