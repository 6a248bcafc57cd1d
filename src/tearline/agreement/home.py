"""A node's home folder: its store, its keys, its card.

    <home>/node.db       the store, unless TEARLINE_STORE names a PostgreSQL database
    <home>/keys/*.pem    root, sign, log, witness, next-root; readable by the owner alone. A key
                         made later has its id in its name; the card says which one counts. Beside
                         them those of TLS
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
from pathlib import Path
from threading import Lock

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tearline import clock
from tearline.agreement import jws
from tearline.agreement.card import USES, Card, card_hash, raw_key_hash, read_card, write_card
from tearline.agreement.key_files import (
    Keys,
    has_keys,
    read_identity,
    vkey_of,
    write_key,
    write_secret,
)
from tearline.config import Settings, settings
from tearline.errors import HomeError, InputError
from tearline.log import record
from tearline.log.checkpoint import vkey_for
from tearline.log.tiles import write_durably
from tearline.log.witness import Witness
from tearline.stix.timestamp import format_timestamp
from tearline.store import cards, owner
from tearline.store.database import Place, Store
from tearline.store.schema import open_store

CARD_DAYS = 5 * 365
_US_PER_DAY = 86_400_000_000
_NAMES = (*USES, "next-root")


class Home:
    """An opened home: everything an act needs to work as this party.

    Card and keys are read again when the card has changed: a node that runs goes on with the keys
    that the command line gave it.
    """

    __slots__ = ("_card_file", "_held", "_known", "_lock", "path", "settings", "store")

    def __init__(
        self, path: Path, settings: Settings, store: Store, card: Card, keys: Keys
    ) -> None:
        """Bind what was read from the folder `path`."""
        self.path = path
        self.settings = settings
        self.store = store
        self._card_file = str(path / "card.json")
        self._held: tuple[_Stamp | None, Card, Keys] = None, card, keys
        self._known: tuple[Card | None, tuple[Card, ...]] = None, ()
        self._lock = Lock()

    def __repr__(self) -> str:
        """Only where it is: no key is ever shown."""
        return f"Home({str(self.path)!r})"

    @property
    def card(self) -> Card:
        """Our card, as it is now."""
        return self.identity[0]

    @property
    def keys(self) -> Keys:
        """Our private keys, as our card has them now."""
        return self.identity[1]

    @property
    def identity(self) -> tuple[Card, Keys]:
        """Our card and the keys that belong to it."""
        stamp, card, keys = self._held
        found = _stamp(self._card_file)
        if found == stamp or found is None:
            return card, keys
        with self._lock:
            if self._held[0] != found:
                card, keys = read_identity(self.path)
                self._held = found, card, keys
            return self._held[1:]

    def _ever(self, use: str, card: Card) -> tuple[str, ...]:
        """Return the keys of a use that ever were on our cards, the first one first."""
        if self._known[0] != card:
            with self.store.read() as tx:
                held = [read_card(each.document) for each in cards.chain(tx, card.slug)]
            self._known = card, tuple(held)
        return tuple(dict.fromkeys(getattr(each, use) for each in self._known[1]))

    def sign(self, body: bytes) -> jws.Signed:
        """Return `body` under our signature, by the key that signs statements and messages."""
        card, keys = self.identity
        return jws.sign(body, keys.sign, card.sign)

    @property
    def name(self) -> str:
        """Our name, as our card says it."""
        return self.card.name

    @property
    def witness(self) -> Witness:
        """Who we are where we cosign the logs of others."""
        card, keys = self.identity
        return Witness(card.slug, card.witness, keys.witness, self._ever("witness", card))

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
        While a log key that was put aside still counts, it signs too.
        """
        log = record.our_log(agreement_id) if agreement_id else record.PRIVATE
        origin = record.origin_of(self.slug, agreement_id)
        guard = self.path / "checkpoints" / origin.rpartition("/")[2]
        guard.parent.mkdir(mode=0o700, exist_ok=True)
        card, keys = self.identity
        also = [each.key for each in keys.former if each.use == "log" and now < each.until_at]
        before = [vkey_for(origin, each) for each in self._ever("log", card)]
        return record.publish(
            self.store, log, origin, keys.log, now=now, guard=guard, also=also, before=before
        )


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
    card, keys = read_identity(path)
    store = _our_store(path, card)
    try:
        if finish_card(path, store, card):
            card, keys = read_identity(path)
    except BaseException:
        store.close()
        raise
    return Home(path, settings().model_copy(update={"home": path}), store, card, keys)


