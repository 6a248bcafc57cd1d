"""Our logs and proofs, read by tools that we did not write.

One is a program on golang.org/x/mod of the Go project, built here from `outside/main.go`; the other
the Python package tlog-scales. Both are given what a partner or an auditor is given: files.
"""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from tearline.errors import ProofError
from tearline.log import record, tree
from tearline.log.receipt import TlogProof, parse_proof, verify_proof, write_proof
from tearline.log.verify import verify_folder
from tests.log.made_log import (
    LOG,
    ORIGIN,
    OTHER_VKEY,
    VKEY,
    append,
    entry,
    folder_of,
    made_store,
    note,
    publish,
    write_log,
)

SOURCE = Path(__file__).parent / "outside" / "main.go"
GOPATH = Path("/usr/share/gocode")
LARGE = 70_000
Outside = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="session")
def outside(tmp_path_factory: pytest.TempPathFactory) -> Outside:
    """The Go program, built once; without Go or its x/mod the tests that need it are skipped."""
    go = shutil.which("go")
    if go is None or not (GOPATH / "src" / "golang.org" / "x" / "mod").is_dir():
        pytest.skip("no Go here: install golang-go and golang-golang-x-mod-dev (Debian)")
    folder = tmp_path_factory.mktemp("go")
    built = folder / "outside"
    environment = os.environ | {
        "GO111MODULE": "off",
        "GOPATH": str(GOPATH),
        "GOFLAGS": "",
        "GOCACHE": str(folder / "cache"),
    }
    command = [go, "build", "-o", str(built), str(SOURCE)]
    made = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr

    def run(*arguments: str | Path) -> "subprocess.CompletedProcess[str]":
        words = [str(built), *map(str, arguments)]
        return subprocess.run(words, capture_output=True, text=True, check=False)

    return run


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, dict[str, Any]]]:
    """A folder that our store wrote, of leaves with three records each, and a receipt."""
    folder = tmp_path_factory.mktemp("exported")
    with made_store(folder / "a.db") as store:
        append(store, 300, items=3)
        publish(store)
        with store.read() as tx:
            made = record.receipt(tx, LOG, 256, 1, origin=ORIGIN, vkey=VKEY)
        yield folder_of(store, folder / "log"), made


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A log whose right edge has several subtrees in one tile."""
    return write_log(tmp_path_factory.mktemp("large"), [entry(at) for at in range(LARGE)])


# ---------------------------------------------------------------------------------------- Go


@pytest.mark.parametrize("size", [1, 2, 255, 256, 257, 513])
def test_go_rebuilds_the_root_of_our_logs(outside: Outside, tmp_path: Path, size: int) -> None:
    folder = write_log(tmp_path, [entry(number) for number in range(size)])
    said = outside("log", folder, VKEY)
    assert (said.returncode, said.stdout.split(" ")[0]) == (0, str(size)), said.stderr
    assert outside("log", folder, OTHER_VKEY).returncode == 1


def test_go_reads_what_our_store_writes(
    outside: Outside, exported: tuple[Path, dict[str, Any]], large: Path, tmp_path: Path
) -> None:
    folder, receipt = exported
    assert outside("log", folder, VKEY).stdout.startswith("300 entries")
    assert outside("log", large, VKEY).stdout.startswith("70000 entries")
    (tmp_path / "leaf").write_text(receipt["leaf"], "utf-8")
    (tmp_path / "proof").write_text(receipt["proof"], "utf-8")
    said = outside("proof", tmp_path / "proof", tmp_path / "leaf", VKEY)
    assert said.stdout == "entry 256 of 300\n", said.stderr
    (tmp_path / "leaf").write_text(receipt["leaf"] + " ", "utf-8")
    assert outside("proof", tmp_path / "proof", tmp_path / "leaf", VKEY).returncode == 1


@pytest.mark.parametrize("extra", [None, b"", b"whatever"])
def test_go_and_we_read_the_same_proofs(
    outside: Outside, tmp_path: Path, extra: bytes | None
) -> None:
    hashes = [tree.leaf_hash(entry(number)) for number in range(300)]
    for index in (0, 255, 256, 299):
        path = tuple(tree.inclusion_proof(hashes, index, 300))
        text = write_proof(TlogProof(index, path, note(hashes), extra))
        (tmp_path / "proof").write_text(text, "utf-8")
        (tmp_path / "leaf").write_bytes(entry(index))
        assert verify_proof(text, entry(index), VKEY)[0] == index
        said = outside("proof", tmp_path / "proof", tmp_path / "leaf", VKEY)
        assert said.returncode == 0, said.stderr


def _first_of_subtrees(size: int) -> list[int]:
    """The first leaf of each complete subtree at the right edge of a tree."""
    found, begin = [], 0
    for level in range(size.bit_length() - 1, -1, -1):
        if size >> level & 1:
            found.append(begin)
            begin += 1 << level
    return found


@pytest.mark.parametrize("place", [*_first_of_subtrees(LARGE), LARGE - 1])
def test_a_leaf_altered_with_its_tile_deceives_neither(
    outside: Outside, large: Path, place: int
) -> None:
    """The trap of readers that trust tiles: subtrees of the right edge share one tile."""
    changed = entry(10**9)
    bundle = _tile_of(large / "tile" / "entries", place)
    hashes = _tile_of(large / "tile" / "0", place)
    before = bundle.read_bytes(), hashes.read_bytes()
    entries = tree.unpack_entries(before[0])
    entries[place % 256] = changed
    own = bytearray(before[1])
    own[place % 256 * 32 : place % 256 * 32 + 32] = tree.leaf_hash(changed)
    try:
        bundle.write_bytes(tree.pack_entries(entries))
        hashes.write_bytes(own)
        assert "not the one that was signed" in " ".join(verify_folder(large, VKEY).problems)
        assert "not the one that was signed" in outside("log", large, VKEY).stderr
    finally:
        bundle.write_bytes(before[0])
        hashes.write_bytes(before[1])


def _tile_of(level: Path, place: int) -> Path:
    name = tree.tile_path(tree.Tile(0, place // 256)).removeprefix("tile/0/")
    path = level / name
    return path if path.exists() else next((level / f"{name}.p").iterdir())


def test_go_refuses_what_we_refuse(outside: Outside, tmp_path: Path) -> None:
    entries = [entry(number) for number in range(513)]
    folder = write_log(tmp_path, entries)
    for path in ("tile/0/001", "tile/1/000.p/2", "tile/entries/000", "checkpoint"):
        content = (folder / path).read_bytes()
        (folder / path).write_bytes(content[:-2] + bytes([content[-2] ^ 1, content[-1]]))
        assert outside("log", folder, VKEY).returncode == 1
        assert not verify_folder(folder, VKEY).good
        (folder / path).write_bytes(content)
    assert outside("log", folder, VKEY).returncode == 0


# ----------------------------------------------------------------------------------- tlog-scales


@pytest.fixture
def scales() -> Any:  # noqa: ANN401  # a module that may be missing
    """The package tlog-scales, a reader of C2SP logs by somebody else."""
    return pytest.importorskip("tlog_scales.tlog", reason="tlog-scales is not installed")


def test_another_package_reads_our_log(scales: Any, large: Path) -> None:  # noqa: ANN401
    reader = import_module("tlog_scales.reader")
    backend = import_module("tlog_scales.backend")
    signing = import_module("tlog_scales.signing")
    found = reader.TilesReader(backend.LocalBackend(large))
    head = found.get_checkpoint()
    head.verify(signing.Vkey.from_string(VKEY))
    assert (head.origin, head.size) == (ORIGIN, LARGE)
    assert found.mth(0, LARGE) == head.root_hash
    with pytest.raises(RuntimeError):
        head.verify(signing.Vkey.from_string(OTHER_VKEY))
    assert scales.Checkpoint.from_text((large / "checkpoint").read_text("utf-8")) == head


def test_another_package_reads_our_proof(
    scales: Any,  # noqa: ANN401
    exported: tuple[Path, dict[str, Any]],
) -> None:
    proof = parse_proof(exported[1]["proof"])
    head = scales.Checkpoint.from_text(proof.checkpoint)
    theirs = scales.InclusionProof(proof.index, head.size, list(proof.hashes))
    leaf = tree.leaf_hash(exported[1]["leaf"].encode())
    theirs.check(leaf, head.root_hash)
    with pytest.raises(scales.InclusionProofInvalid):
        theirs.check(tree.leaf_hash(b"another"), head.root_hash)
    with pytest.raises(ProofError):
        verify_proof(exported[1]["proof"], b"another", VKEY)
