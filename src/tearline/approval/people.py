"""The people who approve: enrolled by name, each with keys of their own.

A key is the person's, not the node's: only its public half is kept here. It is one of a file, or a
passkey. Two persons have two keys; one person may have several, and stays one.
"""

import orjson
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from tearline.agreement import assertion
from tearline.agreement.home import Home, slug_of
from tearline.errors import InputError, RefusedError
from tearline.log.checkpoint import parse_vkey, vkey
from tearline.stix.timestamp import format_timestamp
from tearline.store import private, reviews
from tearline.store.database import Tx
from tearline.store.reviews import Person


def new_key(password: str) -> bytes:
    """Return a new private key as PEM (PKCS 8, Ed25519), encrypted unless `password` is empty."""
    how: KeySerializationEncryption = NoEncryption()
    if password:
        how = BestAvailableEncryption(password.encode())
    key = Ed25519PrivateKey.generate()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, how)


def is_encrypted(pem: bytes) -> bool:
    """Whether a private key can be read only with its password."""
    return b"ENCRYPTED" in pem


def read_key(pem: bytes, password: str) -> Ed25519PrivateKey:
    """Return the private key in a PEM file; InputError when it is none or the password wrong."""
    secret = password.encode() if is_encrypted(pem) else None
    try:
        key = load_pem_private_key(pem, secret)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise InputError(
            "This is not a private key that can be read.",
            means="The file is of another kind, or the password is not its own.",
            do="Name the file that `tearline person add` wrote, and type its password.",
        ) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise InputError("This key is not of the kind Ed25519.", do="Use one of that kind.")
    return key


def enrol(home: Home, name: str, key: Ed25519PrivateKey, *, also: bool = False, now: int) -> Person:
    """Let a person approve from now on, with the key of a file.

    `also` says that it is a further key of somebody who is enrolled. RefusedError when the name was
    given before, or somebody has this key: two persons are two.
    """
    short = slug_of(name)
    public = key.public_key().public_bytes_raw()
    with home.store.write() as tx:
        return let_in(tx, short, vkey(f"{home.slug}/{short}", public), also=also, now=now)


def let_in(tx: Tx, name: str, key: str, *, also: bool, now: int) -> Person:
    """Enrol a person, or one more key of theirs, by its text; RefusedError as of `enrol`."""
    for each in reviews.people(tx):
        if _public(each.key) == _public(key):
            raise RefusedError(
                f"This is the key of {each.name}.",
                means="Where two people have to approve, they have two keys.",
                do="Make a key of their own for each.",
            )
    if also:
        keys_of(tx, name)
    elif any(each.name == name for each in reviews.people(tx)):
        raise RefusedError(
            f"There is or was a person called {name} already.",
            means="What was signed under a name stays that person's.",
            do="Give another name; or, for one more key of the same person, say --also.",
        )
    person = Person(name, key, now, None)
    reviews.add_person(tx, person)
    _record(tx, {"kind": "person", "act": "enrolled", "person": name, "key": key}, now)
    return person


def _public(key: str) -> bytes:
    """The public key alone, in one form for every kind of key text."""
    if not assertion.is_passkey(key):
        return parse_vkey(key)[1]
    found = assertion.public_key(assertion.parse_key(key).public)
    if isinstance(found, Ed25519PublicKey):
        return found.public_bytes_raw()
    return found.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def end(home: Home, name: str, reason: str, *, now: int) -> Person:
    """Let a person say nothing more; what was said before stays.

    RefusedError when nobody is enrolled under this name.
    """
    with home.store.write() as tx:
        person = person_of(tx, name)
        reviews.end_person(tx, person.name, now)
        line = {"kind": "person", "act": "ended", "person": person.name, "reason": reason}
        _record(tx, line, now)
    return person._replace(ended_at=now)


def end_key(tx: Tx, key: str, reason: str, *, now: int) -> None:
    """Let a person say nothing more with one key; does nothing where it is nobody's."""
    for each in reviews.people(tx):
        if each.key == key and each.ended_at is None:
            reviews.end_person(tx, each.name, now, key=key)
            line = {"kind": "person", "act": "ended", "person": each.name, "reason": reason}
            _record(tx, line | {"key": key}, now)


def people(home: Home) -> list[Person]:
    """Everybody who is or was enrolled, by name; once for each key."""
    with home.store.read() as tx:
        return reviews.people(tx)


def owner_of(home: Home, key: Ed25519PrivateKey) -> Person:
    """Whose key this is; RefusedError when it is nobody's who is enrolled."""
    public = key.public_key().public_bytes_raw()
    for each in people(home):
        if each.ended_at is None and _public(each.key) == public:
            return each
    raise RefusedError(
        "This key is of nobody who is enrolled here.",
        do="See `tearline person list`; enrol with `tearline person add`.",
    )


def person_of(tx: Tx, name: str) -> Person:
    """The person enrolled under a name; RefusedError when there is none now."""
    for each in reviews.people(tx):
        if each.name == name and each.ended_at is None:
            return each
    raise RefusedError(f"Nobody called {name} is enrolled.", do="See `tearline person list`.")


def keys_of(tx: Tx, name: str) -> list[str]:
    """The keys with which a person may say something now; RefusedError when there is none."""
    found = [e.key for e in reviews.people(tx) if e.name == name and e.ended_at is None]
    if not found:
        person_of(tx, name)
    return found


def _record(tx: Tx, record: dict[str, str], now: int) -> None:
    line = orjson.dumps({**record, "at": format_timestamp(now, digits=6)}).decode()
    private.add(tx, "person", [line])
