"""What pages say, in each language: English stands in the templates, the others in catalogues.

A sentence that a catalogue does not have is said in English.
"""

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path

LANGUAGES = ("en", "de")
_FOLDER = Path(__file__).with_name("languages")


@cache
def catalogue(language: str) -> Mapping[str, str]:
    """The sentences of a language by the English ones; empty for English."""
    if language not in LANGUAGES[1:]:
        return {}
    found: Mapping[str, str] = tomllib.loads((_FOLDER / f"{language}.toml").read_text("utf-8"))
    return found


def chosen(accepted: str) -> str:
    """The most wished language that we have, by an Accept-Language header (RFC 9110, 12.5.4)."""
    wishes = []
    for place, each in enumerate(accepted.split(",")):
        name, _, weight = each.strip().partition(";q=")
        try:
            wish = float(weight or "1")
        except ValueError:
            wish = 0.0
        wishes.append((-wish, place, name.partition("-")[0].casefold()))
    return next((n for wish, _, n in sorted(wishes) if n in LANGUAGES and wish < 0), LANGUAGES[0])
