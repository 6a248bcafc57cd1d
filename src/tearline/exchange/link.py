"""A line to one partner's node: its card's address and no other, no redirects, nothing endless.

Where the card names TLS keys, the other end has to show one of these, whoever vouches for it. Every
request is signed. Whatever goes wrong on the way is a PartnerError that says what to do. An answer
is read up to a number of bytes and for a time that the caller sets; what is longer is dropped.
"""

import ipaddress
import ssl
import time
from collections.abc import Mapping, Sequence
from functools import cache
from http import HTTPStatus
from types import TracebackType
from typing import NamedTuple, Self
from urllib.parse import urlsplit

import httpx
import msgspec

from tearline import __version__, clock
from tearline.agreement.home import Home
from tearline.errors import InputError, PartnerError
from tearline.exchange.access import AGREEMENT_HEADER
from tearline.exchange.pins import Files, WrongKeyError, context, files_of
from tearline.exchange.signatures import SKEW_US, Signer, target_of
from tearline.stix.timestamp import parse_timestamp

_CONNECT_S = 5.0
_SILENCE_S = 30.0
_WHOLE_S = 600.0


class Reply(NamedTuple):
    """What came back: the status, the headers and the whole body."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Identity(NamedTuple):
    """Who we are to a partner's node: the key that signs requests, and what we show in TLS."""

    signer: Signer
    certificate: Files | None

    @classmethod
    def of(cls, home: Home) -> Self:
        """Return what a home has."""
        return cls(Signer.of(home), files_of(home))


class Link:
    """Requests to one node, under one agreement and its key where these are given."""

    def __init__(
        self,
        url: str,
        *,
        ours: Identity | None = None,
        pins: Sequence[str] = (),
        key: str | None = None,
        agreement: str | None = None,
    ) -> None:
        """Bind to the address and TLS keys on a card; nothing is opened before the first request.

        Requests are signed as `ours`; without it they are those of a plain client.
        """
        self.url = url.rstrip("/")
        self._ours, self._agreement, self._ahead_us = ours, agreement, 0
        headers = {"User-Agent": f"tearline/{__version__}", "Accept-Encoding": "identity"}
        if key is not None:
            headers["Authorization"] = f"Bearer {key}"
        if agreement is not None:
            headers[AGREEMENT_HEADER] = agreement
        self._client = httpx.Client(
            headers=headers,
            timeout=httpx.Timeout(_SILENCE_S, connect=_CONNECT_S),
            follow_redirects=False,
            verify=_context(self.url, pins, ours.certificate if ours else None),
            trust_env=not is_loopback(self.url),
        )

    def __enter__(self) -> Self:
        """Use the line in a `with` block."""
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        """Hang up."""
        self._client.close()

    def get(
        self, path: str, *, most: int, params: Mapping[str, str | int] | None = None, accept: str
    ) -> Reply:
        """Ask for a resource; PartnerError when no answer of a bearable size comes back."""
        url = httpx.URL(self.url + path, params=dict(params or {}))
        return self._ask("GET", url, {"Accept": accept}, b"", most)

    def post(self, path: str, body: bytes, *, most: int, content_type: str) -> Reply:
        """Send a body; errors as in `get`."""
        return self._ask(
            "POST", httpx.URL(self.url + path), {"Content-Type": content_type}, body, most
        )

    def _ask(
        self, method: str, url: httpx.URL, headers: dict[str, str], body: bytes, most: int
    ) -> Reply:
        """Send a request; once more, by their clock, where ours is off by less than two minutes."""
        reply = self._signed(method, url, headers, body, most)
        refused = refused_for(reply)
        if refused is None or refused.code not in {"clock", "window"}:
            return reply
        ahead_us = refused.now_at - clock.now()
        if abs(ahead_us) > SKEW_US:
            raise PartnerError(
                f"The clock of {self.url} is {abs(ahead_us) // 1_000_000} s "
                f"{'ahead of' if ahead_us > 0 else 'behind'} ours.",
                means="Requests are signed with their moment; neither node can rely on it.",
                do="Set both clocks by NTP, and sync again.",
            )
        self._ahead_us = ahead_us
        return self._signed(method, url, headers, body, most)

    def _signed(
        self, method: str, url: httpx.URL, headers: dict[str, str], body: bytes, most: int
    ) -> Reply:
        made = dict(headers)
        if self._ours is not None:
            at = clock.now() + self._ahead_us
            # What is signed is the card's address, and then the bytes that are sent.
            prefix = httpx.URL(self.url).raw_path.rstrip(b"/")
            target = target_of(self.url, url.raw_path.removeprefix(prefix).decode("ascii"))
            made |= self._ours.signer.headers(
                method, target, agreement=self._agreement, body=body, at=at
            )
        content = body if method == "POST" else None
        return self._send(
            self._client.build_request(method, url, content=content, headers=made), most
        )

    def _send(self, request: httpx.Request, most: int) -> Reply:
        deadline = time.monotonic() + _WHOLE_S
        try:
            reply = self._client.send(request, stream=True)
            try:
                body = self._read(reply, most, deadline)
            finally:
                reply.close()
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            if _is_wrong_key(error):
                raise _wrong_key(self.url) from error
            raise PartnerError(
                f"{self.url} could not be reached: {type(error).__name__} {error}".rstrip(),
                means="Nothing was lost; what is to be sent waits.",
                do="Try again later, or ask the partner whether its node runs.",
            ) from error
        if reply.is_redirect:
            raise PartnerError(
                f"{self.url} sends us elsewhere.",
                means="Only the address on the confirmed card is used.",
                do="Ask the partner for a card with its new address.",
            )
        return Reply(reply.status_code, reply.headers, body)

    def _read(self, reply: httpx.Response, most: int, deadline: float) -> bytes:
        parts, size = [], 0
        for part in reply.iter_bytes():
            parts.append(part)
            size += len(part)
            if size > most or time.monotonic() > deadline:
                what = f"more than {most} bytes" if size > most else "too slowly"
                raise PartnerError(
                    f"{self.url} answered with {what}.",
                    means="The answer was dropped.",
                    do="Ask the partner what its node sends.",
                )
        return b"".join(parts)


