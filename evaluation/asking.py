"""Ask the software itself: import the sources into a home and find the paths.

Everything is let through but *about*, with a reach of two steps and without members: so what is
measured is the table of steps, the names, and what the importers keep. ATT&CK's statement marking
would hold all of it back otherwise.
"""

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson

from evaluation.pairs import Pair
from evaluation.scoring import Answer
from tearline import clock
from tearline.agreement.home import Home, create_home
from tearline.exchange.files import import_files, import_galaxies
from tearline.exchange.galaxies import available
from tearline.exchange.galaxy_links import End, link
from tearline.stix import marking
from tearline.store import objects, ties
from tearline.store.database import Tx
from tearline.store.objects import OURS
from tearline.topics import about
from tearline.topics.held import Held
from tearline.topics.topic import EDGE_REFS, keys_for, type_of

_REACH = 2
_ATTACK = "attack/enterprise-attack.json.gz"


def attack_file() -> Path | None:
    """ATT&CK's file in the folder of test data, or None where it is not."""
    folder = os.environ.get("TEARLINE_TEST_DATA")
    path = Path(folder, _ATTACK) if folder else None
    return path if path is not None and path.is_file() else None


def ask(pairs: Sequence[Pair], source: str) -> list[Answer]:
    """Answer every pair of one source, `galaxy` or `attack`."""
    with _home(source) as home, home.store.read() as tx:
        asked = _Asked(tx)
        return [asked.answer(pair) for pair in pairs if pair.source == source]


@contextmanager
def _home(source: str) -> Iterator[Home]:
    """A home with one source imported, for as long as it is asked."""
    with tempfile.TemporaryDirectory(prefix="tearline-evaluation-") as folder:
        home = create_home(Path(folder, "home"), "Evaluation", None, now=clock.now())
        file = attack_file()
        if source == "galaxy":
            import_galaxies(home, available(), mark=marking.CLEAR, now=clock.now())
        elif file is not None:
            import_files(home, [file], mark=marking.CLEAR, now=clock.now())
        yield home
        home.store.close()


class _Asked:
    """One home's objects by id and by cluster, and the graph between them."""

    def __init__(self, tx: Tx) -> None:
        self._tx = tx
        self._held = Held(tx, OURS)
        self._graph = about.Graph(self._held, whole=True)
        self._docs = _documents(tx)
        self._clusters = {
            each["external_id"]: stix_id
            for stix_id, doc in self._docs.items()
            for each in doc.get("external_references", ())
            if each["source_name"].startswith("misp-galaxy:")
        }

    def answer(self, pair: Pair) -> Answer:
        stix_id = self._id_of(pair)
        if stix_id not in self._docs:
            return Answer(pair, about=False, path="not held: no import brings this object")
        topic = pair.topic
        keys = keys_for(names=topic.names, attack_ids=topic.attack_ids)
        starts = about.starts(self._held, keys, ())
        finder = about.Finder(self._graph, starts, members=False, passes=lambda *_: True)
        paths = {each: finder.path(each, _REACH) for each in self._speaks_of(stix_id)}
        return Answer(
            pair,
            about=None not in paths.values(),
            path="; and ".join(self._told(each, path) for each, path in paths.items()),
        )

    def _id_of(self, pair: Pair) -> str:
        """The object's id here; '' when no import brings it."""
        named = pair.object
        if named.id:
            return named.id
        source = self._clusters.get(named.uuid, "")
        if not named.dest:
            return source
        target = self._clusters.get(named.dest, "")
        if not source or not target:
            return ""
        tie = link(End(type_of(source), source), named.relation, End(type_of(target), target))
        said = (tie.relation, tie.source, tie.target)
        # A link noted at both ends is one relationship, in the order that was read first.
        turned = (tie.relation, tie.target, tie.source)
        found = ties.relations_from(self._tx, OURS, {tie.source, tie.target})
        return next((each.via_id for each in found if each[1:] in {said, turned}), "")

    def _speaks_of(self, stix_id: str) -> list[str]:
        """An edge goes where all that it speaks of goes; any other object is asked for itself."""
        roles = EDGE_REFS.get(type_of(stix_id))
        if roles is None:
            return [stix_id]
        found = ties.references_of(self._tx, OURS, [stix_id])
        return [each.to_id for each in found if each.role in roles]

    def _told(self, stix_id: str, path: about.Path | None) -> str:
        if path is None:
            return f"no path to {self._name(stix_id)}"
        return " > ".join(self._name(each) for each in path.ids)

    def _name(self, stix_id: str) -> str:
        doc = self._docs.get(stix_id, {})
        return str(doc.get("name") or doc.get("relationship_type") or stix_id)


def _documents(tx: Tx) -> dict[str, dict[str, Any]]:
    held = {each.seq: each.stix_id for each in objects.latest_all(tx, OURS)}
    return {held[seq]: orjson.loads(raw) for seq, raw in objects.raw_of(tx, held).items()}
