"""An agreement as pages show it: its lines in sentences, by subject, and what differs."""

from typing import Any

from tearline.agreement.change import beside
from tearline.agreement.document import Terms
from tearline.agreement.terms import sentences

_QUIET = ("id", "version", "replaces")
"""What differs in every version, and so is no change."""


def groups(terms: Terms, our_slug: str, running: Terms | None) -> list[dict[str, Any]]:
    """The lines of an agreement, those of one topic or clause together, with what each was.

    Each line has a mark: same, new, changed or gone; a group says whose clause it is.
    """
    slot = terms.slot_of(our_slug)
    givers = {f"clause {e.id}": "ours" if e.from_ == slot else "theirs" for e in terms.clause}
    found: dict[str, dict[str, Any]] = {}
    for line in _lines(terms, running):
        subject, _, rest = line["place"].partition(" · ")
        name = subject if subject.startswith(("clause ", "topic ", "party ", "category ")) else ""
        group = found.setdefault(
            name, {"name": name, "side": givers.get(name), "changed": 0, "lines": []}
        )
        group["changed"] += line["mark"] != "same"
        group["lines"].append(line | {"line": (rest if name else line["place"]) or subject})
    return sorted(found.values(), key=lambda each: _place(each["name"]))


def _place(name: str) -> int:
    order = ("", "topic ", "clause ", "category ", "party ")
    return max(n for n, start in enumerate(order) if name.startswith(start))


def _lines(terms: Terms, running: Terms | None) -> list[dict[str, Any]]:
    if running is None:
        parted = (each.partition(": ") for each in sentences(terms))
        return [
            {"place": p, "sentence": text, "was": None, "turn": None, "mark": "same"}
            for p, _, text in parted
        ]
    own = {p: text for p, _, text in (e.partition(": ") for e in sentences(terms)) if p in _QUIET}
    found = [
        {"place": p, "sentence": text, "was": None, "turn": None, "mark": "same"}
        for p, text in own.items()
    ]
    for each in beside(running, terms):
        mark = (
            "gone"
            if each.sentence is None
            else "new"
            if each.was is None
            else "same"
            if each.was == each.sentence
            else "changed"
        )
        was = None if mark == "same" else each.was
        found.append(
            {
                "place": each.place,
                "sentence": each.sentence or "",
                "was": was,
                "turn": each.turn if mark == "changed" else None,
                "mark": mark,
            }
        )
    return found
