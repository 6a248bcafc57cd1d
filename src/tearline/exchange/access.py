"""Who knocks: what a request brings, the account behind it, the agreement it relies on.

A partner's key may come as HTTP Basic (user = the partner's short name, password = the key), as a
bearer token, or in `X-API-Key`; so may a key of an account of ours, which also has a password.
Only hashes are kept here: a key is 256 random bits that we made and is looked up by its SHA-256, a
password is proven as `credentials` says. Failed attempts are counted in memory for each address,
and after too many no key is looked up and no password tried for it; but a right key, or a password
that was proven lately, always opens, so that nobody who shares an address can keep others out.
"""

import asyncio
import hmac
from collections import deque
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from typing import Any, NamedTuple

import orjson
from starlette.requests import Request
from starlette.types import Scope

from tearline.agreement.cards_held import cards_of
from tearline.agreement.force import InForce, in_force
from tearline.agreement.home import Home
from tearline.approval.attempts import Attempts
from tearline.approval.passwords import is_password
from tearline.errors import RefusedError
from tearline.exchange.credentials import Credentials, Proofs, credentials
from tearline.exchange.proving import Proving
from tearline.exchange.signatures import ACCEPTED, Signatory, UnprovenError, signatory_of
from tearline.stix.timestamp import format_timestamp
from tearline.store import accounts, knocks, parties, private
from tearline.store.database import Store, Tx
from tearline.store.releases import Head

AGREEMENT_HEADER = "Tearline-Agreement"
CHALLENGE = 'Basic realm="Tearline", charset="UTF-8", Bearer realm="Tearline"'
_SPAN_US = 60_000_000
_REFRESH_US = 1_000_000
_HOUR_US = 3_600_000_000
_NOTED_PER_HOUR = 60
_HASHES_AT_ONCE = 2
_MOST_WAITING = 64
_A_KEY = ""
"""Stands among the proofs for what is no password: it is looked up each time."""


class TurnedAwayError(RefusedError):
    """A request that is answered with a refusal: a status, a title, and what may be told."""

    def __init__(
        self,
        status: int,
        title: str,
        description: str = "",
        *,
        headers: Mapping[str, str] | None = None,
        details: Mapping[str, str] | None = None,
    ) -> None:
        """Keep the parts of the answer; none of them may say what the caller may not know."""
        super().__init__(title, means=description)
        self.status = status
        self.title = title
        self.description = description
        self.headers = dict(headers or {})
        self.details = dict(details or {})


class NotedError(TurnedAwayError):
    """A refusal of a partner's request that stands in our private log: who, why, under what."""

    party: str = ""
    code: str = ""
    agreement: str | None = None


class OtherAgreementError(NotedError):
    """A request that relies on another version of the agreement than the one that binds here."""

    def __init__(self, caller: "Caller", named: str) -> None:
        """Tell the hash that binds, and keep who asked, for our log."""
        super().__init__(
            409,
            "Another version of the agreement is in force here.",
            "Exchange messages, then ask again under the hash that binds.",
            details={"agreement": caller.force.hash},
        )
        self.party, self.code, self.agreement = caller.party, "agreement", caller.force.hash
        self.named = named


class UnprovenRequestError(NotedError):
    """A request that does not prove that a partner's node sent it, or not to us, or not now."""

    def __init__(self, error: UnprovenError, party: str, agreement: str | None, now: int) -> None:
        """Tell the reason and our time, and keep who is said to have asked, for our log."""
        super().__init__(
            401,
            error.what,
            error.means,
            headers={"WWW-Authenticate": CHALLENGE, "Accept-Signature": ACCEPTED},
            details={"code": error.code, "now": format_timestamp(now)},
        )
        self.party, self.code, self.agreement = party, error.code, agreement


class Caller(NamedTuple):
    """A partner that showed a key, and how its agreement stands at this moment.

    `signatory` is who signs its requests; None for a partner without a node.
    """

    party: str
    agreement_id: str
    force: InForce
    key_hash: str
    signatory: Signatory | None


class LocalCaller(NamedTuple):
    """An account of our own organisation."""

    account: str


class _Known(NamedTuple):
    """A partner that was let in: what showed how it stands, and for which time that holds."""

    caller: Caller
    signs: tuple[tuple[Any, ...], ...]
    since_at: int
    until_at: int


