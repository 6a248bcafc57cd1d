"""Nodes that speak TLS, themselves and behind a real nginx, with keys that cards name."""

import re
import shutil
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import httpx
import pytest
import uvicorn
from cryptography import x509

from tearline import clock
from tearline.agreement import signing
from tearline.agreement.card import card_hash, check_words
from tearline.agreement.cards_held import cards_of
from tearline.agreement.home import Home, create_home, open_home
from tearline.agreement.partners import add_party
from tearline.agreement.renewing import rotate
from tearline.config import settings
from tearline.errors import InputError, MisuseError, PartnerError, RefusedError
from tearline.exchange import certificates, peer
from tearline.exchange.link import Identity, Link
from tearline.exchange.pins import files_of, forwarded_pin, pin_in
from tearline.node.app import create_app
from tearline.store import private
from tests.agreement.sides import NOW, carry, new_sides
from tests.docs.pages import ROOT
from tests.exchange.nodes import FOREVER, Nodes, free_socket, give

DAY = 86_400_000_000
NGINX = shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")


def reopened(home: Home) -> Home:
    home.store.close()
    return open_home(home.path)


def moment() -> int:
    return clock.now()


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    made = create_home(tmp_path / "home", "North CERT", "https://127.0.0.1:8443", clock.now())
    with closing(made.store):
        yield made


# ------------------------------------------------------------------------- keys, certificates, card


def test_a_certificate_is_for_the_address_and_its_key_is_on_the_card(home: Home) -> None:
    made = certificates.make(home, days=90, now=moment())
    assert made.certificate is not None
    found = x509.load_pem_x509_certificate(made.certificate.read_bytes())
    names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert [str(each) for each in names.get_values_for_type(x509.IPAddress)] == ["127.0.0.1"]
    assert made.card.tls == (pin_in(made.certificate.read_bytes()),) == (made.pin,)
    assert (home.path / "keys" / "tls.pem").stat().st_mode & 0o777 == 0o600


def test_a_renewed_certificate_changes_nothing_for_partners(home: Home) -> None:
    first = certificates.make(home, days=90, now=moment())
    again = certificates.make(open_home(home.path), days=30, now=moment() + DAY)
    assert (again.card, again.pin) == (first.card, first.pin)
    assert again.until_at is not None
    assert first.until_at is not None
    assert again.until_at < first.until_at


def test_a_new_key_goes_on_the_card_first(home: Home) -> None:
    old = certificates.make(home, days=90, now=moment()).pin
    with pytest.raises(RefusedError, match="No key was prepared"):
        certificates.change(open_home(home.path), days=90, now=moment())
    both = certificates.prepare(open_home(home.path), now=moment())
    assert (both.pin, both.card.tls[0], len(both.card.tls)) == (old, old, 2)
    done = certificates.change(open_home(home.path), days=90, now=moment())
    assert done.card.tls == (done.pin,) == both.card.tls[1:]


def test_partners_take_another_key_without_a_telephone_call(tmp_path: Path) -> None:
    sides = new_sides(tmp_path)
    made = certificates.make(sides.north, days=9, now=NOW + 1)
    coming = certificates.prepare(sides.north, now=NOW + 2)
    changed = certificates.change(sides.north, days=9, now=NOW + 3)
    assert (len(made.card.tls), len(coming.card.tls)) == (1, 2)
    carry(sides, now=NOW + 4)
    with sides.south.store.read() as tx:
        held = cards_of(tx, sides.north.slug)
    assert held is not None
    assert held.newest == sides.north.card == changed.card
    assert [each.card.tls for each in held.files[1:]] == [
        made.card.tls,
        coming.card.tls,
        changed.card.tls,
    ]
    rotate(sides.north, "sign", now=NOW + 5)
    assert sides.north.card.tls == changed.card.tls
    assert (sides.north.path / "keys" / "tls.pem").is_file()
    sides.close()


def test_the_card_can_name_the_key_of_a_proxy_or_none(home: Home, tmp_path: Path) -> None:
    other = create_home(tmp_path / "other", "Proxy", "https://127.0.0.1", moment())
    shown = certificates.make(other, days=90, now=moment())
    assert shown.certificate is not None
    pem = shown.certificate.read_bytes()
    named = certificates.name_keys(home, [pem], now=moment())
    assert named.card.tls == (shown.pin,)
    assert certificates.name_keys(open_home(home.path), [], now=moment()).card.tls == ()
    with pytest.raises(InputError, match="no certificate"):
        certificates.name_keys(home, [b"-----BEGIN"], now=moment())
    other.store.close()


