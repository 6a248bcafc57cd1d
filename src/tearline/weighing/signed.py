"""Our signature under what we say of claims, and whether that of another party holds."""

import base64
from typing import Literal

from tearline.agreement import jws
from tearline.agreement.cards_held import everyones
from tearline.agreement.home import Home
from tearline.errors import InputError, ProofError
from tearline.log.checkpoint import parse_vkey
from tearline.store.agreements import versions
from tearline.store.database import Tx

Seal = Literal["signed", "given", "unsigned", "unknown", "broken"]
"""Whether a party said it: its signature holds; there is none, but that party itself gave it, as
its log shows; there is none; we know no such key; it is wrong."""
COUNTS = frozenset({"signed", "given"})
"""Nobody has to believe what another put into a party's mouth."""


def detached(home: Home, body: bytes) -> str:
    """Our signature over `body`, without it (RFC 7515, appendix F)."""
    (made,) = home.sign(body).signatures
    return f"{made.protected}..{made.signature}"


def verify(body: bytes, signature: str, key: str) -> None:
    """See that the key signed `body`; ProofError or InputError where it did not."""
    protected, _, value = signature.partition("..")
    payload = base64.urlsafe_b64encode(body).rstrip(b"=").decode()
    jws.verify(jws.Signed(payload, (jws.Signature(protected, value),)), key)


def seal_of(tx: Tx, origin: str, party: str, body: bytes, signature: str | None) -> Seal:
    """What the signature under something that `party` is said to have said is worth.

    `origin` is the agreement that it came under, '' for ours. A key that was put aside still shows
    what it signed, a revoked one shows nothing.
    """
    if signature is None:
        given = origin and any(each.partner == party for each in versions(tx, origin))
        return "given" if given else "unsigned"
    try:
        key = jws.kid_of(jws.Signature(signature.partition("..")[0], ""))
        named = parse_vkey(key)[0]
    except (InputError, ProofError):
        return "broken"
    cards = everyones(tx).get(party)
    if named != f"{party}/sign":
        return "broken"
    if cards is None or key not in cards.every("sign"):
        return "unknown"
    try:
        verify(body, signature, key)
    except (InputError, ProofError):
        return "broken"
    return "broken" if key in cards.revoked("sign") else "signed"