class Door:
    """Lets callers in, and slows down an address that keeps bringing wrong keys.

    The counts are of one process and are lost with it: they protect the machine, not the keys.
    """

    def __init__(self, *, most: int = 30, addresses: int = 10_000) -> None:
        """Allow `most` failures a minute from one address; remember so many addresses."""
        self._attempts = Attempts(most=most, span_us=_SPAN_US, callers=addresses)
        self._addresses = addresses
        self._keys: frozenset[str] = frozenset()
        self._keys_at = -_REFRESH_US
        self._noted: dict[str, deque[int]] = {}
        self._proofs = Proofs()
        self.proving = Proving()
        self._known: dict[str, _Known] = {}
        self._hashing = ThreadPoolExecutor(_HASHES_AT_ONCE, "tearline-passwords")
        self._waiting = 0
        self._lock = Lock()

    def check(self, address: str, *, now: int) -> None:
        """Turn away an address with too many failures in the last minute."""
        if self._attempts.wait_us(address, now=now):
            raise TurnedAwayError(429, "Too many failed attempts.", headers={"Retry-After": "60"})

    def failed(self, address: str, *, now: int) -> None:
        """Count a failure."""
        self._attempts.failed(address, now=now)

    def _opens(self, tx: Tx, key_hash: str, now: int) -> bool:
        """Whether a key is one that opens, by a list that is read once a second at most."""
        with self._lock:
            if now - self._keys_at >= _REFRESH_US:
                self._keys = parties.open_keys(tx) | accounts.open_keys(tx)
                self._keys_at = now
            return key_hash in self._keys

    def note(self, home: Home, error: NotedError, *, now: int) -> None:
        """Queue for the private log that a request was refused; sixty an hour of each partner."""
        with self._lock:
            noted = self._noted.setdefault(error.party, deque(maxlen=_NOTED_PER_HOUR))
            if len(noted) == _NOTED_PER_HOUR and noted[0] > now - _HOUR_US:
                return
            noted.append(now)
        entry = {
            "kind": "refusal",
            "party": error.party,
            "code": error.code,
            "agreement": error.agreement,
            "at": format_timestamp(now, digits=6),
        }
        with home.store.write() as tx:
            private.add(tx, "refusal", [orjson.dumps(entry).decode()])

    def is_known(self, headers: Mapping[str, str], *, now: int) -> bool:
        """Whether `prove` has nothing to do: no password, or one that was proven lately."""
        found = credentials(headers)
        return found is None or found.user is None or self._proofs.get(found, now=now) is not None

    async def prove(
        self, home: Home, headers: Mapping[str, str], address: str, *, now: int
    ) -> None:
        """Prove a password that is new here, so that `admit` knows it.

        The slow hash runs in a few threads of its own, so that whoever tries passwords holds up
        nobody but others who bring new ones. TurnedAwayError: 429 too often, 503 too many at once.
        """
        found = credentials(headers)
        if found is None or self.is_known(headers, now=now):
            return
        if self._waiting >= _MOST_WAITING:
            raise TurnedAwayError(503, "Too many are knocking.", headers={"Retry-After": "5"})
        self._waiting += 1
        try:
            proving = self._hashing.submit(self._prove, home, found, address, now)
            await asyncio.wrap_future(proving)
        finally:
            self._waiting -= 1

    def _prove(self, home: Home, found: Credentials, address: str, now: int) -> None:
        with home.store.read() as tx:
            if not self._opens(tx, found.key_hash, now):
                self.check(address, now=now)
            if _is_key(tx, found.key_hash):
                self._proofs.put(found, _A_KEY, now=now)
                return
            account = accounts.account_named(tx, found.user or "")
        phc = account.password if account and account.ended_at is None else None
        if is_password(found.key, phc) and phc is not None:
            self._proofs.put(found, phc, now=now)

    def admit(
        self, tx: Tx, home: Home, request: Request, address: str, *, now: int
    ) -> Caller | LocalCaller:
        """Return who asks; TurnedAwayError: 401 no or wrong key, 403 blocked, 429 too often.

        A password opens only after `prove`, and only while the account still has it. A partner's
        node opens only with a signed request; UnprovenRequestError else.
        """
        found = credentials(request.headers)
        if found is not None and found.user is not None:
            proof = self._proofs.get(found, now=now)
            if proof and accounts.is_proven(tx, found.user, proof):
                return LocalCaller(found.user)
        key_hash = found.key_hash if found else ""
        if not self._opens(tx, key_hash, now):
            self.check(address, now=now)
        if found is None:
            raise _unknown("Bring the key that was agreed.")
        caller = _partner(tx, found, now) or _local(tx, found)
        if caller is None:
            self.failed(address, now=now)
            raise _unknown("The user or the key is wrong.")
        if isinstance(caller, Caller):
            self.check_signed(home, request.scope, caller, now=now)
            self._remember(tx, caller, now)
        return caller

    def check_signed(self, home: Home, scope: Scope, caller: Caller, *, now: int) -> None:
        """UnprovenRequestError unless the node of this partner signed the request, just now."""
        if caller.signatory is None:
            return
        try:
            self.proving.check(home, scope, caller.signatory, now=now)
        except UnprovenError as error:
            raise UnprovenRequestError(error, caller.party, caller.force.hash, now) from error

    def opened(
        self, store: Store, headers: Mapping[str, str], collection_id: str, *, now: int
    ) -> accounts.Opened | None:
        """Return which account of ours asks, and what it may do there, from one question.

        None where `admit` has to say what is wrong, or a password is to be proven first.
        """
        found = credentials(headers)
        if found is None:
            return None
        if found.user is not None:
            proof = self._proofs.get(found, now=now)
            if proof is None:
                return None
            if proof != _A_KEY:
                return accounts.opened_by_password(store, found.user, proof, collection_id)
        opened = accounts.opened_by_key(store, found.key_hash, collection_id)
        return opened if opened and _same_user(found, opened.account) else None

    def known_partner(
        self, home: Home, request: Request, *, now: int
    ) -> tuple[Caller, Head] | None:
        """Return which partner asks, and the head of its agreement, from one question.

        None unless `admit` has let it in before, and nothing has changed for it since.
        UnprovenRequestError as in `admit`.
        """
        found = credentials(request.headers)
        known = self._known.get(found.key_hash) if found else None
        if found is None or known is None or not known.since_at <= now < known.until_at:
            return None
        if not _same_user(found, known.caller.party):
            return None
        told = knocks.knock(home.store, found.key_hash)
        if told is None or told.signs != known.signs:
            return None
        self.check_signed(home, request.scope, known.caller, now=now)
        return known.caller, told.head

    def _remember(self, tx: Tx, caller: Caller, now: int) -> None:
        """Keep how a partner stands until the clock changes it; whoever asks compares the rest."""
        told = knocks.knock_in(tx, caller.key_hash)
        if told is None:
            return
        turns = told.turns + ((caller.signatory.expires_at,) if caller.signatory else ())
        until = min((turn for turn in turns if turn > now), default=now + _HOUR_US)
        with self._lock:
            if len(self._known) >= self._addresses:
                self._known.clear()
            self._known[caller.key_hash] = _Known(caller, told.signs, now, until)

    def until(self, caller: Caller | LocalCaller) -> int | None:
        """Until when the clock alone changes nothing for someone who was let in; None if ever.

        Nothing ever turns by the clock for accounts of ours.
        """
        if isinstance(caller, LocalCaller):
            return None
        known = self._known.get(caller.key_hash)
        return known.until_at if known and known.caller == caller else 0

    def admit_partner(
        self, tx: Tx, home: Home, request: Request, address: str, *, now: int
    ) -> Caller:
        """Return which partner asks; for accounts of ours there is nothing here (404)."""
        caller = self.admit(tx, home, request, address, now=now)
        if isinstance(caller, LocalCaller):
            raise TurnedAwayError(404, "There is nothing here that you may know of.")
        return caller


