"""Where the pages are and from where they are asked: the origin of passkeys, and the browser.

A passkey belongs to one host. It is that of the public address of the pages, from the settings, or
localhost; at another name of the same node no passkey works, and the pages say at which it does.
"""

from typing import NamedTuple
from urllib.parse import urlsplit

from starlette.requests import Request

from tearline.config import settings

_LOCAL = "localhost"
_PORTS = {"http": 80, "https": 443}
_BROWSERS = {
    "Edg/": "Edge",
    "OPR/": "Opera",
    "Firefox/": "Firefox",
    "Chrome/": "Chrome",
    "Safari/": "Safari",
}
_SYSTEMS = {
    "Windows": "Windows",
    "Android": "Android",
    "iPhone": "iOS",
    "iPad": "iOS",
    "Mac OS X": "macOS",
    "CrOS": "ChromeOS",
    "Linux": "Linux",
}


class Where(NamedTuple):
    """The origin at which passkeys work, whether this page is there, and who asks from where."""

    origin: str = ""
    here: bool = False
    browser: str = ""
    secure: bool = False
    """Whether the browser came by HTTPS, be it to a proxy in front of the node."""

    @property
    def rp_id(self) -> str:
        """The host that passkeys belong to (WebAuthn, relying party identifier)."""
        return urlsplit(self.origin).hostname or ""


def where(request: Request) -> Where:
    """Return where a request came in."""
    origin = _origin(request)
    parts = urlsplit(origin)
    safe = parts.scheme == "https" or parts.hostname == _LOCAL
    here = safe and request.headers.get("host", "").casefold() == parts.netloc
    secure = request.url.scheme == "https" or (here and parts.scheme == "https")
    return Where(origin, here, _browser(request), secure)


def _origin(request: Request) -> str:
    if settings().pages_url:
        given = urlsplit(settings().pages_url)
        scheme, host, port = given.scheme, given.hostname or _LOCAL, given.port
    else:
        # The port is that of the socket: what a client says of the host binds nobody.
        scheme, host = request.url.scheme, _LOCAL
        port = (request.scope.get("server") or (None, None))[1]
    beside = "" if port in {None, _PORTS.get(scheme)} else f":{port}"
    return f"{scheme}://{host}{beside}"


def _browser(request: Request) -> str:
    """The browser as its user would name it, its system, and its address."""
    agent = request.headers.get("user-agent", "")
    names = [next((n for mark, n in each.items() if mark in agent), "") for each in _KNOWN]
    address = request.client.host if request.client else ""
    return ", ".join(each for each in (*names, address) if each)


_KNOWN = (_BROWSERS, _SYSTEMS)
