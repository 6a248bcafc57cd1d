"""What goes only with others, and when each has its turn: after what decides it.

An edge hangs on all that it speaks of, a container on one thing that it holds, which may be an edge
or another container.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence

from tearline.store.objects import Reference
from tearline.topics.topic import EDGE_REFS, HOLDERS, type_of

_HELD = ("object_refs",)


def holds_some(stix_id: str) -> bool:
    """Whether an object goes where something goes that it holds, and not only where all goes."""
    return type_of(stix_id) in HOLDERS


def is_need(reference: Reference) -> bool:
    """Whether the fate of who names something hangs on it, alone or with others."""
    return reference.role in EDGE_REFS.get(type_of(reference.from_id), _HELD)


def in_turn(needs: Mapping[str, Sequence[str]], goes: Callable[[str], bool]) -> Iterator[str]:
    """Name each when what it hangs on is decided, be it one that was named before.

    Whoever asks decides each before the next; `goes` says of what is decided, and of what is not
    among these, whether it goes. A container is named as soon as one thing that it holds goes, or
    when all is decided. What is in a circle or hangs on one is not named: nothing in it goes first.
    """
    open_needs = {each: {n for n in below if n in needs} for each, below in needs.items()}
    above: dict[str, list[str]] = {}
    for each, below in open_needs.items():
        for need in below:
            above.setdefault(need, []).append(each)
    ordered = [
        each
        for each, below in open_needs.items()
        if not below or (holds_some(each) and any(goes(n) for n in needs[each] if n not in below))
    ]
    named = set(ordered)
    for each in ordered:
        yield each
        for one in above.get(each, ()):
            open_needs[one].discard(each)
            if one not in named and (not open_needs[one] or (holds_some(one) and goes(each))):
                named.add(one)
                ordered.append(one)
