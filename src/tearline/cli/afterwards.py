"""What follows an act on an agreement: releases follow at once, and the partner is told if it can.

By network when the partner's card names an address; else, or with `--out`, by file: one signed
message on each line, in order, which the partner takes with `tearline agreement receive`.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from tearline import clock
from tearline.agreement.home import Home
from tearline.agreement.outbox import export_messages
from tearline.cli.mail import Received
from tearline.cli.options import write_bytes
from tearline.cli.readings import all_agreements, described
from tearline.cli.terminal import answer, count
from tearline.errors import PartnerError, RefusedError
from tearline.release.reconcile import NOTHING, reconcile_all
from tearline.store.agreements import Version


def show(
    home: Home,
    done: list[Version],
    line: str,
    out: Path | None,
    *,
    as_json: bool,
    cautions: Sequence[str] = (),
) -> None:
    """Let releases follow an act on these versions, tell the partner, and show it all."""
    followed = reconcile(home)
    carried = carry(home, done[0].partner, out) if not done[0].one_sided else {}
    value = described(done[-1]) | {"versions": [each.version for each in done]}
    warned = [f"Warning: {each}" for each in cautions]
    lines = [line, *warned, *reconcile_lines(followed), *carry_lines(carried)]
    answer(as_json, value | followed | {"delivery": carried or None}, *lines)


def reconcile(home: Home, ended: Mapping[str, int] = MappingProxyType({})) -> dict[str, Any]:
    """Let what is released follow what changed; return it by agreement.

    `ended` says how many releases the act itself withdrew already under each.
    """
    done = reconcile_all(home, now=clock.now())
    every = {each: done.get(each, NOTHING) for each in (*done, *ended)}
    return {
        "reconciled": {
            each: its._replace(withdrawn=its.withdrawn + ended.get(each, 0))._asdict()
            for each, its in every.items()
        }
    }


def reconcile_lines(followed: Mapping[str, Any]) -> list[str]:
    """Say what became of releases."""
    return [
        f"Under {agreement}: {count(done['released'], 'release')}, "
        f"{count(done['withdrawn'], 'withdrawal')}."
        for agreement, done in followed["reconciled"].items()
        if done["released"] or done["withdrawn"]
    ]


def carry(home: Home, partner: str, out: Path | None) -> dict[str, Any]:
    """Bring a partner what waits for it: into a file if one is named, else to its node."""
    from tearline.exchange import peer

    taken, refused, problem, way = 0, [], None, None
    if out is not None:
        messages = export_messages(home, partner, now=clock.now())
        write_bytes(out, b"".join(document + b"\n" for _, document in messages))
        return {
            "by": "file",
            "file": str(out),
            "messages": len(messages),
            "taken": 0,
            "refused": [],
            "pending": len(messages),
            "problem": None,
        }
    try:
        done = peer.deliver(home, partner, now=clock.now())
        taken, refused, way = done.taken, [each._asdict() for each in done.refused], "network"
    except RefusedError as error:
        problem = error.what
    except PartnerError as error:
        problem, way = error.what, "network"
    pending = len(export_messages(home, partner, now=clock.now()))
    return {
        "by": way,
        "file": None,
        "messages": taken + pending,
        "taken": taken,
        "refused": refused,
        "pending": pending,
        "problem": problem,
    }


def carry_lines(carried: dict[str, Any]) -> list[str]:
    """Say honestly whether the partner has it, and else how to bring it."""
    if not carried:
        return ["The receiver has no node: tell it yourself."]
    if carried["by"] == "file":
        wrote = f"Wrote {count(carried['messages'], 'message')} to {carried['file']}."
        return [wrote, "The partner takes them with `tearline agreement receive FILE`."]
    lines = []
    if carried["taken"]:
        lines.append(f"The partner's node took {count(carried['taken'], 'message')}.")
    lines += [f"It refused a {each['kind']}: {each['reason']}" for each in carried["refused"]]
    if carried["problem"]:
        lines.append(carried["problem"])
    if carried["pending"]:
        waiting = count(carried["pending"], "message")
        lines.append(
            f"{waiting} not delivered: run `tearline sync`, or carry by file what "
            "`tearline agreement export` writes."
        )
    return lines or ["The partner's node has every message already."]


def show_received(home: Home, taken: list[Received], out: Path | None, *, as_json: bool) -> None:
    """Let releases follow what was taken, answer the partners, and show it all."""
    followed = reconcile(home)
    senders = sorted({each.sender for each in taken if each.sender})
    carried = [{"party": each} | carry(home, each, out) for each in senders]
    states = [
        f"{each['title']}: {each['state']} (version {each['version']}, with {each['party']})"
        for each in all_agreements(home)
        if each["party"] in senders
    ]
    lines = [
        f"A message was refused: {each.problem}"
        if each.problem
        else f"{each.kind} from {each.sender}: {each.outcome}."
        for each in taken
    ]
    lines += [*states, *reconcile_lines(followed)]
    for each in carried:
        lines += carry_lines(each) if each["messages"] else []
    value = {"messages": [each._asdict() for each in taken], **followed, "delivery": carried}
    answer(as_json, value, *lines)
