"""What an agreement says of passing things on, in English, and what is odd about it; pure."""

from collections.abc import Iterator

from tearline.agreement.cut_wording import in_words
from tearline.agreement.document import Terms

_LEFT_OUT = "is left out, so nothing may be passed on."


def onward_words(terms: Terms) -> Iterator[tuple[str, str]]:
    """Yield (place, sentence) for each line of the onward rule."""
    rule = terms.onward
    if not rule.allowed:
        text = "The receiver may not pass on anything it got under this agreement."
        yield "onward · allowed", text
        return
    yield "onward · allowed", "The receiver may pass on what it got, within each of these limits."
    if rule.to is None:
        said = f"`to` {_LEFT_OUT}"
    elif rule.to == "*":
        said = "It may be passed on to any party with whom the receiver has an agreement."
    else:
        said = f"It may be passed on to {in_words(rule.to, 'or')} alone."
    yield "onward · to", said
    yield (
        "onward · marking_max",
        f"Only what is marked {rule.marking_max} or less strictly may be passed on."
        if rule.marking_max
        else f"`marking_max` {_LEFT_OUT}",
    )
    yield (
        "onward · ask_first",
        "Before that, the giver is asked about the exact bytes and the party that would get them."
        if rule.ask_first
        else "The giver is not asked before that.",
    )


def onward_cautions(terms: Terms) -> Iterator[tuple[str, str]]:
    """Yield (place, warning) for an onward rule that is probably not meant so."""
    rule = terms.onward
    if not rule.allowed:
        if rule.to is not None or rule.marking_max is not None:
            yield "onward · allowed", "It has limits for passing on, and nothing may be passed on."
        return
    for limit in rule.left_out:
        yield f"onward · {limit}", f"`{limit}` {_LEFT_OUT}"
    if rule.to == "*":
        yield "onward · to", "It may be passed on to parties whom the giver does not know."
    if rule.marking_max == "TLP:RED":
        yield "onward · marking_max", "TLP:RED is meant for named persons only, and is passed on."
    if not rule.ask_first:
        yield "onward · ask_first", "The giver does not learn what is passed on, nor to whom."
