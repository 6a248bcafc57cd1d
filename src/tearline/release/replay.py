"""Take every logged decision again from its stored facts: the strongest audit there is."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import msgspec
import orjson

from tearline.agreement.home import Home
from tearline.log import record
from tearline.log.verify import parse_leaf
from tearline.release.concern import rules_under, scope_of
from tearline.release.decide import decide
from tearline.release.rules import FOREVER, Facts, Rules
from tearline.release.slips import Slip
from tearline.stix import marking
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
    """How many decisions were taken again, and those whose answer was another.

    `untold` are those of agreements whose text is not known, which were not.
    """

    decisions: int
    differing: tuple[Differing, ...]
    untold: int = 0


def replay(home: Home, agreement_id: str | None = None) -> Replayed:
    """Decide every decision of the private log again, by the terms and facts of its moment.

    Of all agreements or of one. One that was taken alike for many agreements counts once, and is
    taken again for each of them.
    """
    with home.store.read() as tx:
        wanted = None
        if agreement_id is not None:
            wanted = frozenset(each.hash for each in agreements.versions(tx, agreement_id))

        def rules_of(name: str) -> Rules:
            version = agreements.version_of(tx, name)
            return _NO_RULES if version is None else rules_under(version.terms, version.our_slot)

        lists = {each["scope"]: each["agreements"] for each in _entries(tx, "scope")}
        return _replayed(_Book(rules_of, lists, wanted), _entries(tx, "decision"))


def replay_records(
    decisions: Iterable[dict[str, Any]],
    scopes: Iterable[dict[str, Any]],
    texts: Mapping[str, tuple[bytes, str]],
) -> Replayed:
    """Decide logged decisions again without a home, from the records of a private log.

    `texts` has by hash the signed text of each agreement that is known, and the slot of the party
    whose log it is.
    """

    def rules_of(name: str) -> Rules | None:
        found = texts.get(name)
        return None if found is None else rules_under(*found)

    lists = {each["scope"]: each["agreements"] for each in scopes}
    return _replayed(_Book(rules_of, lists, None), decisions)


def _replayed(book: "_Book", decisions: Iterable[dict[str, Any]]) -> Replayed:
    count = untold = 0
    differing = []
    for entry in decisions:
        if not book.has(entry):
            continue
        if not book.knows(entry):
            untold += 1
            continue
        count += 1
        found = book.differing(entry)
        if found is not None:
            differing.append(found)
    return Replayed(count, tuple(differing), untold)


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

    def __init__(
        self,
        rules_of: Callable[[str], Rules | None],
        lists: Mapping[str, list[str]],
        wanted: frozenset[str] | None,
    ) -> None:
        self._wanted = wanted
        self._rules: dict[str, Rules | None] = {}
        self._read = rules_of
        self._lists = lists
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

    def knows(self, entry: dict[str, Any]) -> bool:
        """Whether the text of every agreement that an entry is of is known."""
        if "agreement" in entry:
            return self._known(entry["agreement"])
        return all(
            self._known(each) for answer in entry["scopes"] for each in self._of_scope(answer)
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
            rules = [self._of(each) for each in self._of_scope({"scope": name, "but": but})]
            self._alike[name, but] = _Alike(
                frozenset(map(scope_of, rules)),
                max((each.valid_from for each in rules), default=FOREVER),
                min((each.valid_until for each in rules), default=0),
            )
        return self._alike[name, but]

    def _of_scope(self, answer: Mapping[str, Any]) -> list[str]:
        hashes = self._lists.get(answer["scope"], ())
        return [each for at, each in enumerate(hashes) if at not in answer["but"]]

    def _known(self, agreement: str) -> bool:
        if agreement not in self._rules:
            self._rules[agreement] = self._read(agreement)
        return self._rules[agreement] is not None

    def _of(self, agreement: str) -> Rules:
        return (self._known(agreement) and self._rules[agreement]) or _NO_RULES


# ------------------------------------------------------------------------------------------ slips

_SURE = 100
"""What a slip does not tell is taken as what speaks least against a release."""


def against(rules: Rules, slip: Slip) -> list[str]:
    """Return why an object could not be released as its slip says, by code; nothing if it could.

    Decided from what the slip tells and attests, as a receiver would begin to: the type, the
    moment, the attested marking and grade, the clause. What only the bytes tell is not weighed.
    """
    clause = next((each for each in rules.clauses if each.id == slip.clause), None)
    if clause is None:
        return ["clause-unknown"]
    beside, at = slip.beside(), slip.moment
    tied = {clause.id: slip.path}
    facts = Facts(
        id=slip.object,
        version_at=at,
        type=slip.object.partition("--")[0],
        created_at=at,
        marking=marking.CLEAR if beside.marking is None else beside.marking,
        grade=marking.NO_GRADE if beside.grade is None else beside.grade,
        now=at,
        about=tied,
        countries=tied,
        approvals=dict(beside.approvals),
        confidence=_SURE,
    )
    only = msgspec.structs.replace(rules, clauses=(clause,))
    return [str(each.code) for each in decide(only, facts).reasons]


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
