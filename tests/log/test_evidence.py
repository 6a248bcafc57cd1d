"""Evidence accuses nobody who did not lie, and everybody who did, with nothing but the file."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tearline.errors import ProofError
from tearline.log import checkpoint, evidence, tree
from tearline.log.evidence import Case, Shown, verify_evidence, write_evidence
from tests.log.made_log import KEY, NOW, ORIGIN, OTHER_KEY, OTHER_VKEY, VKEY, note
from tests.log.test_node_log import heads, shown
from tests.log.test_witness import HASHES, WITNESS_KEY, WITNESS_VKEY

CASE = Case(ORIGIN, VKEY, "south", WITNESS_VKEY, "2026-01-01T00:00:00.000Z")
SIZES = st.integers(1, 80)


def forked(at: int) -> list[bytes]:
    return [*HASHES[:at], tree.leaf_hash(b"another"), *HASHES[at + 1 :]]


def split(first: list[bytes], small: int, second: list[bytes], large: int) -> bytes:
    """What a witness holds who saw `small` leaves of one history and `large` of another."""
    proof = tree.consistency_proof(second, small, large)
    begins = Shown(tree.root(second[:small]), proof) if small < large else None
    return write_evidence(
        "split-view", CASE, note(first[:small]), note(second[:large]), shown=begins
    )


@settings(max_examples=40)
@given(SIZES, SIZES, st.data())
def test_two_histories_are_proven_whatever_the_sizes(a: int, b: int, data: st.DataObject) -> None:
    small, large = sorted((a, b))
    other = forked(data.draw(st.integers(0, small - 1)))
    found = verify_evidence(split(HASHES, small, other, large), VKEY)
    assert (found.proven, found.sizes, found.cosigned_s) == (True, (small, large), None)


@settings(max_examples=40)
@given(SIZES, SIZES)
def test_one_history_is_no_evidence(a: int, b: int) -> None:
    small, large = sorted((a, b))
    with pytest.raises(ProofError, match="of one history"):
        verify_evidence(split(HASHES, small, HASHES, large), VKEY)


@pytest.mark.parametrize("root", [bytes(32), b"", tree.leaf_hash(b"made up")])
def test_a_beginning_that_is_made_up_is_no_evidence(root: bytes) -> None:
    proof = tree.consistency_proof(HASHES, 5, 9)
    shown_ = Shown(root, proof)
    document = write_evidence("split-view", CASE, note(HASHES[:5]), note(HASHES[:9]), shown=shown_)
    with pytest.raises(ProofError):
        verify_evidence(document, VKEY)


def test_what_another_key_signed_is_no_evidence() -> None:
    first, second = note(HASHES[:5]), note(forked(3)[:5], key=OTHER_KEY)
    with pytest.raises(ProofError):
        verify_evidence(write_evidence("split-view", CASE, first, second), VKEY)
    own = CASE._replace(vkey=OTHER_VKEY)
    made = [note(each[:5], key=OTHER_KEY) for each in (HASHES, forked(3))]
    document = write_evidence("split-view", own, made[0], made[1])
    assert verify_evidence(document).proven
    with pytest.raises(ProofError, match="another key"):
        verify_evidence(document, VKEY)


def test_heads_of_two_logs_are_no_evidence() -> None:
    first, second = note(HASHES[:5]), note(forked(3)[:5], origin="north/log/private")
    with pytest.raises(ProofError):
        verify_evidence(write_evidence("split-view", CASE, first, second), VKEY)


def test_a_rollback_says_whose_word_it_is() -> None:
    line = checkpoint.cosign(
        checkpoint.text_of(note(HASHES[:9])), "south/witness", WITNESS_KEY, at_s=NOW // 10**6
    )
    first = checkpoint.add_lines(note(HASHES[:9]), line)
    found = verify_evidence(write_evidence("rollback", CASE, first, note(HASHES[:5])), VKEY)
    assert (found.proven, found.sizes, found.cosigned_s) == (False, (9, 5), NOW // 10**6)
    for size in (9, 10):
        document = write_evidence("rollback", CASE, first, note(HASHES[:size]))
        with pytest.raises(ProofError, match="not smaller"):
            verify_evidence(document, VKEY)


def test_a_proof_that_holds_is_no_bad_proof() -> None:
    proof = tree.consistency_proof(HASHES, 5, 9)
    for given_, bad in ((proof, False), (proof[1:], True), ([], True)):
        given_proof = Shown(b"", given_)
        notes = note(HASHES[:5]), note(HASHES[:9])
        document = write_evidence("bad-proof", CASE, *notes, shown=given_proof)
        if bad:
            assert not verify_evidence(document, VKEY).proven
        else:
            with pytest.raises(ProofError, match="The proof holds"):
                verify_evidence(document, VKEY)


def _committed(root: bytes) -> tuple[dict[str, Any], str, str]:
    """A node log that commits to three leaves with a root, and the log's own head of three."""
    head = heads([3])[0]
    origin = head.origin
    document = shown([checkpoint.Checkpoint(origin, 3, root)], origin)
    text = checkpoint.checkpoint_text(origin, 3, head.root)
    return document, origin, checkpoint.sign_note(text, origin, KEY)


def test_a_node_log_that_says_otherwise_proves_it() -> None:
    true = heads([3])[0].root
    for root, lied in ((bytes(32), True), (true, False)):
        committed, origin, signed = _committed(root)
        case = CASE._replace(origin=origin, vkey=checkpoint.vkey_for(origin, VKEY))
        first = committed["checkpoint"]
        document = write_evidence("split-view", case, first, signed, committed=committed)
        if lied:
            assert verify_evidence(document, VKEY).proven
            other = json.loads(document) | {"first": signed}
            with pytest.raises(ProofError):
                verify_evidence(json.dumps(other).encode(), VKEY)
        else:
            with pytest.raises(ProofError, match="of one history"):
                verify_evidence(document, VKEY)


@given(st.sampled_from(sorted(evidence.KEYS)), st.one_of(st.none(), st.integers(), st.text()))
def test_no_value_breaks_the_reader(key: str, value: object) -> None:
    document = json.loads(split(HASHES, 5, forked(3), 9))
    text = json.dumps(document | {key: value}, sort_keys=True, separators=(",", ":"))
    try:
        verify_evidence(text.encode(), VKEY)
    except ProofError:
        return
    assert key in {"by", "seen", "expected"}


def test_two_histories_under_two_keys_of_the_owner_need_both() -> None:
    first, second = note(HASHES[:5], key=OTHER_KEY), note(forked(3)[:5])
    document = write_evidence("split-view", CASE._replace(former=OTHER_VKEY), first, second)
    assert verify_evidence(document, VKEY, OTHER_VKEY).proven
    assert verify_evidence(document).proven
    for only in (VKEY, OTHER_VKEY):
        with pytest.raises(ProofError, match="another key"):
            verify_evidence(document, only)
    with pytest.raises(ProofError):
        verify_evidence(write_evidence("split-view", CASE, first, second), VKEY, OTHER_VKEY)
