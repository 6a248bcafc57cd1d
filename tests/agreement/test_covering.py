"""What a revoked key signed is judged by when others had seen it, not by a word of its holder."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tearline.agreement import signing
from tearline.agreement.home import Home
from tearline.agreement.receiving import receive
from tearline.agreement.renewing import revoke
from tearline.exchange.cosigned import take_back
from tearline.log import checkpoint, committing, record
from tearline.log.checkpoint import COSIGNATURE, cosign, text_of
from tearline.node.publisher import publish_node
from tearline.store import agreements, logs, witnessing
from tests.agreement.sides import ID, NOW, Sides, carry, new_sides, outgoing, states, terms

SECOND = 1_000_000
WITNESS = Ed25519PrivateKey.from_private_bytes(b"\5" * 32)
VKEY = checkpoint.vkey("east/witness", WITNESS.public_key().public_bytes_raw(), COSIGNATURE)
OURS = record.our_log(ID)


@pytest.fixture
def active(tmp_path: Path) -> Sides:
    """Two sides with an agreement in force; East cosigned all that South had logged by then."""
    sides = new_sides(tmp_path)
    signing.propose(sides.north, terms(sides), now=NOW)
    carry(sides)
    signing.countersign(sides.south, ID, now=NOW)
    carry(sides)
    return sides


def seen(home: Home, log: str, at: int, *, written: int | None = None) -> None:
    """East cosigns the head of a log, at a moment; it may write another one."""
    if log == committing.LOG:
        publish_node(home, now=at)
    else:
        home.publish(ID, now=at)
    with home.store.write() as tx:
        signed = logs.last_checkpoint(tx, log)
        assert signed is not None
        moment = (at if written is None else written) // SECOND
        line = cosign(text_of(signed.note), "east/witness", WITNESS, at_s=moment)
        take_back(tx, log, signed.note + line, (VKEY,), now=at)


def said(sides: Sides, at: int) -> None:
    """North says something, and South logs it at once."""
    signing.suspend(sides.north, ID, "Said by whoever has the key.", now=at)
    carry(sides, now=at)
    assert set(states(sides.south).values()) == {"suspended"}


def voided(sides: Sides, since: int, now: int) -> bool:
    """Whether what was said falls away when the key is revoked as of a moment."""
    revoke(sides.north, "sign", since, "A laptop was stolen.", now=now)
    card = outgoing(sides.north, now=now)[0]
    assert receive(sides.south, card, now=now) == "taken"
    with sides.south.store.read() as tx:
        theirs = [row for row in agreements.statements(tx, ID) if not row.ours]
    # Only what was said is in question: what was agreed had been seen before.
    assert not any(row.void for row in theirs[:-1])
    return theirs[-1].void


def test_where_nobody_witnesses_our_log_our_own_moment_counts(active: Sides) -> None:
    said(active, NOW + 10 * SECOND)
    assert not voided(active, NOW + 11 * SECOND, NOW + 99 * SECOND)


@pytest.mark.parametrize("log", [OURS, committing.LOG])
@pytest.mark.parametrize(("cosigned", "stands"), [(20, True), (40, False), (None, False)])
def test_a_cosignature_before_the_moment_lets_it_stand(
    active: Sides, log: str, cosigned: int | None, *, stands: bool
) -> None:
    seen(active.south, OURS, NOW + SECOND)
    said(active, NOW + 70 * SECOND)
    if cosigned is not None:
        active.south.publish(ID, now=NOW + 71 * SECOND)
        seen(active.south, log, NOW + (100 + cosigned) * SECOND)
    assert voided(active, NOW + 130 * SECOND, NOW + 199 * SECOND) is not stands


def test_no_witness_brings_a_moment_forward(active: Sides) -> None:
    seen(active.south, OURS, NOW + SECOND)
    said(active, NOW + 30 * SECOND)
    seen(active.south, OURS, NOW + 31 * SECOND, written=NOW + 5 * SECOND)
    assert voided(active, NOW + 20 * SECOND, NOW + 99 * SECOND)


def test_a_later_cosignature_takes_nothing_back(active: Sides) -> None:
    said(active, NOW + 10 * SECOND)
    for second in (20, 40):
        seen(active.south, OURS, NOW + second * SECOND)
    with active.south.store.read() as tx:
        assert len(witnessing.covers(tx, OURS)) == 1
    assert not voided(active, NOW + 30 * SECOND, NOW + 99 * SECOND)
