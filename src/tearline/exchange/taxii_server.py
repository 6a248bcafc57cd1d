"""TAXII 2.1 (OASIS Standard, 10 June 2021): the addresses, and what is the same for all of them.

Two API roots stand beside each other: `taxii_agreements` for partners, `taxii_local` for accounts
of our own organisation. Each caller is told of its own root alone; the other does not exist for it.
"""

from collections.abc import Callable
from typing import Any

import structlog
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tearline import clock
from tearline.agreement.home import Home
from tearline.errors import StoreError
from tearline.exchange import taxii_agreements as agreements
from tearline.exchange import taxii_local as local
from tearline.exchange import taxii_writing as writing
from tearline.exchange.access import (
    Caller,
    Door,
    LocalCaller,
    OtherAgreementError,
    TurnedAwayError,
    check_agreement,
)
from tearline.exchange.taxii_answers import (
    ERROR_ID,
    Page,
    absent,
    accepts,
    json_answer,
    not_allowed,
    refusal,
)
from tearline.exchange.taxii_ask import Ask, Endpoint, Knock, Resource
from tearline.exchange.visits import Reply, Visits
from tearline.store.database import Tx

_log = structlog.get_logger("tearline.taxii")
_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
_READING = frozenset({"GET", "HEAD"})
_GIVING = frozenset({"objects", "object"})


def routes(home: Callable[[], Home], door: Door, visits: Visits | None = None) -> list[Route]:
    """Return the TAXII routes of a node; each answers with and without its final slash.

    `visits` remembers how each request went.
    """
    memory = visits or Visits()
    table = {
        "/taxii2/": Resource(_discovery),
        **_agreement_root(),
        **_local_root(),
        "/taxii2/{rest:path}": Resource(_nothing),
    }
    return [
        Route(
            each, _endpoint(home, door, resource, memory, _name(path)), methods=_METHODS, name=path
        )
        for path, resource in table.items()
        for each in dict.fromkeys((path, path.removesuffix("/")))
    ]


def _agreement_root() -> dict[str, Resource]:
    root, only = agreements.ROOT, (Caller,)
    check = agreements.only_read
    post, delete = {"POST": writing.post}, {"DELETE": writing.delete}
    one = f"{root}collections/{{collection}}/"
    return {
        root: Resource(agreements.api_root, only),
        f"{root}collections/": Resource(agreements.collections, only),
        one: Resource(agreements.collection, only),
        f"{one}objects/": Resource(agreements.objects, only, check=check, writes=post),
        f"{one}objects/{{object}}/": Resource(
            agreements.one_object, only, check=check, writes=delete
        ),
        f"{one}objects/{{object}}/versions/": Resource(agreements.versions, only),
        f"{one}manifest/": Resource(agreements.manifest, only),
    }


def _local_root() -> dict[str, Resource]:
    root, only = local.ROOT, (LocalCaller,)
    one = f"{root}collections/{{collection}}/"
    post, delete = {"POST": writing.post}, {"DELETE": writing.delete}
    return {
        root: Resource(local.api_root, only),
        f"{root}status/{{status}}/": Resource(writing.status, only),
        f"{root}collections/": Resource(local.all_collections, only),
        one: Resource(local.collection, only),
        f"{one}objects/": Resource(
            local.objects, only, local.glance, check=writing.may_post, writes=post
        ),
        f"{one}objects/{{object}}/": Resource(
            local.one_object, only, check=writing.may_delete, writes=delete
        ),
        f"{one}objects/{{object}}/versions/": Resource(local.versions, only),
        f"{one}manifest/": Resource(local.manifest, only, local.glance),
    }


def _discovery(ask: Ask[Caller | LocalCaller]) -> Response:
    """Answer discovery, with the one root that this caller may know of."""
    under = isinstance(ask.caller, Caller)
    path = agreements.ROOT if under else local.ROOT
    root = f"{ask.home.card.url or str(ask.request.base_url).rstrip('/')}{path}"
    about = f"What {ask.home.name} gives under agreements."
    return json_answer(
        {
            "title": ask.home.name,
            "description": about if under else f"Collections of {ask.home.name} itself.",
            "default": root,
            "api_roots": [root],
        }
    )


def _nothing(_ask: Ask[Caller | LocalCaller]) -> Response:
    raise absent()


# -------------------------------------------------------------------------------------- answers


