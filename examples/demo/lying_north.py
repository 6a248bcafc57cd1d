# ruff: noqa: INP001  # a script, no part of a package
"""A North that lies, for the demo and its tests: it is no part of the package.

    python lying_north.py HOME AGREEMENT OBJECT

With North's real keys and in North's real log it releases an object that is not about the topic,
under a path that it made up: the leaf is valid, the slip is true to the bytes, the checkpoint is
signed. Only whoever holds the signed text and walks the path can find the lie.
"""

import sys
from pathlib import Path
from typing import Any

import orjson

from tearline import clock
from tearline.agreement.force import in_force
from tearline.agreement.home import Home, open_home
from tearline.log import record
from tearline.release.rules import FOREVER
from tearline.stix import marking
from tearline.stix.timestamp import format_timestamp
from tearline.store import annotations, objects, releases, ties
from tearline.store.database import Tx
from tearline.store.objects import OURS
from tearline.store.releases import Release, Standing
from tearline.topics.held import Held


def lie(home: Home, agreement_id: str, stix_id: str, *, now: int) -> list[str]:
    """Release an object as if it were about the topic; return the path that was made up."""
    with home.store.write() as tx:
        force = in_force(tx, agreement_id, now=now)
        if force is None or not force.serving:
            raise SystemExit("There is no agreement in force to lie under.")
        version = objects.latest(tx, OURS, [stix_id])[stix_id]
        doc = orjson.loads(objects.raw_of(tx, [version.seq])[version.seq])
        path, start = _made_up(tx, stix_id)
        head = releases.head_of(tx, agreement_id)
        at = max(now, head.last_at + 1)
        head = head._replace(position=head.position + 1, last_at=at)
        slip = {
            "kind": "release",
            "agreement": force.hash,
            "position": head.position,
            "object": stix_id,
            "version": doc["modified"],
            "hash": version.hash,
            "clause": force.terms.clauses_from(force.our_slot)[0].id,
            "at": format_timestamp(now, digits=6),
            "until": None,
            "start": start,
            "path": path,
            "attested": _attested(tx, stix_id),
        }
        log = record.our_log(agreement_id)
        leaf = record.append(tx, log, "release", [slip], at=now, agreement=force.hash)
        row = Release(
            position=head.position,
            delivered_id=stix_id,
            type=version.type,
            version=doc["modified"],
            at=at,
            until_at=FOREVER,
            hash=version.hash,
            basis=version.hash,
            seq=version.seq,
            cut_raw=None,
            leaf=leaf,
            item=0,
            live=True,
        )
        releases.add_releases(tx, agreement_id, [row])
        _pretend(tx, agreement_id, row, slip)
        releases.put_head(tx, head)
    return path


def _pretend(tx: Tx, agreement_id: str, row: Release, slip: dict[str, Any]) -> None:
    """Let the lie stand as if it had been decided, so that it ends with the agreement."""
    said = Standing(
        stix_id=row.delivered_id,
        outcome="release",
        clause=slip["clause"],
        reasons="[]",
        delivered_id=row.delivered_id,
        basis=row.basis,
        path=orjson.dumps([slip["start"], slip["path"], slip["path"]]).decode(),
        attested=orjson.dumps(slip["attested"]).decode(),
        until_at=row.until_at,
        position=row.position,
        live=True,
    )
    releases.drop_standing(tx, agreement_id, [row.delivered_id])
    releases.put_standing(tx, [(agreement_id, *said)])


def _made_up(tx: Tx, stix_id: str) -> tuple[list[str], str]:
    """A path from the topic over a relationship that South holds, to where it does not lead."""
    found = Held(tx, OURS).keyed(["attack:G0102"])
    topic, start = min(found.items())
    tie = min(each.via_id for each in ties.relations_from(tx, OURS, {topic}))
    return [topic, tie, stix_id], start


def _attested(tx: Tx, stix_id: str) -> dict[str, str]:
    level, grade = annotations.annotations(tx, [stix_id]).get(stix_id, (None, None))
    said = {}
    if level is not None:
        said["marking"] = marking.level_name(level)
    if grade is not None:
        said["grade"] = marking.grade_name(grade)
    return said


def main() -> None:
    """Lie once, and say so."""
    home_path, agreement_id, stix_id = sys.argv[1:]
    home = open_home(Path(home_path))
    path = lie(home, agreement_id, stix_id, now=clock.now())
    home.store.close()
    sys.stdout.write(f"North gives {stix_id}, about the topic by {' → '.join(path)}: a lie\n")


if __name__ == "__main__":
    main()
