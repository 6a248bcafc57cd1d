"""Agreements to measure with: about families of the corpus, most of them one-sided."""

import json
import uuid
from collections.abc import Iterable, Sequence
from pathlib import Path

from bench import corpus
from tearline import clock
from tearline.agreement import signing
from tearline.agreement.card import card_hash, check_words
from tearline.agreement.home import Home, create_home
from tearline.agreement.partners import add_party
from tearline.agreement.terms import Terms, parse_toml
from tearline.store.agreements import Version
from tests.exchange.nodes import FOREVER, Nodes

_TERMS = """
schema = "tearline-agreement/1"
id = "urn:uuid:{id}"
version = 1
title = "Generated agreement {number}"
one_sided = true
paper = "sha256:{paper}"
valid = {{ from = "2025-01-01", until = "2099-12-31" }}

[party.us]
name = "{card.name}"
slug = "{card.slug}"
key = "{card.sign}"
log = "{card.log}"

[party.them]
name = "Reader {number}"
slug = "reader-{number}"

[purpose]
text = "Measuring."

[[topic]]
id = "T1"
names = [{families}]
stix_ids = [{authors}]

[[clause]]
id = "U1"
from = "us"
to = "them"
types = [{types}]
topics = ["T1"]
reach = 1
marking_max = "{marking_max}"
grading_min = "*"
max_age_days = {max_age_days}
countries = "*"
confidence_min = "*"
expired = true
remove = {remove}
"""
_TYPES = ("malware", "indicator", "relationship")


def agree(home: Home, number: int) -> list[Version]:
    """Sign so many agreements; two are about one family where there are more than families."""
    families = (range(each % corpus.FAMILIES, each % corpus.FAMILIES + 1) for each in range(number))
    return [
        signing.propose(home, terms(home, each, its), now=clock.now())
        for each, its in enumerate(families)
    ]


def agree_alike(home: Home, number: int) -> list[Version]:
    """Sign so many agreements with as many partners, each about all families."""
    every = range(corpus.FAMILIES)
    return [
        signing.propose(home, terms(home, each, every), now=clock.now()) for each in range(number)
    ]


def agree_with_nodes(home: Home, folder: Path, number: int) -> None:
    """Sign so many agreements with as many partners that have nodes, each about all families."""
    named = f"[{_quoted(map(corpus.family, range(corpus.FAMILIES)))}]"
    for each in range(number):
        now = clock.now()
        theirs = create_home(folder / f"partner-{each}", f"Partner {each}", None, now=now)
        for us, them in ((home, theirs), (theirs, home)):
            file = (them.path / "card.json").read_bytes()
            add_party(us, file, check_words(card_hash(them.card)), now=now)
        agreement_id = str(uuid.uuid5(uuid.NAMESPACE_OID, f"bench node {each}").urn)
        limits: dict[str, object] = {
            "names": named,
            "labels": "[]",
            "until": FOREVER,
            "types": json.dumps(_TYPES),
            "more": "expired = true",
        }
        nodes = Nodes(home, theirs, now=now, agreement_id=agreement_id, limits=limits)
        nodes.agree()
        theirs.store.close()


def terms(
    home: Home,
    number: int,
    families: range,
    *,
    types: Sequence[str] = _TYPES,
    authors: bool = False,
    **limits: str,
) -> Terms:
    """An agreement about some families; with `authors`, their objects need no cut."""
    given = {"marking_max": "TLP:AMBER", "max_age_days": '"*"', "remove": "[]"} | limits
    listed = corpus.organisations() if authors else []
    return parse_toml(
        _TERMS.format(
            id=uuid.uuid5(uuid.NAMESPACE_OID, f"bench {number}"),
            number=number,
            paper="0" * 64,
            card=home.card,
            families=_quoted(map(corpus.family, families)),
            authors=_quoted(listed),
            types=_quoted([*types, *(["identity"] if authors else [])]),
            **given,
        )
    )


def _quoted(texts: Iterable[str]) -> str:
    return ", ".join(f'"{each}"' for each in texts)
