"""The verifier finds every change: in leaves, tiles, records, checkpoints and receipts."""

import copy
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tearline.errors import ProofError
from tearline.log import tree, verify
from tearline.log.verify import Verdict, verify_folder, verify_growth
from tearline.stix.canonical import canonical
from tests.log.made_log import (
    ORIGIN,
    OTHER_KEY,
    OTHER_VKEY,
    VKEY,
    append,
    entry,
    folder_of,
    made_store,
    note,
    publish,
    write_log,
    write_tiles,
)

SMALL = [1, 2, 3, 255, 256, 257, 511, 512, 513]
LARGE = [65_535, 65_536, 65_537]


def _hashes(entries: list[bytes]) -> list[bytes]:
    return [tree.leaf_hash(one) for one in entries]


# --------------------------------------------------------------------------- leaves and tiles


@pytest.mark.parametrize("size", [0, *SMALL])
def test_a_good_folder_has_no_problems(tmp_path: Path, size: int) -> None:
    entries = [entry(number) for number in range(size)]
    verdict = verify_folder(write_log(tmp_path, entries), VKEY)
    assert verdict.problems == []
    assert (verdict.origin, verdict.size, verdict.pinned) == (ORIGIN, size, True)
    assert verdict.root == tree.root(_hashes(entries))
    assert verdict.kinds["release"] == verdict.unopened == size


