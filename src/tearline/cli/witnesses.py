"""What the verbs about witnesses do: sign and have cosigned, list, check what shows a lie."""

from pathlib import Path
from typing import Any

from tearline import clock
from tearline.agreement.card import read_cards
from tearline.agreement.cards_held import cards_of, our_cards
from tearline.agreement.home import Home
from tearline.agreement.rotation import Cards
from tearline.cli.checking import Given, former_for, key_for, note_of
from tearline.cli.options import open_home, place_of, read_bytes
from tearline.cli.terminal import count, stamp
from tearline.errors import MisuseError, PartnerError
from tearline.exchange.cosigned import outside
from tearline.log import tiles
from tearline.log.evidence import Finding, verify_evidence
from tearline.log.node_folder import verify_node_folder
from tearline.node.publisher import next_leaf_at, publish_grown, publish_node
from tearline.store import logs, witnessing

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


def checked_evidence(
    document: bytes, vkey: str | None, card: Path | None, home: Path | None
) -> dict[str, Any]:
    """Return what evidence about a log shows; ProofError when it does not hold."""
    keys = _keys(vkey, card) or _pinned(verify_evidence(document).origin, home)
    found = verify_evidence(document, *keys)
    value = found._asdict() | {"pinned": bool(keys), "cosigned": _moment(found)}
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


def _keys(vkey: str | None, card: Path | None) -> tuple[str, ...]:
    """Return the log keys that were given, or that stand on a card or several and count."""
    if card is not None:
        return Cards(read_cards(read_bytes(card))).not_revoked("log")
    return () if vkey is None else (vkey,)


def _pinned(origin: str, home: Path | None) -> tuple[str, ...]:
    """Return the log keys of our cards or pinned ones, when the log's name says it is theirs."""
    if not (place_of(home).expanduser() / "card.json").exists():
        return ()
    opened, slug = open_home(home), origin.partition("/log/")[0]
    with opened.store.read() as tx:
        cards = our_cards(tx, opened) if slug == opened.slug else cards_of(tx, slug)
    return cards.not_revoked("log") if cards is not None else ()


def checked_node(
    directory: Path, vkey: str | None, card: Path | None, home: Path | None
) -> dict[str, Any]:
    """Return what a node log commits to, and everything that does not hold."""
    if not directory.is_dir():
        raise MisuseError(f"{directory} is not a folder.", do="Name the folder of a node log.")
    note = note_of(directory)
    given = Given([vkey] if vkey else None, [card] if card else None, home)
    key = key_for(note, given)
    found = verify_node_folder(directory, [key] if key else (), former_for(note, given))
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
