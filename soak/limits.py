"""The limits beside topic, type, marking, grade and age, once more by other code.

From the documents, the signed clauses, and what people signed: countries, confidence, PAP,
statements, ends, what never goes, categories, cuts. Each check answers what speaks against serving
an object; none says that more ought to go.
"""

import json
from collections.abc import Iterator, Mapping
from hashlib import sha256
from typing import Any, NamedTuple

from soak.course import AGREEMENT
from soak.world import STATEMENTS, statement_id
from tearline.agreement import jws
from tearline.agreement.document import Clause, Countries
from tearline.agreement.home import Home
from tearline.log import record
from tearline.stix.timestamp import parse_timestamp
from tearline.store import logs, releases, reviews
from tearline.store.database import Tx

Docs = Mapping[str, dict[str, Any]]
_PAP = ("PAP:CLEAR", "PAP:GREEN", "PAP:AMBER", "PAP:RED")
_PLACE = frozenset({"city", "latitude", "longitude", "postal_code", "street_address"})
_MOMENTS = ("first_seen", "published", "first_observed", "last_observed")


class Ties(NamedTuple):
    """What ties objects to victims and countries: who is targeted, and in which country."""

    victims: frozenset[str]
    countries: Mapping[str, frozenset[str]]


def ties(docs: Docs) -> Ties:
    """Read it from all that is held and not revoked."""
    standing = {each: doc for each, doc in docs.items() if not doc.get("revoked")}
    victims: set[str] = set()
    places: dict[str, set[str]] = {}
    edges = [doc for doc in standing.values() if doc["type"] == "relationship"]
    for doc in edges:
        source, kind, target = (doc[e] for e in ("source_ref", "relationship_type", "target_ref"))
        if kind == "targets" and target.startswith("identity--"):
            victims.add(target)
        country = standing.get(target, {}).get("country")
        if kind in {"located-at", "targets"} and country and target.startswith("location--"):
            places.setdefault(source, set()).add(country)
    for doc in standing.values():
        victims.update(doc.get("where_sighted_refs", ()))
    for doc in edges:  # who is targeted brings the countries where it is
        if doc["relationship_type"] == "targets" and doc["target_ref"].startswith("identity--"):
            its = places.get(doc["target_ref"], set())
            places.setdefault(doc["source_ref"], set()).update(its)
    return Ties(frozenset(victims), {each: frozenset(its) for each, its in places.items()})


def against(
    clause: Clause, original: dict[str, Any], doc: dict[str, Any], tied: Ties, source: str, now: int
) -> Iterator[str]:
    """What of these limits speaks against serving `doc`, which stands for `original`."""
    end = original.get("valid_until")
    if end is not None and not clause.expired and parse_timestamp(end) <= now:
        yield "it has expired"
    floor = clause.confidence_min
    if isinstance(floor, int) and original.get("confidence", -1) < floor:
        yield "its confidence is below the floor"
    yield from _handling(clause, original)
    named = {original["id"], source, *original.get("labels", ()), original.get("name")}
    if named & set(clause.never):
        yield "it is what never goes"
    yield from _countries(clause, original, tied)
    yield from _shape(clause, original, doc)


def _handling(clause: Clause, original: dict[str, Any]) -> Iterator[str]:
    level = _PAP.index(clause.pap_max) if clause.pap_max else -1
    if any(each in _PAP and _PAP.index(each) > level for each in original.get("labels", ())):
        yield "its PAP is above the ceiling"
    for text in STATEMENTS:
        allowed = clause.statements == "*" or text in (clause.statements or ())
        if statement_id(text) in original.get("object_marking_refs", ()) and not allowed:
            yield "it carries a statement that is not let through"


def _countries(clause: Clause, original: dict[str, Any], tied: Ties) -> Iterator[str]:
    if not isinstance(clause.countries, Countries) or not clause.countries.victim:
        return
    listed = set(clause.countries.victim)
    if original["type"] == "location" and original.get("country") not in listed:
        yield "it lies in another country"
    its = tied.countries.get(original["id"], frozenset())
    if original["type"] not in {"location", "relationship"} and its and not its & listed:
        yield "its victims are in other countries"


