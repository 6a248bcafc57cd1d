"""How values become pages: templates that escape everything, words in the viewer's language.

What came from a partner is text and nothing else. Characters that would hide or turn what is read
(controls, and those that change the direction of writing) are shown as what they are.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import orjson
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.datastructures import URL

from tearline.provenance.grade import WORDS as CREDIBILITY_WORDS
from tearline.web.assets import address
from tearline.web.drawn.estimates import amount
from tearline.web.pictures import pictures
from tearline.web.reason_words import WORDS
from tearline.web.seen import seen
from tearline.web.signing_in import ROLES, WEIGHING, Viewer
from tearline.web.words import LANGUAGES, catalogue, chosen

_FOLDER = Path(__file__).parent
_READ = 20_000
"""Characters of a value that are laid out; its JSON has all."""


def render(
    template: str, accepted: str, at: URL, *, who: Viewer | None, value: object, now: int
) -> str:
    """Return a page as HTML, in the language that fits an Accept-Language header best."""
    language = chosen(accepted)
    found = _environment(language).get_template(template)
    places = [each for each in NAVIGATION if who is not None and who.may(*each[2])]
    return found.render(
        who=who,
        value=value,
        path=at.path,
        place=f"{at.netloc}{at.path}{'?' * bool(at.query)}{at.query}",
        now=now,
        language=language,
        navigation=places,
    )


@cache
def _environment(language: str) -> Environment:
    words = catalogue(language)
    made = Environment(
        loader=FileSystemLoader(_FOLDER / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals |= {
        "say": _sayer(words),
        "known": words.get,
        "static": address,
        "credibility_words": CREDIBILITY_WORDS,
        "reason_words": {str(code): text for code, text in WORDS.items()},
        **pictures(language),
    }
    made.filters |= {"seen": seen, "day": day, "number": number, "short": short, "laid": laid}
    made.filters["amount"] = amount
    return made


def _sayer(words: Mapping[str, str]) -> Callable[..., str]:
    """What says a sentence; one with a bar has two forms, for one and for any other number `n`."""

    def say(sentence: str, **given: object) -> str:
        one, bar, more = words.get(sentence, sentence).partition("|")
        text = more if bar and given.get("n") != 1 else one
        shown = {k: number(v) if isinstance(v, int) else v for k, v in given.items()}
        return text.format(**shown)

    return say


NAVIGATION = (
    ("/", "Home", ROLES),
    ("/queue", "Queue", WEIGHING),
    ("/objects", "Objects", ROLES),
    ("/claims", "Claims", ROLES),
    ("/import", "Import", ("analyst", "officer", "admin")),
    ("/map", "Map and time", ROLES),
    ("/explore", "Explore", ROLES),
    ("/hypotheses", "Hypotheses", ROLES),
    ("/agreements", "Agreements", ROLES),
    ("/partners", "Partners", ROLES),
    ("/recalls", "Recalls", ROLES),
    ("/quarantine", "Quarantine", WEIGHING),
    ("/log", "Log", WEIGHING),
)
"""Where one can go from everywhere, in the order of a day's work."""


def day(at: int | None) -> str:
    """A moment, to the minute in UTC; a dash where there is none."""
    if at is None or at >= 2**62:
        return "-"
    return datetime.fromtimestamp(at / 1_000_000, UTC).strftime("%Y-%m-%d %H:%M")


def laid(value: object) -> str:
    """A JSON value laid out for reading, as far as somebody reads it."""
    text = orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()
    return seen(text if len(text) <= _READ else f"{text[:_READ]}\n…")


def number(count: int) -> str:
    """A number with its thousands apart."""
    return f"{count:,}".replace(",", "\u202f")


def short(text: str) -> str:
    """The beginning of a hash or an id, long enough to tell it from others."""
    kind, mark, rest = text.partition("--")
    if mark:
        return f"{kind}--{rest[:8]}…"
    return f"{text.removeprefix('sha256:')[:12]}…" if len(text) > 20 else text  # noqa: PLR2004  # a hash


__all__ = ["LANGUAGES", "NAVIGATION", "render", "seen"]
