"""Signatures of requests between nodes (RFC 9421), by the key that signs agreements.

A request is signed over its method, its whole address, the agreement it relies on and, where it has
a body, the digest of that (RFC 9530); so it can be shown afterwards who asked for what, and when.
The address is the one on the card of whoever is asked, which no proxy on the way changes. Each
request has a moment and a nonce of its own. What can be told from one request alone is checked
here; `access` knows whose key it has to be, and `nonces` whether it came before.

One form is read, the one that is written here, and no other that the standard has: so a signature
can be sent in one way only, and a balancer can tell a repeated request by its bytes.
"""

import base64
import binascii
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from hashlib import sha256
from typing import NamedTuple, Self

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from nacl.bindings import crypto_sign_BYTES, crypto_sign_open
from nacl.exceptions import BadSignatureError

from tearline import clock
from tearline.agreement.home import Home
from tearline.agreement.rotation import Cards, Span
from tearline.errors import RefusedError
from tearline.log.checkpoint import parse_vkey

TAG = "tearline-request"
WINDOW_US = 60_000_000
"""How old or how new a request may be by our clock."""
SKEW_US = 120_000_000
"""How far apart two clocks may be before the nodes stop talking."""
SIGNATURE, INPUT = "Signature", "Signature-Input"
DIGEST = "Content-Digest"
ACCEPTED = (
    'tearline=("@method" "@target-uri" "content-digest" "tearline-agreement")'
    f';created;keyid;nonce;tag="{TAG}"'
)
"""What is asked for where a signature is missing (RFC 9421 section 5.1)."""

_US_PER_S = 1_000_000
_NO_KEY = bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
"""The public key of RFC 8032's first example, for requests that no key that counts has signed."""
_NONCE_BYTES = 16
_BEFORE = b"tearline=:"
_AGREEMENT = b"tearline-agreement"
_DIGEST = b"content-digest"
_READ = frozenset({_AGREEMENT, _DIGEST, b"signature", b"signature-input"})
_FORM = re.compile(
    rb"tearline=(\(([^)]*)\);created=([1-9][0-9]{0,11})"
    rb';keyid="([a-z0-9-]{1,63}/sign\+[0-9a-f]{8})"'
    rb';nonce="([A-Za-z0-9_-]{16,64})";tag="tearline-request")'
)
_SENTENCES = {
    "unsigned": "A request of a node has to be signed.",
    "form": "The signature is not written as it has to be.",
    "covers": "The signature leaves out something that it has to cover.",
    "clock": "The clocks of the two nodes are more than two minutes apart.",
    "window": "The request is more than a minute old, or ahead by more.",
    "key": "The request is not signed with the key on the confirmed card.",
    "signature": "The signature is not one over this request.",
    "digest": "The body is not the one that was signed.",
    "replay": "This request came before.",
    "full": "Too many signed requests came within a minute.",
    "certificate": "The connection does not show the TLS key that the card names.",
}
REASONS = frozenset(_SENTENCES)
"""Why a signed request is refused; a closed list."""
TITLES = frozenset(_SENTENCES.values())
"""The same as they are told."""


class UnprovenError(RefusedError):
    """A request that does not prove what it has to; `code` is one of the reasons."""

    def __init__(self, code: str, means: str = "") -> None:
        """Say it in the sentence that belongs to the code."""
        super().__init__(_SENTENCES[code], means=means)
        self.code = code


class Signer(NamedTuple):
    """Who signs requests, and with what."""

    keyid: str
    key: Ed25519PrivateKey

    @classmethod
    def of(cls, home: Home) -> Self:
        """Return the signer of our own requests."""
        card, keys = home.identity
        return cls(keyid_of(card.sign), keys.sign)

    def headers(
        self,
        method: str,
        target: str,
        *,
        agreement: str | None,
        body: bytes,
        at: int,
        nonce: str | None = None,
    ) -> dict[str, str]:
        """Return the headers that sign a request to `target`, made at a moment.

        Where it relies on an agreement, the caller sends that in its own header.
        """
        digest = digest_of(body) if body else None
        names, lines = _lines(
            method,
            target.encode(),
            None if digest is None else digest.encode(),
            None if agreement is None else agreement.encode(),
        )
        params = (
            f'({names.decode()});created={at // _US_PER_S};keyid="{self.keyid}"'
            f';nonce="{nonce or _nonce()}";tag="{TAG}"'
        )
        signature = self.key.sign(lines + params.encode())
        made = {
            INPUT: f"tearline={params}",
            SIGNATURE: f"tearline=:{base64.b64encode(signature).decode()}:",
        }
        return made | ({DIGEST: digest} if digest else {})


class Signatory(NamedTuple):
    """Who has to have signed a request, by its cards: its keys, by name, and when each counts.

    `pins` are the TLS keys on its newest card; with its end no key counts any more.
    """

    party: str
    keys: Mapping[str, tuple[bytes, Span]]
    expires_at: int
    pins: tuple[str, ...]

    def key(self, keyid: str, now: int) -> bytes | None:
        """Return the key of a name if it counts now."""
        public, span = self.keys.get(keyid, (b"", None))
        return public if span and span.counts(now) and now < self.expires_at else None


