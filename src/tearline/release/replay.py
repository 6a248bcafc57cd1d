"""Take every logged decision again from its stored facts: the strongest audit there is."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec
import orjson

from tearline.agreement.home import Home
from tearline.agreement.terms import parse_json
from tearline.log import record
from tearline.release.decide import decide
from tearline.release.rules import Facts, Rules, rules_of
from tearline.store import agreements, logs, releases
from tearline.store.database import Tx


class Replayed(NamedTuple):
    """How many decisions were taken again, and the objects whose answer was another."""

    decisions: int
    differing: tuple[str, ...]


def replay(home: Home) -> Replayed:
    """Decide every decision of the private log again, by the terms and facts of its moment."""
    rules: dict[str, Rules] = {}
    count = 0
    differing = []
    with home.store.read() as tx:
        for entry in _decisions(tx):
            agreement = entry["agreement"]
            if agreement not in rules:
                rules[agreement] = _rules(tx, agreement)
            count += 1
            if _again(rules[agreement], entry) != _as_logged(entry):
                differing.append(entry["object"])
    return Replayed(count, tuple(differing))


def _decisions(tx: Tx) -> Iterator[dict[str, Any]]:
    """All logged decisions, in order: those under a leaf, then those that wait for theirs."""
    size = logs.head(tx, record.PRIVATE).size
    for leaf in range(size):
        for _, _, _, content in logs.records(tx, record.PRIVATE, leaf, leaf + 1):
            entry = orjson.loads(content)
            if entry.get("kind") == "decision":
                yield entry
    for kind, line in releases.pending_private(tx):
        if kind == "decision":
            yield orjson.loads(line)


def _rules(tx: Tx, agreement: str) -> Rules:
    version = agreements.version_of(tx, agreement)
    if version is None:
        return Rules((), 0, 0)
    return rules_of(parse_json(version.terms), version.our_slot)


def _again(rules: Rules, entry: dict[str, Any]) -> dict[str, Any]:
    facts = msgspec.convert(entry["facts"], Facts, strict=False)
    decision = decide(rules, facts)
    answer: dict[str, Any] = orjson.loads(msgspec.json.encode(decision))
    return answer | {"until_at": str(decision.until_at)}


def _as_logged(entry: dict[str, Any]) -> dict[str, Any]:
    names = ("outcome", "clause", "reasons")
    return {name: entry[name] for name in names} | {"until_at": entry["until"]}
