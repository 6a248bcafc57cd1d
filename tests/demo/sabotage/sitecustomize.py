"""Switches off one safeguard in every process of the demo but the judge, as DEMO_SABOTAGE says.

Python imports it when it starts, because this folder is on PYTHONPATH. What it changes is imported
only there, so that the judge still shares nothing with the code that it judges.
"""
# ruff: noqa: PLC0415

import os
import sys
from collections.abc import Mapping, Sequence


def about() -> None:
    """Every tool and every actor counts as about the topic; more would only take longer."""
    from collections.abc import Collection

    from tearline.release import plan, preview
    from tearline.release.batch import Batch, Paths
    from tearline.topics.about import Path

    honest = Batch.paths
    # What SQL does not propose would not be asked for paths.
    plan.proposed = lambda *_: None  # type: ignore[attr-defined]
    preview.reached = lambda *_: None  # type: ignore[attr-defined]

    def paths(self: Batch, ids: Collection[str]) -> dict[str, Paths]:
        found = honest(self, ids)
        for each in ids:
            if each.startswith(("tool--", "threat-actor--")):
                found[each].open.setdefault("N1", Path("name:wizard spider", (each,)))
        return found

    Batch.paths = paths  # type: ignore[method-assign]


def ceiling() -> None:
    """No marking is too high."""
    from tearline.release import decide, reasons

    honest = decide._judge  # noqa: SLF001
    decide._judge = lambda *of: honest(*of) & ~reasons.MARKING_ABOVE  # noqa: SLF001


def inbound() -> None:
    """The receiver takes whatever comes with a slip."""
    from tearline.agreement.force import InForce
    from tearline.release import inbound as door
    from tearline.release.judge import Candidate, Judged, judge, slip_of
    from tearline.release.slips import Story
    from tearline.stix.objects import read
    from tearline.store.database import Tx
    from tearline.store.received import Received

    def take(
        tx: Tx,
        bound: InForce | None,
        staged: Sequence[Received],
        told: Story,
        *,
        more_comes: bool,
        now: int,
    ) -> Judged:
        found = judge(tx, bound, staged, told, more_comes=more_comes, now=now)
        taken = list(found.candidates)
        for row, _ in found.turned_away:
            slip = slip_of(row, told)
            if slip is not None:
                taken.append(Candidate(row, slip, read(row.raw or b"")))
        return Judged(taken, [], [])

    door.judge = take  # type: ignore[attr-defined]


def leaf() -> None:
    """One release is left out of the log."""
    from tearline.log import record

    honest = record.entry

    def entry(
        log: str, kind: str, records: Sequence[Mapping[str, object]], agreement: str | None
    ) -> record.Entry:
        fewer = records[:-1] if kind == "release" and len(records) > 1 else records
        return honest(log, kind, fewer, agreement)

    record.entry = entry


def approvals() -> None:
    """One person is enough, whatever the clause says."""
    from tearline.release import decide

    decide._approved = lambda clause, facts: bool(facts.approvals)  # noqa: ARG005, SLF001


def certificate() -> None:
    """The receiver certifies one release fewer than it was given, and the giver takes it."""
    from tearline.release import certifying

    honest = certifying._gone  # noqa: SLF001
    certifying._gone = lambda *of: dict(list(honest(*of).items())[1:])  # noqa: SLF001
    certifying.covers = lambda *_: True


def fewer() -> None:
    """Half of what North imports: nothing that a switched-off safeguard shows is of the rest."""
    from tearline.cli.demo import data

    few = tuple(each for each in data.GALAXIES if each != "mitre-attack-pattern")
    data.GALAXIES = few  # type: ignore[assignment]


_SWITCHES = {
    "about": about,
    "approvals": approvals,
    "ceiling": ceiling,
    "certificate": certificate,
    "inbound": inbound,
    "leaf": leaf,
}

if "--once" in sys.orig_argv:
    fewer()
if "tearline.cli.demo.judge" not in sys.orig_argv and os.environ.get("DEMO_SABOTAGE"):
    _SWITCHES[os.environ["DEMO_SABOTAGE"]]()
