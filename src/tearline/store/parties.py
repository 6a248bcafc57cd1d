"""Partners, the keys that open doors between us, and whom we refused.

A party's row holds the card that a person confirmed by its words. An account is a key that someone
else uses here: only its hash is kept. A credential is a key that we use elsewhere: kept whole, for
it must be sent. Who can write here can let a stranger in; that no card was confirmed shows in the
private log, which has a leaf for each.
"""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    LargeBinary,
    Table,
    bindparam,
    func,
    insert,
    select,
    update,
)

from tearline.store.columns import Serial, Text
from tearline.store.database import Statement, Tx, metadata

party = Table(
    "party",
    metadata,
    Column("slug", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("card", LargeBinary),
    Column("card_hash", Text),
    Column("since_at", BigInteger, nullable=False),
    Column("blocked_at", BigInteger),
    Column("blocked_reason", Text),
    Column("doubted_at", BigInteger),
    Column("doubt", Text),
)
account = Table(
    "account",
    metadata,
    Column("key_hash", Text, primary_key=True),
    Column("agreement_id", Text, nullable=False),
    Column("party", Text, nullable=False),
    Column("since_at", BigInteger, nullable=False),
    Column("ended_at", BigInteger),
)
credential = Table(
    "credential",
    metadata,
    Column("agreement_id", Text, primary_key=True),
    Column("secret", Text, nullable=False),
    Column("since_at", BigInteger, nullable=False),
)
refusal = Table(
    "refusal",
    metadata,
    Column("seq", Serial, primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("party", Text, nullable=False),
    Column("code", Text, nullable=False),
    Column("message_hash", Text, nullable=False),
    Index("refusal_party", "party", "at"),
)


class Partner(NamedTuple):
    """A party other than ours. `card`, its newest, is None for one without a node.

    `doubt` says why a person has to compare its words again before anything goes on with it.
    """

    slug: str
    name: str
    card: bytes | None
    card_hash: str | None
    since_at: int
    blocked_at: int | None
    blocked_reason: str | None
    doubted_at: int | None = None
    doubt: str | None = None


class Account(NamedTuple):
    """Who may knock here with a key: one party, for one agreement."""

    key_hash: str
    agreement_id: str
    party: str
    since_at: int


class Refusal(NamedTuple):
    """A message that we did not take: from whom it claimed to be, why, and its hash."""

    at: int
    party: str
    code: str
    message_hash: str


# ------------------------------------------------------------------------------------ partners


def save_partner(tx: Tx, partner: Partner) -> None:
    """Insert a partner, or replace what is kept of it."""
    _set_partner(tx, partner.slug, partner._asdict())


def _set_partner(tx: Tx, slug: str, values: dict[str, object]) -> None:
    changed = tx.execute(update(party).where(party.c.slug == slug).values(values))
    if not changed.rowcount:
        tx.execute(insert(party).values(values))


_PARTNER = Statement(select(party).where(party.c.slug == bindparam("slug")))
_PARTNERS = Statement(select(party).order_by(party.c.slug))


def partner_of(tx: Tx, slug: str) -> Partner | None:
    """Return the partner with this slug."""
    return next((Partner(*row) for row in _PARTNER.rows(tx, slug=slug)), None)


def partners_named(tx: Tx, name: str) -> list[Partner]:
    """Return the partners whose slug or name is `name`, whatever the case."""
    wanted = name.casefold()
    return [each for each in partners(tx) if wanted in {each.slug, each.name.casefold()}]


def partners(tx: Tx) -> list[Partner]:
    """Return every partner, by slug."""
    return [Partner(*row) for row in _PARTNERS.rows(tx)]


class Names(dict[str, str]):
    """What partners call themselves, by slug; a slug of nobody stands for itself."""

    def __missing__(self, slug: str) -> str:
        return slug


def names(tx: Tx) -> Names:
    """Return the names of all partners, by slug."""
    return Names((each.slug, each.name) for each in partners(tx))


def set_blocked(tx: Tx, slug: str, *, at: int | None, reason: str | None) -> None:
    """Mark a partner as blocked since `at` for `reason`, or as no longer blocked."""
    tx.execute(
        update(party).where(party.c.slug == slug).values(blocked_at=at, blocked_reason=reason)
    )


def set_card(tx: Tx, slug: str, document: bytes, name: str) -> None:
    """Keep the newest card of a partner, and its hash."""
    values = {"card": document, "card_hash": name}
    tx.execute(update(party).where(party.c.slug == slug).values(values))


def set_doubt(tx: Tx, slug: str, *, at: int | None, doubt: str | None) -> None:
    """Mark that a person has to compare a partner's words again, and why; or that one did."""
    tx.execute(update(party).where(party.c.slug == slug).values(doubted_at=at, doubt=doubt))


# --------------------------------------------------------------------------------------- keys


def add_account(tx: Tx, entry: Account) -> None:
    """Let a key in; nothing happens when the same key was there for the same agreement."""
    taken = tx.execute(
        select(account.c.agreement_id).where(account.c.key_hash == entry.key_hash)
    ).one_or_none()
    if taken is None:
        tx.execute(insert(account).values(entry._asdict()))


_ACCOUNT = (
    select(account.c.key_hash, account.c.agreement_id, account.c.party, account.c.since_at)
    .outerjoin(party, party.c.slug == account.c.party)
    .where(account.c.key_hash == bindparam("key_hash"), account.c.ended_at.is_(None))
    .where(party.c.blocked_at.is_(None))
)


def account_of(tx: Tx, key_hash: str) -> Account | None:
    """Return the open account behind the hash of a key; none when its party is blocked."""
    row = tx.execute(_ACCOUNT, {"key_hash": key_hash}).one_or_none()
    return Account(*row) if row else None


def account_ever(tx: Tx, key_hash: str) -> tuple[Account, int | None] | None:
    """Return the account that a key opens or once opened, and when it ended."""
    row = tx.execute(select(account).where(account.c.key_hash == key_hash)).one_or_none()
    return (Account(*row[:-1]), row.ended_at) if row else None


def ended_keys(tx: Tx, agreement_id: str) -> frozenset[str]:
    """Return the hashes of keys that once opened an account of an agreement."""
    rows = select(account.c.key_hash).where(
        account.c.agreement_id == agreement_id, account.c.ended_at.is_not(None)
    )
    return frozenset(tx.execute(rows).scalars())


def is_blocked(tx: Tx, key_hash: str) -> bool:
    """Whether a key is that of a partner who is blocked now."""
    row = tx.execute(
        select(party.c.blocked_at)
        .join(account, account.c.party == party.c.slug)
        .where(account.c.key_hash == key_hash, party.c.blocked_at.is_not(None))
    ).one_or_none()
    return row is not None


def open_keys(tx: Tx) -> frozenset[str]:
    """Return the hashes of all keys that open an account now."""
    rows = select(account.c.key_hash).where(account.c.ended_at.is_(None))
    return frozenset(tx.execute(rows).scalars())


def accounts(tx: Tx, agreement_id: str) -> list[Account]:
    """Return the open accounts of an agreement, oldest first."""
    rows = tx.execute(
        select(account.c.key_hash, account.c.agreement_id, account.c.party, account.c.since_at)
        .where(account.c.agreement_id == agreement_id, account.c.ended_at.is_(None))
        .order_by(account.c.since_at, account.c.key_hash)
    )
    return [Account(*row) for row in rows]


def end_accounts(tx: Tx, agreement_id: str, *, at: int) -> None:
    """Close every account of an agreement."""
    tx.execute(
        update(account)
        .where(account.c.agreement_id == agreement_id, account.c.ended_at.is_(None))
        .values(ended_at=at)
    )


def save_credential(tx: Tx, agreement_id: str, secret: str, *, at: int) -> None:
    """Keep the key that we use at the partner's node under an agreement; once for each."""
    values = {"agreement_id": agreement_id, "secret": secret, "since_at": at}
    tx.execute(insert(credential).values(values))


def credential_of(tx: Tx, agreement_id: str) -> str | None:
    """Return the key that we use at the partner's node under an agreement."""
    found = select(credential.c.secret).where(credential.c.agreement_id == agreement_id)
    return tx.execute(found).scalar_one_or_none()


# ------------------------------------------------------------------------------------ refusals


def add_refusal(tx: Tx, entry: Refusal) -> None:
    """Keep that a message was refused."""
    tx.execute(insert(refusal).values(entry._asdict()))


def refusals_since(tx: Tx, name: str, at: int) -> int:
    """Return how many messages in the name of a party were refused since a moment."""
    count = select(func.count()).where(refusal.c.party == name, refusal.c.at >= at)
    return int(tx.execute(count).scalar_one())


def refusals(tx: Tx, name: str | None = None, *, limit: int = 100) -> Sequence[Refusal]:
    """Return the last refusals, newest first, of one party or of all."""
    rows = select(refusal.c.at, refusal.c.party, refusal.c.code, refusal.c.message_hash)
    if name is not None:
        rows = rows.where(refusal.c.party == name)
    return [Refusal(*row) for row in tx.execute(rows.order_by(refusal.c.seq.desc()).limit(limit))]
