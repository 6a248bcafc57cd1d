"""What we say of objects that a partner gave us: a note or an opinion may go back to the giver.

A note or an opinion goes only where all it refers to may go. What somebody gave us he has; to name
it to him, under the agreement that it came under and by the id that he gave it, tells him nothing.
To anybody else it is named no more than anything that was received.
"""

from collections.abc import Iterable, Mapping

from tearline.store import agreements, received, releases, stirred, ties
from tearline.store.database import Tx
from tearline.store.objects import OURS
from tearline.topics.topic import type_of

SPEAKING = frozenset({"note", "opinion"})
"""What may speak of the other side's objects: it carries *about* nowhere."""


def given_by_them(tx: Tx, agreement_id: str, ids: Iterable[str]) -> set[str]:
    """Those of `ids` that the partner gave us under an agreement, and that we hold."""
    return received.accepted_among(tx, agreement_id, ids)


class Theirs:
    """What the partner gave us under an agreement, each thing asked once."""

    def __init__(self, tx: Tx, agreement_id: str) -> None:
        """Bind to a transaction; nothing is read yet."""
        self._tx, self._agreement_id = tx, agreement_id
        self._known: dict[str, bool] = {}

    def among(self, ids: Iterable[str]) -> set[str]:
        """Those of `ids` that they gave."""
        wanted = set(ids)
        if missing := wanted - self._known.keys():
            found = given_by_them(self._tx, self._agreement_id, missing)
            self._known.update({each: each in found for each in missing})
        return {each for each in wanted if self._known[each]}

    def may_name(self, speaking: str, target: str) -> bool:
        """Whether what speaks of something names it to them by the id that they gave."""
        return speaks(speaking) and bool(self.among((target,)))


def speaks(stix_id: str) -> bool:
    """Whether an object may speak of the other side's."""
    return type_of(stix_id) in SPEAKING


def given_by_us(tx: Tx, agreement_id: str, ids: Iterable[str]) -> set[str]:
    """Those of `ids` that we ever gave the partner under an agreement, by the ids he knows."""
    return set(releases.last_delivered(tx, agreement_id, ids))


def answers(tx: Tx, agreement_id: str) -> set[str]:
    """All of ours that speaks of something which came under an agreement."""
    return _speaking(received.named_by(tx, agreement_id, OURS))


def stir_answers(tx: Tx, ids: Iterable[str]) -> None:
    """Have decided again what of ours speaks of these objects, which came or went."""
    stirred.stir(tx, _speaking(ties.naming(tx, OURS, ids)))


def answered(
    tx: Tx, stirred_ids: Iterable[str], tied: Mapping[str, set[str]]
) -> dict[str, set[str]]:
    """By agreement, what of the stirred speaks of something that came under it.

    `tied` has which of the stirred each object is tied to.
    """
    speaking = _speaking(stirred_ids)
    if not speaking:
        return {}
    spoken_of = {each: some for each, by in tied.items() if (some := speaking & by)}
    found: dict[str, set[str]] = {}
    for agreement_id in agreements.agreement_ids(tx):
        for each in given_by_them(tx, agreement_id, spoken_of):
            found.setdefault(agreement_id, set()).update(spoken_of[each])
    return found


def _speaking(ids: Iterable[str]) -> set[str]:
    return {each for each in ids if speaks(each)}
