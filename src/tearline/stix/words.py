"""The words of an object, and what somebody asks for by words. Pure.

Both go through the same normal form: case, accents and width do not count, and a sign that is
neither letter nor digit only parts. What stands in an index is `[0-9a-z]` alone, so that no sign of
an object or of a question means anything to a database.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from hashlib import blake2b
from typing import Any, NamedTuple

RECIPE = 1
"""Raised with every change of what this module returns: indexes are then made anew."""

_TEXTS = (
    "name",
    "value",
    "pattern",
    "description",
    "abstract",
    "content",
    "opinion",
    "explanation",
    "path",
    "key",
    "subject",
    "body",
    "display_name",
    "account_login",
    "user_id",
    "serial_number",
    "statement",
    "relationship_type",
    "malware_types",
    "indicator_types",
    "threat_actor_types",
    "tool_types",
    "report_types",
    "infrastructure_types",
    "identity_class",
    "sectors",
    "country",
    "region",
)
_LISTS = ("aliases", "labels", "x_mitre_aliases", "x_mitre_platforms", "goals", "authors", "roles")
_WHOLE = ("id", "name", "value", "path", "key", "user_id", "serial_number")
_WHOLE_LISTS = ("aliases", "x_mitre_aliases")
# Letters of scripts that part no words stand each for itself.
_ALONE = "\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"
_WORD = re.compile(f"[{_ALONE}]|[^\\W_{_ALONE}]+")
_PLAIN = re.compile("[0-9a-z]+")
_TERM = re.compile(r'"([^"]*)"?|(\S+)')
_LITERAL = re.compile(r"'((?:[^'\\]|\\.)*)'")
_HXXP = re.compile("hxxp(?=s?:)", re.IGNORECASE)
_EDGE = "'\"()[]{}<>,;!?"
_MOST_WORDS = 2_000
_LONGEST_WORD = 100
_MOST_WHOLE = 200
_LONGEST_WHOLE = 2_000
_MOST_TERMS = 16
_LONGEST_QUESTION = 500
_LEAST_BEGINNING = 2


class Words(NamedTuple):
    """What an object is found by: `whole` values and names, and `words` in their order."""

    whole: tuple[str, ...]
    words: tuple[str, ...]


class Phrase(NamedTuple):
    """Words that stand one behind the other; of the last, with `begins`, only the beginning."""

    words: tuple[str, ...]
    begins: bool = False


class Sought(NamedTuple):
    """What somebody asks for: all `phrases` together; who has one of `whole` comes first.

    All that is found has all `marks`, too.
    """

    whole: tuple[str, ...] = ()
    phrases: tuple[Phrase, ...] = ()
    marks: tuple[str, ...] = ()


def words_of(doc: Mapping[str, Any]) -> Words:
    """Return what an object is found by."""
    whole = dict.fromkeys(_whole(each) for each in _values(doc) if 0 < len(each) <= _LONGEST_WHOLE)
    words: list[str] = []
    for text in _texts(doc):
        words += _words(text[: _MOST_WORDS * _LONGEST_WORD])
        if len(words) > _MOST_WORDS:
            break
    marks = (mark_of(str(doc.get("type"))),)
    return Words((*marks, *tuple(whole)[:_MOST_WHOLE]), tuple(words[:_MOST_WORDS]))


def mark_of(type_: str) -> str:
    """Return what stands among whole values for a type, and is never one of them."""
    return f"t{_whole(type_)}"


def sought(text: str) -> Sought:
    """Return what a question asks for, whatever stands in it: nothing where it has no word.

    Words that all have to be there; `"some words"` one behind the other; `begin*`.
    """
    text = _followable(text[:_LONGEST_QUESTION])
    phrases, whole = [], [_whole(_clean(text))]
    for quoted, bare in list(_TERM.findall(text))[:_MOST_TERMS]:
        term = quoted or bare
        words = tuple(_words(term))
        # What begins with one letter is too much to look for: alone it is a word.
        begins = bare.endswith("*") and len(words) > 0 and len(words[-1]) >= _LEAST_BEGINNING
        if words:
            phrases.append(Phrase(words, begins))
            whole.append(_whole(_clean(term)))
    return Sought(tuple(dict.fromkeys(whole)) if phrases else (), tuple(dict.fromkeys(phrases)))


def holds(found: Words, asked: Sought) -> bool:
    """Whether an object has what is asked for: what a database's index answers, in Python."""
    if not asked.phrases:
        return False
    return all(_stands(found.words, each) for each in asked.phrases)


