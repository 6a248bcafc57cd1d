"""Claims as the verbs read and show them: plain values, and lines for people."""

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from tearline import clock
from tearline.agreement.home import Home
from tearline.cli import afterwards
from tearline.cli.options import read_bytes
from tearline.cli.terminal import Part, Table, count, joined
from tearline.errors import InputError, MisuseError
from tearline.provenance.claims import extension_of
from tearline.release.arrive import annotation_of
from tearline.stix.strict import parse_strict
from tearline.weighing import grouping, showing, telling
from tearline.weighing.showing import Brief

_DEPTH = 20
_NOBODY = "nobody named"


def chain(publisher: str | None, relays: Sequence[str], origin: str | None) -> list[dict[str, str]]:
    """Return the links that options name: each source by its id or its name."""
    steps = [("publisher", publisher), *(("relay", each) for each in relays), ("origin", origin)]
    return [
        {"role": role, "identity_ref" if each.startswith("identity--") else "name": each}
        for role, each in steps
        if each
    ]


def given(file: Path | None, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the claim of a file, or of options; MisuseError for both or neither."""
    said = {name: each for name, each in options.items() if each}
    if file is not None:
        if said.keys() - {"certainty"}:
            raise MisuseError(
                "A claim comes from a file or from options.", do="Put it all into the file."
            )
        return _read(file)
    if "abstract" not in said or "chain" not in said:
        raise MisuseError(
            "A claim says something, and somebody says it.",
            do="Name a file, or give --says with --origin or --publisher.",
        )
    links = said.pop("chain")
    polarity = "denied" if "denies_ref" in said else "asserted"
    return {**said, "polarity": polarity, "source_chain": links}


def _read(file: Path) -> dict[str, Any]:
    raw = read_bytes(file)
    if raw.lstrip()[:1] == b"{":
        found = parse_strict(raw, max_depth=_DEPTH)
    else:
        try:
            found = _plain(tomllib.loads(raw.decode()))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
            raise InputError(
                "This is neither JSON nor TOML.",
                place=f"{file}: {error}" if isinstance(error, ValueError) else str(file),
                do="See docs/claims.md for the form of a claim.",
            ) from error
    if not isinstance(found, dict):
        raise InputError("A claim is an object with names.", place=str(file))
    return found


def _plain(value: Any) -> Any:  # noqa: ANN401  # what TOML holds
    """What TOML holds, with its dates as text."""
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return value.isoformat().replace("+00:00", "Z") if hasattr(value, "isoformat") else value


def add(
    home: Home, claim: Mapping[str, Any], mark: str | None, grade: str | None
) -> dict[str, Any]:
    """Keep a claim, and let releases follow."""
    done = telling.tell(home, claim, annotation=annotation_of(mark, grade), now=clock.now())
    return {**done._asdict(), "made": list(done.made), **afterwards.reconcile(home)}


def added_parts(done: dict[str, Any]) -> list[Part]:
    """Say what was kept."""
    return [
        done["id"] if done["new"] else f"{done['id']}, unchanged.",
        *(f"New source {each}" for each in done["made"]),
        *([f"Opinion    {done['opinion']}"] if done["opinion"] else []),
        *afterwards.reconcile_lines(done),
    ]


def put_together(
    home: Home, ids: Sequence[str], labels: Sequence[str], mark: str | None
) -> dict[str, Any]:
    """Put claims into one proposition, and let releases follow."""
    note = annotation_of(mark)
    done = grouping.together(home, ids, labels=labels, annotation=note, now=clock.now())
    return {**done._asdict(), **afterwards.reconcile(home)}


def take_apart(home: Home, ids: Sequence[str]) -> dict[str, Any]:
    """Take claims out of our groupings, and let releases follow."""
    done = grouping.apart(home, ids, now=clock.now())
    return {**done._asdict(), **afterwards.reconcile(home)}


def grouped_parts(done: dict[str, Any]) -> list[Part]:
    """Say what groupings hold now."""
    lines: list[Part] = []
    for each, members in done["groupings"].items():
        held = f"holds {count(len(members), 'claim')}:" if members else "holds none and is revoked."
        lines += [f"{each} {held}", *(f"  {one}" for one in members)]
    return [*lines, *afterwards.reconcile_lines(done)]


def listing(home: Home, limit: int, report: str | None, source: str | None) -> dict[str, Any]:
    """Return claims, and the notes that are none."""
    found = showing.listed(home, limit=limit, report=report, source=source, now=clock.now())
    return {
        "number": found.number,
        "claims": [_brief(each) for each in found.claims],
        "number_wrong": found.number_wrong,
        "wrong": [each._asdict() for each in found.wrong],
        "behind": found.behind,
    }


def list_parts(found: dict[str, Any]) -> list[Part]:
    """Return a list for people."""
    rows = [
        (each["id"], each["title"], each["polarity"], each["certainty"], each["source"] or _NOBODY)
        for each in found["claims"]
    ]
    wrong = [(each["id"], each["problem"]) for each in found["wrong"]]
    more = [f"{count(found['behind'], 'object')} not looked at yet."] if found["behind"] else []
    return [
        f"{count(found['number'], 'claim')} held.",
        Table(("id", "claim", "polarity", "certainty", "origin"), rows),
        *([f"{count(found['number_wrong'], 'note')} not a claim:"] if wrong else []),
        Table(("note", "not a claim"), wrong),
        *more,
    ]


def shown(home: Home, claim_id: str) -> dict[str, Any]:
    """Return one claim with what stands around it."""
    found = showing.show(home, claim_id, now=clock.now())
    extension = extension_of(found.claim)
    links = extension.pop("source_chain")
    return {
        **_brief(found.brief),
        "content": found.content,
        "hash": found.hash,
        "lang": found.lang,
        "chain": [
            {**each, "name": found.names.get(each.get("identity_ref", ""), "")} for each in links
        ],
        "loop": list(found.loop),
        "report": found.names.get(found.claim.report_ref, ""),
        "extension": msgspec.to_builtins(extension),
        "denies": _brief(found.denies) if found.denies else None,
        "denied_by": [_brief(each) for each in found.denied_by],
        "alike": [_brief(each) for each in found.alike],
        "more": found.more,
        "echoes": [{**each._asdict(), "why": each.why} for each in found.echoes],
    }


def shown_parts(found: dict[str, Any]) -> list[Part]:
    """Return one claim for people."""
    said = found["extension"]
    lines: list[Part] = [
        found["title"],
        f"{found['id']}  [{found['polarity']}, {found['certainty']}]",
    ]
    if found["agreement"]:
        lines.append(f"Received   under {found['agreement']}")
    if found["content"] != found["title"]:
        lines += [f"  {line}" for line in found["content"].splitlines() if line]
    lines += [_link_line(each) for each in found["chain"]]
    lines += [
        f"Warning: {each} stands in the chain twice: it has no origin." for each in found["loop"]
    ]
    lines += [
        f"Echo       this is our own report coming back: {each['why']}. It counts for nothing."
        for each in found["echoes"]
    ]
    lines += [f"Hedge      {joined(said['hedges'])}"] if "hedges" in said else []
    lines += [f"Said       {said['said']}"] if "said" in said else []
    if "true_from" in said or "true_until" in said:
        lines.append(f"True       {said.get('true_from', '…')} to {said.get('true_until', '…')}")
    lines += [_quantity_line(said["quantity"])] if "quantity" in said else []
    if "likelihood" in said:
        lines.append(f"Likelihood {said['likelihood']['word']} ({said['likelihood']['scale']})")
    lines += ["Judgement  the reporter's own"] if said.get("own_judgement") else []
    lines += [f"Report     {found['report'] or said['report_ref']}"] if "report_ref" in said else []
    lines += [f"Not held   {each['what']}" for each in said.get("missing", ())]
    if "denies_ref" in said:
        denied = found["denies"]
        lines.append(f"Denies     {_line(denied) if denied else said['denies_ref'] + ', not held'}")
    lines += [f"Denied by  {_line(each)}" for each in found["denied_by"]]
    denying = {each["id"] for each in found["denied_by"]} | {said.get("denies_ref")}
    lines += [f"Alike      {_line(each)}" for each in found["alike"] if each["id"] not in denying]
    lines += [f"And {count(found['more'], 'more claim')} alike."] if found["more"] else []
    return [*lines, f"Proposition {found['proposition']}"]


def _brief(brief: Brief) -> dict[str, Any]:
    found = brief._asdict()
    return {**found, "agreement": found.pop("origin") or None}


def _line(brief: dict[str, Any]) -> str:
    return f"{brief['title']}  {brief['id']}"


def _link_line(link: dict[str, Any]) -> str:
    name = link["name"] or link.get("identity_ref") or "not named to us"
    if link.get("pseudonym"):
        name = f"a source under a pseudonym, {name}"
    more = [
        f"{name} (unnamed)" if link.get("unnamed") and link["name"] else name,
        *([f"“{link['cue']}”"] if "cue" in link else []),
        *([link["said"]] if "said" in link else []),
        *([f"interest: {link['interest']}"] if "interest" in link else []),
    ]
    return f"{link['role'].capitalize():<10} {'; '.join(more)}"


def _quantity_line(quantity: dict[str, Any]) -> str:
    upto = f" to {quantity['upto']:,}" if "upto" in quantity else ""
    bound = "" if quantity["bound"] == "exactly" else f"{quantity['bound'].replace('-', ' ')} "
    return f"Quantity   {bound}{quantity['number']:,}{upto} {quantity['unit']}"
