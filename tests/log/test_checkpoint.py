"""Signed notes and checkpoints against the published examples, and what must not open."""

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from tearline.errors import ProofError
from tearline.log import checkpoint
from tests.log.made_log import KEY, ORIGIN, OTHER_KEY, OTHER_VKEY, VKEY

# The worked example of golang.org/x/mod/sumdb/note.
GO_VKEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
GO_SEED = base64.b64decode("AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz")[1:]
GO_TEXT = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
)
GO_NOTE = (
    GO_TEXT + "\n— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKv"
    "qfqdngotpRZb6KE6RyyBwJnAM=\n"
)
# The worked example of c2sp.org/signed-note.
C2SP_VKEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
C2SP_NOTE = (
    "This is an example message.\n\n— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONn"
    "cAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n"
)
# The text of the example of c2sp.org/tlog-checkpoint.
C2SP_TEXT = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"

ROOT = bytes(range(32))
TEXT = checkpoint.checkpoint_text(ORIGIN, 5, ROOT)
NOTE = checkpoint.sign_note(TEXT, ORIGIN, KEY)


def test_the_published_notes_open() -> None:
    assert checkpoint.open_note(GO_NOTE, [GO_VKEY]) == GO_TEXT
    assert checkpoint.open_note(C2SP_NOTE, [C2SP_VKEY]) == "This is an example message.\n"


def test_signing_gives_the_published_note() -> None:
    key = Ed25519PrivateKey.from_private_bytes(GO_SEED)
    assert checkpoint.vkey("PeterNeumann", key.public_key().public_bytes_raw()) == GO_VKEY
    assert checkpoint.sign_note(GO_TEXT, "PeterNeumann", key) == GO_NOTE


def test_the_published_checkpoint_reads() -> None:
    read = checkpoint.parse_checkpoint(C2SP_TEXT)
    assert (read.origin, read.size) == ("example.com/behind-the-sofa", 20_852_163)
    assert checkpoint.checkpoint_text(read.origin, read.size, read.root) == C2SP_TEXT


@given(st.integers(0, 10**18), st.binary(min_size=32, max_size=32))
def test_a_signed_checkpoint_opens(size: int, root: bytes) -> None:
    text = checkpoint.checkpoint_text(ORIGIN, size, root)
    opened = checkpoint.open_checkpoint(checkpoint.sign_note(text, ORIGIN, KEY), VKEY, ORIGIN)
    assert opened == checkpoint.Checkpoint(ORIGIN, size, root)


def test_the_wrong_key_opens_nothing() -> None:
    with pytest.raises(ProofError, match="no signature of the expected key"):
        checkpoint.open_checkpoint(NOTE, OTHER_VKEY, ORIGIN)


def test_the_checkpoint_of_another_log_is_refused() -> None:
    text = checkpoint.checkpoint_text("north/log/private", 5, ROOT)
    note = checkpoint.sign_note(text, ORIGIN, KEY)
    with pytest.raises(ProofError, match="another log"):
        checkpoint.open_checkpoint(note, VKEY, ORIGIN)


@given(st.data())
def test_no_changed_character_opens(data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(NOTE) - 1))
    other = data.draw(st.characters(codec="utf-8").filter(lambda c: c != NOTE[place]))
    with pytest.raises(ProofError):
        checkpoint.open_checkpoint(NOTE[:place] + other + NOTE[place + 1 :], VKEY, ORIGIN)


def test_unknown_signatures_are_passed_over() -> None:
    cosigned = NOTE + C2SP_NOTE.split("\n\n")[1]
    assert checkpoint.open_note(cosigned, [VKEY]) == TEXT
    both = [VKEY, OTHER_VKEY]
    assert checkpoint.open_note(_also_signed(OTHER_KEY, TEXT), both) == TEXT


def test_one_bad_signature_of_a_known_key_refuses_the_note() -> None:
    forged = _also_signed(OTHER_KEY, TEXT + "more\n")
    assert checkpoint.open_note(forged, [VKEY]) == TEXT
    with pytest.raises(ProofError, match="does not fit"):
        checkpoint.open_note(forged, [VKEY, OTHER_VKEY])


def _also_signed(key: Ed25519PrivateKey, text: str) -> str:
    return NOTE + checkpoint.sign_note(text, ORIGIN, key).rpartition("\n\n")[2]


