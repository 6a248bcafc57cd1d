"""What an authenticator is asked and answers: challenges kept here, each answered once.

A challenge is bound to what it is for and to the browser that it was given to, and is over after
three minutes. An answer is believed when it was made on our own page, for our host, by a passkey
that is known and whose counter did not go back, by a person whom the authenticator verified.
"""

from typing import Any, Literal, NamedTuple, TypeAlias

import msgspec
from msgspec import Struct

from tearline import clock
from tearline.agreement import assertion
from tearline.agreement.assertion import Asserted, Assertion, base64url, unbase64
from tearline.agreement.home import Home
from tearline.errors import InputError, ProofError, RefusedError
from tearline.stix import canonical
from tearline.store import passkeys
from tearline.store.passkeys import Challenge, Passkey
from tearline.web.signing_in import note
from tearline.web.where import Where

Purpose: TypeAlias = Literal["add", "sign in", "prove", "say", "sign-on"]

ASKED = 180_000_000
"""How long a challenge waits for its answer."""
_CHALLENGE_BYTES = 32
_MOST = 5_000
"""Challenges that wait at a time, of all browsers."""


class _Response(Struct, rename={"client_data": "clientDataJSON"}):
    client_data: str


class _Answer(Struct):
    """What every answer of an authenticator holds."""

    id: str
    response: _Response


class _Signed(Struct, rename={"client_data": "clientDataJSON", "data": "authenticatorData"}):
    client_data: str
    data: str
    signature: str


class _SignedAnswer(Struct):
    id: str
    response: _Signed


class Taken(NamedTuple):
    """An answer that holds: by which passkey, and the assertion over the bytes it was asked for."""

    passkey: Passkey
    signed: Asserted


def put(  # what a challenge is made of
    home: Home,
    purpose: Purpose,
    bound_to: str,
    body: bytes,
    *,
    signs: bool = False,
    waits: int = ASKED,
    now: int,
) -> bytes:
    """Keep a new challenge and return it: fresh bytes, or, where a person signs, SHA-256(body)."""
    made = assertion.challenge_of(body) if signs else clock.fresh_bytes(_CHALLENGE_BYTES)
    with home.store.write() as tx:
        new = Challenge(canonical.sha256(made), purpose, bound_to, body, now + waits)
        passkeys.add_challenge(tx, new, now=now, most=_MOST)
    return made


def options(challenge: bytes, where: Where, credentials: list[str]) -> dict[str, Any]:
    """What a browser asks an authenticator (WebAuthn 5.5): a person verified, on our host.

    Without `credentials` any passkey that the authenticator finds for the host will do.
    """
    check_here(where)
    return {
        "challenge": base64url(challenge),
        "rpId": where.rp_id,
        "timeout": ASKED // 1_000,
        "userVerification": "required",
        "allowCredentials": [{"type": "public-key", "id": each} for each in credentials],
    }


def check_here(where: Where) -> None:
    """RefusedError where no passkey works at this address."""
    if not where.here:
        raise RefusedError(
            "No passkey works at this address.",
            means="A passkey belongs to one host, over HTTPS, or on this machine to localhost.",
            do=f"Open these pages at {where.origin}, or set TEARLINE_PAGES_URL.",
        )


def take(home: Home, answer: str, purpose: Purpose, bound_to: str, *, now: int) -> Challenge:
    """Take the challenge that an answer names, which no other answer can name again.

    RefusedError when it is over, was answered, or was given to another browser.
    """
    try:
        found = msgspec.json.decode(answer, type=_Answer)
        client = msgspec.json.decode(unbase64(found.response.client_data), type=dict[str, Any])
        challenge = unbase64(str(client.get("challenge")))
    except (msgspec.DecodeError, InputError, RecursionError, UnicodeDecodeError) as error:
        raise InputError("This is no answer of a passkey.", do="Begin again.") from error
    with home.store.write() as tx:
        hash_ = canonical.sha256(challenge)
        taken = passkeys.take_challenge(tx, hash_, purpose, bound_to, now)
    if taken is None:
        raise RefusedError(
            "This answer comes too late, or a second time.",
            means="What a passkey is asked counts once, for three minutes, in one browser.",
            do="Begin again.",
        )
    return taken


def answered(  # what an answer is held against
    home: Home, where: Where, answer: str, purpose: Purpose, bound_to: str, *, now: int
) -> Taken:
    """Check a passkey's answer to a challenge of ours, and note its use.

    RefusedError or ProofError when anything is wrong: nobody learns which passkeys there are.
    """
    check_here(where)
    asked = take(home, answer, purpose, bound_to, now=now)
    try:
        found = msgspec.json.decode(answer, type=_SignedAnswer)
    except msgspec.DecodeError as error:
        raise InputError("This is no answer of a passkey.", do="Begin again.") from error
    with home.store.read() as tx:
        row = passkeys.passkey(tx, found.id)
    if row is None or row.suspended_at is not None:
        raise RefusedError(
            "This passkey opens nothing here.",
            means="It was removed or suspended, or it is of another node.",
            do="Use another, or the password.",
        )
    said = found.response
    given = Assertion(row.key, said.data, said.client_data, said.signature)
    client = msgspec.json.decode(unbase64(said.client_data), type=dict[str, Any])
    challenge = unbase64(str(client.get("challenge")))
    if canonical.sha256(challenge) != asked.hash or assertion.origin_of(given) != where.origin:
        raise ProofError("This answer was made on another page.", do=f"Use {where.origin}.")
    counter = assertion.check(given, challenge)
    _count(home, row, counter, now)
    return Taken(row, Asserted(base64url(asked.body), given))


def _count(home: Home, row: Passkey, counter: int, now: int) -> None:
    """Note a use; a counter that did not rise says that there are two of this passkey (6.1.1)."""
    with home.store.write() as tx:
        current = passkeys.passkey(tx, row.credential)
        before = current.counter if current else row.counter
        stepped_back = (counter or before) and counter <= before
        if stepped_back:
            passkeys.suspend(tx, row.credential, now)
            note(tx, "passkey suspended", row.name, now, passkey=mark_of(row.key))
        else:
            passkeys.used(tx, row.credential, counter, now)
    if stepped_back:
        raise RefusedError(
            "This passkey is suspended: its counter went back.",
            means="There may be a copy of it in other hands.",
            do="Remove it under your account, and add a new one.",
        )


def mark_of(key: str) -> str:
    """What people compare of a passkey: 16 hex digits of the SHA-256 of its key text, in fours."""
    digits = canonical.sha256(key.encode()).removeprefix("sha256:")[:16]
    return "-".join(digits[n : n + 4] for n in range(0, 16, 4))
