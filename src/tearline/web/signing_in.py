"""Who may use the pages: invitations, passwords, sessions, and showing the password again.

The first link is printed where the node runs; from then on an admin invites. Whatever is wrong at
signing in, the answer is the same after the same work.
"""

from typing import Literal, NamedTuple, TypeAlias, get_args

import orjson

from tearline import clock
from tearline.agreement.home import Home, slug_of
from tearline.approval import people
from tearline.approval.passwords import hash_password, is_password
from tearline.errors import MisuseError, RefusedError
from tearline.stix import canonical
from tearline.stix.timestamp import format_timestamp
from tearline.store import passkeys, private, staff
from tearline.store.database import Tx
from tearline.store.staff import Invitation, Member, Session

Role: TypeAlias = Literal["reader", "analyst", "officer", "approver", "overseer", "admin"]
ROLES: tuple[Role, ...] = get_args(Role)
WEIGHING: tuple[Role, ...] = ("analyst", "officer", "approver", "overseer", "admin")
"""Who sees what waits and what was refused: everybody but readers."""

HOUR = 3_600_000_000
INVITED = 48 * HOUR
"""How long an invitation counts."""
SIGNED_IN = 12 * HOUR
"""How long a session lasts."""
PROVEN = HOUR // 6
"""How long after showing the password keys and agreements may be changed."""
SHORTEST, LONGEST = 12, 512
"""Characters of a password."""
_TOKEN_BYTES = 32


class Viewer(NamedTuple):
    """Who looks at a page: their name and role, and the session by its hash."""

    name: str
    role: Role
    session: str
    proven_at: int

    def may(self, *roles: Role) -> bool:
        """Whether their role is one of these; no role stands for another."""
        return self.role in roles


def invite(home: Home, name: str, role: str, *, now: int) -> str:
    """Invite somebody to choose a password; returns the secret part of the link, shown once.

    For one of the staff already it sets the role and password anew. MisuseError for another role.
    """
    if role not in ROLES:
        raise MisuseError(f"{role} is no role.", do=f"Take one of {', '.join(ROLES)}.")
    short, token = slug_of(name), clock.fresh_bytes(_TOKEN_BYTES).hex()
    with home.store.write() as tx:
        new = Invitation(_hash(token), short, role, now + INVITED)
        staff.put_invitation(tx, new)
        note(tx, "invited", short, now, role=role)
    return token


def first(home: Home, *, now: int) -> str | None:
    """Invite the first admin; None where somebody is there already."""
    with home.store.read() as tx:
        if any(each.ended_at is None for each in staff.members(tx)):
            return None
    return invite(home, "admin", "admin", now=now)


def invited(home: Home, token: str, *, now: int) -> Invitation | None:
    """Whom a link invites, while it counts."""
    with home.store.read() as tx:
        return staff.invitation(tx, _hash(token), now)


def accept(home: Home, token: str, password: str, *, place: str = "", now: int) -> str:
    """Take up an invitation with a password, and sign in; returns the secret of the session.

    RefusedError when the link counts no more, or the password is too short or too long.
    """
    if not SHORTEST <= len(password) <= LONGEST:
        raise RefusedError(
            f"A password has {SHORTEST} to {LONGEST} characters.", do="Choose a longer one."
        )
    slow = hash_password(password)
    with home.store.write() as tx:
        found = staff.invitation(tx, _hash(token), now)
        if found is None:
            raise RefusedError(
                "This link counts no more.",
                means="It was used, it is older than two days, or a newer one was made.",
                do="Ask an admin for another: `tearline staff invite`.",
            )
        staff.drop_invitation(tx, found.token_hash)
        staff.drop_sessions(tx, name=found.name)
        staff.put_member(tx, Member(found.name, found.role, slow, now))
        note(tx, "accepted", found.name, now, role=found.role)
        return begin(tx, found.name, now, place)


