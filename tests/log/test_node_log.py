"""One leaf commits to all logs, shows each owner its own, and says nothing of the rest."""

import base64
import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tearline.errors import ProofError
from tearline.log import node_log, tree
from tearline.log.checkpoint import Checkpoint, checkpoint_text, sign_note, vkey
from tearline.stix.canonical import canonical
from tests.log.made_log import KEY, OTHER_KEY

NODE = "north/log/node"
NODE_VKEY = vkey(NODE, KEY.public_key().public_bytes_raw())
SECRET = bytes(range(32))
SIZES = st.lists(st.integers(0, 10**9), min_size=1, max_size=6)


def heads(sizes: Sequence[int]) -> list[Checkpoint]:
    roots = [tree.leaf_hash(str(size).encode()) for size in sizes]
    pairs = zip(sizes, roots, strict=True)
    return [Checkpoint(f"north/log/{n}", *each) for n, each in enumerate(pairs)]


def leaf_of(root: bytes) -> bytes:
    moment = "2026-01-01T00:00:00.000000Z"
    return canonical({"v": 1, "kind": node_log.KIND, "at": moment, "count": 1, "root": root.hex()})


def shown(found: list[Checkpoint], origin: str, index: int = 4) -> dict[str, Any]:
    """The proof for one log in a node log of five leaves, the last of which holds these heads."""
    seed = node_log.seed_of(SECRET, index)
    leaf = leaf_of(node_log.root_of(seed, found))
    hashes = [tree.leaf_hash(bytes([each])) for each in range(index)] + [tree.leaf_hash(leaf)]
    note = sign_note(checkpoint_text(NODE, len(hashes), tree.root(hashes)), NODE, KEY)
    place = node_log.place_of(seed, found, origin)
    assert place is not None
    proof = tree.inclusion_proof(hashes, index, len(hashes))
    return node_log.write_committed(place, leaf, index, proof, note)


@settings(max_examples=20)
@given(SIZES, st.data())
def test_each_log_has_its_proof(sizes: list[int], data: st.DataObject) -> None:
    found = heads(sizes)
    head = data.draw(st.sampled_from(found))
    document = json.loads(json.dumps(shown(found, head.origin)))
    proven = node_log.verify_committed(document, NODE_VKEY)
    assert (proven.head, proven.leaf, proven.node.size) == (head, 4, 5)


@settings(max_examples=20)
@given(st.integers(1, 50), st.integers(0, 10**6))
def test_one_and_many_agreements_look_alike(number: int, size: int) -> None:
    """The leaf has the same length, and so has every part of the proof that a partner gets."""
    alone = shown(heads([size]), "north/log/0")
    among = shown(heads([size, *range(number)]), "north/log/0")
    assert [len(str(alone[key])) for key in alone] == [len(str(among[key])) for key in among]
    assert (len(alone["path"]), alone["record"]) == (node_log.DEPTH, among["record"])
    assert alone["leaf"] != among["leaf"]


@settings(max_examples=20)
@given(SIZES)
def test_nothing_that_stays_the_same_can_be_told_by(sizes: list[int]) -> None:
    """When nothing at all changed, the next leaf shares no hash with the one before."""
    found = heads(sizes)
    first, second = shown(found, "north/log/0", 3), shown(found, "north/log/0", 4)
    assert not set(first["path"]) & set(second["path"])
    assert first["salt"] != second["salt"]
    assert len(set(first["path"])) == node_log.DEPTH


def test_a_log_that_is_not_there_has_no_place() -> None:
    seed = node_log.seed_of(SECRET, 0)
    assert node_log.place_of(seed, heads([3]), "north/log/1") is None


def test_one_leaf_says_one_thing_of_a_log() -> None:
    head = heads([3])[0]
    with pytest.raises(ProofError, match="two things"):
        node_log.root_of(SECRET, [head, Checkpoint(head.origin, 4, head.root)])


def test_the_proof_of_one_log_is_none_of_another() -> None:
    """The place follows from the origin: another log's record leads elsewhere."""
    found = heads([3, 5])
    document = shown(found, "north/log/0")
    for other in (heads([4])[0], found[1], Checkpoint("south/log/0", 3, found[0].root)):
        forged = document | {"record": node_log.record_of(other).decode()}
        with pytest.raises(ProofError):
            node_log.verify_committed(forged, NODE_VKEY)


@given(st.sampled_from(sorted(node_log.KEYS)), st.integers(0, 10**6))
def test_no_changed_part_passes(key: str, chance: int) -> None:
    document = shown(heads([3, 5, 7]), "north/log/1")
    value = document[key]
    if isinstance(value, int):
        document[key] = value - 1
    elif isinstance(value, list):
        place = chance % len(value)
        document[key] = [*value[:place], base64.b64encode(bytes(32)).decode(), *value[place + 1 :]]
    else:
        place = chance % len(value)
        document[key] = value[:place] + ("b" if value[place] == "a" else "a") + value[place + 1 :]
    with pytest.raises(ProofError):
        node_log.verify_committed(document, NODE_VKEY)


@pytest.mark.parametrize(
    "change",
    [
        {"path": []},
        {"path": ["AAAA"] * 128},
        {"leaf": 3},
        {"index": True},
        {"proof": None},
        {"record": "{}"},
        {"record": "[]"},
        {"more": 1},
        {"schema": "tearline-committed/2"},
    ],
)
def test_what_is_no_proof_is_refused(change: dict[str, Any]) -> None:
    document = shown(heads([3]), "north/log/0") | change
    with pytest.raises(ProofError):
        node_log.verify_committed(document, NODE_VKEY)


def test_the_node_log_of_another_says_nothing_of_ours() -> None:
    other = vkey(NODE, OTHER_KEY.public_key().public_bytes_raw())
    with pytest.raises(ProofError):
        node_log.verify_committed(shown(heads([3]), "north/log/0"), other)


@settings(max_examples=20)
@given(SIZES, st.data())
def test_who_has_the_seed_sees_that_nothing_is_hidden(
    sizes: list[int], data: st.DataObject
) -> None:
    found = heads(sizes)
    seed = node_log.seed_of(SECRET, 7)
    leaf = leaf_of(node_log.root_of(seed, found))
    node_log.open_leaf(leaf, seed, found[::-1])
    left_out = data.draw(st.sampled_from(found))
    less = [each for each in found if each != left_out]
    more = [*found, Checkpoint("north/log/more", 1, bytes(32))]
    for others in (less, more):
        with pytest.raises(ProofError, match="exactly these heads"):
            node_log.open_leaf(leaf, seed, others)
    with pytest.raises(ProofError):
        node_log.open_leaf(leaf, node_log.seed_of(SECRET, 8), found)


@pytest.mark.parametrize("origin", ["south/log/0", "north-east/log/0", NODE])
def test_a_node_log_speaks_for_the_logs_of_its_party_alone(origin: str) -> None:
    document = shown([Checkpoint(origin, 3, bytes(32))], origin)
    with pytest.raises(ProofError, match="another's log"):
        node_log.verify_committed(document, NODE_VKEY)