def finish_card(path: Path, store: Store, card: Card) -> bool:
    """Put the newest card of the store in its place, if a change of it was cut short; whether so.

    A card counts once the store has it, for then partners may get it. A store that was set back
    behind the card takes the card in again where it follows on.
    """
    with store.read() as tx:
        held = cards.chain(tx, card.slug)
    name = card_hash(card)
    names = [each.hash for each in held]
    if name in names[:-1] and has_keys(path, read_card(held[-1].document)):
        write_card_file(path, held[-1].document)
        return True
    if name not in names and card.replaces == (names[-1] if names else None):
        with store.write() as tx:
            document = (path / "card.json").read_bytes().strip()
            at = card.issued_at
            cards.add(tx, cards.CardRow(card.slug, len(names), name, document, at, at))
            owner.set_root(tx, card.root)
    return False


def write_card_file(path: Path, document: bytes) -> None:
    """Put another card in the place of ours, in one step that a power cut cannot halve."""
    write_durably(path / "card.json", document + b"\n")


_Stamp = tuple[int, int, int]


def _stamp(card_file: str) -> _Stamp | None:
    """What changes when the card does; None when there is none to read just now."""
    try:
        # Each signed request asks for our card: a Path would cost more than the question.
        found = os.stat(card_file)  # noqa: PTH116
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ino, found.st_size


def store_of(path: Path) -> Place:
    """Return where the store of a home is: the database that the settings name, or its file."""
    return settings().store.get_secret_value() or path / "node.db"


def _our_store(path: Path, card: Card) -> Store:
    """Open the store of a home, after seeing that it is this node's."""
    store = open_store(store_of(path), new=False)
    with store.read() as tx:
        found = owner.owner_of(tx)
        names = (card_hash(card), card.replaces or "")
        known = found is not None and any(cards.is_held(tx, card.slug, each) for each in names)
    if found is not None and found.slug == card.slug and (known or found.root == card.root):
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
    document = (path / "card.json").read_bytes()
    card = read_card(document)
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
            row = cards.CardRow(card.slug, 0, card_hash(card), document.strip(), now, now)
            cards.add(tx, row)
    finally:
        store.close()


def _write_home(path: Path, name: str, url: str | None, now: int) -> None:
    (path / "keys").mkdir(mode=0o700)
    keys = {use: Ed25519PrivateKey.generate() for use in _NAMES}
    for use, key in keys.items():
        write_key(path / "keys" / f"{use}.pem", key)
    write_secret(path / "keys" / "secret", clock.fresh_bytes(32))
    slug = slug_of(name)
    public = {use: vkey_of(slug, use, key) for use, key in keys.items()}
    draft = Card(
        name=name,
        slug=slug,
        root=public["root"],
        sign=public["sign"],
        log=public["log"],
        witness=public["witness"],
        next_root=raw_key_hash(vkey_of(slug, "next", keys["next-root"])),
        url=None,
        issued="",
        expires="",
    )
    write_secret(path / "card.json", _signed(_card(name, slug, url, now, draft), keys["root"]))


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
        issued=format_timestamp(now, digits=6),
        expires=expires(now),
    )


def expires(now: int) -> str:
    """Return when a card that is issued now ends."""
    return format_timestamp(now + CARD_DAYS * _US_PER_DAY)


def _signed(card: Card, root: Ed25519PrivateKey) -> bytes:
    """Sign the card, and read it as a partner would, so that a bad name is found at home."""
    document = write_card(card, root) + b"\n"
    read_card(document)
    return document
