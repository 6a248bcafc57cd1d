"""Reading a claim from a note and writing one, and every way in which it can be wrong."""

import json
import uuid
from collections.abc import Callable
from typing import Any

import jsonschema_rs
import pytest
import stix2
from hypothesis import given
from hypothesis import strategies as st
from stix2validator import ValidationOptions, validate_instance

from tearline.provenance.claims import (
    EXTENSION,
    MOST_LINKS,
    Claim,
    ClaimError,
    Likelihood,
    Link,
    Missing,
    Quantity,
    Wording,
    claim_of,
    disagreement,
    extension_of,
    note_of,
    twice_in,
)
from tearline.provenance.dates import span_of
from tearline.provenance.definitions import AUTHOR, CLAIM_DEFINITION
from tearline.stix.timestamp import parse_timestamp

AT = parse_timestamp("2026-03-01T00:00:00Z")
SPACE = uuid.UUID("5a0e0f53-6d3a-4b0e-9a0f-1d6a2f2f9b12")


def made(kind: str, name: str) -> str:
    return f"{kind}--{uuid.UUID(bytes=uuid.uuid5(SPACE, name).bytes, version=4)}"


PAPER, RADIO, ENVOY = (made("identity", each) for each in ("paper", "radio", "envoy"))
REPORT = made("report", "r")
OFFER, DENIAL = made("note", "offer"), made("note", "denial")
CHAIN = (
    Link("publisher", PAPER, said="2015-12-25"),
    Link("relay", RADIO, cue="according to"),
    Link("origin", ENVOY, interest="speaks for its own plan"),
)

text = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=12)
dates = st.sampled_from(["2014", "2015-11", "2015-11-30", "2015-11-30T12:00:00.5Z"])
numbers = st.integers(-(10**9), 10**9) | st.floats(-1e9, 1e9)


def ids(kind: str) -> st.SearchStrategy[str]:
    return st.uuids(version=4).map(lambda each: f"{kind}--{each}")


def some(of: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.lists(of, max_size=3).map(tuple)


@st.composite
def chains(draw: st.DrawFn) -> tuple[Link, ...]:
    def link(role: Any) -> Link:  # noqa: ANN401  # one of three words
        return Link(
            role,
            draw(st.just("") | ids("identity")),
            draw(st.just("") | text),
            draw(st.just("") | dates),
            draw(st.just("") | ids("report")),
            draw(st.booleans()),
            draw(st.just("") | text),
        )

    roles = ["publisher"] * draw(st.booleans()) + ["relay"] * draw(st.integers(0, 3))
    roles += ["origin"] * (draw(st.booleans()) or not roles)
    return tuple(link(each) for each in roles)


@st.composite
def claims(draw: st.DrawFn) -> tuple[Claim, str]:
    content = draw(text)
    denied, quoted = draw(st.booleans()), draw(st.booleans())
    start = draw(st.integers(0, 10**6)) if quoted else None
    number = draw(numbers)
    quantity = Quantity(number, "over", draw(text), draw(st.none() | st.just(abs(number) + 1)))
    claim = Claim(
        polarity="denied" if denied else "asserted",
        denies_ref=draw(ids("note")) if denied else "",
        certainty=draw(st.sampled_from(["plain", "hearsay", "subjunctive"])),
        hedges=draw(some(text)),
        source_chain=draw(chains()),
        report_ref=draw(ids("report")) if quoted else draw(st.just("") | ids("report")),
        excerpt_start=start,
        excerpt_end=None if start is None else start + len(content),
        said=draw(st.just("") | dates),
        true_from=draw(st.sampled_from(["", "2014", "2015-11"])),
        true_until=draw(st.sampled_from(["", "2015-11", "2016"])),
        quantity=draw(st.none() | st.just(quantity)),
        own_judgement=draw(st.booleans()),
        missing=draw(some(st.builds(Missing, text, st.just("") | ids("identity")))),
        likelihood=draw(st.none() | st.builds(Likelihood, st.just("icd-203"), text)),
        review=draw(st.sampled_from([None, "proposed", "edited"])),
        extractor=draw(st.just("") | text),
    )
    return claim, content


@given(claims(), text)
def test_what_is_written_is_read_again(given_: tuple[Claim, str], abstract: str) -> None:
    claim, content = given_
    about = (made("identity", "about"),)
    note = note_of(claim, Wording(abstract, content, about, "de"), note_id=OFFER, at=AT)
    assert claim_of(json.loads(json.dumps(note))) == claim
    named = {each.identity_ref for each in claim.source_chain} | {claim.report_ref} | {*about}
    assert set(note["object_refs"]) == named - {""}
    valid = jsonschema_rs.validator_for(json.loads(CLAIM_DEFINITION["schema"]))
    assert valid.is_valid(note["extensions"][EXTENSION])


names = st.sampled_from([*Claim.__struct_fields__, "role", "identity_ref", "what", "number"])
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=4),
    max_leaves=12,
)


