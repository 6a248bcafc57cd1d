"""What the judge reads: answers of the nodes, copied logs, signed statements, the input files.

A plain HTTP client of its own, which takes the bytes of each object exactly as they came.
"""

import base64
import json
from collections.abc import Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import httpx
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from tearline import clock
from tearline.cli.demo.expect import Object
from tearline.log.checkpoint import parse_vkey, vkey_for
from tearline.log.verify import Verdict, parse_opening, verify_folder, verify_growth

_MEDIA_TYPE = "application/taxii+json;version=2.1"
_PAGE = 200
_OK = 200
_DECODER = json.JSONDecoder()

Record = dict[str, Any]


# ---------------------------------------------------------------------------------------- HTTP


class Answer(NamedTuple):
    """What a node said when its collection was read to the end."""

    status: int
    objects: dict[str, bytes]
    pages: int


class Signs:
    """Signs requests to a node, written from RFC 9421 and RFC 9530, with a node's key."""

    def __init__(self, node: str, given: Record) -> None:
        """Take what the node lent: the key's name and seed, the agreement where it names one."""
        self._node, self._keyid, self._agreement = node, given["keyid"], given.get("agreement")
        self._key = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(given["seed"]))

    def __call__(self, request: httpx.Request) -> httpx.Request:
        """Add the headers that sign a request."""
        path = request.url.raw_path.decode()
        lines = {"@method": request.method, "@target-uri": f"{self._node}{path}"}
        if request.content:
            digest = base64.b64encode(sha256(request.content).digest()).decode()
            lines["content-digest"] = f"sha-256=:{digest}:"
            request.headers["Content-Digest"] = lines["content-digest"]
        if self._agreement:
            lines["tearline-agreement"] = self._agreement
            request.headers["Tearline-Agreement"] = self._agreement
        names = " ".join(f'"{each}"' for each in lines)
        params = (
            f'({names});created={clock.now() // 1_000_000};keyid="{self._keyid}"'
            f';nonce="{clock.fresh_bytes(16).hex()}";tag="tearline-request"'
        )
        text = "".join(f'"{name}": {value}\n' for name, value in lines.items())
        signed = self._key.sign(f'{text}"@signature-params": {params}'.encode())
        request.headers["Signature-Input"] = f"tearline={params}"
        request.headers["Signature"] = f"tearline=:{base64.b64encode(signed).decode()}:"
        return request


def poll(node: str, collection: str, given: Record | str | None) -> Answer:
    """Read a collection to its end, page by page.

    As a node does, by what that lent; or as anybody would, with a key or none.
    """
    key = given["key"] if isinstance(given, dict) else given
    headers = {"Accept": _MEDIA_TYPE} | ({"Authorization": f"Bearer {key}"} if key else {})
    signs = Signs(node, given) if isinstance(given, dict) else None
    path = f"/taxii2/agreements/collections/{collection}/objects/"
    found: dict[str, bytes] = {}
    params: dict[str, str] = {"limit": str(_PAGE)}
    pages = 0
    with httpx.Client(base_url=node, headers=headers, trust_env=False, timeout=60) as client:
        while True:
            reply = client.get(path, params=params, auth=signs)
            if reply.status_code != _OK:
                return Answer(reply.status_code, found, pages)
            pages += 1
            found |= objects_in(reply.content)
            envelope = reply.json()
            if not envelope.get("more"):
                return Answer(_OK, found, pages)
            params["next"] = envelope["next"]


def post_message(node: str, document: bytes, given: Record) -> int:
    """Bring a node a message, as a partner's node would; return the status of its answer."""
    url, signs = f"{node}/peer/messages", Signs(node, given)
    reply = httpx.post(url, content=document, auth=signs, trust_env=False, timeout=60)
    return reply.status_code


