"""TLS keys that cards name, instead of authorities that vouch for them.

A pin is the hash of a certificate's SubjectPublicKeyInfo, as in RFC 7469: it outlives the renewal
of a certificate with the same key. Where a card has pins, the other end has to show one of these
keys, and it does not matter who signed its certificate. Where it has none, the usual authorities
count.
"""

import ssl
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

import httpx
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tearline.agreement.home import Home
from tearline.errors import HomeError, InputError
from tearline.stix import canonical

KEY, CERTIFICATE, NEXT_KEY = "keys/tls.pem", "tls.crt", "keys/next-tls.pem"


class WrongKeyError(ssl.SSLError):
    """The other end showed a key that its card does not name."""


class Files(NamedTuple):
    """A certificate with its chain, and its private key: PEM files."""

    certificate: Path
    key: Path


def files_of(home: Home) -> Files | None:
    """Return what this node shows: what the settings name, else what it made, if it did."""
    own = home.settings
    if own.tls_cert is not None and own.tls_key is not None:
        return Files(own.tls_cert.expanduser(), own.tls_key.expanduser())
    made = Files(home.path / CERTIFICATE, home.path / KEY)
    return made if made.certificate.is_file() and made.key.is_file() else None


def pin_of(certificate: x509.Certificate) -> str:
    """Return the name of the key in a certificate: `sha256:` over its SubjectPublicKeyInfo."""
    key = certificate.public_key()
    return canonical.sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))


def pin_in(pem: bytes) -> str:
    """Return the pin of the first certificate in a PEM file; InputError where there is none."""
    try:
        return pin_of(x509.load_pem_x509_certificate(pem))
    except ValueError as error:
        raise InputError(
            "This holds no certificate.", do="Name a PEM file that begins with the node's own."
        ) from error


@lru_cache(maxsize=1_000)
def forwarded_pin(header: str) -> str | None:
    """Return the pin of a client certificate that a proxy hands on as escaped PEM; None if none."""
    try:
        return pin_in(unquote_to_bytes(header))
    except InputError:
        return None


def context(pins: Iterable[str], ours: Files | None) -> ssl.SSLContext:
    """Return how to connect to an address with such pins, showing our certificate where asked.

    HomeError where our own files cannot be used.
    """
    wanted = frozenset(pins)
    made = httpx.create_ssl_context() if not wanted else _pinned(wanted)
    if ours is not None:
        try:
            made.load_cert_chain(ours.certificate, ours.key)
        except (OSError, ssl.SSLError) as error:
            raise HomeError(
                f"{ours.certificate} and {ours.key} cannot be used for TLS: {error}.",
                do="Run `tearline tls show`, or see TEARLINE_TLS_CERT and TEARLINE_TLS_KEY.",
            ) from error
    return made


def _pinned(pins: frozenset[str]) -> ssl.SSLContext:
    """Return a context that believes nobody but these keys, checked before a byte is sent."""

    def check(der: bytes | None) -> None:
        if der is None or pin_of(x509.load_der_x509_certificate(der)) not in pins:
            raise WrongKeyError("Another TLS key than the card names.")

    class _Socket(ssl.SSLSocket):
        def do_handshake(self, block: bool = False) -> None:  # noqa: FBT001, FBT002  # as it is
            super().do_handshake(block)
            check(self.getpeercert(binary_form=True))

    class _Object(ssl.SSLObject):
        def do_handshake(self) -> None:
            super().do_handshake()
            check(self.getpeercert(binary_form=True))

    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    made.check_hostname = False
    made.verify_mode = ssl.CERT_NONE
    made.sslsocket_class, made.sslobject_class = _Socket, _Object
    return made
