"""Which delivered object is which, when some go under the tear line."""

import json

from tearline.cli.demo.below import fit
from tests.demo.test_expect import RAT, SPIDER, USES_RAT, Doc, made, tied, world

CLAUSE = {"remove": ["x_case*"]}
SIGN = made("indicator", "sign", pattern="p", x_case="7", created_by_ref="identity--desk")
TIE = tied(SIGN["id"], "indicates", RAT["id"])


def bytes_of(doc: Doc) -> bytes:
    return json.dumps(doc).encode()


def delivery(*docs: Doc) -> dict[str, bytes]:
    return {each["id"]: bytes_of(each) for each in docs}


def below(doc: Doc, new_id: str, **changed: object) -> Doc:
    """A cut version as North would give it."""
    kept = {name: value for name, value in doc.items() if name not in {"x_case", "created_by_ref"}}
    return kept | {"id": new_id, "modified": "2026-01-02T00:00:00.000Z"} | changed


CUT_SIGN = below(SIGN, "indicator--cut")
CUT_TIE = below(TIE, "relationship--cut", source_ref="indicator--cut")
WORLD = world(RAT, USES_RAT, SIGN, TIE, clause=CLAUSE)


def test_cut_versions_are_found_by_what_is_left_of_them() -> None:
    found = fit(WORLD, delivery(SPIDER, RAT, USES_RAT, CUT_SIGN, CUT_TIE))
    assert (found.uncut, found.cut, found.missing, found.surplus) == (3, 2, [], [])
    assert found.ours["indicator--cut"] == SIGN["id"]
    assert found.ours["relationship--cut"] == TIE["id"]


def test_what_should_have_been_cut_and_was_not_is_surplus() -> None:
    found = fit(WORLD, delivery(SPIDER, RAT, USES_RAT, SIGN, TIE))
    assert found.surplus == sorted([SIGN["id"], TIE["id"]])
    assert found.missing == sorted([SIGN["id"], TIE["id"]])


def test_a_cut_version_that_says_something_else_is_surplus() -> None:
    altered = below(SIGN, "indicator--cut", pattern="q")
    found = fit(WORLD, delivery(SPIDER, RAT, USES_RAT, altered, CUT_TIE))
    assert "indicator--cut" in found.surplus
    assert SIGN["id"] in found.missing


def test_an_uncut_object_whose_bytes_changed_is_missing() -> None:
    given = delivery(SPIDER, RAT, USES_RAT, CUT_SIGN, CUT_TIE)
    given[RAT["id"]] += b" "
    found = fit(WORLD, given)
    assert RAT["id"] in found.missing
    assert RAT["id"] in found.surplus


def test_what_was_not_given_is_missing_and_what_ought_not_to_go_is_surplus() -> None:
    stranger = made("malware", "stranger")
    found = fit(world(RAT, USES_RAT, stranger, clause=CLAUSE), delivery(SPIDER, USES_RAT, stranger))
    assert (found.missing, found.surplus) == ([RAT["id"]], [stranger["id"]])


def test_what_has_a_pseudonym_is_found_by_the_rest_of_it() -> None:
    clinic = made("identity", "clinic")
    some = world(clinic, clause={"pseudonymise": ["identity.name"], "topics": ["T1"]})
    some.starts.add(clinic["id"])
    theirs = clinic | {"id": "identity--cut", "name": "identity-0f3a"}
    assert fit(some, delivery(SPIDER, theirs)).ours["identity--cut"] == clinic["id"]
    other = theirs | {"created": "2026-01-02T00:00:00.000Z"}
    assert fit(some, delivery(SPIDER, other)).surplus == ["identity--cut"]