@given(anything)
def test_whatever_stands_in_the_extension_is_a_claim_or_an_error(value: Any) -> None:  # noqa: ANN401
    note = {"type": "note", "content": "x", "extensions": {EXTENSION: value}}
    if isinstance(value, dict):
        value["extension_type"] = "property-extension"
    error, claim = None, None
    try:
        claim = claim_of(note)
    except ClaimError as raised:
        error = raised
    if error is None:
        assert (claim is None) == (value is None)
    else:
        assert (error.means, bool(error.do)) == ("The note is no claim.", True)


def test_what_has_no_extension_of_ours_is_no_claim() -> None:
    assert claim_of({"type": "note", "content": "x"}) is None
    assert claim_of({"type": "note", "extensions": []}) is None
    other: dict[str, Any] = {"extension-definition--7ea4f1a1-3c52-4b1d-9a55-0c2b6d1e7f99": {}}
    assert claim_of({"type": "note", "extensions": other}) is None
    assert claim_of({"type": "opinion", "extensions": {EXTENSION: {}}}) is None


def offer(**more: Any) -> Claim:  # noqa: ANN401  # fields of a claim
    return Claim(**{"polarity": "asserted", "certainty": "reported", "source_chain": CHAIN, **more})


def note(claim: Claim, content: str = "An exchange is proposed.") -> dict[str, Any]:
    return note_of(claim, Wording("An exchange", content), note_id=OFFER, created_by=PAPER, at=AT)


def _extension(change: dict[str, Any]) -> dict[str, Any]:
    doc = note(offer(report_ref=REPORT))
    extension = {**doc["extensions"][EXTENSION], **change}
    left = {name: value for name, value in extension.items() if value is not ...}
    return {**doc, "extensions": {EXTENSION: left}}


def _chain(*roles: str) -> list[dict[str, str]]:
    return [
        {"role": each, "identity_ref": made("identity", str(n))} for n, each in enumerate(roles)
    ]


