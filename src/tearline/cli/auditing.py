"""What an auditor asks of two logs: what passed, by which clause, who said yes, what came back."""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from tearline.agreement import by_person
from tearline.agreement.by_person import ByPerson
from tearline.cli import comparing
from tearline.cli.comparing import Comparison
from tearline.cli.terminal import Part, Table, count, joined
from tearline.errors import TearlineError
from tearline.log.entries import expand, read_openings
from tearline.log.sides import Side
from tearline.log.verify import Verdict
from tearline.stix.canonical import sha256

_SHOWN = len("sha256:") + 12


class Passed(NamedTuple):
    """One release as both logs tell of it; moments are the text of the logs, None where unsaid.

    `approvals` has by hash what people signed to let it go: `Said.hash` in the giver's private log.
    """

    from_: str
    to: str
    agreement: str
    clause: str
    object: str
    position: int
    hash: str
    released_at: str
    received_at: str | None
    ended_at: str | None
    reason: str | None
    recalled: bool
    answered_at: str | None
    marking: str | None
    grade: str | None
    approvals: tuple[str, ...]

    @property
    def type(self) -> str:
        """The type of the object."""
        return self.object.partition("--")[0]


class Said(NamedTuple):
    """What a person said of exact bytes, from a private log; `signed` that the signature holds."""

    party: str
    person: str
    verdict: str
    clause: str
    object: str
    bytes: str
    at: str
    text: str
    hash: str
    signed: bool


def audit(found: Comparison, private: Sequence[Path]) -> dict[str, Any]:
    """Return the answer to an auditor's questions as JSON, the comparison with it."""
    passed = [each for side, other in _ways(found) for each in _passed(side, other)]
    verdicts = found.verdicts[2:]
    said = [
        each
        for folder, verdict in zip(private, verdicts, strict=True)
        if found.sides
        for each in _said(folder, verdict)
    ]
    texts = [
        {"hash": name, "title": each.title, "version": each.version, "parties": _names(each)}
        | {"from": each.valid.from_, "until": each.valid.until}
        for name, each in found.texts.items()
    ]
    return {
        "agreements": sorted(texts, key=lambda each: each["version"]),
        "passed": [each._asdict() for each in passed],
        "said": [each._asdict() for each in said],
        **comparing.as_json(found),
    }


def _names(terms: Any) -> list[str]:  # noqa: ANN401  # the signed text
    return sorted(each.name for each in terms.party.values())


def _ways(found: Comparison) -> Iterator[tuple[Side, Side]]:
    if found.sides:
        one, two = found.sides
        yield one, two
        yield two, one


def _passed(giver: Side, receiver: Side) -> Iterator[Passed]:
    received = {at: each.at for _, each in receiver.acceptances for at in expand(each.positions)}
    ended = {each.release: each for _, each in giver.withdrawals.values()}
    for position, (_, each) in giver.releases.items():
        end = ended.get(position)
        answer = receiver.answered.get(position)
        yield Passed(
            giver.party,
            receiver.party,
            each.agreement,
            each.clause,
            each.object,
            position,
            each.hash,
            each.at,
            received.get(position),
            end.at if end else None,
            end.reason if end else None,
            bool(end and end.recall),
            answer[1].at if answer else None,
            each.attested.get("marking"),
            each.attested.get("grade"),
            tuple(map(str, each.attested.get("approvals") or ())),
        )


def _said(folder: Path, verdict: Verdict) -> Iterator[Said]:
    """Read what people said, and check each signature with the key the log enrolled them by."""
    party = verdict.origin.partition("/")[0]
    keys: dict[str, list[str]] = {}
    records = [orjson.loads(each.record) for each in read_openings(folder, verdict.size)]
    for record in records:
        if record.get("kind") == "person" and record.get("act") == "enrolled":
            keys.setdefault(record["person"], []).append(record["key"])
    for record in records:
        if record.get("kind") == "verdict":
            signed = by_person.convert(record["signed"])
            said = orjson.loads(signed.body)
            yield Said(
                party,
                said["person"],
                said["verdict"],
                record["clause"],
                record["object"],
                record["bytes"],
                said["at"],
                said["text"],
                sha256(by_person.dump(signed)),
                _holds(signed, keys.get(said["person"], [])),
            )


def _holds(signed: ByPerson, keys: Sequence[str]) -> bool:
    try:
        return bool(by_person.verify(signed, *keys))
    except TearlineError:
        return False


# ----------------------------------------------------------------------------------------- saying


def parts(value: dict[str, Any], found: Comparison) -> list[Part]:
    """Say the answers to people: four questions, and then what the comparison says."""
    passed = [Passed(**each) for each in value["passed"]]
    said = [Said(**each) for each in value["said"]]
    return [
        *(
            f"{each['title']}, version {each['version']}, between {joined(each['parties'])}: "
            f"{each['from']} to {each['until']}."
            for each in value["agreements"]
        ),
        *_what(passed),
        *_who(passed, said),
        *_back(passed),
        "Do both sides agree?",
        *comparing.lines(found),
    ]


def _what(passed: Sequence[Passed]) -> list[Part]:
    numbers = Counter((each.from_, each.clause, each.type) for each in passed)
    received = Counter((p.from_, p.clause, p.type) for p in passed if p.received_at)
    rows = [(*key, number, received[key]) for key, number in sorted(numbers.items())]
    headings = ("from", "clause", "type", "released", "received")
    line = f"What passed, and under which clause? {count(len(passed), 'release')}."
    return [line, Table(headings, rows)]


def _who(passed: Sequence[Passed], said: Sequence[Said]) -> list[Part]:
    """Name the people behind each approval; a slip has only the hash of what each signed."""
    by_hash = {each.hash: each for each in said}
    rows: list[tuple[object, ...]] = [
        (each.person, each.verdict, each.clause, each.object, each.at, _held(each)) for each in said
    ]
    rows += [
        (name[:_SHOWN], "approve", each.clause, each.object, each.released_at, "the slip, by hash")
        for each in passed
        for name in each.approvals
        if name not in by_hash
    ]
    line = f"Who said yes? {count(len(rows), 'verdict')} of people; the rest went by the clauses."
    return [line, Table(("person", "said", "clause", "object", "at", "shown by"), rows)]


def _held(said: Said) -> str:
    return "their signature" if said.signed else "no signature that holds"


def _back(passed: Sequence[Passed]) -> list[Part]:
    rows = [
        (each.object, each.clause, each.reason, each.ended_at, each.answered_at or "no receipt")
        for each in passed
        if each.recalled
    ]
    line = f"What was recalled? {count(len(rows), 'release')}."
    return [line, Table(("object", "clause", "reason", "recalled", "confirmed"), rows)]
