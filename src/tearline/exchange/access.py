"""Who knocks: the key in a request, the account behind it, the agreement it relies on.

A key may come as HTTP Basic (user = the partner's short name, password = the key), as a bearer
token, or in `X-API-Key`. Only its hash is kept here, so a lookup is an index probe and needs no
slow password hash: the keys are 256 random bits that we made. Failed attempts are counted in
memory for each address, and after too many no key is looked up for it; but a right key always
opens, so that nobody who shares an address with a partner can keep it out.
"""

import base64
import binascii
import hmac
from collections import OrderedDict, deque
from collections.abc import Mapping
from threading import Lock
from typing import NamedTuple

import orjson

from tearline.agreement.force import InForce, in_force
from tearline.agreement.home import Home
from tearline.errors import RefusedError
from tearline.stix import canonical
from tearline.stix.timestamp import format_timestamp
from tearline.store import parties, releases
from tearline.store.database import Tx

AGREEMENT_HEADER = "Tearline-Agreement"
CHALLENGE = 'Basic realm="Tearline", charset="UTF-8", Bearer realm="Tearline"'
_LONGEST_KEY = 512
_SPAN_US = 60_000_000
_REFRESH_US = 1_000_000
_HOUR_US = 3_600_000_000
_NOTED_PER_HOUR = 60


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


class OtherAgreementError(TurnedAwayError):
    """A request that relies on another version of the agreement than the one that binds here."""

    def __init__(self, caller: "Caller", named: str) -> None:
        """Tell the hash that binds, and keep who asked, for our log."""
        super().__init__(
            409,
            "Another version of the agreement is in force here.",
            "Exchange messages, then ask again under the hash that binds.",
            details={"agreement": caller.force.hash},
        )
        self.caller = caller
        self.named = named


class Caller(NamedTuple):
    """A partner that showed a key, and how its agreement stands at this moment."""

    party: str
    agreement_id: str
    force: InForce


class Credentials(NamedTuple):
    """What a request brought; `user` only with HTTP Basic."""

    user: str | None
    key: str

    @property
    def key_hash(self) -> str:
        """The name under which the account of this key is kept."""
        return canonical.sha256(self.key.encode())


class Door:
    """Lets callers in, and slows down an address that keeps bringing wrong keys.

    The counts are of one process and are lost with it: they protect the machine, not the keys.
    """

    def __init__(self, *, most: int = 30, addresses: int = 10_000) -> None:
        """Allow `most` failures a minute from one address; remember so many addresses."""
        self._most = most
        self._addresses = addresses
        self._failures: OrderedDict[str, deque[int]] = OrderedDict()
        self._keys: frozenset[str] = frozenset()
        self._keys_at = -_REFRESH_US
        self._noted: dict[str, deque[int]] = {}
        self._lock = Lock()

    def check(self, address: str, *, now: int) -> None:
        """Turn away an address with too many failures in the last minute."""
        with self._lock:
            held = self._failures.get(address)
            while held and held[0] <= now - _SPAN_US:
                held.popleft()
            if held and len(held) >= self._most:
                raise TurnedAwayError(
                    429, "Too many failed attempts.", headers={"Retry-After": "60"}
                )

    def failed(self, address: str, *, now: int) -> None:
        """Count a failure."""
        with self._lock:
            self._failures.setdefault(address, deque(maxlen=self._most)).append(now)
            self._failures.move_to_end(address)
            if len(self._failures) > self._addresses:
                self._failures.popitem(last=False)

    def _opens(self, tx: Tx, key_hash: str, now: int) -> bool:
        """Whether a key is one that opens, by a list that is read once a second at most."""
        with self._lock:
            if now - self._keys_at >= _REFRESH_US:
                self._keys, self._keys_at = parties.open_keys(tx), now
            return key_hash in self._keys

    def note(self, home: Home, error: OtherAgreementError, *, now: int) -> None:
        """Queue for the private log that a partner relied on another version; sixty an hour."""
        with self._lock:
            noted = self._noted.setdefault(error.caller.party, deque(maxlen=_NOTED_PER_HOUR))
            if len(noted) == _NOTED_PER_HOUR and noted[0] > now - _HOUR_US:
                return
            noted.append(now)
        entry = {
            "kind": "refusal",
            "party": error.caller.party,
            "code": "agreement",
            "agreement": error.caller.force.hash,
            "at": format_timestamp(now, digits=6),
        }
        with home.store.write() as tx:
            releases.add_private(tx, "refusal", [orjson.dumps(entry).decode()])

    def admit(self, tx: Tx, headers: Mapping[str, str], address: str, *, now: int) -> Caller:
        """Return who asks; TurnedAwayError: 401 no or wrong key, 403 blocked, 429 too often."""
        found = credentials(headers)
        key_hash = found.key_hash if found else ""
        if not self._opens(tx, key_hash, now):
            self.check(address, now=now)
        if found is None:
            raise _unknown("Bring the key that was agreed.")
        account = parties.account_of(tx, key_hash)
        if account is None and parties.is_blocked(tx, key_hash):
            raise TurnedAwayError(403, "This key opens nothing any more.")
        named = account is not None and (
            found.user is None or hmac.compare_digest(found.user.encode(), account.party.encode())
        )
        if account is None or not named or not hmac.compare_digest(account.key_hash, key_hash):
            self.failed(address, now=now)
            raise _unknown("The user or the key is wrong.")
        force = in_force(tx, account.agreement_id, now=now)
        if force is None or force.partner != account.party:
            raise TurnedAwayError(404, "There is nothing here.")
        return Caller(account.party, account.agreement_id, force)


def check_agreement(headers: Mapping[str, str], caller: Caller, *, required: bool) -> None:
    """Compare the version a request relies on with the one that binds; 409 when it is another."""
    named = headers.get(AGREEMENT_HEADER)
    if named is None:
        if required:
            raise TurnedAwayError(400, f"The header {AGREEMENT_HEADER} is missing.")
    elif not hmac.compare_digest(named.strip().encode(), caller.force.hash.encode()):
        raise OtherAgreementError(caller, named.strip()[:100])


def credentials(headers: Mapping[str, str]) -> Credentials | None:
    """Return the key that a request brings, whichever way; None when it brings none."""
    scheme, _, value = headers.get("authorization", "").strip().partition(" ")
    value = value.strip()
    if scheme.casefold() == "bearer" and value:
        found = Credentials(None, value)
    elif scheme.casefold() == "basic" and value:
        found = _basic(value)
    else:
        found = Credentials(None, headers.get("x-api-key", "").strip())
    return found if 0 < len(found.key) <= _LONGEST_KEY else None


def _basic(value: str) -> Credentials:
    try:
        text = base64.b64decode(value, validate=True).decode()
    except (binascii.Error, ValueError):
        return Credentials(None, "")
    user, _, key = text.partition(":")
    return Credentials(user, key)


def _unknown(description: str) -> TurnedAwayError:
    return TurnedAwayError(
        401, "A key is needed.", description, headers={"WWW-Authenticate": CHALLENGE}
    )
