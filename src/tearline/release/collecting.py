"""Local collections: what our own accounts post, what we put there, and what is taken out.

What is posted is ours: it arrives like an import, and its place in the collection is written in
the same transaction. Only stored versions of ours can be put into a collection; what came under
an agreement has another origin and is not found here.
"""

from collections.abc import Container, Iterable, Sequence
from typing import NamedTuple

import orjson

from tearline import clock
from tearline.agreement.home import Home
from tearline.errors import MisuseError, RefusedError
from tearline.release.arrive import take_in
from tearline.release.indexing import Indexed
from tearline.release.sorting import Outcome
from tearline.stix import canonical
from tearline.stix.sift import Refusal
from tearline.stix.timestamp import format_timestamp
from tearline.store import accounts, collections, objects, onward, private, submissions
from tearline.store.collections import EVERY, Collection, Member, Which
from tearline.store.database import Tx, in_chunks
from tearline.store.objects import OURS, Version
from tearline.store.submissions import Submission

SOURCE = "taxii:"
"""What the source of posted objects begins with; the collection's name follows."""

_LONGEST_NAME = 63
_BATCH = 5_000


class Success(NamedTuple):
    """A version of an object that is in the collection now."""

    stix_id: str
    version: str


class Failure(NamedTuple):
    """An object that was not taken, and why: place and rule, never its content."""

    stix_id: str
    version: str
    message: str


class Submitted(NamedTuple):
    """What became of one POST, as its status resource tells it."""

    id: str
    at: int
    successes: list[Success]
    failures: list[Failure]
    success_count: int


class _New(NamedTuple):
    """A stored version of ours that is to be in a collection.

    `first` where it is all that we ever held of the object: no collection can have it yet.
    """

    stix_id: str
    type: str
    version_at: int
    version: str
    seq: int
    first: bool = False


# -------------------------------------------------------------------------------- collections


def add_collection(home: Home, name: str, title: str, description: str, *, now: int) -> Collection:
    """Make a collection; RefusedError when there is or was one of this name."""
    if not 0 < len(name) <= _LONGEST_NAME or not name.isprintable() or name.strip() != name:
        raise MisuseError(
            "A collection's name has 1 to 63 characters, without blanks at its ends.",
            do="Choose a short name.",
        )
    entry = Collection(0, clock.fresh_uuid(), name, title or name, description, now, None, 0)
    with home.store.write() as tx:
        there = collections.collection_named(tx, name)
        if there is not None:
            state = "is" if there.ended_at is None else "was"
            raise RefusedError(
                f"There {state} a collection {name} already.",
                means="Clients know it by its id, so a name is given once.",
                do="Choose another name, or see `tearline collection list`.",
            )
        _note(tx, {"kind": "collection", "name": name, "id": entry.id}, now)
        return collections.add_collection(tx, entry)


def end_collection(home: Home, name: str, *, now: int) -> Collection:
    """End a collection: it does not exist for clients any more; its objects stay with the node."""
    with home.store.write() as tx:
        found = served(tx, name)
        collections.end_collection(tx, found.number, at=now)
        _note(tx, {"kind": "collection-ended", "name": name, "id": found.id}, now)
    return found


def served(tx: Tx, name: str) -> Collection:
    """Return the collection of a name; RefusedError when there is none that is served."""
    found = collections.collection_named(tx, name)
    if found is None or found.ended_at is not None:
        raise RefusedError(f"There is no collection {name}.", do="See `tearline collection list`.")
    return found


def put(home: Home, name: str, ids: Iterable[str], *, now: int) -> int:
    """Put the latest versions of objects of ours into a collection; return how many were new.

    RefusedError, and nothing is put, when one of them is not held as ours.
    """
    wanted, added = list(dict.fromkeys(ids)), 0
    for batch in in_chunks(wanted, _BATCH):
        with home.store.write() as tx:
            found = collections.locked(tx, served(tx, name).number)
            held = objects.latest(tx, OURS, batch)
            _check_all_held(batch, held.keys() - onward.passed_among(tx, batch).keys())
            new = _place(tx, found, _stored(tx, held.values()), now)
            added += len(new)
            if new:
                _note(tx, _counted("put", found, [each.stix_id for each in new]), now)
    return added