def _stands(words: tuple[str, ...], phrase: Phrase) -> bool:
    length, last = len(phrase.words), phrase.words[-1]
    for begin in range(len(words) - length + 1):
        part = words[begin : begin + length]
        if part[:-1] == phrase.words[:-1] and (
            part[-1].startswith(last) if phrase.begins else part[-1] == last
        ):
            return True
    return False


def _values(doc: Mapping[str, Any]) -> Iterator[str]:
    """What somebody would look up as it is: ids, names, addresses, hashes, CVEs."""
    for name in _WHOLE:
        yield from _strings(doc.get(name))
    for name in _WHOLE_LISTS:
        yield from _strings(doc.get(name))
    hashes = doc.get("hashes")
    if isinstance(hashes, dict):
        yield from _strings(list(hashes.values()))
    for each in _dicts(doc.get("external_references")):
        yield from _strings(each.get("external_id"))
    if isinstance(pattern := doc.get("pattern"), str):
        yield pattern
        yield from (each.replace("\\'", "'") for each in _LITERAL.findall(pattern))


def _texts(doc: Mapping[str, Any]) -> Iterator[str]:
    yield from _strings(doc.get("id"))
    for name in _TEXTS:
        yield from _strings(doc.get(name))
    for name in _LISTS:
        yield from _strings(doc.get(name))
    hashes = doc.get("hashes")
    if isinstance(hashes, dict):
        yield from _strings(list(hashes.values()))
    for each in _dicts(doc.get("external_references")):
        yield from _strings(each.get("external_id"))
        yield from _strings(each.get("source_name"))


def _strings(value: object) -> Iterable[str]:
    if isinstance(value, str):
        return (value,)
    return (each for each in value if isinstance(each, str)) if isinstance(value, list) else ()


def _dicts(value: object) -> Iterable[Mapping[str, Any]]:
    return (each for each in value if isinstance(each, dict)) if isinstance(value, list) else ()


def _words(text: str) -> list[str]:
    """The words of a text, as they stand in an index."""
    plain = _plain(text)
    if plain.isascii():
        found = _PLAIN.findall(plain)
    else:
        found = [_spelled(each) for each in _WORD.findall(plain)]
    return [each[:_LONGEST_WORD] for each in found]


def _plain(text: str) -> str:
    if text.isascii():
        return text.lower()
    parts = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    return "".join(each for each in parts if unicodedata.category(each) != "Mn")


def _spelled(word: str) -> str:
    """A word in `[0-9a-z]`, sign by sign, so that beginnings stay beginnings."""
    if word.isascii():
        return word
    return "".join(each if each.isascii() else f"q{ord(each):05x}" for each in word)


def _whole(value: str) -> str:
    """A value as one word, whatever stands in it."""
    plain = " ".join(_plain(value).split())
    return blake2b(plain.encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()


def _clean(term: str) -> str:
    """A value without what people write around it."""
    return term.strip().removesuffix("*").strip(_EDGE)


def _followable(text: str) -> str:
    """A question whose addresses are written so that nobody follows them, as they are meant."""
    for written, meant in (("[.]", "."), ("(.)", "."), ("[:]", ":")):
        text = text.replace(written, meant)
    return _HXXP.sub("http", text)
