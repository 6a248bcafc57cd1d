"""Put statements of either side into the store and our log, and fold what follows from them.

Every function takes the caller's transaction: the statement, its leaf, the state that follows and
the message that carries it are durable together or not at all.
"""

from typing import Any

from tearline.agreement import jws
from tearline.agreement.home import Home
from tearline.agreement.state import (
    ENDED,
    State,
    Statement,
    Step,
    check_step,
    fold,
    parse_statement,
    statement_bytes,
)
from tearline.log import record
from tearline.log.verify import parse_leaf
from tearline.stix import canonical
from tearline.stix.timestamp import format_timestamp, parse_timestamp
from tearline.store import agreements, logs
from tearline.store.agreements import StatementRow, Version
from tearline.store.database import Tx


def held(tx: Tx, agreement_id: str) -> list[Statement]:
    """Return the statements of both sides about an agreement that count."""
    rows = agreements.statements(tx, agreement_id)
    return [parse_statement(row.body) for row in rows if not row.void]


def state_of(tx: Tx, version: Version) -> State:
    """Return the state of a version, folded from its statements now."""
    return fold(held(tx, version.agreement_id), version.hash, one_sided=version.one_sided)


def issue(
    tx: Tx,
    home: Home,
    version: Version,
    step: Step,
    *,
    now: int,
    reason: str | None = None,
    proof: str | None = None,
) -> StatementRow:
    """Make, sign and log a statement of ours; RefusedError when the state does not allow it."""
    last = agreements.last_statement(tx, version.agreement_id, ours=True)
    seen = agreements.last_statement(tx, version.agreement_id, ours=False)
    statement = Statement(
        id=version.agreement_id,
        agreement=version.hash,
        step=step,
        previous=last.hash if last else None,
        seen=seen.hash if seen else None,
        by=version.our_slot,
        at=format_timestamp(now, digits=6),
        reason=reason,
        proof=proof,
    )
    body = statement_bytes(statement)
    parse_statement(body)
    check_step(held(tx, version.agreement_id), statement, one_sided=version.one_sided)
    return keep(tx, statement, home.sign(body), ours=True, now=now)


def keep(tx: Tx, statement: Statement, signed: jws.Signed, *, ours: bool, now: int) -> StatementRow:
    """Add a checked statement to its side's chain and to our log, and refresh the states."""
    last = agreements.last_statement(tx, statement.id, ours=ours)
    row = StatementRow(
        hash=canonical.sha256(signed.body),
        agreement_id=statement.id,
        agreement=statement.agreement,
        ours=ours,
        place=last.place + 1 if last else 0,
        body=signed.body,
        signed=jws.dump(signed),
        at=parse_timestamp(statement.at),
        leaf=record.append(
            tx,
            record.our_log(statement.id),
            "statement",
            [log_record(statement, signed)],
            at=now,
            agreement=statement.agreement,
        ),
    )
    agreements.add_statement(tx, row)
    refresh(tx, statement.id)
    return row


def logged_at(tx: Tx, row: StatementRow) -> int:
    """Return the moment at which we put a statement into our log."""
    leaf = logs.leaf(tx, record.our_log(row.agreement_id), row.leaf)
    return parse_timestamp(parse_leaf(leaf).at) if leaf is not None else row.at


def reclaim(tx: Tx, statement: Statement, *, now: int) -> None:
    """Make room for a partner's statement behind which a key stands that counts.

    Of those that counted for nothing, what it follows on counts again: its key answers for them.
    What it passes over is dropped; our log has it still.
    """
    void = [row for row in agreements.statements(tx, statement.id) if row.void and not row.ours]
    named = next((row.place for row in void if row.hash == statement.previous), -1)
    for row in void:
        if row.place <= named:
            agreements.set_void(tx, row.hash, void=False)
        else:
            agreements.drop_statement(tx, row.hash)
            content = {"kind": "statement-dropped", "statement": row.hash, "id": row.agreement_id}
            record.append(
                tx, record.PRIVATE, "statement-dropped", [content], at=now, agreement=None
            )


def log_record(statement: Statement, signed: jws.Signed) -> dict[str, Any]:
    """Return what both logs hold of a statement: the hash it is known by, and it itself, signed."""
    return {
        "kind": "statement",
        "agreement": statement.agreement,
        "statement": canonical.sha256(signed.body),
        "signed": jws.builtins(signed),
    }


def refresh(tx: Tx, agreement_id: str) -> None:
    """Fold the state of every version of an agreement again, and keep it beside the version.

    A version that was ever active supersedes all before it, whatever became of it since.
    """
    statements = held(tx, agreement_id)
    versions = agreements.versions(tx, agreement_id)
    states = [fold(statements, each.hash, one_sided=each.one_sided) for each in versions]
    newest = max(
        (
            version.version
            for version, state in zip(versions, states, strict=True)
            if len(state.activated_by) == (1 if version.one_sided else 2)
        ),
        default=0,
    )
    for version, state in zip(versions, states, strict=True):
        name = state.name
        if version.version < newest and name not in ENDED:
            name = "superseded"
        runs = name in {"countersigned", "active"}
        receiver = version.our_slot if version.one_sided else version.their_slot
        agreements.set_state(
            tx,
            version.hash,
            name,
            serving=runs and receiver in state.activated_by,
            accepting=runs and not version.one_sided,
        )
