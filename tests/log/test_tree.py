"""The tree against RFC 6962's own words, the official vectors and a naive definition."""

import base64
import contextlib
import json
import os
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tearline.errors import ProofError
from tearline.log import tree
from tearline.log.tree import Tile

# The eight inputs and roots that RFC 6962 implementations share (Certificate Transparency).
INPUTS = [
    bytes.fromhex(text)
    for text in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


def hashes(size: int) -> list[bytes]:
    return [tree.leaf_hash(b"leaf %d" % index) for index in range(size)]


# The definitions of RFC 6962 section 2.1, word for word and slow.


def naive_root(leaves: list[bytes]) -> bytes:
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    k = naive_split(len(leaves))
    return sha256(b"\x01" + naive_root(leaves[:k]) + naive_root(leaves[k:])).digest()


def naive_split(size: int) -> int:
    k = 1
    while k * 2 < size:
        k *= 2
    return k


def naive_path(index: int, leaves: list[bytes]) -> list[bytes]:
    if len(leaves) == 1:
        return []
    k = naive_split(len(leaves))
    if index < k:
        return [*naive_path(index, leaves[:k]), naive_root(leaves[k:])]
    return [*naive_path(index - k, leaves[k:]), naive_root(leaves[:k])]


def naive_subproof(old: int, leaves: list[bytes], *, whole: bool) -> list[bytes]:
    if old == len(leaves):
        return [] if whole else [naive_root(leaves)]
    k = naive_split(len(leaves))
    if old <= k:
        return [*naive_subproof(old, leaves[:k], whole=whole), naive_root(leaves[k:])]
    return [*naive_subproof(old - k, leaves[k:], whole=False), naive_root(leaves[:k])]


def test_the_known_roots() -> None:
    leaves = [tree.leaf_hash(entry) for entry in INPUTS]
    assert [tree.root(leaves[: size + 1]).hex() for size in range(8)] == ROOTS
    assert tree.root([]) == sha256(b"").digest()


@given(st.integers(0, 600))
def test_root_is_the_definition(size: int) -> None:
    leaves = hashes(size)
    assert tree.root(leaves) == naive_root(leaves)


@given(st.integers(1, 300), st.data())
def test_inclusion_is_the_definition_and_verifies(size: int, data: st.DataObject) -> None:
    leaves = hashes(size)
    index = data.draw(st.integers(0, size - 1))
    proof = tree.inclusion_proof(leaves, index, size)
    assert proof == naive_path(index, leaves)
    tree.verify_inclusion(leaves[index], index, size, proof, tree.root(leaves))


@given(st.integers(1, 300), st.data())
def test_consistency_is_the_definition_and_verifies(size: int, data: st.DataObject) -> None:
    leaves = hashes(size)
    old = data.draw(st.integers(1, size))
    proof = tree.consistency_proof(leaves, old, size)
    assert proof == naive_subproof(old, leaves, whole=True)
    tree.verify_consistency(old, size, tree.root(leaves[:old]), tree.root(leaves), proof)


def test_every_small_proof_verifies_and_no_other_place_does() -> None:
    leaves = hashes(20)
    for size in range(1, 20):
        root = tree.root(leaves[:size])
        for index in range(size):
            proof = tree.inclusion_proof(leaves, index, size)
            for place in range(size):
                if place == index:
                    tree.verify_inclusion(leaves[index], place, size, proof, root)
                else:
                    with pytest.raises(ProofError):
                        tree.verify_inclusion(leaves[index], place, size, proof, root)


@given(st.integers(2, 200), st.data())
def test_an_altered_inclusion_proof_fails(size: int, data: st.DataObject) -> None:
    leaves = hashes(size)
    index = data.draw(st.integers(0, size - 1))
    proof = tree.inclusion_proof(leaves, index, size)
    altered = data.draw(st.sampled_from(list(_alterations(proof))))
    with pytest.raises(ProofError):
        tree.verify_inclusion(leaves[index], index, size, altered, tree.root(leaves))


@given(st.integers(2, 200), st.data())
def test_an_altered_consistency_proof_fails(size: int, data: st.DataObject) -> None:
    leaves = hashes(size)
    old = data.draw(st.integers(1, size - 1))
    proof = tree.consistency_proof(leaves, old, size)
    altered = data.draw(st.sampled_from(list(_alterations(proof))))
    with pytest.raises(ProofError):
        tree.verify_consistency(old, size, tree.root(leaves[:old]), tree.root(leaves), altered)


def _alterations(proof: list[bytes]) -> list[list[bytes]]:
    flipped = [bytes([proof[0][0] ^ 1]) + proof[0][1:], *proof[1:]]
    short = [proof[0][:31], *proof[1:]]
    return [flipped, short, proof[1:], proof[:-1], [*proof, proof[0]], [proof[-1], *proof], []]


def test_neither_root_of_a_growth_can_be_another() -> None:
    leaves = hashes(20)
    other = tree.leaf_hash(b"other")
    for new in range(2, 20):
        for old in range(1, new):
            proof = tree.consistency_proof(leaves, old, new)
            roots = tree.root(leaves[:old]), tree.root(leaves[:new])
            tree.verify_consistency(old, new, *roots, proof)
            for altered in ((other, roots[1]), (roots[0], other), roots[::-1]):
                with pytest.raises(ProofError):
                    tree.verify_consistency(old, new, *altered, proof)


def test_the_empty_tree_is_the_beginning_of_each() -> None:
    root = tree.root(hashes(3))
    tree.verify_consistency(0, 3, tree.EMPTY_ROOT, root, [])
    with pytest.raises(ProofError):
        tree.verify_consistency(0, 3, root, root, [])
    with pytest.raises(ProofError):
        tree.verify_consistency(0, 3, tree.EMPTY_ROOT, root, [root])


def test_a_log_that_shrank_is_refused() -> None:
    with pytest.raises(ProofError):
        tree.verify_consistency(3, 2, tree.root(hashes(3)), tree.root(hashes(2)), [])
    with pytest.raises(ProofError):
        tree.consistency_proof(hashes(3), 3, 2)


@given(st.integers(1, 1000), st.data())
def test_a_range_from_subtrees_is_its_root(size: int, data: st.DataObject) -> None:
    leaves = hashes(size)

    def node(level: int, index: int) -> bytes:
        return tree.root(leaves[index << level : (index + 1) << level])

    index = data.draw(st.integers(0, size - 1))
    assert tree.range_root(node, 0, size) == tree.root(leaves)
    for begin, end in tree.inclusion_ranges(index, size):
        assert tree.range_root(node, begin, end) == tree.root(leaves[begin:end])


@pytest.mark.parametrize(
    "size", [0, 1, 2, 255, 256, 257, 511, 512, 513, 65_535, 65_536, 65_537, 66_000]
)
def test_the_frontier_gives_root_and_tiles(size: int) -> None:
    leaves = hashes(size)
    frontier = tree.Frontier()
    tiles = [tile for leaf in leaves for tile in frontier.add(leaf)] + frontier.partial()
    assert frontier.root() == tree.root(leaves)
    assert frontier.size == size
    expected = [tile for level in range(3) for tile in tree.tiles_of(size, level)]
    assert sorted(_key(tile) for tile, _ in tiles) == sorted(map(_key, expected))
    for tile, content in tiles:
        assert tile.level is not None
        width = 256**tile.level
        assert len(content) == tile.width
        assert content[-1] == tree.root(
            leaves[(tile.index * 256 + tile.width - 1) * width :][:width]
        )


@given(st.lists(st.integers(0, 700), max_size=6))
def test_many_leaves_at_once_are_the_same_as_one_by_one(parts: list[int]) -> None:
    one, many = tree.Frontier(), tree.Frontier()
    leaves = hashes(sum(parts))
    filled: list[tuple[Tile, list[bytes]]] = []
    at = 0
    for part in parts:
        filled += many.extend(leaves[at : at + part])
        at += part
    assert filled == [tile for leaf in leaves for tile in one.add(leaf)]
    assert (many.size, many.root(), many.partial()) == (one.size, one.root(), one.partial())


@given(st.integers(0, 256))
def test_subtrees_are_the_roots_of_their_leaves(size: int) -> None:
    leaves = hashes(size)
    for level, found in enumerate(tree.subtrees(leaves, 8)):
        width = 1 << level
        assert found == [tree.root(leaves[at * width :][:width]) for at in range(size >> level)]


def _key(tile: Tile) -> tuple[int, int, int]:
    return (-1 if tile.level is None else tile.level, tile.index, tile.width)


# -------------------------------------------------------------------------------------- layout


def test_paths_are_those_of_the_specification() -> None:
    assert tree.tile_path(Tile(0, 1_234_067)) == "tile/0/x001/x234/067"
    assert tree.tile_path(Tile(0, 1_234)) == "tile/0/x001/234"
    assert tree.tile_path(Tile(1, 0, 5)) == "tile/1/000.p/5"
    assert tree.tile_path(Tile(None, 999)) == "tile/entries/999"


@given(st.one_of(st.none(), st.integers(0, 63)), st.integers(0, 10**12), st.integers(1, 256))
def test_a_path_reads_back(level: int | None, index: int, width: int) -> None:
    tile = Tile(level, index, width)
    assert tree.parse_tile_path(tree.tile_path(tile)) == tile


@pytest.mark.parametrize(
    "path",
    [
        "tile/0/1",
        "tile/00/001",
        "tile/64/001",
        "tile/0/x000/001",
        "tile/0/001.p/0",
        "tile/0/001.p/256",
        "tile/0/001.p/007",
        "tile/0/001.p/999",
        "tile/0/../001",
        "tile/0/001\n",
        "/tile/0/001",
        "tile/entries/x001/x001",
        "tile/0/\u0660\u0660\u0661",
    ],
)
def test_other_paths_are_refused(path: str) -> None:
    with pytest.raises(ProofError):
        tree.parse_tile_path(path)


@given(st.lists(st.binary(max_size=300), max_size=300))
def test_a_bundle_reads_back(entries: list[bytes]) -> None:
    assert tree.unpack_entries(tree.pack_entries(entries)) == entries


@given(st.lists(st.binary(max_size=20), min_size=1, max_size=4), st.data())
def test_a_cut_bundle_is_refused_or_shorter(entries: list[bytes], data: st.DataObject) -> None:
    bundle = tree.pack_entries(entries)
    cut = bundle[: data.draw(st.integers(0, len(bundle) - 1))]
    with contextlib.suppress(ProofError):
        assert len(tree.unpack_entries(cut)) < len(entries)


# ------------------------------------------------------------------------------------- vectors


def _vectors(kind: str) -> dict[str, dict[str, Any]]:
    folder = os.environ.get("TEARLINE_TEST_DATA")
    path = Path(folder or ".") / "tlog" / "merkle-vectors" / f"{kind}.json"
    if not folder or not path.exists():
        pytest.skip("the official Merkle vectors are not here; set TEARLINE_TEST_DATA")
    return json.loads(path.read_text("utf-8"))  # type: ignore[no-any-return]


def _decode(case: dict[str, Any], *names: str) -> list[bytes]:
    return [base64.b64decode(case[name] or "") for name in names]


def _accepts(check: Any, *arguments: object) -> bool:  # noqa: ANN401
    try:
        check(*arguments)
    except ProofError:
        return False
    return True


def test_the_official_inclusion_vectors() -> None:
    wrong = []
    for name, case in _vectors("inclusion").items():
        leaf, root = _decode(case, "leafHash", "root")
        proof = [base64.b64decode(text) for text in case["proof"] or []]
        place = case["leafIdx"], case["treeSize"]
        if _accepts(tree.verify_inclusion, leaf, *place, proof, root) == case["wantErr"]:
            wrong.append(name)
    assert wrong == []


def test_the_official_consistency_vectors() -> None:
    wrong = []
    for name, case in _vectors("consistency").items():
        old_root, new_root = _decode(case, "root1", "root2")
        proof = [base64.b64decode(text) for text in case["proof"] or []]
        sizes = case["size1"], case["size2"]
        if _accepts(tree.verify_consistency, *sizes, old_root, new_root, proof) == case["wantErr"]:
            wrong.append(name)
    # The one case where we are stricter: its "roots" are equal words of 12 bytes, not hashes.
    assert wrong == ["additional/sizes-are-equal-one-and-proof-is-empty.json"]


def test_the_official_subtree_vectors() -> None:
    """A subtree begins at a multiple of its width; what is in it is proven as in a tree."""
    wrong = []
    for name, case in _vectors("subtreeinclusion").items():
        leaf, root = _decode(case, "leafHash", "root")
        proof = [base64.b64decode(text) for text in case["proof"] or []]
        start, width = case["start"], case["end"] - case["start"]
        fits = width > 0 and start % (1 << (width - 1).bit_length()) == 0
        place = case["leafIdx"] - start, width
        if (fits and _accepts(tree.verify_inclusion, leaf, *place, proof, root)) == case["wantErr"]:
            wrong.append(name)
    for name, case in _vectors("subtreeconsistency").items():
        if case["start"]:
            continue  # nobody here signs a subtree that is not a log's beginning
        old_root, new_root = _decode(case, "root1", "root2")
        proof = [base64.b64decode(text) for text in case["proof"] or []]
        sizes = case["end"], case["size"]
        accepted = _accepts(tree.verify_consistency, *sizes, old_root, new_root, proof)
        if accepted == case["wantErr"]:
            wrong.append(name)
    # Where we are stricter: a root of the empty tree that is no hash.
    assert [each.partition("tree-root-random")[0] for each in wrong] == [
        "additional/subtree-is-empty-sizes-are-equal-zero-subtree-root-valid-"
    ]


# Made by golang.org/x/mod 0.7.0: roots and proofs over entries "entry 0", "entry 1", ...
OWN = json.loads((Path(__file__).parent / "vectors.json").read_text("utf-8"))


def test_our_own_vectors_which_go_made() -> None:
    leaves = [tree.leaf_hash(f"entry {number}".encode()) for number in range(66_000)]
    roots = {int(size): base64.b64decode(root) for size, root in OWN["roots"].items()}
    assert {size: tree.root(leaves[:size]) for size in roots} == roots
    for case in OWN["inclusion"]:
        index, size = case["index"], case["size"]
        proof = [base64.b64decode(each) for each in case["proof"]]
        assert tree.inclusion_proof(leaves, index, size) == proof
        tree.verify_inclusion(leaves[index], index, size, proof, tree.root(leaves[:size]))
    for case in OWN["consistency"]:
        old, new = case["old"], case["new"]
        proof = [base64.b64decode(each) for each in case["proof"]]
        assert tree.consistency_proof(leaves, old, new) == proof
        tree.verify_consistency(
            old, new, roots.get(old, tree.root(leaves[:old])), tree.root(leaves[:new]), proof
        )


def test_hashes_of_other_lengths_prove_nothing() -> None:
    """A byte that moves from one hash to its neighbour leaves the root as it was."""
    left, right = tree.leaf_hash(b"left"), tree.leaf_hash(b"right")
    root = tree.node_hash(left, right)
    tree.verify_inclusion(left, 0, 2, [right], root)
    tree.verify_consistency(1, 2, left, root, [right])
    longer, shorter = left + right[:1], right[1:]
    assert tree.node_hash(longer, shorter) == root
    with pytest.raises(ProofError, match="32 bytes"):
        tree.verify_inclusion(longer, 0, 2, [shorter], root)
    with pytest.raises(ProofError, match="32 bytes"):
        tree.verify_consistency(1, 2, longer, root, [shorter])
    assert tree.shown_beginning(3, 4, root, [longer, shorter]) is None