def sign_in(home: Home, name: str, password: str, *, place: str = "", now: int) -> str | None:
    """Sign in by password; returns the secret of the session, None where anything is wrong."""
    with home.store.read() as tx:
        found = staff.member_named(tx, name.strip())
    known = (found.password or None) if found is not None and found.ended_at is None else None
    if not is_password(password[:LONGEST], known) or found is None:
        return None
    with home.store.write() as tx:
        current = staff.member_named(tx, found.name)
        if current != found:
            return None
        note(tx, "signed in", found.name, now)
        return begin(tx, found.name, now, place)


def viewer(home: Home, token: str, *, now: int) -> Viewer | None:
    """Whose session a secret is; None where it is over."""
    found = staff.session_asked(home.store, _hash(token), now)
    if found is None:
        return None
    session, member = found
    role: Role = member.role  # type: ignore[assignment]  # written by `invite` alone
    return Viewer(member.name, role, session.token_hash, session.proven_at)


def prove(home: Home, who: Viewer, password: str, *, now: int) -> bool:
    """Show the password again in a session: step up for what only its owner should do."""
    with home.store.read() as tx:
        found = staff.member_named(tx, who.name)
    if not is_password(password[:LONGEST], (found.password or None) if found else None):
        return False
    with home.store.write() as tx:
        staff.set_proven(tx, who.session, now)
    return True


def sign_out(home: Home, who: Viewer, *, everywhere: bool) -> None:
    """End this session, or all of this person's."""
    with home.store.write() as tx:
        if everywhere:
            staff.drop_sessions(tx, name=who.name)
        else:
            staff.drop_sessions(tx, token_hash=who.session)


def end(home: Home, name: str, reason: str, *, now: int) -> Member:
    """Let somebody in no more; RefusedError when nobody is there under this name."""
    with home.store.write() as tx:
        found = staff.member_named(tx, name)
        if found is None or found.ended_at is not None:
            raise RefusedError(
                f"Nobody called {name} uses the pages.", do="See `tearline staff list`."
            )
        staff.end_member(tx, name, now)
        for each in passkeys.passkeys(tx, name):
            people.end_key(tx, each.key, reason, now=now)
            passkeys.drop_passkey(tx, each.credential)
        note(tx, "ended", name, now, reason=reason)
    return found._replace(ended_at=now)


def is_from_elsewhere(home: Home, who: Viewer) -> bool:
    """Whether somebody is known by the organisation's sign-on."""
    with home.store.read() as tx:
        found = staff.member_named(tx, who.name)
    return found is not None and found.subject is not None


def sessions(home: Home, who: Viewer, *, now: int) -> list[Session]:
    """The sessions of whoever asks, the newest first."""
    with home.store.read() as tx:
        return staff.sessions(tx, who.name, now)


def end_session(home: Home, who: Viewer, session: str, *, now: int) -> None:
    """End one session of one's own, named by its hash; RefusedError when there is none such."""
    with home.store.write() as tx:
        if session not in {each.token_hash for each in staff.sessions(tx, who.name, now)}:
            raise RefusedError("You have no such session.", do="See your account.")
        staff.drop_sessions(tx, token_hash=session)


def everybody(home: Home) -> list[Member]:
    """Everybody who uses or used the pages, by name."""
    with home.store.read() as tx:
        return staff.members(tx)


def begin(tx: Tx, name: str, now: int, place: str) -> str:
    """Begin a session of somebody who just showed who they are; returns its secret."""
    token = clock.fresh_bytes(_TOKEN_BYTES).hex()
    staff.add_session(tx, Session(_hash(token), name, now, now + SIGNED_IN, now, place[:200]))
    return token


def _hash(token: str) -> str:
    return canonical.sha256(token.encode())


def note(tx: Tx, act: str, name: str, now: int, **more: str) -> None:
    """Put an act into the private log."""
    record = {"kind": "staff", "act": act, "name": name, **more}
    record["at"] = format_timestamp(now, digits=6)
    private.add(tx, "staff", [orjson.dumps(record).decode()])
