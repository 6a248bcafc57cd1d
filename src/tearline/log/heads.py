"""The signed heads that lie in the folders of logs, and the keys beside them; stands alone."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from tearline.errors import ProofError
from tearline.log.checkpoint import (
    Checkpoint,
    cosigned_at,
    open_checkpoint,
    parse_checkpoint,
    parse_vkey,
    signer,
    text_of,
)

_SECOND_US = 1_000_000


class OlderHead(NamedTuple):
    """A checkpoint that was signed before, and the file or folder that it is from."""

    name: str
    checkpoint: Checkpoint


def kept_heads(directory: Path) -> list[Path]:
    """The older checkpoints that lie in a folder."""
    with suppress(OSError):
        return sorted((directory / "checkpoints").iterdir())
    return []


def own_keys(directory: Path, keys: Sequence[str]) -> list[str]:
    """The keys that a folder names itself, of the log that the given ones are of."""
    with suppress(OSError, ValueError, ProofError):
        names = {parse_vkey(each)[0] for each in keys}
        own = keys_beside(directory, directory)
        return [each for each in own if parse_vkey(each)[0] in names]
    return []


def keys_beside(path: Path, directory: Path) -> list[str]:
    """The keys that lie in an older folder, else those in the folder itself; one a line."""
    own = path / "vkey"
    return (own if own.is_file() else directory / "vkey").read_text("utf-8").strip().split("\n")


def cosigned_heads(directory: Path, witnesses: Sequence[str]) -> list[tuple[int, int]]:
    """Return the sizes of the heads in a folder that witnesses cosigned, each with the moment.

    In microseconds; `witnesses` are verifier keys. The heads themselves are checked elsewhere.
    """
    found = []
    for path in (directory / "checkpoint", *kept_heads(directory)):
        with suppress(OSError, ValueError, ProofError):
            note = path.read_bytes().decode()
            moments = [cosigned_at(note, each) for each in witnesses]
            size = parse_checkpoint(text_of(note)).size
            # A cosignature says the second; by its end at the latest the head had been seen.
            found += [(size, (s + 1) * _SECOND_US - 1) for s in moments if s is not None]
    return found


def read_head(path: Path, vkeys: Sequence[str]) -> Checkpoint:
    """Open the checkpoint in a file or a folder, with the first key that it claims to be of."""
    file = path / "checkpoint" if path.is_dir() else path
    note = file.read_bytes().decode("utf-8")
    key = signer(note, vkeys)
    return open_checkpoint(note, key, parse_vkey(key)[0])
