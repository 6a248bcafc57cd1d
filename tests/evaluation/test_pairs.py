import re
from collections import Counter
from pathlib import Path

import msgspec
import pytest

from evaluation.pairs import Named, Pair, read_pairs
from tearline.stix.objects import IDENTIFIER

PAIRS = list(read_pairs())
UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def test_there_are_400_pairs_in_balance() -> None:
    shares = Counter((each.source, each.hard, each.about) for each in PAIRS)
    assert len(PAIRS) == 400
    assert set(shares.values()) == {50}
    assert [each.n for each in PAIRS] == list(range(1, 401))


def test_every_object_is_named_in_the_way_of_its_source() -> None:
    for each in PAIRS:
        named = each.object
        if each.source == "attack":
            assert IDENTIFIER.fullmatch(named.id)
            assert named == Named(id=named.id)
        else:
            assert UUID.fullmatch(named.uuid)
            assert named.cluster
            assert not named.id
            assert bool(named.dest) == bool(named.relation)


def test_every_pair_has_a_topic_a_kind_and_a_reason() -> None:
    for each in PAIRS:
        assert all(each.topic.names)
        assert each.topic.names
        assert each.reason
        assert each.hard == (each.kind != "easy")


def test_no_pair_is_asked_twice() -> None:
    asked = Counter((each.source, each.topic.names, each.object) for each in PAIRS)
    assert asked.most_common(1)[0][1] == 1


def test_a_field_that_is_not_of_the_guideline_is_refused(tmp_path: Path) -> None:
    line = msgspec.json.encode({**msgspec.to_builtins(PAIRS[0]), "weight": 2})
    assert isinstance(PAIRS[0], Pair)
    (tmp_path / "pairs.jsonl").write_bytes(line)
    with pytest.raises(msgspec.ValidationError, match="weight"):
        list(read_pairs(tmp_path / "pairs.jsonl"))
