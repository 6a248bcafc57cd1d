"""TAXII 2.1 (OASIS Standard, 10 June 2021): the addresses, and what is the same for all of them.

Two API roots stand beside each other: `taxii_agreements` for partners, `taxii_local` for accounts
of our own organisation. Each caller is told of its own root alone; the other does not exist for it.
"""

import asyncio
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, NamedTuple

import structlog
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from tearline import clock
from tearline.agreement.home import Home
from tearline.errors import InputError, StoreError, TearlineError
from tearline.exchange import taxii_agreements as agreements
from tearline.exchange import taxii_local as local
from tearline.exchange import taxii_writing as writing
from tearline.exchange.access import (
    Caller,
    Door,
    LocalCaller,
    NotedError,
    TurnedAwayError,
    check_agreement,
)
from tearline.exchange.pace import Pace
from tearline.exchange.taxii_again import Again, Asked
from tearline.exchange.taxii_answers import (
    ERROR_ID,
    ROUTE,
    Page,
    absent,
    accepts,
    json_answer,
    not_allowed,
    refusal,
)
from tearline.exchange.taxii_ask import Ask, Knock, Look, Resource
from tearline.exchange.taxii_pages import Pages
from tearline.exchange.visits import Reply, Visits, who_asks
from tearline.store.database import Tx

_log = structlog.get_logger("tearline.taxii")
_NAMED = re.compile(r"\{(\w+)\}")
_READERS = 8
"""Threads that read at once; with those of the node fewer than the store keeps connections."""
_FIRST_ID = 4
"""Where the first id stands between the slashes: after the API root and a word, every second."""
_READING = frozenset({"GET", "HEAD"})
_GIVING = frozenset({"objects", "object"})


class Taxii:
    """The TAXII surface of a node, as an ASGI application.

    It finds the resource of an address by itself: there are few shapes of addresses, and most of
    the time of a poll would go to a router. `paths` are the addresses as they are written down.
    """

    def __init__(self, home: Callable[[], Home], door: Door, visits: Visits | None = None) -> None:
        """Serve a home; `visits` remembers how each request went."""
        # The framework's own way into a thread takes a third of a poll's time.
        self._readers = ThreadPoolExecutor(_READERS, "tearline-read")
        self._home, self._door, self._visits = home, door, visits or Visits()
        self._pages, self._pace = Pages(), Pace()
        self._again = Again(self._pages, door)
        table = {"/taxii2/": Resource(_discovery), **_agreement_root(), **_local_root()}
        self.paths = list(table)
        self._table = {
            _shape(path.split("/")[:-1]): _Address(path, _NAMED.findall(path), _name(path), each)
            for path, each in table.items()
        }
        self._nothing = _Address("/taxii2/{rest}", [], "rest", Resource(_nothing))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        answer = await self.answer(scope, receive)
        await answer(scope, receive, send)

    async def answer(self, scope: Scope, receive: Receive) -> Response:
        """Return what was answered to the same request, if that still holds, or from its resource.

        Nobody may change it. All that it says beside its body stands in its headers.
        """
        home, now = self._home(), clock.now()
        answer: Response
        asked, again = await self._again.find(home, scope, now=now)
        if again is None or not self._pace.count(again.reply.caller, now=now):
            look = Look(home, self._door, self._pages, Request(scope, receive), now)
            answer, reply = await self._made(look, asked)
        else:
            answer, reply, found = again
            scope.update(found)
        self._visits.note(scope, reply, now=now)
        return answer

    async def _made(self, look: Look, asked: Asked) -> tuple[Response, Reply]:
        """Answer from the resource of an address, and keep what may be given again."""
        scope = look.request.scope
        address = self._found(scope)
        visit = _Visit(look, address.resource, self._readers, self._pace)
        answer, title = await _answered(visit, look.request)
        reply = visit.reply(answer, title, address.name)
        kept = address.resource.glance is not None and look.request.method == "GET"
        if kept and isinstance(answer, Page):
            self._again.keep(asked, scope, answer, reply, now=look.now)
        return answer, reply

    def _found(self, scope: Scope) -> "_Address":
        """Find what is asked for; an address answers with and without its final slash."""
        parts = scope["path"].removesuffix("/").split("/")
        known = self._table.get(_shape(parts)) if all(parts[1:]) else None
        address = known or self._nothing
        scope["path_params"] = dict(zip(address.names, parts[_FIRST_ID::2], strict=False))
        scope[ROUTE] = address.path
        return address


class _Address(NamedTuple):
    path: str
    names: list[str]
    name: str
    resource: Resource


def _shape(parts: list[str]) -> tuple[int, tuple[str, ...]]:
    """Return what all addresses of one resource have in common: the words between the ids."""
    return len(parts), (*parts[1:_FIRST_ID], *parts[_FIRST_ID + 1 :: 2])


