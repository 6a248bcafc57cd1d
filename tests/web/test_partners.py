"""A partner's page: card, words, keys with their states, agreements, and how the exchange goes."""

from collections.abc import Iterator

import pytest

from tearline import clock
from tearline.agreement import card, partners
from tearline.agreement.outbox import enqueue
from tearline.agreement.rotation import Span
from tearline.release import recall
from tearline.web.pages.partners import _state
from tests.pair import Pair, make_pair, rel, sdo
from tests.web.site import site

heron = sdo("intrusion-set", "Gray Heron")
loader = sdo("malware", "Mud Loader")
hospital = sdo("identity", "a hospital")


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    made = make_pair(tmp_path_factory.mktemp("partners"))
    made.put(heron, loader, hospital, rel(heron, "uses", loader), rel(heron, "targets", hospital))
    made.agree()
    made.sync()
    recall.recall(made.north, loader["id"], "south-isac", "a false lead", now=made.tick())
    made.reconcile()
    partners.add_plain(made.north, "A plain client", now=made.tick())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clock, "now", lambda: made.now)
        yield made


def test_a_partner_has_a_page_with_its_card_keys_agreements_and_health(pair: Pair) -> None:
    with site(pair.north, "overseer") as client:
        found = client.get("/partners/south-isac.json").json()
        assert found["words"] == card.check_words(found["cards"][0]["hash"])
        assert {each["use"] for each in found["keys"]} == {"log", "root", "sign", "witness"}
        assert {each["state"] for each in found["keys"]} == {"current"}
        (agreed,) = found["agreements"]
        assert (agreed["state"], agreed["live"]["number"]) == ("active", 1)
        assert agreed["open"]["number"] == 2
        assert found["refused"] == 0
        assert found["reasons"] is None
        asked = f"/partners/south-isac.json?stayed={pair.agreement_id}"
        assert {each["code"] for each in client.get(asked).json()["reasons"]} >= {"victim", "held"}
        assert client.get("/partners/south-isac?stayed=nothing").status_code == 200
        page = client.get("/partners/south-isac").text
        assert found["words"] in page
        assert client.get("/partners/nobody").status_code == 404


def test_what_is_not_delivered_is_counted_and_its_oldest_told(pair: Pair) -> None:
    with site(pair.north, "overseer") as client:
        before = client.get("/partners/south-isac.json").json()["undelivered"]
        with pair.north.store.write() as tx:
            for _ in range(30):
                enqueue(tx, "onward-answer", "south-isac", {}, now=pair.now)
        found = client.get("/partners/south-isac.json").json()
        assert found["undelivered"] == before + 30
        assert len(found["outbox"]) == 20
        assert f"and {before + 10} more" in client.get("/partners/south-isac").text
        listed = client.get("/partners.json").json()["partners"]
        assert [e["undelivered"] for e in listed if e["slug"] == "south-isac"] == [before + 30]


def test_a_party_without_a_node_has_a_page_too(pair: Pair) -> None:
    with site(pair.north, "reader") as client:
        text = client.get("/partners/a-plain-client").text
        assert "no node: a TAXII client alone" in text
        listed = client.get("/partners.json").json()["partners"]
        assert {each["slug"] for each in listed} == {"south-isac", "a-plain-client"}


def test_a_reader_does_not_see_how_the_exchange_goes(pair: Pair) -> None:
    with site(pair.north, "reader") as client:
        found = client.get(f"/partners/south-isac.json?stayed={pair.agreement_id}").json()
        assert not {"outbox", "refused", "logs", "visits", "reasons"} & found.keys()
        assert "Health of the exchange" not in client.get("/partners/south-isac").text


@pytest.mark.parametrize(
    ("span", "state"),
    [
        (Span(0, None, None), "current"),
        (Span(0, 2_000, None), "ending"),
        (Span(0, 900, None), "ended"),
        (Span(10**12, None, None), "next"),
        (Span(0, 900, "stolen"), "revoked"),
    ],
)
def test_a_key_has_a_state(span: Span, state: str) -> None:
    assert _state(span, 1_000) == state


def test_who_agreed_once_is_told_no_first_steps(pair: Pair) -> None:
    with site(pair.south, "officer") as client:
        assert client.get("/home.json").json()["came_in"]["held"] == 0
        assert "First steps" not in client.get("/").text


def test_home_counts_what_its_lists_show(pair: Pair) -> None:
    with site(pair.north, "officer") as client:
        home = client.get("/home.json").json()
        week = client.get("/objects.json?came=week").json()
        assert home["came_in"]["number"] == week["number"] == 5
        assert home["came_in"]["sources"] == [{"source": "test", "number": 5}]
        live = sum(e["live"] for e in client.get("/agreements.json").json()["agreements"])
        assert home["went_out"]["number"] == live
        waiting = client.get("/queue.json?state=waits").json()["items"]
        assert home["waiting"]["number"] == len(waiting) == len(home["waits"])
        assert home["oldest_at"] == min(each["since_at"] for each in waiting)
        for state in ("open", "overdue"):
            listed = client.get(f"/recalls.json?state={state}").json()
            assert home["recalls"][state] == listed["number"] == listed["counts"][state]
        (receipt,) = home["receipts"]
        assert receipt["object"] == heron["id"]
    pair.tick(90 * 86_400_000_000)
    with site(pair.north, "officer") as client:
        late = client.get("/home.json").json()["recalls"]
        assert late["overdue"]["number"] == 2
