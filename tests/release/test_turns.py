"""Agreements that take their turn together end as if each had taken its own."""

import shutil
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from bench import corpus
from bench.agreements import agree
from tearline.agreement.home import Home, create_home, open_home
from tearline.release import arrive, reconcile, replay
from tearline.release.arrive import Annotation
from tearline.release.facts import Known
from tearline.release.indexing import index
from tearline.release.plan import plan
from tearline.release.planned import Ground, Planned
from tearline.stix.objects import read
from tearline.stix.timestamp import parse_timestamp
from tearline.store import releases
from tearline.store.aliases import alias
from tearline.store.logs import log_leaf, log_record
from tearline.store.private import private_pending
from tearline.store.releases import decision, head, release

_NOW = parse_timestamp("2026-03-01T00:00:00Z")
_AGREEMENTS = corpus.FAMILIES + 5
"""Five pairs are about one family each, and decide the same objects."""


def arrived(home: Home, number: int, start: int) -> None:
    found = [index(read(each)) for each in islice(corpus.objects(start), number)]
    arrive.arrive(home, found, source="test", annotation=Annotation(0, None), now=_NOW)


def before_a_turn(folder: Path, agreements: int, number: int) -> Home:
    """A home that has decided something, and has so many new objects to decide."""
    home = create_home(folder, "North", None, now=_NOW)
    agree(home, agreements)
    arrived(home, corpus.CAST + 40, 0)
    reconcile.reconcile_all(home, now=_NOW)
    arrived(home, number, 300)
    return home


def state(home: Home) -> dict[str, list[Any]]:
    """All that was decided, released and logged, but for salts and the order of the agreements."""
    with home.store.read() as tx:
        found = {
            table.name: sorted(tuple(row) for row in tx.execute(select(table)))
            for table in (decision, release, head, alias)
        }
        records = select(*(log_record.c[name] for name in ("log", "idx", "item", "record")))
        found["records"] = sorted(tuple(row) for row in tx.execute(records))
        leaves = select(log_leaf.c.log, log_leaf.c.idx)
        found["leaves"] = sorted(tuple(row) for row in tx.execute(leaves))
        lines = select(private_pending.c.kind, private_pending.c.record)
        found["private"] = sorted(tuple(row) for row in tx.execute(lines))
    return found


def test_a_turn_of_many_is_as_many_turns_of_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TEARLINE_STORE", raising=False)
    before_a_turn(tmp_path / "together", _AGREEMENTS, 260).store.close()
    shutil.copytree(tmp_path / "together", tmp_path / "apart")
    together, apart = open_home(tmp_path / "together"), open_home(tmp_path / "apart")
    done = reconcile.reconcile_all(together, now=_NOW + 1)
    monkeypatch.setattr(reconcile, "_AT_ONCE", 0)
    assert done == reconcile.reconcile_all(apart, now=_NOW + 1)
    assert sum(each.released for each in done.values()) > _AGREEMENTS
    assert state(together) == state(apart)
    assert replay.replay(together).differing == ()
    for each in (together, apart):
        each.store.close()


def test_what_was_decided_together_stands_when_everything_is_decided_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TEARLINE_STORE", raising=False)
    home = before_a_turn(tmp_path / "home", 3, 400)
    for each in reconcile.reconcile_all(home, now=_NOW + 1):
        again = reconcile.reconcile(home, each, now=_NOW + 1, whole=True)
        assert (again.released, again.withdrawn) == (0, 0)
    home.store.close()


def test_a_fault_under_one_agreement_holds_up_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TEARLINE_STORE", raising=False)
    home = before_a_turn(tmp_path / "home", 4, 400)
    before = heads(home)
    broken = sorted(before)[1]

    def plan_or_break(known: Known, on: Ground, *rest: Any, **more: Any) -> dict[str, Planned]:  # noqa: ANN401
        if on.agreement_id == broken:
            raise ZeroDivisionError
        return plan(known, on, *rest, **more)

    with monkeypatch.context() as patch:
        patch.setattr(reconcile, "plan", plan_or_break)
        with pytest.raises(ZeroDivisionError):
            reconcile.reconcile_all(home, now=_NOW + 1)
    after = heads(home)
    assert [each for each in after if after[each] == before[each]] == [broken]
    assert set(reconcile.reconcile_all(home, now=_NOW + 2)) == {broken}
    assert replay.replay(home).differing == ()
    home.store.close()


def heads(home: Home) -> dict[str, int]:
    with home.store.read() as tx:
        return {each.agreement_id: each.position for each in releases.heads(tx)}
