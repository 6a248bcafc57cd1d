"""What a node that has run for some years holds beside its objects, for pages to show.

One object in a hundred waits for a person, ten thousand things of a partner are in quarantine, ten
thousand recalls are open; decisions, leaves of logs, claims and questions are there as well. The
rows are those that the functions of release, exchange and weighing would write.
"""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, TypeVar
from uuid import UUID

import orjson

from bench import corpus
from bench.agreements import agree_with_nodes
from bench.loading import version_of
from tearline import clock
from tearline.agreement.home import Home
from tearline.log import record
from tearline.node.publisher import publish_grown
from tearline.provenance.claims import Claim, Link, Wording, note_of
from tearline.release.indexing import index
from tearline.release.reasons import Code
from tearline.release.rules import FOREVER
from tearline.stix import canonical
from tearline.stix.objects import read
from tearline.store import agreements, objects, recalls, received, releases, reviews
from tearline.store.objects import OURS
from tearline.store.received import Received
from tearline.store.releases import Standing
from tearline.store.reviews import Review
from tearline.weighing import indexing, questions, worth

BESIDE = 10_000
"""Things in quarantine, open recalls, claims and leaves."""
WAITING = 100
"""One of so many objects waits."""
QUESTIONS = 200
_BATCH = 5_000
_SECOND = 1_000_000
_Row = TypeVar("_Row")


class Lived(NamedTuple):
    """What pages are about: agreements, a partner, an item, a claim, a source and a question."""

    one_sided: str
    with_node: str
    partner: str
    item: str
    claim: str
    source: str
    question: str


def live(home: Home, folder: Path, one_sided: str) -> Lived:
    """Put beside the objects of a home what the years bring."""
    agree_with_nodes(home, folder, 1)
    with home.store.read() as tx:
        known = {each.agreement_id: each for each in agreements.every_version(tx)}
    (with_node,) = known.keys() - {one_sided}
    item = _decide(home, one_sided)
    _exchange(home, with_node)
    note = _claim(home)
    asked = [
        questions.ask(home, f"Generated question {each}", ["Yes", "No"], [note], now=clock.now())
        for each in range(QUESTIONS)
    ]
    indexing.sort_in(home)
    worth.settle_everything(home, now=clock.now())
    partner = known[with_node].partner
    source = corpus.organisations()[0]
    return Lived(one_sided, with_node, partner, item, note, source, asked[0].stix_id)


def _decide(home: Home, agreement_id: str) -> str:
    """A decision on every object; what waits has been asked about, a second after the other."""
    now = clock.now()
    with home.store.read() as tx:
        head = releases.head_of(tx, agreement_id)
        held = {each.stix_id: each for each in objects.latest_all(tx, OURS)}
        live = releases.releases_at(tx, agreement_id, range(1, head.position + 1))
    given = {each.delivered_id: each for each in live.values()}
    rows, asks = [], []
    for place, (stix_id, each) in enumerate(sorted(held.items())):
        went = given.get(stix_id)
        waits = went is None and place % WAITING == 0
        outcome = "release" if went else "wait" if waits else "withhold"
        code = Code.VICTIM_UNREVIEWED if waits else Code.NOT_ABOUT
        reasons = "[]" if went else json.dumps([[code, "U1"]])
        position = went.position if went else 0
        limits = stix_id, each.hash, "[]", "{}", FOREVER
        stands = Standing(stix_id, outcome, "U1", reasons, *limits, position, bool(went))
        rows.append((agreement_id, *stands))
        if waits:
            item = canonical.sha256(stix_id.encode())
            bytes_ = stix_id, each.hash, each.seq, None
            asks.append(
                Review(
                    agreement_id, stix_id, item, "U1", *bytes_, now - place * _SECOND, "", "waits"
                )
            )
    for some in _parts(rows):
        with home.store.write() as tx:
            releases.put_standing(tx, some)
    with home.store.write() as tx:
        reviews.put_reviews(tx, asks)
    return asks[len(asks) // 2].item


def _exchange(home: Home, agreement_id: str) -> None:
    """Recalls that nobody answered, what came and fits nothing, and a log of it all, signed."""
    now = clock.now()
    raws = [corpus.plain(each) for each in corpus.some(BESIDE, start=10_000_000)]
    aside = [
        Received(
            canonical.sha256(raw),
            orjson.loads(raw)["id"],
            raw,
            "",
            "quarantined",
            '["type-not-agreed"]',
            now - place * _SECOND,
        )
        for place, raw in enumerate(raws)
    ]
    ordered = [
        (place, corpus.sign_id(place), "held", now - place * _SECOND)
        for place in range(1, BESIDE + 1)
    ]
    slips = [[{"kind": "release", "object": each.delivered_id}] for each in aside]
    with home.store.write() as tx:
        received.stage(tx, agreement_id, aside)
        recalls.add_recalls(tx, agreement_id, ordered)
        log = record.our_log(agreement_id)
        record.append_all(tx, record.entries(log, "release", slips, None), at=now)
    publish_grown(home, now=now)


def _claim(home: Home) -> str:
    """Claims about signs by the organisations, of which every fifth denies the one before."""
    sources = corpus.organisations()
    now = clock.now()
    notes: list[str] = []
    for some in _parts(range(BESIDE)):
        new = []
        for place in some:
            notes.append(f"note--{UUID(int=place, version=4)}")
            denies = notes[-2] if place % 5 == 4 else ""
            said = Claim(
                polarity="denied" if denies else "asserted",
                certainty="reported",
                source_chain=(Link("origin", sources[place % len(sources)]),),
                denies_ref=denies,
            )
            words = f"Generated claim {place}"
            about = (corpus.sign_id(place % 2_000),)
            note = note_of(said, Wording(words, words, about), note_id=notes[-1], at=now)
            new.append(version_of(index(read(orjson.dumps(note))), now))
        with home.store.write() as tx:
            objects.keep(tx, OURS, new)
    indexing.sort_in(home)
    return notes[3]


def _parts(rows: Sequence[_Row]) -> Iterator[Sequence[_Row]]:
    return (rows[begin : begin + _BATCH] for begin in range(0, len(rows), _BATCH))
