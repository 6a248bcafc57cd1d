"""Take every logged decision again from its stored facts: the strongest audit there is."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec
import orjson

from tearline.agreement.home import Home
from tearline.log import record
from tearline.log.verify import parse_leaf
from tearline.release.concern import rules_under, scope_of
from tearline.release.decide import decide
from tearline.release.rules import FOREVER, Facts, Rules
from tearline.store import agreements, logs, private
from tearline.store.database import Tx

_NO_RULES = Rules((), 0, 0)


class Differing(NamedTuple):
    """One decision whose answer is another now: what the log has, and what its facts come to.

    `agreement` is the version it was taken under; None, and no `now`, where it was one decision
    for many agreements.
    """

    object: str
    agreement: str | None
    logged: dict[str, Any]
    now: dict[str, Any] | None


class Replayed(NamedTuple):
    """How many decisions were taken again, and those whose answer was another."""

    decisions: int
    differing: tuple[Differing, ...]


def replay(home: Home, agreement_id: str | None = None) -> Replayed:
    """Decide every decision of the private log again, by the terms and facts of its moment.

    Of all agreements or of one. One that was taken alike for many agreements counts once, and is
    taken again for each of them.
    """
    count = 0
    differing = []
    with home.store.read() as tx:
        book = _Book(tx, agreement_id)
        for entry in _entries(tx, "decision"):
            if not book.has(entry):
                continue
            count += 1
            found = book.differing(entry)
            if found is not None:
                differing.append(found)
    return Replayed(count, tuple(differing))


class _Alike(NamedTuple):
    """What the rules of a list of agreements come to where no topic counts.

    `rules` has one entry if all are alike, as they ought to be; all are in force from `from_at`
    until `until_at`.
    """

    rules: frozenset[Rules]
    from_at: int
    until_at: int


class _Book:
    """The rules of agreements, and the lists of them that decisions name."""

    def __init__(self, tx: Tx, agreement_id: str | None) -> None:
        self._tx = tx
        self._wanted: frozenset[str] | None = None
        if agreement_id is not None:
            versions = agreements.versions(tx, agreement_id)
            self._wanted = frozenset(each.hash for each in versions)
        self._rules: dict[str, Rules] = {}
        self._lists = {each["scope"]: each["agreements"] for each in _entries(tx, "scope")}
        self._alike: dict[tuple[str, tuple[int, ...]], _Alike] = {}

    def has(self, entry: dict[str, Any]) -> bool:
        """Whether an entry is of the agreement that is wanted."""
        if self._wanted is None:
            return True
        if "agreement" in entry:
            return entry["agreement"] in self._wanted
        return any(
            each in self._wanted and at not in answer["but"]
            for answer in entry["scopes"]
            for at, each in enumerate(self._lists.get(answer["scope"], ()))
        )

    def differing(self, entry: dict[str, Any]) -> Differing | None:
        """What differs where an entry does not say what is decided from its facts."""
        facts = msgspec.convert(entry["facts"], Facts, strict=False)
        if "agreement" in entry:
            name = entry["agreement"]
            logged, now = _as_logged(entry), _decided(self._of(name), facts)
            return None if logged == now else Differing(facts.id, name, logged, now)
        if all(self._agrees_alike(entry, each, facts) for each in entry["scopes"]):
            return None
        return Differing(facts.id, None, {"outcome": entry["outcome"]}, None)

    def _agrees_alike(self, entry: dict[str, Any], answer: dict[str, Any], facts: Facts) -> bool:
        alike = self._alike_in(answer["scope"], tuple(answer["but"]))
        logged = _as_logged(answer | {"outcome": entry["outcome"]})
        return (
            not (facts.about or facts.about_waiting)
            and alike.from_at <= facts.now < alike.until_at
            and all(_decided(each, facts) == logged for each in alike.rules)
        )

    def _alike_in(self, name: str, but: tuple[int, ...]) -> _Alike:
        if (name, but) not in self._alike:
            hashes = self._lists.get(name, ())
            rules = [self._of(each) for at, each in enumerate(hashes) if at not in but]
            self._alike[name, but] = _Alike(
                frozenset(map(scope_of, rules)),
                max((each.valid_from for each in rules), default=FOREVER),
                min((each.valid_until for each in rules), default=0),
            )
        return self._alike[name, but]

    def _of(self, agreement: str) -> Rules:
        if agreement not in self._rules:
            version = agreements.version_of(self._tx, agreement)
            self._rules[agreement] = (
                _NO_RULES if version is None else rules_under(version.terms, version.our_slot)
            )
        return self._rules[agreement]


def _entries(tx: Tx, kind: str) -> Iterator[dict[str, Any]]:
    """All logged records of a kind, in order: first those that have their leaf."""
    for index in range(logs.head(tx, record.PRIVATE).size):
        leaf = logs.leaf(tx, record.PRIVATE, index)
        if leaf is not None and parse_leaf(leaf).kind == kind:
            for _, _, _, content in logs.records(tx, record.PRIVATE, index, index + 1):
                yield orjson.loads(content)
    for queued, line in private.pending(tx):
        if queued == kind:
            yield orjson.loads(line)


def _decided(rules: Rules, facts: Facts) -> dict[str, Any]:
    decision = decide(rules, facts)
    return {
        "outcome": decision.outcome,
        "clause": decision.clause,
        "reasons": [msgspec.to_builtins(each) for each in decision.reasons],
        "until_at": str(decision.until_at),
    }


def _as_logged(entry: dict[str, Any]) -> dict[str, Any]:
    names = ("outcome", "clause", "reasons")
    return {name: entry[name] for name in names} | {"until_at": entry["until"]}
