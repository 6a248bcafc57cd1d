"""Our copy of a partner's log takes only what fits what they signed before."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tearline.errors import MisuseError, ProofError
from tearline.log import mirror, record, tree
from tearline.log.mirror import SplitViewError
from tearline.log.receipt import verify_receipt
from tearline.log.verify import Opening, verify_folder
from tearline.store import logs
from tearline.store.database import Store
from tests.log.made_log import (
    COPY,
    KEY,
    LOG,
    NOW,
    ORIGIN,
    OTHER_KEY,
    VKEY,
    append,
    entry,
    folder_of,
    made_store,
    note,
    publish,
    release,
)

ENTRIES = [entry(number) for number in range(700)]


def _note(size: int, entries: list[bytes] = ENTRIES, **options: Any) -> str:  # noqa: ANN401
    return note([tree.leaf_hash(one) for one in entries[:size]], **options)


def _extend(store: Store, signed: str, entries: list[bytes], log: str = COPY) -> int:
    with store.write() as tx:
        return mirror.extend(tx, log, signed, entries, origin=ORIGIN, vkey=VKEY, at=NOW)


def _size(store: Store) -> int:
    with store.read() as tx:
        return logs.head(tx, COPY).size


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with made_store(tmp_path / "copy.db") as store:
        yield store


@pytest.fixture
def partner(tmp_path: Path) -> Iterator[Store]:
    with made_store(tmp_path / "partner.db") as store:
        yield store


def test_a_copy_grows_step_by_step_and_is_the_log(store: Store, tmp_path: Path) -> None:
    have = 0
    for size in (0, 1, 1, 256, 300, 700, 700):
        assert _extend(store, _note(size), ENTRIES[have:size]) == size
        have = size
    verdict = verify_folder(folder_of(store, tmp_path / "log", log=COPY), VKEY)
    assert (verdict.problems, verdict.size) == ([], 700)


@pytest.mark.parametrize(
    "entries",
    [
        ENTRIES[10:19],
        ENTRIES[10:21],
        [],
        ENTRIES[9:19],
        [ENTRIES[11], ENTRIES[10], *ENTRIES[12:20]],
        [*ENTRIES[10:19], entry(10**9)],
        [*ENTRIES[10:19], b"x" * 65_536],
    ],
)
def test_entries_that_are_not_those_signed_are_refused(store: Store, entries: list[bytes]) -> None:
    _extend(store, _note(10), ENTRIES[:10])
    with pytest.raises(ProofError):
        _extend(store, _note(20), entries)
    assert _size(store) == 10
    assert _extend(store, _note(20), ENTRIES[10:20]) == 20


def test_an_entry_too_long_for_a_bundle_is_refused_though_signed(store: Store) -> None:
    entries = [b"x" * 65_536]
    with pytest.raises(ProofError):
        _extend(store, _note(1, entries), entries)


def test_a_history_that_changed_below_does_not_fit(store: Store) -> None:
    _extend(store, _note(300), ENTRIES[:300])
    forked = [*ENTRIES[:17], entry(10**9), *ENTRIES[18:]]
    with pytest.raises(ProofError, match="not those its checkpoint"):
        _extend(store, _note(310, forked), forked[300:310])
    assert _size(store) == 300


def test_two_signed_histories_are_kept_as_evidence(store: Store) -> None:
    _extend(store, _note(300), ENTRIES[:300])
    forked = [*ENTRIES[:17], entry(10**9), *ENTRIES[18:]]
    for size in (300, 200):
        with pytest.raises(SplitViewError) as caught:
            _extend(store, _note(size, forked), [])
        assert caught.value.notes == (_note(300), _note(size, forked))


def test_an_older_checkpoint_is_refused_but_is_no_fork(store: Store) -> None:
    _extend(store, _note(300), ENTRIES[:300])
    with pytest.raises(ProofError, match="after one of 300") as caught:
        _extend(store, _note(200), [])
    assert not isinstance(caught.value, SplitViewError)


def test_only_the_partners_signature_over_the_partners_log_counts(store: Store) -> None:
    for signed in (_note(5, key=OTHER_KEY), _note(5, origin="north/log/private")):
        with pytest.raises(ProofError):
            _extend(store, signed, ENTRIES[:5])
    with pytest.raises(MisuseError):
        _extend(store, _note(5), ENTRIES[:5], log=LOG)


def _copied(partner: Store, store: Store) -> list[Opening]:
    append(partner, 5, items=3)
    signed = publish(partner)
    with partner.read() as tx:
        entries = logs.leaves(tx, LOG, 0, 5)
        openings = [Opening(*row) for row in logs.records_after(tx, LOG, -1)]
    _extend(store, signed, entries)
    return openings


def test_opened_leaves_give_receipts_from_the_copy(partner: Store, store: Store) -> None:
    openings = _copied(partner, store)
    with store.write() as tx:
        assert mirror.open_leaves(tx, COPY, openings) == 15
        assert mirror.open_leaves(tx, COPY, openings[3:6]) == 3
    with store.read() as tx:
        receipt = record.receipt(tx, COPY, 4, 2, origin=ORIGIN, vkey=VKEY)
        assert len(logs.records_after(tx, COPY, -1)) == 15
    assert verify_receipt(receipt, VKEY) == release(14)


def test_openings_that_do_not_open_are_refused(partner: Store, store: Store) -> None:
    good = _copied(partner, store)
    one = good[1]
    for openings in (
        good[:2],
        [good[0], good[2], good[1]],
        [good[0], one._replace(record=b"{}"), good[2]],
        [good[0], one._replace(salt=bytes(32)), good[2]],
        [opening._replace(leaf=3) for opening in good[:3]],
        [opening._replace(leaf=5) for opening in good[:3]],
    ):
        with pytest.raises(ProofError), store.write() as tx:
            mirror.open_leaves(tx, COPY, openings)
    with store.read() as tx:
        assert logs.records_after(tx, COPY, -1) == []


def test_a_partner_who_restored_a_backup_is_noticed(partner: Store, store: Store) -> None:
    """Their guard would have stopped them; here they sign without one, from an emptied store."""
    _copied(partner, store)
    with partner.write() as tx:
        for table in ("log_head", "log_leaf", "log_record", "log_checkpoint"):
            tx.exec_driver_sql(f"DELETE FROM {table}")
    append(partner, 5)
    signed = record.publish(partner, LOG, ORIGIN, KEY, now=NOW)
    with pytest.raises(SplitViewError):
        _extend(store, signed, [])
