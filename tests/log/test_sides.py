"""What one side says and the other does not is found, wherever in a course it stands."""

import base64
from collections.abc import Iterable
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from tearline.errors import ProofError
from tearline.log import sides, signers
from tearline.log.checkpoint import vkey
from tearline.log.entries import Place, Statement, delivery_hash, expand, read_entry
from tearline.log.sides import Compared, Side, compare
from tearline.log.verify import Opening, write_opening
from tearline.stix.canonical import canonical, sha256

NOTHING_REVOKED = signers.Line({}, {})
KEYS = {
    "north": Ed25519PrivateKey.from_private_bytes(bytes(range(32))),
    "south": Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33))),
}
AT = "2026-03-01T00:00:00.000000Z"
Record = dict[str, Any]


def statement(by: str, step: str, previous: str | None, seen: str | None = None) -> Record:
    """A signed statement as both logs hold it."""
    said = {"agreement": "sha256:0", "step": step, "previous": previous, "seen": seen}
    body = canonical(said | {"by": by, "at": AT, "reason": None})
    kid = vkey(f"{by}/sign", KEYS[by].public_key().public_bytes_raw())
    protected = _base64url(canonical({"alg": "Ed25519", "kid": kid}))
    payload = _base64url(body)
    signature = _base64url(KEYS[by].sign(f"{protected}.{payload}".encode()))
    signed = {"payload": payload, "signatures": [{"protected": protected, "signature": signature}]}
    named = {"agreement": "sha256:0", "statement": sha256(body), "signed": signed}
    return {"kind": "statement", **named}


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def release(position: int) -> Record:
    return {
        "kind": "release",
        "agreement": "sha256:0",
        "position": position,
        "object": f"malware--{position}",
        "hash": sha256(str(position).encode()),
        "clause": "N1",
        "at": AT,
        "until": None,
        "path": ["x"],
        "attested": {},
    }


def course(count: int) -> tuple[list[Record], list[Record]]:
    """Both sides' records: agreed, `count` releases received one by one, every second recalled."""
    first = statement("north", "proposed", None)
    second = statement("south", "countersigned", None, first["statement"])
    third = statement("north", "activated", first["statement"], second["statement"])
    north, south = [first, second, third], [first, second, third]
    position = 0
    for _ in range(count):
        position += 1
        slip = release(position)
        north.append(slip)
        said = {"positions": [[position, position]], "at": AT}
        said["hash"] = delivery_hash([(position, slip["hash"])])
        south.append({"kind": "accept", "to": len(north), **said})
        north.append({"kind": "delivery", **said})
        if position % 4 == 1:
            ended = {"object": slip["object"], "release": position, "at": AT}
            position += 1
            recall = {"kind": "withdraw", "position": position, "reason": "withdrawn"}
            north.append({**recall, **ended, "recall": True})
            south.append({"kind": "recall-receipt", **ended})
            north.append({"kind": "recall-confirmed", "releases": [ended["release"]], "at": AT})
    return north, south


def read(party: str, records: Iterable[Record], found: Compared, folder: Any) -> Side:  # noqa: ANN401
    lines = [
        write_opening(Opening(leaf, 0, bytes(32), canonical(each)))
        for leaf, each in enumerate(records)
    ]
    folder.mkdir(exist_ok=True)
    (folder / "records.jsonl").write_bytes(b"".join(lines))
    return sides.read_side(folder, f"{party}/log/x", len(lines), found)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Any:  # noqa: ANN401  # a path
    return tmp_path_factory.mktemp("sides")


def compared(north: list[Record], south: list[Record], folder: Any) -> Compared:  # noqa: ANN401
    found = Compared()
    one, two = (read(*each, found, folder) for each in (("north", north), ("south", south)))
    compare(one, two, found)
    signers.check_signers((one, two), {by: {_key(by)} for by in KEYS}, NOTHING_REVOKED, found)
    return found


def _key(by: str) -> str:
    return vkey(f"{by}/sign", KEYS[by].public_key().public_bytes_raw())


@given(st.integers(0, 8))
def test_a_true_course_has_neither_problems_nor_anything_open(folder: Any, count: int) -> None:  # noqa: ANN401
    found = compared(*course(count), folder)
    assert (found.problems, found.open) == ([], [])
    assert found.matched["statements"] == 3
    assert found.matched["deliveries"] == count


