"""What a claim is worth: the credibility we propose, from its origins and who denies it.

The letter of a source and the digit of what it says are judged apart (AJP-2.1). The digit is
proposed by counting independent origins for and against; 1, *confirmed by other sources*, is never
proposed: that the sources are independent is for a person to say. The rule is in
`docs/weighing.md`. Pure.
"""

from collections.abc import Callable
from enum import IntFlag
from typing import Final, NamedTuple

from tearline.provenance.chains import Ends

CONFIRMED: Final = 1
PROBABLE: Final = 2
POSSIBLE: Final = 3
DOUBTFUL: Final = 4
IMPROBABLE: Final = 5
UNKNOWN: Final = 6
"""The Admiralty digits of credibility."""
WORDS: Final = {
    CONFIRMED: "confirmed by other sources",
    PROBABLE: "probably true",
    POSSIBLE: "possibly true",
    DOUBTFUL: "doubtful",
    IMPROBABLE: "improbable",
    UNKNOWN: "truth cannot be judged",
}
WEAK: Final = frozenset({"alleged", "hearsay", "speculation"})
"""Wordings that make nothing better than possible, however often they are heard."""
CONFIDENCE: Final = {1: 90, 2: 70, 3: 50, 4: 30, 5: 10}
"""STIX 2.1 confidence of a credibility (appendix A, Admiralty scale); 6 has none."""


class Flag(IntFlag):
    """What a reader should know beside the digit."""

    ECHO = 1
    LOOP = 2
    UNNAMED = 4
    UNSTATED = 8
    INTERESTED = 16
    DISCREDITED = 32


FLAG_WORDS: Final = {
    Flag.ECHO: "echo",
    Flag.LOOP: "loop",
    Flag.UNNAMED: "unnamed",
    Flag.UNSTATED: "origin not stated",
    Flag.INTERESTED: "interested",
    Flag.DISCREDITED: "discredited",
}


_ECHO, _LOOP, _UNNAMED, _UNSTATED, _INTERESTED, _DISCREDITED = map(int, FLAG_WORDS)


class Proposal(NamedTuple):
    """What one side of a proposition is worth by count: origins for, origins against, and flags."""

    supporting: int
    against: int
    credibility: int
    flags: int


def propose(support: Ends, denial: Ends) -> Proposal:
    """Return the proposal for one side, given what it rests on and what denies it."""
    number = len(support.origins)
    against = max(len(denial.origins), int(denial.against))
    return Proposal(number, against, credibility(number, against, support.firm), _flags(support))


def credibility(supporting: int, against: int, firm: int) -> int:
    """Return the digit for so many independent origins for and against.

    `firm` is how many origins are behind a wording that is more than hearsay.
    """
    if supporting == 0:
        return IMPROBABLE if against else UNKNOWN
    if supporting == 1:
        return DOUBTFUL if against else POSSIBLE
    return PROBABLE if not against and firm > 1 else POSSIBLE


def better(first: int, second: int) -> bool:
    """Whether a digit says more for a claim than another: 6 knows nothing, so 5 says less."""
    return _RANK[first] > _RANK[second]


_RANK: Final = {CONFIRMED: 5, PROBABLE: 4, POSSIBLE: 3, DOUBTFUL: 2, UNKNOWN: 1, IMPROBABLE: 0}


def flag_names(flags: int) -> list[str]:
    """Return the words of flags."""
    return [words for flag, words in FLAG_WORDS.items() if flag & flags]


def _flags(found: Ends) -> int:
    # By whole numbers: adding up flags of an enumeration takes ten times as long.
    flags = _ECHO if found.claims > len(found.origins) > 0 else 0
    if found.loops:
        flags |= _LOOP
    if found.unnamed:
        flags |= _UNNAMED
    if found.unstated:
        flags |= _UNSTATED
    if found.interested:
        flags |= _INTERESTED
    return flags | _DISCREDITED if found.left_out else flags


# -------------------------------------------------------------------------------------- the reason


def sentence(
    support: Ends, denial: Ends, name: Callable[[int], str], *, denied: bool = False
) -> str:
    """Return the reason of the proposal in one sentence of plain English; `name` names a source.

    `denied` says that it is the denial that is weighed.
    """
    parts = [_rests(support, name)]
    if denial.against:
        who = [name(each) for each in denial.origins] or ["a source that cites in a circle"]
        verb = "say" if denied else "deny"
        verb = verb if len(who) > 1 else {"say": "says", "deny": "denies"}[verb]
        parts.append(f"{listed(who)} {verb} {'the contrary' if denied else 'it'}")
    found = propose(support, denial)
    if found.supporting > 1 and not found.against and found.credibility == POSSIBLE:
        parts.append("no two of them are more than hearsay")
    parts += _asides(support, name)
    text = "; ".join(parts)
    return f"{text[:1].upper()}{text[1:]}: {found.credibility}."


def _rests(found: Ends, name: Callable[[int], str]) -> str:
    claims = _number(found.claims, "report")
    verb = "rests" if found.claims == 1 else "rest"
    if not found.origins:
        return f"{claims} {verb} on no origin that counts"
    origins = _number(len(found.origins), "origin")
    if len(found.origins) > 1:
        origins = origins.replace(" origins", " independent origins")
    return f"{claims} {verb} on {origins}, {listed([name(each) for each in found.origins])}"


def _asides(found: Ends, name: Callable[[int], str]) -> list[str]:
    parts = []
    if found.left_out:
        who = listed([name(each) for each in found.left_out])
        parts.append(f"what comes by {who} is left out, as discredited or unreliable")
    if found.loops:
        parts.append("a loop of sources that cite each other counts nothing")
    if found.unnamed:
        parts.append("an unnamed source counts nothing")
    if found.unstated:
        parts.append(f"{listed([name(each) for each in found.unstated])} does not say from whom")
    return parts


_NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_SHOWN = 5


def _number(number: int, noun: str) -> str:
    word = _NUMBERS[number] if number < len(_NUMBERS) else f"{number:,}"
    return f"{word} {noun}{'' if number == 1 else 's'}"


def listed(words: list[str]) -> str:
    """Return names as a list in a sentence; of many, the first few and how many more."""
    if len(words) > _SHOWN:
        words = [*words[: _SHOWN - 1], f"{len(words) - _SHOWN + 1:,} more"]
    if len(words) == 1:
        return words[0]
    return f"{', '.join(words[:-1])} and {words[-1]}"
