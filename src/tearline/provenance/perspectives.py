"""A party's view of a claim: a STIX opinion that is signed. Pure.

What is signed names no STIX id: the claim is meant by the hash of its bytes. So the signature holds
wherever these bytes are, and a partner that got the claim under another id can still check it.
Views stand side by side; none is the current one unless somebody picks a side.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from tearline.errors import InputError
from tearline.provenance.claims import VIEW, Likelihood
from tearline.stix import canonical
from tearline.stix.timestamp import format_timestamp

SCHEMA = "tearline-view/1"
OPINIONS = ("strongly-disagree", "disagree", "neutral", "agree", "strongly-agree")
"""What an opinion can be, in the order of the STIX vocabulary (section 10.19)."""

Opinion = Literal["strongly-disagree", "disagree", "neutral", "agree", "strongly-agree"]
Slug = Annotated[str, Meta(pattern=r"\A[a-z0-9]+(?:-[a-z0-9]+)*\Z", max_length=63)]
Text = Annotated[str, Meta(min_length=1, max_length=10_000)]
Hash = Annotated[str, Meta(pattern=r"\Asha256:[0-9a-f]{64}\Z")]
Letter = Literal["A", "B", "C", "D", "E", "F"]
Digit = Annotated[int, Meta(ge=1, le=6)]
Detached = Annotated[str, Meta(pattern=r"\A[\w-]{1,1500}\.\.[\w-]{1,200}\Z")]
"""A JWS in compact form without its payload (RFC 7515, appendix F)."""

RANGES: Mapping[str, tuple[int, int]] = {
    "almost no chance": (1, 5),
    "very unlikely": (5, 20),
    "unlikely": (20, 45),
    "roughly even": (45, 55),
    "likely": (55, 80),
    "very likely": (80, 95),
    "almost certain": (95, 99),
}
"""What the words of ICD 203 mean, in percent."""

_ALSO = {
    "remote": "almost no chance",
    "highly improbable": "very unlikely",
    "improbable": "unlikely",
    "roughly even chance": "roughly even",
    "roughly even odds": "roughly even",
    "probable": "likely",
    "highly probable": "very likely",
    "nearly certain": "almost certain",
}
"""The other words that ICD 203 allows for the same."""


class View(Struct, frozen=True, kw_only=True):
    """What one party thinks of a claim.

    `reliability` is a grade of the source and `credibility` one of what it says: two things.
    """

    claim_ref: str
    opinion: Opinion
    party: str
    claim_hash: str | None = None
    wording: str | None = None
    reliability: str | None = None
    credibility: int | None = None
    reasons: tuple[str, ...] = ()
    likelihood: Likelihood | None = None
    signature: str | None = None


class ViewForm(Struct, frozen=True, kw_only=True):
    """The view as its extension has it."""

    party: Slug
    claim_ref: str
    claim_hash: Hash | None = None
    wording: Text | None = None
    reliability: Letter | None = None
    credibility: Digit | None = None
    reasons: Annotated[tuple[Text, ...], Meta(max_length=100)] = ()
    likelihood: Likelihood | None = None
    signature: Detached | None = None


def view_of(doc: Mapping[str, Any]) -> View | None:
    """The view that an opinion states; None where it states none.

    InputError, with the place, where it claims to and what it says is not sound.
    """
    extensions = doc.get("extensions")
    if doc.get("type") != "opinion" or not isinstance(extensions, dict) or VIEW not in extensions:
        return None
    try:
        found = msgspec.convert(extensions[VIEW], ViewForm)
        opinion = msgspec.convert(doc.get("opinion"), Opinion)
    except msgspec.ValidationError as error:
        raise InputError(
            f"This is not a view: {error}.", place=f"extensions.{VIEW}", do="Ask its author."
        ) from error
    refs = doc.get("object_refs")
    if refs != [found.claim_ref]:
        raise InputError(
            "This is not a view: it has to speak of one claim, and of the one that it names.",
            place="object_refs",
            do="Ask its author to say one view of each claim.",
        )
    return View(opinion=opinion, **msgspec.structs.asdict(found))


def said(view: View) -> bytes:
    """What the party signs: all that it says, and the hash of the claim, in canonical JSON."""
    rest = _built(view)
    for name in ("claim_ref", "signature"):
        rest.pop(name, None)
    return canonical.canonical({"schema": SCHEMA, "opinion": view.opinion, **rest})


def opinion_of(view: View, *, stix_id: str, created_at: int, modified_at: int) -> dict[str, Any]:
    """The STIX opinion that states a view; its explanation is for tools without the extension."""
    doc: dict[str, Any] = {
        "type": "opinion",
        "spec_version": "2.1",
        "id": stix_id,
        "created": format_timestamp(created_at),
        "modified": format_timestamp(modified_at),
        "opinion": view.opinion,
        "object_refs": [view.claim_ref],
        "extensions": {VIEW: {"extension_type": "property-extension", **_built(view)}},
    }
    if view.reasons:
        doc["explanation"] = " ".join(view.reasons)
    return doc


def current(views: Sequence[View], side: str | None) -> View | None:
    """The view of the side that was picked; None where none was, or it has none."""
    return next((each for each in views if each.party == side), None) if side else None


def range_of(likelihood: Likelihood) -> tuple[int, int] | None:
    """What a word of ICD 203 means in percent; None for a word of another scale or of none.

    For export alone: what a party said is kept in its own word.
    """
    word = " ".join(likelihood.word.casefold().split())
    known = RANGES.get(_ALSO.get(word, word))
    return known if likelihood.scale == "icd-203" else None


def _built(view: View) -> dict[str, Any]:
    """The properties of the extension, without those that are empty."""
    built = msgspec.to_builtins(view)
    built.pop("opinion")
    return {name: each for name, each in built.items() if each not in (None, [], ())}
