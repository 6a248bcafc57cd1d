"""The people who approve: enrolled by name, each with a key of their own.

The key is the person's, not the node's: only its public half is kept here.
"""

import orjson
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

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


def enrol(home: Home, name: str, key: Ed25519PrivateKey, *, now: int) -> Person:
    """Let a person approve from now on.

    RefusedError when the name was given before, or somebody has this key: two persons are two.
    """
    short = slug_of(name)
    public = key.public_key().public_bytes_raw()
    with home.store.write() as tx:
        for each in reviews.people(tx):
            if each.name == short:
                raise RefusedError(
                    f"There is or was a person called {short} already.",
                    means="What was signed under a name stays that person's.",
                    do="Give another name.",
                )
            if parse_vkey(each.key)[1] == public:
                raise RefusedError(
                    f"This is the key of {each.name}.",
                    means="Where two people have to approve, they have two keys.",
                    do="Make a key of their own for each.",
                )
        person = Person(short, vkey(f"{home.slug}/{short}", public), now, None)
        reviews.add_person(tx, person)
        _record(tx, {"kind": "person", "act": "enrolled", "person": short, "key": person.key}, now)
    return person


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


def people(home: Home) -> list[Person]:
    """Everybody who is or was enrolled, by name."""
    with home.store.read() as tx:
        return reviews.people(tx)


def owner_of(home: Home, key: Ed25519PrivateKey) -> Person:
    """Whose key this is; RefusedError when it is nobody's who is enrolled."""
    public = key.public_key().public_bytes_raw()
    for each in people(home):
        if each.ended_at is None and parse_vkey(each.key)[1] == public:
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


def _record(tx: Tx, record: dict[str, str], now: int) -> None:
    line = orjson.dumps({**record, "at": format_timestamp(now, digits=6)}).decode()
    private.add(tx, "person", [line])
