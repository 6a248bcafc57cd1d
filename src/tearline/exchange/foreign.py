"""Read one page of a collection of a foreign TAXII 2.1 server, as exact byte slices.

A page is asked for with the same filters as the one before it, and `next` beside them (2.1,
section 3.5): servers differ in what they make of a `next` alone.
"""

from typing import NamedTuple

from tearline.errors import InputError, SourceError
from tearline.exchange.foreign_line import Line, NotUnderstoodError, host_of
from tearline.exchange.link import Reply
from tearline.stix.bundle import Limits, split_envelope
from tearline.stix.timestamp import format_timestamp, parse_timestamp

MEDIA_TYPE = "application/taxii+json;version=2.1"
_PAGE_BYTES = 256 << 20
_LONGEST_NEXT = 4096


class Ask(NamedTuple):
    """What page is asked for: of what was added after a moment, the one that `next` names."""

    after_at: int | None
    next: str
    limit: int


class Page(NamedTuple):
    """What came: the objects, whether there are more, what names the next page, and moments.

    `first_at` and `last_at` are when the first and the last of the page were added there.
    """

    raws: list[bytes]
    more: bool
    next: str
    first_at: int | None
    last_at: int | None


def read_page(line: Line, url: str, ask: Ask, limits: Limits) -> Page:
    """Read a page of the collection at `url`; SourceError as `Line.get` has it, or for nonsense."""
    params: dict[str, str | int] = {"limit": ask.limit}
    if ask.after_at is not None:
        params["added_after"] = format_timestamp(ask.after_at, digits=6)
    if ask.next:
        params["next"] = ask.next
    reply = line.get(f"{url}objects/", params=params, accept=MEDIA_TYPE, most=most_of(limits))
    if reply.status != 200:  # noqa: PLR2004  # OK
        raise NotUnderstoodError(f"{host_of(url)} answered {reply.status}.", do="Tell them.")
    try:
        envelope = split_envelope(reply.body, limits)
    except InputError as error:
        raise unreadable(url, error) from error
    return Page(envelope.objects, envelope.more, _token(url, envelope.next), *moments(reply))


def moments(reply: Reply) -> tuple[int | None, int | None]:
    """Return when the first and the last object of an answer were added, where it says so."""
    return _moment(reply, "first"), _moment(reply, "last")


def most_of(limits: Limits) -> int:
    """Return how many bytes of a page are read."""
    return min(limits.max_bytes, _PAGE_BYTES)


def unreadable(url: str, error: InputError) -> SourceError:
    """Return the error for an answer that is no page."""
    return SourceError(
        f"{host_of(url)} sent a page that cannot be read: {error}",
        means="What came before it was kept; reading goes on there.",
        do="It is tried again later. If it stays so, tell them.",
    )


def _moment(reply: Reply, which: str) -> int | None:
    try:
        return parse_timestamp(reply.headers.get(f"x-taxii-date-added-{which}", ""))
    except InputError:
        return None


def _token(url: str, next_: str | None) -> str:
    """Check that what names the next page can be kept and sent back."""
    if not next_:
        return ""
    if len(next_) > _LONGEST_NEXT or not next_.isprintable():
        raise SourceError(
            f"{host_of(url)} sent a 'next' that cannot be sent back.", do="Tell them."
        )
    return next_
