"""Who of ours uses the pages: names, roles, password hashes, invitations and sessions.

A session and an invitation are 256 random bits, kept as their SHA-256. Who can write here can sign
in as anybody; what needs a person's own key (an approval) is signed outside of the store.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, Column, Index, Table, bindparam, delete, insert, select, update

from tearline.store.columns import Text
from tearline.store.database import Statement, Store, Tx, metadata

staff = Table(
    "staff",
    metadata,
    Column("name", Text, primary_key=True),
    Column("role", Text, nullable=False),
    Column("password", Text, nullable=False),
    Column("since_at", BigInteger, nullable=False),
    Column("ended_at", BigInteger),
    Column("subject", Text),
    Index("staff_subject", "subject"),
)
staff_invitation = Table(
    "staff_invitation",
    metadata,
    Column("token_hash", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("until_at", BigInteger, nullable=False),
)
staff_session = Table(
    "staff_session",
    metadata,
    Column("token_hash", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("since_at", BigInteger, nullable=False),
    Column("until_at", BigInteger, nullable=False),
    Column("proven_at", BigInteger, nullable=False),
    Column("place", Text, nullable=False),
    Index("staff_session_name", "name"),
)


class Member(NamedTuple):
    """One of the staff; `password` is a PHC string of Argon2id, empty where there is none.

    `subject` is who they are at the sign-on of the organisation: issuer and subject.
    """

    name: str
    role: str
    password: str
    since_at: int
    ended_at: int | None = None
    subject: str | None = None


class Invitation(NamedTuple):
    """A link by which somebody chooses a password, once and until a moment."""

    token_hash: str
    name: str
    role: str
    until_at: int


class Session(NamedTuple):
    """A browser that signed in; `proven_at` is when its user last showed who they are.

    `place` says which browser, and from where.
    """

    token_hash: str
    name: str
    since_at: int
    until_at: int
    proven_at: int
    place: str = ""


# --------------------------------------------------------------------------------------- members


def members(tx: Tx) -> list[Member]:
    """Everybody who is or was one of the staff, by name."""
    return [Member(*row) for row in tx.execute(select(staff).order_by(staff.c.name))]


def member_named(tx: Tx, name: str) -> Member | None:
    """One of the staff, ended or not."""
    row = tx.execute(select(staff).where(staff.c.name == name)).one_or_none()
    return Member(*row) if row else None


def member_of_subject(tx: Tx, subject: str) -> Member | None:
    """One of the staff by who they are elsewhere, ended or not."""
    row = tx.execute(select(staff).where(staff.c.subject == subject)).one_or_none()
    return Member(*row) if row else None


def put_member(tx: Tx, member: Member) -> None:
    """Keep one of the staff; whatever was kept under the name gives way."""
    tx.execute(delete(staff).where(staff.c.name == member.name))
    tx.execute(insert(staff).values(member._asdict()))


def end_member(tx: Tx, name: str, at: int) -> None:
    """Let somebody in no more; sessions and open invitations end with it."""
    tx.execute(update(staff).where(staff.c.name == name).values(ended_at=at))
    tx.execute(delete(staff_session).where(staff_session.c.name == name))
    tx.execute(delete(staff_invitation).where(staff_invitation.c.name == name))


# ----------------------------------------------------------------------------------- invitations


def put_invitation(tx: Tx, new: Invitation) -> None:
    """Keep an invitation; an older one for the same name is void."""
    tx.execute(delete(staff_invitation).where(staff_invitation.c.name == new.name))
    tx.execute(insert(staff_invitation).values(new._asdict()))


def invitation(tx: Tx, token_hash: str, now: int) -> Invitation | None:
    """The invitation of a token, while it counts."""
    query = select(staff_invitation).where(
        staff_invitation.c.token_hash == token_hash, staff_invitation.c.until_at > now
    )
    row = tx.execute(query).one_or_none()
    return Invitation(*row) if row else None


def drop_invitation(tx: Tx, token_hash: str) -> None:
    """An invitation is used once."""
    tx.execute(delete(staff_invitation).where(staff_invitation.c.token_hash == token_hash))


# -------------------------------------------------------------------------------------- sessions


def add_session(tx: Tx, new: Session) -> None:
    """Keep a session, and forget those that are over."""
    tx.execute(delete(staff_session).where(staff_session.c.until_at <= new.since_at))
    tx.execute(insert(staff_session).values(new._asdict()))


_SESSION = Statement(
    select(staff_session, staff)
    .join_from(staff_session, staff, staff.c.name == staff_session.c.name)
    .where(
        staff_session.c.token_hash == bindparam("token_hash"),
        staff_session.c.until_at > bindparam("now"),
        staff.c.ended_at.is_(None),
    )
)


def session(tx: Tx, token_hash: str, now: int) -> tuple[Session, Member] | None:
    """The session of a token and whose it is, while both count."""
    return _session(_SESSION.rows(tx, token_hash=token_hash, now=now))


def session_asked(store: Store, token_hash: str, now: int) -> tuple[Session, Member] | None:
    """The same by one question, outside a transaction."""
    return _session(store.ask(_SESSION, token_hash=token_hash, now=now))


def _session(rows: Sequence[tuple[Any, ...]]) -> tuple[Session, Member] | None:
    fields = len(Session._fields)
    return next(((Session(*row[:fields]), Member(*row[fields:])) for row in rows), None)


def sessions(tx: Tx, name: str, now: int) -> list[Session]:
    """The sessions of a name that are not over, the newest first."""
    query = select(staff_session).where(
        staff_session.c.name == name, staff_session.c.until_at > now
    )
    rows = tx.execute(query.order_by(staff_session.c.since_at.desc(), staff_session.c.token_hash))
    return [Session(*row) for row in rows]


def set_proven(tx: Tx, token_hash: str, at: int) -> None:
    """Note that the user of a session showed the password again."""
    tx.execute(
        update(staff_session).where(staff_session.c.token_hash == token_hash).values(proven_at=at)
    )


def drop_sessions(tx: Tx, *, token_hash: str | None = None, name: str | None = None) -> None:
    """End one session, or all of a name."""
    which = (
        staff_session.c.token_hash == token_hash
        if token_hash is not None
        else staff_session.c.name == name
    )
    tx.execute(delete(staff_session).where(which))
