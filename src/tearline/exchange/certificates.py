"""The TLS key and certificate that a node makes for itself, and the pins on its card.

A certificate lasts some months, a key as long as it stays safe; the card names keys. So a renewed
certificate changes nothing for partners. A new key goes on the card first, beside the one in use
(`prepare`), and takes its place once the partners have that card (`change`).
"""

import ipaddress
import os
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from tearline.agreement.card import Card, read_card
from tearline.agreement.home import Home
from tearline.agreement.renewing import renew
from tearline.errors import HomeError, MisuseError, RefusedError
from tearline.exchange.pins import CERTIFICATE, KEY, NEXT_KEY, files_of, pin_in
from tearline.stix import canonical

_US_PER_S = 1_000_000
_BACK = timedelta(hours=1)
"""Clocks differ: a certificate counts from an hour before it was made."""
_LONGEST_NAME = 64


class Shown(NamedTuple):
    """What a node shows in TLS, and what its card names; `pin` is None where it shows nothing."""

    card: Card
    certificate: Path | None
    pin: str | None
    until_at: int | None


def make(home: Home, *, days: int, now: int) -> Shown:
    """Make a certificate for the address on our card; a key too, where there is none.

    The card is issued again where it does not name the key yet. RefusedError where the card has no
    address; MisuseError for a span that is none.
    """
    if not 0 < days <= 3650:  # noqa: PLR2004  # ten years
        raise MisuseError("A certificate lasts from one day to ten years.", do="Set --days.")
    _check_address(home)
    key = _key(home.path / KEY)
    return _made(home, key, [*home.card.tls, _pin(key)], days=days, now=now)


def prepare(home: Home, *, now: int) -> Shown:
    """Make the key that is to come, and name it on the card beside the one in use."""
    if not (home.path / KEY).is_file():
        raise RefusedError("There is no TLS key yet.", do="Run `tearline tls make` first.")
    coming = _pin(_key(home.path / NEXT_KEY))
    return _named(home, [*home.card.tls, coming], now)


def change(home: Home, *, days: int, now: int) -> Shown:
    """Put the prepared key in the place of the one in use, which leaves the card."""
    coming = home.path / NEXT_KEY
    if not coming.is_file():
        raise RefusedError(
            "No key was prepared.",
            means="Partners that do not know the new key would refuse this node.",
            do="Run `tearline tls next`, sync with every partner, and come again.",
        )
    key, old = _key(coming), _pin(_key(home.path / KEY))
    pins = [each for each in (*home.card.tls, _pin(key)) if each != old]
    _check_address(home)
    coming.replace(home.path / KEY)
    return _made(home, key, pins, days=days, now=now)


def name_keys(home: Home, certificates: Sequence[bytes], *, now: int) -> Shown:
    """Name on the card the keys of these certificates (PEM) and no others: those of a proxy, say.

    InputError where one of them is none. With none at all, the usual authorities count.
    """
    return _named(home, [pin_in(each) for each in certificates], now)


def shown(home: Home) -> Shown:
    """Return what stands now."""
    card = read_card((home.path / "card.json").read_bytes())
    files = files_of(home)
    if files is None:
        return Shown(card, None, None, None)
    try:
        pem = files.certificate.read_bytes()
    except OSError as error:
        raise HomeError(
            f"{files.certificate} cannot be read.", do="See TEARLINE_TLS_CERT."
        ) from error
    pin = pin_in(pem)
    until = x509.load_pem_x509_certificate(pem).not_valid_after_utc
    return Shown(card, files.certificate, pin, int(until.timestamp()) * _US_PER_S)


def _made(
    home: Home, key: ec.EllipticCurvePrivateKey, pins: Sequence[str], *, days: int, now: int
) -> Shown:
    _write(home.path / CERTIFICATE, _certificate(home, key, days, now))
    return _named(home, pins, now)


def _named(home: Home, pins: Sequence[str], now: int) -> Shown:
    wanted = tuple(dict.fromkeys(pins))
    if wanted != home.card.tls:
        renew(home, home.card.url, tls=wanted, now=now)
    return shown(home)


def _certificate(home: Home, key: ec.EllipticCurvePrivateKey, days: int, now: int) -> bytes:
    host = _check_address(home)
    made = datetime.fromtimestamp(now // _US_PER_S, UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, home.slug[:_LONGEST_NAME])])
    uses = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(made - _BACK)
        .not_valid_after(made + timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([_alternative(host)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage(uses), critical=False)
        .sign(key, hashes.SHA256())
    )
    return built.public_bytes(Encoding.PEM)


def _check_address(home: Home) -> str:
    host = urlsplit(home.card.url or "").hostname
    if host is None:
        raise RefusedError(
            "Our card names no address, so there is nothing to make a certificate for.",
            do="Make the home with --url, or renew the card with an address.",
        )
    return host


def _alternative(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _key(path: Path) -> ec.EllipticCurvePrivateKey:
    """Return the key in a file, made now where there is none."""
    if not path.is_file():
        fresh = ec.generate_private_key(ec.SECP256R1())
        _write(path, fresh.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    key = load_pem_private_key(path.read_bytes(), password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise HomeError(f"{path} holds no key that was made here.", do="Restore the one that was.")
    return key


def _pin(key: ec.EllipticCurvePrivateKey) -> str:
    public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return canonical.sha256(public)


def _write(path: Path, content: bytes) -> None:
    """Write a file for its owner alone, all of it or nothing."""
    draft = path.with_name(f"{path.name}.new")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
