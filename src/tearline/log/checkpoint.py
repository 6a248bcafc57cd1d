"""C2SP signed notes and tlog checkpoints: a log's origin, size and root under a signature; pure.

A note is text, an empty line, and signature lines "— name base64(key id || signature)". A key id
is the first four bytes of SHA-256(name || 0x0A || type || public key); the type here is Ed25519.
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
NOTE_LIMIT = 1_000_000
SIGNATURE_LIMIT = 100
_ID_SIZE = 4
_NAME = re.compile(r"[^\s+]+")
_SIGNATURE_LINE = re.compile(r"— ([^\s+]+) ([A-Za-z0-9+/]+={0,2})")
_SIZE = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a log commits to: its origin, its number of leaves and the root over them."""

    origin: str
    size: int
    root: bytes


# ---------------------------------------------------------------------------------------- keys


def key_id(name: str, public: bytes) -> bytes:
    """Return the four bytes that tell one key from another in signature lines."""
    return sha256(name.encode() + b"\n" + ED25519 + public).digest()[:_ID_SIZE]


def vkey(name: str, public: bytes) -> str:
    """Return a verifier key as one line of text: name+hex id+base64(0x01 || public key)."""
    if not _NAME.fullmatch(name):
        raise ProofError(f"{name!r} cannot name a key: no spaces, no plus sign, not empty.")
    encoded = base64.b64encode(ED25519 + public).decode()
    return f"{name}+{key_id(name, public).hex()}+{encoded}"


def parse_vkey(text: str) -> tuple[str, bytes]:
    """Return the name and the 32 raw bytes of a verifier key; ProofError if it is not one."""
    parts = text.strip().split("+", 2)
    if len(parts) == 3 and _NAME.fullmatch(parts[0]):  # noqa: PLR2004  # name, id, key
        key = _unbase64(parts[2])
        if key[:1] == ED25519 and len(key) == 1 + HASH_SIZE:
            name, public = parts[0], key[1:]
            if vkey(name, public) == text.strip():
                return name, public
    raise ProofError(
        f"{text[:200]!r} is not an Ed25519 verifier key.",
        means="Its name, its id and its key do not belong together.",
        do="Use the one line that the log's owner gave you: name+id+key.",
    )


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
    signature = _unbase64(match[2]) if match else b""
    if match is None or len(signature) <= _ID_SIZE:
        raise _malformed("A signature line is not of the form '— name base64'.")
    return match[1], signature


def _check_signature(name: str, public: bytes, signature: bytes, text: str) -> None:
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, text.encode())
    except (InvalidSignature, UnicodeEncodeError) as error:
        raise ProofError(
            f"The signature of {name} does not fit the note.",
            means="The note was altered after signing, or the signature was.",
        ) from error


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
    root = _unbase64(encoded)
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


def _unbase64(text: str) -> bytes:
    """Decode base64 strictly: what does not encode back to the same text counts as empty."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""
    return data if base64.b64encode(data).decode() == text else b""


def _malformed(what: str) -> ProofError:
    return ProofError(f"The note is not well formed. {what}")
