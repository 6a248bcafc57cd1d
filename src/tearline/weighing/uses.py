"""What was used, and what became of it since: revised, recalled, denied, regraded.

A person says where a claim was used; an opinion of ours is a use of every claim that it is about.
"""

from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Any, NamedTuple

import orjson

from tearline.agreement.home import Home
from tearline.errors import MisuseError
from tearline.provenance.history import Change, changes
from tearline.provenance.series import Point, Series, series
from tearline.store import claims, objects, onward, uses, worth
from tearline.store.claims import Row
from tearline.store.database import Tx
from tearline.store.objects import OURS, Version
from tearline.store.uses import Use
from tearline.weighing.echoes import last_named
from tearline.weighing.held import Held, held, no_claim

_LONGEST = 500


class Told(NamedTuple):
    """A version of a claim, and what it says otherwise than the one before it."""

    hash: str
    version_at: int
    arrived_at: int
    changes: list[Change]


class News(NamedTuple):
    """What became of a claim since it was used: `kind` is how.

    revised, recalled, denied or regraded. `by` are the denials. `was` and `now` are credibilities,
    and `changes` what the claim says otherwise. The title is '' where the claim is gone.
    """

    kind: str
    id: str
    title: str
    place: str
    used_at: int
    changes: list[Change]
    by: list[str]
    was: int
    now: int


# ------------------------------------------------------------------------------------------- uses


def use(home: Home, claim_id: str, place: str, *, now: int) -> Use:
    """Remember that a claim as it stands now was used in something, which `place` names.

    RefusedError where no such claim is held; MisuseError for a place without a name.
    """
    if not place.strip() or len(place) > _LONGEST or not place.isprintable():
        raise MisuseError("A place has a name in one line.", do="Say with --in where it is used.")
    with home.store.write() as tx:
        found = held(tx, [claim_id], now=now).get(claim_id)
        if found is None or found.claim is None:
            raise no_claim(claim_id)
        made = Use(claim_id, found.version.hash, place, now, _credibility(tx, claim_id))
        uses.put(tx, [made])
    return made


def in_opinions(tx: Tx, newest: Iterable[tuple[str, Version]]) -> None:
    """Remember as uses what opinions of ours, among these latest versions, are about."""
    ours = {
        each.seq: each
        for origin, each in newest
        if origin == OURS and each.type == "opinion" and not each.revoked
    }
    passed = onward.passed_among(tx, [each.stix_id for each in ours.values()]) if ours else {}
    made = []
    for seq, raw in objects.raw_of(tx, ours).items():
        opinion = ours[seq]
        if opinion.stix_id not in passed:
            refs = orjson.loads(raw).get("object_refs", [])
            made += list(_used_in(tx, opinion, [each for each in refs if isinstance(each, str)]))
    uses.put(tx, made)


def _used_in(tx: Tx, opinion: Version, refs: list[str]) -> Iterator[Use]:
    own = "note--" + opinion.stix_id.partition("--")[2]  # the denial that it speaks for
    for stix_id, rows in claims.by_id(tx, set(refs) - {own}).items():
        versions = objects.versions_of(tx, rows[0].origin, [stix_id]).get(stix_id, [])
        then = [each for each in versions if each.arrived_at <= opinion.arrived_at] or versions
        if then and rows[0].problem is None:
            known = _credibility(tx, stix_id)
            yield Use(stix_id, then[-1].hash, opinion.stix_id, opinion.arrived_at, known)


def _credibility(tx: Tx, stix_id: str) -> int:
    """The credibility that a person gave, else what is proposed; 0 for neither."""
    given = worth.graded(tx, [stix_id]).get(stix_id)
    if given:
        return given.credibility
    name = claims.propositions(tx, [stix_id]).get(stix_id)
    rows = claims.by_id(tx, [stix_id]).get(stix_id)
    if name is None or not rows:
        return 0
    found = worth.of(tx, [name]).get((name, rows[0].polarity))
    return found.credibility if found else 0


# ------------------------------------------------------------------------------------------- news