class Claim(NamedTuple):
    """What a request says of its own signature, and the bytes that the signature has to be over."""

    keyid: str
    nonce: str
    created_at: int
    signature: bytes
    base: bytes
    digest: str | None

    @property
    def party(self) -> str:
        """The short name of the party whose key is named."""
        return self.keyid.partition("/")[0]

    @property
    def until_at(self) -> int:
        """The first moment at which this request is too old by itself."""
        return self.created_at + WINDOW_US + _US_PER_S

    def check_moment(self, now: int) -> None:
        """UnprovenError unless the request was made about now."""
        apart = abs(now - self.created_at)
        if apart > SKEW_US:
            raise UnprovenError("clock", f"It was made {apart // _US_PER_S} s from our now.")
        if apart > WINDOW_US:
            raise UnprovenError("window", "Send it again with a new moment.")

    def check_key(self, signatory: Signatory, now: int) -> None:
        """UnprovenError unless the party's key made the signature over these bytes."""
        key = signatory.key(self.keyid, now)
        # First, so that whose key it is cannot be told by how long a refusal takes.
        try:
            # Twice as fast as by OpenSSL, and most of what a signed request costs.
            crypto_sign_open(self.signature + self.base, key or _NO_KEY)
            holds = True
        except BadSignatureError:
            holds = False
        if key is None:
            raise UnprovenError("key", "Give your newest card to the partner.")
        if not holds:
            raise UnprovenError("signature", "It has to be for the address on our newest card.")

    def check_body(self, body: bytes) -> None:
        """UnprovenError unless the body is the one whose digest was signed."""
        if (digest_of(body) if body else None) != self.digest:
            raise UnprovenError("digest")


def claim_of(
    method: str, url: str | None, path: bytes, query: bytes, headers: Iterable[tuple[bytes, bytes]]
) -> Claim | None:
    """Return what a request claims; None when it is not signed at all.

    `url` is the address on our card; `path`, `query` and `headers` are the bytes that came.
    UnprovenError: "form" or "covers".
    """
    found: dict[bytes, bytes] = {}
    for name, value in headers:
        if name in _READ:
            if name in found:
                raise UnprovenError("form", "A header came twice.")
            found[name] = value
    signature = found.get(b"signature")
    said = found.get(b"signature-input")
    if signature is None and said is None:
        return None
    fit = _FORM.fullmatch(said or b"")
    if fit is None or signature is None or url is None:
        raise UnprovenError("form")
    params, covered, created, keyid, nonce = fit.groups()
    digest = found.get(_DIGEST)
    names, lines = _lines(method, _target(url, path, query), digest, found.get(_AGREEMENT))
    if covered != names:
        raise UnprovenError("covers", f"It is over ({names.decode()}), in this order.")
    return Claim(
        keyid.decode(),
        nonce.decode(),
        int(created) * _US_PER_S,
        _signature(signature),
        lines + params,
        None if digest is None else digest.decode("latin-1"),
    )


def _lines(
    method: str, target: bytes, digest: bytes | None, agreement: bytes | None
) -> tuple[bytes, bytes]:
    """Return what is covered, and the signature base up to its parameters (section 2.5)."""
    names = b'"@method" "@target-uri"'
    lines = b'"@method": ' + method.encode() + b'\n"@target-uri": ' + target
    if digest is not None:
        names += b' "content-digest"'
        lines += b'\n"content-digest": ' + digest
    if agreement is not None:
        names += b' "tearline-agreement"'
        lines += b'\n"tearline-agreement": ' + agreement
    return names, lines + b'\n"@signature-params": '


def target_of(url: str, path: str) -> str:
    """Return the address that is signed: that of a card, and path and query as they are sent."""
    return f"{url.rstrip('/')}{path}"


def digest_of(body: bytes) -> str:
    """Return the value of Content-Digest for a body."""
    return f"sha-256=:{base64.b64encode(sha256(body).digest()).decode()}:"


def keyid_of(vkey: str) -> str:
    """Return the name of a key in signatures: the first two parts of the verifier key."""
    return "+".join(vkey.split("+", 2)[:2])


@lru_cache(maxsize=1_024)
def signatory_of(cards: Cards) -> Signatory:
    """Return who signs requests by a party's cards, which are read once and kept."""
    keys = {
        keyid_of(key): (parse_vkey(key)[1], cards.spans["sign", key])
        for key in cards.not_revoked("sign")
    }
    card = cards.newest
    return Signatory(card.slug, keys, card.expires_at, card.tls)


NOBODY = Signatory("", {}, 0, ())
"""Has no key that counts: a stranger's signature takes as long to refuse as a partner's."""


def _target(url: str, path: bytes, query: bytes) -> bytes:
    asked = url.rstrip("/").encode() + path
    return asked + b"?" + query if query else asked


def _signature(value: bytes) -> bytes:
    """Return the bytes of a signature, which can be written in one way only."""
    try:
        found = binascii.a2b_base64(value[len(_BEFORE) : -1], strict_mode=True)
    except binascii.Error as error:
        raise UnprovenError("form") from error
    written = _BEFORE + binascii.b2a_base64(found, newline=False) + b":"
    if len(found) != crypto_sign_BYTES or written != value:
        raise UnprovenError("form")
    return found


def _nonce() -> str:
    return base64.urlsafe_b64encode(clock.fresh_bytes(_NONCE_BYTES)).decode().rstrip("=")
