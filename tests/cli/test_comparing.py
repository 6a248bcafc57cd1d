"""The two logs of an agreement against each other: what agrees, what is open, and every lie."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tearline.approval import people, queue
from tearline.node import publisher
from tearline.release import recall
from tests.authenticator import Device
from tests.cli.calls import Said, good, tearline
from tests.log.forged import Written, forge
from tests.pair import Pair, copy_log, make_pair, rel, sdo

heron = sdo("intrusion-set", "Gray Heron")
loader = sdo("malware", "Mud Loader")
sign = sdo("indicator", "loader domain")
hospital = sdo("identity", "a hospital")
late = sdo("malware", "Late Loader")
EDGES = (
    rel(heron, "uses", loader),
    rel(sign, "indicates", loader),
    rel(heron, "targets", hospital),
    rel(heron, "uses", late),
)


class Day(NamedTuple):
    """What an auditor gets: a folder of each side, a private log, two cards."""

    folder: Path
    pair: Pair

    @property
    def cards(self) -> tuple[str, ...]:
        north, south = self.folder / "north.card", self.folder / "south.card"
        return "--card", str(north), "--card", str(south)

    def verify(self, north: Path | None = None, south: Path | None = None, *more: str) -> Said:
        ours, theirs = north or self.folder / "n", south or self.folder / "s"
        return tearline("log", "verify", ours, theirs, *self.cards, *more, "--json")

    def forged(self, side: str, change: Callable[[list[Written]], list[Written]], to: Path) -> Path:
        home = self.pair.north if side == "n" else self.pair.south
        return forge(self.folder / side, to, home.keys.log, change)


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Day]:
    """Agreed, released, approved, received, recalled, and copied at the end."""
    folder = tmp_path_factory.mktemp("day")
    pair = make_pair(folder)
    pair.put(heron, loader, sign, hospital, *EDGES[:3])
    pair.agree(reach=2)
    good("log", "copy", pair.agreement_id, folder / "early", "--records", home=pair.north.path)
    pair.sync()
    _approve(pair)
    pair.sync()
    _copy(pair, folder, "before")
    recall.recall(pair.north, sign["id"], "south-isac", "given in error", now=pair.tick())
    pair.sync()
    pair.put(late, EDGES[3])
    pair.reconcile()
    pair.sync()
    publisher.flush_private(pair.north, now=pair.tick())
    _copy(pair, folder, "")
    good("log", "copy", "private", folder / "private", "--records", home=pair.north.path)
    theirs = "--theirs", "--records"
    good("log", "copy", pair.agreement_id, folder / "n-at-s", *theirs, home=pair.south.path)
    for name, home in (("north", pair.north), ("south", pair.south)):
        shutil.copy(home.path / "card.json", folder / f"{name}.card")
    yield Day(folder, pair)
    pair.north.store.close()
    pair.south.store.close()


def _copy(pair: Pair, folder: Path, after: str) -> None:
    good("log", "copy", pair.agreement_id, folder / f"n{after}", "--records", home=pair.north.path)
    good("log", "copy", pair.agreement_id, folder / f"s{after}", "--records", home=pair.south.path)


def _approve(pair: Pair) -> None:
    """Rada says yes to the two that wait: to one with a key file, to the other with a passkey."""
    key = Ed25519PrivateKey.generate()
    rada = people.enrol(pair.north, "rada", key, now=pair.tick())
    with pair.north.store.write() as tx:
        people.let_in(tx, "rada", (device := Device()).key, also=True, now=pair.tick())
    for place, item in enumerate(queue.items(pair.north, now=pair.tick())):
        said = queue.statement(item.review.item, "rada", "approve", "", now=pair.tick())
        by_file = queue.sign(said, rada, key)
        signed = device.sign(queue.body_of(said)) if place else by_file
        queue.say(pair.north, signed, now=pair.now)
    pair.reconcile()


# ------------------------------------------------------------------------------ what is in order


def test_two_true_logs_agree(day: Day) -> None:
    said = day.verify(None, None, "--private", str(day.folder / "private"))
    assert said.code == 0, said.out
    found = said.value
    assert found["good"]
    assert found["problems"] == found["differing"] == found["open"] == []
    assert found["matched"] == {"statements": 4, "deliveries": 3, "recalls": 2}
    assert found["decisions"] > 5
    assert found["releases_checked"] == 9
    assert all(each["pinned"] for each in found["logs"])
    lines = tearline("log", "verify", day.folder / "n", day.folder / "s", *day.cards).out
    assert "Both logs agree." in lines


def test_it_needs_no_home_and_no_order(day: Day) -> None:
    nowhere = day.folder / "nowhere"
    folders = day.folder / "s", day.folder / "n"
    assert good("log", "verify", *folders, *day.cards, home=nowhere)["good"]
    assert not nowhere.exists()


def test_older_copies_and_what_the_other_side_copied_fit(day: Day) -> None:
    older = "--since", str(day.folder / "early"), "--since", str(day.folder / "n-at-s")
    assert day.verify(None, None, *older, "--since", str(day.folder / "sbefore")).code == 0
    strange = day.verify(None, None, "--since", str(day.folder / "private"))
    assert strange.code == 2
    assert "neither log" in strange.value["error"]["what"]


def test_a_private_log_is_no_side(day: Day) -> None:
    assert day.verify(day.folder / "private").code == 2
    assert day.verify(None, day.folder / "n").code == 2


def test_what_has_not_reached_the_other_side_is_open(day: Day, tmp_path: Path) -> None:
    said = day.verify(day.folder / "n", day.folder / "sbefore")
    assert said.code == 1  # North logged deliveries that this older copy of South's log lacks
    early = day.forged("s", lambda leaves: leaves[:-2], tmp_path / "s")
    found = day.verify(None, early).value
    assert found["open"]


def test_an_audit_says_what_passed_who_said_yes_and_what_came_back(day: Day) -> None:
    folders = day.folder / "n", day.folder / "s"
    private = "--private", day.folder / "private"
    found = good("log", "audit", *folders, *private, *day.cards)
    passed = {each["object"]: each for each in found["passed"]}
    assert passed.keys() == {each["id"] for each in (heron, loader, sign, hospital, late, *EDGES)}
    assert all(each["received_at"] for each in passed.values())
    assert {each["clause"] for each in passed.values()} == {"N1"}
    recalled = {name for name, each in passed.items() if each["recalled"]}
    assert recalled == {sign["id"], EDGES[1]["id"]}
    assert all(passed[each]["answered_at"] for each in recalled)
    by_hash = {each["hash"]: each["person"] for each in found["said"]}
    assert [by_hash[each] for each in passed[hospital["id"]]["approvals"]] == ["rada"]
    assert {(each["person"], each["verdict"], each["signed"]) for each in found["said"]} == {
        ("rada", "approve", True)
    }
    said = tearline("log", "audit", *folders, *private, *day.cards).out
    for line in ("9 releases.", "their signature", "What was recalled? 2", "Both logs agree."):
        assert line in said
    slips_only = tearline("log", "audit", *folders, *day.cards).out
    assert "the slip, by hash" in slips_only


def test_an_audit_of_logs_that_do_not_agree_says_so(day: Day) -> None:
    said = tearline("log", "audit", day.folder / "nbefore", day.folder / "s", *day.cards)
    assert said.code == 1
    assert "The two logs do not agree." in said.out


# ------------------------------------------------------------------------------------ every lie


def _record(leaves: list[Written], kind: str, at: int = 0) -> dict[str, Any]:
    return [said for leaf in leaves for said in leaf.records if said["kind"] == kind][at]


def _altered(leaves: list[Written], kind: str, **to: object) -> list[Written]:
    _record(leaves, kind).update(to)
    return leaves


def _without(leaves: list[Written], kind: str) -> list[Written]:
    at = next(i for i, leaf in enumerate(leaves) if leaf.records[0]["kind"] == kind)
    return [*leaves[:at], *leaves[at + 1 :]]


def _swapped(leaves: list[Written], kind: str) -> list[Written]:
    first, second, *_ = [i for i, leaf in enumerate(leaves) if leaf.records[0]["kind"] == kind]
    leaves[first], leaves[second] = leaves[second], leaves[first]
    return leaves


def _inserted(leaves: list[Written]) -> list[Written]:
    at = next(i for i, leaf in enumerate(leaves) if leaf.kind == "release")
    slip = leaves[at].records[0] | {"object": sign["id"], "position": 99}
    return [*leaves, leaves[at]._replace(records=[slip])]


LIES: list[tuple[str, Callable[[list[Written]], list[Written]], str]] = [
    ("n", lambda leaves: _altered(leaves, "release", hash="sha256:" + "0" * 64), "not what"),
    ("n", lambda leaves: _altered(leaves, "release", position=7), "comes after"),
    ("n", lambda leaves: _altered(leaves, "release", clause="X9"), "does not go under X9"),
    ("n", lambda leaves: _without(leaves, "release"), "no slip"),
    ("n", lambda leaves: _swapped(leaves, "release"), "comes after"),
    ("n", _inserted, "comes after"),
    ("n", lambda leaves: _without(leaves, "withdraw"), "did not log"),
    ("n", lambda leaves: _altered(leaves, "withdraw", release=1), "no such release"),
    ("n", lambda leaves: _without(leaves, "statement"), "does not follow on"),
    ("n", lambda leaves: _without(leaves, "delivery"), "has a later one"),
    ("n", lambda leaves: _altered(leaves, "statement", signed={}), "not of its form"),
    ("n", lambda leaves: leaves[:6], "this copy of it has 6"),
    ("s", lambda leaves: _without(leaves, "accept"), "does not have it"),
    ("s", lambda leaves: _altered(leaves, "accept", hash="sha256:" + "0" * 64), "not what"),
    ("s", lambda leaves: _without(leaves, "recall-receipt"), "has no receipt"),
    ("s", lambda leaves: _without(leaves, "statement"), "but has a later one"),
    ("s", lambda leaves: _without(leaves[::-1], "statement")[::-1], "its log does not have it"),
    ("s", lambda leaves: leaves[:4], "does not have"),
    ("s", list, ""),
]


@pytest.mark.parametrize("lie", range(len(LIES)))
def test_a_history_rewritten_with_the_true_key_does_not_fit_the_other(
    day: Day, tmp_path: Path, lie: int
) -> None:
    side, change, why = LIES[lie]
    forged = day.forged(side, change, tmp_path / "forged")
    assert good("log", "verify", forged, *day.cards)["good"]  # by itself it holds
    said = day.verify(forged if side == "n" else None, forged if side == "s" else None)
    if not why:
        assert said.code == 0, said.out
        return
    assert said.code == 1
    told = [f"{each['what']} {each['means']}" for each in said.value["problems"]]
    assert any(why in each for each in told), told
    assert all({"log", "leaf", "item"} <= each.keys() for each in said.value["problems"])


def test_a_rewritten_history_does_not_fit_what_the_other_side_copied(
    day: Day, tmp_path: Path
) -> None:
    forged = day.forged("n", list, tmp_path / "forged")
    said = day.verify(forged, None, "--since", str(day.folder / "n-at-s"))
    assert said.code == 1
    assert "second history" in str(said.value["logs"][0]["problems"])
    assert not said.value["compared"]


def test_a_log_set_back_to_an_old_backup_is_found(day: Day) -> None:
    said = day.verify(day.folder / "nbefore")
    assert said.code == 1
    assert "old backup" in str(said.value["problems"])


def test_records_that_are_left_out_are_missed(day: Day, tmp_path: Path) -> None:
    shutil.copytree(day.folder / "n", tmp_path / "n")
    lines = (tmp_path / "n" / "records.jsonl").read_bytes().splitlines(keepends=True)
    (tmp_path / "n" / "records.jsonl").write_bytes(b"".join(lines[:-3]))
    said = day.verify(tmp_path / "n")
    assert said.code == 1
    assert "--records" in str(said.value["problems"])


def test_a_decision_that_was_altered_is_found(day: Day, tmp_path: Path) -> None:
    def otherwise(leaves: list[Written]) -> list[Written]:
        decisions = [said for leaf in leaves for said in leaf.records if said["kind"] == "decision"]
        next(each for each in decisions if each["outcome"] == "release")["outcome"] = "wait"
        return leaves

    private = forge(
        day.folder / "private", tmp_path / "private", day.pair.north.keys.log, otherwise
    )
    said = day.verify(None, None, "--private", str(private))
    assert said.code == 1
    assert len(said.value["differing"]) == 1


def test_a_text_that_was_not_signed_is_not_believed(day: Day, tmp_path: Path) -> None:
    shutil.copytree(day.folder / "n", tmp_path / "n")
    (path,) = (tmp_path / "n" / "agreements").iterdir()
    path.write_bytes(path.read_bytes().replace(b'"signature":"', b'"signature":"AA', 1))
    said = day.verify(tmp_path / "n")
    assert said.code == 1
    assert "not what both parties signed" in str(said.value["problems"])


# ------------------------------------------------------------------------------------- receipts


@pytest.mark.parametrize(
    ("side", "act", "card", "kind"),
    [
        ("n", ("--release", sign["id"]), "north", "release"),
        ("n", ("--delivery", sign["id"]), "north", "delivery"),
        ("n", ("--delivery", sign["id"], "--theirs"), "south", "accept"),
        ("n", ("--recall", sign["id"]), "north", "withdraw"),
        ("n", ("--recall", sign["id"], "--theirs"), "south", "recall-receipt"),
        ("n", ("--approval", hospital["id"]), "north", "verdict"),
        ("n", ("--statement", "Gray Heron"), "north", "statement"),
        ("n", ("--statement", "Gray Heron", "--theirs"), "south", "statement"),
        ("s", ("--release", sign["id"], "--theirs"), "north", "release"),
        ("s", ("--delivery", sign["id"]), "south", "accept"),
        ("s", ("--recall", sign["id"]), "south", "recall-receipt"),
        ("s", ("--recall", sign["id"], "--theirs"), "north", "withdraw"),
    ],
)
def test_each_act_has_a_receipt_that_holds_with_a_card(
    day: Day, tmp_path: Path, side: str, act: tuple[str, ...], card: str, kind: str
) -> None:
    home, partner = (
        (day.pair.north, "south-isac") if side == "n" else (day.pair.south, "north-cert")
    )
    path = tmp_path / "receipt.json"
    if "--theirs" in act and side == "n":
        copy_log(day.pair.south, day.pair.north, day.pair.agreement_id, day.pair.tick())
    good("receipt", "make", *act, "--to", partner, "--out", path, home=home.path)
    found = good("receipt", "verify", path, "--card", day.folder / f"{card}.card")
    assert found["record"]["kind"] == kind


def test_a_receipt_that_cannot_be_made_says_why(day: Day) -> None:
    def said(*act: str) -> Said:
        return tearline("receipt", "make", *act, home=day.pair.north.path)

    assert (
        "There is no delivery"
        in said("--delivery", late["id"][:-1] + "0", "--to", "south-isac").err
    )
    assert "Say with whom" in said("--recall", sign["id"]).err
    assert "Nobody approved" in said("--approval", sign["id"]).err
    for start in ("", "sha256:", *"0123456789abcdef"):  # the start of any, and so of the wrong one
        assert said("--approval", start).code == 1
    assert said("--statement", "no such").code == 2
    assert said("--release", sign["id"], "--delivery", sign["id"], "--to", "south-isac").code == 2


def test_a_receipt_is_split_for_other_tools(day: Day, tmp_path: Path) -> None:
    path, split = tmp_path / "receipt.json", tmp_path / "split"
    act = "--release", sign["id"], "--to", "south-isac"
    made = good("receipt", "make", *act, "--out", path, home=day.pair.north.path)["receipt"]
    good("receipt", "verify", path, *day.cards, "--split", split)
    assert (split / "leaf").read_text("utf-8") == made["leaf"]
    assert (split / "leaf.tlog-proof").read_text("utf-8") == made["proof"]
