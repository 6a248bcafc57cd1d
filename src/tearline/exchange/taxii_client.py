"""Read a collection of another node page by page; what comes out are exact byte slices.

`next` is taken as it comes. A server that says `more` without `next` is read on by the moment of
its last object, as TAXII 2.1 section 3.7 allows; one that does not move is given up.
"""

from collections.abc import Iterator
from typing import NamedTuple

from tearline.errors import InputError, PartnerError
from tearline.exchange.link import Link, Reply
from tearline.stix.bundle import DEFAULT, Limits, split_envelope
from tearline.stix.timestamp import parse_timestamp

MEDIA_TYPE = "application/taxii+json;version=2.1"
_TOKEN = "n:"  # noqa: S105  # a prefix, no secret
_MOMENT = "a:"
_PAGE_BYTES = 256 << 20


class Page(NamedTuple):
    """The objects of one page, and where the next one begins; the same where nothing was new."""

    raws: list[bytes]
    resume: str


class NotServedError(PartnerError):
    """The collection is not there: nothing is given under the agreement, or not yet."""


def pages(
    link: Link, path: str, resume: str, *, limit: int, limits: Limits = DEFAULT
) -> Iterator[Page]:
    """Yield the pages of the collection at `path`, beginning where `resume` says ('' = the start).

    NotServedError when there is no such collection for us; PartnerError when the partner refuses
    or its answers make no sense.
    """
    left = limits.max_objects
    seen = {resume}
    while True:
        page, more = _page(link, path, resume, limit, limits)
        left -= len(page.raws)
        if left < 0:
            raise _senseless(link, f"more than {limits.max_objects} objects")
        yield page
        if not more:
            return
        if page.resume in seen:
            raise _senseless(link, "'more', but no way to get it")
        resume = page.resume
        seen.add(resume)


def _page(link: Link, path: str, resume: str, limit: int, limits: Limits) -> tuple[Page, bool]:
    params: dict[str, str | int] = {"limit": limit}
    if resume.startswith(_TOKEN):
        params["next"] = resume.removeprefix(_TOKEN)
    elif resume:
        params["added_after"] = resume.removeprefix(_MOMENT)
    most = min(limits.max_bytes, _PAGE_BYTES)
    reply = link.get(f"{path}objects/", params=params, accept=MEDIA_TYPE, most=most)
    check(link, reply)
    try:
        envelope = split_envelope(reply.body, limits)
    except InputError as error:
        raise _senseless(link, f"a page that cannot be read ({error})") from error
    return Page(envelope.objects, _resume(envelope.next, reply, resume)), envelope.more


def _resume(next_: str | None, reply: Reply, before: str) -> str:
    if next_:
        return _TOKEN + next_
    last = reply.headers.get("x-taxii-date-added-last", "")
    try:
        parse_timestamp(last)
    except InputError:
        return before
    return _MOMENT + last


def check(link: Link, reply: Reply) -> None:
    """Turn an answer that is no success into the error that says what to do."""
    if reply.status == 200:  # noqa: PLR2004  # OK
        return
    if reply.status == 404:  # noqa: PLR2004  # Not Found
        raise NotServedError(
            f"{link.url} gives nothing under this agreement now.",
            do="Look at `tearline agreement show` for what it waits for.",
        )
    raise PartnerError(f"{link.url} answered {reply.status}.", **_advice(reply.status))


def _advice(status: int) -> dict[str, str]:
    if status in {401, 403}:
        return {
            "means": "It does not let our key in.",
            "do": "Ask the partner whether it suspended or ended something, or blocked us.",
        }
    if status == 409:  # noqa: PLR2004  # Conflict
        return {
            "means": "Another version of the agreement is in force there than here.",
            "do": "Run `tearline sync` again once both sides have each other's messages.",
        }
    return {"means": "It did not do what was asked.", "do": "Try again later."}


def _senseless(link: Link, what: str) -> PartnerError:
    return PartnerError(
        f"{link.url} answered with {what}.",
        means="What came before it was kept; reading stopped here.",
        do="Tell the partner; its node does not follow TAXII 2.1.",
    )
