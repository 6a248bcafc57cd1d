import pytest

from evaluation.pairs import Named, Pair, Topic
from evaluation.scoring import Answer, misses, score

TOPIC = Topic(names=("Gray Heron",), attack_ids=(), type="intrusion-set")


def _answers(*verdicts: tuple[bool, bool], kind: str = "easy") -> list[Answer]:
    """Answers from (labelled about, found about)."""
    return [
        Answer(
            Pair(
                n=n,
                source="attack" if n % 2 else "galaxy",
                topic=TOPIC,
                object=Named(id=f"malware--{n}"),
                name=f"object {n}",
                about=labelled,
                hard=kind != "easy",
                kind=kind,
                reason="said so",
            ),
            about=found,
            path="",
        )
        for n, (labelled, found) in enumerate(verdicts)
    ]


def test_precision_counts_what_passes_wrongly_and_recall_what_is_missed() -> None:
    found = score(_answers((True, True), (True, True), (True, False), (False, True)))
    assert found.overall.precision == pytest.approx(2 / 3)
    assert found.overall.recall == pytest.approx(2 / 3)
    assert (found.overall.false_positives, found.overall.false_negatives) == (1, 1)
    assert not found.reached


def test_groups_are_scored_for_themselves() -> None:
    found = score([*_answers((True, True)), *_answers((True, False), kind="alias")])
    assert found.groups["easy"].recall == 1.0
    assert found.groups["kind alias"].recall == 0.0
    assert found.groups["hard"].pairs == 1
    assert found.groups["source galaxy"].pairs == 2


def test_a_group_without_anything_to_find_misses_nothing() -> None:
    found = score(_answers((False, False)))
    assert (found.overall.precision, found.overall.recall) == (1.0, 1.0)


def test_the_goals_are_reached_at_their_exact_value() -> None:
    hits, missed = [(True, True)] * 17, [(True, False)] * 3
    assert score(_answers(*hits, *missed)).reached
    assert not score(_answers(*hits, *missed, (True, False))).reached


def test_every_miss_is_listed_and_what_would_pass_wrongly_comes_first() -> None:
    answers = _answers((True, False), (True, True), (False, True), (False, False))
    assert [each.pair.n for each in misses(answers)] == [2, 0]
