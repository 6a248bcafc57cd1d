"""What a check answers, and the checks that are made at more than one moment."""

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

from tearline.cli.demo.below import Fit
from tearline.cli.demo.evidence import Answer, Log, Record, digest_of, statements
from tearline.cli.demo.expect import World
from tearline.cli.demo.known import Known

Moment = dict[str, Any]


class Check(NamedTuple):
    """One finding: at which moment, what ought to hold, whether it does, and with which numbers."""

    moment: str
    line: str
    holds: bool
    detail: str = ""


def verified(name: str, *logs: Log) -> Iterator[Check]:
    """Each log holds together under its owner's key, is opened whole, and extends older copies."""
    for each in logs:
        verdict = each.verdict
        good = verdict.good and verdict.pinned and not verdict.unopened and verdict.size > 0
        line = f"the log {verdict.origin} verifies, and only grew"
        detail = f"{verdict.size} leaves, {verdict.records:,} records"
        yield Check(name, line, good, "; ".join([detail, *verdict.problems[:2]]))


def fits(name: str, world: World, answer: Answer, found: Fit) -> Iterator[Check]:
    """What was given is what ought to go: nothing is missing, nothing too much."""
    going = sum(fate.outcome == "release" for fate in world.outcomes.values())
    detail = f"{len(answer.objects)} of {going}; {found.uncut} uncut, {found.cut} cut"
    strange = [*found.missing, *found.surplus][:3]
    yield Check(
        name,
        "what North's node gives is exactly what the signed text allows, byte for byte if uncut",
        not strange and answer.objects.keys() == found.ours.keys(),
        detail + (f"; strange: {', '.join(strange)}" if strange else ""),
    )


def reasons(name: str, known: Known, world: World, private: Log) -> Iterator[Check]:
    """North's private log, opened, has a decision with every reason for all that does not go."""
    lists = {each["scope"]: each["agreements"] for each in private.of("scope")}
    logged = {
        each["object"]: (each["outcome"], frozenset(r["code"] for r in said["reasons"]))
        for each in private.of("decision")
        for said in _said(each, known.agreement_hash, lists)
    }
    wanted = {each: (f.outcome, f.codes) for each, f in world.outcomes.items()}
    differing = [
        each for each in wanted.keys() | logged.keys() if wanted.get(each) != logged.get(each)
    ]
    line = "for each object North's private log has the outcome and every reason it ought to have"
    detail = f"{len(logged):,} decisions; differing: {len(differing)}"
    yield Check(name, line, not differing, detail)
    waiting = [each for each, (outcome, _) in logged.items() if outcome == "wait"]
    types = {each.partition("--")[0] for each in waiting if "victim" in logged[each][1]}
    gave = [each for each in waiting if each in known.fit.ours.values()]
    line = "what names a victim waits: the identity, who targets it, where it was seen"
    yield Check(
        name,
        line,
        {"identity", "relationship", "sighting"} <= types and not gave,
        f"{len(waiting)} wait",
    )


def steps(known: Known, log: Log, agreement: str) -> set[tuple[str, str]]:
    """The steps of one version in a log, each with who signed it."""
    found = statements(log, known.keys)
    return {(each["step"], each["by"]) for each in found if each["agreement"] == agreement}


def last_slips(log: Log) -> dict[str, Record]:
    """The slips that stand at the end of a log, by the id under which an object was given."""
    found: dict[str, Record] = {}
    for _, each in log.records:
        if each.get("kind") == "release":
            found[each["object"]] = each
        elif each.get("kind") == "withdraw":
            found.pop(each["object"], None)
    return found


def _said(decision: Record, agreement: str, lists: dict[str, list[str]]) -> Iterator[Record]:
    """What a logged decision says for one agreement: its own, or one for a whole scope."""
    if decision.get("agreement") == agreement:
        yield decision
    for each in decision.get("scopes", ()):
        listed = lists[each["scope"]]
        named = digest_of(json.dumps(listed, separators=(",", ":")).encode()) == each["scope"]
        if named and agreement in listed and listed.index(agreement) not in each["but"]:
            yield each
