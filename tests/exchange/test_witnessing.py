"""Partners witness each other: what each sync cosigns, and how a partner that lies is found out."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tearline.agreement import outbox, signing
from tearline.agreement.cards_held import cards_of
from tearline.agreement.home import Home
from tearline.agreement.outbox import delivered, export_messages
from tearline.agreement.receiving import receive
from tearline.agreement.renewing import revoke, rotate
from tearline.errors import ProofError
from tearline.exchange import peer
from tearline.exchange.cosigned import offer
from tearline.exchange.witnessed import PATIENCE_US, FoundOutError, View
from tearline.log import committing, evidence, record, tiles, tree
from tearline.log.checkpoint import Checkpoint, cosigned_at, vkey_for
from tearline.node.publisher import publish_grown, publish_node
from tearline.release.reconcile import reconcile_all
from tearline.stix.canonical import canonical
from tearline.store import agreements, logs, private, witnessing
from tearline.store import evidence as kept_evidence
from tearline.store.evidence import Evidence
from tests.exchange.lines import MINUTE, Lines, joined
from tests.exchange.nodes import both_serving, give
from tests.pair import sdo, take


@pytest.fixture
def lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lines]:
    with joined(tmp_path, monkeypatch) as made:
        yield made


@pytest.fixture
def wary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lines]:
    end = '[suspend]\non = ["split-view", "bad-proof"]'
    with joined(tmp_path, monkeypatch, end=end) as made:
        yield made


def north_log(lines: Lines) -> str:
    return record.our_log(lines.pair.agreement_id)


def grow(home: Home, log: str, lines: Lines, number: int = 3) -> None:
    with home.store.write() as tx:
        for each in range(number):
            records = [{"kind": "served", "number": each}]
            record.append(tx, log, "served", records, at=lines.pair.tick(), agreement=None)


def rewrite(home: Home, log: str) -> None:
    """What only who holds the key, the store and the guard can do: begin another history."""
    with home.store.write() as tx:
        last = logs.head(tx, log).size - 1
        value = json.loads(logs.leaf(tx, log, last) or b"")
        leaf = canonical(value | {"root": bytes(32).hex()})
        statement = "UPDATE log_leaf SET leaf = ?, leaf_hash = ? WHERE log = ? AND idx = ?"
        tx.exec_driver_sql(statement, (leaf, tree.leaf_hash(leaf), log, last))
    forget(home, log, record.origin_of(home.slug, log.partition("/")[2]))


def forget(home: Home, log: str, origin: str) -> None:
    with home.store.write() as tx:
        for table in ("log_checkpoint", "log_tile", "cosignature"):
            tx.exec_driver_sql(f"DELETE FROM {table} WHERE log = ?", (log,))
    (home.path / "checkpoints" / origin.rpartition("/")[2]).unlink()


def shorten(home: Home, log: str, by: int) -> None:
    """Restore a backup over the guard."""
    with home.store.write() as tx:
        size = logs.head(tx, log).size - by
        for table in ("log_leaf", "log_record"):
            tx.exec_driver_sql(f"DELETE FROM {table} WHERE log = ? AND idx >= ?", (log, size))
        tx.exec_driver_sql("UPDATE log_head SET size = ? WHERE log = ?", (size, log))
    forget(home, log, record.origin_of(home.slug, log.partition("/")[2]))


def kept(home: Home) -> list[Evidence]:
    with home.store.read() as tx:
        return kept_evidence.all_of(tx)


def state(home: Home, lines: Lines) -> str:
    with home.store.read() as tx:
        return agreements.versions(tx, lines.pair.agreement_id)[-1].state


def only(home: Home, owner: Home) -> evidence.Finding:
    """The one piece of evidence, checked as a stranger with the owner's card would."""
    (found,) = kept(home)
    assert found.party == owner.slug
    return evidence.verify_evidence(found.document, owner.card.log)


# ------------------------------------------------------------------------------------- both honest


