"""The page of an object: what is claimed about it, and what each party says of it."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from tearline import clock
from tearline.release import arrive
from tearline.release.arrive import Annotation
from tearline.stix.marking import parse_grade, parse_level
from tearline.stix.timestamp import format_timestamp
from tearline.store import objects
from tearline.store.database import Tx
from tests.pair import DAY, START, Pair, as_object, make_pair, rel, sdo
from tests.web.debated import FEW, HARBOUR, MANY, debate, ready
from tests.web.site import site
from tests.weighing.told import keep, note_id, source, told

heron = sdo("intrusion-set", "Gray Heron")
loader = sdo("malware", "Mud Loader")
CALM = "The harbour is calm"
AT = f"/objects/{HARBOUR['id']}"


def about(doc: dict[str, Any], name: str, *chain: str, **more: Any) -> dict[str, Any]:  # noqa: ANN401  # of a claim
    claimed = told(name, *chain, **more)
    return {**claimed, "object_refs": [*claimed["object_refs"], doc["id"]]}


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    made = make_pair(tmp_path)
    made.put(heron, loader, rel(heron, "uses", loader))
    denial = about(HARBOUR, CALM, "a ministry", denies=MANY)
    debate(made.north, denial, now=made.tick())
    return made


def claims(client: TestClient, at: str = AT) -> tuple[list[tuple[str, str]], int]:
    found = client.get(f"{at}.json").json()["life"]
    rows = [(each["title"], each["polarity"]) for each in found["claims"]]
    return rows, found["claims_number"]["number"]


def test_what_is_asserted_and_what_is_denied_about_it_are_drawn(officer: TestClient) -> None:
    rows, number = claims(officer)
    assert rows == [(FEW, "asserted"), (MANY, "asserted"), (CALM, "denied")]
    assert number == 3
    text = officer.get(AT).text
    for each in (
        f'<a href="/claims/{note_id(MANY)}" aria-label="{MANY} · asserted · F3">',
        f'<a href="/claims/{note_id(CALM)}" aria-label="{CALM} · denied · proposed 4">',
        'aria-label="a spokeswoman · origin"',
        f'href="/claims?about={HARBOUR["id"]}"',
    ):
        assert each in text
    assert 'class="box denied"' in text
    assert 'class="tie denied"' in text
    spoken = source("a spokeswoman")["id"]
    assert text.count(f'<a href="/sources/{spoken}" aria-label=') == 1, "an echo has one origin"
    assert "origin</title>" not in officer.get(f"/objects/{spoken}").text


def test_what_is_claimed_about_nothing_is_as_it_was(officer: TestClient) -> None:
    at = f"/objects/{loader['id']}"
    assert claims(officer, at) == ([], 0)
    text = officer.get(at).text
    assert "What is claimed about it" not in text
    assert "/claims" not in text.partition("<main")[2]


def test_the_list_of_claims_is_narrowed_to_an_object(officer: TestClient) -> None:
    found = officer.get(f"/claims.json?about={HARBOUR['id']}").json()
    assert {each["title"] for each in found["claims"]} == {MANY, FEW, CALM}
    assert found["number"]["chosen"] == {"number": 3, "more": False}
    assert (found["about_name"], found["filters"]["about"]) == ("a harbour", HARBOUR["id"])
    denied = officer.get(f"/claims.json?about={HARBOUR['id']}&polarity=denied").json()
    assert [each["title"] for each in denied["claims"]] == [CALM]
    assert "About: <b>a harbour</b> 3" in officer.get(f"/claims?about={HARBOUR['id']}").text
    nothing = officer.get("/claims.json?about=nothing").json()
    assert (nothing["claims"], nothing["about_name"]) == ([], "nothing")


def test_a_reader_sees_what_the_list_of_claims_shows(pair: Pair, officer: TestClient) -> None:
    with site(pair.north, "reader") as reader:
        assert claims(reader) == claims(officer)
        assert reader.get(f"/claims.json?about={HARBOUR['id']}").status_code == 200


def test_a_partners_claim_counts_while_its_agreement_is_in_force(
    pair: Pair, officer: TestClient
) -> None:
    theirs = [source("Tall Mast Radio"), about(loader, "Mud is sold", "Tall Mast Radio")]
    with pair.north.store.write() as tx:
        keep(tx, *theirs, origin=pair.agreement_id, now=pair.now)
    ready(pair.north, now=pair.now)
    at = f"/objects/{loader['id']}"
    assert claims(officer, at) == ([], 0), "nothing binds us and them yet"
    pair.agree()
    assert claims(officer, at) == ([("Mud is sold", "asserted")], 1)
    assert "from a partner" in officer.get(at).text


def read_by(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The numbers of the versions whose bytes are read from now on."""
    found: list[int] = []
    raw_of = objects.raw_of

    def noted(tx: Tx, seqs: Iterable[int]) -> dict[int, bytes]:
        wanted = list(seqs)
        found.extend(wanted)
        return raw_of(tx, wanted)

    monkeypatch.setattr(objects, "raw_of", noted)
    return found


