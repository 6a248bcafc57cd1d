"""What people said of exact bytes that wait for them, as far as their signatures hold.

An *item* names agreement, version, clause, object and the hash of the bytes at once. A person signs
a statement about one item, so that no byte and no line of the agreement can change under it.
"""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, Literal, NamedTuple, TypeAlias

import msgspec
import orjson

from tearline.agreement import by_person
from tearline.errors import TearlineError
from tearline.release import consents
from tearline.release.reasons import Code
from tearline.release.rules import Facts
from tearline.stix import canonical
from tearline.store import reviews
from tearline.store.database import Tx
from tearline.store.releases import Standing
from tearline.store.reviews import Review, Verdict

State: TypeAlias = Literal["waits", "approved", "refused", "lapsed", "rests"]


class Reviewed(NamedTuple):
    """What stands on one item: since when people are asked, and what they said that counts.

    `approvals` are the hashes of the signed statements, one for each person, in their order; of the
    bytes asked about stands the id under which they would go, and their hash. Of what a partner
    gave, `consent` is the statement by which it may go on, `declined` that it may not. `state` is
    what is noted of it.
    """

    item: str
    clause: str
    asked_at: int
    approvals: tuple[str, ...]
    refused: bool
    delivered_id: str
    hash: str
    consent: str = ""
    declined: bool = False
    state: str = ""

    def under(self, agreement: str, source: str) -> bool:
        """Whether they were asked under this version, of what came under that one, or is ours.

        What is said under another counts no more.
        """
        return self.item == item_of(agreement, self.clause, self.delivered_id, self.hash, source)

    def beside(self, facts: Facts) -> Facts:
        """The facts with what people said."""
        source = facts.source
        if source is not None and (self.consent or self.declined):
            name = consents.name_of(self.consent) if self.consent else ""
            source = msgspec.structs.replace(source, consent=name, refused=self.declined)
        return msgspec.structs.replace(
            facts,
            source=source,
            approvals={self.clause: len(self.approvals)} if self.approvals else {},
            refused=self.refused,
            asked_at=self.asked_at,
        )


def item_of(agreement: str, clause: str, delivered_id: str, hash_: str, source: str = "") -> str:
    """The name of exact bytes under a clause of a version of an agreement: what people sign.

    Of what a partner gave, with the version of the agreement that it came under.
    """
    named = {"kind": "review", "agreement": agreement, "clause": clause}
    named |= {"object": delivered_id, "bytes": hash_}
    named |= {"source": source} if source else {}
    return canonical.sha256(canonical.canonical(named))


def reviewed_on(tx: Tx, ids: Iterable[str]) -> dict[str, dict[str, Reviewed]]:
    """By agreement and object, what stands on each of `ids` that people were asked about."""
    rows = reviews.reviews_on(tx, ids)
    if not rows:
        return {}
    keys = reviews.keys_by_name(tx)
    said = reviews.verdicts_on(tx, [each.item for each in rows])
    answers = consents.answers(tx, [each.item for each in rows])
    found: dict[str, dict[str, Reviewed]] = {}
    for row in rows:
        of_agreement = found.setdefault(row.agreement_id, {})
        its = weigh(row, said.get(row.item, ()), keys)._replace(state=row.state)
        if (answer := answers.get(row.item)) is not None:
            yes = answer.verdict == "consent"
            its = its._replace(consent=answer.signed if yes else "", declined=not yes)
        of_agreement[row.stix_id] = its
    return found


def weigh(row: Review, said: Iterable[Verdict], keys: Mapping[str, tuple[str, ...]]) -> Reviewed:
    """What counts of all that was said of an item: signed by its person, and not spent."""
    approvals: dict[str, str] = {}
    refused = False
    for each in said:
        if each.spent or not _holds(each.signed, keys.get(each.person, ()), row.item, each.verdict):
            continue
        refused = refused or each.verdict == "refuse"
        if each.verdict == "approve" and each.person != row.requested_by:
            approvals.setdefault(each.person, each.hash)
    said_yes = tuple(approvals.values())
    asked = row.item, row.clause, row.asked_at
    return Reviewed(*asked, said_yes, refused, row.delivered_id, row.hash)


def state_of(standing: Standing | None) -> State:
    """What a standing decision makes of an item that people were asked about.

    It *waits* for them; was *approved*, and goes; was *refused* by one; *lapsed* in silence; or
    *rests*, while it stays for a reason that no person here can settle.
    """
    if standing is None:
        return "rests"
    if standing.outcome != "withhold":
        return "approved" if standing.outcome == "release" else "waits"
    codes = {code for code, _ in orjson.loads(standing.reasons)}
    if Code.REFUSED in codes:
        return "refused"
    return "lapsed" if Code.SILENCE in codes else "rests"


@lru_cache(maxsize=4_096)
def _holds(signed: str, keys: tuple[str, ...], item: str, verdict: str) -> bool:
    """Whether one of a person's keys signed this verdict on this item."""
    try:
        body: Any = canonical.parse_canonical(
            by_person.verify(by_person.load(signed.encode()), *keys)
        )
    except TearlineError:
        return False
    return (body.get("item"), body.get("verdict")) == (item, verdict)
