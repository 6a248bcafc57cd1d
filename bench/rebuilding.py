"""Deciding one agreement over everything from nothing: one object in five goes.

With `LARGE=1` a million objects, without 20,000. Beside the whole stand two floors: deciding alone,
on facts that are there; and writing alone, rows as a rebuild writes them, from values that are
there. Once uncut, and once under a clause that cuts: everything that goes is then a new object.
"""

from collections.abc import Iterator
from functools import partial

from bench.agreements import terms
from bench.corpus import organisations
from bench.loading import held
from bench.measuring import Figure, Spent, duration, large, spent
from tearline import clock
from tearline.agreement import signing
from tearline.agreement.home import Home
from tearline.release import arrive, reconcile
from tearline.release.arrive import Annotation
from tearline.release.concern import rules_under
from tearline.release.decide import decide
from tearline.release.facts import Known
from tearline.stix import marking
from tearline.stix.strict import collector_paused
from tearline.store import objects, private, releases
from tearline.store.database import Tx, trial
from tearline.store.objects import OURS

SIZE, LARGE = 20_000, 1_000_000
GOALS_S = {"uncut": 8.0, "cut": 20.0}
_ALL = ("malware", "indicator", "relationship", "sighting")
_CUT = '["confidence"]'


def figures() -> Iterator[Figure]:
    """Rebuild uncut and cut, each beside deciding alone and writing alone."""
    size = LARGE if large() else SIZE
    for number, how in enumerate(GOALS_S):
        with held(size, plain=True) as home:
            arrive.annotate(home, organisations(), Annotation(marking.CLEAR, None), now=clock.now())
            remove = _CUT if how == "cut" else "[]"
            draft = terms(home, number, range(16), types=_ALL, authors=True, remove=remove)
            agreement_id = signing.propose(home, draft, now=clock.now()).agreement_id
            own = spent(partial(reconcile.reconcile, home, agreement_id, now=clock.now()))
            deciding, writing = _floors(home, agreement_id)
            name = f"rebuild, {how}, {size:,}"
            yield duration(name, own.cpu_s, writing.cpu_s, GOALS_S[how] if large() else None)
            yield duration(f"{name}, by the clock", own.wall_s, writing.wall_s)
            yield duration(f"{name}: deciding alone", deciding.cpu_s, None)


def _floors(home: Home, agreement_id: str) -> tuple[Spent, Spent]:
    """What it takes to decide on facts that are there, and to write the same rows again."""
    with collector_paused(), home.store.write() as tx:
        version = signing.versions_of(tx, agreement_id)[-1]
        rules = rules_under(version.terms, version.our_slot)
        known, now = Known(tx, OURS), clock.now()
        ids = [each.stix_id for each in objects.latest_all(tx, OURS)]
        facts = list(known.facts(ids[:100_000], now).values())
        one = spent(lambda: [decide(rules, each) for each in facts])
        deciding = Spent(*(each * len(ids) / len(facts) for each in one))
        writing = _written_again(tx, agreement_id)
    return deciding, writing


def _written_again(tx: Tx, agreement_id: str) -> Spent:
    standing = list(releases.standing_all(tx, agreement_id).values())
    rows = list(releases.releases_at(tx, agreement_id, [e.position for e in standing]).values())
    noted = [record for kind, record in private.pending(tx) if kind == "decision"]
    other = f"{agreement_id[:-1]}x"

    def write() -> None:
        releases.append_releases(tx, [(other, *each) for each in rows])
        releases.put_standing(tx, [(other, *each) for each in standing])
        private.add(tx, "decision", noted)

    with trial(tx) as give_up:
        taken = spent(write)
        give_up()
    return taken
