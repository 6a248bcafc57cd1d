"""What a partner has of an object or would get, under each agreement, and on its side."""

import json
from pathlib import Path

import orjson
import pytest
from stix2validator import ValidationOptions, validate_instance

from tearline.agreement.terms import parse_toml
from tearline.errors import RefusedError
from tearline.release import facts, indexing, preview, showing
from tearline.store import objects, received, reviews
from tests.pair import Pair, make_pair, rel, sdo

heron = sdo("intrusion-set", "Gray Heron", x_desk="5")
clinic = sdo(
    "identity", "Harbour Clinic", sectors=["healthcare"], contact_information="desk 5", x_desk="5"
)
targets = rel(heron, "targets", clinic)
loader = sdo("malware", "Mud Loader", first_seen="2026-01-17T12:00:00Z")
use = rel(heron, "uses", loader)
wave = sdo("campaign", "winter wave", first_seen="2026-01-17T12:00:00Z")
wave_by = rel(wave, "attributed-to", heron)
stranger = sdo("malware", "Stone Loader")
note = sdo("note", "n", content="said", object_refs=[heron["id"]], authors=["Ada"])
del note["name"]
SHAPE = 'pseudonymise = ["identity.name"]\ncoarsen = { dates = "month", places = "country" }'
ALL = (heron, clinic, targets, loader, use, wave, wave_by, stranger, note)


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    made = make_pair(tmp_path)
    made.put(*ALL)
    made.agree(
        reach=2,
        shape=SHAPE,
        remove='["x_*", "contact_information"]',
        when='["victim", "live-operation"]',
    )
    return made


def shown(pair: Pair, doc: dict[str, object]) -> showing.Shown:
    our_id, found = showing.show(pair.north, str(doc["id"]), "south-isac", now=pair.now)
    assert our_id == doc["id"]
    return found[0]


def test_what_they_have_is_shown_byte_for_byte_with_what_differs(pair: Pair) -> None:
    it = shown(pair, loader)
    assert it.has
    assert it.raw is not None
    theirs = orjson.loads(it.raw)
    assert pair.delivered()[theirs["id"]] == theirs
    assert [(each.place, each.theirs) for each in it.changes] == [
        ("id", theirs["id"]),
        ("first_seen", "2026-01-01T00:00:00.000Z"),
    ]
    assert it.explanation.outcome == "release"


def test_a_derived_id_shows_the_same(pair: Pair) -> None:
    it = shown(pair, loader)
    our_id, found = showing.show(
        pair.north, it.explanation.delivered_id or "", "south-isac", now=pair.now
    )
    assert our_id == loader["id"]
    assert found[0] == it


def test_what_waits_is_shown_as_it_would_go(pair: Pair) -> None:
    it = shown(pair, clinic)
    assert (it.has, it.explanation.outcome) == (False, "wait")
    theirs = orjson.loads(it.raw or b"")
    assert theirs["name"].startswith("identity-")
    assert b"Harbour" not in (it.raw or b"")
    assert {each.place for each in it.changes} == {"id", "name", "contact_information", "x_desk"}
    tie = orjson.loads(shown(pair, targets).raw or b"")
    assert tie["target_ref"] == theirs["id"]


def test_what_stays_shows_its_reasons_and_no_bytes(pair: Pair) -> None:
    for doc, code in ((stranger, "not-about"), (note, "source-unreviewed")):
        it = shown(pair, doc)
        assert (it.raw, it.changes, it.hash) == (None, (), None)
        assert it.explanation.outcome == "withhold"
        assert code in {each.code for each in it.explanation.reasons}
    sentence = shown(pair, note).explanation.reasons[0].sentence
    assert "a note or an opinion with authors" in sentence


def test_what_goes_as_it_is_has_no_difference(tmp_path: Path) -> None:
    pair = make_pair(tmp_path)
    pair.put(heron)
    pair.agree()
    it = shown(pair, heron)
    assert (it.changes, it.raw) == ((), json.dumps(heron).encode())


def test_an_unknown_object_is_refused(pair: Pair) -> None:
    with pytest.raises(RefusedError):
        showing.show(pair.north, "malware--" + clinic["id"][10:], "south-isac", now=pair.now)


