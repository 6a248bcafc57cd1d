"""What the pairs of a group have in common, and its hash; pure.

A group signs pairs made from one *template*: an agreement whose party `member` is still open. Each
pair names the template by its hash. The hash is over the pair itself without what is the member's
own, so whoever holds a pair can see that it is the template's text and nothing else.
"""

from typing import Any

import msgspec

from tearline.agreement.document import Terms
from tearline.stix import canonical

MEMBER = "member"
"""The slot that a template leaves open."""
KEPT = ("role",)
"""What a template may say of every member; all else of the party is the member's own."""
OWN = ("id", "version", "replaces", "template")
"""What each pair has for itself, beside the member's lines."""


def common(terms: Terms) -> dict[str, Any]:
    """Return the template in a pair, as plain JSON: what every member signs alike."""
    document: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(terms))
    for line in OWN:
        document.pop(line, None)
    member = document["party"][MEMBER]
    document["party"][MEMBER] = {line: member[line] for line in KEPT if line in member}
    return document


def template_bytes(terms: Terms) -> bytes:
    """Return the template in a pair as RFC 8785 canonical JSON."""
    return canonical.canonical(common(terms))


def template_hash(terms: Terms) -> str:
    """Return the name of the template in a pair: `sha256:` and 64 hex digits."""
    return canonical.sha256(template_bytes(terms))
