"""What the verbs about witnesses do: sign and have cosigned, list, export and check evidence."""

from pathlib import Path
from typing import Any

from tearline import clock
from tearline.agreement.card import read_card
from tearline.agreement.home import Home
from tearline.agreement.partners import find_card
from tearline.cli.options import open_home, place_of, read_bytes
from tearline.cli.terminal import count, stamp
from tearline.errors import MisuseError, PartnerError
from tearline.exchange.cosigned import outside
from tearline.log import tiles
from tearline.log.evidence import Finding, verify_evidence
from tearline.log.node_folder import verify_node_folder
from tearline.node.publisher import next_leaf_at, publish_grown, publish_node
from tearline.store import logs, witnessing
from tearline.store.witnessing import Evidence

_SHORTEST = 4
_SECOND_US = 1_000_000


def publish_all(home: Home) -> dict[str, Any]:
    """Sign what grew, append the node log's leaf if it is due, and ask the outside witness."""
    now = clock.now()
    signed = publish_grown(home, now=now)
    leaf = publish_node(home, now=now)
    try:
        sent = [each._asdict() for each in outside(home, now=now)]
    except PartnerError as error:
        sent = [{"log": "", "size": 0, "problem": error.what}]
    done = {"signed": signed, "node_leaf": leaf, "next_leaf": stamp(next_leaf_at(home, now=now))}
    return done | {"outside": sent}


def published_lines(done: dict[str, Any]) -> list[str]:
    """Say what was published."""
    lines = [f"Signed {count(len(done['signed']), 'log')} that grew."]
    due = f"the next one is due at {done['next_leaf']}"
    lines.append(
        f"The node log has a new leaf; {due}."
        if done["node_leaf"]
        else f"The node log has its leaf for now; {due}."
    )
    for each in done["outside"]:
        said = each["problem"] or "cosigned"
        lines.append(f"Outside witness, {each['log'] or 'all logs'}: {said}.")
    return lines


def all_cosigned(home: Home) -> list[dict[str, Any]]:
    """Return the last cosignature of each witness on each log of ours, and ours on others'."""
    with home.store.read() as tx:
        ours = witnessing.cosignatures(tx)
        theirs = witnessing.all_witnessed(tx)
    found = [
        {"log": each.log, "leaves": each.size, "by": each.name, "at": stamp(each.at)}
        for each in ours
    ]
    us = f"{home.slug}/witness"
    return found + [
        {"log": each.origin, "leaves": each.size, "by": us, "at": stamp(each.at)} for each in theirs
    ]


def all_evidence(home: Home) -> list[dict[str, Any]]:
    """Return what there is of evidence, oldest first."""
    with home.store.read() as tx:
        found = witnessing.all_evidence(tx)
    return [
        {
            "evidence": each.hash,
            "kind": each.kind,
            "party": each.party,
            "log": each.origin,
            "at": stamp(each.at),
        }
        for each in found
    ]


def one_evidence(home: Home, name: str) -> bytes:
    """Return the document of one piece of evidence; MisuseError when the name fits none or many."""
    with home.store.read() as tx:
        found = [each for each in witnessing.all_evidence(tx) if _is_named(each, name)]
    if len(found) != 1:
        what = "names more than one piece" if found else "names no piece"
        raise MisuseError(f"{name!r} {what} of evidence.", do="See `tearline log evidence`.")
    return found[0].document


def _is_named(found: Evidence, name: str) -> bool:
    start = name.removeprefix("sha256:")
    return len(start) >= _SHORTEST and found.hash.removeprefix("sha256:").startswith(start)


def checked_evidence(
    path: Path, vkey: str | None, card: Path | None, home: Path | None
) -> dict[str, Any]:
    """Return what a file of evidence shows; ProofError when it does not hold."""
    document = read_bytes(path)
    key = _key(vkey, card) or _pinned(verify_evidence(document).origin, home)
    found = verify_evidence(document, key)
    value = found._asdict() | {"pinned": key is not None, "cosigned": _moment(found)}
    del value["cosigned_s"]
    return value


def _moment(found: Finding) -> str | None:
    return None if found.cosigned_s is None else stamp(found.cosigned_s * _SECOND_US)


def evidence_lines(found: dict[str, Any]) -> list[str]:
    """Say what evidence shows."""
    first, second = (count(size, "leaf", "leaves") for size in found["sizes"])
    lines = [f"{found['origin']}: {found['kind']}, a head of {first}, then one of {second}."]
    lines.append(found["says"])
    if found["cosigned"]:
        lines.append(f"{found['by']} had cosigned the first at {found['cosigned']}.")
    if not found["pinned"]:
        lines.append("Warning: checked with the key that the file names. Give --card or --vkey.")
    return lines


def _key(vkey: str | None, card: Path | None) -> str | None:
    return read_card(read_bytes(card)).log if card is not None else vkey


def _pinned(origin: str, home: Path | None) -> str | None:
    """Return the log key of our card or a pinned one, when the log's name says it is theirs."""
    if not (place_of(home).expanduser() / "card.json").exists():
        return None
    opened, slug = open_home(home), origin.partition("/log/")[0]
    with opened.store.read() as tx:
        card = opened.card if slug == opened.slug else find_card(tx, slug)
    return card.log if card is not None else None


def checked_node(
    directory: Path, vkey: str | None, card: Path | None, home: Path | None
) -> dict[str, Any]:
    """Return what a node log commits to, and everything that does not hold."""
    if not directory.is_dir():
        raise MisuseError(f"{directory} is not a folder.", do="Name the folder of a node log.")
    key = _key(vkey, card) or _pinned(verify_node_folder(directory).origin, home)
    found = verify_node_folder(directory, key)
    rows = [
        {"log": each.origin, "leaves": each.size, "root": each.root.hex()} for each in found.heads
    ]
    return {
        "good": not found.problems,
        "pinned": key is not None,
        "origin": found.origin,
        "leaves": found.leaves,
        "logs": rows,
        "problems": found.problems,
    }


def node_lines(found: dict[str, Any]) -> list[str]:
    """Say what holds of a node log, and what does not."""
    lines = [f"Does not hold: {each}" for each in found["problems"]]
    if not found["pinned"]:
        lines.append("Warning: checked with the folder's own key. Give --card or --vkey.")
    good = f"All {count(found['leaves'], 'leaf', 'leaves')} commit to these logs and to no others."
    return [*lines, "This node log does not hold." if found["problems"] else good]


def rebuild_all(home: Home) -> list[str]:
    """Derive the tiles of every log again; each log in a transaction of its own."""
    with home.store.read() as tx:
        names = logs.names(tx)
    for name in names:
        with home.store.write() as tx:
            tiles.rebuild(tx, name)
    return names
