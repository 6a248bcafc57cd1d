"""An authenticator in software: makes a passkey and signs as a browser and its device would."""

import hashlib
import json
import os
from typing import Any, TypeAlias

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tearline.agreement.assertion import (
    Asserted,
    Assertion,
    Passkey,
    base64url,
    challenge_of,
    key_text,
)

Private: TypeAlias = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey

HOST = "cert.example.net"


def fresh(kind: str = "ES256") -> Private:
    if kind == "ES256":
        return ec.generate_private_key(ec.SECP256R1())
    if kind == "RS256":
        return rsa.generate_private_key(65537, 2048)
    return ed25519.Ed25519PrivateKey.generate()


class Device:
    """One passkey for one host."""

    def __init__(self, kind: str = "ES256", host: str = HOST) -> None:
        self.private = fresh(kind)
        self.host = host
        self.credential = os.urandom(16)
        self.counter = 0
        public = self.private.public_key().public_bytes(
            Encoding.DER, PublicFormat.SubjectPublicKeyInfo
        )
        self.key = key_text(Passkey(host, self.credential, public))

    def sign(self, body: bytes, **other: object) -> Asserted:
        return Asserted(base64url(body), self.answer(challenge_of(body), **other))  # type: ignore[arg-type]

    def answer(  # everything that somebody could change
        self,
        challenge: bytes,
        *,
        type_: str = "webauthn.get",
        origin: str | None = None,
        host: str | None = None,
        flags: int = 0x05,
        key: str | None = None,
        more: dict[str, Any] | None = None,
    ) -> Assertion:
        self.counter += 1
        said = {"type": type_, "challenge": base64url(challenge)}
        said |= {"origin": origin or f"https://{self.host}"} | (more or {"crossOrigin": False})
        client = json.dumps(said, separators=(",", ":")).encode()
        data = hashlib.sha256((host or self.host).encode()).digest()
        data += bytes([flags]) + self.counter.to_bytes(4, "big")
        signature = self._sign(data + hashlib.sha256(client).digest())
        parts = [base64url(each) for each in (data, client, signature)]
        return Assertion(key or self.key, *parts)

    def as_json(self, given: Assertion) -> str:
        """An answer as a browser hands it to a page."""
        response = {
            "clientDataJSON": given.client_data,
            "authenticatorData": given.authenticator_data,
            "signature": given.signature,
        }
        id_ = base64url(self.credential)
        return json.dumps({"id": id_, "rawId": id_, "type": "public-key", "response": response})

    def _sign(self, data: bytes) -> bytes:
        if isinstance(self.private, ec.EllipticCurvePrivateKey):
            return self.private.sign(data, ec.ECDSA(SHA256()))
        if isinstance(self.private, rsa.RSAPrivateKey):
            return self.private.sign(data, padding.PKCS1v15(), SHA256())
        return self.private.sign(data)
