"""OpenTAXII and medallion beside us, with PEERS=1: their packages, in an environment of their own.

The environment is made once for each content of `peers.txt`, in the user's cache folder. Both run
as their own documentation starts them, OpenTAXII with two workers and without the flag that makes
them share one connection (it corrupts answers). Both get what is easiest for them: OpenTAXII asks
nobody for a password, medallion compares it as plain text. Every run of theirs has an end.
"""

import hashlib
import json
import os
import subprocess
import sys
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from bench import corpus
from bench.client import LATER, MEDIA_TYPE, Answered, Client, client
from bench.databases import DATABASE, database_of
from bench.measuring import Spent, in_turn, peers_wanted
from bench.servers import Server, free_port, running
from tests.cluster import cluster

LIMIT_S = 60.0
"""No run of a peer takes longer; what it did until then counts."""

_LOCKED = Path(__file__).with_name("peers.txt")
_SETUP = Path(__file__).with_name("opentaxii_setup.py")
_COLLECTION = "2d5ab6f2-5a3b-4a57-8a2f-0f8b2a4f1d11"


_POLLS = 60
_ROUNDS = 3


class Peer(NamedTuple):
    """A peer that runs: where, how its collection is called, and what a request brings."""

    server: Server
    path: str
    headers: dict[str, str]

    @property
    def objects(self) -> str:
        """The address of the objects of its one collection."""
        return f"{self.path}objects/"


class Seen(NamedTuple):
    """What a peer took: for an object posted, for an object read, for a poll with nothing new."""

    post: Spent
    read: Spent
    poll: Spent


@cache
def measured(kind: str) -> dict[str, Seen]:
    """What the peers take on a kind of store; nothing where they are not wanted.

    On PostgreSQL OpenTAXII alone, on SQLite also medallion, which keeps all in memory and gets
    fewer objects: its reads grow with their square.
    """
    if not peers_wanted():
        return {}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="tearline-peers-")))
        asked = stack.enter_context(client())
        if kind == "PostgreSQL":
            server = stack.enter_context(cluster(options=DATABASE))
            url, pid = server.fresh(), database_of(server)
            with opentaxii(folder, url.replace("postgresql:", "postgresql+psycopg2:")) as peer:
                both = peer._replace(server=peer.server._replace(database=pid))
                return {"OpenTAXII": _seen(both, asked, folder, 3_000)}
        with opentaxii(folder) as peer:
            found = {"OpenTAXII": _seen(peer, asked, folder, 3_000)}
        with medallion(folder) as peer:
            return found | {"medallion": _seen(peer, asked, folder, 500)}


def _seen(peer: Peer, asked: Client, folder: Path, number: int) -> Seen:
    """Post the corpus's first objects, read them, and poll; each ends in time.

    OpenTAXII 0.9.3 stores an envelope and then fails to write its answer (500): that counts.
    """
    server, later = peer.server, f"{peer.objects}?added_after={LATER}"
    file = folder / "bodies"
    file.write_bytes(b"\n".join(corpus.envelopes(corpus.some(number))))
    post = _took(
        server, lambda: asked.post(server.port, peer.objects, peer.headers, file, seconds=LIMIT_S)
    ).each(min(number, 1_000))
    pages = f"{peer.objects}?limit=1000"
    read = in_turn(
        lambda: _took(
            server, lambda: asked.walk(server.port, pages, peer.headers, seconds=LIMIT_S)
        ).each(min(number, 1_000)),
        rounds=_ROUNDS,
    )[0]
    poll = _took(
        server,
        lambda: asked.get(server.port, later, peer.headers, times=_POLLS, seconds=LIMIT_S),
    )
    return Seen(post, read, poll)


def _took(server: Server, ask: Callable[[], Answered]) -> Spent:
    before = server.cpu_s()
    done = ask()
    return Spent(server.cpu_s() - before, done.seconds).each(done.requests)


