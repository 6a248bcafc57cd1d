"""Receipts and tlog-proofs: what holds is shown, and nothing that was altered holds."""

import base64
import copy
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tearline.errors import ProofError
from tearline.log import receipt, record, tree
from tearline.log.receipt import TlogProof, parse_proof, verify_proof, verify_receipt, write_proof
from tearline.store.database import Store
from tests.log.made_log import (
    LOG,
    ORIGIN,
    OTHER_VKEY,
    VKEY,
    append,
    entry,
    made_store,
    note,
    publish,
    release,
)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with made_store(tmp_path_factory.mktemp("receipts") / "a.db") as store:
        append(store, 270, items=3)
        publish(store)
        yield store


def _receipt(store: Store, index: int, item: int) -> dict[str, Any]:
    with store.read() as tx:
        return record.receipt(tx, LOG, index, item, origin=ORIGIN, vkey=VKEY)


@pytest.mark.parametrize(("index", "item"), [(0, 0), (255, 1), (256, 2), (269, 1)])
def test_a_receipt_proves_its_record(store: Store, index: int, item: int) -> None:
    document = json.loads(json.dumps(_receipt(store, index, item)))
    assert verify_receipt(document, VKEY) == release(index * 3 + item)
    with pytest.raises(ProofError):
        verify_receipt(document, OTHER_VKEY)


