"""Choosing objects by what they are, and what is said of all of them at once."""

from typing import Any, NamedTuple

from tearline import clock
from tearline.agreement.home import Home
from tearline.cli import afterwards
from tearline.errors import MisuseError, RefusedError
from tearline.release import arrive
from tearline.release.arrive import Annotation
from tearline.stix.marking import UNMARKED
from tearline.store import annotations, objects
from tearline.store.annotations import OBJECT, SOURCE, TOPIC
from tearline.store.database import Tx
from tearline.store.objects import OURS
from tearline.topics.held import Held
from tearline.topics.topic import keys_of_anything


class Choice(NamedTuple):
    """Which objects: these, or all that fit every condition given."""

    ids: tuple[str, ...] = ()
    type: str | None = None
    source: str | None = None
    unmarked: bool = False


def annotate(home: Home, choice: Choice, annotation: Annotation) -> dict[str, Any]:
    """Put a marking or grade beside the chosen objects, and let releases follow."""
    with home.store.read() as tx:
        ids = chosen(tx, choice)
    changed = arrive.annotate(home, ids, annotation, now=clock.now())
    return {"chosen": len(ids), "changed": changed, **afterwards.reconcile(home)}


def set_hold(home: Home, what: str, kind: str | None, reason: str, *, held: bool) -> dict[str, Any]:
    """Hold an object, a source or a topic of ours or end its hold, and let releases follow."""
    with home.store.read() as tx:
        of = kind or _kind_of(tx, what)
        if of == OBJECT:
            _check_held(tx, [what])
    now = clock.now()
    ended: dict[str, int] | None = {}
    if held:
        changed = (ended := arrive.hold(home, of, what, reason, now=now)) is not None
    else:
        changed = arrive.release_hold(home, of, what, reason, now=now)
    followed = afterwards.reconcile(home, ended or {})
    return {of: what, "kind": of, "held": held, "changed": changed, **followed}


def all_holds(home: Home) -> list[dict[str, str]]:
    """Return what we hold back, and why."""
    with home.store.read() as tx:
        found = annotations.holds(tx)
    return [
        {"kind": kind, "what": what, "reason": why} for (kind, what), why in sorted(found.items())
    ]


def _kind_of(tx: Tx, what: str) -> str:
    """Find what a name stands for; RefusedError where we hold nothing under it."""
    if "--" in what:
        return OBJECT
    holds = annotations.holds(tx)
    if (SOURCE, what) in holds or objects.ids_from(tx, what):
        return SOURCE
    if (TOPIC, what) in holds or Held(tx, OURS).keyed(keys_of_anything([what])):
        return TOPIC
    raise RefusedError(
        f"Nothing that we hold is called {what}, and no source is.",
        means="Nothing was changed.",
        do="To hold whatever comes later under this name, say --kind topic or --kind source.",
    )


def chosen(tx: Tx, choice: Choice) -> list[str]:
    """Return the ids of the objects of ours that were chosen.

    MisuseError when both names and conditions are given, or neither; RefusedError for an object
    that we do not hold.
    """
    conditions = (choice.type, choice.source, choice.unmarked)
    if bool(choice.ids) == any(conditions):
        raise MisuseError(
            "Name objects, or say which by --type, --source and --unmarked; not both.",
            do="See --help.",
        )
    if choice.ids:
        _check_held(tx, choice.ids)
        return list(choice.ids)
    fits = [
        each
        for each in objects.latest_all(tx, OURS)
        if choice.type in {None, each.type}
        and choice.source in {None, each.source}
        and (not choice.unmarked or each.marking == UNMARKED)
    ]
    said = annotations.annotations(tx, [each.stix_id for each in fits]) if choice.unmarked else {}
    return [each.stix_id for each in fits if said.get(each.stix_id, (None,))[0] is None]


def _check_held(tx: Tx, ids: tuple[str, ...] | list[str]) -> None:
    missing = [each for each in ids if each not in objects.latest(tx, OURS, ids)]
    if missing:
        raise RefusedError(
            f"We hold no object {missing[0]} of our own.",
            means="Nothing was changed.",
            do="See `tearline objects` for what is held.",
        )
