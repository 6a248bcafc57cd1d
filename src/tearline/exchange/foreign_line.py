"""A line to one foreign TAXII server: its own host and no other, bounded sizes and times.

What lets us in goes to the host that a person named and nowhere else: a redirect to another host
is not followed, nor is one to plain HTTP. Whatever goes wrong is a SourceError that says what to
do; what the server wrote about it is not repeated, for it may be anything.
"""

import time
from base64 import b64encode
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import NamedTuple, Self
from urllib.parse import urljoin, urlsplit

import httpx

from tearline import __version__
from tearline.errors import MisuseError, SourceError
from tearline.exchange.link import Reply, is_loopback, trusted

_CONNECT_S = 10.0
_SILENCE_S = 60.0
_WHOLE_S = 600.0
_REDIRECTS = 5
_LONGEST_WAIT_S = 86_400
_PORTS = {"http": 80, "https": 443}


class Login(NamedTuple):
    """What lets us in: `way` is '' for nothing, `basic`, `bearer`, or the name of a header."""

    way: str = ""
    user: str = ""
    secret: str = ""

    def headers(self) -> dict[str, str]:
        """The headers that carry it."""
        if self.way == "basic":
            pair = b64encode(f"{self.user}:{self.secret}".encode()).decode()
            return {"Authorization": f"Basic {pair}"}
        if self.way == "bearer":
            return {"Authorization": f"Bearer {self.secret}"}
        return {self.way: self.secret} if self.way else {}


class ShutOutError(SourceError):
    """The server does not let us in; trying again is of no use."""


class BusyError(SourceError):
    """The server wants to be left alone; `wait_s` is how long it said, 0 if it did not say.

    With `clean`, it has done nothing of what was asked.
    """

    def __init__(self, url: str, status: int, wait_s: int) -> None:
        """Say it in words, and keep the numbers."""
        super().__init__(
            f"{host_of(url)} answered {status}.",
            means="It is busy, or something broke there.",
            do="It is tried again later.",
        )
        self.wait_s = wait_s
        self.clean = status == httpx.codes.TOO_MANY_REQUESTS


class NotThereError(SourceError):
    """What was asked for is not there, or the server does not tell us that it is."""


class NotUnderstoodError(SourceError):
    """The server did not take the question as it was put."""


class TooLargeError(SourceError):
    """The answer is larger, or comes more slowly, than we bear."""


class Line:
    """Requests to one server, as whom it knows us."""

    def __init__(self, url: str, login: Login, *, plain_http: bool = False) -> None:
        """Bind to the host of an address; MisuseError for one that may not be used.

        Plain HTTP only on this machine, or where `plain_http` allows it.
        """
        self.url = address(url, plain_http=plain_http)
        self._client = httpx.Client(
            headers={"User-Agent": f"tearline/{__version__}", **login.headers()},
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
        self,
        url: str,
        *,
        accept: str,
        most: int,
        params: Mapping[str, str | int] | None = None,
        more: Mapping[str, str] | None = None,
    ) -> Reply:
        """Ask for a resource of the server, and follow where it sends us on its own host.

        Returns answers of 2xx, and 416 for a range that is empty. SourceError for all else, by
        kind: ShutOutError (401, 403), NotThereError (404, 410), NotUnderstoodError (other 4xx),
        BusyError (429, 5xx), TooLargeError (more than `most` bytes).
        """
        request = self._client.build_request(
            "GET", url, params=dict(params or {}), headers={"Accept": accept, **(more or {})}
        )
        for _ in range(_REDIRECTS):
            reply, location = self._send(request, most)
            if location is None:
                return _sound(str(request.url), reply)
            target = urljoin(str(request.url), location)
            if not same_host(self.url, target):
                raise SourceError(
                    f"{host_of(self.url)} sends us to another host.",
                    means="It was not followed: our credentials are for that host alone.",
                    do="If the server moved, end this source and add the new address.",
                )
            request = self._client.build_request("GET", target, headers=request.headers)
        raise SourceError(f"{host_of(self.url)} sends us from place to place.", do="Tell them.")

    def _send(self, request: httpx.Request, most: int) -> tuple[Reply, str | None]:
        deadline = time.monotonic() + _WHOLE_S
        try:
            reply = self._client.send(request, stream=True)
            try:
                body = self._read(reply, most, deadline)
            finally:
                reply.close()
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            raise SourceError(
                f"{host_of(self.url)} could not be reached: {type(error).__name__}.",
                means="Nothing was lost.",
                do="It is tried again later; check the address and the network.",
            ) from error
        location = reply.headers.get("location") if reply.is_redirect else None
        return Reply(reply.status_code, reply.headers, body), location

    def _read(self, reply: httpx.Response, most: int, deadline: float) -> bytes:
        parts, size = [], 0
        for part in reply.iter_bytes():
            parts.append(part)
            size += len(part)
            if size > most or time.monotonic() > deadline:
                what = f"more than {most} bytes" if size > most else "too slowly"
                raise TooLargeError(
                    f"{host_of(self.url)} answered with {what}.",
                    means="The answer was dropped.",
                    do="Ask for smaller pages: `--page`.",
                )
        return b"".join(parts)


