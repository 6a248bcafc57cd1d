"""A claim: a STIX note with our extension, read strictly and written so that others can read it.

Who said it, according to whom, how surely, when, for when, and what it denies. A note without the
extension is no claim; a note whose extension is wrong is a note like any other and no claim, and
`claim_of` says what is wrong with it. Pure. The form is in `docs/claims.md`.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Annotated, Any, Literal, NamedTuple

import msgspec
import orjson

from tearline.errors import InputError
from tearline.provenance.dates import Span, span_of
from tearline.stix.objects import IDENTIFIER
from tearline.stix.strict import bare, shown
from tearline.stix.timestamp import format_timestamp

_FAMILY = "extension-definition--7ea4f1a1-3c52-4b1d-9a55-0c2b6d1e7f"
EXTENSION = f"{_FAMILY}10"
"""The extension of a note that makes it a claim."""
VIEW = f"{_FAMILY}11"
"""That of an opinion: a party's view of a claim."""
MATRIX = f"{_FAMILY}12"
"""That of a grouping: a question with its hypotheses."""
RATING = f"{_FAMILY}13"
"""That of a note: one party's ratings in a matrix."""

LABEL = "claim"
PROPOSITION = "proposition"
"""The label of a grouping whose claims say alike."""

MOST_LINKS = 10_000

Text = Annotated[str, msgspec.Meta(min_length=1)]
Place = Annotated[int, msgspec.Meta(ge=0, le=2**53 - 1)]
Polarity = Literal["asserted", "denied"]
Certainty = Literal[
    "plain",
    "reported",
    "probable",
    "possible",
    "apparent",
    "alleged",
    "hearsay",
    "speculation",
    "subjunctive",
]
Role = Literal["publisher", "relay", "origin"]
Bound = Literal["exactly", "over", "under", "about", "at-least", "at-most"]


class ClaimError(InputError):
    """A note has our extension, and what stands in it makes no claim."""


class Link(msgspec.Struct, frozen=True, omit_defaults=True):
    """One step of a chain; without `identity_ref` whoever gave the claim kept the name back.

    `cue` is the word that shows it ("according to"), `said` a date, `interest` what they gain from
    being believed, `report_ref` the report in which they say it. With `pseudonym` the id stands for
    a source that only its giver knows: the same id is the same source, and nobody holds an object
    of that id.
    """

    role: Role
    identity_ref: str = ""
    cue: str = ""
    said: str = ""
    report_ref: str = ""
    unnamed: bool = False
    interest: str = ""
    pseudonym: bool = False


class Quantity(msgspec.Struct, frozen=True, omit_defaults=True):
    """A number that is claimed; with `upto` a range."""

    number: int | float
    bound: Bound
    unit: Text
    upto: int | float | None = None


class Missing(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is cited and not held."""

    what: Text
    identity_ref: str = ""
    report_ref: str = ""


class Likelihood(msgspec.Struct, frozen=True):
    """A word of a scale, kept as it was said."""

    scale: Literal["icd-203", "stix"]
    word: Text


class Claim(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What the extension of a note says; dates as text, in the forms that `span_of` reads."""

    polarity: Polarity
    certainty: Certainty
    source_chain: Annotated[tuple[Link, ...], msgspec.Meta(min_length=1, max_length=MOST_LINKS)]
    denies_ref: str = ""
    hedges: Annotated[tuple[Text, ...], msgspec.Meta(min_length=1)] = ()
    report_ref: str = ""
    excerpt_start: Place | None = None
    excerpt_end: Place | None = None
    said: str = ""
    true_from: str = ""
    true_until: str = ""
    quantity: Quantity | None = None
    own_judgement: bool = False
    missing: Annotated[tuple[Missing, ...], msgspec.Meta(min_length=1)] = ()
    likelihood: Likelihood | None = None
    review: Literal["proposed", "accepted", "edited"] | None = None
    extractor: str = ""

    @property
    def denied(self) -> bool:
        """Whether it denies."""
        return self.polarity == "denied"

    @property
    def said_at(self) -> int | None:
        """The first moment of when it was said."""
        return span_of(self.said).from_at if self.said else None

    @property
    def true_span(self) -> tuple[int | None, int | None]:
        """The first and the last moment for which it is said to hold; None where left open."""
        first = span_of(self.true_from).from_at if self.true_from else None
        last = span_of(self.true_until).until_at if self.true_until else None
        return first, last


class Wording(NamedTuple):
    """The words of a claim: ours, the quotation (or ours again), their language, whom it is about.

    `about` are ids of objects.
    """

    abstract: str
    content: str
    about: tuple[str, ...] = ()
    lang: str | None = None


def claim_of(doc: Mapping[str, Any]) -> Claim | None:
    """Return the claim that a note is, None where it has no such extension.

    ClaimError, with the place in the note, where the extension is there and wrong.
    """
    extensions = doc.get("extensions")
    if doc.get("type") != "note" or not isinstance(extensions, dict):
        return None
    given = extensions.get(EXTENSION)
    if given is None:
        return None
    if not isinstance(given, dict) or given.get("extension_type") != "property-extension":
        raise _wrong("", "The extension is no property-extension.")
    claim = read_claim(given)
    see_quotation(claim, doc.get("content"))
    return claim


def read_claim(given: Mapping[str, Any]) -> Claim:
    """Read the properties of the extension, however they came; ClaimError where they are wrong.

    Whether a quotation has the length that its offsets say is for `see_quotation`.
    """
    try:
        claim = msgspec.convert(given, Claim)
    except msgspec.ValidationError as error:
        said, _, place = str(error).partition(" - at `$")
        raise _wrong(place.rstrip("`").lstrip("."), f"{said}.") from None
    _see_texts(given)
    _see_denial(claim)
    _see_chain(claim.source_chain)
    _see_dates(claim)
    _see_references(claim)
    _see_quantity(claim.quantity)
    return claim


def extension_of(claim: Claim) -> dict[str, Any]:
    """Return the extension that says it, without what is left out."""
    said: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(claim))
    return {"extension_type": "property-extension", **said}