def _name(path: str) -> str:
    """What an address is called among the last requests of a client."""
    last = path.rstrip("/").rpartition("/")[2]
    known = {"taxii2": "discovery", "agreements": "api root", "local": "api root"}
    return known.get(last, last.strip("{}").removesuffix(":path"))


def _endpoint(
    home: Callable[[], Home], door: Door, resource: Resource, visits: Visits, name: str
) -> Endpoint:
    """Wrap a resource: who asks, one hop into a worker thread, errors as TAXII resources."""

    async def endpoint(request: Request) -> Response:
        visit = _Visit(home(), door, resource, request, clock.now())
        answer, title = await _answered(visit, request)
        visits.note(request, visit.reply(answer, title, name), visit.address, now=visit.now)
        return answer

    return endpoint


async def _answered(visit: "_Visit", request: Request) -> tuple[Response, str]:
    """Return the answer, and the title of a refusal."""
    try:
        return await visit.answer(), ""
    except OtherAgreementError as error:
        await run_in_threadpool(visit.door.note, visit.home, error, now=visit.now)
        return refusal(error, request), error.title
    except TurnedAwayError as error:
        return refusal(error, request), error.title
    except StoreError as error:
        return _unreachable(error, request), "The store did not answer."


def _unreachable(error: StoreError, request: Request) -> Response:
    """Answer while the store is gone; what was not acknowledged has to be sent again."""
    busy = TurnedAwayError(503, "The store does not answer now.", headers={"Retry-After": "5"})
    answer = refusal(busy, request)
    _log.error("store", error_id=request.scope[ERROR_ID], problem=error.what)
    return answer


class _Visit:
    """One request on its way through a resource."""

    def __init__(
        self, home: Home, door: Door, resource: Resource, request: Request, now: int
    ) -> None:
        self.home, self.now, self.door = home, now, door
        self.address = request.client.host if request.client else ""
        self._resource, self._request = resource, request
        self._caller: Caller | LocalCaller | None = None

    def reply(self, answer: Response, title: str, name: str) -> Reply:
        """What is remembered of the answer; who asked for the head alone was given nothing."""
        page = answer if isinstance(answer, Page) and self._request.method == "GET" else None
        given = page.count if page and name in _GIVING else 0
        positions = page.positions if page else ()
        return Reply(self._caller, answer.status_code, title, given, positions, name)

    async def answer(self) -> Response:
        """Answer in a worker thread, after a body was read."""
        headers, method = self._request.headers, self._request.method
        if not self.door.is_known(headers, now=self.now):
            await self.door.prove(self.home, headers, self.address, now=self.now)
        if method in _READING or method not in self._resource.methods:
            found = self._glance()
            return found if found is not None else await run_in_threadpool(self._read)
        knock = await run_in_threadpool(self._knocked)
        body = b""
        if method == "POST":
            settings = self.home.settings
            most, seconds = settings.max_content_length, settings.body_seconds
            body = await writing.read_body(self._request, most, seconds)
        return await run_in_threadpool(self._resource.writes[method], knock, body)

    def _glance(self) -> Response | None:
        """Answer here and now what a few rows of a file tell: faster than to ask a thread.

        The one place that decides what runs in the event loop: no page, and nothing on a network.
        """
        if self._resource.glance is None or self.home.store.path is None:
            return None
        with self.home.store.read() as tx:
            return self._resource.glance(self._admitted(tx))

    def _read(self) -> Response:
        with self.home.store.read() as tx:
            return self._resource.get(self._admitted(tx))

    def _knocked(self) -> Knock:
        with self.home.store.read() as tx:
            ask = self._admitted(tx)
            self._resource.check(ask)
        return Knock(self.home, ask.caller, self._request, self.now)

    def _admitted(self, tx: Tx) -> Ask[Any]:
        """Let the caller in, as far as this resource is for it and has the method."""
        headers = self._request.headers
        self._caller = caller = self.door.admit(tx, headers, self.address, now=self.now)
        if isinstance(caller, Caller):
            check_agreement(headers, caller, required=False)
        if not isinstance(caller, self._resource.callers):
            raise absent()
        if self._request.method not in self._resource.methods:
            raise not_allowed(self._resource.methods)
        if not accepts(headers.get("accept", "")):
            raise TurnedAwayError(406, "This answers with application/taxii+json;version=2.1 only.")
        return Ask(self.home, tx, caller, self._request, self.now)