def take_out(
    home: Home, collection_id: str, stix_ids: Sequence[str], which: Which = EVERY, *, now: int
) -> int:
    """Take versions of objects out of a collection; return how many went.

    They stay with the node, and what was released of them stays released.
    """
    with home.store.write() as tx:
        found = _served_id(tx, collection_id)
        there = collections.members(tx, found.number, stix_ids)
        gone = [each for each in there if which.meets(each)]
        collections.drop(tx, found.number, gone, at=max(now, found.last_at + 1))
        _, changed = _flagged([each for each in there if not which.meets(each)], [])
        collections.mark(tx, found.number, changed)
        if gone:
            _note(tx, _counted("take", found, {each.stix_id for each in gone}), now)
    return len(gone)


# ---------------------------------------------------------------------------------------- posts


def submit(
    home: Home, collection_id: str, account: str, posted: Sequence[Indexed | Refusal], *, now: int
) -> Submitted:
    """Take what an account posted: keep it as ours, put it into the collection, note its status.

    One transaction does all of it. RefusedError when the account may not write there any more.
    """
    sound = [each for each in posted if isinstance(each, Indexed)]
    with home.store.write() as tx:
        right = accounts.right_of(tx, account, collection_id)
        if right is None or not right.can_write:
            raise RefusedError("This account may not write to this collection.")
        found = collections.locked(tx, right.collection.number)
        outcomes = take_in(tx, sound, source=f"{SOURCE}{found.name}", now=now)
        kept = [
            _New(each.id, each.type, at, each.version or _moment_text(at), seq, first)
            for each, (_, at, seq, _, refused, first) in zip(sound, outcomes, strict=True)
            if not refused
        ]
        new = _place(tx, found, kept, now)
        failures = _failures(posted, outcomes, now)
        entry = _entry(found, account, kept, new, failures, now)
        submissions.add_submission(tx, entry)
    successes = [Success(each.stix_id, each.version) for each in kept]
    return Submitted(entry.id, now, successes, failures, len(successes))


def status_of(tx: Tx, id: str, account: str) -> Submitted | None:
    """Return what became of a POST of this account; None when it knows of none.

    An object that was taken out since is counted among the successes and not listed.
    """
    found = submissions.submission_of(tx, id, account)
    if found is None:
        return None
    added = collections.between(tx, found.collection, found.first_at, found.last_at)
    successes = [Success(*each) for each in (*added, *orjson.loads(found.known))]
    failures = [Failure(*each) for each in orjson.loads(found.failed)]
    return Submitted(found.id, found.at, successes, failures, found.total - len(failures))


def _entry(
    found: Collection,
    account: str,
    kept: Sequence[_New],
    new: Sequence[Member],
    failures: Sequence[Failure],
    now: int,
) -> Submission:
    seen = {(each.stix_id, each.version_at) for each in new}
    known = []
    for each in kept if len(new) < len(kept) else ():
        place = each.stix_id, each.version_at
        if place not in seen:
            known.append([each.stix_id, each.version])
        seen.discard(place)
    return Submission(
        id=clock.fresh_uuid(),
        collection=found.number,
        account=account,
        at=now,
        total=len(kept) + len(failures),
        added=len(new),
        first_at=new[0].at if new else 0,
        last_at=new[-1].at if new else -1,
        known=orjson.dumps(known).decode(),
        failed=orjson.dumps([[*each] for each in failures]).decode(),
    )


