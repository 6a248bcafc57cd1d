"""Say in English what is cut and what waits; pure. `wording` puts it among the rest."""

from collections.abc import Iterable, Iterator, Mapping

from tearline.agreement.document import CATEGORIES, SOURCES, Category, Clause

_CATEGORY: Mapping[str, str] = {
    "victim": "names a victim",
    "personal-data": "holds personal data",
    "source": "shows a source",
    "live-operation": "shows what is going on",
    "precise-location": "shows an exact place",
    "harm": "could help to hurt others",
}


def shape_words(place: str, clause: Clause) -> Iterator[tuple[str, str]]:
    """Yield (place, sentence) for what takes the place of values before an object goes."""
    if clause.pseudonymise:
        yield f"{place} · pseudonymise", " ".join(_pseudonyms(clause))
    said = [
        text
        for text in (
            clause.coarsen.dates and f"dates say no more than the {clause.coarsen.dates}",
            clause.coarsen.places and f"places no more than the {clause.coarsen.places}",
        )
        if text
    ]
    if said:
        yield f"{place} · coarsen", f"Before it goes, {' and '.join(said)}."


def _pseudonyms(clause: Clause) -> Iterator[str]:
    """Say what is replaced, and how the sources of claims are called that stay."""
    words = tuple(each for each in clause.pseudonymise if each != SOURCES)
    if words:
        replaced = in_words(words, "and")
        text = f"Before it goes, a pseudonym takes the place of these: {replaced}; "
        yield f"{text}it is the same one under every version of this."
    if SOURCES in clause.pseudonymise:
        yield (
            "A claim goes with a pseudonym for each of its sources that does not go; it is the"
            f" same one in all that “{clause.from_}” gives to anybody."
        )


def review_words(clause: Clause) -> str:
    """Say which categories wait for how many people, and that the others are withheld."""
    when = clause.review.when if clause.review else ()
    stays = sorts([each for each in CATEGORIES if each not in when])
    if clause.review is None:
        return f"What {stays} is withheld."
    people = "one person has" if clause.review.approvals == 1 else "two people have"
    hours = clause.review.within_hours
    text = f"What {sorts(when)} waits until {people} approved it; "
    text += f"after {hours} hours of silence it is withheld."
    return f"{text} What {stays} is withheld." if stays else text


def sorts(categories: Iterable[str]) -> str:
    """What is of one of these categories, in words; '' for none."""
    *first, last = [_CATEGORY[each] for each in categories] or [""]
    return f"{', '.join(first)} or {last}" if first else last


def category_words(category: Category) -> Iterator[tuple[str, str]]:
    """Yield (place, sentence) for what an agreement adds to a category."""
    kinds = ("types", "properties", "labels")
    parts = [f"{each} {in_words(got, 'or')}" for each in kinds if (got := getattr(category, each))]
    text = f"Besides what the rules of Tearline find, this {_CATEGORY[category.id]}: "
    yield f"category {category.id}", f"{text}whatever has one of the {', or of the '.join(parts)}."


def in_words(values: tuple[str, ...], join: str) -> str:
    """Quote words, and join the last with `join`."""
    quoted = [f"“{value}”" for value in values]
    if len(quoted) == 1:
        return quoted[0]
    return f"{', '.join(quoted[:-1])} {join} {quoted[-1]}"