def test_one_sync_cosigns_both_logs_of_both_sides(lines: Lines) -> None:
    north, south = lines.pair.north, lines.pair.south
    for home in (north, south):
        lines.publish(home)
    asked = lines.look(south).asked
    assert "POST cosignature 204" in asked
    for us, them in ((north, south), (south, north)):
        with us.store.read() as tx:
            given = {each.log: each for each in witnessing.cosignatures(tx)}
        assert given.keys() == {north_log(lines), committing.LOG}
        for log, each in given.items():
            assert each.name == f"{them.slug}/witness"
            with us.store.read() as tx:
                signed = logs.last_checkpoint(tx, log)
                assert signed is not None
                note = tiles.cosigned_note(tx, log, signed, None)
            assert cosigned_at(note, them.card.witness) == lines.pair.now // 1_000_000
    assert kept(south) == kept(north) == []


def test_the_head_that_is_served_carries_the_partners_cosignature(lines: Lines) -> None:
    south = lines.pair.south
    lines.publish(lines.pair.north)
    lines.look(south)
    for path in ("/peer/node/log/checkpoint", f"/peer/agreements/{_uuid(lines)}/log/checkpoint"):
        note = lines.line(south).get(path, most=1 << 20, accept="*/*").body.decode()
        assert cosigned_at(note, south.card.witness) is not None


def test_nothing_new_is_not_cosigned_again(lines: Lines) -> None:
    lines.publish(lines.pair.north)
    lines.look(lines.pair.south)
    again = lines.look(lines.pair.south).asked
    assert [each for each in again if each.startswith("POST")] == []


def test_logs_grow_and_are_cosigned_on_and_on(lines: Lines) -> None:
    north, south = lines.pair.north, lines.pair.south
    for number in (1, 5, 300, 2):
        grow(north, north_log(lines), lines, number)
        for _ in range(number % 7):
            lines.publish(north)
        lines.look(south)
    origins = (lines.pair.agreement_id, record.NODE)
    with south.store.read() as tx:
        sizes = [
            witnessing.witnessed_of(tx, record.origin_of(north.slug, each)) for each in origins
        ]
    with north.store.read() as tx:
        assert [each.size for each in sizes if each] == [
            logs.head(tx, record.our_log(each)).size for each in origins
        ]
    assert kept(south) == []


def test_a_sync_over_the_network_does_the_same(tmp_path: Path) -> None:
    with both_serving(tmp_path) as nodes:
        nodes.agree(reach=2)
        give(nodes, 2)
        for home in (nodes.north, nodes.south):
            publish_grown(home, now=nodes.tick())
            publish_node(home, now=nodes.tick())
        (done,) = peer.sync(nodes.south, nodes.north.slug, now=nodes.tick()).agreements
        assert done.problem is None
        for us, them in ((nodes.north, nodes.south), (nodes.south, nodes.north)):
            with us.store.read() as tx:
                given = {each.log: each.name for each in witnessing.cosignatures(tx)}
                shown = witnessing.last_shown(tx, record.their_log(nodes.agreement_id))
            ours = {record.our_log(nodes.agreement_id), committing.LOG}
            assert given == dict.fromkeys(ours, f"{them.slug}/witness")
            assert (shown is not None) == (us is nodes.south)


def _uuid(lines: Lines) -> str:
    return lines.pair.agreement_id.removeprefix("urn:uuid:")


# ----------------------------------------------------------------------------- found out in a sync


def test_two_histories_of_one_size_suspend_the_agreement(lines: Lines) -> None:
    north, south = lines.pair.north, lines.pair.south
    lines.look(south)
    rewrite(north, north_log(lines))
    with pytest.raises(FoundOutError, match="two histories"):
        lines.look(south)
    assert only(south, north).proven
    assert state(south, lines) == "suspended"
    lines.pair._carry_from(south, north)  # noqa: SLF001  # only this way
    assert state(north, lines) == "suspended"


