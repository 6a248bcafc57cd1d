"""A group's template as it is written, and the pair that is made from it for one member.

A template is written like an agreement, without what each pair has for itself: `id`, `version`,
`replaces`, and the party called `member`, of which it may say only the role. It is read by the same
closed schema, with a party in the member's place that nobody is.
"""

from typing import Any, NamedTuple

from tearline.agreement.card import Card
from tearline.agreement.document import Terms
from tearline.agreement.pairing import KEPT, MEMBER, OWN, template_bytes, template_hash
from tearline.agreement.terms import parse_document, read_toml, sentences, warnings
from tearline.errors import InputError
from tearline.stix import canonical

_NOBODY = {
    "name": "The member",
    "slug": "the-member",
    "key": "the member's key",
    "log": "its log's key",
}
_NO_ID = f"urn:uuid:{'0' * 8}-0000-4000-8000-{'0' * 12}"
_ON_PAPER = ("one_sided", "paper")


class Draft(NamedTuple):
    """A template: its canonical bytes, their hash, and the agreement with nobody as its member."""

    body: bytes
    hash: str
    terms: Terms

    @property
    def sentences(self) -> list[str]:
        """One English sentence for each line that every member signs alike."""
        own = (*OWN, f"party {MEMBER} · key", f"party {MEMBER} · log")
        return [each for each in sentences(self.terms) if each.partition(": ")[0] not in own]

    @property
    def warnings(self) -> list[str]:
        """What is legal and yet probably not meant, but for what is the member's own to say."""
        return [each for each in warnings(self.terms) if not each.startswith(f"party {MEMBER}")]


def read_draft(text: str) -> Draft:
    """Return the template that TOML writes down; InputError with the place if it is none."""
    return _draft(read_toml(text))


def draft_of(body: bytes) -> Draft:
    """Return the template in canonical bytes that were kept."""
    return _draft(canonical.parse_canonical(body))


def pair(draft: Draft, member: Card, *, id_: str, version: int, replaces: str | None) -> Terms:
    """Return the agreement that a member is offered: the template with its own lines filled in."""
    document = canonical.parse_canonical(draft.body)
    keys = {"name": member.name, "slug": member.slug, "key": member.sign, "log": member.log}
    document["party"][MEMBER] |= keys
    document |= {"id": id_, "version": version, "template": draft.hash}
    if replaces is not None:
        document["replaces"] = replaces
    return parse_document(document)


def _draft(document: dict[str, Any]) -> Draft:
    _check_open(document)
    party = dict(document["party"])
    party[MEMBER] = party.get(MEMBER, {}) | _NOBODY
    terms = parse_document(document | {"party": party, "id": _NO_ID, "version": 1})
    return Draft(template_bytes(terms), template_hash(terms), terms)


def _check_open(document: dict[str, Any]) -> None:
    """See that what each pair has for itself is left out; the rest is the schema's to check."""
    party = document.get("party")
    for line in (*OWN, *_ON_PAPER):
        if line in document:
            means = (
                "A group signs pairs between nodes; a receiver without one signs alone, on paper."
                if line in _ON_PAPER
                else "Each pair of the group gets its own."
            )
            raise InputError(
                "A template does not have this line.", place=line, means=means, do="Leave it out."
            )
    if not isinstance(party, dict) or len(party.keys() - {MEMBER}) != 1:
        raise InputError(
            f"A template has one party, and leaves the other, {MEMBER!r}, open.",
            place="party",
            do=f"Describe yourself under a name of your own, and use {MEMBER!r} in the clauses.",
        )
    member = party.get(MEMBER, {})
    if not isinstance(member, dict) or member.keys() - set(KEPT):
        raise InputError(
            f"Of its members a template says nothing but {', '.join(KEPT)}.",
            place=f"party.{MEMBER}",
            means="Names and keys come from each member's card.",
            do="Leave the other lines out.",
        )
