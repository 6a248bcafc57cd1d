"""Precision and recall of answers against labels. Pure."""

from collections.abc import Callable, Iterable, Mapping

import msgspec

from evaluation.pairs import Pair

PRECISION_GOAL = 0.97
RECALL_GOAL = 0.85


class Answer(msgspec.Struct, frozen=True):
    """What the software says of one pair: about or not, and by which path or why not."""

    pair: Pair
    about: bool
    path: str

    @property
    def right(self) -> bool:
        """Whether the software and the labeller agree."""
        return self.about == self.pair.about


class Score(msgspec.Struct, frozen=True):
    """Counts of one group of answers, and the two shares; 1.0 where nothing was there to miss."""

    pairs: int
    true_positives: int
    false_positives: int
    false_negatives: int
    precision: float
    recall: float


class Scores(msgspec.Struct, frozen=True):
    """The score of all answers, and of each group of them."""

    overall: Score
    groups: Mapping[str, Score]

    @property
    def reached(self) -> bool:
        """Whether both goals hold over all answers."""
        return self.overall.precision >= PRECISION_GOAL and self.overall.recall >= RECALL_GOAL


_GROUPS: tuple[Callable[[Pair], str], ...] = (
    lambda pair: f"source {pair.source}",
    lambda pair: "hard" if pair.hard else "easy",
    lambda pair: f"kind {pair.kind}",
)


def score(answers: Iterable[Answer]) -> Scores:
    """Score all answers and each group: by source, hard or easy, and kind."""
    everything = list(answers)
    groups: dict[str, list[Answer]] = {}
    for group_of in _GROUPS:
        for each in everything:
            groups.setdefault(group_of(each.pair), []).append(each)
    return Scores(_counted(everything), {name: _counted(group) for name, group in groups.items()})


def misses(answers: Iterable[Answer]) -> list[Answer]:
    """The answers that the labeller does not share: what would pass wrongly, first."""
    wrong = [each for each in answers if not each.right]
    return sorted(wrong, key=lambda each: (each.pair.about, each.pair.n))


def _counted(answers: list[Answer]) -> Score:
    hits = sum(each.about and each.pair.about for each in answers)
    wrongly = sum(each.about and not each.pair.about for each in answers)
    missed = sum(each.pair.about and not each.about for each in answers)
    return Score(len(answers), hits, wrongly, missed, _share(hits, wrongly), _share(hits, missed))


def _share(part: int, rest: int) -> float:
    return part / (part + rest) if part + rest else 1.0
