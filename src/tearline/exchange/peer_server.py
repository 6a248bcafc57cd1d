"""What a partner's node asks of ours: to take its messages, and to show it our log.

Every request is signed by the node that sends it. A message is signed besides and needs no key:
its signature says who made it. Whatever is wrong with one, or with who brings it, the answer is the
same few bytes; the reason stands in our private log. The log of an agreement is shown to the other
party of it alone, under its key and the hash of the agreement that binds.
"""

from collections.abc import Callable

import msgspec
import orjson
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tearline import clock
from tearline.agreement import jws, messages, receiving
from tearline.agreement.cards_held import cards_of
from tearline.agreement.home import Home
from tearline.agreement.messages import MessageRefusedError
from tearline.errors import ProofError, TearlineError
from tearline.exchange.access import (
    Caller,
    Door,
    TurnedAwayError,
    UnprovenRequestError,
)
from tearline.exchange.peer_answers import absent, body_of, data, refusal, shown
from tearline.exchange.proving import claimed
from tearline.exchange.signatures import NOBODY, Claim, Signatory, UnprovenError, signatory_of
from tearline.log import record, tiles, tree
from tearline.log.verify import Opening, parse_leaf, write_opening
from tearline.release import certifying, consenting, delivery, offering, recall
from tearline.stix.timestamp import format_timestamp
from tearline.store import logs, private, releases
from tearline.store.database import Tx
from tearline.store.logs import OpenedRow

_NOT_ACCEPTED = b'{"title":"The message was not accepted."}'
_KNOWN = "known"
_UNTOLD = frozenset({"key", "signature"})
"""What is not told to whoever brings a message: it would say who our partners are."""
_RECORDS_AT_ONCE = 1000
_ACTS = {
    "acknowledgement": delivery.acknowledged,
    "recall-receipt": recall.receipted,
    "onward-request": consenting.asked,
    "onward-answer": consenting.answered,
    offering.KIND: offering.taken,
    "certificate": certifying.certified,
}
"""What a message does that is not about the agreement itself."""


def routes(home: Callable[[], Home], door: Door) -> list[Route]:
    """Return the routes by which two nodes talk."""
    log = "/peer/agreements/{agreement}/log"

    async def take(request: Request) -> Response:
        return await _take(request, home, door)

    def checkpoint(request: Request) -> Response:
        return shown(request, home, door, _checkpoint)

    def tile(request: Request) -> Response:
        return shown(request, home, door, _tile)

    def records(request: Request) -> Response:
        return shown(request, home, door, _records)

    return [
        Route("/peer/messages", take, methods=["POST"]),
        Route(f"{log}/checkpoint", checkpoint),
        Route(f"{log}/tile/{{path:path}}", tile),
        Route(f"{log}/records", records),
    ]


# ------------------------------------------------------------------------------------ messages


def receive(home: Home, document: bytes, *, now: int) -> str:
    """Take a message of any kind; return what became of it.

    MessageRefusedError, noted in the private log, when it does not hold.
    """
    act = _ACTS.get(_kind(document))
    if act is None:
        return receiving.receive(home, document, now=now)
    try:
        with home.store.read() as tx:
            message = messages.open_message(tx, home, document, now=now)
        try:
            act(home, message, now=now)
        except TearlineError as error:
            raise MessageRefusedError("act", str(error), party=message.sender) from error
    except MessageRefusedError as error:
        messages.refuse(home, error, document, now=now)
    return "taken"


