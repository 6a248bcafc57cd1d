"""Passkeys of the staff: added, named and removed on one's own account, and used at the doors.

Whoever signs in with one is known as its owner; whether it may approve is another question, which
is answered where the node runs: `enrol`.
"""

from typing import Any

import orjson
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from webauthn import generate_registration_options, options_to_json, verify_registration_response
from webauthn.helpers import decode_credential_public_key, decoded_public_key_to_cryptography
from webauthn.helpers.cose import COSEAlgorithmIdentifier
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)
from webauthn.registration.verify_registration_response import VerifiedRegistration

from tearline.agreement import assertion
from tearline.agreement.assertion import base64url, unbase64
from tearline.agreement.home import Home
from tearline.approval import people
from tearline.errors import InputError, ProofError, RefusedError
from tearline.stix import canonical
from tearline.store import passkeys, reviews, staff
from tearline.store.database import Tx
from tearline.store.passkeys import Passkey
from tearline.store.reviews import Person
from tearline.web import challenges, signing_in
from tearline.web.challenges import mark_of
from tearline.web.signing_in import Role, Viewer, note
from tearline.web.where import Where

APPROVING: tuple[Role, ...] = ("approver", "officer")
"""Whose passkey may be enrolled to approve."""
MOST = 20
"""Passkeys of one person."""
_LABEL = 60
_KINDS = [
    COSEAlgorithmIdentifier.EDDSA,
    COSEAlgorithmIdentifier.ECDSA_SHA_256,
    COSEAlgorithmIdentifier.RSASSA_PKCS1_v1_5_SHA_256,
]


def mine(home: Home, name: str) -> list[tuple[Passkey, bool]]:
    """The passkeys of one of the staff, each with whether it may approve."""
    with home.store.read() as tx:
        enrolled = {each.key for each in reviews.people(tx) if each.ended_at is None}
        return [(each, each.key in enrolled) for each in passkeys.passkeys(tx, name)]


def begin_adding(home: Home, who: Viewer, where: Where, *, now: int) -> dict[str, Any]:
    """What a browser asks an authenticator to make a passkey (WebAuthn 5.4)."""
    challenges.check_here(where)
    have = [unbase64(each.credential) for each, _ in mine(home, who.name)]
    if len(have) >= MOST:
        raise RefusedError(f"You have {MOST} passkeys.", do="Remove one that you do not use.")
    asked = generate_registration_options(
        rp_id=where.rp_id,
        rp_name=home.card.name,
        user_id=_user(home, who.name),
        user_name=who.name,
        challenge=challenges.put(home, "add", who.session, b"", now=now),
        timeout=challenges.ASKED // 1_000,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED,
            require_resident_key=True,
            user_verification=UserVerificationRequirement.REQUIRED,
        ),
        exclude_credentials=[PublicKeyCredentialDescriptor(id=each) for each in have],
        supported_pub_key_algs=_KINDS,
    )
    made: dict[str, Any] = orjson.loads(options_to_json(asked))
    return made


def add(home: Home, who: Viewer, where: Where, label: str, answer: str, *, now: int) -> Passkey:
    """Keep a passkey that an authenticator just made; ProofError when its answer does not hold."""
    challenges.check_here(where)
    label = _labelled(label)
    challenges.take(home, answer, "add", who.session, now=now)
    made = _registered(answer, where)
    public = decoded_public_key_to_cryptography(
        decode_credential_public_key(made.credential_public_key)
    ).public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    key = assertion.key_text(assertion.Passkey(where.rp_id, made.credential_id, public))
    assertion.parse_key(key)
    credential = base64url(made.credential_id)
    with home.store.write() as tx:
        if passkeys.passkey(tx, credential) is not None:
            raise RefusedError("This passkey is here already.", do="Make another.")
        new = Passkey(credential, who.name, label, key, made.sign_count, now)
        passkeys.add_passkey(tx, new)
        note(tx, "passkey added", who.name, now, passkey=mark_of(key))
    return new


def _registered(answer: str, where: Where) -> VerifiedRegistration:
    """What an authenticator says of the passkey that it made."""
    challenge = orjson.loads(
        unbase64(orjson.loads(answer)["response"]["clientDataJSON"])  # as `take` has seen
    )["challenge"]
    try:
        return verify_registration_response(
            credential=answer,
            expected_challenge=unbase64(challenge),
            expected_rp_id=where.rp_id,
            expected_origin=where.origin,
            require_user_verification=True,
            supported_pub_key_algs=_KINDS,
        )
    except (WebAuthnException, ValueError, KeyError, TypeError) as error:
        raise ProofError(
            "The authenticator's answer does not hold.",
            means="It was made for another page, or without verifying who used it.",
            do="Begin again, or use another authenticator.",
        ) from error


