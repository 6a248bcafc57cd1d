"""C2SP signed notes and tlog checkpoints: a log's origin, size and root under a signature; pure.

A note is text, an empty line, and signature lines "— name base64(key id || signature)". A key id
is the first four bytes of SHA-256(name || 0x0A || type || public key). Two types are known here:
Ed25519 (0x01), by which a log signs its checkpoints, and the timestamped Ed25519 cosignature (0x04)
of a witness: "at that time this was the largest tree of the log, grown from all I saw before".
"""

import base64
import binascii
import re
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from tearline.errors import ProofError
from tearline.log.tree import HASH_SIZE

ED25519 = b"\x01"
COSIGNATURE = b"\x04"
NOTE_LIMIT = 1_000_000
SIGNATURE_LIMIT = 100
_ID_SIZE = 4
_NAME = re.compile(r"[^\s+]+")
_SIGNATURE_LINE = re.compile(r"— ([^\s+]+) ([A-Za-z0-9+/]+={0,2})")
_SIZE = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)
_TIME_SIZE = 8
_SIGNED_FROM = _ID_SIZE + _TIME_SIZE
_LATEST = 2**63 - 1
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a log commits to: its origin, its number of leaves and the root over them."""

    origin: str
    size: int
    root: bytes


# ---------------------------------------------------------------------------------------- keys


def key_id(name: str, public: bytes, kind: bytes = ED25519) -> bytes:
    """Return the four bytes that tell one key from another in signature lines."""
    return sha256(name.encode() + b"\n" + kind + public).digest()[:_ID_SIZE]


def vkey(name: str, public: bytes, kind: bytes = ED25519) -> str:
    """Return a verifier key as one line of text: name+hex id+base64(type || public key)."""
    if not _NAME.fullmatch(name):
        raise ProofError(f"{name!r} cannot name a key: no spaces, no plus sign, not empty.")
    encoded = base64.b64encode(kind + public).decode()
    return f"{name}+{key_id(name, public, kind).hex()}+{encoded}"


def parse_vkey(text: str, kind: bytes = ED25519) -> tuple[str, bytes]:
    """Return the name and the 32 raw bytes of a verifier key; ProofError if it is not one.

    With `kind` COSIGNATURE, of the key of a witness.
    """
    parts = text.strip().split("+", 2)
    if len(parts) == 3 and _NAME.fullmatch(parts[0]):  # noqa: PLR2004  # name, id, key
        key = unbase64(parts[2])
        if key[:1] == kind and len(key) == 1 + HASH_SIZE:
            name, public = parts[0], key[1:]
            if vkey(name, public, kind) == text.strip():
                _check_strong(public)
                return name, public
    raise ProofError(
        f"{text[:200]!r} is not an Ed25519 verifier key{_OF[kind]}.",
        means="Its name, its id and its key do not belong together.",
        do="Use the one line that the log's owner gave you: name+id+key.",
    )


def _check_strong(public: bytes) -> None:
    """Refuse a key under which anyone can sign: a point of small order, or not in its one form.

    Who had such a key on its card could deny everything that it signed.
    """
    place = int.from_bytes(public, "little") % 2**255
    if place >= _PRIME or place in _SMALL_ORDER:
        raise ProofError(
            "This Ed25519 key is one under which anyone can sign.",
            means="Nothing that it signs would bind its owner.",
            do="Refuse it; `tearline init` makes no such key.",
        )


_PRIME = 2**255 - 19
_ORDER_EIGHT = 0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826
_SMALL_ORDER = {0, 1, _PRIME - 1, _ORDER_EIGHT, _PRIME - _ORDER_EIGHT}
"""The y of the points of order 1, 2, 4 and 8."""

_OF = {ED25519: "", COSIGNATURE: " of a witness"}


def vkey_for(origin: str, key: str) -> str:
    """Return the verifier key of one log from any verifier key of the same pair: only renamed."""
    return vkey(origin, parse_vkey(key)[1])


# --------------------------------------------------------------------------------------- notes


def sign_note(text: str, name: str, private_key: Ed25519PrivateKey) -> str:
    """Return the note: the text, which has to end its last line, and one signature line."""
    if not text.endswith("\n") or _CONTROL.search(text):
        raise ProofError("The text of a note ends with a newline and has no control characters.")
    public = private_key.public_key().public_bytes_raw()
    vkey(name, public)
    signature = key_id(name, public) + private_key.sign(text.encode())
    return f"{text}\n— {name} {base64.b64encode(signature).decode()}\n"


def open_note(note: str, vkeys: Sequence[str]) -> str:
    """Return the text of a note that at least one of the keys signed; ProofError otherwise.

    Lines of unknown keys are skipped; one bad signature under a known key refuses the whole note.
    """
    text, lines = _split_note(note)
    known = {(name, key_id(name, public)): public for name, public in map(parse_vkey, vkeys)}
    signed = False
    for name, signature in lines:
        public = known.get((name, signature[:_ID_SIZE]))
        if public is not None:
            _check_signature(name, public, signature[_ID_SIZE:], text)
            signed = True
    if not signed:
        raise ProofError(
            "The note carries no signature of the expected key.",
            means="Somebody else made it, or the key is of another log.",
            do="Check that the verifier key is the one you were given for this log.",
        )
    return text


def signer(note: str, vkeys: Sequence[str]) -> str:
    """Return the first of the keys that a line of a note claims to be of; the first if none is.

    No signature is checked: opening the note with that key does.
    """
    return next((each for each in vkeys if signed_by(note, each)), vkeys[0])


def signed_by(note: str, key: str) -> bool:
    """Whether a line of a note claims to be of a verifier key; the signature is not checked."""
    name, public = parse_vkey(key)
    # Five digits of base64 are thirty of the thirty-two bits of a key's id.
    start = base64.b64encode(key_id(name, public) + b"\0\0").decode()[:5]
    lines = note.rpartition("\n\n")[2].splitlines()
    return any(line.startswith(f"— {name} {start}") for line in lines)


def _split_note(note: str) -> tuple[str, list[tuple[str, bytes]]]:
    text, mark, tail = note.rpartition("\n\n")
    if not mark or not tail.endswith("\n") or len(note) > NOTE_LIMIT or _CONTROL.search(note):
        raise _malformed("It has to be text, an empty line and signature lines.")
    lines = tail[:-1].split("\n")
    if len(lines) > SIGNATURE_LIMIT:
        raise _malformed(f"It has more than {SIGNATURE_LIMIT} signatures.")
    return text + "\n", [_split_line(line) for line in lines]


def _split_line(line: str) -> tuple[str, bytes]:
    match = _SIGNATURE_LINE.fullmatch(line)
    signature = unbase64(match[2]) if match else b""
    if match is None or len(signature) <= _ID_SIZE:
        raise _malformed("A signature line is not of the form '— name base64'.")
    return match[1], signature


def _check_signature(name: str, public: bytes, signature: bytes, text: str) -> None:
    try:
        message = text.encode()
    except UnicodeEncodeError as error:
        raise _malformed("It is no UTF-8.") from error
    _check_signed(name, public, signature, message)


def _check_signed(name: str, public: bytes, signature: bytes, message: bytes) -> None:
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except InvalidSignature as error:
        raise ProofError(
            f"The signature of {name} does not fit the note.",
            means="The note was altered after signing, or the signature was.",
        ) from error


# -------------------------------------------------------------------------------- cosignatures


def cosign(text: str, name: str, private_key: Ed25519PrivateKey, *, at_s: int) -> str:
    """Return the signature line by which a witness cosigns a checkpoint (C2SP tlog-cosignature).

    `text` is the checkpoint without signatures, `at_s` the moment in seconds since the epoch.
    """
    public = private_key.public_key().public_bytes_raw()
    signature = private_key.sign(_cosigned(text, at_s))
    blob = key_id(name, public, COSIGNATURE) + at_s.to_bytes(_TIME_SIZE, "big") + signature
    return f"— {name} {base64.b64encode(blob).decode()}\n"


def cosigned_at(note: str, vkey: str) -> int | None:
    """Return when the witness `vkey` cosigned a note, in seconds since the epoch; None if never.

    Of several cosignatures of one witness the last moment counts. ProofError when one of them does
    not hold, or the note is not well formed.
    """
    found = _cosignatures(note, vkey)
    return max(found) if found else None


def cosignature_line(note: str, vkey: str) -> str | None:
    """Return the line by which the witness `vkey` cosigned a note last; as `cosigned_at` raises."""
    found = _cosignatures(note, vkey)
    if not found:
        return None
    name = parse_vkey(vkey, COSIGNATURE)[0]
    return f"— {name} {base64.b64encode(found[max(found)]).decode()}\n"


def _cosignatures(note: str, vkey: str) -> dict[int, bytes]:
    """Return what stands in the lines of one witness, by moment, once it is seen to hold."""
    name, public = parse_vkey(vkey, COSIGNATURE)
    text, lines = _split_note(note)
    wanted = name, key_id(name, public, COSIGNATURE)
    found = {}
    for line, blob in lines:
        if (line, blob[:_ID_SIZE]) == wanted:
            at_s = int.from_bytes(blob[_ID_SIZE:_SIGNED_FROM], "big")
            if at_s > _LATEST:
                raise _malformed("A cosignature is of a moment that no clock shows.")
            _check_signed(name, public, blob[_SIGNED_FROM:], _cosigned(text, at_s))
            found[at_s] = blob
    return found


def _cosigned(text: str, at_s: int) -> bytes:
    return f"cosignature/v1\ntime {at_s}\n{text}".encode()


def add_lines(note: str, lines: str) -> str:
    """Return a note with more signature lines, each once; ProofError when they are none."""
    if _split_note(note + lines)[0] != _split_note(note)[0]:
        raise _malformed("What was to be added to it are no signature lines.")
    known = set(note.split("\n"))
    added = [line for line in lines.split("\n") if line not in known]
    return note + "".join(f"{line}\n" for line in added)


def signed_only(note: str, vkey: str) -> str:
    """Return a note with the signature lines of one key alone; ProofError when it has none."""
    name, public = parse_vkey(vkey)
    text, lines = _split_note(note)
    wanted = name, key_id(name, public)
    kept = [base64.b64encode(each) for line, each in lines if (line, each[:_ID_SIZE]) == wanted]
    if not kept:
        raise _malformed("It carries no signature of the expected key.")
    return text + "\n" + "".join(f"— {name} {each.decode()}\n" for each in kept)


def text_of(note: str) -> str:
    """Return what a note says, unproven; ProofError when it is not well formed."""
    return _split_note(note)[0]


# --------------------------------------------------------------------------------- checkpoints


def checkpoint_text(origin: str, size: int, root: bytes) -> str:
    """Return the three lines of a checkpoint (C2SP tlog-checkpoint): origin, size, root."""
    return f"{origin}\n{size}\n{base64.b64encode(root).decode()}\n"


def parse_checkpoint(text: str) -> Checkpoint:
    """Return the checkpoint in a note's text; extension lines are allowed and not read."""
    lines = text.split("\n")
    if len(lines) < 4 or lines[-1] or not all(lines[:-1]):  # noqa: PLR2004  # three lines, each ended
        raise _malformed("A checkpoint has three lines: origin, size and root.")
    origin, size, encoded = lines[:3]
    root = unbase64(encoded)
    if not _SIZE.fullmatch(size) or len(root) != HASH_SIZE:
        raise _malformed("Its size or its root is not written as the format wants it.")
    return Checkpoint(origin, int(size), root)


def open_checkpoint(note: str, vkey: str, origin: str) -> Checkpoint:
    """Return the checkpoint of the log `origin`, signed by `vkey`; ProofError otherwise."""
    checkpoint = parse_checkpoint(open_note(note, [vkey]))
    if checkpoint.origin != origin:
        raise ProofError(
            f"The checkpoint is of the log {checkpoint.origin!r}, not of {origin!r}.",
            means="A true checkpoint of another log was put in its place.",
        )
    return checkpoint


def unbase64(text: str) -> bytes:
    """Decode base64 strictly: what does not encode back to the same text counts as empty.

    A hash or a signature is never empty, so who expects one refuses it by its length.
    """
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""
    return data if base64.b64encode(data).decode() == text else b""


def _malformed(what: str) -> ProofError:
    return ProofError(f"The note is not well formed. {what}")
