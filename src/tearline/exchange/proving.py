"""Whether a request proves that a partner's node sent it: its signature, once, and its connection.

A request is looked at once, also where more than one door asks: a second look would find its nonce
taken. What was found stands in the request's own scope.
"""

from threading import Lock
from typing import Final

from starlette.types import Scope

from tearline.agreement.home import Home
from tearline.errors import StoreError
from tearline.exchange.nonces import FullError, Nonces
from tearline.exchange.signatures import Claim, Signatory, UnprovenError, claim_of

CERTIFICATE: Final = "tearline.certificate"
"""Where the scope has the hash of the TLS key that the caller showed to our proxy."""
_FOUND: Final = "tearline.proof"
_NONCES = "nonces"


class Proving:
    """Checks of one process; which requests came already, all workers of the machine know."""

    def __init__(self) -> None:
        """Open nothing yet."""
        self._held: Nonces | None = None
        self._lock = Lock()

    def check(self, home: Home, scope: Scope, signatory: Signatory, *, now: int) -> Claim:
        """Return the claim of a request, once it holds; UnprovenError else, the same each time."""
        found = scope.get(_FOUND)
        if found is None:
            try:
                found = self._checked(home, scope, signatory, now)
            except UnprovenError as error:
                found = error
            scope[_FOUND] = found
        if isinstance(found, UnprovenError):
            raise found
        claim: Claim = found
        return claim

    def _checked(self, home: Home, scope: Scope, signatory: Signatory, now: int) -> Claim:
        claim = claimed(home, scope)
        claim.check_moment(now)
        claim.check_key(signatory, now)
        if home.settings.client_certificates and scope.get(CERTIFICATE) not in signatory.pins:
            raise UnprovenError("certificate")
        self._take(home, claim, now)
        return claim

    def _take(self, home: Home, claim: Claim, now: int) -> None:
        name = f"{claim.keyid} {claim.nonce}"
        try:
            fresh = self._nonces(home).take(name, until=claim.until_at, now=now)
        except FullError as error:
            raise UnprovenError("full") from error
        if not fresh:
            raise UnprovenError("replay")

    def _nonces(self, home: Home) -> Nonces:
        with self._lock:
            if self._held is None:
                try:
                    self._held = Nonces(home.path / _NONCES, home.keys.secret)
                except OSError as error:
                    raise StoreError(
                        f"{home.path / _NONCES} cannot be written: {error.strerror}.",
                        means="No request of a partner's node can be told from a repeated one.",
                        do="See to the space on the disk and to the rights of the folder.",
                    ) from error
            return self._held


def claimed(home: Home, scope: Scope) -> Claim:
    """Return what a request claims; UnprovenError where it is not signed, or not readably."""
    claim = claim_of(
        scope["method"],
        home.card.url,
        scope.get("raw_path") or scope["path"].encode(),
        scope["query_string"],
        scope["headers"],
    )
    if claim is None:
        raise UnprovenError("unsigned")
    return claim
