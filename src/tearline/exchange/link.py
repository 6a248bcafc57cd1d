"""A line to one partner's node: its card's address and no other, no redirects, nothing endless.

Whatever goes wrong on the way is a PartnerError that says what to do. An answer is read up to a
number of bytes and for a time that the caller sets; what is longer is dropped.
"""

import ipaddress
import ssl
import time
from collections.abc import Mapping
from functools import cache
from types import TracebackType
from typing import NamedTuple, Self
from urllib.parse import urlsplit

import httpx

from tearline import __version__
from tearline.errors import PartnerError
from tearline.exchange.access import AGREEMENT_HEADER

_CONNECT_S = 5.0
_SILENCE_S = 30.0
_WHOLE_S = 600.0


class Reply(NamedTuple):
    """What came back: the status, the headers and the whole body."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Link:
    """Requests to one node, under one agreement and its key where these are given."""

    def __init__(self, url: str, *, key: str | None = None, agreement: str | None = None) -> None:
        """Bind to the address on a card; nothing is opened before the first request."""
        self.url = url.rstrip("/")
        headers = {"User-Agent": f"tearline/{__version__}", "Accept-Encoding": "identity"}
        if key is not None:
            headers["Authorization"] = f"Bearer {key}"
        if agreement is not None:
            headers[AGREEMENT_HEADER] = agreement
        self._client = httpx.Client(
            headers=headers,
            timeout=httpx.Timeout(_SILENCE_S, connect=_CONNECT_S),
            follow_redirects=False,
            verify=trusted(),
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
        request = self._client.build_request(
            "GET", self.url + path, params=dict(params or {}), headers={"Accept": accept}
        )
        return self._send(request, most)

    def post(self, path: str, body: bytes, *, most: int, content_type: str) -> Reply:
        """Send a body; errors as in `get`."""
        request = self._client.build_request(
            "POST", self.url + path, content=body, headers={"Content-Type": content_type}
        )
        return self._send(request, most)

    def _send(self, request: httpx.Request, most: int) -> Reply:
        deadline = time.monotonic() + _WHOLE_S
        try:
            reply = self._client.send(request, stream=True)
            try:
                body = self._read(reply, most, deadline)
            finally:
                reply.close()
        except (httpx.HTTPError, httpx.InvalidURL) as error:
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