def test_without_an_address_there_is_nothing_to_certify(tmp_path: Path) -> None:
    bare = create_home(tmp_path / "bare", "Bare", None, moment())
    with pytest.raises(RefusedError, match="no address"):
        certificates.make(bare, days=90, now=moment())
    with pytest.raises(RefusedError, match="no TLS key"):
        certificates.prepare(bare, now=moment())
    with pytest.raises(MisuseError, match="one day"):
        certificates.make(bare, days=0, now=moment())
    bare.store.close()


def test_what_a_proxy_hands_on_is_a_certificate_or_nothing() -> None:
    assert forwarded_pin("") is None
    assert forwarded_pin("%zz") is None
    assert (
        forwarded_pin("-----BEGIN%20CERTIFICATE-----%0AAAAA%0A-----END%20CERTIFICATE-----") is None
    )


# --------------------------------------------------------------------------------- two nodes


@contextmanager
def pinned(folder: Path, address: str) -> Iterator[Nodes]:
    """North at an https address and South, each with a TLS key that the other's card names."""
    now = clock.now()
    homes = []
    for name, url in (("North CERT", address), ("South ISAC", "https://127.0.0.1:9")):
        made = create_home(folder / name[:5], name, url, now)
        certificates.make(made, days=90, now=now + 1_000)
        homes.append(reopened(made))
    for us, them in (homes, homes[::-1]):
        file = (them.path / "card.json").read_bytes()
        add_party(us, file, check_words(card_hash(them.card)), now=clock.now())
    nodes = Nodes(homes[0], homes[1], now=clock.now(), limits={"until": FOREVER})
    yield nodes
    nodes.close()


@contextmanager
def served(home: Home, sock: object, **tls: object) -> Iterator[None]:
    config = uvicorn.Config(
        create_app(home.path, jobs=False),
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=2,
        proxy_headers=False,
        **tls,  # type: ignore[arg-type]  # the files
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [sock]}, daemon=True)
    thread.start()
    try:
        while not server.started and thread.is_alive():
            thread.join(0.01)
        yield
    finally:
        server.should_exit = True
        thread.join(20)


def synced(nodes: Nodes) -> peer.Synced:
    (done,) = peer.sync(nodes.south, "north-cert", now=nodes.tick()).agreements
    return done


def test_a_self_signed_key_that_the_card_names_is_believed_and_no_other(tmp_path: Path) -> None:
    with free_socket() as sock:
        address = f"https://127.0.0.1:{sock.getsockname()[1]}"
        with pinned(tmp_path, address) as nodes:
            nodes.agree(reach=2)
            released = give(nodes, 3)
            files = files_of(nodes.north)
            assert files is not None
            with served(nodes.north, sock, ssl_certfile=files.certificate, ssl_keyfile=files.key):
                done = synced(nodes)
                assert (done.objects, done.problem) == (released, None)
                wrong = Link(address, ours=Identity.of(nodes.south), pins=["sha256:" + "0" * 64])
                with wrong, pytest.raises(PartnerError, match="does not name") as caught:
                    wrong.get("/health", most=100, accept="*/*")
                assert "telephone" in caught.value.do
                with Link(address) as unpinned, pytest.raises(PartnerError, match="CERTIFICATE"):
                    unpinned.get("/health", most=100, accept="*/*")


def test_a_key_in_waiting_is_believed_too(tmp_path: Path) -> None:
    with free_socket() as sock:
        address = f"https://127.0.0.1:{sock.getsockname()[1]}"
        home = create_home(tmp_path / "north", "North CERT", address, clock.now())
        certificates.make(home, days=9, now=clock.now())
        both = certificates.prepare(reopened(home), now=clock.now()).card.tls
        done = certificates.change(open_home(home.path), days=9, now=clock.now())
        assert done.certificate is not None
        with (
            served(
                home, sock, ssl_certfile=done.certificate, ssl_keyfile=home.path / "keys/tls.pem"
            ),
            Link(address, pins=both) as link,
        ):
            assert link.get("/health", most=100, accept="*/*").status == 200


# -------------------------------------------------------------------------------------- nginx