def rename(home: Home, who: Viewer, credential: str, label: str) -> None:
    """Call a passkey of one's own otherwise."""
    label = _labelled(label)
    with home.store.write() as tx:
        passkeys.rename(tx, _own(tx, who, credential).credential, label)


def remove(home: Home, who: Viewer, credential: str, *, now: int) -> None:
    """Remove a passkey of one's own; where it may approve, it may no more."""
    with home.store.write() as tx:
        _drop(tx, _own(tx, who, credential), "its owner removed the passkey", now)


def _drop(tx: Tx, row: Passkey, reason: str, now: int) -> None:
    people.end_key(tx, row.key, reason, now=now)
    passkeys.drop_passkey(tx, row.credential)
    note(tx, "passkey removed", row.name, now, passkey=mark_of(row.key))


def _own(tx: Tx, who: Viewer, credential: str) -> Passkey:
    found = passkeys.passkey(tx, credential)
    if found is None or found.name != who.name:
        raise RefusedError("You have no such passkey.", do="See your account.")
    return found


def _labelled(text: str) -> str:
    label = " ".join(text.split())
    if not label or len(label) > _LABEL or not label.isprintable():
        raise InputError(f"A name has 1 to {_LABEL} characters.", do="Give another.")
    return label


def _user(home: Home, name: str) -> bytes:
    """The user handle: the same for all passkeys of one person, and it names nobody."""
    return bytes.fromhex(canonical.sha256(f"{home.slug}/{name}".encode()).removeprefix("sha256:"))


# -------------------------------------------------------------------------------------- the doors


def begin_sign_in(home: Home, where: Where, door: str, *, now: int) -> dict[str, Any]:
    """What a browser asks of any passkey it finds, before anybody is known."""
    challenges.check_here(where)
    return challenges.options(challenges.put(home, "sign in", door, b"", now=now), where, [])


def sign_in(home: Home, where: Where, door: str, answer: str, *, now: int) -> str:
    """Sign in by passkey; returns the secret of the session."""
    taken = challenges.answered(home, where, answer, "sign in", door, now=now)
    with home.store.write() as tx:
        member = staff.member_named(tx, taken.passkey.name)
        if member is None or member.ended_at is not None:
            raise RefusedError("This passkey opens nothing here.", do="Ask an admin.")
        note(tx, "signed in", member.name, now, by="passkey")
        return signing_in.begin(tx, member.name, now, where.browser)


def begin_proving(home: Home, who: Viewer, where: Where, *, now: int) -> dict[str, Any]:
    """What a browser asks of one's own passkeys, to show again who one is."""
    challenges.check_here(where)
    have = [each.credential for each, _ in mine(home, who.name) if each.suspended_at is None]
    if not have:
        raise RefusedError("You have no passkey.", do="Use the password.")
    return challenges.options(challenges.put(home, "prove", who.session, b"", now=now), where, have)


def prove(home: Home, who: Viewer, where: Where, answer: str, *, now: int) -> None:
    """Show by passkey who one is; ProofError when it is somebody else's."""
    taken = challenges.answered(home, where, answer, "prove", who.session, now=now)
    if taken.passkey.name != who.name:
        raise ProofError("This passkey is somebody else's.", do="Use your own.")
    with home.store.write() as tx:
        staff.set_proven(tx, who.session, now)


# --------------------------------------------------------------------------------------- enrolling


def enrol(home: Home, name: str, mark: str, *, also: bool, now: int) -> Person:
    """Let a passkey of one of the staff approve, where the node runs.

    `mark` is what its owner reads out from their account: it says which, and that it is theirs.
    RefusedError when there is none such, or its owner's role approves nothing.
    """
    with home.store.write() as tx:
        member = staff.member_named(tx, name)
        if member is None or member.ended_at is not None:
            raise RefusedError(
                f"Nobody called {name} uses the pages.", do="See `tearline staff list`."
            )
        if member.role not in APPROVING:
            raise RefusedError(
                f"{name} is {member.role}, who approves nothing on the pages.",
                do="Invite them as approver or officer: `tearline staff invite`.",
            )
        for each in passkeys.passkeys(tx, name):
            if mark_of(each.key) == mark.strip().casefold() and each.suspended_at is None:
                return people.let_in(tx, name, each.key, also=also, now=now)
        raise RefusedError(
            f"{name} has no passkey {mark}.",
            means="The mark of a passkey stands on the account page of its owner.",
            do="Have them read it out again.",
        )