def _places(value: object, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every field, at any depth, of a receipt."""
    pairs: list[tuple[Any, Any]] = []
    if isinstance(value, dict):
        pairs = list(value.items())
    elif isinstance(value, list):
        pairs = list(enumerate(value))
    for key, inner in pairs:
        yield (*path, key)
        yield from _places(inner, (*path, key))


def _others(value: object) -> Iterator[object]:
    """Values that should never pass in place of the true one."""
    yield from (None, [], {}, "", b"", True, -1, 2**63, 0.5)
    if isinstance(value, int):
        yield from (value + 1, value - 1, str(value), float(value))
    if isinstance(value, str):
        yield from (value + " ", value[:-1], value[1:], value.replace("1", "2", 1), value.upper())
        middle = len(value) // 2
        yield value[:middle] + chr(ord(value[middle]) ^ 1) + value[middle + 1 :]
    if isinstance(value, list):
        yield from (value[1:], value[:-1], [*value, *value[:1]], value[::-1])


def test_no_field_of_a_receipt_can_be_altered(store: Store) -> None:
    good = _receipt(store, 256, 1)
    for path in list(_places(good)):
        holder = _at(good, path[:-1])
        for other in _others(holder[path[-1]]):
            if other == holder[path[-1]] and type(other) is type(holder[path[-1]]):
                continue
            document = copy.deepcopy(good)
            _at(document, path[:-1])[path[-1]] = other
            assert not _accepted(document), f"{path} altered to {other!r}"


def _accepted(document: Any) -> bool:  # noqa: ANN401
    try:
        verify_receipt(document, VKEY)
    except ProofError:
        return False
    return True


def test_no_field_of_a_receipt_can_be_left_out_or_added(store: Store) -> None:
    good = _receipt(store, 256, 1)
    for path in [path for path in _places(good) if isinstance(path[-1], str)]:
        document = copy.deepcopy(good)
        del _at(document, path[:-1])[path[-1]]
        with pytest.raises(ProofError):
            verify_receipt(document, VKEY)
    for document in ({**good, "more": 1}, {**good, "item": {**good["item"], "more": 1}}):
        with pytest.raises(ProofError):
            verify_receipt(document, VKEY)
    odd: list[object] = [[], "", None, 5]
    assert not any(_accepted(document) for document in odd)


def test_parts_of_two_receipts_do_not_make_a_third(store: Store) -> None:
    one, two = _receipt(store, 3, 0), _receipt(store, 4, 0)
    for name in one:
        if one[name] != two[name]:
            with pytest.raises(ProofError):
                verify_receipt({**one, name: two[name]}, VKEY)


def _at(value: Any, path: tuple[Any, ...]) -> Any:  # noqa: ANN401
    for key in path:
        value = value[key]
    return value


def test_a_receipt_of_a_log_of_one(tmp_path: Path) -> None:
    with made_store(tmp_path / "a.db") as store:
        append(store, 1)
        publish(store)
        assert verify_receipt(_receipt(store, 0, 0), VKEY) == release(0)


# ------------------------------------------------------------------------------------ tlog-proof

# The form of the example of c2sp.org/tlog-proof, with a checkpoint of our own.
HASHES = [tree.leaf_hash(entry(number)) for number in range(5)]
PROOF = write_proof(TlogProof(3, tuple(tree.inclusion_proof(HASHES, 3, 5)), note(HASHES)))


def test_a_proof_has_the_lines_of_the_specification() -> None:
    header, index, *hashes = PROOF.partition("\n\n")[0].split("\n")
    assert (header, index) == ("c2sp.org/tlog-proof@v1", "index 3")
    assert [base64.b64decode(each) for each in hashes] == tree.inclusion_proof(HASHES, 3, 5)
    assert PROOF.partition("\n\n")[2] == note(HASHES)
    assert verify_proof(PROOF, entry(3), VKEY)[0] == 3
    assert verify_proof(PROOF, entry(3), VKEY)[1].size == 5


@given(st.integers(0, 2**40), st.lists(st.binary(min_size=32, max_size=32), max_size=63), st.data())
def test_a_proof_reads_back(index: int, hashes: list[bytes], data: st.DataObject) -> None:
    extra = data.draw(st.none() | st.binary(max_size=50))
    proof = TlogProof(index, tuple(hashes), note(HASHES), extra)
    assert parse_proof(write_proof(proof)) == proof


def test_extra_data_says_nothing_and_stops_nothing() -> None:
    proof = replace(parse_proof(PROOF), extra=b"whatever")
    assert "\nextra d2hhdGV2ZXI=\nindex 3\n" in write_proof(proof)
    assert verify_proof(write_proof(proof), entry(3), VKEY)[0] == 3


@given(st.data())
def test_no_changed_character_of_a_proof_holds(data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(PROOF) - 1))
    other = data.draw(st.characters(codec="utf-8").filter(lambda c: c != PROOF[place]))
    with pytest.raises(ProofError):
        verify_proof(PROOF[:place] + other + PROOF[place + 1 :], entry(3), VKEY)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("@v1", "@v2"),
        ("index 3", "index 03"),
        ("index 3", "index -3"),
        ("index 3", "index 5"),
        ("index 3", "Index 3"),
        ("index 3\n", ""),
        ("index 3\n", "index 3\nindex 3\n"),
        ("index 3\n", "index 3\nextra AAAA\n"),
        ("index 3\n", "index 3\n" + "A" * 43 + "=\n"),
        ("index 3\n", "index 3\nAAAA\n"),
        ("\n\n", "\n"),
        ("\n", "\r\n"),
    ],
)
def test_a_malformed_proof_is_refused(old: str, new: str) -> None:
    with pytest.raises(ProofError):
        verify_proof(PROOF.replace(old, new, 1 if old != "\n" else -1), entry(3), VKEY)


def test_a_proof_with_a_hash_too_many_or_too_few_is_refused() -> None:
    proof = parse_proof(PROOF)
    for hashes in (proof.hashes[:-1], (*proof.hashes, proof.hashes[0]), proof.hashes * 30):
        with pytest.raises(ProofError):
            verify_proof(write_proof(replace(proof, hashes=hashes)), entry(3), VKEY)


def test_a_receipt_names_its_log_before_it_is_checked(store: Store) -> None:
    assert str(receipt.note_in(_receipt(store, 0, 0))).startswith(f"{ORIGIN}\n")
    nothing: list[object] = [None, [], {}, {"proof": 5}, {"proof": "index 3"}]
    for odd in nothing:
        assert receipt.note_in(odd) is None


def test_a_cosigned_checkpoint_stays_in_the_proof(store: Store) -> None:
    document = _receipt(store, 0, 0)
    cosigned = document["proof"] + "— witness.example/w " + "A" * 43 + "=\n"
    assert verify_receipt(document | {"proof": cosigned}, VKEY) == release(0)