def _kind(document: bytes) -> str:
    """Read the kind of a message before anything is proven; only to choose who proves it."""
    try:
        found = msgspec.json.decode(jws.load(document).body)
    except (TearlineError, msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return ""
    return str(found.get("kind", "")) if isinstance(found, dict) else ""


async def _take(request: Request, home: Callable[[], Home], door: Door) -> Response:
    address = request.client.host if request.client else ""
    now, opened = clock.now(), home()
    try:
        door.check(address, now=now)
        document = await body_of(request, messages.MAX_BYTES)
        outcome = await run_in_threadpool(_taken, opened, door, request, document, now)
    except (MessageRefusedError, _UntoldError):
        door.failed(address, now=now)
        return Response(_NOT_ACCEPTED, 403, media_type="application/json")
    except TurnedAwayError as error:
        if isinstance(error, UnprovenRequestError):
            door.failed(address, now=now)
        return refusal(error)
    return Response(orjson.dumps({"outcome": outcome}), 202, media_type="application/json")


class _UntoldError(Exception):
    """A request that is refused without a reason."""


def _taken(home: Home, door: Door, request: Request, document: bytes, now: int) -> str:
    """Take a message that a partner's node brings; keep what shows that it brought it."""
    party = ""
    try:
        claim = claimed(home, request.scope)
        claim.check_moment(now)
        found = _signatory(home, claim, document, now)
        party = found.party
        door.proving.check(home, request.scope, found, now=now)
        claim.check_body(document)
    except UnprovenError as error:
        door.note(home, UnprovenRequestError(error, party, None, now), now=now)
        if error.code in _UNTOLD:
            raise _UntoldError from error
        raise UnprovenRequestError(error, party, None, now) from error
    outcome = receive(home, document, now=now)
    if outcome != _KNOWN:
        _keep(home, claim, now)
    return outcome


def _signatory(home: Home, claim: Claim, document: bytes, now: int) -> Signatory:
    """Return who has to have signed, if the party that is named is a partner.

    A message that brings its cards may be brought under the newest of these: they prove themselves,
    and until they came we cannot know the key on them.
    """
    with home.store.read() as tx:
        cards = cards_of(tx, claim.party)
        if cards is None:
            return NOBODY
        found = signatory_of(cards)
        if found.key(claim.keyid, now) is None:
            brought = messages.announced(tx, document)
            if brought is not None and brought.newest.slug == claim.party:
                return signatory_of(brought)
    return found


def _keep(home: Home, claim: Claim, now: int) -> None:
    """Queue for the private log what was signed, so that it can be shown who brought what."""
    entry = {
        "kind": "request",
        "party": claim.party,
        "base": claim.base.decode("latin-1"),
        "signature": claim.signature.hex(),
        "at": format_timestamp(now, digits=6),
    }
    with home.store.write() as tx:
        private.add(tx, "request", [orjson.dumps(entry).decode()])


# ----------------------------------------------------------------------------------------- log


def _checkpoint(home: Home, caller: Caller, _request: Request, now: int) -> Response:
    """Answer with the signed head, over all that is durable now, and who cosigned it."""
    note, log = home.publish(caller.agreement_id, now=now), record.our_log(caller.agreement_id)
    with home.store.read() as tx:
        signed = logs.last_checkpoint(tx, log)
        note = tiles.cosigned_note(tx, log, signed, None) if signed else note
    return data(note.encode(), "text/plain; charset=utf-8")


def _tile(home: Home, caller: Caller, request: Request, _now: int) -> Response:
    try:
        tile = tree.parse_tile_path(f"tile/{request.path_params['path']}")
    except ProofError as error:
        raise absent() from error
    with home.store.read() as tx:
        found = tiles.read_tile(tx, record.our_log(caller.agreement_id), tile)
    if found is None:
        raise absent()
    return data(found, "application/octet-stream")


def _records(home: Home, caller: Caller, request: Request, _now: int) -> Response:
    """Answer with what opens the leaves after one, whole leaves, as lines of records.jsonl.

    While nothing is given under the agreement, no slip is: its leaf stays closed. What ends and
    recalls releases is shown as ever, once it is written.
    """
    text = request.query_params.get("after", "-1")
    if not text.removeprefix("-").isdecimal() or len(text) > 18:  # noqa: PLR2004  # 63 bits
        raise TurnedAwayError(400, "'after' has to be the number of a leaf.")
    log = record.our_log(caller.agreement_id)
    with home.store.read() as tx:
        signed = logs.last_checkpoint(tx, log)
        size = signed.size if signed else 0
        rows = _opened(tx, caller, log, max(int(text), -1))
    lines = [write_opening(Opening(*row)) for row in rows if row[0] < size]
    return data(b"".join(lines), "application/jsonl")


def _opened(tx: Tx, caller: Caller, log: str, after: int) -> list[OpenedRow]:
    if caller.force.serving:
        return logs.records_after(tx, log, after, count=_RECORDS_AT_ONCE)
    if releases.head_of(tx, caller.agreement_id).hash:
        # Once these leaves are passed over, what they gave has to be over for good.
        raise TurnedAwayError(
            503, "What was given is being withdrawn.", headers={"Retry-After": "5"}
        )
    while rows := logs.records_after(tx, log, after, count=_RECORDS_AT_ONCE):
        closed = {each for each in {row[0] for row in rows} if _is_slips(tx, log, each)}
        if shown := [row for row in rows if row[0] not in closed]:
            return shown
        after = rows[-1][0]
    return []


def _is_slips(tx: Tx, log: str, index: int) -> bool:
    leaf = logs.leaf(tx, log, index)
    return leaf is not None and parse_leaf(leaf).kind == "release"