def objects_in(body: bytes) -> dict[str, bytes]:
    """The exact bytes of each object of an envelope, found by walking over its text."""
    text = body.decode()
    at = text.find('"objects":[')
    found = {}
    if at >= 0:
        at += len('"objects":[')
        while text[at] != "]":
            value, end = _DECODER.raw_decode(text, at)
            found[value["id"]] = text[at:end].encode()
            at = end + (text[end] == ",")
    return found


# ----------------------------------------------------------------------------------------- logs


class Log(NamedTuple):
    """A copied log: what the verifier says of it, and every opened record with its leaf."""

    verdict: Verdict
    records: list[tuple[int, Record]]

    def of(self, kind: str) -> list[Record]:
        """The records of one kind, in order."""
        return [each for _, each in self.records if each.get("kind") == kind]


def read_log(folder: Path, card: dict[str, Any], name: str, before: Path | None = None) -> Log:
    """Check a copied log against its owner's key, and that it grew since an older copy."""
    key = vkey_for(f"{card['slug']}/log/{name}", card["log"])
    verdict = verify_growth(before, folder, key) if before else verify_folder(folder, key)
    records = []
    for line in (folder / "records.jsonl").read_bytes().splitlines():
        opening = parse_opening(line)
        records.append((opening.leaf, json.loads(opening.record)))
    return Log(verdict, records)


def statements(log: Log, keys: dict[str, str]) -> list[Record]:
    """The statements in a log whose signature by the party they name holds; `keys` by slot."""
    found = []
    for each in log.of("statement"):
        said = json.loads(_unbase64(each["signed"]["payload"]))
        if signed_by(each["signed"], [keys[said["by"]]]):
            found.append(said)
    return found


def signed_by(document: Record, vkeys: Sequence[str]) -> bool:
    """Whether a general JWS bears exactly these signatures, and each holds (RFC 7515, RFC 8037)."""
    kids = []
    for each in document["signatures"]:
        header = json.loads(_unbase64(each["protected"]))
        public = Ed25519PublicKey.from_public_bytes(parse_vkey(header["kid"])[1])
        text = f"{each['protected']}.{document['payload']}".encode()
        try:
            public.verify(_unbase64(each["signature"]), text)
        except InvalidSignature:
            return False
        kids.append(header["kid"])
    return sorted(kids) == sorted(vkeys)


def payload(document: Record) -> bytes:
    """The bytes that a JWS is over."""
    return _unbase64(document["payload"])


def expand(spans: list[list[int]]) -> set[int]:
    """The positions that spans of [first, last] stand for."""
    return {at for first, last in spans for at in range(first, last + 1)}


def delivery_hash(positions: dict[int, str]) -> str:
    """The one hash over what was delivered: a line of position and hash for each release."""
    lines = "".join(f"{at} {digest}\n" for at, digest in sorted(positions.items()))
    return digest_of(lines.encode())


def digest_of(data: bytes) -> str:
    """SHA-256, as documents state it."""
    return f"sha256:{sha256(data).hexdigest()}"


def _unbase64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


# --------------------------------------------------------------------------------------- inputs


def read_inputs(inputs: Sequence[Record], closer: Record) -> dict[str, Object]:
    """Everything that North imported, with what it put beside each object.

    The label of an import is for what carries no marking itself; `closer` names a file of ids that
    North marked afterwards.
    """
    marked = set(Path(closer["path"]).read_text("utf-8").split())
    held: dict[str, Object] = {}
    for each in inputs:
        for raw in _lines(Path(each["path"])):
            doc = json.loads(raw)
            mark = None if "object_marking_refs" in doc else each["mark"]
            mark = closer["mark"] if doc["id"] in marked else mark
            held[doc["id"]] = Object(raw, doc, each["source"], mark, each["grade"])
    return held


def _lines(path: Path) -> Iterator[bytes]:
    """The bytes of each object of an input file, which has one on a line."""
    for line in path.read_bytes().splitlines():
        if line.startswith(b'{"type":') and not line.startswith(b'{"type":"bundle"'):
            yield line.removesuffix(b",")
