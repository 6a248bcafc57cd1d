"""A node and a receiver that has no node: the text that both signed, one of them on paper."""

from tearline.agreement import signing
from tearline.agreement.terms import parse_toml
from tests.pair import Pair


def one_sided(pair: Pair, **limits: object) -> str:
    """Return the terms of a pair with the East Clinic, which has no keys, in South's place."""
    text = pair.terms(**limits)
    for line in (f'key = "{pair.south.card.sign}"', f'log = "{pair.south.card.log}"'):
        text = text.replace(line, "")
    theirs = pair.south.card
    text = text.replace(theirs.name, "East Clinic").replace(theirs.slug, "east-clinic")
    return f'one_sided = true\npaper = "sha256:{"0" * 64}"\n{text}'


def give_key(pair: Pair, **limits: object) -> str:
    """Sign one, and return the key of the East Clinic."""
    sign(pair, **limits)
    return signing.open_account(pair.north, pair.agreement_id, now=pair.tick())


def sign(pair: Pair, **limits: object) -> None:
    """Have North sign the next version, which is in force by that, and let releases follow."""
    terms = parse_toml(one_sided(pair, **limits))
    proposed = signing.propose(pair.north, terms, now=pair.tick())
    assert proposed.state == "active"
    pair.version, pair.last_hash = pair.version + 1, proposed.hash
    pair.limits |= limits
    pair.reconcile()
