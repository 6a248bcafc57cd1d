"""The giver's word on passing an object on: what is asked, what is signed, and whether it holds.

A question names exact bytes, the version of the agreement that they came under and the one that
they would go on under, the clause and the receiver, by slug and key. The answer repeats all of it
under the giver's signature; with a yes it travels on as it is.
"""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Annotated, Literal, TypeAlias

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from msgspec import Meta, Struct

from tearline.agreement import jws
from tearline.agreement.cards_held import cards_of
from tearline.agreement.document import Hash, Slug
from tearline.agreement.terms import parse_json
from tearline.errors import InputError, TearlineError
from tearline.stix import canonical
from tearline.stix.timestamp import format_timestamp
from tearline.store import agreements, onward
from tearline.store.database import Tx
from tearline.store.onward import Consent

Says: TypeAlias = Literal["consent", "refuse"]
Line = Annotated[str, Meta(min_length=1, max_length=600)]
MOST = 4_000
"""The longest a signed statement may be, in characters."""


class Third(Struct, frozen=True, forbid_unknown_fields=True):
    """Who would get it: slug, and the key that signs for it; '' where it has none."""

    slug: Slug
    key: Annotated[str, Meta(max_length=300)]


class Statement(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What the giver signs: yes or no to exact bytes, for one receiver, as it was asked."""

    kind: Literal["onward"] = "onward"
    verdict: Says
    agreement: Hash
    under: Hash
    clause: Line
    object: Line
    bytes: Hash
    to: Third
    asked: Line
    at: Line


def sign(row: Consent, verdict: Says, key: Ed25519PrivateKey, vkey: str, *, now: int) -> str:
    """Return the giver's signed answer to a question, as the text of a JWS."""
    said = Statement(
        verdict=verdict,
        agreement=row.agreement,
        under=row.under,
        clause=row.clause,
        object=row.object,
        bytes=row.hash,
        to=Third(row.to_slug, row.to_key),
        asked=format_timestamp(row.asked_at, digits=6),
        at=format_timestamp(now, digits=6),
    )
    body = canonical.canonical(msgspec.to_builtins(said))
    return jws.dump(jws.sign(body, key, vkey)).decode()


def read(text: str, vkey: str | None = None) -> tuple[Statement, str]:
    """Return a signed statement and the key that signed it: `vkey`, or the one it names itself.

    InputError when it is none; ProofError when the signature does not hold.
    """
    if len(text) > MOST:
        raise InputError("This statement is too long.", do="Refuse it.")
    signed = jws.load(text.encode())
    body = jws.verify(signed, vkey or signed.kids[0])
    try:
        said = msgspec.convert(canonical.parse_canonical(body), Statement)
    except msgspec.ValidationError as error:
        raise InputError(f"This is no consent: {error}.", do="Refuse it.") from error
    return said, signed.kids[0]


def name_of(text: str) -> str:
    """The hash by which a signed statement is named."""
    return canonical.sha256(text.encode())


def fits(said: Statement, row: Consent) -> bool:
    """Whether a statement answers exactly this question."""
    asked = (row.agreement, row.under, row.clause, row.object, row.hash, row.to_slug, row.to_key)
    answered = (said.agreement, said.under, said.clause, said.object, said.bytes)
    moment = format_timestamp(row.asked_at, digits=6)
    return (*answered, said.to.slug, said.to.key) == asked and said.asked == moment


def answers(tx: Tx, items: Iterable[str]) -> Mapping[str, Consent]:
    """What givers answered of items, as far as their signatures hold."""
    return {
        item: row
        for item, row in onward.consents_on(tx, items).items()
        if row.verdict and _holds(row, _keys(tx, row))
    }


@lru_cache(maxsize=4_096)
def _holds(row: Consent, keys: tuple[str, ...]) -> bool:
    try:
        said, key = read(row.signed)
        if key not in keys:
            return False
    except TearlineError:
        return False
    return fits(said, row) and said.verdict == row.verdict


def _keys(tx: Tx, row: Consent) -> tuple[str, ...]:
    """The keys by which the other side of an agreement could answer: those of its cards.

    The one that both signed in the text is among them. One that was revoked is, for what we took
    before the moment since when someone else may have had it.
    """
    version = agreements.version_of(tx, row.agreement)
    if version is None:
        return ()
    cards = cards_of(tx, version.partner)
    if cards is None:
        return (_key_of(version.terms, version.their_slot) or "",)
    spans = {key: cards.spans["sign", key] for key in cards.every("sign")}
    return tuple(
        key
        for key, span in spans.items()
        if span.revoked is None or (row.answered_at or 0) < (span.until_at or 0)
    )


@lru_cache(maxsize=256)
def _key_of(terms: bytes, slot: str) -> str | None:
    return parse_json(terms).party[slot].key
