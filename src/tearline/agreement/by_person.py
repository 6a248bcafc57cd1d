"""What a person signed: with a key file (a JWS), or with a passkey (an assertion).

Both are over the same exact bytes, and both are checked with the key text of the person alone.
"""

from typing import Any, TypeAlias

import msgspec

from tearline.agreement import assertion, jws
from tearline.agreement.assertion import Asserted
from tearline.agreement.jws import Signed
from tearline.errors import InputError, ProofError
from tearline.stix import canonical

ByPerson: TypeAlias = Signed | Asserted


def verify(signed: ByPerson, *keys: str) -> bytes:
    """Return the signed bytes once one of a person's keys, and nobody else, signed them.

    ProofError when none of them did.
    """
    key = signed.kids[0]
    if key not in keys:
        raise ProofError(
            "The signature is not of a key of this person.",
            means="Someone else signed, or the key is not enrolled.",
            do="See `tearline person list`.",
        )
    if isinstance(signed, Asserted):
        return assertion.verify(signed, key)
    return jws.verify(signed, key)


def convert(value: Any) -> ByPerson:  # noqa: ANN401  # any JSON value
    """Return what was signed from a JSON value; InputError when it is neither kind."""
    if not isinstance(value, dict) or "assertion" not in value:
        return jws.convert(value)
    try:
        return msgspec.convert(value, Asserted)
    except msgspec.ValidationError as error:
        raise InputError(f"This is not an assertion: {error}.", do="Refuse it.") from error


def builtins(signed: ByPerson) -> dict[str, Any]:
    """Return what was signed as a JSON value."""
    found: dict[str, Any] = msgspec.to_builtins(signed)
    return found


def dump(signed: ByPerson) -> bytes:
    """Return what was signed as canonical JSON."""
    return canonical.canonical(builtins(signed))


def load(document: bytes) -> ByPerson:
    """Return what was signed from a document; InputError when it is neither kind."""
    try:
        return convert(msgspec.json.decode(document))
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise InputError(f"This is not signed: {error}.", do="Refuse it.") from error