@pytest.mark.parametrize("size", SMALL)
@pytest.mark.parametrize("change", ["alter", "drop", "swap", "insert", "repeat"])
def test_a_changed_leaf_is_found_with_its_tiles_changed_alike(
    tmp_path: Path, size: int, change: str
) -> None:
    entries = [entry(number) for number in range(size)]
    for place in sorted({0, 1, size // 2, size - 2, size - 1} & set(range(size))):
        write_log(tmp_path, entries)
        write_tiles(tmp_path, _changed(entries, place, change))
        if (change == "swap" and size == 1) or (change == "repeat" and place == size - 1):
            continue  # the same leaves, as far as the checkpoint reaches
        assert not verify_folder(tmp_path, VKEY).good, (place, change)


def _changed(entries: list[bytes], place: int, change: str) -> list[bytes]:
    before, one, after = entries[:place], entries[place], entries[place + 1 :]
    if change == "swap":
        other = (place + 1) % len(entries)
        changed = list(entries)
        changed[place], changed[other] = entries[other], one
        return changed
    middle = {"alter": [entry(10**9)], "drop": [], "insert": [entry(10**9), one]}
    return [*before, *middle.get(change, [one, one]), *after]


@pytest.mark.parametrize("size", LARGE)
def test_a_leaf_altered_with_its_tiles_is_found_in_a_large_log(tmp_path: Path, size: int) -> None:
    entries = [entry(number) for number in range(size)]
    write_log(tmp_path, entries)
    assert verify_folder(tmp_path, VKEY).problems == []
    for place in (0, size - 1):
        write_tiles(tmp_path, _changed(entries, place, "alter"))
        assert not verify_folder(tmp_path, VKEY).good, place


def _altered_byte(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(bytes(data))


def test_a_tile_that_does_not_fit_the_entries_is_named(tmp_path: Path) -> None:
    write_log(tmp_path, [entry(number) for number in range(513)])
    for path in ("tile/0/000", "tile/0/001", "tile/0/002.p/1", "tile/1/000.p/2"):
        _altered_byte(tmp_path / path)
        assert [problem.split(":")[0] for problem in verify_folder(tmp_path).problems] == [path]
        _altered_byte(tmp_path / path)
    assert verify_folder(tmp_path).good


def test_tiles_may_be_left_out_but_entries_may_not(tmp_path: Path) -> None:
    write_log(tmp_path, [entry(number) for number in range(300)])
    shutil.rmtree(tmp_path / "tile" / "0")
    assert verify_folder(tmp_path, VKEY).good
    (tmp_path / "tile" / "entries" / "000").unlink()
    assert "missing" in verify_folder(tmp_path, VKEY).problems[0]


def test_folders_in_the_place_of_files_are_problems_not_crashes(tmp_path: Path) -> None:
    write_log(tmp_path, [entry(number) for number in range(300)])
    (tmp_path / "records.jsonl").mkdir()
    assert verify_folder(tmp_path, VKEY).problems[0].startswith("records.jsonl: ")
    for path in ("tile/entries/000", "checkpoint"):
        (tmp_path / path).unlink()
        (tmp_path / path).mkdir()
        assert not verify_folder(tmp_path, VKEY).good


def test_a_full_tile_may_stand_for_a_partial_one(tmp_path: Path) -> None:
    entries = [entry(number) for number in range(300)]
    write_log(tmp_path, entries)
    write_tiles(tmp_path, [*entries, *[entry(number) for number in range(300, 512)]])
    assert verify_folder(tmp_path, VKEY).problems == []


def test_what_lies_beyond_the_checkpoint_is_not_counted(tmp_path: Path) -> None:
    entries = [entry(number) for number in range(256)]
    write_log(tmp_path, entries)
    write_tiles(tmp_path, [*entries, b"not signed"])
    verdict = verify_folder(tmp_path, VKEY)
    assert (verdict.problems, verdict.size, verdict.kinds.total()) == ([], 256, 256)


@pytest.mark.parametrize("cut", [1, 2, 100])
def test_a_truncated_bundle_is_found(tmp_path: Path, cut: int) -> None:
    write_log(tmp_path, [entry(number) for number in range(3)])
    path = tmp_path / "tile" / "entries" / "000.p" / "3"
    path.write_bytes(path.read_bytes()[:-cut])
    assert not verify_folder(tmp_path, VKEY).good
    path.write_bytes(tree.pack_entries([entry(0), entry(1)]))
    assert not verify_folder(tmp_path, VKEY).good
    path.write_bytes(tree.pack_entries([entry(number) for number in range(4)]))
    assert not verify_folder(tmp_path, VKEY).good


def test_a_leaf_of_another_format_is_a_problem(tmp_path: Path) -> None:
    for odd in (b"", b"{}", b"[]", entry(1).replace(b'"v":1', b'"v":2'), entry(1) + b" "):
        write_log(tmp_path, [entry(0), odd])
        assert verify_folder(tmp_path, VKEY).problems[0].startswith("leaf 1: ")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"count":1', '"count":0'),
        ('"count":1', '"count":true'),
        ('"count":1', '"count":1.5'),
        ('"kind":"release"', '"kind":"Release"'),
        ('"kind":"release"', '"kind":7'),
        ('"v":1', '"v":true'),
        ('"v":1', '"v":1,"x":0'),
        ("00:00.000000Z", "00:00Z"),
        ('"root":"0', '"root":"'),
        ("{", '{"agreement":null,'),
        ("{", '{"agreement":"sha256:00",'),
    ],
)
def test_leaves_have_one_form(old: str, new: str) -> None:
    assert verify.parse_leaf(entry(5)).kind == "release"
    with pytest.raises(ProofError):
        verify.parse_leaf(entry(5).decode().replace(old, new, 1).encode())


@given(
    st.from_regex(r"[a-z][a-z-]{0,39}", fullmatch=True),
    st.integers(1, 2**53 - 1),
    st.binary(min_size=32, max_size=32),
    st.none() | st.binary(min_size=32, max_size=32),
)
def test_a_leaf_is_written_as_canonical_json(
    kind: str, count: int, root: bytes, about: bytes | None
) -> None:
    at = "2026-01-01T00:00:00.000000Z"
    agreement = None if about is None else f"sha256:{about.hex()}"
    value = {"v": 1, "kind": kind, "at": at, "count": count, "root": root.hex()}
    written = verify.write_leaf(kind, at, count, root, agreement)
    assert written == canonical(value | ({"agreement": agreement} if agreement else {}))
    assert verify.parse_leaf(written) == verify.Leaf(kind, at, count, root, agreement)


@pytest.mark.parametrize("odd", ["", "Release", "a" * 41, 'a"', "a b", "ä"])
def test_a_kind_of_another_form_is_not_written(odd: str) -> None:
    with pytest.raises(ProofError):
        verify.write_leaf(odd, "2026-01-01T00:00:00.000000Z", 1, bytes(32), None)
    with pytest.raises(ProofError):
        verify.write_leaf("release", odd, 1, bytes(32), None)
    with pytest.raises(ProofError):
        verify.write_leaf("release", "2026-01-01T00:00:00.000000Z", 1, bytes(32), odd)


# ---------------------------------------------------------------------------------- checkpoint


def test_a_key_that_is_not_the_logs_is_found(tmp_path: Path) -> None:
    write_log(tmp_path, [entry(0)])
    assert not verify_folder(tmp_path, OTHER_VKEY).good
    (tmp_path / "vkey").write_text(OTHER_VKEY)
    assert not verify_folder(tmp_path).good


def test_without_a_given_key_the_verdict_says_so(tmp_path: Path) -> None:
    write_log(tmp_path, [entry(0)])
    (tmp_path / "checkpoint").write_text(note(_hashes([entry(0)]), OTHER_KEY), "utf-8")
    (tmp_path / "vkey").write_text(OTHER_VKEY)
    verdict = verify_folder(tmp_path)
    assert verdict.good
    assert not verdict.pinned
    assert not verify_folder(tmp_path, VKEY).good


@pytest.mark.parametrize("content", [None, b"", b"\xff\xfe", b"hello\n"])
def test_an_unreadable_checkpoint_is_a_problem_not_a_crash(
    tmp_path: Path, content: bytes | None
) -> None:
    write_log(tmp_path, [entry(0)])
    (tmp_path / "checkpoint").unlink()
    if content is not None:
        (tmp_path / "checkpoint").write_bytes(content)
    assert [one.split(":")[0] for one in verify_folder(tmp_path, VKEY).problems] == ["checkpoint"]


# -------------------------------------------------------------------------------------- growth


@pytest.mark.parametrize(("old", "new"), [(0, 3), (1, 1), (255, 257), (256, 513), (300, 600)])
def test_growth_is_good_and_rollback_is_not(tmp_path: Path, old: int, new: int) -> None:
    entries = [entry(number) for number in range(new)]
    before = write_log(tmp_path / "old", entries[:old])
    after = write_log(tmp_path / "new", entries)
    assert verify_growth(before, after, VKEY).problems == []
    shutil.rmtree(before / "tile", ignore_errors=True)
    assert verify_growth(before, after).good
    if old < new:
        shutil.copytree(after, tmp_path / "copy")
        write_log(tmp_path / "copy", entries[:old])
        assert "rollback" in " ".join(verify_growth(after, tmp_path / "copy", VKEY).problems)


def test_a_fork_is_found_though_both_folders_are_good(tmp_path: Path) -> None:
    entries = [entry(number) for number in range(300)]
    before = write_log(tmp_path / "old", entries[:260])
    fork = write_log(tmp_path / "new", _changed(entries, 17, "alter"))
    assert verify_folder(before, VKEY).good
    assert verify_folder(fork, VKEY).good
    assert "second history" in " ".join(verify_growth(before, fork, VKEY).problems)
    same = write_log(tmp_path / "same", _changed(entries[:260], 17, "alter"))
    assert "second history" in " ".join(verify_growth(before, same, VKEY).problems)


def test_growth_needs_the_old_checkpoint_and_its_key(tmp_path: Path) -> None:
    hashes = _hashes([entry(0), entry(1)])
    after = write_log(tmp_path / "new", [entry(0), entry(1)])
    (tmp_path / "old").mkdir()
    assert not verify_growth(tmp_path / "old", after, VKEY).good
    before = write_log(tmp_path / "old", [entry(0)])
    assert verify_growth(before, after).good
    (after / "checkpoint").write_text(note(hashes, OTHER_KEY), "utf-8")
    (after / "vkey").write_text(OTHER_VKEY)
    assert verify_folder(after).good
    assert not verify_growth(before, after).good
    (after / "checkpoint").write_text(note(hashes, origin="north/log/private"), "utf-8")
    assert not verify_growth(before, after).good


# ------------------------------------------------------------------------------------- records


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder of 6 leaves with 3 records each."""
    folder = tmp_path_factory.mktemp("opened")
    with made_store(folder / "a.db") as store:
        append(store, 6, items=3)
        publish(store)
        yield folder_of(store, folder / "log")


def _with_lines(folder: Path, lines: list[dict[str, Any]]) -> Verdict:
    text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
    (folder / "records.jsonl").write_text(text, "utf-8")
    return verify_folder(folder, VKEY)


def _copy_and_lines(opened: Path, tmp_path: Path) -> tuple[Path, list[dict[str, Any]]]:
    folder = shutil.copytree(opened, tmp_path / "copy")
    text = (folder / "records.jsonl").read_text("utf-8")
    return folder, [json.loads(line) for line in text.splitlines()]


def test_opened_records_are_counted(opened: Path, tmp_path: Path) -> None:
    folder, lines = _copy_and_lines(opened, tmp_path)
    verdict = _with_lines(folder, lines)
    assert (verdict.problems, verdict.records, verdict.unopened) == ([], 18, 0)
    verdict = _with_lines(folder, lines[:6] + lines[9:])
    assert (verdict.problems, verdict.records, verdict.unopened) == ([], 15, 1)
    (folder / "records.jsonl").unlink()
    verdict = verify_folder(folder, VKEY)
    assert (verdict.problems, verdict.records, verdict.unopened) == ([], 0, 6)


def test_every_change_to_the_records_is_found(opened: Path, tmp_path: Path) -> None:
    folder, good = _copy_and_lines(opened, tmp_path)
    record_text = good[4]["record"]
    salt = good[4]["salt"]
    changes: list[dict[str, Any]] = [
        {"record": record_text.replace("indicator", "indicatox")},
        {"record": record_text + " "},
        {"salt": ("B" if salt[0] == "A" else "A") + salt[1:]},
        {"salt": salt[:-4]},
        {"salt": "?"},
        {"leaf": 2},
        {"leaf": 0},
        {"leaf": 99},
        {"leaf": -1},
        {"leaf": True},
        {"item": 0},
        {"item": 3},
        {"item": "1"},
        {"record": 5},
        {"record": "\ud800"},
        {"extra": 1},
    ]
    for change in changes:
        lines = copy.deepcopy(good)
        lines[4].update(change)
        text = "".join(json.dumps(line) + "\n" for line in lines)
        (folder / "records.jsonl").write_text(text, "utf-8")
        assert not verify_folder(folder, VKEY).good, change
    assert not _with_lines(folder, good[:4] + good[5:]).good
    assert not _with_lines(folder, [*good[:4], good[5], good[4], *good[6:]]).good
    assert not _with_lines(folder, [*good, good[0]]).good
    assert not _with_lines(folder, good[3:6] + good[:3] + good[6:]).good
    assert _with_lines(folder, good).good


def test_lines_that_are_no_records_are_named(opened: Path, tmp_path: Path) -> None:
    folder, _ = _copy_and_lines(opened, tmp_path)
    with (folder / "records.jsonl").open("ab") as file:
        file.write(b"\xff\n[]\nnull\n" + b"[" * 100_000 + b"\n")
    problems = verify_folder(folder, VKEY).problems
    assert [one.split(":")[0] for one in problems] == [
        f"records.jsonl line {number}" for number in (19, 20, 21, 22)
    ]


def test_a_record_has_to_be_canonical_even_if_it_was_logged_so(tmp_path: Path) -> None:
    """A log's owner can commit to any bytes; two readings of one record must not be possible."""
    odd = b'{"a":1,"a":2}'
    root = tree.leaf_hash(verify.commitment(bytes(32), odd)).hex()
    leaf = entry(0).replace(b"0" * 64, root.encode())
    write_log(tmp_path, [leaf])
    (tmp_path / "records.jsonl").write_bytes(
        verify.write_opening(verify.Opening(0, 0, bytes(32), odd))
    )
    assert verify_folder(tmp_path, VKEY).problems[0].startswith("leaf 0: ")


def test_the_list_of_problems_ends(tmp_path: Path) -> None:
    write_log(tmp_path, [b"odd"] * 500)
    assert len(verify_folder(tmp_path, VKEY).problems) == verify.PROBLEM_LIMIT
