"""What agreements would do and do, as lines and tables for people."""

from typing import Any

from tearline.cli.terminal import Part, Table, count, joined, moment
from tearline.release.changes import Changes
from tearline.release.counting import Exposure, Preview
from tearline.release.preview import Explanation
from tearline.release.sampling import Estimate, Sampled

_SAID = {
    "release": "It goes to",
    "wait": "It waits for a person before it goes to",
    "withhold": "It stays and does not go to",
}


def preview_parts(found: Preview) -> list[Part]:
    """Return the counts of a preview, its reasons, and its types."""
    held = count(found.held, "object")
    return [
        f"Of {held}: {found.go:,} would go, {found.wait:,} would wait, {found.stay:,} would stay.",
        Table(
            ("reason", "objects", "this reason alone"),
            [(each.code, f"{each.total:,}", f"{each.only:,}") for each in found.reasons],
        ),
        Table(
            ("type", "go", "wait", "stay"),
            [(name, *(f"{n:,}" for n in row)) for name, row in found.by_type.items()],
        ),
        Table(
            ("clause", "would go under it"),
            [(name, f"{number:,}") for name, number in found.by_clause.items()],
        ),
        *map(_exposure, found.exposure),
        *(changes_parts(found.changes) if found.changes else []),
    ]


def sample_parts(found: Sampled) -> list[Part]:
    """Return what a sample says, marked as one: each figure with where it lies 95 times of 100."""
    return [
        f"By a sample of {found.size:,} of {found.held:,} objects (95 of 100 samples are as near):",
        Table(
            ("", "about", "at least", "at most"),
            [
                _estimate("would go", found.go),
                _estimate("would wait", found.wait),
                _estimate("would stay", found.stay),
                *(_estimate(str(code), each) for code, each in found.reasons),
            ],
        ),
    ]


def changes_parts(found: Changes) -> list[Part]:
    """Return what changes side against the version that runs."""
    if not found.sides:
        return ["No object changes side against the version that runs."]
    return [
        f"Against the version that runs ({found.running[:19]}…):",
        Table(
            ("now", "then", "objects"),
            [(_NOW[e.before], _THEN[e.after], f"{e.objects:,}") for e in found.sides],
        ),
        Table(
            ("object", "now", "because", "then", "because"),
            [
                (
                    each.object,
                    _NOW[each.before],
                    joined([why.code for why in each.reasons_before]) or "-",
                    _THEN[each.after],
                    joined([why.code for why in each.reasons_after]) or "-",
                )
                for each in found.objects
            ],
        ),
        *_unlisted(sum(each.objects for each in found.sides) - len(found.objects)),
    ]


_NOW = {"release": "goes", "wait": "waits", "withhold": "stays"}
_THEN = {"release": "would go", "wait": "would wait", "withhold": "would stay"}
_RARE = {
    "topic": "The rarest topic is {value}{topics}",
    "source": "The rarest source is {value}",
    "category": "The rarest category is {value}",
}


def _exposure(found: Exposure) -> str:
    topics = f" ({joined(found.topics)})" if found.topics else ""
    said = _RARE[found.kind].format(value=found.value, topics=topics)
    return f"{said}: {count(found.objects, 'object')}, {found.share:.2%} of what goes or waits."


def _unlisted(number: int) -> list[Part]:
    return [f"And {count(number, 'more object')}; --list lists more."] if number else []


def _estimate(name: str, found: Estimate) -> tuple[str, ...]:
    return name, f"{found.likely:,}", f"{found.low:,}", f"{found.high:,}"


def explanation_value(object_id: str, party: str, found: list[Explanation]) -> dict[str, Any]:
    """Return explanations as JSON; the outermost fields are those of the agreement in force."""
    each_one = [one_explanation(each) for each in found]
    top = each_one[found.index(_leading(found))]
    names = ("outcome", "clause", "reasons", "path", "names", "delivered_id", "until")
    return {
        "object": object_id,
        "to": party,
        **{name: top[name] for name in names},
        "agreements": each_one,
    }


