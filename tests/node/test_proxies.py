from typing import Any
from urllib.parse import quote

import pytest

from tearline.exchange import certificates
from tearline.exchange.proving import CERTIFICATE
from tearline.node.proxies import addresses, hear
from tests.exchange.nodes import make_nodes

OURS = addresses("127.0.0.1, ::1,192.0.2.1")


def heard(client: str, **headers: str) -> dict[str, Any]:
    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "client": (client, 9), "scheme": "http", "headers": raw}
    hear(scope, OURS)
    return scope


def test_a_list_of_addresses_is_read() -> None:
    assert {"127.0.0.1", "::1", "192.0.2.1"} == OURS
    assert addresses("") == frozenset()


@pytest.mark.parametrize(
    ("told", "caller"),
    [
        ("198.51.100.7", "198.51.100.7"),
        ("203.0.113.9, 198.51.100.7", "198.51.100.7"),  # what the caller wrote itself comes first
        ("198.51.100.7, 192.0.2.1", "198.51.100.7"),
        ("192.0.2.1", "192.0.2.1"),
        ("", "127.0.0.1"),
    ],
)
def test_our_proxy_says_who_asked(told: str, caller: str) -> None:
    scope = heard("127.0.0.1", x_forwarded_for=told, x_forwarded_proto="https")
    assert (scope["client"][0], scope["scheme"]) == (caller, "https")


def test_from_anywhere_else_nothing_is_heard() -> None:
    told = {"x_forwarded_for": "198.51.100.7", "x_forwarded_proto": "https"}
    scope = heard("203.0.113.5", **told, tearline_client_certificate="x")
    assert (scope["client"], scope["scheme"]) == (("203.0.113.5", 9), "http")
    assert CERTIFICATE not in scope
    assert heard("127.0.0.1", x_forwarded_proto="ftp")["scheme"] == "http"


def test_the_clients_certificate_is_known_by_its_key(tmp_path: Any) -> None:  # noqa: ANN401
    nodes = make_nodes(tmp_path, "https://127.0.0.1:1")
    made = certificates.make(nodes.north, days=9, now=nodes.tick())
    assert made.certificate is not None
    pem = quote(made.certificate.read_text())
    assert heard("127.0.0.1", tearline_client_certificate=pem)[CERTIFICATE] == made.pin
    assert heard("127.0.0.1", tearline_client_certificate="x")[CERTIFICATE] is None
    assert CERTIFICATE not in heard("127.0.0.1", tearline_client_certificate="")
    nodes.close()