def note_of(
    claim: Claim,
    wording: Wording,
    *,
    note_id: str,
    created_by: str | None = None,
    at: int,
) -> dict[str, Any]:
    """Return the STIX note of a claim (4.14), as of a moment; ClaimError where it would be none.

    It refers to the report, to everybody in the chain and to whom it is about.
    """
    note = {
        "type": "note",
        "spec_version": "2.1",
        "id": note_id,
        "created": format_timestamp(at),
        "modified": format_timestamp(at),
        "abstract": wording.abstract,
        "content": wording.content,
        "labels": [LABEL],
        "object_refs": named_by(claim, wording.about),
        "extensions": {EXTENSION: extension_of(claim)},
    }
    if created_by:
        note["created_by_ref"] = created_by
    if wording.lang:
        note["lang"] = wording.lang
    if not note["object_refs"]:
        raise _wrong("", "The claim refers to nothing.", do="Name a report, a source or a subject.")
    if claim_of(note) != claim:
        raise _wrong("", "The claim cannot be written as it is.")
    return note


def named_by(claim: Claim, about: Iterable[str] = ()) -> list[str]:
    """Return what the note of a claim refers to: its report, its chain, whom it is about."""
    chain = (each.identity_ref for each in claim.source_chain)
    return [each for each in dict.fromkeys((claim.report_ref, *chain, *about)) if each]


def disagreement(
    denial: Mapping[str, Any], denied: str, *, opinion_id: str, at: int
) -> dict[str, Any]:
    """Return the opinion (4.15) that says to tools without our extension what a denial denies."""
    opinion = {
        "type": "opinion",
        "spec_version": "2.1",
        "id": opinion_id,
        "created": format_timestamp(at),
        "modified": format_timestamp(at),
        "explanation": f"Denied: {denial['abstract']}",
        "opinion": "disagree",
        "object_refs": [denied, denial["id"]],
    }
    more = ("created_by_ref", "lang", "object_marking_refs")
    return opinion | {name: denial[name] for name in more if name in denial}


def twice_in(chain: Iterable[Link]) -> list[str]:
    """Return the identities that stand in a chain more than once: it comes back to itself."""
    seen: set[str] = set()
    found: dict[str, None] = {}
    for each in chain:
        if each.identity_ref and each.identity_ref in seen:
            found[each.identity_ref] = None
        seen.add(each.identity_ref)
    return list(found)


def fate_of(doc: Mapping[str, Any]) -> tuple[frozenset[str], str]:
    """Return what a claim names and need not go with it, and what it denies, '' for nothing.

    It goes where what it is about goes, whoever said it and in whichever report; a denial goes only
    where the claim goes that it denies. Of what is no claim nothing is left out.
    """
    try:
        claim = claim_of(doc)
    except ClaimError:
        return frozenset(), ""
    if claim is None:
        return frozenset(), ""
    return frozenset(named_by(claim)), claim.denies_ref


def told(extension: Mapping[str, Any], goes: Callable[[str], bool]) -> dict[str, Any]:
    """Return the extension without what says more of a source or a report that does not go.

    A link whose source is kept back says its place and its date, and is unnamed; a quotation from a
    report that is kept back has no offsets.
    """
    found = dict(extension)
    chain, report = extension.get("source_chain"), extension.get("report_ref")
    if isinstance(report, str) and not goes(report):
        found = {name: each for name, each in found.items() if name not in _IN_REPORT}
    if isinstance(chain, list):
        found["source_chain"] = [_link_told(each, goes) for each in chain]
    return found


def _link_told(link: object, goes: Callable[[str], bool]) -> object:
    if not isinstance(link, dict):
        return link
    source = link.get("identity_ref")
    if not isinstance(source, str) or goes(source):
        return link
    kept = {name: each for name, each in link.items() if name in _PLACE_OF_LINK}
    return {**kept, "unnamed": True}


_IN_REPORT = frozenset({"report_ref", "excerpt_start", "excerpt_end"})
_PLACE_OF_LINK = frozenset({"role", "said"})


