"""Evidence as it is listed, named and shown."""

from pathlib import Path
from typing import Any

from tearline.agreement.card import read_cards
from tearline.agreement.evidence import Finding, check
from tearline.agreement.home import Home
from tearline.agreement.rotation import Cards
from tearline.cli import witnesses
from tearline.cli.options import open_home, place_of, read_bytes
from tearline.cli.terminal import Part, Table, stamp
from tearline.errors import MisuseError, ProofError
from tearline.log.evidence import is_about_log
from tearline.store import cards, evidence
from tearline.store.evidence import Evidence

_SHORTEST = 6
_SAYS = {
    "split-view": "signed two histories of its log",
    "fork": "signed a history of its log that begins in another way",
    "rollback": "showed an older head of its log",
    "bad-proof": "does not prove that its log only grew",
    "two-statements": "signed two statements that follow on the same one",
    "two-cards": "signed two cards that follow on the same one",
}


def held(home: Home) -> list[dict[str, Any]]:
    """Return the evidence that we hold, oldest first."""
    with home.store.read() as tx:
        found = evidence.all_of(tx)
    return [
        {
            "evidence": each.hash,
            "kind": each.kind,
            "party": each.party,
            "about": each.about,
            "at": stamp(each.at),
        }
        for each in found
    ]


def parts(found: list[dict[str, Any]]) -> list[Part]:
    """Return it for people."""
    rows = [
        (each["evidence"][7:19], each["party"], _SAYS.get(each["kind"], each["kind"]), each["at"])
        for each in found
    ]
    return [Table(("evidence", "party", "what", "found"), rows) if found else "No evidence."]


def named(home: Home, item: str) -> Evidence:
    """Return the evidence whose hash begins so; MisuseError unless it is just one."""
    start = item.removeprefix("sha256:")
    with home.store.read() as tx:
        found = [
            each
            for each in evidence.all_of(tx)
            if each.hash.removeprefix("sha256:").startswith(start)
        ]
    if len(found) != 1 or len(start) < _SHORTEST:
        what = "more than one piece" if found else "no piece"
        raise MisuseError(f"{item!r} names {what} of evidence.", do="See `tearline evidence list`.")
    return found[0]


def checked(
    document: bytes, vkey: str | None, card: Path | None, home: Path | None
) -> tuple[dict[str, Any], list[str]]:
    """Return what evidence shows, as JSON and for people; ProofError when it does not hold."""
    if is_about_log(document):
        found = witnesses.checked_evidence(document, vkey, card, home)
        return found, witnesses.evidence_lines(found)
    finding = check(document)
    known = is_known(card, home, finding)
    return finding._asdict() | {"known": known}, lines(finding, known=known)


def is_known(card: Path | None, home: Path | None, finding: Finding) -> bool:
    """Whether a home, if there is one, or the cards in a file hold the one evidence begins with.

    ProofError where cards were given, and it is none of them.
    """
    if card is not None:
        if finding.card not in Cards(read_cards(read_bytes(card))).hashes:
            raise ProofError(
                "The evidence begins with a card that was not given.",
                means="Anyone can make two cards of a name.",
                do="Give all cards of the party: `tearline card chain --of PARTY --out FILE`.",
            )
        return True
    if not (place_of(home).expanduser() / "card.json").exists():
        return False
    with open_home(home).store.read() as tx:
        return cards.is_held(tx, finding.party, finding.card)


def lines(finding: Finding, *, known: bool) -> list[str]:
    """Say what evidence proves."""
    said = _SAYS.get(finding.kind, finding.kind)
    return [
        f"The evidence holds: {finding.name} ({finding.party}) {said}.",
        f"One       {finding.said[0]}",
        f"Other     {finding.said[1]}",
        f"Words     {finding.words}" + (", of a card that we hold" if known else ""),
    ]
