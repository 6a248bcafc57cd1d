"""A witness never cosigns two histories, whatever a log that lies sends to it."""

import contextlib
import shutil
from pathlib import Path
from tempfile import mkdtemp

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tearline.errors import ProofError
from tearline.log import checkpoint, evidence, mirror, tree, witness
from tearline.log.checkpoint import COSIGNATURE, cosigned_at, open_checkpoint
from tearline.log.witness import Known, Outcome, Submission, Witness
from tearline.store import evidence as kept_evidence
from tearline.store import witnessing
from tearline.store.database import Store
from tests.log.made_log import COPY, KEY, NOW, ORIGIN, OTHER_KEY, VKEY, entry, made_store, note

SECOND = 1_000_000
WITNESS_KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(2, 34)))
WITNESS_VKEY = checkpoint.vkey(
    "south/witness", WITNESS_KEY.public_key().public_bytes_raw(), COSIGNATURE
)
SOUTH = Witness("south", WITNESS_VKEY, WITNESS_KEY)
HASHES = [tree.leaf_hash(entry(number)) for number in range(600)]


def send(store: Store, given: Submission, *, now: int = NOW, copy: str | None = None) -> Outcome:
    """Submit, and keep the evidence as the caller has to."""
    with store.write() as tx:
        known = {ORIGIN: Known(VKEY, "north", copy)}
        outcome = witness.add_checkpoint(tx, SOUTH, given, known, now=now)
        if outcome.evidence is not None:
            kept_evidence.add_in_span(tx, outcome.evidence, since=now)
    return outcome


def honest(old: int, size: int, hashes: list[bytes] = HASHES) -> Submission:
    proof = tree.consistency_proof(hashes, old, size) if old else []
    return Submission(old, proof, note(hashes[:size]))


