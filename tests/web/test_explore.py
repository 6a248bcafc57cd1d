"""One object and the graph around it: what is tied, who has it, and how that is proved."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from tearline import clock
from tearline.log.receipt import verify_receipt
from tearline.release import arrive, recall
from tearline.store import around, objects
from tearline.store.objects import OURS
from tearline.topics.neighbours import MOST, Neighbour, neighbours
from tearline.web import signing_in
from tearline.web.drawn.graph import TIMES
from tests.pair import DAY, START, Pair, as_object, make_pair, rel, sdo
from tests.web.site import AT, site
from tests.web.test_pages import parsed

HOSTILE = "<script>alert(1)</script>\u202e\x1b" + "w" * 300
us = sdo("identity", "our own team")
heron = sdo("intrusion-set", "Gray Heron", created_by_ref=us["id"])
loader = sdo("malware", "Mud Loader")
hospital = sdo("identity", "a hospital")
lead = sdo("tool", "a false lead")
hostile = sdo("tool", HOSTILE)
SIGNS = [sdo("indicator", f"sign {n}") for n in range(41)]
uses = rel(heron, "uses", loader)
ALL = [
    us,
    heron,
    loader,
    hospital,
    lead,
    hostile,
    uses,
    *SIGNS,
    rel(heron, "uses", lead),
    rel(heron, "uses", hostile),
    rel(heron, "targets", hospital),
    *(rel(each, "indicates", loader) for each in SIGNS),
    sdo(
        "report",
        "of both",
        object_refs=[heron["id"], loader["id"]],
        published="2026-01-01T00:00:00Z",
    ),
]
newer = loader | {"modified": "2026-03-02T00:00:00.000Z", "description": "It loads mud."}


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    made = make_pair(tmp_path_factory.mktemp("explore"))
    made.put(*ALL)
    made.agree(approvals=2)
    made.sync()
    made.now = START + 2 * DAY
    made.put(newer)
    made.reconcile()
    recall.recall(made.north, lead["id"], "south-isac", "a false lead", now=made.tick())
    made.reconcile()
    made.sync()
    made.north.publish(made.agreement_id, now=made.tick())
    return made


def life(client: TestClient, doc: dict[str, str]) -> dict[str, object]:
    (side,) = client.get(f"/objects/{doc['id']}.json").json()["life"]["sides"]
    return dict(side)


# ------------------------------------------------------------------------------------ one object


def test_a_life_says_how_it_stands_with_everybody(officer: TestClient) -> None:
    has = life(officer, loader)
    assert (has["stands"], has["clause"], has["version"]) == ("has", "N1", newer["modified"])
    assert has["recalled_at"] is None
    waits = life(officer, hospital)
    assert waits["stands"] == "waits"
    assert ["victim", "N1"] in list(waits["reasons"])  # type: ignore[call-overload]
    assert officer.get(f"/queue/{waits['queue_item']}").status_code == 200
    back = life(officer, lead)
    assert (back["stands"], back["answered"], back["recall_reason"]) == (
        "recalled",
        "confirmed",
        "held",
    )
    assert back["acknowledged_at"]
    assert life(officer, sdo("identity", "our own team"))["stands"] in {"stays", "apart"}


def test_the_picture_says_what_the_table_says(officer: TestClient) -> None:
    text = officer.get(f"/objects/{loader['id']}").text
    for each in ("has it: clause N1", "2026-03-02 · leaf", "South ISAC", "came 2026-03-03"):
        assert each in text
    text = officer.get(f"/objects/{heron['id']}").text
    assert "our own team · made it" in text
    assert "recalled · confirmed" in officer.get(f"/objects/{lead['id']}").text


def test_a_reader_learns_nothing_of_the_queue(pair: Pair) -> None:
    with site(pair.north, "reader") as client:
        assert life(client, hospital)["queue_item"] is None
        value = client.get(f"/objects/{hospital['id']}.json").json()
        assert value["says"] is False
        assert "/queue/" not in client.get(f"/objects/{hospital['id']}").text


def test_versions_say_what_changed(officer: TestClient) -> None:
    new, old = officer.get(f"/objects/{loader['id']}.json").json()["versions"]
    assert {each["place"] for each in new["changes"]} == {"modified", "description"}
    assert (new["latest"], old["latest"], old["changes"]) == (True, False, [])


def test_a_receipt_is_made_checked_and_checks_without_us(pair: Pair, officer: TestClient) -> None:
    at = f"/objects/{loader['id']}"
    name = pair.agreement_id.removeprefix("urn:uuid:")
    found = officer.get(f"{at}.json?receipt={name}").json()["receipt"]
    assert found["good"] is True
    told = verify_receipt(found["receipt"], pair.north.log_vkey(pair.agreement_id))
    assert (told["kind"], told["version"]) == ("release", newer["modified"])
    assert "The record is under leaf" in officer.get(f"{at}?receipt={name}").text
    assert officer.get(f"{at}.json?receipt=none").json()["receipt"] is None
    never = officer.get(f"/objects/{us['id']}.json?receipt={name}").json()
    assert never["receipt"] is None


def test_a_leaf_that_is_not_signed_yet_has_no_receipt(tmp_path: Path) -> None:
    pair = make_pair(tmp_path)
    pair.put(heron, loader, uses)
    pair.agree()
    with site(pair.north, "reader") as client:
        name = pair.agreement_id.removeprefix("urn:uuid:")
        found = client.get(f"/objects/{heron['id']}.json?receipt={name}").json()["receipt"]
        assert found["good"] is False
        assert "No checkpoint covers leaf" in found["why"]
        assert client.get(f"/objects/{heron['id']}?receipt={name}").status_code == 200


def test_theirs_stands_beside_ours(officer: TestClient) -> None:
    (found,) = officer.get(f"/objects/{heron['id']}.json?to=south-isac").json()["could"]
    assert found["has"] is True
    assert {each["place"] for each in found["difference"]} >= {"created_by_ref"}
    assert "created_by_ref" not in found["theirs"]
    text = officer.get(f"/objects/{heron['id']}?to=south-isac").text
    assert "What they have, beside ours" in text


def test_ties_are_listed_page_by_page_and_by_kind(officer: TestClient) -> None:
    at = f"/objects/{loader['id']}"
    ties = officer.get(f"{at}.json").json()["ties"]
    groups = {(e["kind"], e["outward"], e["type"]): e["number"] for e in ties["groups"]}
    assert groups == {
        ("indicates", False, "indicator"): 41,
        ("uses", False, "intrusion-set"): 1,
        ("member", False, "report"): 1,
    }
    assert ties["whole"]
    found, page = set(), 1
    while page:
        part = officer.get(f"{at}.json?kind=indicates&tied=indicator&ties={page}").json()["ties"]
        found |= {each["name"] for each in part["rows"]}
        page = part["next"]
    assert found == {each["name"] for each in SIGNS}
    assert officer.get(f"{at}.json?ties=99999&kind=%00").status_code == 200


def test_what_a_partner_gave_has_a_page_at_the_partner(pair: Pair) -> None:
    with site(pair.south, "reader") as client:
        value = client.get(f"/objects/{loader['id']}.json").json()
        assert value["life"]["sources"][0]["name"] == "North CERT"
        assert value["life"]["sources"][0]["agreement"] == pair.agreement_id
        assert value["says"] is False
        assert client.get(f"/objects/{loader['id']}").status_code == 200
        assert client.get(f"/objects/{loader['id']}?to=north-cert").status_code == 200
        assert client.get(f"/explore?id={loader['id']}").status_code == 200


def test_a_grade_and_a_marking_are_said_by_a_form(tmp_path: Path) -> None:
    pair = make_pair(tmp_path)
    arrive.arrive(pair.north, [as_object(loader)], source="feed", now=pair.tick())
    at = f"/objects/{loader['id']}"
    given = {"marking": "TLP:AMBER", "grade": "b2"}
    with site(pair.north, "reader") as client:
        assert client.post(f"{at}/say", data=given).status_code == 404
    with site(pair.north, "analyst") as client:
        assert client.post(f"{at}/say", data=given).headers["location"] == at
        value = client.get(f"{at}.json").json()
        assert (value["our_marking"], value["our_grade"]) == ("TLP:AMBER", "B2")
        assert client.post(f"{at}/say", data={"grade": "C3"}).status_code == 303
        value = client.get(f"{at}.json").json()
        assert (value["our_marking"], value["our_grade"]) == ("TLP:AMBER", "C3")
        assert client.post(f"{at}/say", data={"grade": "Z9"}).status_code == 400
        assert client.post(f"{at}/say", data={"marking": "none"}).status_code == 400


def test_what_binds_asks_for_the_password_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pair = make_pair(tmp_path)
    pair.put(loader, marking=None)
    later = clock.now() + signing_in.PROVEN + signing_in.HOUR
    at = f"/objects/{loader['id']}"
    with site(pair.north, "analyst") as client:
        monkeypatch.setattr(clock, "now", lambda: later)
        reply = client.post(f"{at}/say", data={"grade": "B2"}, headers={"Referer": f"{AT}{at}"})
        assert reply.headers["location"].startswith("/prove?next=")
        assert client.get(f"{at}.json").json()["our_grade"] is None


# ----------------------------------------------------------------------------------------- graph


def every(found: list[dict[str, object]]) -> Iterator[dict[str, object]]:
    for each in found:
        yield each
        yield from every(each["around"])  # type: ignore[arg-type]


def test_the_neighbourhood_is_told_and_much_of_a_kind_as_one(officer: TestClient) -> None:
    value = officer.get(f"/explore.json?id={loader['id']}").json()
    told = {(e["kind"], e["outward"], e["type"]): e["number"] for e in value["around"]}
    assert told == {
        ("indicates", False, "indicator"): 41,
        ("uses", False, "intrusion-set"): 1,
        ("member", False, "report"): 1,
    }
    (group,) = [each for each in value["around"] if each["id"] is None]
    assert (group["number"], group["type"], group["whole"]) == (41, "indicator", True)
    text = officer.get(f"/explore?id={loader['id']}").text
    assert f"41 {TIMES} indicator" in text
    assert "tied=indicator#ties" in text


def test_further_steps_lead_on_and_nothing_stands_twice(officer: TestClient) -> None:
    value = officer.get(f"/explore.json?id={loader['id']}&depth=3").json()
    found = list(every(value["around"]))
    names = [each["name"] for each in found if each["id"] and not each["again"]]
    assert {"a hospital", "Gray Heron", "our own team"} <= set(names)
    assert len(names) == len(set(names))
    assert value["marks"] == len(found) + 1
    assert any(each["again"] for each in found), "the report holds both"


def test_types_and_ties_narrow_it(officer: TestClient) -> None:
    value = officer.get(f"/explore.json?id={heron['id']}&type=tool").json()
    assert {each["type"] for each in value["around"]} == {"tool"}
    value = officer.get(f"/explore.json?id={heron['id']}&kind=targets").json()
    assert [each["name"] for each in value["around"]] == ["a hospital"]
    assert officer.get(f"/explore.json?id={heron['id']}&depth=99&type=%00").status_code == 200


def test_the_table_has_all_that_is_drawn(officer: TestClient) -> None:
    text = officer.get(f"/explore?id={heron['id']}&depth=2").text
    table = text[text.index("<tbody>") :]
    value = officer.get(f"/explore.json?id={heron['id']}&depth=2").json()
    for each in every(value["around"]):
        if each["id"] and each["id"] != hostile["id"]:
            assert f">{each['name']}</a>" in table
        elif not each["id"]:
            assert f"{each['number']} {TIMES} {each['type']}" in table
    assert all(
        officer.get(each).status_code == 200
        for each in parsed(text).found
        if each.startswith(("/explore", "/objects"))
    )


def test_hostile_names_are_text_in_pictures_too(officer: TestClient) -> None:
    for path in (
        f"/explore?id={heron['id']}",
        f"/explore?id={hostile['id']}",
        f"/objects/{hostile['id']}",
    ):
        text = officer.get(path).text
        assert "<script>" not in text
        assert "\u202e" not in text
        assert "\x1b" not in text


def test_what_is_not_held_is_not_there(officer: TestClient) -> None:
    assert officer.get("/explore?id=tool--none").status_code == 404
    assert officer.get("/explore.json").json()["id"] is None


def test_a_relationship_is_tied_to_its_ends(officer: TestClient) -> None:
    value = officer.get(f"/explore.json?id={uses['id']}").json()
    assert {(e["kind"], e["name"]) for e in value["around"]} == {
        ("source_ref", "Gray Heron"),
        ("target_ref", "Mud Loader"),
    }


@pytest.mark.usefixtures("either_store")
def test_what_has_many_ties_is_read_as_far_as_a_limit(tmp_path: Path) -> None:
    pair = make_pair(tmp_path)
    many = [sdo(("indicator", "tool")[n % 2], f"many {n}") for n in range(700)]
    pair.put(loader, *many, *(rel(each, "related-to", loader) for each in many))
    with pair.north.store.read() as tx:
        version = objects.latest(tx, OURS, [loader["id"]])[loader["id"]]
        ties, whole = around.ties_of(tx, OURS, loader["id"], version.seq, most=50)
        assert (len(ties), whole) == (50, False)
        found = neighbours(tx, OURS, loader["id"], depth=3)
        assert len(list(_flat(found))) <= MOST
        assert {(each.type, each.id, each.whole) for each in found} == {
            ("indicator", "", False),
            ("tool", "", False),
        }
        few = neighbours(tx, OURS, many[0]["id"], depth=3)
        assert len(list(_flat(few))) <= MOST


def _flat(found: tuple[Neighbour, ...]) -> Iterator[Neighbour]:
    for each in found:
        yield each
        yield from _flat(each.around)