@contextmanager
def opentaxii(folder: Path, postgresql: str = "") -> Iterator[Peer]:
    """Run OpenTAXII on an empty store, with one public collection."""
    port, config = free_port(), folder / "opentaxii.json"
    store = postgresql or f"sqlite:///{folder}/opentaxii.db"
    config.write_text(json.dumps(_opentaxii_config(port, store, folder)))
    env = {"OPENTAXII_CONFIG": str(config)}
    python = _environment() / "bin" / "python"
    made = subprocess.run(
        [python, _SETUP], env={**os.environ, **env}, capture_output=True, text=True, check=False
    )
    if made.returncode:
        raise RuntimeError(f"OpenTAXII could not be set up: {made.stderr[-1000:]}")
    root, collection = made.stdout.split()[-2:]
    command = [str(python), "-m", "gunicorn", "opentaxii.http:app", "--workers=2"]
    command += [f"--bind=127.0.0.1:{port}", f"--timeout={int(LIMIT_S) * 2}"]
    with running(command, port, env, folder / "opentaxii.log") as server:
        path = f"/taxii2/{root}/collections/{collection}/"
        yield Peer(server, path, _HEADERS)


@contextmanager
def medallion(folder: Path) -> Iterator[Peer]:
    """Run medallion on its memory backend, with one empty collection."""
    port, config, data = free_port(), folder / "medallion.json", folder / "medallion-data.json"
    data.write_text(json.dumps(_medallion_data()))
    settings = {
        "backend": {
            "module": "medallion.backends.memory_backend",
            "module_class": "MemoryBackend",
            "filename": str(data),
        },
        "users": {"bench": "bench"},
        "taxii": {"max_page_size": 1000},
    }
    config.write_text(json.dumps(settings))
    script = "from medallion.scripts.run import main; main()"
    command = [
        str(_environment() / "bin" / "python"),
        "-c",
        script,
        "--port",
        str(port),
        str(config),
    ]
    headers = {**_HEADERS, "Authorization": f"Basic {b64encode(b'bench:bench').decode()}"}
    with running(command, port, None, folder / "medallion.log") as server:
        yield Peer(server, f"/root/collections/{_COLLECTION}/", headers)


_HEADERS = {"Accept": MEDIA_TYPE, "Content-Type": MEDIA_TYPE}


def _opentaxii_config(port: int, store: str, folder: Path) -> dict[str, object]:
    return {
        "domain": f"127.0.0.1:{port}",
        "support_basic_auth": True,
        "auth_api": {
            "class": "opentaxii.auth.sqldb.SQLDatabaseAPI",
            "parameters": {
                "db_connection": f"sqlite:///{folder}/opentaxii-accounts.db",
                "create_tables": True,
                "secret": "of no use",
            },
        },
        "taxii1": None,
        "taxii2": {
            "title": "Bench",
            "max_content_length": 1 << 26,
            "public_discovery": True,
            "allow_custom_properties": True,
            "persistence_api": {
                "class": "opentaxii.persistence.sqldb.Taxii2SQLDatabaseAPI",
                "parameters": {"db_connection": store, "create_tables": True},
            },
        },
        "logging": {"root": "error"},
    }


def _medallion_data() -> dict[str, object]:
    collection = {
        "id": _COLLECTION,
        "title": "Bench",
        "can_read": True,
        "can_write": True,
        "media_types": ["application/stix+json;version=2.1"],
        "objects": [],
        "manifest": [],
    }
    root = {
        "information": {"title": "Bench", "versions": [MEDIA_TYPE], "max_content_length": 1 << 26},
        "status": [],
        "collections": [collection],
    }
    return {"/discovery": {"title": "Bench", "api_roots": ["/root/"]}, "root": root}


def _environment() -> Path:
    """The environment of the locked packages, made where it is missing."""
    digest = hashlib.sha256(_LOCKED.read_bytes()).hexdigest()[:12]
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    made = cache / "tearline" / f"peers-{digest}"
    if not (made / "ready").exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", made], check=True)
        pip = [str(made / "bin" / "python"), "-m", "pip", "--disable-pip-version-check"]
        install = [*pip, "install", "-qq", "--require-hashes", "-r", str(_LOCKED)]
        subprocess.run(install, check=True)
        (made / "ready").touch()
    return made
