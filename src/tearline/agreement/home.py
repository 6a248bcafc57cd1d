"""A node's home folder: its store, its keys, its card.

    <home>/node.db       the store, unless TEARLINE_STORE names a PostgreSQL database
    <home>/keys/*.pem    root, sign, log, witness, next-root; readable by the owner alone
    <home>/keys/secret   32 bytes for derived identifiers
    <home>/card.json     our card
    <home>/checkpoints/  the last signed checkpoint of each log

Who can read the keys can speak for this party: sign agreements, statements and checkpoints.
Nothing in the software would show it; that the log's checkpoints are held by partners shows a
rewritten history. `next-root.pem` is best moved to a safe place off this machine.
"""

import os
import re
import shutil
import unicodedata
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from msgspec.structs import replace

from tearline import clock
from tearline.agreement.card import USES, Card, kind_of, read_card, write_card
from tearline.config import Settings, settings
from tearline.errors import HomeError, InputError, ProofError
from tearline.log import record
from tearline.log.checkpoint import vkey, vkey_for
from tearline.log.witness import Witness
from tearline.stix import canonical
from tearline.stix.timestamp import format_timestamp
from tearline.store import owner
from tearline.store.database import Place, Store
from tearline.store.schema import open_store

CARD_DAYS = 5 * 365
_US_PER_DAY = 86_400_000_000
_NAMES = (*USES, "next-root")


@dataclass(frozen=True, slots=True, repr=False)
class Keys:
    """The private keys of a node, and the secret behind its derived identifiers."""

    root: Ed25519PrivateKey
    sign: Ed25519PrivateKey
    log: Ed25519PrivateKey
    witness: Ed25519PrivateKey
    secret: bytes


@dataclass(frozen=True, slots=True)
class Home:
    """An opened home: everything an act needs to work as this party."""

    path: Path
    settings: Settings
    store: Store
    card: Card
    keys: Keys = field(repr=False)

    @property
    def name(self) -> str:
        """Our name, as our card says it."""
        return self.card.name

    @property
    def witness(self) -> Witness:
        """Who we are where we cosign the logs of others."""
        return Witness(self.slug, self.card.witness, self.keys.witness)

    @property
    def slug(self) -> str:
        """Our short name in keys, logs and addresses."""
        return self.card.slug

    def log_vkey(self, agreement_id: str | None) -> str:
        """The verifier key of our log of an agreement, of the node log, or of our private log."""
        return vkey_for(record.origin_of(self.slug, agreement_id), self.card.log)

    def publish(self, agreement_id: str | None, *, now: int) -> str:
        """Sign a checkpoint over our log of an agreement, or another of ours; return the note.

        The last note is also kept in a file beside the store, so that a restored backup is found.
        """
        log = record.our_log(agreement_id) if agreement_id else record.PRIVATE
        origin = record.origin_of(self.slug, agreement_id)
        guard = self.path / "checkpoints" / origin.rpartition("/")[2]
        guard.parent.mkdir(mode=0o700, exist_ok=True)
        return record.publish(self.store, log, origin, self.keys.log, now=now, guard=guard)


def slug_of(name: str) -> str:
    """Return the short name made from a name; InputError when nothing is left of it."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().casefold()
    slug = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:63].strip("-")
    if not slug:
        raise InputError(f"{name!r} has no letters for a short name.", do="Give it a Latin name.")
    return slug


def create_home(path: Path, name: str, url: str | None, now: int) -> Home:
    """Make keys, a card and an empty store in a new folder, all of it or nothing.

    HomeError when something is there already, or the store belongs to another node; InputError when
    the name or address cannot be used.
    """
    path = path.expanduser().absolute()
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise HomeError(
            f"{path} is already in use.",
            means="A home is made once; its keys are what partners know this node by.",
            do="Use it as it is, or name another folder with --home.",
        )
    draft = path.with_name(f".{path.name}.{clock.fresh_bytes(4).hex()}")
    try:
        draft.mkdir(mode=0o700, parents=True)
        _write_home(draft, name, url, now)
        _claim_store(draft, now)
        if path.exists():
            path.rmdir()
        draft.rename(path)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return open_home(path)


def open_home(path: Path) -> Home:
    """Open the home in a folder; HomeError when it is missing, half there or open to others.

    Also when its store is missing or another node's, and as StoreError when it does not answer.
    """
    path = path.expanduser().absolute()
    try:
        card = read_card((path / "card.json").read_bytes())
        keys = {name: _read_key(path / "keys" / f"{name}.pem") for name in USES}
        secret = _read_secret(path / "keys" / "secret")
    except FileNotFoundError as error:
        raise HomeError(
            f"{error.filename} is missing, so {path} is no home of a node.",
            do="Run `tearline init`, or name the right folder with --home.",
        ) from error
    except (InputError, ProofError, OSError, ValueError) as error:
        raise HomeError(f"The home {path} cannot be used: {error}", do="Restore it.") from error
    for name, key in keys.items():
        if getattr(card, name) != _vkey(card.slug, name, key):
            raise HomeError(
                f"The {name} key of {path} is not the one on its card.",
                means="Partners would refuse everything that this node signs.",
                do="Restore the keys and the card that were made together.",
            )
    return Home(
        path=path,
        settings=settings().model_copy(update={"home": path}),
        store=_our_store(path, card),
        card=card,
        keys=Keys(keys["root"], keys["sign"], keys["log"], keys["witness"], secret),
    )


def store_of(path: Path) -> Place:
    """Return where the store of a home is: the database that the settings name, or its file."""
    return settings().store.get_secret_value() or path / "node.db"


def _our_store(path: Path, card: Card) -> Store:
    """Open the store of a home, after seeing that it is this node's."""
    store = open_store(store_of(path), new=False)
    with store.read() as tx:
        found = owner.owner_of(tx)
    if found is not None and (found.slug, found.root) == (card.slug, card.root):
        replica = settings().store_read.get_secret_value()
        if replica:
            store.use_replica(replica)
        return store
    store.close()
    whose = f"to the node {found.slug!r}" if found else "to no node yet"
    raise HomeError(
        f"The store {store.shown} belongs {whose}, not to {card.slug!r} of {path}.",
        means="A node that used another's store would sign what it never did.",
        do="See that TEARLINE_STORE and --home name what belongs together.",
    )