def test_of_a_thousand_claims_few_are_read(
    pair: Pair, officer: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The only denial is the oldest of all, and seen."""
    denial = about(loader, "Mud never left", "a ministry", denies=MANY)
    many = [about(loader, f"Mud was seen {n}", f"witness {n}") for n in range(1_000)]
    with pair.north.store.write() as tx:
        keep(tx, denial, *many, now=pair.now)
    ready(pair.north, now=pair.now)
    read = read_by(monkeypatch)
    rows, number = claims(officer, f"/objects/{loader['id']}")
    assert len(read) < 60
    assert rows == [
        *((f"Mud was seen {n}", "asserted") for n in range(999, 994, -1)),
        ("Mud never left", "denied"),
    ]
    assert number == 1_001
    assert "and 995 more" in officer.get(f"/objects/{loader['id']}").text


# --------------------------------------------------------------------------------- every party


@pytest.fixture
def south(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pair:
    """South got two objects from North, and has its own words for one of them."""
    made = make_pair(tmp_path)
    made.put(heron | {"confidence": 80}, grade=parse_grade("B2"), marking=parse_level("TLP:GREEN"))
    made.put(loader, rel(heron, "uses", loader))
    made.agree()
    made.sync()
    own = heron | {"confidence": 20, "description": "Nothing is known of it."}
    said = Annotation(parse_level("TLP:AMBER"), parse_grade("C4"))
    arriving = [as_object(own), as_object(loader)]
    arrive.arrive(made.south, arriving, source="here", annotation=said, now=made.tick())
    monkeypatch.setattr(clock, "now", lambda: made.now)
    return made


def test_each_party_says_its_own_and_the_difference_is_shown(south: Pair) -> None:
    with site(south.south, "reader") as client:
        value = client.get(f"/objects/{heron['id']}.json").json()
        text = client.get(f"/objects/{heron['id']}").text
    (theirs,) = value["beside"]
    assert (theirs["partner"], theirs["name"]) == ("north-cert", "North CERT")
    assert (theirs["grade"], theirs["attested"], theirs["confidence"]) == ("B2", "TLP:GREEN", 80)
    assert (value["our_grade"], value["our_marking"], value["confidence"]) == (
        "C4",
        "TLP:AMBER",
        20,
    )
    assert (value["agreement"], theirs["same"]) == (None, False)
    places = {each["place"]: (each["ours"], each["theirs"]) for each in theirs["difference"]}
    assert places == {"confidence": (20, 80), "description": ("Nothing is known of it.", None)}
    assert "North CERT: 2 differences</summary>" in text
    assert '<th scope="col">Ours</th><th scope="col">Theirs</th>' in text


def test_the_same_bytes_are_said_to_be(south: Pair) -> None:
    with site(south.south, "reader") as client:
        (theirs,) = client.get(f"/objects/{loader['id']}.json").json()["beside"]
        assert (theirs["same"], theirs["difference"]) == (True, [])
        assert "the same bytes" in client.get(f"/objects/{loader['id']}").text


def test_what_a_partner_may_no_longer_be_quoted_with_is_not_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pair = make_pair(tmp_path)
    until = START + 10 * DAY
    sign = sdo("indicator", "a sign", valid_until=format_timestamp(until))
    pair.put(heron, sign, rel(sign, "indicates", heron))
    pair.agree()
    pair.sync()
    arrive.arrive(pair.south, [as_object(sign)], source="here", now=pair.tick())
    with site(pair.south, "reader") as client:
        for now, number in ((until - 1, 1), (until, 0)):
            monkeypatch.setattr(clock, "now", lambda now=now: now)
            value = client.get(f"/objects/{sign['id']}.json").json()
            assert (len(value["beside"]), value["beside_number"]) == (number, number)
