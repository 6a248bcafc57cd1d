"""How TAXII 2.1 answers look: media types, envelopes, stamps, error resources.

A page is a join of stored bytes; nothing is parsed or encoded again.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from tearline import clock
from tearline.exchange.access import TurnedAwayError
from tearline.stix.timestamp import format_timestamp

MEDIA_TYPE = "application/taxii+json;version=2.1"
STIX_TYPE = "application/stix+json;version=2.1"
ERROR_ID = "tearline.error_id"
"""Where the id of an error stands in the scope of its request, for the line of the log."""
ROUTE = "tearline.route"
"""Where the address that was asked for stands in the scope, as we wrote it, for counts and logs."""

_VERSION = "2.1"


class Page(Response):
    """A page, and what is on it: how many parts, and at which positions of an agreement, as spans.

    `until` is the first moment at which the clock takes something off it, where it ever does. One
    page may answer many requests, so nobody changes it.
    """

    count: int = 0
    spans: Sequence[list[int]] = ()
    until: int | None = None


def json_answer(
    value: Any,  # noqa: ANN401  # any JSON value
    status: int = 200,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Return a resource."""
    return Response(orjson.dumps(value), status, headers=_headers(headers), media_type=MEDIA_TYPE)


def envelope(
    parts: Sequence[bytes],
    ats: Sequence[int],
    more: bool,  # noqa: FBT001  # as TAXII names it
    token: str | None,
    *,
    name: str = "objects",
) -> Page:
    """Join a page; an empty one is `{}` (section 3.7).

    `ats` are the moments at which the parts were added, `token` the value of `next`.
    """
    if not parts:
        return NOTHING
    head = b'{"more":true,' if more else b'{"more":false,'
    if token is not None:
        head += b'"next":"' + token.encode() + b'",'
    body = b"".join((head, b'"', name.encode(), b'":[', b",".join(parts), b"]}"))
    stamps = {
        "X-TAXII-Date-Added-First": format_timestamp(ats[0], digits=6),
        "X-TAXII-Date-Added-Last": format_timestamp(ats[-1], digits=6),
    }
    page = Page(body, headers=_headers(stamps), media_type=MEDIA_TYPE)
    page.count = len(parts)
    return page


def manifest_entry(stix_id: str, at: int, version: str) -> bytes:
    """Return one line of a manifest (section 5.6)."""
    return orjson.dumps(
        {
            "id": stix_id,
            "date_added": format_timestamp(at, digits=6),
            "version": version,
            "media_type": STIX_TYPE,
        }
    )


def _headers(more: Mapping[str, str] | None = None) -> dict[str, str]:
    return {"Cache-Control": "no-store", **(more or {})}


NOTHING = Page(b"{}", headers=_headers(), media_type=MEDIA_TYPE)
"""The page that shows nothing, one for all."""


# --------------------------------------------------------------------------------------- errors


def refusal(error: TurnedAwayError, request: Request) -> Response:
    """Return the error resource of section 3.6.1; its id stands in the line of the log too."""
    error_id = clock.fresh_bytes(8).hex()
    request.scope[ERROR_ID] = error_id
    body: dict[str, Any] = {
        "title": error.title,
        "error_id": error_id,
        "http_status": str(error.status),
    }
    if error.description:
        body["description"] = error.description
    if error.details:
        body["details"] = error.details
    return json_answer(body, error.status, error.headers)


def absent() -> TurnedAwayError:
    """What is answered for all that a caller may not know of, there or not."""
    return TurnedAwayError(404, "There is nothing here that you may know of.")


def not_allowed(methods: Sequence[str]) -> TurnedAwayError:
    """What is answered to a method that a resource does not have."""
    allowed = ", ".join(methods)
    return TurnedAwayError(405, f"This answers to {allowed} only.", headers={"Allow": allowed})


# ---------------------------------------------------------------------------------- media types


@lru_cache(maxsize=256)
def accepts(header: str) -> bool:
    """Whether a client takes our media type: also with spaces, in a list, with q, unversioned."""
    for part in header.split(",") if header.strip() else ["*/*"]:
        name, given = _media_type(part)
        wanted = name in {"*/*", "application/*", "application/taxii+json"}
        if wanted and _is_ours(given) and given.get("q", "1").strip("0."):
            return True
    return False


def is_taxii(header: str) -> bool:
    """Whether a body is of our media type: also with spaces, unversioned."""
    name, given = _media_type(header)
    return name == "application/taxii+json" and _is_ours(given)


def _media_type(text: str) -> tuple[str, dict[str, str]]:
    name, *parameters = (piece.strip().casefold() for piece in text.split(";"))
    return name, dict(each.replace(" ", "").partition("=")[::2] for each in parameters)


def _is_ours(parameters: Mapping[str, str]) -> bool:
    return parameters.get("version", _VERSION).strip('"') == _VERSION
