"""The definitions of our extensions say what is written, for tools that look them up."""

import json
from typing import Any

import jsonschema_rs
import pytest
from stix2validator import ValidationOptions, validate_instance

from tearline.provenance.claims import EXTENSION, MATRIX, RATING, VIEW
from tearline.provenance.definitions import AUTHOR, CLAIM_DEFINITION, DEFINITIONS
from tearline.provenance.matrices import grouping_of, note_of
from tearline.provenance.perspectives import View, opinion_of
from tests.provenance.sound import through
from tests.provenance.test_matrices import ASKED, AT, CLAIM, NOTE, RATED

SEEN = View(
    claim_ref=CLAIM,
    opinion="disagree",
    party="north-cert",
    claim_hash="sha256:" + "0f" * 32,
    reliability="C",
    credibility=4,
    reasons=("Two of them did pay.",),
    signature="eyJh..c2ln",
)
OPINION = "opinion--5a0e0f53-6d3a-4b0e-9a0f-1d6a2f2f9b15"
WRITTEN: dict[str, dict[str, Any]] = {
    VIEW: through(opinion_of(SEEN, stix_id=OPINION, created_at=AT, modified_at=AT)),
    MATRIX: through(grouping_of(ASKED, created_at=AT, modified_at=AT)),
    RATING: through(note_of(RATED, ASKED, stix_id=NOTE, created_at=AT, modified_at=AT)),
}


def test_every_extension_has_its_definition_by_the_same_author() -> None:
    assert set(DEFINITIONS) == {EXTENSION, VIEW, MATRIX, RATING}
    assert DEFINITIONS[EXTENSION] is CLAIM_DEFINITION
    assert {each["created_by_ref"] for each in DEFINITIONS.values()} == {AUTHOR["id"]}
    assert len({each["name"] for each in DEFINITIONS.values()}) == len(DEFINITIONS)


def test_the_oasis_validator_and_another_library_read_them() -> None:
    for each in (AUTHOR, *DEFINITIONS.values()):
        through(each)
    objects = [AUTHOR, *DEFINITIONS.values(), *WRITTEN.values()]
    bundle = {"type": "bundle", "id": f"bundle--{NOTE.partition('--')[2]}", "objects": objects}
    result = validate_instance(bundle, ValidationOptions(version="2.1"))
    assert (result.is_valid, list(map(str, result.warnings or []))) == (True, [])


@pytest.mark.parametrize("name", list(WRITTEN))
def test_a_schema_takes_what_is_written_and_nothing_else(name: str) -> None:
    valid = jsonschema_rs.validator_for(json.loads(DEFINITIONS[name]["schema"]))
    extension = WRITTEN[name]["extensions"][name]
    assert valid.is_valid(extension)
    assert not valid.is_valid({**extension, "extension_type": "new-sdo"})
    for each in extension.keys() & {"party", "claim_hash", "signature", "question", "ratings"}:
        assert not valid.is_valid({**extension, each: ""}), each
    for each in extension.keys() & {"party", "claim_hash"}:
        assert not valid.is_valid({**extension, each: f"{extension[each]}\n"}), each
