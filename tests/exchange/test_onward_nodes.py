"""Three nodes that answer: North gives South, and South passes on to East what North lets it."""

from collections.abc import Iterator
from contextlib import ExitStack

import httpx
import pytest

from tearline import clock
from tearline.agreement import signing
from tearline.agreement.card import card_hash, check_words
from tearline.agreement.home import Home, create_home
from tearline.agreement.partners import add_party
from tearline.exchange import peer
from tearline.release import consenting, preview, recall
from tearline.release.reconcile import reconcile_all
from tests.chain import ASKED, Chain
from tests.exchange.nodes import FOREVER, Nodes, free_socket, serving, url_of
from tests.pair import AGREEMENT, rel, sdo

heron = sdo("intrusion-set", "Gray Heron")
loader = sdo("malware", "Mud Loader")
tool = sdo("tool", "Tin Lock")
uses, has = rel(heron, "uses", loader), rel(heron, "uses", tool)
ALL = {each["id"] for each in (heron, loader, tool, uses, has)}


class Line(Chain):
    """The chain, but what goes between its nodes goes by their own doors."""

    def sync(self, pair: object) -> None:
        """Who receives under one of the two agreements reads its giver, who can be reached."""
        us, them = (self.south, self.north) if pair is self.first else (self.east, self.south)
        assert peer.sync(us, them.slug, now=self.first.tick()).problems == []

    def carry(self) -> None:
        """Each node brings its messages to the others."""
        for _ in range(2):
            for us, them in self._ways():
                peer.deliver(us, them.slug, now=self.first.tick())

    def _ways(self) -> Iterator[tuple[Home, Home]]:
        for one, other in ((self.north, self.south), (self.south, self.east)):
            yield one, other
            yield other, one

    def agree_over_the_network(self, pair: Nodes) -> None:
        pair.propose()
        self.carry()
        signing.countersign(pair.south, pair.agreement_id, now=pair.tick())
        self.carry()

    def page_at_east(self) -> bytes:
        """What South answers East, over the network, for all that it may read."""
        pair = self.second
        assert isinstance(pair, Nodes)
        headers = {
            "Authorization": f"Bearer {pair.key}",
            "Accept": "application/taxii+json;version=2.1",
            "Tearline-Agreement": pair.last_hash or "",
        }
        page = f"{self.south.card.url}{pair.path}objects/"
        return httpx.get(page, headers=headers, auth=pair.signs, trust_env=False).content


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Line]:
    folder = tmp_path_factory.mktemp("line")
    with ExitStack() as stack:
        socks = [stack.enter_context(free_socket()) for _ in range(3)]
        names = ("North CERT", "South ISAC", "East CERT")
        homes = [
            create_home(folder / name[:5].strip(), name, url_of(sock), clock.now())
            for name, sock in zip(names, socks, strict=True)
        ]
        for us in homes:
            for them in homes:
                if us is not them and {us.slug, them.slug} != {"north-cert", "east-cert"}:
                    know(us, them)
        for home, sock in zip(homes, socks, strict=True):
            stack.enter_context(serving(home, sock))
            stack.callback(home.store.close)
        north, south, east = homes
        first = Nodes(north, south, clock.now(), limits={"until": FOREVER, "onward": ASKED})
        second_id = f"{AGREEMENT[:-4]}00aa"
        second = Nodes(south, east, clock.now(), second_id, limits={"until": FOREVER})
        yield Line(first, second)


def know(us: Home, them: Home) -> None:
    file = (them.path / "card.json").read_bytes()
    add_party(us, file, check_words(card_hash(them.card)), now=clock.now())


def consents(line: Line) -> set[tuple[str, str | None]]:
    """What East knows of each thing passed on to it: whose key signed, and whose that is."""
    came = consenting.came(line.east, now=clock.now())
    return {(each.key, each.giver) for each in came}


def test_what_is_given_goes_on_as_its_giver_says_and_comes_back(line: Line) -> None:
    # Both agreements are proposed, countersigned and activated over the network.
    for pair in (line.first, line.second):
        assert isinstance(pair, Nodes)
        line.agree_over_the_network(pair)
    line.first.put(heron, loader, tool, uses, has)

    # What North gives South waits there for North's consent.
    line.move()
    assert {each.given for each in line.asked()} == ALL
    assert line.held_at_east() == set()
    nothing = line.page_at_east()

    # A refusal changes no byte of what East is answered.
    line.answer("refuse", loader["id"], uses["id"])
    line.move()
    (why,) = preview.explain(line.south, loader["id"], "east-cert", now=clock.now())
    assert "consent-refused" in {each.code for each in why.reasons}
    assert line.page_at_east() == nothing

    # The rest goes, and each object has North's signed consent with it.
    line.answer("consent")
    line.move()
    assert line.held_at_east() == ALL - {loader["id"], uses["id"]}
    assert consents(line) == {(line.north.card.sign, None)}
    know(line.east, line.north)
    assert consents(line) == {(line.north.card.sign, "north-cert")}

    # North takes one back: it leaves East too, and North's list says how far that came.
    recall.recall(line.north, tool["id"], "south-isac", "an error", now=line.first.tick())
    line.move()
    assert line.held_at_east() == {heron["id"]}
    ordered = recall.recalls(line.north, now=clock.now())
    further = {(e.delivered_id, e.state, e.told, e.told_confirmed) for e in ordered}
    assert further == {(each, "confirmed", 1, 1) for each in (tool["id"], has["id"])}

    # The agreement that it came under rests, and all of it leaves East.
    agreement_id = line.first.agreement_id
    signing.suspend(line.north, agreement_id, reason="a doubt", now=line.first.tick())
    line.carry()
    reconcile_all(line.south, now=line.first.tick())
    line.sync(line.second)
    assert line.held_at_east() == set()