def _shape(clause: Clause, original: dict[str, Any], doc: dict[str, Any]) -> Iterator[str]:
    """What is cut is cut."""
    for given in clause.pseudonymise:
        type_, _, name = given.partition(".")
        if original["type"] == type_ and name in doc and doc[name] == original.get(name):
            yield f"its {name} is no pseudonym"
    if (
        clause.coarsen.places == "country"
        and original["type"] == "location"
        and _PLACE & doc.keys()
    ):
        yield "its place is more exact than a country"
    if clause.coarsen.dates == "day":
        exact = [doc[each] for each in _MOMENTS if each in doc]
        if any(not each.partition("T")[2].startswith("00:00:00") for each in exact):
            yield "a date is more exact than a day"


# ------------------------------------------------------------------------- categories and people


def category(doc: dict[str, Any], original: dict[str, Any], tied: Ties) -> str | None:
    """The category of what goes that the world has, if any: what names a victim comes first."""
    kind = original["type"]
    targets = kind == "relationship" and original["relationship_type"] == "targets"
    if targets and original["target_ref"].startswith("identity--"):
        return "victim"
    if original["id"] in tied.victims or (kind == "sighting" and doc.get("where_sighted_refs")):
        return "victim"
    if doc.get("identity_class") == "individual":
        return "personal-data"
    if kind == "location" and _PLACE & doc.keys():
        return "precise-location"
    if kind == "campaign" and "first_seen" in doc and "last_seen" not in doc:
        return "live-operation"
    return "harm" if kind == "vulnerability" and "CVE-" not in json.dumps(doc) else None


def unapproved(
    clause: Clause, category_: str, slip: dict[str, Any], signed: Mapping[str, tuple[str, str]]
) -> Iterator[str]:
    """What is missing of the approvals of something that goes only with them."""
    if clause.review is None or category_ not in clause.review.when:
        yield f"it is of the category {category_}, on which nobody decides"
        return
    item = {"kind": "review", "agreement": slip["agreement"], "clause": slip["clause"]}
    item |= {"object": slip["object"], "bytes": slip["hash"]}
    text = json.dumps(item, sort_keys=True, separators=(",", ":")).encode()
    wanted = f"sha256:{sha256(text).hexdigest()}"
    said = [signed.get(each) for each in slip["attested"].get("approvals", [])]
    people = {each[0] for each in said if each is not None and each[1] == wanted}
    if len(people) < clause.review.approvals:
        yield f"it is of the category {category_}, and {len(people)} people approved it"


def approvals(tx: Tx) -> dict[str, tuple[str, str]]:
    """By hash of the signed statement: who approved which item, where the signature holds."""
    keys = {each.name: each.key for each in reviews.people(tx)}
    found = {}
    for row in tx.execute(reviews.verdict.select()):
        said = json.loads(jws.verify(jws.load(row.signed.encode()), keys[row.person]))
        document = f"sha256:{sha256(row.signed.encode()).hexdigest()}"
        if said["verdict"] == "approve":
            found[document] = (str(said["person"]), str(said["item"]))
    return found


def last_slips(tx: Tx) -> dict[int, dict[str, Any]]:
    """Every slip that we ever wrote, by position."""
    log = record.our_log(AGREEMENT)
    entries = (json.loads(row[3]) for row in logs.records(tx, log, 0, logs.head(tx, log).size))
    return {each["position"]: each for each in entries if each["kind"] == "release"}


def kept_too_long(home: Home, keep_us: int, *, now: int) -> list[str]:
    """What is served longer than it may be kept, counted from when these bytes first went."""
    with home.store.read() as tx:
        rows = [
            row for row in tx.execute(releases.release.select()) if row.agreement_id == AGREEMENT
        ]
    first: dict[tuple[str, str], int] = {}
    for row in sorted(rows, key=lambda each: each.position):
        first.setdefault((row.delivered_id, row.hash), row.at)
    return [
        f"{row.delivered_id} is served longer than it may be kept"
        for row in rows
        if row.live and row.until_at > now and first[row.delivered_id, row.hash] + keep_us <= now
    ]
