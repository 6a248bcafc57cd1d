"""What changed between two versions of a claim, in words. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from tearline.provenance.claims import Claim, ClaimError, Link, Quantity, claim_of


class Change(NamedTuple):
    """One thing that a claim says otherwise than before; '' for what it did not or does not say."""

    what: str
    was: str
    now: str


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Change]:
    """Return what a version of a note says otherwise than an earlier one.

    The wording, what kind of claim it is, its dates, its number, its chain and what it lacks; whom
    it refers to otherwise is not listed.
    """
    was, now = dict(_said(before)), dict(_said(after))
    return [
        Change(what, was.get(what, ""), now.get(what, ""))
        for what in dict.fromkeys((*was, *now))
        if was.get(what, "") != now.get(what, "")
    ]


def number_text(quantity: Quantity) -> str:
    """Return a quantity as people read it."""
    upto = f" to {quantity.upto:,.12g}" if quantity.upto is not None else ""
    bound = "" if quantity.bound == "exactly" else quantity.bound.replace("-", " ") + " "
    return f"{bound}{quantity.number:,.12g}{upto} {quantity.unit}"


def _said(doc: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name in ("abstract", "content"):
        yield _WORDING[name], str(doc.get(name, ""))
    if doc.get("revoked") is True:
        yield "revoked", "yes"
    try:
        claim = claim_of(doc)
    except ClaimError:
        claim = None
    if claim is not None:
        yield from _of_claim(claim)


_WORDING = {"abstract": "wording", "content": "quotation"}


def _of_claim(claim: Claim) -> Iterator[tuple[str, str]]:
    yield "polarity", claim.polarity
    yield "denies", claim.denies_ref
    yield "certainty", claim.certainty
    yield "hedges", ", ".join(claim.hedges)
    yield "said", claim.said
    yield "true", _span(claim)
    yield "quantity", number_text(claim.quantity) if claim.quantity else ""
    yield "likelihood", claim.likelihood.word if claim.likelihood else ""
    yield "judgement", "the reporter's own" if claim.own_judgement else ""
    yield "report", claim.report_ref
    yield "missing", ", ".join(each.what for each in claim.missing)
    yield "chain", _chain(claim.source_chain)


def _span(claim: Claim) -> str:
    ends = (("from", claim.true_from), ("until", claim.true_until))
    return " ".join(f"{word} {date}" for word, date in ends if date)


def _chain(chain: Iterable[Link]) -> str:
    return " ← ".join(
        f"{each.role} {each.identity_ref or 'not named'}{' (unnamed)' if each.unnamed else ''}"
        for each in chain
    )