class Refused(NamedTuple):
    """Why a partner's node refused a signed request, and what time it was there."""

    code: str
    now_at: int


def refused_for(reply: Reply) -> Refused | None:
    """Return why a signature was refused; None where that is not what was answered."""
    if reply.status != HTTPStatus.UNAUTHORIZED:
        return None
    try:
        found = msgspec.json.decode(reply.body)
        told = found.get("details", found)
        return Refused(str(told["code"]), parse_timestamp(str(told["now"])))
    except (msgspec.DecodeError, UnicodeDecodeError, AttributeError, TypeError, KeyError):
        return None
    except InputError:
        return None


def _context(url: str, pins: Sequence[str], certificate: Files | None) -> ssl.SSLContext:
    if url.startswith("http:") or not (pins or certificate):
        return trusted()
    return context(pins, certificate)


def _is_wrong_key(error: BaseException | None) -> bool:
    while error is not None and not isinstance(error, WrongKeyError):
        error = error.__cause__ or error.__context__
    return error is not None


def _wrong_key(url: str) -> PartnerError:
    return PartnerError(
        f"{url} shows a TLS key that its card does not name.",
        means="Somebody may stand between, or the partner changed its key; nothing was sent.",
        do="Ask the partner by telephone. If it has a new card, add that by its check words.",
    )


@cache
def trusted() -> ssl.SSLContext:
    """Load the authorities that vouch for addresses, once; SSL_CERT_FILE names others."""
    return httpx.create_ssl_context()


def is_loopback(url: str) -> bool:
    """Whether an address is on this machine, where no proxy stands between."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
