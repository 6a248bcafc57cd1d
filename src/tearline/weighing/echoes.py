"""Circles across partners: a claim that comes in and is our own report come back.

It is one where its chain comes to us, or ends in a source that we gave under a pseudonym or in a
cut version; where it is a claim that we gave, or rests on a report that we gave; and where its
giver says it is derived from such a claim. An echo counts for nothing in what we weigh: however
often we are repeated, we are one.

What we gave is known by our releases, by the ids that we derived, and by the pseudonyms of our
sources. A partner who writes our claim anew and says neither whence nor from whom is not found.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

import orjson

from tearline.agreement.home import Home
from tearline.release.cut import Pseudonyms
from tearline.store import agreements, aliases, claims, echoes, objects, releases, ties
from tearline.store.claims import LinkRow, Row
from tearline.store.database import Tx
from tearline.store.echoes import Echo
from tearline.store.objects import OURS, Version
from tearline.topics.topic import name_key
from tearline.weighing.held import Held, held

DERIVED = "derived-from"
"""The kind of a relationship by which a note says from which it was made."""

SAID: Mapping[str, str] = {
    "us": "its chain comes back to us",
    "claim": "it is a claim that we gave",
    "report": "it rests on a report that we gave",
    "source": "its chain ends in a source that we gave under a pseudonym",
    "derived": "it is derived from a claim that we gave",
}
"""How an echo is known, in words."""

_Key = tuple[str, str]
"""The origin and the id of a claim of a partner."""


class Circle(NamedTuple):
    """An echo for whoever reads it: under which agreement it came, and what of ours it is."""

    id: str
    agreement_id: str
    title: str
    kind: str
    ours: str
    ours_title: str

    @property
    def why(self) -> str:
        """How it is known, as the end of a sentence."""
        return SAID[self.kind]


# ---------------------------------------------------------------------------------------- reading


def listed(home: Home, *, limit: int, now: int) -> list[Circle]:
    """List our own reports that came back, the last first."""
    with home.store.read() as tx:
        return told(tx, echoes.newest(tx, limit), now=now)


def told(tx: Tx, rows: Iterable[Echo], *, now: int) -> list[Circle]:
    """Return echoes with what they and ours are called."""
    rows = list(rows)
    known = held(tx, {name for each in rows for name in (each.stix_id, each.ours) if name}, now=now)
    return [
        Circle(
            each.stix_id,
            each.origin,
            _title(known.get(each.stix_id)),
            each.kind,
            each.ours,
            _title(known.get(each.ours)),
        )
        for each in rows
    ]


def _title(found: Held | None) -> str:
    return found.title if found else ""


# ---------------------------------------------------------------------------------------- finding


def mark(
    home: Home,
    tx: Tx,
    rows: Iterable[Row],
    links: Iterable[LinkRow],
    newest: Iterable[tuple[str, Version]],
) -> list[str]:
    """Find echoes among claims that were sorted in, and what is derived from them.

    `newest` are the latest versions that came, of which relationships may tie notes. Returns the
    claims of which something else is true now.
    """
    rows = [each for each in rows if each.problem is None]
    ours = {each.seq for each in rows if each.origin == OURS}
    _remember(home, tx, (each.identity for each in links if each.seq in ours))
    touched = {(each.origin, each.stix_id) for each in rows if each.origin != OURS}
    touched |= _derived_in(tx, newest)
    affected, sources = _behind(tx, touched)
    found = _rows(tx, affected)
    direct = _direct(home, tx, list(found.values()))
    spread = _spread(tx, found, sources, direct)
    return echoes.put(tx, [each.seq for each in found.values()], list(spread.values()))


def _remember(home: Home, tx: Tx, identities: Iterable[str]) -> None:
    pseudonyms = Pseudonyms(home.keys.secret, "")
    echoes.put_pseudonyms(tx, [(pseudonyms.source(each), each) for each in set(identities) - {""}])


def _derived_in(tx: Tx, newest: Iterable[tuple[str, Version]]) -> set[_Key]:
    """The notes of partners that relationships among these say are derived from another."""
    by_origin: dict[str, list[str]] = defaultdict(list)
    for origin, each in newest:
        if origin != OURS and each.type == "relationship":
            by_origin[origin].append(each.stix_id)
    return {
        (origin, each.source_id)
        for origin, ids in by_origin.items()
        for each in ties.relations_via(tx, origin, ids)
        if each.kind == DERIVED and each.source_id.startswith("note--")
    }


def _behind(tx: Tx, keys: set[_Key]) -> tuple[set[_Key], dict[_Key, set[str]]]:
    """These and all that is derived from them, however far; and from what each is derived."""
    found, ahead = set(keys), keys
    while ahead:
        ahead = {
            (origin, source)
            for origin, ids in _by_origin(ahead).items()
            for source, _ in _derivations(tx, origin, ids, to=True)
        } - found
        found |= ahead
    sources: dict[_Key, set[str]] = defaultdict(set)
    for origin, ids in _by_origin(found).items():
        for source, target in _derivations(tx, origin, ids, to=False):
            sources[origin, source].add(target)
    return found, sources


def _by_origin(keys: Iterable[_Key]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for origin, stix_id in keys:
        found[origin].append(stix_id)
    return found


def _derivations(tx: Tx, origin: str, ids: Iterable[str], *, to: bool) -> Iterator[tuple[str, str]]:
    """Pairs of notes, the first derived from the second: those to `ids`, or those from them."""
    read = ties.relations_to if to else ties.relations_from
    rows = [each for each in read(tx, origin, ids) if each.kind == DERIVED]
    latest = objects.latest(tx, origin, {each.via_id for each in rows})
    for each in rows:
        if each.via_id in latest and not latest[each.via_id].revoked:
            yield each.source_id, each.target_id


def _rows(tx: Tx, keys: set[_Key]) -> dict[_Key, Row]:
    return {
        (row.origin, row.stix_id): row
        for its in claims.by_id(tx, {stix_id for _, stix_id in keys}).values()
        for row in its
        if (row.origin, row.stix_id) in keys and row.problem is None
    }


def _direct(home: Home, tx: Tx, rows: list[Row]) -> dict[_Key, Echo]:
    """Echoes that are known by themselves."""
    chains = claims.links(tx, (each.seq for each in rows))
    reports = {each.report for each in rows if each.report}
    reports |= {its.report for chain in chains.values() for its in chain if its.report}
    ends = {each.seq: last_named(chains.get(each.seq, [])) for each in rows}
    given = given_among(tx, {*reports, *ends.values(), *(each.stix_id for each in rows)})
    hidden = echoes.identities(tx, ends.values())
    us = _us(home, tx, rows, chains)
    found = {}
    for each in rows:
        chain = chains.get(each.seq, [])
        its = {each.report, *(link.report for link in chain)} & given.keys()
        end = ends[each.seq]
        said: tuple[str, str] | None = None
        if each.stix_id in given:
            said = "claim", given[each.stix_id]
        elif end in hidden:
            said = "source", hidden[end]
        elif given.get(end, end) != end:
            said = "source", given[end]
        elif any(link.identity in us for link in chain):
            said = "us", ""
        elif its:
            said = "report", given[min(name for name in its if name)]
        if said:
            found[each.origin, each.stix_id] = Echo(each.seq, each.origin, each.stix_id, *said)
    return found


def last_named(chain: list[LinkRow]) -> str:
    """The last source in a chain that has a name, '' for none."""
    return next((each.identity for each in reversed(chain) if each.identity), "")


def given_among(tx: Tx, ids: set[str]) -> dict[str, str]:
    """Those of `ids` under which something of ours is or was given, and what it is of ours."""
    wanted = ids - {""}
    if not wanted:
        return {}
    found = {
        each: each
        for standing in releases.standing_among(tx, wanted).values()
        for each, its in standing.items()
        if its.position > 0
    }
    for agreement_id in agreements.agreement_ids(tx):
        found |= aliases.derived(tx, agreement_id, wanted)
    return found


def _us(home: Home, tx: Tx, rows: Iterable[Row], chains: Mapping[int, list[LinkRow]]) -> set[str]:
    """The identities in these chains that are called as we are."""
    ids: dict[str, set[str]] = defaultdict(set)
    for each in rows:
        named = {link.identity for link in chains.get(each.seq, ()) if link.identity}
        ids[each.origin] |= named
        ids[OURS] |= named
    return {
        stix_id
        for origin, named in ids.items()
        for stix_id in _called(tx, origin, named, name_key(home.card.name))
    }


def _called(tx: Tx, origin: str, ids: Iterable[str], key: str) -> Iterator[str]:
    latest = objects.latest(tx, origin, ids)
    raws = objects.raw_of(tx, [each.seq for each in latest.values()])
    for stix_id, version in latest.items():
        name = orjson.loads(raws[version.seq]).get("name")
        if isinstance(name, str) and name_key(name) == key:
            yield stix_id


def _spread(
    tx: Tx,
    rows: Mapping[_Key, Row],
    sources: Mapping[_Key, set[str]],
    direct: Mapping[_Key, Echo],
) -> dict[_Key, Echo]:
    """The echoes that are known by themselves, and what is derived from them or from ours."""
    named = {each for its in sources.values() for each in its}
    given = given_among(tx, named)
    outside = {
        (each.origin, each.stix_id): each.ours
        for each in echoes.of_claims(tx, named)
        if (each.origin, each.stix_id) not in rows
    }
    found = dict(direct)
    derived = {key: its for key, its in sources.items() if key in rows and key not in found}
    while True:
        fresh = {
            key: Echo(rows[key].seq, *key, "derived", ours)
            for key, its in derived.items()
            if key not in found and (ours := _from(key[0], its, given, outside, found)) is not None
        }
        if not fresh:
            return found
        found |= fresh


def _from(
    origin: str,
    its: set[str],
    given: Mapping[str, str],
    outside: Mapping[_Key, str],
    found: Mapping[_Key, Echo],
) -> str | None:
    """What of ours one of these claims is; None where none is an echo or ours."""
    for each in sorted(its):
        if each in given:
            return given[each]
        if (origin, each) in outside:
            return outside[origin, each]
        if (origin, each) in found:
            return found[origin, each].ours
    return None
