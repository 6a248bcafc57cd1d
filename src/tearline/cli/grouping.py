"""Groups as values, lines and tables, and what follows an act on one."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import typer

from tearline.agreement.drafting import Draft, read_draft
from tearline.agreement.groups import Group, Member, Offer
from tearline.agreement.home import Home
from tearline.cli import afterwards
from tearline.cli.mail import export_pending
from tearline.cli.options import read_bytes
from tearline.cli.readings import described
from tearline.cli.terminal import Part, Table, answer, count, moment, stamp
from tearline.errors import InputError

_AT_ONCE = 8
"""Members whose nodes are called at once: one that does not answer holds up few others."""
_ANSWERS = {
    "signed": "signed",
    "proposed": "asked",
    "rejected": "said no",
    "withdrawn": "taken back",
    "unasked": "not asked yet",
    "ended": "out",
}


def text_of(path: Path) -> str:
    """Return the text of a file; InputError when it is not UTF-8."""
    try:
        return read_bytes(path).decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError(
            "The file is not UTF-8.", place=str(path), do="Save it as UTF-8."
        ) from error


def read_template(path: Path) -> Draft:
    """Return the template in a file; InputError names the file and the place."""
    try:
        return read_draft(text_of(path))
    except InputError as error:
        place = f"{path}: {error.place}" if error.place else str(path)
        raise InputError(error.what, place=place, means=error.means, do=error.do) from error


def draft_value(found: Draft) -> dict[str, Any]:
    """Return a template as JSON."""
    return {
        "title": found.terms.title,
        "template": found.hash,
        "sentences": found.sentences,
        "warnings": found.warnings,
    }


def draft_parts(found: Draft) -> list[Part]:
    """Return a template for people: its text in English, warnings, hash."""
    warned = [f"Warning: {each}" for each in found.warnings]
    return [*found.sentences, *warned, f"Template: {found.hash}"]


def group_value(found: Group) -> dict[str, Any]:
    """Return a group as JSON."""
    return {
        "group": found.name,
        "title": found.draft.terms.title,
        "template": found.editions[-1].hash,
        "edition": found.editions[-1].edition,
        "editions": [
            {"edition": each.edition, "template": each.hash, "at": stamp(each.at)}
            for each in found.editions
        ],
        "members": [_member_value(each) for each in found.members],
        "counts": _counted(found),
    }


def group_parts(found: Group) -> list[Part]:
    """Return a group for people: what it is, who answered what, its text."""
    newest = found.editions[-1]
    rows = [
        (
            each.party,
            each.said,
            moment(each.at),
            _runs(each),
            each.reason or "",
            each.agreement_id.removeprefix("urn:uuid:"),
        )
        for each in found.members
    ]
    return [
        f"{found.name}: {found.draft.terms.title}",
        f"Edition {newest.edition} of its text, since {moment(newest.at)}: {newest.hash}",
        _summary(found),
        Table(("member", "answer", "since", "runs on", "reason", "agreement"), rows),
        *found.draft.sentences,
    ]


def groups_parts(found: list[Group]) -> list[Part]:
    """Return all groups for people."""
    rows = [
        (
            each.name,
            each.draft.terms.title,
            each.editions[-1].edition,
            len(each.members) - _counted(each)["ended"],
            _counted(each)["signed"],
        )
        for each in found
    ]
    table = Table(("group", "title", "edition", "members", "signed it"), rows)
    return [table, *([] if found else ["No groups yet."])]


def show_offers(
    home: Home, name: str, done: list[Offer], out: Path | None, *, as_json: bool
) -> None:
    """Let releases follow what was done, tell the members, and show it all; exit 1 on a problem."""
    followed = afterwards.reconcile(home)
    told = [each.party for each in done if each.version is not None]
    carried = _carry(home, told, out)
    value = {
        "group": name,
        "members": [_offer_value(each) | {"delivery": carried.get(each.party)} for each in done],
        **followed,
    }
    lines: list[str] = []
    for each in done:
        lines += _offer_lines(each)
        lines += [f"  {line}" for line in _carried_lines(carried.get(each.party))]
    answer(
        as_json,
        value,
        *(lines or ["Nobody had to be asked."]),
        *afterwards.reconcile_lines(followed),
    )
    if any(each.problem for each in done):
        raise typer.Exit(1)


def _carry(home: Home, members: list[str], out: Path | None) -> dict[str, dict[str, Any]]:
    """Bring each member what waits for it: into a file of its own, else to its node."""
    if out is not None:
        files = [each for member in members for each in export_pending(home, member, out)]
        return {each["party"]: {"by": "file", **each} for each in files}
    with ThreadPoolExecutor(_AT_ONCE, "tearline-carry") as pool:
        done = pool.map(lambda member: afterwards.carry(home, member, None), members)
        return dict(zip(members, done, strict=True))


def _carried_lines(carried: dict[str, Any] | None) -> list[str]:
    if carried is None:
        return []
    if carried["by"] == "file":
        return [f"Wrote {count(carried['messages'], 'message')} to {carried['file']}."]
    return afterwards.carry_lines(carried)


def _offer_lines(each: Offer) -> list[str]:
    if each.problem is not None:
        return [f"{each.party}: {each.problem}"]
    version = each.version
    if version is None:
        return []
    state = version.state if each.done else f"{version.state} already"
    return [f"{each.party}: version {version.version} of {version.agreement_id} is {state}."]


def _offer_value(each: Offer) -> dict[str, Any]:
    problem = each.problem
    return {
        "party": each.party,
        "done": each.done,
        **(described(each.version) if each.version else {}),
        "problem": (
            {"what": problem.what, "means": problem.means, "do": problem.do} if problem else None
        ),
    }


def _member_value(each: Member) -> dict[str, Any]:
    return {
        "party": each.party,
        "name": each.name,
        "agreement": each.agreement_id,
        "answer": each.said,
        "at": stamp(each.at),
        "reason": each.reason,
        "version": each.version,
        "edition": each.edition,
        "runs": each.runs,
        "runs_edition": each.runs_edition,
        "state": each.state,
    }


def _runs(each: Member) -> str:
    if each.runs is None:
        return f"nothing ({each.state})"
    text = f"edition {each.runs_edition}" if each.runs_edition else "a text of its own"
    return f"version {each.runs}, {text} ({each.state})"


def _counted(found: Group) -> dict[str, int]:
    counts = Counter(each.said for each in found.members)
    return {each: counts[each] for each in _ANSWERS}  # type: ignore[index]  # its keys are `Said`


def _summary(found: Group) -> str:
    said = [f"{number} {_ANSWERS[each]}" for each, number in _counted(found).items() if number]
    return (
        f"Of {count(len(found.members), 'member')}: {', '.join(said)}." if said else "No members."
    )
