"""The pages of a home, asked by a client that keeps its cookie as a browser does."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import unquote

from httpx2 import Response
from starlette.applications import Starlette
from starlette.testclient import TestClient

from tearline.agreement.home import Home
from tearline.node.importing import Importing
from tearline.provenance.claims import Claim, Link, Wording, note_of
from tearline.provenance.matrices import Rating, Ratings
from tearline.provenance.matrices import note_of as note_of_ratings
from tearline.release import bringing
from tearline.release.arrive import NOTHING
from tearline.stix import canonical
from tearline.store import received
from tearline.web import signing_in
from tearline.web.app import COOKIE, routes
from tearline.weighing import questions
from tests.pair import Pair, sdo, stix_id
from tests.web.shaping import hold

AT = "http://tearline.example"
PASSWORD = "correct horse battery"  # of a test


@contextmanager
def site(home: Home, role: str | None = None) -> Iterator[TestClient]:
    """A client of the pages; with a role, signed in as somebody who has it."""
    app = Starlette(routes=routes(lambda: home))
    with TestClient(app, base_url=AT, follow_redirects=False, headers={"Origin": AT}) as client:
        if role is not None:
            client.cookies.set(COOKIE, session(home, role))
        client.event_hooks = {"response": [_held]}
        yield client


def _held(reply: Response) -> None:
    """Hold the JSON of a page against its described shape."""
    path = unquote(reply.url.raw_path.decode().partition("?")[0])
    if reply.status_code == 200 and path.endswith(".json"):
        hold(reply.request.method, path, reply.read())


def session(home: Home, role: str) -> str:
    """The secret of a new session of somebody who has a role."""
    from tearline import clock  # noqa: PLC0415

    now = clock.now()
    token = signing_in.invite(home, role, role, now=now)
    return signing_in.accept(home, token, PASSWORD, now=now)


def put_aside(home: Home, agreement_id: str, doc: dict[str, Any], *, now: int) -> str:
    """Put an object into quarantine, as if a partner had given it; returns its hash."""
    raw = json.dumps(doc).encode()
    hash_ = canonical.sha256(raw)
    reasons = json.dumps(["type-not-agreed", "marking-too-strict"])
    row = received.Received(hash_, doc["id"], raw, "", "quarantined", reasons, now)
    with home.store.write() as tx:
        received.stage(tx, agreement_id, [row])
    return hash_


def brought(home: Home, files: dict[str, bytes], *, now: int) -> str:
    """Import files as the pages do it, to the end; returns the job's id."""
    given = []
    for number, (name, content) in enumerate(files.items()):
        at = home.path / f"brought-{number}"
        at.write_bytes(content)
        given.append(bringing.Brought(name, len(content), at))
    job = bringing.bring(home, given, NOTHING, source=None, person="ada", now=now)
    Importing(home)(now)
    return job.id


def questioned(pair: Pair, text: str) -> str:
    """Ask a question in North with hypotheses of this text, and rate its one claim; return its id.

    A rating in a partner's name, which nothing shows, stands beside.
    """
    says = Claim(
        polarity="asserted", certainty="reported", source_chain=(Link("origin", unnamed=True),)
    )
    subject = sdo("intrusion-set", "Gray Heron")
    wording = Wording(text, text, (subject["id"],))
    note = note_of(says, wording, note_id=stix_id("note", "claimed"), at=pair.tick())
    pair.put(note)
    made = questions.ask(pair.north, text, [text, "No"], [note["id"]], now=pair.tick())
    marks = {"H1": Rating("H1", "II", text), "H2": Rating("H2", "C")}
    questions.rate(pair.north, made.stix_id, note["id"], marks, now=pair.tick())
    rated = Ratings(
        matrix_ref=made.stix_id,
        party=pair.south.slug,
        claim_ref=note["id"],
        claim_hash=None,
        ratings=(Rating("H1", "I"),),
    )
    pair.put(
        note_of_ratings(
            rated,
            made,
            stix_id=stix_id("note", "forged"),
            created_at=pair.now,
            modified_at=pair.now,
        )
    )
    return made.stix_id