def _agreement_root() -> dict[str, Resource]:
    root, only = agreements.ROOT, (Caller,)
    check = agreements.only_read
    post, delete = {"POST": writing.post}, {"DELETE": writing.delete}
    one = f"{root}collections/{{collection}}/"
    return {
        root: Resource(agreements.api_root, only),
        f"{root}collections/": Resource(agreements.collections, only),
        one: Resource(agreements.collection, only),
        f"{one}objects/": Resource(
            agreements.objects,
            only,
            partial(agreements.glance, "objects"),
            check=check,
            writes=post,
        ),
        f"{one}objects/{{object}}/": Resource(
            agreements.one_object, only, check=check, writes=delete
        ),
        f"{one}objects/{{object}}/versions/": Resource(agreements.versions, only),
        f"{one}manifest/": Resource(
            agreements.manifest, only, partial(agreements.glance, "manifest")
        ),
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
            local.objects,
            only,
            partial(local.glance, "objects"),
            check=writing.may_post,
            writes=post,
        ),
        f"{one}objects/{{object}}/": Resource(
            local.one_object, only, check=writing.may_delete, writes=delete
        ),
        f"{one}objects/{{object}}/versions/": Resource(local.versions, only),
        f"{one}manifest/": Resource(local.manifest, only, partial(local.glance, "manifest")),
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
    return known.get(last, last.strip("{}"))


def _host(request: Request) -> str:
    return request.client.host if request.client else ""


async def _answered(visit: "_Visit", request: Request) -> tuple[Response, str]:
    """Return the answer, and the title of a refusal."""
    try:
        return await visit.answer(), ""
    except NotedError as error:
        await run_in_threadpool(visit.door.note, visit.home, error, now=visit.now)
        return refusal(error, request), error.title
    except TurnedAwayError as error:
        return refusal(error, request), error.title
    except StoreError as error:
        # What was not acknowledged has to be sent again.
        busy = TurnedAwayError(503, "The store does not answer now.", headers={"Retry-After": "5"})
        return _failed(busy, error, request), "The store did not answer."
    except InputError as error:
        # What no check found wrong and the store does not take: U+0000 in what is looked up.
        unfit = TurnedAwayError(400, "This cannot be understood.")
        return _failed(unfit, error, request), unfit.title
    except Exception as error:  # noqa: BLE001  # a fault of ours, of which nobody else hears a word
        broken = TurnedAwayError(500, "Something went wrong here.")
        return _failed(broken, error, request), broken.title


def _failed(told: TurnedAwayError, error: Exception, request: Request) -> Response:
    answer = refusal(told, request)
    about = {"problem": error.what} if isinstance(error, TearlineError) else {"exc_info": error}
    _log.error("request failed", error_id=request.scope[ERROR_ID], **about)
    return answer


class _Visit:
    """One request on its way through a resource."""

    def __init__(
        self, look: Look, resource: Resource, readers: ThreadPoolExecutor, pace: Pace
    ) -> None:
        self.home, self.door, self._pages, self._request, self.now = look
        self._address = _host(self._request)
        self._look, self._resource, self._readers = look, resource, readers
        self._pace = pace
        self._caller: Caller | LocalCaller | None = None

    def reply(self, answer: Response, title: str, name: str) -> Reply:
        """What is remembered of the answer; who asked for the head alone was given nothing."""
        page = answer if isinstance(answer, Page) and self._request.method == "GET" else None
        given = page.count if page and name in _GIVING else 0
        spans = page.spans if page else ()
        who = who_asks(self._request.headers, self._caller)
        return Reply(self._caller, who, answer.status_code, title, given, spans, name)

    async def answer(self) -> Response:
        """Answer in a worker thread, after a body was read; at once what takes no longer.

        The one place that decides what runs in the event loop: a question to a file, and no more.
        """
        headers, method = self._request.headers, self._request.method
        reads = method in _READING or method not in self._resource.methods
        in_file = self.home.store.path is not None
        if reads and in_file and (found := self._glance()):
            return found
        if not self.door.is_known(headers, now=self.now):
            await self.door.prove(self.home, headers, self._address, now=self.now)
        if reads:
            read = self._read if in_file else self._read_at_a_glance
            return await asyncio.get_running_loop().run_in_executor(self._readers, read)
        knock = await run_in_threadpool(self._knocked)
        body = b""
        if method == "POST":
            settings = self.home.settings
            most, seconds = settings.max_content_length, settings.body_seconds
            body = await writing.read_body(self._request, most, seconds)
        return await run_in_threadpool(self._resource.writes[method], knock, body)

    def _glance(self) -> Page | None:
        if self._resource.glance is None or self._request.method not in _READING:
            return None
        found = self._resource.glance(self._look)
        if found is None:
            return None
        self._caller = found.caller
        self._pace.check(found.caller, now=self.now)
        return found.page

    def _read_at_a_glance(self) -> Response:
        return self._glance() or self._read()

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
        self._caller = caller = self.door.admit(
            tx, self.home, self._request, self._address, now=self.now
        )
        self._pace.check(caller, now=self.now)
        if isinstance(caller, Caller):
            check_agreement(headers, caller)
        if not isinstance(caller, self._resource.callers):
            raise absent()
        if self._request.method not in self._resource.methods:
            raise not_allowed(self._resource.methods)
        if not accepts(headers.get("accept", "")):
            raise TurnedAwayError(406, "This answers with application/taxii+json;version=2.1 only.")
        return Ask(self.home, tx, caller, self._request, self.now, self._pages)
