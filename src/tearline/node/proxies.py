"""What a proxy in front of the node says of a caller, believed only from where ours stands.

`X-Forwarded-For` and `X-Forwarded-Proto` say who asked the proxy, and how; as uvicorn does it,
which is switched off, so that nobody's word counts twice. The client's certificate comes from us
to us: whoever else sends that header is not heard.
"""

from starlette.types import Scope

from tearline.exchange.pins import forwarded_pin
from tearline.exchange.proving import CERTIFICATE

CERTIFICATE_HEADER = b"tearline-client-certificate"
_HEARD = {b"x-forwarded-for", b"x-forwarded-proto", CERTIFICATE_HEADER}
_SCHEMES = {"http", "https"}


def addresses(setting: str) -> frozenset[str]:
    """Return the addresses in a list with commas."""
    return frozenset(each.strip() for each in setting.split(",") if each.strip())


def hear(scope: Scope, proxies: frozenset[str]) -> None:
    """Put into a request's scope who asked, where one of our proxies hands it on."""
    client = scope.get("client")
    if not client or client[0] not in proxies:
        return
    found = {name: value for name, value in scope["headers"] if name in _HEARD}
    if not found:
        return
    told = found.get(b"x-forwarded-for", b"").decode("latin-1").split(",")
    hops = [each.strip() for each in told if each.strip()]
    callers = [each for each in reversed(hops) if each not in proxies]
    if hops:
        scope["client"] = (callers or hops)[0], 0
    scheme = found.get(b"x-forwarded-proto", b"").decode("latin-1").strip()
    if scheme in _SCHEMES:
        scope["scheme"] = scheme
    certificate = found.get(CERTIFICATE_HEADER)
    if certificate:
        scope[CERTIFICATE] = forwarded_pin(certificate.decode("latin-1"))
