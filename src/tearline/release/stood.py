"""What stood on objects before a batch of them is decided, under one agreement."""

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet

from tearline.release.batch import Before
from tearline.release.concern import Decided
from tearline.release.reviewing import Reviewed, reviewed_on
from tearline.store import releases
from tearline.store.database import Tx
from tearline.store.releases import Standing


class Stood:
    """What stood, read as it is asked for; all that was read before is known already."""

    def __init__(
        self,
        tx: Tx,
        agreement_id: str,
        asked: AbstractSet[str],
        stood: Mapping[str, Standing],
        reviewed: Mapping[str, Reviewed],
    ) -> None:
        """Begin with what `stood`, and people said, of the objects that were `asked` for before."""
        self._tx = tx
        self._agreement_id = agreement_id
        self._known = dict(stood)
        self._reviewed = dict(reviewed)
        self._asked: set[str] = set()
        self._asked_before = asked

    def among(self, ids: Iterable[str]) -> dict[str, Standing]:
        """What stood on those of `ids` on which anything did."""
        wanted = set(ids)
        missing = wanted - self._asked_before - self._asked
        if missing:
            self._asked |= missing
            self._known |= releases.standing(self._tx, self._agreement_id, missing)
            self._reviewed |= reviewed_on(self._tx, missing).get(self._agreement_id, {})
        return {each: self._known[each] for each in wanted & self._known.keys()}

    def on(self, stix_id: str) -> Standing | None:
        """What stood on one object."""
        if stix_id not in self._asked_before and stix_id not in self._asked:
            self.among((stix_id,))
        return self._known.get(stix_id)

    def reviewed(self, stix_id: str) -> Reviewed | None:
        """What people said of an object that they were asked about."""
        self.on(stix_id)
        return self._reviewed.get(stix_id)

    def asked_otherwise(self, agreement: str, decided: Mapping[str, Decided]) -> set[str]:
        """Those of which people were asked under another version, of this agreement or its source.

        Among what is decided now.
        """
        return {
            each
            for each, said in self._reviewed.items()
            if each in decided and not said.under(agreement, decided[each].facts.source_agreement)
        }

    def held(self, stix_id: str) -> Standing:
        """What stood on an object that they hold."""
        found = self.on(stix_id)
        if found is None:
            raise KeyError(stix_id)
        return found

    def before(self, ids: Iterable[str]) -> Mapping[str, Before]:
        """The same, as far as a batch has to know it."""
        return {
            each: Before(stood.outcome, stood.clause if stood.position else "")
            for each, stood in self.among(ids).items()
        }