def news(home: Home, *, now: int) -> list[News]:
    """List what became of claims that we used, the oldest use first."""
    with home.store.read() as tx:
        all_uses = uses.everywhere(tx)
        known = held(tx, {each.stix_id for each in all_uses}, now=now)
        return [its for each in all_uses for its in _since(tx, each, known.get(each.stix_id), now)]


def _since(tx: Tx, use: Use, found: Held | None, now: int) -> Iterator[News]:
    title = found.title if found else ""
    said = News("", use.stix_id, title, use.place, use.at, [], [], 0, 0)
    if found is None or found.version.revoked:
        yield said._replace(kind="recalled")
        return
    if found.version.hash != use.hash:
        before = _version(tx, found.origin, use)
        yield said._replace(kind="revised", changes=changes(before, found.doc) if before else [])
    denials = [each.stix_id for each in claims.denying(tx, [use.stix_id]) if _later(tx, each, use)]
    if denials := list(held(tx, denials, now=now)):
        yield said._replace(kind="denied", by=sorted(denials))
    credibility = _credibility(tx, use.stix_id)
    if use.credibility and credibility and credibility != use.credibility:
        yield said._replace(kind="regraded", was=use.credibility, now=credibility)


def _later(tx: Tx, row: Row, use: Use) -> bool:
    """Whether a denial came after a use, and is not the use itself."""
    versions = objects.versions_of(tx, row.origin, [row.stix_id]).get(row.stix_id, [])
    own = row.origin == OURS and use.place == "opinion--" + row.stix_id.partition("--")[2]
    return bool(versions) and min(each.arrived_at for each in versions) > use.at and not own


def _version(tx: Tx, origin: str, use: Use) -> dict[str, Any] | None:
    versions = objects.versions_of(tx, origin, [use.stix_id]).get(use.stix_id, [])
    seqs = [each.seq for each in versions if each.hash == use.hash]
    return next((orjson.loads(raw) for raw in objects.raw_of(tx, seqs).values()), None)


def versions(home: Home, claim_id: str, *, now: int) -> list[Told]:
    """List the versions of a claim that are held, the oldest first, and what each changed.

    RefusedError where no such claim is held.
    """
    with home.store.read() as tx:
        found = held(tx, [claim_id], now=now).get(claim_id)
        if found is None or found.version.type != "note":
            raise no_claim(claim_id)
        kept = objects.versions_of(tx, found.origin, [claim_id])[claim_id]
        raws = objects.raw_of(tx, [each.seq for each in kept])
    docs = [orjson.loads(raws[each.seq]) for each in kept]
    changed = [[], *(changes(before, after) for before, after in pairwise(docs))]
    return [
        Told(each.hash, each.version_at, each.arrived_at, its)
        for each, its in zip(kept, changed, strict=True)
    ]


# ----------------------------------------------------------------------------------------- series


def numbers(home: Home, claim_id: str, *, now: int) -> list[Series]:
    """Return the numbers that a claim and those that say alike or deny it give, over time.

    RefusedError where no such claim is held.
    """
    with home.store.read() as tx:
        name = claims.propositions(tx, [claim_id]).get(claim_id)
        if name is None:
            raise no_claim(claim_id)
        ids = claims.in_propositions(tx, [name])[name]
        rows = [each[0] for each in claims.by_id(tx, ids).values()]
        rows = [each for each in rows if each.number is not None and each.problem is None]
        known = held(tx, {each.stix_id for each in rows}, now=now)
        links = claims.links(tx, [each.seq for each in rows])
        ends = {each.seq: last_named(links.get(each.seq, [])) for each in rows}
        names = held(tx, set(ends.values()) - {""}, now=now)
        return series(_points(rows, known, ends, names))


def _points(
    rows: Iterable[Row], known: dict[str, Held], ends: dict[int, str], names: dict[str, Held]
) -> Iterator[Point]:
    for each in rows:
        if each.stix_id in known and each.number is not None:
            end = names.get(ends[each.seq])
            yield Point(
                each.said_at if each.true_from_at is None else each.true_from_at,
                each.true_until_at,
                each.number,
                each.upto,
                each.bound or "exactly",
                each.unit or "",
                each.polarity,
                each.stix_id,
                known[each.stix_id].title,
                end.title if end else "",
            )
