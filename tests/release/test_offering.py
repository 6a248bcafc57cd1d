"""A preview for the other side: in bands, signed, once, and nothing else."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tearline.agreement import outbox, signing
from tearline.agreement.messages import MessageRefusedError
from tearline.agreement.terms import Terms, parse_json, parse_toml
from tearline.errors import RefusedError
from tearline.exchange.peer_server import receive
from tearline.release import offering
from tests.pair import Pair, make_pair, rel, sdo

HERON = sdo("intrusion-set", "Gray Heron")
SIGNS = [sdo("indicator", f"sign {number}") for number in range(12)]


@pytest.fixture
def proposed(tmp_path: Path) -> Pair:
    """North proposed, South holds the proposal; North holds a dozen signs of the topic."""
    pair = make_pair(tmp_path)
    pair.put(HERON, *SIGNS, *(rel(each, "indicates", HERON) for each in SIGNS))
    pair.put(sdo("vulnerability", "of another matter"))
    pair.propose()
    pair.carry()
    return pair


def _terms(pair: Pair) -> Terms:
    with pair.north.store.read() as tx:
        version = signing.versions_of(tx, pair.agreement_id)[-1]
    return parse_json(version.terms)


def _messages(pair: Pair) -> list[bytes]:
    return [each for _, each in outbox.export_messages(pair.north, now=pair.tick())]


def test_it_arrives_in_bands_of_the_types_that_are_listed(proposed: Pair) -> None:
    pair = proposed
    offering.offer(pair.north, _terms(pair), now=pair.tick())
    (document,) = _messages(pair)
    assert receive(pair.south, document, now=pair.tick()) == "taken"
    found = offering.theirs(pair.south, pair.last_hash or "")
    assert found is not None
    bands, _ = found
    assert bands["indicator"] == offering.Bands("10-99", "none", "none")
    assert bands["intrusion-set"] == offering.Bands("1-9", "none", "none")
    assert "vulnerability" not in bands, "it is not listed, and nobody's business"
    assert b"12" not in json.dumps([each.go for each in bands.values()]).encode()


def test_asked_again_nothing_new_is_said_whatever_came(proposed: Pair) -> None:
    pair = proposed
    first = offering.offer(pair.north, _terms(pair), now=pair.tick())
    more = [sdo("indicator", f"later {number}") for number in range(200)]
    pair.put(*more, *(rel(each, "indicates", HERON) for each in more))
    again = offering.offer(pair.north, _terms(pair), now=pair.tick())
    assert again == first
    assert len(_messages(pair)) == 1


def test_only_what_the_partner_signed_for_this_agreement_is_kept(proposed: Pair) -> None:
    pair = proposed
    offering.offer(pair.north, _terms(pair), now=pair.tick())
    (document,) = _messages(pair)
    altered = json.loads(document)
    altered["payload"] = altered["payload"][:-4] + "AAAA"
    with pytest.raises(MessageRefusedError):
        receive(pair.south, json.dumps(altered).encode(), now=pair.tick())
    assert offering.theirs(pair.south, pair.last_hash or "") is None
    receive(pair.south, document, now=pair.tick())
    first = offering.theirs(pair.south, pair.last_hash or "")
    assert receive(pair.south, document, now=pair.tick()) == "taken"
    assert offering.theirs(pair.south, pair.last_hash or "") == first


def test_a_draft_that_the_partner_does_not_know_is_not_spoken_of(tmp_path: Path) -> None:
    pair = make_pair(tmp_path)
    with pytest.raises(RefusedError, match="does not know"):
        offering.offer(pair.north, parse_toml(pair.terms()), now=pair.now)
    assert _messages(pair) == []


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"bands": {"indicator": {"go": "12", "wait": "none", "stay": "none"}}},
        {"bands": {"indicator": {"go": "10-98", "wait": "none", "stay": "none"}}},
        {"bands": {"indicator": {"go": "none", "wait": "none"}}},
        {"bands": {}, "note": {}},
        {"bands": {f"t{n}": {"go": "none", "wait": "none", "stay": "none"} for n in range(300)}},
    ],
)
def test_what_says_more_than_bands_is_refused(body: dict[str, object]) -> None:
    with pytest.raises(RefusedError, match="not a preview"):
        offering.read_bands(body)


@given(st.integers(0, 10**12))
def test_a_band_tells_the_number_of_digits_alone(number: int) -> None:
    band = offering.band(number)
    bands = {"bands": {"tool": {"go": band, "wait": band, "stay": band}}}
    assert offering.read_bands(bands)["tool"].go == band
    if number:
        low, high = map(int, band.split("-"))
        assert low <= number <= high
        assert offering.band(low) == offering.band(high) == band
        assert high == low * 10 - 1