@pytest.mark.parametrize(
    "note",
    [
        "",
        TEXT,
        TEXT + "\n",
        NOTE[:-1],
        NOTE + "\n",
        NOTE.replace("—", "-"),
        NOTE.replace("\n\n", "\n"),
        NOTE.replace("\n", "\r\n"),
        NOTE + "— x A\n",
        NOTE + "— x AAAA\n",
        NOTE + "— x AAAAAAA\n",
        NOTE + "— x+y AAAAAAAAAAA=\n",
        NOTE + "hello\n",
        NOTE + "— x AAAAAAAAAAA=\n" * 200,
        NOTE.replace("5", "5\x00", 1),
    ],
)
def test_malformed_notes_are_refused(note: str) -> None:
    with pytest.raises(ProofError):
        checkpoint.open_note(note, [VKEY])


@pytest.mark.parametrize(
    "text",
    [
        "",
        f"{ORIGIN}\n5\n",
        f"\n5\n{'A' * 43}=\n",
        f"{ORIGIN}\n05\n{'A' * 43}=\n",
        f"{ORIGIN}\n-5\n{'A' * 43}=\n",
        f"{ORIGIN}\n\u0665\n{'A' * 43}=\n",
        f"{ORIGIN}\n5\n{'A' * 42}==\n",
        f"{ORIGIN}\n5\n{'A' * 42}B=\n",
        f"{ORIGIN}\n5\n{'A' * 43}=",
        f"{ORIGIN}\n5\n{'A' * 43}=\n\nmore\n",
        f"{ORIGIN}\n{'9' * 20}\n{'A' * 43}=\n",
    ],
)
def test_malformed_checkpoints_are_refused(text: str) -> None:
    with pytest.raises(ProofError):
        checkpoint.parse_checkpoint(text)


def test_extension_lines_are_allowed() -> None:
    assert checkpoint.parse_checkpoint(TEXT + "extension\n").size == 5


@pytest.mark.parametrize(
    "text",
    [
        "",
        "PeterNeumann",
        GO_VKEY.replace("c74f", "c74e"),
        GO_VKEY.replace("PeterNeumann", "Peter Neumann"),
        GO_VKEY.replace("PeterNeumann", "PeterNeuman"),
        GO_VKEY.replace("+AR", "+BR"),
        GO_VKEY[:-4],
        GO_VKEY.replace("c74f20a3", "C74F20A3"),
    ],
)
def test_malformed_keys_are_refused(text: str) -> None:
    with pytest.raises(ProofError):
        checkpoint.parse_vkey(text)


def test_a_key_of_a_card_becomes_the_key_of_a_log() -> None:
    card = checkpoint.vkey("north/log", KEY.public_key().public_bytes_raw())
    assert checkpoint.vkey_for(ORIGIN, card) == VKEY


@pytest.mark.parametrize("name", ["", "two words", "a+b", "line\nbreak", "no\u00a0space"])
def test_names_that_would_break_the_line_are_refused(name: str) -> None:
    with pytest.raises(ProofError):
        checkpoint.sign_note(TEXT, name, KEY)
    with pytest.raises(ProofError):
        checkpoint.sign_note("not ended", ORIGIN, KEY)


@pytest.mark.parametrize(
    "place",
    [0, 1, 2**255 - 20, 2**255 - 19, 2**255 - 18, 2**255 - 1, checkpoint._ORDER_EIGHT],  # noqa: SLF001  # one of eight
)
@pytest.mark.parametrize("sign", [0, 2**255])
def test_a_key_under_which_anyone_can_sign_is_refused(place: int, sign: int) -> None:
    weak = checkpoint.vkey(ORIGIN, (place + sign).to_bytes(32, "little"))
    with pytest.raises(ProofError, match="anyone can sign"):
        checkpoint.parse_vkey(weak)


def test_the_points_of_small_order_are_those_of_the_curve() -> None:
    """Eight times the point is the neutral one: shown by doubling it three times."""
    prime = checkpoint._PRIME  # noqa: SLF001  # the curve's
    d = -121_665 * pow(121_666, -1, prime) % prime
    for start in checkpoint._SMALL_ORDER:  # noqa: SLF001  # the list that is checked
        y = start
        for _ in range(3):
            square = (y * y - 1) * pow(d * y * y + 1, -1, prime) % prime
            twist = d * square * y * y % prime
            y = (y * y + square) * pow(1 - twist, -1, prime) % prime
        assert y == 1