def test_a_fork_that_grew_is_proven_by_their_own_tiles(lines: Lines) -> None:
    north, south = lines.pair.north, lines.pair.south
    grow(north, north_log(lines), lines, 300)
    lines.look(south)
    rewrite(north, north_log(lines))
    grow(north, north_log(lines), lines, 9)
    with pytest.raises(FoundOutError, match="two histories"):
        lines.look(south)
    found = only(south, north)
    assert (found.proven, found.sizes[1] - found.sizes[0]) == (True, 9)
    assert state(south, lines) == "suspended"


def test_a_fork_of_the_node_log_suspends_every_agreement(lines: Lines) -> None:
    north, south = lines.pair.north, lines.pair.south
    for _ in range(4):  # a power of two: the proof that is sent would not show how it begins
        lines.publish(north)
    lines.look(south)
    rewrite(north, committing.LOG)
    lines.publish(north)
    with pytest.raises(FoundOutError, match="two histories"):
        lines.look(south)
    assert only(south, north).origin == f"{north.slug}/log/node"
    assert state(south, lines) == "suspended"


@pytest.mark.parametrize("log", ["ours", "node"])
def test_a_log_that_goes_back_is_refused_and_kept_as_evidence(lines: Lines, log: str) -> None:
    north, south = lines.pair.north, lines.pair.south
    for _ in range(3):
        lines.publish(north)
    lines.look(south)
    name = north_log(lines) if log == "ours" else committing.LOG
    shorten(north, name, 1)
    if log == "node":
        north.publish(record.NODE, now=lines.pair.tick())
    with pytest.raises(ProofError):
        lines.look(south)
    assert state(south, lines) == "active"
    if log == "ours":
        assert (only(south, north).kind, only(south, north).proven) == ("rollback", False)


def test_what_suspends_is_what_the_agreement_says(wary: Lines) -> None:
    north, south = wary.pair.north, wary.pair.south
    wary.look(south)
    shorten(north, north_log(wary), 1)
    with pytest.raises(FoundOutError, match="older head"):
        wary.look(south)
    assert state(south, wary) == "suspended"
    with south.store.read() as tx:
        last = agreements.last_statement(tx, wary.pair.agreement_id, ours=True)
    assert last is not None
    assert kept(south)[0].hash in json.loads(last.body)["reason"]


def test_an_answer_that_was_overtaken_is_no_rollback(lines: Lines) -> None:
    """A head that another sync has cosigned since this one began says nothing of the partner."""
    north, south = lines.pair.north, lines.pair.south
    lines.look(south)
    with south.store.write() as tx:
        last = witnessing.witnessed_of(tx, record.origin_of(north.slug, lines.pair.agreement_id))
        assert last is not None
        later = last._replace(size=last.size + 1, at=lines.pair.now + MINUTE)
        witnessing.set_witnessed(tx, later)
    lines.look(south)
    assert kept(south) == []


@pytest.mark.parametrize("log", ["ours", "node"])
def test_a_head_that_the_partner_itself_overtook_is_no_rollback(
    lines: Lines, monkeypatch: pytest.MonkeyPatch, log: str
) -> None:
    """It brings a larger one between our look at what we cosigned last and our signature."""
    north, south = lines.pair.north, lines.pair.south
    lines.publish(north)
    lines.look(south)
    grow(north, north_log(lines), lines)
    lines.publish(north)
    name = record.origin_of(north.slug, lines.pair.agreement_id)
    origin = name if log == "ours" else f"{north.slug}/log/node"
    sign = View.submit

    def submit(view: View, old: int, proof: list[bytes], note: str, **how: bool) -> int:
        with view.home.store.write() as tx:
            last = witnessing.witnessed_of(tx, origin)
            if last is not None and note.startswith(f"{origin}\n"):
                witnessing.set_witnessed(tx, last._replace(size=last.size + 100))
        return sign(view, old, proof, note, **how)

    monkeypatch.setattr(View, "submit", submit)
    lines.look(south)
    assert kept(south) == []


