"""The two logs of an agreement checked against each other, from folders and cards alone."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import orjson

from tearline.agreement import jws
from tearline.agreement.receipts import origin_in
from tearline.agreement.terms import Terms, agreement_hash, parse_json
from tearline.cli.checking import (
    Given,
    cards_in,
    check_folder,
    note_of,
    verdict_lines,
    verdict_value,
)
from tearline.cli.terminal import count
from tearline.errors import MisuseError, TearlineError
from tearline.log.entries import Place, read_openings
from tearline.log.heads import cosigned_heads
from tearline.log.sides import Compared, Finding, Side, compare, read_side
from tearline.log.signers import Line, check_signers
from tearline.log.verify import Verdict
from tearline.release.replay import Replayed, against, replay_records
from tearline.release.rules import Rules, rules_of
from tearline.release.slips import read_slip

_PRIVATE = "private"


class Comparison(NamedTuple):
    """What came of two logs: each by itself, what they say of each other, decisions retaken.

    `sides` is empty where a log does not hold by itself: then nothing was compared. `slips` counts
    the releases that were decided again by the signed text, `texts` has those texts by hash.
    """

    verdicts: tuple[Verdict, ...]
    sides: tuple[Side, ...]
    compared: Compared
    texts: Mapping[str, Terms]
    slips: int
    replayed: tuple[Replayed, ...]

    @property
    def good(self) -> bool:
        """Whether everything held; what is open does no harm."""
        return (
            all(each.good for each in self.verdicts)
            and bool(self.sides)
            and not self.compared.problems
            and not any(each.differing for each in self.replayed)
        )


def check_both(folders: tuple[Path, Path], given: Given, private: Sequence[Path]) -> Comparison:
    """Check two folders, one from each side of an agreement, and then against each other.

    MisuseError where they are not the two sides of one agreement.
    """
    origins = [origin_in(note_of(each)) for each in folders]
    _same_agreement(origins)
    older = _older(given, origins)
    verdicts = [
        check_folder(each, given._replace(since=older[origin]))
        for each, origin in zip(folders, origins, strict=True)
    ]
    privates = [check_folder(each, given._replace(since=None)) for each in private]
    found = Compared()
    if not all(each.good for each in (*verdicts, *privates)):
        return Comparison((*verdicts, *privates), (), found, {}, 0, ())
    signed = list(_texts((*folders, *private), given, found))
    texts = {name: parse_json(body) for name, body in signed}
    one, two = sides = tuple(
        read_side(folder, each.origin, each.size, found)
        for folder, each in zip(folders, verdicts, strict=True)
    )
    for side, verdict in zip(sides, verdicts, strict=True):
        if verdict.unopened:
            found.blame(
                Place(side.origin, 0, 0),
                f"{count(verdict.unopened, 'leaf', 'leaves')} of {side.party} are not opened.",
                "What they stand for cannot be compared: ask for a copy with --records.",
            )
    compare(one, two, found)
    line = _drawn(dict(zip(folders, origins, strict=True)), given)
    check_signers(sides, _keys(sides, texts.values(), given), line, found)
    slips = sum(_check_slips(each, texts, found) for each in sides)
    replayed = tuple(_replay(*each, dict(signed)) for each in zip(private, privates, strict=True))
    return Comparison((*verdicts, *privates), sides, found, texts, slips, replayed)


def _same_agreement(origins: Sequence[str]) -> None:
    (one, _, first), (two, _, second) = (each.partition("/log/") for each in origins)
    if first != second or not first or first == _PRIVATE or one == two:
        raise MisuseError(
            f"{origins[0] or 'The first'} and {origins[1] or 'the second'} are not the two logs of "
            "one agreement.",
            do="Name one folder of each side; a private log is given with --private.",
        )


def _older(given: Given, origins: Sequence[str]) -> dict[str, list[Path]]:
    """Sort older copies by the log that they are of."""
    found: dict[str, list[Path]] = {each: [] for each in origins}
    for each in given.since or ():
        origin = origin_in(note_of(each))
        if origin not in found:
            raise MisuseError(
                f"{each} is an older copy of neither log: it is of {origin or 'no log'}.",
                do="Name a folder, or a checkpoint, of one of the two.",
            )
        found[origin].append(each)
    return found


# ------------------------------------------------------------------------------------------ texts


def _texts(folders: Iterable[Path], given: Given, found: Compared) -> Iterator[tuple[str, bytes]]:
    """Give the signed texts that lie in the folders, by hash; what does not hold is blamed."""
    ever = {each.newest.slug: each.every("sign") for each in cards_in(given)}
    for folder in folders:
        for path in sorted((folder / "agreements").glob("*.json")):
            try:
                body = _signed_text(path.read_bytes(), ever)
            except TearlineError as error:
                found.blame(
                    Place(origin_in(note_of(folder)), 0, 0),
                    f"The text {path.name} does not hold: {error.what}",
                    "It is not what both parties signed.",
                )
            else:
                yield agreement_hash(body), body


def _signed_text(document: bytes, ever: Mapping[str, tuple[str, ...]]) -> bytes:
    """Return the text of an agreement once every party that has a key is seen to have signed it.

    With the key in the text, or with another one that its cards ever had.
    """
    signed = jws.load(document)
    terms, kids = parse_json(signed.body), signed.kids
    keys = [
        next((kid for kid in kids if kid in ever.get(each.slug, ())), each.key)
        for each in terms.party.values()
        if each.key
    ]
    return jws.verify(signed, *keys)


def _keys(sides: Sequence[Side], texts: Iterable[Terms], given: Given) -> dict[str, set[str]]:
    """Return the keys by which each party may sign: on the cards, and in the signed texts."""
    found: dict[str, set[str]] = {each.party: set() for each in sides}
    cards = cards_in(given)
    known = [(each.newest.slug, key) for each in cards for key in each.not_revoked("sign")]
    known += [(p.slug, p.key) for terms in texts for p in terms.party.values() if p.key]
    for slug, key in known:
        if slug in found:
            found[slug].add(key)
    for each in cards:
        if each.newest.slug in found:
            found[each.newest.slug] -= set(each.revoked("sign"))
    return found


def _drawn(folders: Mapping[Path, str], given: Given) -> Line:
    """Return the keys that were revoked, and what others than the owner cosigned of each log."""
    cards = cards_in(given)
    revoked = {
        key: each.spans["sign", key].until_at or 0 for each in cards for key in each.revoked("sign")
    }
    seen = {}
    for folder, origin in folders.items():
        others = [each for each in cards if each.newest.slug != origin.partition("/")[0]]
        keys = [key for each in others for key in each.not_revoked("witness")]
        seen[origin] = cosigned_heads(folder, keys)
    return Line(revoked, seen)


# ------------------------------------------------------------------------------------- decisions


def _check_slips(side: Side, texts: Mapping[str, Terms], found: Compared) -> int:
    """Decide each first release of an object again from its slip, by the signed text."""
    rules: dict[str, Rules] = {}
    known: set[tuple[str, str]] = set()
    checked = 0
    for place, each in side.releases.values():
        terms = texts.get(each.agreement)
        before = (each.object, each.clause) in known
        known.add((each.object, each.clause))
        if terms is None or before:  # what was given before may be revoked, which always goes
            continue
        if each.agreement not in rules:
            slot = next((s for s, p in terms.party.items() if p.slug == side.party), "")
            rules[each.agreement] = rules_of(terms, slot)
        checked += 1
        value = {"kind": "release", **msgspec.to_builtins(each)}
        if reasons := _reasons(rules[each.agreement], value):
            found.blame(
                place,
                f"By the signed text {each.object} does not go under {each.clause}: "
                f"{', '.join(reasons)}.",
                f"{side.party} released it outside the agreement, or its slip was altered.",
            )
    return checked


def _reasons(rules: Rules, slip: dict[str, Any]) -> list[str]:
    try:
        return against(rules, read_slip(orjson.dumps(slip).decode()))
    except TearlineError as error:
        return [error.what.rstrip(".")]


def _replay(folder: Path, verdict: Verdict, signed: Mapping[str, bytes]) -> Replayed:
    """Take the decisions in a private log again."""
    party = verdict.origin.partition("/")[0]
    texts = {
        name: (body, slot)
        for name, body in signed.items()
        for slot, each in parse_json(body).party.items()
        if each.slug == party
    }

    def of_kind(kind: str) -> Iterator[dict[str, Any]]:
        mark = f'"kind":"{kind}"'.encode()
        for opening in read_openings(folder, verdict.size):
            if mark in opening.record:
                value = orjson.loads(opening.record)
                if value.get("kind") == kind:
                    yield value

    return replay_records(of_kind("decision"), of_kind("scope"), texts)


# ----------------------------------------------------------------------------------------- saying


def as_json(found: Comparison) -> dict[str, Any]:
    """Return a comparison as JSON."""
    return {
        "good": found.good,
        "logs": [verdict_value(each) for each in found.verdicts],
        "compared": bool(found.sides),
        "matched": dict(found.compared.matched),
        "open": [each._asdict() for each in found.compared.open],
        "problems": [each._asdict() for each in found.compared.problems],
        "texts": sorted(found.texts),
        "releases_checked": found.slips,
        "decisions": sum(each.decisions for each in found.replayed),
        "untold": sum(each.untold for each in found.replayed),
        "differing": [each._asdict() for one in found.replayed for each in one.differing],
    }


def lines(found: Comparison) -> list[str]:
    """Say of each log and of both what holds, what is open, and what does not fit."""
    said = [line for each in found.verdicts for line in verdict_lines(each)]
    if not found.sides:
        return [*said, "Not compared: a log that does not hold by itself says nothing."]
    matched = found.compared.matched
    one, two = (each.party for each in found.sides)
    said.append(
        f"{one} and {two} agree on {count(matched['statements'], 'statement')}, "
        f"{count(matched['deliveries'], 'delivery', 'deliveries')} and "
        f"{count(matched['recalls'], 'recall')}."
    )
    said.append(_decided(found))
    said += [f"Open: {_line(each)}" for each in found.compared.open]
    said += [f"Does not fit: {_line(each)}" for each in found.compared.problems]
    said += [
        f"Does not fit: the decision on {each.object} was logged as {each.logged['outcome']} and "
        "comes to something else."
        for one_log in found.replayed
        for each in one_log.differing
    ]
    return [*said, "Both logs agree." if found.good else "The two logs do not agree."]


def _decided(found: Comparison) -> str:
    if not found.texts:
        return "No signed text is in the folders, so no release was decided again."
    line = f"{count(found.slips, 'release')} fit the signed text."
    if found.replayed:
        again = sum(each.decisions for each in found.replayed)
        line += f" {count(again, 'decision')} of private logs taken again."
    if untold := sum(each.untold for each in found.replayed):
        line += f" {untold:,} are of agreements whose text is not here."
    return line


def _line(found: Finding) -> str:
    return f"{found.log}, leaf {found.leaf}, item {found.item}: {found.what} {found.means}"
