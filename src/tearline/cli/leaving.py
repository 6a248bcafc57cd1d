"""The end with a partner as a list to tick off, and its certificates and receipts as files."""

from pathlib import Path
from typing import Any

from tearline.cli.options import write_bytes
from tearline.cli.terminal import Part, Table, count
from tearline.release.leaving import Leaving
from tearline.stix.canonical import canonical

_TICK = {True: "done", False: "open"}


def leaving_value(each: Leaving) -> dict[str, Any]:
    """Return one agreement's end as JSON."""
    states = [recall.state for recall in each.recalled]
    return {
        "agreement": each.agreement_id,
        "title": each.title,
        "state": each.state,
        "done": each.is_done,
        "live": each.live,
        "recalls": {name: states.count(name) for name in sorted(set(states))},
        "held": each.held,
        "may_keep": each.keeps,
        "undelivered": each.undelivered,
        "receipts": len(each.receipts),
        "certificates": {
            "ours": each.certificate is not None,
            "theirs": each.their_certificate is not None,
            "lacking": list(each.lacks),
        },
    }


def leaving_parts(each: Leaving) -> list[Part]:
    """Return it for people: what is done, what is open, and what to do."""
    id_ = each.agreement_id.rpartition(":")[2][:8]
    kept = " (the agreement lets each side keep it)" if each.keeps else ""
    plain = sum(recall.state == "unconfirmable" for recall in each.recalled)
    rows = [
        (
            _TICK[each.has_ended],
            f"the agreement is {each.state}",
            f'tearline agreement terminate {id_} --reason "…"',
        ),
        (
            _TICK[not each.live],
            f"they can still read {count(each.live, 'object')}",
            "a running node withdraws them at the end",
        ),
        (
            _TICK[not each.open_recalls],
            f"{count(each.open_recalls, 'recall')} without their receipt",
            "tearline sync, then ask them",
        ),
        (
            _TICK[each.keeps or not each.held],
            f"we still hold {count(each.held, 'object')} of theirs{kept}",
            "tearline sync takes their withdrawals",
        ),
        *_certificate_rows(each),
        (
            _TICK[not each.undelivered],
            f"{count(each.undelivered, 'message')} not delivered",
            "tearline sync",
        ),
    ]
    shown = [(tick, what, "" if tick == "done" else do) for tick, what, do in rows]
    lines: list[Part] = [f"“{each.title}”:", Table(("", "what", "to do"), shown)]
    if plain:
        lines.append(f"{count(plain, 'recall')} unconfirmable: tell them yourself.")
    return [*lines, f"{count(len(each.receipts), 'receipt')} of theirs for recalls."]


def _certificate_rows(each: Leaving) -> list[tuple[str, str, str]]:
    """Say of each side whether it stated that it holds nothing more; nothing where both may."""
    if each.keeps or not each.has_ended:
        return []
    said = {"ours": each.certificate, "theirs": each.their_certificate}
    doing = {"ours": "tearline sync, then this again", "theirs": "tearline sync, then ask them"}
    whose = {"ours": "our certificate", "theirs": "their certificate"}
    return [
        (_TICK[side not in each.lacks], f"{whose[side]} that nothing is left", doing[side])
        for side in said
        if said[side] is not None or side in each.lacks
    ]


def write_receipts(folder: Path, found: list[Leaving]) -> list[str]:
    """Write certificates and receipts, one file each; returns the names.

    Each is checked with its owner's key alone. MisuseError when they cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    names = []
    for each in found:
        start = each.agreement_id.rpartition(":")[2][:8]
        files = {f"{number}.receipt": text for number, text in enumerate(each.receipts, 1)}
        if each.their_certificate is not None:
            files["theirs.certificate"] = each.their_certificate
        if each.certificate is not None:
            files["ours.certificate"] = canonical(each.certificate).decode()
        for name, text in files.items():
            path = folder / f"{start}-{name}.json"
            write_bytes(path, text.encode())
            names.append(str(path))
    return names