def _claim_store(path: Path, now: int) -> None:
    """Make the store of a new home, and write into it whose it is."""
    card = read_card((path / "card.json").read_bytes())
    store = open_store(store_of(path))
    try:
        with store.write() as tx:
            found = owner.owner_of(tx)
            if found is not None:
                raise HomeError(
                    f"The store {store.shown} belongs to the node {found.slug!r} already.",
                    means="Each node needs a store of its own.",
                    do="Name another database in TEARLINE_STORE, or leave it out.",
                )
            owner.claim(tx, owner.Owner(card.slug, card.root, now))
    finally:
        store.close()


def renew_card(
    home: Home, url: str | None, *, now: int, tls: tuple[str, ...] | None = None
) -> bytes:
    """Issue our card again, with another address, other TLS keys and a new span; return its file.

    The keys stay, so agreements stay; the check words change, and partners confirm them anew.
    """
    keys = home.card if tls is None else replace(home.card, tls=tls)
    card = _card(home.name, home.slug, url, now, keys)
    document = _signed(card, home.keys.root)
    _write(home.path / "card.json.new", document)
    (home.path / "card.json.new").replace(home.path / "card.json")
    return document


def _write_home(path: Path, name: str, url: str | None, now: int) -> None:
    (path / "keys").mkdir(mode=0o700)
    keys = {use: Ed25519PrivateKey.generate() for use in _NAMES}
    for use, key in keys.items():
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        _write(path / "keys" / f"{use}.pem", pem)
    _write(path / "keys" / "secret", clock.fresh_bytes(32))
    slug = slug_of(name)
    public = {use: _vkey(slug, use, key) for use, key in keys.items()}
    draft = Card(
        name=name,
        slug=slug,
        root=public["root"],
        sign=public["sign"],
        log=public["log"],
        witness=public["witness"],
        next_root=canonical.sha256(keys["next-root"].public_key().public_bytes_raw()),
        url=None,
        issued="",
        expires="",
    )
    _write(path / "card.json", _signed(_card(name, slug, url, now, draft), keys["root"]))


def _card(name: str, slug: str, url: str | None, now: int, keys: Card) -> Card:
    return Card(
        name=name,
        slug=slug,
        root=keys.root,
        sign=keys.sign,
        log=keys.log,
        witness=keys.witness,
        next_root=keys.next_root,
        url=url.rstrip("/") if url else None,
        tls=keys.tls,
        issued=format_timestamp(now),
        expires=format_timestamp(now + CARD_DAYS * _US_PER_DAY),
    )


def _signed(card: Card, root: Ed25519PrivateKey) -> bytes:
    """Sign the card, and read it as a partner would, so that a bad name is found at home."""
    document = write_card(card, root) + b"\n"
    read_card(document)
    return document


def _vkey(slug: str, use: str, key: Ed25519PrivateKey) -> str:
    return vkey(f"{slug}/{use}", key.public_key().public_bytes_raw(), kind_of(use))


def _write(path: Path, content: bytes) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _read_key(path: Path) -> Ed25519PrivateKey:
    key = load_pem_private_key(_read_secret(path), password=None)
    if not isinstance(key, Ed25519PrivateKey):
        raise HomeError(f"{path} holds no Ed25519 key.", do="Restore the key that was there.")
    return key


def _read_secret(path: Path) -> bytes:
    if path.stat().st_mode & 0o077:
        raise HomeError(
            f"{path} can be read by other users of this machine.",
            means="Whoever reads it can speak for this party.",
            do=f"Run `chmod 600 {path}`.",
        )
    return path.read_bytes()