def test_the_receiver_takes_what_was_shaped_and_finds_the_same_categories(pair: Pair) -> None:
    settled = pair.sync()
    assert settled.quarantined == 0
    assert settled.accepted == len(pair.delivered()) > 0
    with pair.south.store.read() as tx:
        held = {each.stix_id: each for each in objects.latest_all(tx, pair.agreement_id)}
    assert held.keys() == pair.delivered().keys()
    assert not any(each.found for each in held.values())


def test_what_an_agreement_adds_waits_on_one_side_and_is_refused_on_the_other(
    tmp_path: Path,
) -> None:
    pair = make_pair(tmp_path)
    label = sdo("malware", "Named Loader", labels=["informant"])
    pair.put(heron, loader, use, label, rel(heron, "uses", label))
    added = '[[category]]\nid = "source"\nlabels = ["informant"]'
    pair.agree(categories=added, when='["source"]')
    assert label["id"] not in pair.delivered()
    assert loader["id"] in pair.delivered()
    codes = {each.code for each in shown(pair, label).explanation.reasons}
    assert codes == {"source"}
    assert json.loads(shown(pair, label).raw or b"") == label


def test_the_oasis_validator_accepts_what_was_shaped(pair: Pair) -> None:
    for doc in pair.delivered().values():
        assert validate_instance(doc, ValidationOptions(version="2.1", strict=False)).is_valid


def test_a_giver_that_finds_nothing_is_found_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pair = make_pair(tmp_path)
    person = sdo("identity", "Ada", labels=["gray-heron"]) | {"identity_class": "individual"}
    added = '[[category]]\nid = "source"\ntypes = ["tool"]'
    with monkeypatch.context() as blind:
        blind.setattr(indexing, "found_in", lambda _doc: 0)
        blind.setattr(facts, "added_in", lambda _added, _doc: 0)
        crane = sdo("tool", "Crane", labels=["gray-heron"])
        pair.put(heron, loader, use, person, crane)
        pair.agree(categories=added)
    assert {person["id"], crane["id"]} < pair.delivered().keys()
    assert pair.sync().quarantined == 2
    with pair.south.store.read() as tx:
        away = received.in_state(tx, pair.agreement_id, "quarantined")
    assert {each.delivered_id: orjson.loads(each.reasons) for each in away} == {
        person["id"]: ["personal-data-unreviewed"],
        crane["id"]: ["source-unreviewed"],
    }


def test_a_revocation_tells_no_more_than_what_it_revokes(tmp_path: Path) -> None:
    pair = make_pair(tmp_path)
    lab = sdo("identity", "Harbour Lab", labels=["gray-heron"])
    pair.put(lab)
    pair.agree(shape=SHAPE)
    (before,) = pair.delivered().values()
    later = lab["modified"].replace("2026-03-01", "2026-03-02")
    pair.put(lab | {"revoked": True, "modified": later}, marking=None)
    pair.reconcile()
    (after,) = pair.delivered().values()
    assert (after["id"], after["name"], after["revoked"]) == (before["id"], before["name"], True)
    assert pair.sync().quarantined == 0


def test_a_preview_counts_them(pair: Pair) -> None:
    found = preview.preview(pair.north, parse_toml(pair.terms()), now=pair.now)
    counts = {str(each.code): each.total for each in found.reasons}
    assert counts["victim"] == 2
    assert counts["live-operation"] == 1
    assert counts["source-unreviewed"] == 1


def test_what_waits_is_shown_in_the_bytes_that_people_sign(pair: Pair) -> None:
    with pair.north.store.read() as tx:
        asked = {each.stix_id: each for each in reviews.of_agreement(tx, pair.agreement_id)}
    assert {clinic["id"], targets["id"]} <= asked.keys()
    for doc in (clinic, targets):
        row = asked[str(doc["id"])]
        assert shown(pair, doc).hash == row.hash
        assert (shown(pair, doc).raw, row.seq) == (row.raw, None)
    # Also where bytes of another moment would be others: what is signed does not move.
    with pair.north.store.write() as tx:
        other = asked[str(clinic["id"])]
        reviews.end_reviews(tx, pair.agreement_id, [(other.stix_id, other.item)])
        reviews.put_reviews(tx, [other._replace(raw=b'{"type":"identity","id":"x"}')])
    assert shown(pair, clinic).raw == b'{"type":"identity","id":"x"}'
