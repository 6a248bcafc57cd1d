"""Taking back: a person recalls what was released; the partner answers with a receipt.

A recall is an obligation with a receipt, not a remote delete. It is a hold of our own on the
object, so that nothing releases it again, and the withdrawal that `reconcile` then appends.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from tearline.agreement import force
from tearline.agreement.force import InForce
from tearline.agreement.home import Home
from tearline.agreement.messages import Message, proven
from tearline.agreement.partners import find_party
from tearline.errors import RefusedError
from tearline.log import record
from tearline.release import arrive, reconcile, second_hop
from tearline.release.health import COUNTED, Counted, total
from tearline.release.reasons import Code
from tearline.release.rules import DAY
from tearline.stix import canonical
from tearline.stix.timestamp import format_timestamp
from tearline.store import agreements, onward, releases
from tearline.store.database import Tx
from tearline.store.recalls import (
    Some,
    acknowledge_recalls,
    add_recalls,
    newest,
    number,
    recalls_under,
)
from tearline.store.walking import Place

STATES = ("overdue", "open", "confirmed", "unconfirmable")


class Recalled(NamedTuple):
    """A recall that we ordered: of which release, why, when, and when it was confirmed.

    `due_at` is the moment by which the agreement wants it answered, `late` whether that is past. A
    receiver without a node cannot confirm one: `confirmable` is false, and it ends so. Where they
    had passed it on, `told` is how many they told of the recall, `told_confirmed` how many of these
    confirmed it, as they say.
    """

    agreement_id: str
    position: int
    delivered_id: str
    reason: str
    at: int
    acknowledged_at: int | None
    confirmable: bool
    due_at: int
    late: bool
    told: int = 0
    told_confirmed: int = 0

    @property
    def state(self) -> str:
        """Return *confirmed*, *open*, *overdue* or *unconfirmable*."""
        if not self.confirmable:
            return "unconfirmable"
        if self.acknowledged_at is not None:
            return "confirmed"
        return "overdue" if self.late else "open"


def recall(home: Home, stix_id: str, party: str, reason: str, *, now: int) -> list[Recalled]:
    """Take back what a partner holds of an object of ours, and hold it from now on.

    RefusedError when they hold nothing of it.
    """
    with home.store.read() as tx:
        partner = find_party(tx, party).slug
        standing = _held_by(tx, partner, stix_id, now)
    if not standing:
        raise RefusedError(
            f"{party} holds nothing of {stix_id} from us.",
            do="See `tearline explain` for what became of it.",
        )
    arrive.hold(home, "object", stix_id, reason, now=now)
    for agreement_id in standing:
        reconcile.reconcile(home, agreement_id, now=now)
    open_positions = set(standing.items())
    return [
        each
        for each in recalls(home, partner, now=now)
        if (each.agreement_id, each.position) in open_positions
    ]


def recalls(home: Home, party: str | None = None, *, now: int) -> list[Recalled]:
    """Every recall that we ordered, confirmed or not, oldest first."""
    with home.store.read() as tx:
        bound = force.all_in_force(tx, now=now)
        return [
            _recalled(each, row, further.get(row[0], (0, 0)), now)
            for each in bound
            if party is None or each.partner == party
            for further in [onward.reports(tx, each.agreement_id)]
            for row in recalls_under(tx, each.agreement_id)
        ]


def last_recalls(
    tx: Tx,
    bound: Sequence[InForce],
    state: str | None,
    limit: int,
    before: Place | None = None,
    *,
    now: int,
) -> list[Recalled]:
    """The last recalls under agreements, of one state or of all, the last first."""
    under = {each.agreement_id: each for each in bound}
    wanted = [some for each in bound for some in _stand(each, state, now)]
    rows = newest(tx, wanted, limit, before)
    further = {
        each: onward.reports(tx, each, [row[1] for row in rows if row[0] == each])
        for each in {row[0] for row in rows}
    }
    return [
        _recalled(under[row[0]], (*row[1:], None), further[row[0]].get(row[1], (0, 0)), now)
        for row in rows
    ]


def recalls_counted(tx: Tx, bound: Sequence[InForce], *, now: int) -> dict[str, Counted]:
    """How many recalls there are under agreements, by state."""
    return {
        state: total(
            [
                Counted.of(number(tx, some, COUNTED + 1))
                for each in bound
                for some in _stand(each, state, now)
            ]
        )
        for state in STATES
    }


def _stand(bound: InForce, state: str | None, now: int) -> list[Some]:
    """Where the recalls of one state, or all, stand under an agreement."""
    this = bound.agreement_id
    due_at = now - bound.terms.retention.recall_days * DAY
    found = {
        "overdue": [Some(this, answered=False, until_at=due_at)],
        "open": [Some(this, answered=False, after_at=due_at)],
        "confirmed": [Some(this, answered=True)],
    }
    if bound.one_sided:
        found = {"unconfirmable": [Some(this, answered=each) for each in (False, True)]}
    return [some for name, parts in found.items() if state in {None, name} for some in parts]


def _recalled(bound: InForce, row: Sequence[Any], further: tuple[int, int], now: int) -> Recalled:
    position, delivered_id, reason, at, acknowledged_at, _ = row
    due_at = at + bound.terms.retention.recall_days * DAY
    said = bound.agreement_id, position, delivered_id, reason, at, acknowledged_at
    return Recalled(*said, not bound.one_sided, due_at, now >= due_at, *further)


def receipted(home: Home, message: Message, *, now: int) -> None:
    """Take a partner's confirmation of recalls: it is the receipt that we keep and log.

    RefusedError when it names no recall of ours.
    """
    positions = message.body.get("releases")
    if not isinstance(positions, list) or not all(isinstance(each, int) for each in positions):
        raise RefusedError("This recall receipt names no releases.", do="Refuse it.")
    with home.store.write() as tx:
        version = agreements.version_of(tx, message.agreement or "")
        if version is None or version.partner != message.sender:
            raise RefusedError("This recall receipt is under no agreement with its sender.")
        if not agreements.remember(tx, message.id, message.sender, at=now):
            return
        agreement_id = version.agreement_id
        proven(message, agreement_id, "recall-receipt", "expiry")
        receipt = canonical.canonical(message.body["receipt"]).decode()
        if message.body.get("expired") is True:
            _carried_out_early(tx, agreement_id, positions, now)
        ordered = {row[0] for row in recalls_under(tx, agreement_id)}
        further = second_hop.read_report(message.body.get("onward"), ordered & {*positions})
        onward.put_reports(tx, agreement_id, further)
        fresh = acknowledge_recalls(tx, agreement_id, positions, receipt, now)
        if not fresh and not further:
            return
        entry = {
            "kind": "recall-confirmed",
            "agreement": version.hash,
            "releases": sorted(positions),
            "message": message.hash,
            "at": format_timestamp(now, digits=6),
        }
        entry |= {"onward": [list(each) for each in further]} if further else {}
        log = record.our_log(agreement_id)
        record.append(tx, log, "recall", [entry], at=now, agreement=version.hash)
        if fresh:
            second_hop.confirmed(tx, agreement_id, positions, now=now)


def _carried_out_early(tx: Tx, agreement_id: str, positions: list[int], now: int) -> None:
    """Note as recalls what expired at the receiver before we ordered them."""
    given = releases.releases_at(tx, agreement_id, positions)
    rows = [(at, each.delivered_id, str(Code.EXPIRED), now) for at, each in given.items()]
    add_recalls(tx, agreement_id, rows)


def _held_by(tx: Tx, partner: str, stix_id: str, now: int) -> dict[str, int]:
    """By agreement, the position under which a partner holds an object now."""
    found = {}
    for each in force.all_in_force(tx, now=now):
        if each.partner == partner:
            standing = releases.standing(tx, each.agreement_id, [stix_id]).get(stix_id)
            if standing is not None and standing.position:
                found[each.agreement_id] = standing.position
    return found
