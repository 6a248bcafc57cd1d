"""What a partner's node asks of ours as a witness, and what it asks to see of our node log.

Its key opens what belongs to it: the proof for its own log, its own heads that we cosigned. The
node log is the same for all partners, and says nothing about any of them.
"""

from collections.abc import Callable
from functools import partial
from hashlib import sha256

import orjson
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tearline import clock
from tearline.agreement.cards_held import cards_of
from tearline.agreement.home import Home
from tearline.agreement.rotation import Cards
from tearline.errors import ProofError
from tearline.exchange.access import (
    Caller,
    Door,
    NotedError,
    TurnedAwayError,
    UnprovenRequestError,
)
from tearline.exchange.cosigned import SIZE_TYPE, outside_witness, take_back
from tearline.exchange.peer_answers import (
    Show,
    absent,
    body_of,
    caller_of,
    data,
    refusal,
    shown,
)
from tearline.exchange.proving import claimed
from tearline.exchange.signatures import UnprovenError
from tearline.exchange.witnessing import known_logs, take
from tearline.log import committing, record, tiles, tree, witness
from tearline.log.checkpoint import parse_checkpoint, text_of
from tearline.store import logs, witnessing

Answer = Callable[[Home, Caller, bytes, int], Response]


def routes(home: Callable[[], Home], door: Door) -> list[Route]:
    """Return the routes of the node log and of us as a witness."""

    def showing(show: Show) -> Callable[[Request], Response]:
        return lambda request: shown(request, home, door, show)

    async def add_checkpoint(request: Request) -> Response:
        return await _taken(request, home, door, _add_checkpoint)

    async def cosignature(request: Request) -> Response:
        return await _taken(request, home, door, _cosignature)

    log = "/peer/agreements/{agreement}/log"
    return [
        Route("/peer/node/log/checkpoint", showing(_node_checkpoint)),
        Route("/peer/node/log/tile/{path:path}", showing(_node_tile)),
        Route(f"{log}/committed", showing(_committed)),
        Route(f"{log}/cosignature", cosignature, methods=["POST"]),
        Route("/peer/witness/add-checkpoint", add_checkpoint, methods=["POST"]),
        Route("/peer/witness/{origin}/checkpoint", showing(_witnessed)),
    ]


async def _taken(
    request: Request, home: Callable[[], Home], door: Door, answer: Answer
) -> Response:
    now, opened = clock.now(), home()
    try:
        caller = await run_in_threadpool(caller_of, request, opened, door, now)
        body = await body_of(request, witness.BODY_LIMIT)
        _check_body(request, opened, caller, body, now)
        return await run_in_threadpool(answer, opened, caller, body, now)
    except NotedError as error:
        await run_in_threadpool(partial(door.note, opened, error, now=now))
        return refusal(error)
    except TurnedAwayError as error:
        return refusal(error)


def _check_body(request: Request, home: Home, caller: Caller, body: bytes, now: int) -> None:
    """Refuse a body that is not the one whose digest was signed (RFC 9530)."""
    try:
        claimed(home, request.scope).check_body(body)
    except UnprovenError as error:
        raise UnprovenRequestError(error, caller.party, caller.force.hash, now) from error


# ----------------------------------------------------------------------------------- node log


def _node_checkpoint(home: Home, caller: Caller, _request: Request, _now: int) -> Response:
    """Answer with the last signed head of the node log; it is signed at its own pace alone."""
    names = _may_see(home, caller)
    with home.store.read() as tx:
        signed = logs.last_checkpoint(tx, committing.LOG)
        note = tiles.cosigned_note(tx, committing.LOG, signed, names) if signed else None
    return _text(note) if note else refusal(absent())


def _node_tile(home: Home, _caller: Caller, request: Request, _now: int) -> Response:
    try:
        tile = tree.parse_tile_path(f"tile/{request.path_params['path']}")
    except ProofError as error:
        raise absent() from error
    with home.store.read() as tx:
        found = tiles.read_tile(tx, committing.LOG, tile)
    if found is None:
        raise absent()
    return data(found, "application/octet-stream")


def _committed(home: Home, caller: Caller, _request: Request, _now: int) -> Response:
    """Answer with the proof that the node log commits to the head of this agreement's log."""
    log, names = record.our_log(caller.agreement_id), _may_see(home, caller)
    with home.store.read() as tx:
        found = committing.committed(tx, home.slug, home.keys.secret, log, names)
    if found is None:
        raise absent()
    return data(orjson.dumps(found), "application/json")


def _may_see(home: Home, caller: Caller) -> frozenset[str]:
    """Return whose cosignatures on the node log a partner may see: its own, and the outside's."""
    return outside_witness(home) | {f"{caller.party}/witness"}


# ------------------------------------------------------------------------------------ witness


def _add_checkpoint(home: Home, caller: Caller, body: bytes, now: int) -> Response:
    """Do `add-checkpoint` of C2SP tlog-witness for a log of the caller's."""
    try:
        given = witness.parse_submission(body)
    except ProofError as error:
        raise TurnedAwayError(400, "This cannot be understood.") from error
    outcome = take(home, _cards(home, caller), caller.agreement_id, given, now=now)
    if outcome.status == 200:  # noqa: PLR2004  # cosigned
        return _text(outcome.lines)
    if outcome.status == 409:  # noqa: PLR2004  # another size
        return data(f"{outcome.size}\n".encode(), SIZE_TYPE, status=409)
    raise TurnedAwayError(outcome.status, "This head is not cosigned.")


def _cosignature(home: Home, caller: Caller, body: bytes, now: int) -> Response:
    """Take back the caller's cosignature on the head of the agreement's log, or of the node log."""
    try:
        note = body.decode()
        origin = parse_checkpoint(text_of(note)).origin
        log = {
            record.origin_of(home.slug, caller.agreement_id): record.our_log(caller.agreement_id),
            record.origin_of(home.slug, record.NODE): committing.LOG,
        }.get(origin)
        if log is None:
            raise absent()
        vkeys = _cards(home, caller).valid("witness", now)
        with home.store.write() as tx:
            take_back(tx, log, note, vkeys, now=now)
    except (ProofError, UnicodeDecodeError) as error:
        raise TurnedAwayError(422, "This cosignature is of no use here.") from error
    return Response(status_code=204, headers={"Cache-Control": "no-store"})


def _witnessed(home: Home, caller: Caller, request: Request, now: int) -> Response:
    """Answer with the caller's head that we cosigned last, by the hash of its origin."""
    known = known_logs(_cards(home, caller), caller.agreement_id, now=now)
    wanted = request.path_params["origin"]
    origin = next((each for each in known if sha256(each.encode()).hexdigest() == wanted), "")
    with home.store.read() as tx:
        found = witnessing.witnessed_of(tx, origin)
    if found is None:
        raise absent()
    return _text(found.note)


def _cards(home: Home, caller: Caller) -> Cards:
    with home.store.read() as tx:
        cards = cards_of(tx, caller.party)
    if cards is None:
        raise absent()
    return cards


# ------------------------------------------------------------------------------------ answers


def _text(text: str) -> Response:
    return data(text.encode(), "text/plain; charset=utf-8")
