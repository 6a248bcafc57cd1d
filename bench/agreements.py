"""Agreements to measure with: one-sided ones, each about one family of the corpus."""

import uuid

from bench import corpus
from tearline import clock
from tearline.agreement import signing
from tearline.agreement.home import Home
from tearline.agreement.terms import parse_toml
from tearline.store.agreements import Version

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
names = ["{family}"]

[[clause]]
id = "U1"
from = "us"
to = "them"
types = ["malware", "indicator", "relationship"]
topics = ["T1"]
reach = 1
marking_max = "TLP:AMBER"
grading_min = "*"
max_age_days = "*"
countries = "*"
confidence_min = "*"
expired = true
"""


def agree(home: Home, number: int) -> list[Version]:
    """Sign so many agreements; two are about one family where there are more than families."""
    return [
        signing.propose(home, parse_toml(_terms(home, each)), now=clock.now())
        for each in range(number)
    ]


def _terms(home: Home, number: int) -> str:
    return _TERMS.format(
        id=uuid.uuid5(uuid.NAMESPACE_OID, f"bench {number}"),
        number=number,
        paper="0" * 64,
        card=home.card,
        family=corpus.family(number % corpus.FAMILIES),
    )