def see_quotation(claim: Claim, content: object) -> None:
    """Raise ClaimError unless the offsets are sound and as far apart as the quotation is long."""
    start, end = claim.excerpt_start, claim.excerpt_end
    if start is None and end is None:
        return
    if start is None or end is None:
        raise _wrong(
            "excerpt_start" if start is None else "excerpt_end",
            "One end of the quotation is missing.",
            do="Give both ends, or none.",
        )
    if not claim.report_ref:
        raise _wrong("report_ref", "A quotation is from a report.", do="Name it as report_ref.")
    if start >= end:
        raise _wrong("excerpt_end", "The quotation ends before it begins.")
    if not isinstance(content, str) or len(content) != end - start:
        length = len(content) if isinstance(content, str) else 0
        raise _wrong(
            "excerpt_end",
            f"The offsets are {end - start} characters apart, the quotation has {length}.",
            do="Put the exact quotation into `content`, or leave the offsets out.",
        )


def _wrong(place: str, what: str, *, do: str = "") -> ClaimError:
    return ClaimError(
        bare(what, 300),
        place=bare(place, 120),
        means="The note is no claim.",
        do=do or "Have it corrected where it was written.",
    )


def _see_texts(given: Mapping[str, Any]) -> None:
    """Refuse U+0000, and lists without anything in them, which the standard does not know."""
    if _is_plain(given):
        return
    rest: list[tuple[str, Any]] = [("", given)]
    while rest:
        place, value = rest.pop()
        if isinstance(value, str) and "\0" in value:
            raise _wrong(place, "The text holds the character U+0000.")
        if isinstance(value, list):
            if not value:
                raise _wrong(place, "The list is empty.", do="Leave it out.")
            rest += [(f"{place}[{at}]", each) for at, each in enumerate(value)]
        elif isinstance(value, dict):
            rest += [(f"{place}.{name}" if place else name, it) for name, it in value.items()]


def _is_plain(given: Mapping[str, Any]) -> bool:
    """Whether nothing of the kind can be in it: nearly always, and told in a tenth of the time."""
    try:
        text = orjson.dumps(given)
    except TypeError:
        return False
    return b"[]" not in text and b"\\u0000" not in text


def _see_denial(claim: Claim) -> None:
    if claim.denied and not claim.denies_ref:
        raise _wrong(
            "denies_ref", "A denial does not say what it denies.", do="Name the claim's note."
        )
    if claim.denies_ref and not claim.denied:
        raise _wrong(
            "denies_ref",
            "What is asserted denies nothing.",
            do="Leave denies_ref out, or set the polarity to denied.",
        )


def _see_chain(chain: tuple[Link, ...]) -> None:
    for role, end, word in (("publisher", 0, "first"), ("origin", len(chain) - 1, "last")):
        places = [place for place, each in enumerate(chain) if each.role == role]
        if len(places) > 1:
            raise _wrong(f"source_chain[{places[1]}].role", f"The chain has two of role {role}.")
        if places and places[0] != end:
            raise _wrong(
                f"source_chain[{places[0]}].role",
                f"The {role} is not the {word} of the chain.",
                do="Order the chain: publisher, relays, origin.",
            )


def _see_dates(claim: Claim) -> None:
    for name in ("said", "true_from", "true_until"):
        _date(name, getattr(claim, name))
    for place, each in enumerate(claim.source_chain):
        _date(f"source_chain[{place}].said", each.said)
    first, last = claim.true_span
    if first is not None and last is not None and first > last:
        raise _wrong(
            "true_until",
            f"It is said to hold from {claim.true_from} until {claim.true_until}, which is before.",
            do="Put the earlier date into true_from.",
        )


def _date(place: str, text: str) -> Span | None:
    if not text:
        return None
    try:
        return span_of(text)
    except InputError:
        raise _wrong(
            place,
            f"{shown(text)} is no date.",
            do="Write 2015, 2015-11, 2015-11-30 or 2015-11-30T12:00:00Z.",
        ) from None


def _see_references(claim: Claim) -> None:
    named = [("denies_ref", claim.denies_ref, "note"), ("report_ref", claim.report_ref, "report")]
    parts: tuple[tuple[str, tuple[Link | Missing, ...]], ...] = (
        ("source_chain", claim.source_chain),
        ("missing", claim.missing),
    )
    for kind, its in parts:
        for place, each in enumerate(its):
            at = f"{kind}[{place}]"
            named.append((f"{at}.identity_ref", each.identity_ref, "identity"))
            named.append((f"{at}.report_ref", each.report_ref, "report"))
    for at, each_id, kind in named:
        match = IDENTIFIER.fullmatch(each_id) if each_id else None
        if each_id and (match is None or match[1] != kind):
            raise _wrong(at, f"{shown(each_id)} is no id of an object of type {kind}.")


def _see_quantity(quantity: Quantity | None) -> None:
    if quantity is None or quantity.upto is None:
        return
    if quantity.upto < quantity.number:
        raise _wrong("quantity.upto", "The range ends below its beginning.")