# ------------------------------------------------------------------------------------ the node log


def test_a_log_that_the_node_log_leaves_out_is_noticed(
    wary: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    north, south = wary.pair.north, wary.pair.south
    wary.publish(north)
    wary.look(south)
    monkeypatch.setattr(committing, "_logs", lambda _tx: [record.PRIVATE])
    wary.publish(north)
    with pytest.raises(ProofError, match="does not commit"):
        wary.look(south)
    assert state(south, wary) == "suspended"


def test_records_that_open_nothing_are_a_bad_proof(wary: Lines) -> None:
    north, south = wary.pair.north, wary.pair.south
    grow(north, north_log(wary), wary)
    with north.store.write() as tx:
        tx.exec_driver_sql("UPDATE log_record SET salt = zeroblob(32)")
    with pytest.raises(ProofError, match="not those that the leaf stands for"):
        wary.look(south)
    assert (kept(south), state(south, wary)) == ([], "suspended")
    (said,) = noted(south, "bad-proof")
    assert (said["party"], noted(south, "refusal")) == (north.slug, [])


def test_a_log_that_was_never_committed_to_is_borne_for_a_day(lines: Lines) -> None:
    south = lines.pair.south
    lines.look(south)
    lines.pair.tick(PATIENCE_US - MINUTE)
    lines.look(south)
    lines.pair.tick(2 * MINUTE)
    with pytest.raises(ProofError, match="does not commit"):
        lines.look(south)


def test_a_node_log_that_stands_still_is_noticed(lines: Lines) -> None:
    north, south = lines.pair.north, lines.pair.south
    lines.publish(north)
    lines.look(south)
    grow(north, north_log(lines), lines)
    lines.look(south)
    lines.pair.tick(PATIENCE_US + MINUTE)
    with pytest.raises(ProofError, match="does not commit"):
        lines.look(south)
    lines.publish(north)
    lines.look(south)


def test_a_node_log_that_commits_to_another_history_proves_it(
    lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    north, south = lines.pair.north, lines.pair.south
    lines.publish(north)
    lines.look(south)
    true = committing._checkpoint  # noqa: SLF001  # what North would have to change

    def other(slug: str, log: str, head: witnessing.Head) -> Checkpoint:
        return true(slug, log, head._replace(root=bytes(32)))

    monkeypatch.setattr(committing, "_checkpoint", other)
    lines.publish(north)
    with pytest.raises(FoundOutError, match="two histories"):
        lines.look(south)
    found = only(south, north)
    assert (found.proven, found.kind) == (True, "split-view")
    assert state(south, lines) == "suspended"


def test_partners_learn_nothing_of_each_other(lines: Lines) -> None:
    """One agreement or four, something going on or nothing: all that South is given looks alike."""
    north, south = lines.pair.north, lines.pair.south

    def given() -> dict[str, int]:
        line = lines.line(south)
        base = f"/peer/agreements/{_uuid(lines)}/log"
        found = line.get(f"{base}/committed", most=1 << 20, accept="*/*")
        document = json.loads(found.body)
        return {key: len(json.dumps(each)) for key, each in document.items()}

    lines.publish(north)
    lines.publish(north)
    alone = given()
    for number in (2, 3, 4):
        lines.pair.beside(number).agree()
    lines.pair.put(sdo("malware", "Mud Loader"))
    with north.store.read() as tx:
        assert len(logs.names(tx)) > 4
    shorten_to_two = given()
    lines.publish(north)
    busy = given()
    # The proof in the node log grows with the number of its leaves alone.
    assert {**busy, "proof": 0} == {**alone, "proof": 0} == {**shorten_to_two, "proof": 0}
    with north.store.read() as tx:
        leaves = logs.leaves(tx, committing.LOG, 0, 3)
    assert len({len(each) for each in leaves}) == 1
    moments = [json.loads(each)["at"] for each in leaves]
    assert all(each.endswith(":00.000000Z") for each in moments)


def test_a_turn_of_the_clock_has_one_leaf(lines: Lines) -> None:
    north = lines.pair.north
    lines.publish(north)
    assert not publish_node(north, now=lines.pair.tick())
    turn = lines.pair.now // MINUTE * MINUTE
    assert publish_node(north, now=turn + MINUTE)
    assert not publish_node(north, now=turn + 2 * MINUTE - 1)
    with north.store.read() as tx:
        assert len(logs.checkpoints(tx, committing.LOG)) == 2


# -------------------------------------------------------------------------------------- being asked


def submit(lines: Lines, home: Home, body: bytes) -> tuple[int, bytes, str]:
    found = lines.line(home).post(
        "/peer/witness/add-checkpoint", body, most=1 << 20, content_type="text/plain"
    )
    return found.status, found.body, found.headers["content-type"]


def test_a_fork_that_is_sent_to_us_is_evidence_too(lines: Lines) -> None:
    north, south = lines.pair.north, lines.pair.south
    with north.store.read() as tx:
        cards = cards_of(tx, south.slug)
    assert cards is not None
    offer(north, lines.line(north), cards, lines.pair.agreement_id, now=lines.pair.tick())  # type: ignore[arg-type]
    rewrite(north, north_log(lines))
    note = north.publish(lines.pair.agreement_id, now=lines.pair.tick())
    size = note.split("\n")[1]
    assert submit(lines, north, f"old {size}\n\n{note}".encode())[0] == 422
    assert only(south, north).proven
    assert state(south, lines) == "suspended"


def test_a_fork_is_held_against_our_copy_where_nothing_was_cosigned(lines: Lines) -> None:
    north, south = lines.pair.north, lines.pair.south
    lines.look(south)
    with south.store.write() as tx:
        tx.exec_driver_sql("DELETE FROM witnessed")
    rewrite(north, north_log(lines))
    note = north.publish(lines.pair.agreement_id, now=lines.pair.tick())
    assert submit(lines, north, f"old 0\n\n{note}".encode())[0] == 422
    assert only(south, north).proven


def bring(lines: Lines, log: str, *, grown: int = 0) -> str:
    """Let North bring a fork of one of its logs, at a power of two; the proof tells nothing."""
    north, south = lines.pair.north, lines.pair.south
    id_ = record.NODE if log == committing.LOG else lines.pair.agreement_id
    with north.store.read() as tx:
        size = logs.head(tx, log).size
    while size & (size - 1):
        grow(north, log, lines, 1)
        size += 1
    note = north.publish(id_, now=lines.pair.tick())
    assert submit(lines, north, f"old 0\n\n{note}".encode())[0] == 200
    rewrite(north, log)
    grow(north, log, lines, 3 + grown)
    note = north.publish(id_, now=lines.pair.tick())
    with north.store.read() as tx:
        proof = tiles.StoredTree(tx, log).consistency_proof(size, size + 3 + grown)
    hashes = "".join(f"{base64.b64encode(each).decode()}\n" for each in proof)
    assert submit(lines, north, f"old {size}\n{hashes}\n{note}".encode())[0] == 422
    assert [each.kind for each in kept(south)] == ["bad-proof"]
    assert [each["proves"] for each in noted(south, "evidence")] == ["bad-proof"]
    return note


@pytest.mark.parametrize("log", ["ours", "node"])
def test_a_fork_that_is_brought_is_proven_by_their_own_tiles(lines: Lines, log: str) -> None:
    north, south = lines.pair.north, lines.pair.south
    lines.publish(north)
    bring(lines, north_log(lines) if log == "ours" else committing.LOG)
    with pytest.raises(FoundOutError, match="begins in another way"):
        lines.look(south)
    found = [each for each in kept(south) if each.kind == "fork"]
    assert len(found) == 1
    shown = evidence.verify_evidence(found[0].document, north.card.log)
    assert (shown.kind, shown.proven, shown.sizes[1] - shown.sizes[0]) == ("fork", True, 3)
    assert state(south, lines) == "suspended"


def rows_of(home: Home, log: str) -> dict[str, list[Any]]:
    """What a log is, and what was signed of it."""
    with home.store.read() as tx:
        return {
            table: list(tx.exec_driver_sql(f"SELECT * FROM {table} WHERE log = ?", (log,)).all())
            for table in ("log_leaf", "log_record", "log_checkpoint")
        }


def restore(home: Home, log: str, was: dict[str, list[Any]]) -> None:
    with home.store.write() as tx:
        for table, rows in was.items():
            tx.exec_driver_sql(f"DELETE FROM {table} WHERE log = ?", (log,))
            marks = ",".join("?" * len(rows[0]))
            for row in rows:
                tx.exec_driver_sql(f"INSERT INTO {table} VALUES ({marks})", tuple(row))
        tx.exec_driver_sql("DELETE FROM log_tile WHERE log = ?", (log,))
        tx.exec_driver_sql(
            "UPDATE log_head SET size = ? WHERE log = ?", (len(was["log_leaf"]), log)
        )


def test_a_fork_that_is_brought_and_then_hidden_is_proven_by_our_copy(lines: Lines) -> None:
    """North shows the true log again, as soon as that is as long as the fork was."""
    north, south = lines.pair.north, lines.pair.south
    log = north_log(lines)
    lines.publish(north)
    with north.store.read() as tx:
        size = logs.head(tx, log).size
    grow(north, log, lines, (1 << size.bit_length()) - size)
    north.publish(lines.pair.agreement_id, now=lines.pair.tick())
    was = rows_of(north, log)
    bring(lines, log)
    restore(north, log, was)
    origin = record.origin_of(north.slug, lines.pair.agreement_id)
    (north.path / "checkpoints" / origin.rpartition("/")[2]).unlink()
    lines.publish(north)
    lines.look(south)  # too short to say
    assert [each.kind for each in kept(south)] == ["bad-proof"]
    grow(north, log, lines, 5)
    lines.publish(north)
    with pytest.raises(FoundOutError, match="two histories"):
        lines.look(south)
    (found,) = [each for each in kept(south) if each.kind == "fork"]
    assert evidence.verify_evidence(found.document, north.card.log).proven
    assert state(south, lines) == "suspended"
    lines.look(south)  # what is proven is not proven again, and stops no sync


def test_the_answers_are_those_of_the_protocol(lines: Lines) -> None:
    north, south = lines.pair.north, lines.pair.south
    note = north.publish(lines.pair.agreement_id, now=lines.pair.tick())
    size = note.split("\n")[1]
    status, lines_, _ = submit(lines, north, f"old 0\n\n{note}".encode())
    assert status == 200
    assert cosigned_at(note + lines_.decode(), south.card.witness) is not None
    assert submit(lines, north, f"old 0\n\n{note}".encode()) == (
        409,
        f"{size}\n".encode(),
        "text/x.tlog.size",
    )
    assert submit(lines, north, b"old 0")[0] == 400
    assert submit(lines, north, f"old 99\n\n{note}".encode())[0] == 400
    assert submit(lines, north, f"old {size}\nAAAA\n\n{note}".encode())[0] == 400
    forged = note.replace("\n— ", "\n— x", 1)
    assert submit(lines, north, f"old {size}\n\n{forged}".encode())[0] == 403
    proof = "A" * 43 + "=\n"
    assert submit(lines, north, f"old {size}\n{proof}\n{note}".encode())[0] == 422
    assert submit(lines, north, b"x" * 70_000)[0] == 413


def test_nobody_learns_whose_witness_we_are(lines: Lines) -> None:
    """A partner's key opens its own logs; for the logs of others the answer is that of no log."""
    north, south = lines.pair.north, lines.pair.south
    own = south.publish(lines.pair.agreement_id, now=lines.pair.tick())
    assert submit(lines, north, f"old 0\n\n{own}".encode())[0] == 404
    other = lines.pair.beside(2)
    other.agree()
    theirs = north.publish(other.agreement_id, now=lines.pair.tick())
    assert submit(lines, north, f"old 0\n\n{theirs}".encode())[0] == 404
    private = north.publish(None, now=lines.pair.tick())
    assert submit(lines, north, f"old 0\n\n{private}".encode())[0] == 404
    for path in ("/peer/witness/add-checkpoint", "/peer/node/log/checkpoint"):
        client = lines.clients[south.slug]
        assert client.post(path, content=b"old 0").status_code in {401, 405}
        assert client.get(path).status_code in {401, 405}


def test_a_partner_sees_no_other_partners_cosignature_on_the_node_log(lines: Lines) -> None:
    north, south = lines.pair.north, lines.pair.south
    lines.publish(north)
    lines.look(south)
    with north.store.write() as tx:
        given = witnessing.cosignatures(tx, committing.LOG)[0]
        line = given.line.replace(south.slug, "east-clinic")
        other = given._replace(name="east-clinic/witness", line=line)
        witnessing.set_cosignature(tx, other)
    base = f"/peer/agreements/{_uuid(lines)}/log/committed"
    for path in ("/peer/node/log/checkpoint", base):
        said = lines.line(south).get(path, most=1 << 20, accept="*/*").body
        assert (b"south-isac/witness" in said, b"east-clinic" in said) == (True, False)


def test_only_a_cosignature_on_a_head_of_ours_is_taken_back(lines: Lines) -> None:
    north, south = lines.pair.north, lines.pair.south
    line = lines.line(south)
    path = f"/peer/agreements/{_uuid(lines)}/log/cosignature"

    def give(note: str) -> int:
        body = note.encode()
        return line.post(path, body, most=1 << 20, content_type="text/plain").status

    lines.look(south)
    with south.store.read() as tx:
        last = witnessing.witnessed_of(tx, record.origin_of(north.slug, lines.pair.agreement_id))
    assert last is not None
    assert give(last.note) == 204
    assert give(north.publish(lines.pair.agreement_id, now=lines.pair.tick())) == 422
    assert give(last.note.replace(f"\n{last.size}\n", f"\n{last.size + 1}\n")) == 422
    assert give(last.note.replace(north.slug, "east-clinic")) == 404
    assert give("nothing") == 422


def test_a_suspension_by_hand_is_not_touched(lines: Lines) -> None:
    north, south = lines.pair.north, lines.pair.south
    lines.look(south)
    signing.suspend(south, lines.pair.agreement_id, "a doubt", now=lines.pair.tick())
    for _, document in outbox.export_messages(south, now=lines.pair.tick()):
        take(north, document, now=lines.pair.tick())
    lines.pair.reconcile()
    lines.look(south)
    rewrite(north, north_log(lines))
    with pytest.raises(FoundOutError):
        lines.look(south)
    assert state(south, lines) == "suspended"


def test_a_lie_that_is_told_again_is_kept_once_in_an_hour(lines: Lines) -> None:
    north, south = lines.pair.north, lines.pair.south
    lines.look(south)
    rewrite(north, north_log(lines))
    for span in (0, MINUTE, MINUTE):
        lines.pair.tick(span)
        with pytest.raises(FoundOutError, match="two histories") as caught:
            lines.look(south)
        assert kept(south)[0].hash in caught.value.means
    assert len(kept(south)) == 1
    lines.pair.tick(61 * MINUTE)
    with pytest.raises(FoundOutError):
        lines.look(south)
    assert len(kept(south)) == 2


def test_evidence_names_the_key_it_is_about(lines: Lines) -> None:
    north, south = lines.pair.north, lines.pair.south
    lines.look(south)
    rewrite(north, north_log(lines))
    with pytest.raises(FoundOutError):
        lines.look(south)
    document = kept(south)[0].document
    with pytest.raises(ProofError, match="another key"):
        evidence.verify_evidence(document, south.card.log)
    origin = record.origin_of(north.slug, lines.pair.agreement_id)
    assert json.loads(document)["vkey"] == vkey_for(origin, north.card.log)


# --------------------------------------------------------------------------------- keys that change


def noted(home: Home, wanted: str) -> list[dict[str, Any]]:
    """What waits for the private log, of one kind."""
    with home.store.read() as tx:
        return [json.loads(text) for kind, text in private.pending(tx) if kind == wanted]


def tell(lines: Lines, home: Home) -> None:
    """Bring the partner what waits for it."""
    now = lines.pair.tick()
    for message_id, document in export_messages(home, lines.other(home).slug, now=now):
        assert receive(lines.other(home), document, now=now) == "taken"
        delivered(home, [message_id], now=now)


def test_a_change_of_the_log_key_hides_no_second_history(lines: Lines) -> None:
    north, south = lines.pair.north, lines.pair.south
    lines.publish(north)
    lines.look(south)
    before = north.card.log
    rewrite(north, north_log(lines))
    rotate(north, "log", overlap_days=0, now=lines.pair.tick())
    tell(lines, north)
    with pytest.raises(FoundOutError, match="two histories"):
        lines.look(south)
    (found,) = kept(south)
    value = json.loads(found.document)
    origin = record.origin_of(north.slug, lines.pair.agreement_id)
    assert (value["former"], value["vkey"]) == (
        vkey_for(origin, before),
        vkey_for(origin, north.card.log),
    )
    assert evidence.verify_evidence(found.document, before, north.card.log).proven
    with pytest.raises(ProofError, match="another key"):
        evidence.verify_evidence(found.document, north.card.log)


@pytest.mark.parametrize("gone", [False, True])
def test_a_log_key_that_ends_at_once_stops_nobody(wary: Lines, *, gone: bool) -> None:
    north, south = wary.pair.north, wary.pair.south
    wary.publish(north)
    wary.look(south)
    with north.store.read() as tx:
        size = logs.head(tx, committing.LOG).size
    if gone:
        revoke(north, "log", wary.pair.tick(), "lost", now=wary.pair.tick())
    else:
        rotate(north, "log", overlap_days=0, now=wary.pair.tick())
    with north.store.read() as tx:  # no card in it: its leaves all look alike
        assert logs.head(tx, committing.LOG).size == size
    tell(wary, north)
    reconcile_all(north, now=wary.pair.tick())  # a revocation suspends
    publish_grown(north, now=wary.pair.tick())
    assert publish_node(north, now=wary.pair.now)  # in the same turn
    wary.look(south)
    wary.publish(north)
    wary.look(south)
    assert kept(south) == []
    assert noted(south, "bad-proof") == []


def test_a_witness_cosigns_on_with_its_new_key(lines: Lines) -> None:
    north, south = lines.pair.north, lines.pair.south
    lines.publish(north)
    lines.look(south)
    old = south.card.witness
    rotate(south, "witness", overlap_days=1, now=lines.pair.tick())
    assert south.witness.ever == (old, south.card.witness)
    lines.publish(north)
    assert "POST cosignature 422" in lines.look(south).asked  # it does not know the key yet
    tell(lines, south)
    lines.publish(north)
    assert "POST cosignature 204" in lines.look(south).asked
    with north.store.read() as tx:
        (given,) = witnessing.cosignatures(tx, committing.LOG)
        signed = logs.last_checkpoint(tx, committing.LOG)
        assert signed is not None
        note = tiles.cosigned_note(tx, committing.LOG, signed, None)
    assert given.size == signed.size
    assert cosigned_at(note, south.card.witness) is not None
    assert cosigned_at(note, old) is None
