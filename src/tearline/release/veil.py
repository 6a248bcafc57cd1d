"""Sources of a claim that do not go, under keyed pseudonyms. Pure.

A partner who may not know a source can still tell one from two: the same source goes under the same
pseudonym in every claim, and under every agreement of ours. What a claim says of it goes with its
name: its gain, the words that point to it, and its name where the text has it.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple, Protocol

from tearline.agreement.document import SOURCES
from tearline.provenance.claims import EXTENSION
from tearline.release.cut import KEPT, Deliver, shape_selectors
from tearline.release.shape import Calls, Shape, below

LINE = SOURCES
"""What a clause lists under `pseudonymise` to have it so."""
STAND_IN = "a source"
"""What stands in a text in the place of a name."""


class Names(Calls, Protocol):
    """Makes words for texts, and ids for sources."""

    def source(self, original: str) -> str:
        """The pseudonym of a source, the same under every agreement of ours."""


class Held(Protocol):
    """An object as it is held."""

    @property
    def doc(self) -> dict[str, Any]:
        """What it says."""

    @property
    def naming(self) -> tuple[str, ...]:
        """The properties in which it names others."""


class Veil(NamedTuple):
    """How sources are called that do not go, and what is held of them."""

    called: Callable[[str], str]
    held: Callable[[Iterable[str]], Mapping[str, Held]]


class Veiled(NamedTuple):
    """A note without its veiled sources, and the pseudonyms in it, which go as they are."""

    doc: dict[str, Any]
    pseudonyms: frozenset[str]


def below_veil(
    held: Held,
    shape: Shape,
    deliver: Deliver,
    calls: Names,
    others: Callable[[Iterable[str]], Mapping[str, Held]],
) -> dict[str, Any] | None:
    """Return the object below the tear line, as `below` does, its sources veiled where it says so.

    `others` gives what is held of ids.
    """
    hidden = None
    if LINE in shape.pseudonymise:
        hidden = veiled(held.doc, deliver, Veil(calls.source, others))
    if hidden is None:
        return below(held.doc, shape, deliver, calls, naming=held.naming)
    known = hidden.pseudonyms

    def pass_on(target: str) -> str | None:
        return target if target in known else deliver(target)

    found = below(hidden.doc, shape, pass_on, calls, naming=held.naming)
    # What came under pseudonyms and loses nothing else goes on byte for byte.
    return found or (None if hidden.doc == held.doc else hidden.doc)


def veiled(doc: Mapping[str, Any], deliver: Deliver, veil: Veil) -> Veiled | None:
    """Return a claim with pseudonyms for the sources that do not go; None where all do.

    What a partner gave under a pseudonym keeps it, so that who knows it knows it again.
    """
    extensions = doc.get("extensions")
    extension = extensions.get(EXTENSION) if isinstance(extensions, dict) else None
    chain = extension.get("source_chain") if isinstance(extension, dict) else None
    if not (isinstance(extensions, dict) and isinstance(extension, dict)):
        return None
    if doc.get("type") != "note" or not isinstance(chain, list):
        return None
    stay = {each: None for link in chain if (each := _stays(link, deliver))}
    if not stay:
        return None
    known = veil.held(stay)
    links = [
        _link(each, veil, held=source in known) if (source := _stays(each, deliver)) else each
        for each in chain
    ]
    texts = _names(name for each in known.values() for name in _called(each.doc))
    said = {**extension, "source_chain": links}
    result = _without(texts, {**doc, "extensions": {**extensions, EXTENSION: said}})
    if result.get("content") != doc.get("content"):
        result["extensions"][EXTENSION] = {
            name: each
            for name, each in result["extensions"][EXTENSION].items()
            if name not in _OFFSETS
        }
    pseudonyms = frozenset(
        each["identity_ref"] for each in links if isinstance(each, dict) and each.get("pseudonym")
    )
    return Veiled(shape_selectors(doc, result), pseudonyms)


_OFFSETS = frozenset({"excerpt_start", "excerpt_end"})
_PLACE = frozenset({"role", "said", "unnamed"})


def _stays(link: object, deliver: Deliver) -> str:
    """The source of a link that does not go; '' where it does or there is none."""
    source = link.get("identity_ref") if isinstance(link, dict) else None
    return source if isinstance(source, str) and deliver(source) is None else ""


def _link(link: dict[str, Any], veil: Veil, *, held: bool) -> dict[str, Any]:
    source = link["identity_ref"]
    kept = {name: each for name, each in link.items() if name in _PLACE}
    # Who gave it under a pseudonym made that of a source that only they know; of what we hold an
    # object, it is none.
    name = source if link.get("pseudonym") is True and not held else veil.called(source)
    return {**kept, "identity_ref": name, "pseudonym": True}


def _called(doc: Mapping[str, Any]) -> Iterator[str]:
    """What an identity is called, its own id among it."""
    also = doc.get("aliases")
    for each in (doc["id"], doc.get("name"), *(also if isinstance(also, list) else ())):
        if isinstance(each, str):
            yield each


def _names(names: Iterable[str]) -> re.Pattern[str] | None:
    """What finds any of these names as whole words, however they are spaced and cased."""
    words = sorted({" ".join(each.split()) for each in names} - {""}, key=lambda n: (-len(n), n))
    if not words:
        return None
    found = "|".join(r"\s+".join(map(re.escape, each.split())) for each in words)
    return re.compile(rf"(?<!\w)(?:{found})(?!\w)", re.IGNORECASE)


def _without(names: re.Pattern[str] | None, doc: dict[str, Any]) -> dict[str, Any]:
    """The object without these names in its texts; what refers to something stays as it is."""

    def free(name: str, value: object) -> object:
        if isinstance(value, str):
            return value if _refers(name) or names is None else names.sub(STAND_IN, value)
        if isinstance(value, list):
            return [free(name, each) for each in value]
        if isinstance(value, dict):
            return {key: free(key, each) for key, each in value.items()}
        return value

    return {name: value if name in KEPT else free(name, value) for name, value in doc.items()}


_CLOSED = frozenset(
    {
        *("role", "certainty", "polarity", "lang", "extension_type", "scale", "bound", "review"),
        *("said", "true_from", "true_until", "granular_markings"),
    }
)
"""What takes its values from a list, or is a date: nobody is named there."""


def _refers(name: str) -> bool:
    return name.endswith(("_ref", "_refs")) or name in _CLOSED