def _failures(
    posted: Sequence[Indexed | Refusal], outcomes: Sequence[Outcome], now: int
) -> list[Failure]:
    """Tell of each object that was not taken where it stood and which rule it broke."""
    found, arrived = [], format_timestamp(now, digits=6)
    following = iter(outcomes)
    for place, each in enumerate(posted):
        if isinstance(each, Refusal):
            message = f"{each.place}: {each.reason}"
            found.append(Failure(each.id or "", each.version or arrived, message))
            continue
        outcome = next(following)
        if outcome.refused:
            message = f"objects[{place}]: {outcome.refused}"
            found.append(Failure(each.id, each.version or arrived, message))
    return found


# --------------------------------------------------------------------------------------- places


def _place(tx: Tx, found: Collection, kept: Iterable[_New], now: int) -> list[Member]:
    """Give each version that is not in the collection yet the next moment in it."""
    wanted = {(each.stix_id, each.version_at): each for each in kept}
    older = {each.stix_id for each in wanted.values() if not each.first}
    there = collections.members(tx, found.number, older)
    for each in there:
        wanted.pop((each.stix_id, each.version_at), None)
    start = max(now, found.last_at + 1)
    fresh = [
        Member(at, stix_id, type_, version_at, version, seq, True, True)  # noqa: FBT003  # a row
        for at, (stix_id, type_, version_at, version, seq, _) in enumerate(wanted.values(), start)
    ]
    new, changed = _flagged(there, fresh)
    collections.mark(tx, found.number, changed)
    collections.append(tx, found.number, new)
    return new


def _flagged(there: Sequence[Member], fresh: Sequence[Member]) -> tuple[list[Member], list[Member]]:
    """Say which versions are earliest and latest: of those that come, of those that change.

    Those that come say that they are both, which is true of most.
    """
    if not there and len({each.stix_id for each in fresh}) == len(fresh):
        return list(fresh), []
    of: dict[str, list[Member]] = {}
    for each in (*there, *fresh):
        of.setdefault(each.stix_id, []).append(each)
    new = [_told(each, of[each.stix_id]) for each in fresh]
    changed = [now for before in there if (now := _told(before, of[before.stix_id])) != before]
    return new, changed


def _told(member: Member, siblings: Sequence[Member]) -> Member:
    if len(siblings) == 1 and member.earliest and member.latest:
        return member
    ats = [each.version_at for each in siblings]
    return member._replace(
        earliest=member.version_at == min(ats), latest=member.version_at == max(ats)
    )


def _stored(tx: Tx, versions: Iterable[Version]) -> list[_New]:
    """Read of stored versions what a collection shows, in the order of their arrival."""
    ordered = sorted(versions, key=lambda each: each.seq)
    raws = objects.raw_of(tx, [each.seq for each in ordered])
    found = []
    for each in ordered:
        doc = orjson.loads(raws[each.seq])
        text = doc.get("modified") or doc.get("created") or _moment_text(each.version_at)
        found.append(_New(each.stix_id, each.type, each.version_at, text, each.seq))
    return found


def _moment_text(at: int) -> str:
    """Write the version of an object that states none: the moment of its arrival."""
    return format_timestamp(at, digits=6)


def _check_all_held(ids: Iterable[str], held: Container[str]) -> None:
    missing = [each for each in ids if each not in held]
    if missing:
        raise RefusedError(
            f"We hold no object {missing[0]} of our own.",
            means="What came under an agreement cannot be put into a collection.",
            do="See `tearline objects` for what is held.",
        )


def _served_id(tx: Tx, collection_id: str) -> Collection:
    for each in collections.collections(tx):
        if each.id == collection_id and each.ended_at is None:
            return collections.locked(tx, each.number)
    raise RefusedError("There is no such collection.")


def _counted(kind: str, found: Collection, ids: Iterable[str]) -> dict[str, str]:
    listed = sorted(ids)
    record = {"kind": f"collection-{kind}", "name": found.name, "count": str(len(listed))}
    return record | {"hash": canonical.sha256("\n".join(listed).encode())}


def _note(tx: Tx, record: dict[str, str], now: int) -> None:
    line = orjson.dumps({**record, "at": format_timestamp(now, digits=6)}).decode()
    private.add(tx, record["kind"], [line])