WRONG = [
    ({"extension_type": "toplevel-property-extension"}, "", "no property-extension"),
    ({"polarity": ...}, "", "missing required field `polarity`"),
    ({"polarity": "doubted"}, "polarity", "Invalid enum value"),
    ({"polarity": "denied"}, "denies_ref", "does not say what it denies"),
    ({"denies_ref": OFFER}, "denies_ref", "denies nothing"),
    ({"polarity": "denied", "denies_ref": REPORT}, "denies_ref", "type note"),
    ({"polarity": "denied", "denies_ref": "note--1"}, "denies_ref", "type note"),
    ({"certainty": 3}, "certainty", "Expected `str`"),
    ({"source_chain": []}, "source_chain", "length >= 1"),
    ({"source_chain": _chain("relay", "publisher")}, "source_chain[1].role", "not the first"),
    ({"source_chain": _chain("origin", "relay")}, "source_chain[0].role", "not the last"),
    ({"source_chain": _chain("origin", "origin")}, "source_chain[1].role", "two of role origin"),
    ({"source_chain": _chain("publisher", "publisher")}, "source_chain[1].role", "two of role"),
    ({"source_chain": _chain("quoter")}, "source_chain[0].role", "Invalid enum value"),
    ({"source_chain": [{"role": "origin", "identity_ref": REPORT}]},
     "source_chain[0].identity_ref", "type identity"),
    ({"source_chain": [{"role": "origin", "said": "now"}]}, "source_chain[0].said", "no date"),
    ({"source_chain": _chain(*["relay"] * (MOST_LINKS + 1))}, "source_chain", "length <= 10000"),
    ({"hedges": []}, "hedges", "length >= 1"),
    ({"hedges": [""]}, "hedges[0]", "length >= 1"),
    ({"missing": []}, "missing", "length >= 1"),
    ({"missing": [{"what": "it", "report_ref": OFFER}]}, "missing[0].report_ref", "type report"),
    ({"later": []}, "later", "The list is empty"),
    ({"extractor": "a\0b"}, "extractor", "U+0000"),
    ({"said": "2015-13"}, "said", "no date"),
    ({"said": "2015-02-30"}, "said", "no date"),
    ({"true_from": "2016", "true_until": "2015"}, "true_until", "which is before"),
    ({"true_from": "2015-12", "true_until": "2015-11-30"}, "true_until", "which is before"),
    ({"excerpt_start": 3}, "excerpt_end", "One end"),
    ({"excerpt_end": 3}, "excerpt_start", "One end"),
    ({"excerpt_start": 3, "excerpt_end": 3}, "excerpt_end", "ends before"),
    ({"excerpt_start": 3, "excerpt_end": 9}, "excerpt_end", "the quotation has 24"),
    ({"excerpt_start": -1, "excerpt_end": 9}, "excerpt_start", ">= 0"),
    ({"excerpt_start": 0, "excerpt_end": 24, "report_ref": ...}, "report_ref", "from a report"),
    ({"quantity": {"number": 3, "bound": "over"}}, "quantity", "missing required field `unit`"),
    ({"quantity": {"number": 3, "bound": "over", "unit": "x", "upto": 2}},
     "quantity.upto", "below"),
    ({"quantity": {"number": True, "bound": "over", "unit": "x"}}, "quantity.number", "Expected"),
    ({"likelihood": {"scale": "guess", "word": "likely"}}, "likelihood.scale", "Invalid enum"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "place", "said"), WRONG, ids=[each[2] for each in WRONG])
def test_a_wrong_extension_says_where_and_what(
    change: dict[str, Any], place: str, said: str
) -> None:
    with pytest.raises(ClaimError) as caught:
        claim_of(_extension(change))
    assert caught.value.place == place
    assert said in caught.value.what
    assert "\n" not in str(caught.value)


def test_ten_thousand_links_are_read() -> None:
    found = claim_of(_extension({"source_chain": _chain(*["relay"] * MOST_LINKS)}))
    assert found is not None
    assert len(found.source_chain) == MOST_LINKS


def test_a_chain_that_comes_back_to_itself_is_read_and_said() -> None:
    chain = (*CHAIN[:2], Link("relay", PAPER), Link("origin"), Link("origin"))
    assert twice_in(chain) == [PAPER]
    assert twice_in(CHAIN) == []
    loop = _chain("publisher", "relay")
    loop[1]["identity_ref"] = loop[0]["identity_ref"]
    assert claim_of(_extension({"source_chain": loop})) is not None


