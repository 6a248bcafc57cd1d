"""What is kept between previews answers as a fresh reading does, and notices whatever changes."""

from pathlib import Path

import pytest

from tearline.agreement.terms import parse_toml
from tearline.release import arrive
from tearline.release.arrive import Annotation
from tearline.release.preview import preview
from tearline.release.warm import MINUTE, Kept
from tests.pair import Pair, as_object, make_pair, rel, sdo

heron, loader = sdo("intrusion-set", "Gray Heron"), sdo("malware", "Mud Loader")
SIGNS = [sdo("indicator", f"sign {n}") for n in range(9)]


@pytest.fixture(params=["before an agreement", "while one runs"])
def pair(request: pytest.FixtureRequest, tmp_path: Path) -> Pair:
    made = make_pair(tmp_path)
    made.put(heron, loader, rel(heron, "uses", loader), *SIGNS)
    if request.param == "while one runs":
        made.agree(approvals=2)
    return made


def both(pair: Pair, kept: Kept, **limits: object) -> tuple[int, int, int]:
    """Counts from memory, which are those of a fresh reading too."""
    terms, now = parse_toml(pair.terms(**limits)), pair.now - pair.now % MINUTE + MINUTE
    warm = preview(pair.north, terms, listed=20, kept=kept, now=now)
    assert warm == preview(pair.north, terms, listed=20, now=now)
    return warm.go, warm.wait, warm.stay


def test_terms_change_and_what_is_read_stays(pair: Pair) -> None:
    kept = Kept()
    assert both(pair, kept) == (3, 0, 9)
    assert both(pair, kept, reach=0) == (1, 0, 11)
    assert both(pair, kept, types='["malware"]') == (0, 0, 12)
    assert both(pair, kept, topics='"*"') == (12, 0, 0)
    assert both(pair, kept, age=1) == (3, 0, 9)
    assert both(pair, kept, names='["Mud Loader"]', labels="[]") == (1, 0, 11)


def test_whatever_changes_in_the_store_is_noticed(pair: Pair) -> None:
    kept = Kept()
    assert both(pair, kept) == (3, 0, 9)
    pair.put(rel(SIGNS[0], "indicates", loader))
    assert both(pair, kept, reach=2)[0] == 5
    arrive.annotate(pair.north, [loader["id"]], Annotation(4, None), now=pair.tick())
    assert both(pair, kept)[0] == 1
    arrive.annotate(pair.north, [loader["id"]], Annotation(0, None), now=pair.tick())
    assert both(pair, kept, reach=2)[0] == 5
    arrive.hold(pair.north, "object", heron["id"], "a doubt", now=pair.tick())
    assert both(pair, kept)[0] < 3
    arrive.release_hold(pair.north, "object", heron["id"], "a doubt", now=pair.tick())
    before = both(pair, kept)
    newer = loader | {"modified": "2026-03-02T00:00:00.000Z", "name": "Mud Loader 2"}
    arrive.arrive(pair.north, [as_object(newer)], source="test", now=pair.tick())
    assert both(pair, kept) == before
    assert both(pair, kept, names='["Mud Loader"]', labels="[]")[0] == 0


def test_the_clock_turns(pair: Pair) -> None:
    kept = Kept()
    assert both(pair, kept, age=2) == (3, 0, 9)
    pair.tick(3 * 86_400_000_000)
    assert both(pair, kept, age=2) == (0, 0, 12)