def _is_key(tx: Tx, key_hash: str) -> bool:
    """Whether this is a key, of a partner or of an account, and no password."""
    return (
        parties.account_of(tx, key_hash) is not None
        or parties.is_blocked(tx, key_hash)
        or accounts.account_keyed(tx, key_hash) is not None
    )


def _partner(tx: Tx, found: Credentials, now: int) -> Caller | None:
    account = parties.account_of(tx, found.key_hash)
    if account is None:
        if parties.is_blocked(tx, found.key_hash):
            raise TurnedAwayError(403, "This key opens nothing any more.")
        return None
    if not _same_user(found, account.party):
        return None
    if not hmac.compare_digest(account.key_hash, found.key_hash):
        return None
    force = in_force(tx, account.agreement_id, now=now)
    if force is None or force.partner != account.party:
        raise TurnedAwayError(404, "There is nothing here.")
    signatory = None if force.one_sided else _signatory(tx, account.party)
    return Caller(account.party, account.agreement_id, force, account.key_hash, signatory)


def _signatory(tx: Tx, party: str) -> Signatory:
    cards = cards_of(tx, party)
    if cards is None:
        raise TurnedAwayError(404, "There is nothing here.")
    return signatory_of(cards)


def _local(tx: Tx, found: Credentials) -> LocalCaller | None:
    name = accounts.account_keyed(tx, found.key_hash)
    return LocalCaller(name) if name is not None and _same_user(found, name) else None


def _same_user(found: Credentials, name: str) -> bool:
    return found.user is None or hmac.compare_digest(found.user.encode(), name.encode())


def check_agreement(headers: Mapping[str, str], caller: Caller, *, required: bool = False) -> None:
    """Compare the version a request relies on with the one that binds; 409 when it is another.

    A node has to name it; a plain client need not, unless it is `required`.
    """
    named = headers.get(AGREEMENT_HEADER)
    if named is None:
        if required or caller.signatory is not None:
            raise TurnedAwayError(400, f"The header {AGREEMENT_HEADER} is missing.")
    elif not hmac.compare_digest(named.strip().encode(), caller.force.hash.encode()):
        raise OtherAgreementError(caller, named.strip()[:100])


def _unknown(description: str) -> TurnedAwayError:
    return TurnedAwayError(
        401, "A key is needed.", description, headers={"WWW-Authenticate": CHALLENGE}
    )
