"""Find out what stands at an address: TAXII 2.1 or 2.0, and which collections may be read there.

The address may be that of a discovery resource, of an API root, of its list of collections, or of
one collection. API roots on other hosts are told, and not followed.
"""

import re
from typing import Any, NamedTuple
from urllib.parse import urljoin, urlsplit, urlunsplit

import msgspec

from tearline.errors import SourceError
from tearline.exchange import foreign, foreign_20
from tearline.exchange.foreign_line import (
    Line,
    NotThereError,
    NotUnderstoodError,
    host_of,
    same_host,
)
from tearline.stix.strict import bare

_MOST = 4 << 20
_ROOTS = 50
_LONGEST_TITLE = 200
_USUAL = ("/taxii2/", "/taxii/", "/")
_ACCEPT = {"2.1": foreign.MEDIA_TYPE, "2.0": foreign_20.TAXII_TYPE}
_ID = re.compile(r"[A-Za-z0-9_~-][A-Za-z0-9._~-]{0,254}")  # a UUID; many servers use names
_BELOW = ("objects/", "manifest/")


class Collection(NamedTuple):
    """A collection of a foreign server, of TAXII 2.1 or 2.0, and whether we may read it."""

    url: str
    version: str
    id: str
    title: str
    can_read: bool


class Found(NamedTuple):
    """What stands at an address; `elsewhere` are API roots on other hosts."""

    title: str
    collections: tuple[Collection, ...]
    elsewhere: tuple[str, ...] = ()


class _Resource(NamedTuple):
    url: str
    version: str
    doc: dict[str, Any]


def find(line: Line) -> Found:
    """Find the collections at the line's address; SourceError where there is no TAXII server."""
    first = _first(line)
    title = _text(first.doc, "title") or host_of(line.url)
    if "can_read" in first.doc and "id" in first.doc:
        return Found(title, (_collection(first, first.url, first.doc),))
    if "collections" in first.doc or first.url.endswith("/collections/"):
        return Found(title, _listed(first))
    if "versions" in first.doc or "max_content_length" in first.doc:
        return Found(title, _of_root(line, first.url, first.version))
    return _of_discovery(line, first, title)


def _first(line: Line) -> _Resource:
    """Read what stands at the address; without a path, at the usual places."""
    for below in _BELOW:
        if line.url.endswith(f"/{below}"):
            return _resource(line, line.url.removesuffix(below))
    if urlsplit(line.url).path != "/":
        return _resource(line, line.url)
    for path in _USUAL[:-1]:
        try:
            return _resource(line, urljoin(line.url, path))
        except (NotThereError, NotUnderstoodError):
            continue
    return _resource(line, urljoin(line.url, _USUAL[-1]))


def _resource(line: Line, url: str, version: str = "2.1") -> _Resource:
    """Read a resource in one version of TAXII; in the other where the server does not take it."""
    try:
        return _read(line, url, version)
    except (NotThereError, NotUnderstoodError) as error:
        try:
            return _read(line, url, "2.0" if version == "2.1" else "2.1")
        except (NotThereError, NotUnderstoodError):
            raise error from None


def _read(line: Line, url: str, version: str) -> _Resource:
    reply = line.get(url, accept=_ACCEPT[version], most=_MOST)
    try:
        doc = msgspec.json.decode(reply.body)
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        doc = None
    if not isinstance(doc, dict):
        raise NotUnderstoodError(
            f"What {host_of(url)} answers is not TAXII.",
            do="Check the address: it is that of a discovery, an API root or a collection.",
        )
    kind = reply.headers.get("content-type", "")
    if "vnd.oasis" in kind:
        version = "2.0"
    elif "taxii+json" in kind:
        version = "2.1"
    return _Resource(url, version, doc)


def _of_discovery(line: Line, first: _Resource, title: str) -> Found:
    named = first.doc.get("api_roots")
    roots = [each for each in named if isinstance(each, str)] if isinstance(named, list) else []
    if isinstance(default := first.doc.get("default"), str):
        roots.append(default)
    if not roots:
        raise SourceError(
            f"{host_of(first.url)} names no API root.",
            means="Nothing says where its collections are.",
            do="Ask them for the address of the API root or of the collection.",
        )
    ours, elsewhere = _parted(line, first.url, roots)
    found: list[Collection] = []
    problem: SourceError | None = None
    for root in ours[:_ROOTS]:
        try:
            found += _of_root(line, root, first.version)
        except SourceError as error:
            problem = error
    if problem is not None and not found:
        raise problem
    return Found(title, tuple(found), tuple(elsewhere))


def _parted(line: Line, base: str, roots: list[str]) -> tuple[list[str], list[str]]:
    """Part the API roots of this host from those of others."""
    ours, elsewhere = [], []
    for each in roots:
        try:
            url = _slashed(_upgraded(line.url, urljoin(base, each)))
            ours += [url] if same_host(line.url, url) else []
            elsewhere += [] if same_host(line.url, url) else [bare(each, _LONGEST_TITLE)]
        except ValueError:
            elsewhere.append(bare(each, _LONGEST_TITLE))
    return list(dict.fromkeys(ours)), list(dict.fromkeys(elsewhere))


def _upgraded(ours: str, url: str) -> str:
    """Servers behind a proxy often name themselves by HTTP: what we reach by TLS stays there."""
    one, other = urlsplit(ours), urlsplit(url)
    if (one.scheme, other.scheme) == ("https", "http") and one.hostname == other.hostname:
        return urlunsplit(other._replace(scheme="https", netloc=one.netloc))
    return url


def _of_root(line: Line, root: str, version: str) -> tuple[Collection, ...]:
    url = urljoin(_slashed(root), "collections/")
    return _listed(_resource(line, url, version))


def _listed(resource: _Resource) -> tuple[Collection, ...]:
    listed = resource.doc.get("collections", [])
    docs = [each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []
    return tuple(
        _collection(resource, urljoin(resource.url, f"{each['id']}/"), each)
        for each in docs
        if isinstance(each.get("id"), str) and _ID.fullmatch(each["id"])
    )


def _collection(resource: _Resource, url: str, doc: dict[str, Any]) -> Collection:
    name, readable = _text(doc, "id"), doc.get("can_read") is True
    title = _text(doc, "title") or name
    return Collection(_slashed(url), resource.version, name, title, readable)


def _text(doc: dict[str, Any], name: str) -> str:
    value = doc.get(name)
    return bare(value, _LONGEST_TITLE) if isinstance(value, str) else ""


def _slashed(url: str) -> str:
    return url if url.endswith("/") else f"{url}/"