def test_a_denial_is_an_opinion_too_and_nothing_is_written_that_is_no_claim() -> None:
    denial = note_of(
        offer(polarity="denied", denies_ref=OFFER),
        Wording("It is denied", "It is denied.", lang="en"),
        note_id=DENIAL,
        created_by=PAPER,
        at=AT,
    )
    assert OFFER not in denial["object_refs"]
    opinion = disagreement(denial, OFFER, opinion_id=made("opinion", "o"), at=AT)
    assert (opinion["opinion"], opinion["lang"]) == ("disagree", "en")
    assert opinion["object_refs"] == [OFFER, DENIAL]
    with pytest.raises(ClaimError):
        note(offer(denies_ref=OFFER))
    with pytest.raises(ClaimError):
        note(offer(report_ref=REPORT, excerpt_start=0, excerpt_end=3))
    with pytest.raises(ClaimError, match="refers to nothing"):
        note(offer(source_chain=(Link("origin", unnamed=True),)))


def _whole() -> dict[str, Any]:
    """A bundle with everything a claim can have."""
    common = {"spec_version": "2.1", "created": "2026-03-01T00:00:00.000Z",
              "modified": "2026-03-01T00:00:00.000Z"}  # fmt: skip
    people = [
        {"type": "identity", **common, "id": each, "name": "A source", "identity_class": "class"}
        for each in (PAPER, RADIO, ENVOY)
    ]
    report = {"type": "report", **common, "id": REPORT, "name": "A page",
              "published": "2015-12-25T11:08:00Z", "object_refs": [OFFER]}  # fmt: skip
    content = "Konkret soll es um den Austausch gehen."
    full = offer(
        report_ref=REPORT, excerpt_start=612, excerpt_end=612 + len(content), said="2015-12-25",
        true_from="2015-11", true_until="2015-12", hedges=("soll",), own_judgement=True,
        quantity=Quantity(3000, "over", "fighters", 4000), review="accepted", extractor="by hand",
        missing=(Missing("the letter", ENVOY, REPORT),), likelihood=Likelihood("stix", "likely"),
        source_chain=(*CHAIN[:2], Link("origin", ENVOY, "sagte", "2015", REPORT, True, "its own")),  # noqa: FBT003
    )  # fmt: skip
    said = Wording("An exchange is proposed", content, lang="de")
    first = note_of(full, said, note_id=OFFER, created_by=PAPER, at=AT)
    no = offer(polarity="denied", denies_ref=OFFER, report_ref=REPORT)
    second = note_of(no, Wording("No", "No."), note_id=DENIAL, created_by=PAPER, at=AT)
    opinion = disagreement(second, OFFER, opinion_id=made("opinion", "o"), at=AT)
    objects = [AUTHOR, CLAIM_DEFINITION, *people, report, first, second, opinion]
    return {"type": "bundle", "id": made("bundle", "b"), "objects": objects}


def test_the_oasis_validator_and_another_library_read_what_is_written() -> None:
    bundle = _whole()
    result = validate_instance(bundle, ValidationOptions(version="2.1"))
    assert result.is_valid, [str(each) for each in result.errors or []]
    assert [str(each) for each in result.warnings or []] == []
    assert len(stix2.parse(bundle, allow_custom=False).objects) == len(bundle["objects"])


@pytest.mark.parametrize(
    ("text_", "begin", "end"),
    [
        ("2015", "2015-01-01T00:00:00Z", "2015-12-31T23:59:59.999999Z"),
        ("2015-12", "2015-12-01T00:00:00Z", "2015-12-31T23:59:59.999999Z"),
        ("2016-02", "2016-02-01T00:00:00Z", "2016-02-29T23:59:59.999999Z"),
        ("2015-11-30", "2015-11-30T00:00:00Z", "2015-11-30T23:59:59.999999Z"),
        ("9999", "9999-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z"),
        ("2015-11-30T12:00:00Z", "2015-11-30T12:00:00Z", "2015-11-30T12:00:00Z"),
    ],
)
def test_a_date_names_a_span(text_: str, begin: str, end: str) -> None:
    assert span_of(text_) == (parse_timestamp(begin), parse_timestamp(end))


def test_the_extension_leaves_out_what_is_not_said() -> None:
    found: Callable[[Claim], dict[str, Any]] = extension_of
    assert set(found(offer())) == {"extension_type", "polarity", "certainty", "source_chain"}
