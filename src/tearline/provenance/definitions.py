"""The extensions as STIX objects, for tools that want to know what they find (2.1, 7.3). Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from tearline.provenance.claims import EXTENSION, MATRIX, RATING, VIEW, Claim
from tearline.provenance.matrices import QuestionForm, RatingsForm
from tearline.provenance.perspectives import ViewForm

AUTHOR = {
    "type": "identity",
    "spec_version": "2.1",
    "id": "identity--7ea4f1a1-3c52-4b1d-9a55-0c2b6d1e7f01",
    "created": "2026-11-23T00:00:00.000Z",
    "modified": "2026-11-23T00:00:00.000Z",
    "name": "Tearline's extensions",
    "description": "Stands for whoever keeps the definitions; it is party to nothing.",
    "identity_class": "system",
}
"""Who defines: the standard wants an identity for it."""


def schema_of(form: type, closed: str) -> str:
    """Return the JSON Schema of an extension's form as text; `closed` says what it is."""
    schema = msgspec.json.schema(form)
    name = schema.pop("$ref").rpartition("/")[2]
    body = schema["$defs"].pop(name)
    kind = {"extension_type": {"const": "property-extension"}}
    whole = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": closed,
        **body,
        "properties": {**kind, **body["properties"]},
        "required": ["extension_type", *body["required"]],
        "$defs": schema["$defs"],
    }
    # Our patterns begin and end as Python has it, those of JSON Schema as ECMAScript does.
    return msgspec.json.encode(whole).decode().replace(r'"\\A', '"^').replace(r'\\Z"', '$"')


def definition(extension: str, name: str, description: str, form: type) -> dict[str, Any]:
    """Return the extension-definition of a property-extension of ours."""
    return {
        "type": "extension-definition",
        "spec_version": "2.1",
        "id": extension,
        "created_by_ref": AUTHOR["id"],
        "created": AUTHOR["created"],
        "modified": AUTHOR["modified"],
        "name": name,
        "description": description,
        "schema": schema_of(form, name),
        "version": "1.0.0",
        "extension_types": ["property-extension"],
    }


CLAIM_DEFINITION = definition(
    EXTENSION,
    "Tearline claim",
    "Makes a note a claim: who said it through whom, how surely, when and for when, and whether"
    " it is asserted or denied.",
    Claim,
)

DEFINITIONS: Mapping[str, dict[str, Any]] = {
    each["id"]: each
    for each in (
        CLAIM_DEFINITION,
        definition(
            VIEW,
            "Tearline view",
            "Makes an opinion one party's view of a claim: its wording, grade, reasons and"
            " likelihood, signed over the bytes of the claim.",
            ViewForm,
        ),
        definition(
            MATRIX,
            "Tearline question",
            "Makes a grouping a question with competing hypotheses; its notes are the claims that"
            " are evidence.",
            QuestionForm,
        ),
        definition(
            RATING,
            "Tearline ratings",
            "Makes a note one party's ratings of a claim under a question: how well it goes with"
            " each hypothesis.",
            RatingsForm,
        ),
    )
}
"""All of ours, by the id of the extension."""


def with_definitions(docs: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return documents after the definitions of the extensions of ours that they have."""
    used = dict.fromkeys(each for doc in docs for each in doc.get("extensions", ()))
    found = [DEFINITIONS[each] for each in used if each in DEFINITIONS]
    return [*([AUTHOR] if found else []), *found, *docs]