@contextmanager
def nginx(folder: Path, port: int, home: Home, behind: int) -> Iterator[None]:
    """Run nginx with the file of the documentation, in a process of ours."""
    assert NGINX is not None
    text = (ROOT / "docs" / "tls.md").read_text("utf-8")
    found = re.search(r"```nginx\n(.*?)```", text, re.DOTALL)
    assert found is not None
    block = found[1].replace("listen 443 ssl", f"listen 127.0.0.1:{port} ssl")
    block = block.replace("/srv/tearline/", f"{home.path}/")
    block = block.replace("127.0.0.1:8400", f"127.0.0.1:{behind}")
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    places = "".join(f"{each}_temp_path {folder}/{each};\n" for each in kinds)
    config = folder / "nginx.conf"
    config.write_text(
        f"daemon off;\nmaster_process off;\npid {folder}/pid;\nerror_log {folder}/errors;\n"
        f"events {{}}\nhttp {{\naccess_log off;\n{places}{block}}}\n",
        "utf-8",
    )
    process = subprocess.Popen(
        [NGINX, "-p", str(folder), "-c", str(config)], stderr=subprocess.PIPE
    )
    try:
        for _ in range(500):
            with httpx.Client(verify=False, trust_env=False, timeout=5) as client:
                try:
                    client.get(f"https://127.0.0.1:{port}/health")
                    break
                except httpx.TransportError:
                    assert process.poll() is None, process.stderr
        yield
    finally:
        process.terminate()
        process.communicate(timeout=20)


@pytest.fixture
def certified(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nodes that ask for certificates."""
    monkeypatch.setenv("TEARLINE_CLIENT_CERTIFICATES", "true")
    settings.cache_clear()
    yield
    monkeypatch.undo()
    settings.cache_clear()


@pytest.mark.skipif(
    NGINX is None, reason="nginx is not installed here: the documented set-up is not tested"
)
@pytest.mark.usefixtures("certified")
def test_behind_nginx_both_sides_show_the_keys_on_their_cards(tmp_path: Path) -> None:
    with free_socket() as behind:
        with free_socket() as front:
            port = front.getsockname()[1]
        address = f"https://127.0.0.1:{port}"
        (tmp_path / "nginx").mkdir()
        with (
            pinned(tmp_path, address) as nodes,
            served(nodes.north, behind),
            nginx(tmp_path / "nginx", port, nodes.north, behind.getsockname()[1]),
        ):
            nodes.propose(reach=2)
            nodes.carry()
            signing.countersign(nodes.south, nodes.agreement_id, now=nodes.tick())
            delivered = peer.deliver(nodes.south, "north-cert", now=nodes.tick())
            assert (delivered.taken, delivered.refused) == (1, ())
            nodes.carry()
            nodes.reconcile()
            released = give(nodes, 3)
            done = synced(nodes)
            assert (done.objects, done.problem) == (released, None)
            assert refused_without(nodes, None) == "certificate"
            other = create_home(tmp_path / "other", "Other", "https://127.0.0.1", clock.now())
            certificates.make(other, days=9, now=clock.now())
            assert refused_without(nodes, other) == "certificate"
            assert directly(nodes, behind.getsockname()[1]) == "certificate"
            with nodes.north.store.read() as tx:
                noted = [text for kind, text in private.pending(tx) if kind == "refusal"]
            assert len(noted) == 3
            assert all('"certificate"' in each and '"south-isac"' in each for each in noted)
            other.store.close()


def refused_without(nodes: Nodes, shows: Home | None) -> str:
    """Ask as South, but show the certificate of another, or none; return why it was refused."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    files = files_of(shows) if shows else None
    if files is not None:
        context.load_cert_chain(files.certificate, files.key)
    with httpx.Client(verify=context, trust_env=False) as client:
        return _code(nodes, client, nodes.north.card.url or "")


def directly(nodes: Nodes, port: int) -> str:
    """Ask past the proxy, with nothing that a proxy would say."""
    with httpx.Client(trust_env=False) as client:
        return _code(nodes, client, f"http://127.0.0.1:{port}")


def _code(nodes: Nodes, client: httpx.Client, base: str) -> str:
    reply = client.get(
        f"{base}{nodes.path}", headers={"Authorization": f"Bearer {nodes.key}"}, auth=nodes.signs
    )
    assert reply.status_code == 401
    return str(reply.json()["details"]["code"])
