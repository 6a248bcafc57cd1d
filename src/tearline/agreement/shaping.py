"""What an agreement's lines about categories and cuts must have in common; pure.

What may be replaced by a pseudonym is a closed list: words by which somebody is called, never what
says what a threat is. A detection with another word in it would be a false one.
"""

from collections.abc import Iterator, Mapping

from tearline.agreement.document import Category, Clause, Countries, Terms

NAMING: Mapping[str, frozenset[str]] = {
    "identity": frozenset({"name", "description", "contact_information", "roles"}),
    "user-account": frozenset({"user_id", "account_login", "display_name"}),
    "email-addr": frozenset({"value", "display_name"}),
    "email-message": frozenset({"subject", "body"}),
    "location": frozenset({"name", "description", "city", "street_address", "postal_code"}),
    "note": frozenset({"authors", "source_chain"}),
    "opinion": frozenset({"authors"}),
}
"""What may be replaced by a pseudonym, by type; and any property that begins with `x_`."""


def shaping_problems(terms: Terms) -> Iterator[tuple[str, str, str]]:
    """Yield (place, what is wrong, what to do) for what no single line shows."""
    said: set[str] = set()
    for category in terms.category:
        if category.id in said:
            yield f"category {category.id}", "It is here twice.", "Put both into one."
        said.add(category.id)
        yield from _empty(category)
    for clause in terms.clause:
        yield from _clause(clause)


def _empty(category: Category) -> Iterator[tuple[str, str, str]]:
    if not (category.types or category.properties or category.labels):
        yield (
            f"category {category.id}",
            "This line adds nothing to the category.",
            "Give it types, properties or labels.",
        )


def _clause(clause: Clause) -> Iterator[tuple[str, str, str]]:
    place = f"clause {clause.id}"
    when = clause.review.when if clause.review else ()
    if len(set(when)) < len(when):
        yield f"{place} · review", "A category is named twice.", "Name it once."
    if clause.coarsen.places == "region" and isinstance(clause.countries, Countries):
        yield (
            f"{place} · coarsen",
            "Of a place that goes as a region alone, the receiver could not check the country.",
            'Write places = "country", or countries = "*".',
        )
    for given in clause.pseudonymise:
        type_, _, name = given.partition(".")
        named = name.startswith("x_") and name != "x_mitre_aliases"  # these make a topic
        if not (named or name in NAMING.get(type_, ())):
            yield (
                f"{place} · pseudonymise",
                f"{given!r} is not among what may be replaced by a pseudonym.",
                "See docs/reference/agreement.md, or remove it, or withhold the type.",
            )
