"""Accounts of our own organisation for TAXII: who may read and write which local collection.

Each act stands in the private log with the account's name, and never with a secret.
"""

import re
import unicodedata
from collections.abc import Sequence

import orjson

from tearline import clock
from tearline.agreement.home import Home
from tearline.approval.passwords import hash_password
from tearline.errors import MisuseError, RefusedError
from tearline.exchange.credentials import LONGEST
from tearline.release.collecting import served
from tearline.stix import canonical
from tearline.stix.timestamp import format_timestamp
from tearline.store import accounts, private
from tearline.store.accounts import Key, LocalAccount
from tearline.store.database import Tx

_NAME = re.compile(r"[\w.@+-]{1,64}")
_KEY_BYTES = 32
_LEAST_PREFIX = 6


def add_account(
    home: Home,
    name: str,
    password: str,
    *,
    read: Sequence[str] = (),
    write: Sequence[str] = (),
    now: int,
) -> LocalAccount:
    """Make an account with rights to collections, by their names.

    An account that was ended is opened anew, without the rights and keys that it had. MisuseError
    for a name or password that cannot be used, RefusedError when the account is there.
    """
    entry = LocalAccount(_checked(name), _hashed(password), now, None)
    with home.store.write() as tx:
        there = accounts.account_named(tx, entry.name)
        if there is not None and there.ended_at is None:
            raise RefusedError(
                f"There is an account {entry.name} already.",
                do="Change it with `tearline account password`, `grant` and `deny`.",
            )
        accounts.save_account(tx, entry)
        _note(tx, "added", entry.name, now)
        _grant(tx, entry.name, read, write, now)
    return entry


def find(home: Home, name: str) -> LocalAccount:
    """Return an account that is open; RefusedError when there is none."""
    with home.store.read() as tx:
        return _open(tx, name)


def grant(
    home: Home, name: str, *, read: Sequence[str] = (), write: Sequence[str] = (), now: int
) -> None:
    """Let an account read or write collections, besides what it may already."""
    _check_some(read, write)
    with home.store.write() as tx:
        _grant(tx, _open(tx, name).name, read, write, now)


def deny(
    home: Home, name: str, *, read: Sequence[str] = (), write: Sequence[str] = (), now: int
) -> None:
    """Take the right to read or to write collections from an account."""
    _check_some(read, write)
    with home.store.write() as tx:
        account = _open(tx, name)
        for each in dict.fromkeys((*read, *write)):
            can_read, can_write = _rights(tx, account.name, each)
            _set(
                tx,
                account.name,
                each,
                can_read and each not in read,
                can_write and each not in write,
            )
        _note(tx, "denied", account.name, now)


def set_password(home: Home, name: str, password: str, *, now: int) -> None:
    """Change a password; the old one opens nothing from the next request on."""
    hashed = _hashed(password)
    with home.store.write() as tx:
        accounts.save_account(tx, _open(tx, name)._replace(password=hashed))
        _note(tx, "password", name, now)


def add_key(home: Home, name: str, *, now: int) -> str:
    """Return a fresh key for an account; only its hash is kept."""
    key = clock.fresh_bytes(_KEY_BYTES).hex()
    with home.store.write() as tx:
        account = _open(tx, name)
        accounts.add_key(tx, Key(canonical.sha256(key.encode()), account.name, now))
        _note(tx, "key", account.name, now)
    return key


def end_key(home: Home, name: str, beginning: str, *, now: int) -> str:
    """End one key of an account, named by how its hash begins; return the whole hash."""
    wanted = f"sha256:{beginning.removeprefix('sha256:')}"
    with home.store.write() as tx:
        keys = [each.key_hash for each in accounts.keys_of(tx, _open(tx, name).name)]
        found = [each for each in keys if each.startswith(wanted)]
        if len(found) != 1 or len(wanted) < len("sha256:") + _LEAST_PREFIX:
            raise RefusedError(
                f"{name} has no key, or more than one, whose hash begins so.",
                do="Give six characters or more of a hash from `tearline account list --json`.",
            )
        accounts.end_keys(tx, found, at=now)
        _note(tx, "key-ended", name, now)
    return found[0]


def end_account(home: Home, name: str, *, now: int) -> None:
    """End an account, its keys and its rights, from the next request on."""
    with home.store.write() as tx:
        account = _open(tx, name)
        accounts.save_account(tx, account._replace(ended_at=now))
        accounts.end_keys(tx, [each.key_hash for each in accounts.keys_of(tx, name)], at=now)
        accounts.clear_rights(tx, name)
        _note(tx, "ended", name, now)


def _grant(tx: Tx, name: str, read: Sequence[str], write: Sequence[str], now: int) -> None:
    for each in dict.fromkeys((*read, *write)):
        can_read, can_write = _rights(tx, name, each)
        _set(tx, name, each, can_read or each in read, can_write or each in write)
    if read or write:
        _note(tx, "granted", name, now)


def _rights(tx: Tx, name: str, collection: str) -> tuple[bool, bool]:
    """What an account may do with a collection now; RefusedError when there is no such one."""
    right = accounts.right_of(tx, name, served(tx, collection).id)
    return (right.can_read, right.can_write) if right else (False, False)


def _set(tx: Tx, name: str, collection: str, can_read: bool, can_write: bool) -> None:  # noqa: FBT001  # in this order everywhere
    number = served(tx, collection).number
    accounts.put_right(tx, name, number, can_read=can_read, can_write=can_write)


def _open(tx: Tx, name: str) -> LocalAccount:
    found = accounts.account_named(tx, name) if name.isprintable() else None
    if found is None or found.ended_at is not None:
        raise RefusedError(f"There is no account {name}.", do="See `tearline account list`.")
    return found


def _checked(name: str) -> str:
    plain = unicodedata.normalize("NFC", name)
    if not _NAME.fullmatch(plain):
        raise MisuseError(
            "An account's name has 1 to 64 letters, digits or . _ @ + -.",
            means="HTTP Basic ends the name at the first colon.",
            do="Choose another name.",
        )
    return plain


def _hashed(password: str) -> str:
    if not 0 < len(password) <= LONGEST:
        raise MisuseError(
            f"A password has 1 to {LONGEST} characters.",
            do="Pipe it into --password-stdin, on one line.",
        )
    return hash_password(password)


def _check_some(read: Sequence[str], write: Sequence[str]) -> None:
    if not read and not write:
        raise MisuseError("No collection is named.", do="Name them with --read and --write.")


def _note(tx: Tx, act: str, name: str, now: int) -> None:
    record = {"kind": "account", "act": act, "account": name}
    line = orjson.dumps({**record, "at": format_timestamp(now, digits=6)}).decode()
    private.add(tx, "account", [line])
