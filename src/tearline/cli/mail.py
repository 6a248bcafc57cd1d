"""Messages as files: one signed message on each line, in order."""

from pathlib import Path
from typing import Any, NamedTuple

from tearline import clock
from tearline.agreement import jws
from tearline.agreement.home import Home
from tearline.agreement.messages import CARD_KIND, MessageRefusedError
from tearline.agreement.outbox import answer_card, carried, export_messages
from tearline.agreement.partners import find_party
from tearline.cli.options import read_bytes, write_bytes
from tearline.errors import MisuseError
from tearline.stix.canonical import parse_canonical
from tearline.store import agreements


def export_pending(home: Home, party: str | None, folder: Path) -> list[dict[str, Any]]:
    """Write what has not arrived yet, a file for each partner, into a folder."""
    with home.store.read() as tx:
        wanted = find_party(tx, party).slug if party else None
        slugs = sorted({each.party for each in agreements.pending(tx, wanted)})
    written = []
    folder.mkdir(parents=True, exist_ok=True)
    for slug in slugs:
        found = export_messages(home, slug, now=clock.now())
        path = folder / f"{home.slug}-to-{slug}.messages"
        write_bytes(path, b"".join(document + b"\n" for _, document in found))
        carried(home, slug, now=clock.now())
        written.append({"party": slug, "messages": len(found), "file": str(path)})
    return written


class Received(NamedTuple):
    """A message that was read from a file: what it was, whose, and what became of it.

    Of one that does not hold nothing is known but the problem.
    """

    kind: str
    sender: str
    outcome: str
    problem: str | None = None


def receive_file(home: Home, path: Path) -> list[Received]:
    """Take the messages in a file, one on each line; return what became of each.

    MessageRefusedError when none of them holds.
    """
    lines = [line for line in read_bytes(path).splitlines() if line.strip()]
    if not lines:
        raise MisuseError(f"{path} holds no message.", do="Name the file that the partner wrote.")
    taken: list[Received] = []
    refusals: list[MessageRefusedError] = []
    for line in lines:
        try:
            taken.append(_receive(home, line))
        except MessageRefusedError as error:
            refusals.append(error)
            taken.append(Received("message", "", "refused", str(error)))
    if len(refusals) == len(lines):
        raise refusals[0]
    return taken


def _receive(home: Home, document: bytes) -> Received:
    """Take one message; its kind and sender are known to hold once it was taken."""
    from tearline.exchange.peer_server import receive

    outcome = receive(home, document, now=clock.now())
    said = parse_canonical(jws.load(document).body)
    if said["kind"] == CARD_KIND:
        answer_card(home, said["from"], now=clock.now())
    return Received(said["kind"], said["from"], outcome)