def explanation_parts(party: str, found: list[Explanation]) -> list[Part]:
    """Return explanations for people: outcome first, then every reason, then the path."""
    parts: list[Part] = []
    for each in found:
        clause = f", by clause {each.clause}" if each.clause else ""
        parts.append(f"{_SAID[each.outcome]} {party} under “{each.title}” ({each.state}){clause}.")
        parts += [
            f"  {told.code}{f' (clause {told.clause})' if told.clause else ''}: {told.sentence}"
            for told in each.reasons
        ]
        if each.path:
            steps = " → ".join(step.name or step.id for step in each.path)
            parts.append(f"  About the topic by {each.start or 'this path'}: {steps}")
        if each.delivered_id and each.delivered_id != each.object:
            parts.append(f"  They have it as {each.delivered_id}, a cut version.")
        if each.until_at is not None:
            parts.append(f"  Until {moment(each.until_at)}.")
    return parts


def agreement_parts(found: dict[str, Any]) -> list[Part]:
    """Return an agreement for people: state, versions, statements, text."""
    statements = [
        (
            each["at"][:19] + "Z",
            "us" if each["ours"] else "them",
            each["step"],
            each["reason"] or "",
        )
        for each in found["statements"]
    ]
    versions = [
        (each["version"], each["state"], each["until"][:10], each["hash"])
        for each in found["versions"]
    ]
    faces = [f"Warning: two faces: {each}" for each in found["two_faces"]]
    waiting = [f"Not delivered yet: {each['kind']}" for each in found["pending"]]
    return [
        f"{found['title']}: {found['state']}, with {found['party']}",
        f"{found['agreement']}, version {found['version']}",
        f"Hash {found['hash']}",
        _standing(found),
        *limits_lines(found.get("limits")),
        Table(("version", "state", "until", "hash"), versions),
        Table(("at", "by", "statement", "reason"), statements),
        *waiting,
        *offered_parts(found["previews"]),
        *found["sentences"],
        *(f"Warning: {each}" for each in found["warnings"]),
        *faces,
    ]


def limits_lines(limits: dict[str, Any] | None) -> list[str]:
    """Say how much of today's number is used and left; nothing where there is no number."""
    if limits is None or limits["objects_per_day"] is None:
        return []
    given, left, most = (limits[n] for n in ("given_today", "left_today", "objects_per_day"))
    return [f"Today (UTC) {count(given, 'new object')} went of {most:,}; {left:,} left."]


def offered_parts(found: dict[str, Any]) -> list[Part]:
    """Return what each side offered as a preview, in bands."""
    parts: list[Part] = []
    for side, whose in (("theirs", "They say, signed"), ("ours", "We told them")):
        if (each := found[side]) is not None:
            parts.append(f"{whose} on {each['at'][:10]}, of what would go, wait and stay:")
            rows = [(name, *bands.values()) for name, bands in each["bands"].items()]
            parts.append(Table(("type", "go", "wait", "stay"), rows))
    return parts


def _standing(found: dict[str, Any]) -> str:
    does = [word for word in ("serving", "accepting") if found.get(word)]
    return f"Now: {joined(does)}" if does else "Now: nothing is served or accepted under it."


def _leading(found: list[Explanation]) -> Explanation:
    """The agreement in force; of several the one under which most happens."""
    order = {"release": 0, "wait": 1, "withhold": 2}
    active = [each for each in found if each.state == "active"] or found
    return min(active, key=lambda each: order[each.outcome])


def one_explanation(each: Explanation) -> dict[str, Any]:
    """Return one explanation as JSON."""
    from tearline.cli.terminal import stamp
    from tearline.release.rules import FOREVER

    until = each.until_at if each.until_at is not None and each.until_at < FOREVER else None
    return {
        "agreement": each.agreement,
        "title": each.title,
        "state": each.state,
        "outcome": each.outcome,
        "clause": each.clause,
        "reasons": [
            {"code": str(told.code), "clause": told.clause, "sentence": told.sentence}
            for told in each.reasons
        ],
        "start": each.start,
        "path": [step.id for step in each.path],
        "names": {step.id: step.name for step in each.path if step.name},
        "delivered_id": each.delivered_id,
        "position": each.position,
        "until": stamp(until),
    }