class LyingLog(RuleBasedStateMachine):
    """A log that grows, and between that lies in every way: all of it is signed by its key."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(mkdtemp(prefix="lying-log-"))
        self.opened = contextlib.ExitStack()
        self.store = self.opened.enter_context(made_store(self.folder / "witness.db"))
        self.seen = 0
        self.now = NOW

    def teardown(self) -> None:
        self.opened.close()
        shutil.rmtree(self.folder)

    def _send(self, given: Submission) -> Outcome:
        self.now += SECOND
        return send(self.store, given, now=self.now)

    def _fork(self, at: int) -> list[bytes]:
        return [*HASHES[:at], tree.leaf_hash(b"another"), *HASHES[at + 1 :]]

    @rule(more=st.integers(0, 90))
    def it_grows(self, more: int) -> None:
        size = min(self.seen + more, len(HASHES))
        outcome = self._send(honest(self.seen, size))
        assert (outcome.status, outcome.size, outcome.evidence) == (200, size, None)
        signed = checkpoint.add_lines(note(HASHES[:size]), outcome.lines)
        assert cosigned_at(signed, WITNESS_VKEY) == self.now // SECOND
        self.seen = size

    @precondition(lambda self: self.seen > 1)
    @rule(data=st.data())
    def it_goes_back(self, data: st.DataObject) -> None:
        size = data.draw(st.integers(0, self.seen - 1))
        outcome = self._send(honest(min(size, data.draw(st.integers(0, size))), size))
        assert (outcome.status, outcome.size) == (409, self.seen)
        assert outcome.evidence is not None
        assert outcome.evidence.kind == "rollback"

    @precondition(lambda self: self.seen > 0)
    @rule(data=st.data(), more=st.integers(0, 40))
    def it_forks(self, data: st.DataObject, more: int) -> None:
        forked = self._fork(data.draw(st.integers(0, self.seen - 1)))
        size = min(self.seen + more, len(forked))
        outcome = self._send(honest(self.seen, size, forked))
        assert outcome.status == 422
        assert outcome.evidence is not None
        power = not self.seen & (self.seen - 1)
        proven = not power or size == self.seen
        kind = "split-view" if size == self.seen else "fork"
        assert outcome.evidence.kind == (kind if proven else "bad-proof")

    @precondition(lambda self: self.seen > 0)
    @rule(data=st.data())
    def it_forks_and_names_another_size(self, data: st.DataObject) -> None:
        forked = self._fork(data.draw(st.integers(0, self.seen - 1)))
        old = data.draw(st.integers(0, self.seen - 1))
        outcome = self._send(honest(old, self.seen, forked))
        assert (outcome.status, outcome.size) == (409, self.seen)
        assert outcome.evidence is not None
        assert outcome.evidence.kind == "split-view"

    @rule(data=st.data(), more=st.integers(0, 40))
    def it_is_late(self, data: st.DataObject, more: int) -> None:
        """Another old size than ours, and else all true: it is told ours, and nothing is held."""
        size = min(self.seen + more, len(HASHES))
        old = data.draw(st.integers(0, size).filter(lambda each: each != self.seen) | st.just(-1))
        if old < 0:
            return
        outcome = self._send(honest(old, size))
        assert (outcome.status, outcome.size, outcome.evidence) == (409, self.seen, None)

    @precondition(lambda self: 1 < self.seen < 500)
    @rule(data=st.data(), more=st.integers(1, 40))
    def its_proof_is_wrong(self, data: st.DataObject, more: int) -> None:
        given = honest(self.seen, self.seen + more)
        place = data.draw(st.integers(0, len(given.proof) - 1))
        wrong = data.draw(
            st.sampled_from(
                [
                    [*given.proof[:place], bytes(32), *given.proof[place + 1 :]],
                    [*given.proof[:place], *given.proof[place + 1 :]],
                    [*given.proof, bytes(32)],
                    [],
                ]
            )
        )
        outcome = self._send(given._replace(proof=wrong))
        assert outcome.status == 422
        assert outcome.evidence is not None
        assert outcome.evidence.kind == "bad-proof"

    @rule(status=st.sampled_from([403, 404]))
    def it_is_somebody_else(self, status: int) -> None:
        key, other = note(HASHES[:9], key=OTHER_KEY), note(HASHES[:9], origin="x/log/node")
        sent = Submission(self.seen, [], key if status == 403 else other)
        assert self._send(sent) == Outcome(status)

    @rule()
    def our_clock_goes_back(self) -> None:
        with self.store.read() as tx:
            last = witnessing.witnessed_of(tx, ORIGIN)
        if last is not None:
            outcome = send(self.store, honest(self.seen, self.seen), now=NOW - SECOND)
            assert outcome == Outcome(503)

    @invariant()
    def what_was_cosigned_is_the_one_history(self) -> None:
        with self.store.read() as tx:
            last = witnessing.witnessed_of(tx, ORIGIN)
        assert (last.size if last else 0) == self.seen
        if last is not None:
            assert last.root == tree.root(HASHES[: self.seen])
            assert open_checkpoint(last.note, VKEY, ORIGIN).size == self.seen
            assert cosigned_at(last.note, WITNESS_VKEY) is not None

    @invariant()
    def all_evidence_can_be_checked_offline(self) -> None:
        with self.store.read() as tx:
            kept = kept_evidence.all_of(tx)
        for each in kept[-3:]:
            found = evidence.verify_evidence(each.document, VKEY)
            assert (found.kind, found.proven) == (each.kind, each.kind in evidence.PROVEN)
            assert found.cosigned_s is not None


TestLyingLog = LyingLog.TestCase
TestLyingLog.settings = settings(max_examples=15, stateful_step_count=20, deadline=None)


@pytest.fixture
def store(tmp_path: Path):  # type: ignore[no-untyped-def]  # noqa: ANN201  # a store, then closed
    with made_store(tmp_path / "witness.db") as made:
        yield made


def _copied(store: Store, size: int) -> None:
    with store.write() as tx:
        entries = [entry(number) for number in range(size)]
        mirror.extend(tx, COPY, note(HASHES[:size]), entries, origin=ORIGIN, vkey=VKEY, at=NOW)


@pytest.mark.parametrize("size", [8, 9, 20])
def test_a_head_is_held_against_our_copy_of_the_log(store: Store, size: int) -> None:
    _copied(store, 20)
    forked = [tree.leaf_hash(b"another"), *HASHES[1:]]
    outcome = send(store, honest(0, size, forked), copy=COPY)
    assert outcome.status == 422
    assert outcome.evidence is not None
    assert evidence.verify_evidence(outcome.evidence.document, VKEY).proven
    assert send(store, honest(0, size), copy=COPY).status == 200


def test_what_was_cosigned_before_is_held_against_our_copy(store: Store) -> None:
    forked = [tree.leaf_hash(b"another"), *HASHES[1:]]
    assert send(store, honest(0, 8, forked)).status == 200
    _copied(store, 20)
    outcome = send(store, honest(8, 20), copy=COPY)
    assert outcome.status == 422
    assert outcome.evidence is not None
    found = evidence.verify_evidence(outcome.evidence.document, VKEY)
    assert (found.proven, found.sizes) == (True, (20, 8))


def test_a_log_cannot_put_lines_into_what_we_keep(store: Store) -> None:
    """A broken line in our name would make us stumble over our own note."""
    theirs = note(HASHES[:3])
    mine = checkpoint.cosign(checkpoint.text_of(theirs), "south/witness", WITNESS_KEY, at_s=1)
    other = mine[:-9] + "AAAAAAA=\n"
    assert send(store, Submission(0, [], theirs + mine + other)).status == 200
    with store.read() as tx:
        last = witnessing.witnessed_of(tx, ORIGIN)
    assert last is not None
    assert cosigned_at(last.note, WITNESS_VKEY) == NOW // SECOND
    assert last.note.count("—") == 2


def test_an_empty_log_has_one_root(store: Store) -> None:
    assert send(store, honest(0, 0)).status == 200
    text = checkpoint.checkpoint_text(ORIGIN, 0, bytes(32))
    assert send(store, Submission(0, [], checkpoint.sign_note(text, ORIGIN, KEY))).status == 422


# ------------------------------------------------------------------------------------- the form


@given(st.integers(0, 600), st.integers(0, 600))
def test_a_submission_reads_as_it_was_written(old: int, size: int) -> None:
    old, size = sorted((old, size))
    given_ = honest(old, size)
    read = witness.parse_submission(witness.write_submission(given_))
    assert (read.old, list(read.proof), read.note) == (old, list(given_.proof), given_.note)


@pytest.mark.parametrize(
    "change",
    [
        (b"old 3", b"old 03"),
        (b"old 3", b"old -3"),
        (b"old 3", b"OLD 3"),
        (b"old 3", b"old 9"),
        (b"old 3", b"old 3 "),
        (b"old 3\n", b"old 3\r\n"),
        (b"\n\n", b"\n"),
        (b"\n\nnorth", b"\nAAAA\n\nnorth"),
        (b"\n\nnorth", b"\n" + b"A" * 43 + b"=\n" * 64 + b"\nnorth"),
        (b"\n5\n", b"\n9223372036854775808\n"),
        ("—".encode(), b"-"),
        (b"\n5\n", b"\n\xff\n"),
    ],
)
def test_what_is_no_submission_is_refused(change: tuple[bytes, bytes]) -> None:
    body = witness.write_submission(honest(3, 5))
    assert change[0] in body
    with pytest.raises(ProofError):
        witness.parse_submission(body.replace(*change, 1))


@given(st.binary(max_size=200))
def test_noise_is_refused(body: bytes) -> None:
    with pytest.raises(ProofError):
        witness.parse_submission(body)


def test_at_most_63_hashes_are_taken() -> None:
    body = witness.write_submission(honest(3, 5)._replace(proof=[bytes(32)] * 63))
    assert len(witness.parse_submission(body).proof) == 63
    more = witness.write_submission(honest(3, 5)._replace(proof=[bytes(32)] * 64))
    with pytest.raises(ProofError):
        witness.parse_submission(more)