@given(st.integers(1, 8), st.booleans(), st.data())
def test_no_record_can_be_left_out_unseen(folder: Any, count: int, side: bool, data: Any) -> None:  # noqa: ANN401, FBT001
    north, south = course(count)
    of = north if side else south
    gone = data.draw(st.integers(0, len(of) - 1))
    kind = of.pop(gone)["kind"]
    found = compared(north, south, folder)
    assert found.problems or found.open, kind


@given(st.integers(1, 8), st.booleans(), st.data())
def test_no_two_records_can_be_swapped_unseen_where_order_counts(
    folder: Any,  # noqa: ANN401
    count: int,
    side: bool,  # noqa: FBT001
    data: Any,  # noqa: ANN401
) -> None:
    north, south = course(count)
    of = north if side else south
    ordered = {"release", "withdraw"}
    places = [at for at, each in enumerate(of) if each["kind"] in ordered]
    own = [at for at, e in enumerate(of) if e["kind"] == "statement"][:3:2] if side else []
    for some in (places, own):
        if len(some) > 1:
            first, second = data.draw(st.permutations(some))[:2]
            of[first], of[second] = of[second], of[first]
            assert compared(north, south, folder).problems
            of[first], of[second] = of[second], of[first]


def test_a_copy_that_ends_too_early_is_an_old_one(folder: Any) -> None:  # noqa: ANN401
    north, south = course(5)
    found = compared(north[:5], south, folder)
    assert any("this copy of it has 5" in each.what for each in found.problems)


def test_two_statements_after_one_are_two_faces(folder: Any) -> None:  # noqa: ANN401
    north, south = course(0)
    other = statement("north", "terminated", north[0]["statement"], north[1]["statement"])
    found = compared(north, [*south[:2], other], folder)
    assert any("two faces" in each.means for each in found.problems)


def test_a_stranger_and_a_changed_key_are_told(folder: Any) -> None:  # noqa: ANN401
    north, south = course(0)
    found = Compared()
    pair = read("north", north, found, folder), read("south", south, found, folder)
    signers.check_signers(pair, {"north": set(), "south": {_key("south")}}, NOTHING_REVOKED, found)
    assert len(found.open) == 2
    signers.check_signers(pair, {"north": {_key("north")}}, NOTHING_REVOKED, found)
    assert any("is no party here" in each.what for each in found.problems)


def test_the_list_of_findings_ends() -> None:
    found = Compared()
    for _ in range(sides.FINDING_LIMIT + 5):
        found.blame(Place("x", 0, 0), "", "")
        found.leave(Place("x", 0, 0), "", "")
    assert len(found.problems) == len(found.open) == sides.FINDING_LIMIT


# ---------------------------------------------------------------------------------------- records

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)
RECORDS = [*course(2)[0], *course(2)[1]]


@given(st.sampled_from(RECORDS), st.data())
def test_a_record_with_a_changed_field_is_read_or_refused(record: Record, data: Any) -> None:  # noqa: ANN401
    name = data.draw(st.sampled_from(sorted(record)))
    changed = record | {name: data.draw(JSON)}
    try:
        read_entry(canonical_or_plain(changed))
    except ProofError:
        return


def canonical_or_plain(value: Record) -> bytes:
    try:
        return canonical(value)
    except Exception:  # noqa: BLE001  # what has no canonical form is no record either
        return b"{}"


@given(st.binary(max_size=100))
def test_bytes_that_are_no_record_are_refused_or_passed_over(content: bytes) -> None:
    try:
        assert read_entry(content) is None
    except ProofError:
        return


def test_a_statement_is_read_only_under_its_signature() -> None:
    good = statement("north", "proposed", None)
    read_one = read_entry(canonical(good))
    assert isinstance(read_one, Statement)
    assert (read_one.signer, read_one.key) == ("north", _key("north"))
    signed = good["signed"]
    (one,) = signed["signatures"]
    other = statement("south", "proposed", None)["signed"]["signatures"][0]
    for signatures in ([], [one, one], [one | {"signature": other["signature"]}], [other]):
        with pytest.raises(ProofError):
            read_entry(canonical(good | {"signed": signed | {"signatures": signatures}}))
    with pytest.raises(ProofError):
        read_entry(canonical(good | {"statement": sha256(b"")}))


@pytest.mark.parametrize("spans", [[[2, 1]], [[1, 2], [2, 3]], [[1, 10**9]]])
def test_positions_are_rising_spans(spans: list[list[int]]) -> None:
    with pytest.raises(ProofError):
        expand(tuple((first, last) for first, last in spans))
