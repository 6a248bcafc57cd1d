"""Every object of a path that justifies a release is itself released."""

import json
from pathlib import Path

import pytest

from tearline.stix.timestamp import format_timestamp
from tearline.store import releases
from tests.pair import START, TYPES, Pair, make_pair, rel, sdo

pytestmark = pytest.mark.usefixtures("either_store")

sign = sdo("indicator", "loader domain")
LABEL = {"labels": ["gray-heron"]}


def report(name: str, *members: object, **more: object) -> dict[str, object]:
    refs = [each["id"] for each in members if isinstance(each, dict)]
    return sdo("report", name) | {"published": format_timestamp(START), "object_refs": refs} | more


def agreed(tmp_path: Path, *docs: dict[str, object], types: str = json.dumps(TYPES)) -> Pair:
    pair = make_pair(tmp_path)
    pair.put(*docs)
    pair.agree(reach=1, members="true", types=types)
    return pair


def paths(pair: Pair) -> dict[str, list[str]]:
    with pair.north.store.read() as tx:
        rows = releases.standing_all(tx, pair.agreement_id).values()
    return {row.delivered_id: json.loads(row.path)[2] for row in rows if row.live}


def test_a_labelled_relationship_whose_ends_stay_is_no_topic_for_others(tmp_path: Path) -> None:
    one, two = sdo("malware", "Salt Kit"), sdo("malware", "Iron Kit")
    labelled = rel(one, "variant-of", two) | LABEL
    pair = agreed(tmp_path, one, two, labelled, sign, report("weekly", labelled, sign))
    assert paths(pair) == {}


def test_a_labelled_report_of_reports_is_no_path_to_them(tmp_path: Path) -> None:
    heron, kit = sdo("threat-actor", "Gray Heron"), sdo("malware", "Salt Kit")
    inner, apart = report("inner", heron), report("apart", kit)
    outer = report("outer", inner, apart, **LABEL)
    pair = agreed(tmp_path, heron, kit, inner, apart, outer, types='"*"')
    found = paths(pair)
    (cut,) = found.keys() - {heron["id"], inner["id"]}
    assert found == {
        heron["id"]: [heron["id"]],
        inner["id"]: [heron["id"], inner["id"]],
        cut: [cut],
    }
    assert pair.delivered()[cut]["object_refs"] == [inner["id"]]
    assert pair.sync().quarantined == 0


def test_a_labelled_report_carries_to_what_it_holds(tmp_path: Path) -> None:
    outer = report("outer", sign, **LABEL)
    pair = agreed(tmp_path, sign, outer)
    assert paths(pair) == {outer["id"]: [outer["id"]], sign["id"]: [outer["id"], sign["id"]]}
    assert pair.sync().quarantined == 0