def address(url: str, *, plain_http: bool) -> str:
    """Return an address as we use it, with a slash at its end; MisuseError for an unfit one."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host, parts = None, urlsplit("")
    if parts.scheme not in _PORTS or not host:
        raise MisuseError(f"{url!r} is no address.", do="Write it as https://host/taxii2/.")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise MisuseError(
            "The address holds more than a host and a path.",
            means="A password in an address ends up in lists and logs.",
            do="Give it with --user and --password-stdin, or with --key-stdin.",
        )
    if parts.scheme == "http" and not (is_loopback(url) or plain_http):
        raise MisuseError(
            "The address is plain HTTP.",
            means="Everybody on the way can read and change what comes, and the credentials.",
            do="Use https, or allow it with --plain-http.",
        )
    return url if url.endswith("/") else f"{url}/"


def host_of(url: str) -> str:
    """Return the host of an address and its port, for messages."""
    return urlsplit(url).netloc


def same_host(ours: str, target: str) -> bool:
    """Whether an address is on our host and port, or the same host over TLS instead of HTTP."""
    try:
        one, other = _place(ours), _place(target)
    except ValueError:
        return False
    upgraded = one[:1] + other[:1] == ("http", "https") and one[2] == 80 and other[2] == 443  # noqa: PLR2004  # their ports
    return one == other or (upgraded and one[1] == other[1])


def _place(url: str) -> tuple[str, str, int]:
    parts = urlsplit(url)
    return parts.scheme, (parts.hostname or "").lower(), parts.port or _PORTS.get(parts.scheme, 0)


def _sound(url: str, reply: Reply) -> Reply:
    """Turn an answer that is no success into the error that says what to do."""
    status = reply.status
    if 200 <= status < 300 or status == httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE:  # noqa: PLR2004  # the class of success
        return reply
    if status in {401, 403}:
        raise ShutOutError(
            f"{host_of(url)} does not let us in: it answered {status}.",
            means="It is not asked again until a person looks at it.",
            do="Check user, password or key; then `tearline source retry NAME`, with the new ones.",
        )
    if status in {404, 410}:
        raise NotThereError(
            f"{host_of(url)} answered {status}: there is nothing at that address for us.",
            do="Check the address, and whether the account may read the collection.",
        )
    if status == httpx.codes.TOO_MANY_REQUESTS or status >= 500:  # noqa: PLR2004  # its own fault
        raise BusyError(url, status, _wait_s(reply))
    raise NotUnderstoodError(
        f"{host_of(url)} answered {status} to a question of ours.",
        means="It does not follow the standard, or is no TAXII server.",
        do="Check the address.",
    )


def _wait_s(reply: Reply) -> int:
    """Return the seconds of a Retry-After header, whichever of its two forms it has."""
    said = reply.headers.get("retry-after", "").strip()
    if said.isascii() and said.isdigit():
        return min(int(said[:9]), _LONGEST_WAIT_S)
    try:
        until = parsedate_to_datetime(said)
        seen = parsedate_to_datetime(reply.headers.get("date", ""))
        return max(0, min(int((until - seen).total_seconds()), _LONGEST_WAIT_S))
    except (ValueError, TypeError, OverflowError):
        return 0
