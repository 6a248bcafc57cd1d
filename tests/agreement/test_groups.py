"""Groups: one text, a pair with each member; none of them waits for the others."""

import atexit
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tearline.agreement import groups, outbox, signing
from tearline.agreement.drafting import draft_of, pair, read_draft
from tearline.agreement.force import in_force
from tearline.agreement.groups import Member, Offer
from tearline.agreement.home import Home, create_home, open_home
from tearline.agreement.partners import add_plain, block_party
from tearline.agreement.receiving import receive
from tearline.agreement.template import group_template
from tearline.agreement.terms import parse_json, parse_toml, to_bytes
from tearline.errors import InputError, MisuseError, RefusedError
from tearline.store import agreements
from tests.agreement.sides import CLAUSE, NOW, party, pin

MEMBERS = ("Alder Bank", "Birch Bank", "Cedar Bank")
SLUGS = tuple(each.lower().replace(" ", "-") for each in MEMBERS)
ALDER, BIRCH, CEDAR = SLUGS
NAME = "banks"


@dataclass
class Ring:
    """A hub and its members, who know the hub and not each other; one clock for all."""

    hub: Home
    members: dict[str, Home]
    now: int = NOW
    away: set[str] = field(default_factory=set)

    def tick(self) -> int:
        self.now += 1_000_000
        return self.now

    def carry(self) -> None:
        """Carry everything between the hub and whoever is not away, until nothing moves."""
        moved = True
        while moved:
            moved = False
            for slug in self.members.keys() - self.away:
                moved |= self._carry(self.hub, self.members[slug], slug)
                moved |= self._carry(self.members[slug], self.hub, self.hub.slug)

    def _carry(self, sender: Home, receiver: Home, to: str) -> bool:
        waiting = outbox.export_messages(sender, to, now=self.tick())
        for message_id, document in waiting:
            receive(receiver, document, now=self.now)
            outbox.delivered(sender, [message_id], now=self.now)
        return bool(waiting)

    def form(self, *slugs: str, title: str = "Banks") -> None:
        """Make the group, and have these members accede."""
        groups.new(self.hub, NAME, self.text(title), now=self.tick())
        self.add(*slugs)
        self.carry()
        for each in slugs:
            self.sign(each)

    def add(self, *slugs: str) -> list[Offer]:
        return groups.add(self.hub, NAME, slugs, now=self.tick())

    def propose(self, title: str) -> list[Offer]:
        return groups.propose(self.hub, NAME, self.text(title), now=self.tick())

    def sign(self, slug: str) -> None:
        signing.countersign(self.members[slug], self.of(slug).agreement_id, now=self.tick())
        self.carry()

    def reject(self, slug: str, reason: str) -> None:
        signing.reject(self.members[slug], self.of(slug).agreement_id, reason, now=self.tick())
        self.carry()

    def text(self, title: str = "Banks", *, more: str = "") -> str:
        return (
            f'schema = "tearline-agreement/1"\ntitle = "{title}"\n'
            'valid = { from = "2026-01-01", until = "2026-12-31" }\n'
            + more
            + party("hub", self.hub)
            + '\n[[topic]]\nid = "T1"\nnames = ["Example Spider"]\n'
            + CLAUSE.format(clause="H1", giver="hub", taker="member")
            + CLAUSE.format(clause="M1", giver="member", taker="hub")
        )

    def shown(self) -> dict[str, Member]:
        found = groups.show(self.hub, NAME, now=self.now).members
        return {each.party: each for each in found}

    def of(self, slug: str) -> Member:
        return self.shown()[slug]

    def said(self) -> dict[str, tuple[str, int | None]]:
        """By member, its answer to the newest text and the edition that it runs on."""
        return {slug: (each.said, each.runs_edition) for slug, each in self.shown().items()}

    def title_at(self, slug: str) -> str:
        """What a member itself runs on."""
        with self.members[slug].store.read() as tx:
            found = in_force(tx, self.of(slug).agreement_id, now=self.now)
        assert found is not None
        assert found.state == "active"
        assert found.serving
        return found.title

    def close(self) -> None:
        for home in (self.hub, *self.members.values()):
            home.store.close()


@cache
def _made_once() -> Path:
    folder = Path(mkdtemp(prefix="ring-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    hub = create_home(folder / "hub", "Harbour CERT", None, NOW)
    for name, slug in zip(MEMBERS, SLUGS, strict=True):
        member = create_home(folder / slug, name, None, NOW)
        pin(hub, member)
        pin(member, hub)
        member.store.close()
    hub.store.close()
    return folder


def new_ring(folder: Path) -> Ring:
    shutil.copytree(_made_once(), folder, dirs_exist_ok=True)
    return Ring(open_home(folder / "hub"), {each: open_home(folder / each) for each in SLUGS})


@pytest.fixture
def ring(tmp_path: Path) -> Iterator[Ring]:
    made = new_ring(tmp_path)
    yield made
    made.close()


# ------------------------------------------------------------------------------ the whole course


def test_a_change_is_one_proposal_to_all_and_nobody_waits(ring: Ring) -> None:
    ring.form(ALDER, BIRCH, title="Banks")
    assert ring.said() == {ALDER: ("signed", 1), BIRCH: ("signed", 1)}

    offers = ring.propose("Banks and insurers")
    assert [(each.party, each.done) for each in offers] == [(ALDER, True), (BIRCH, True)]
    assert ring.said() == {ALDER: ("proposed", 1), BIRCH: ("proposed", 1)}
    ring.carry()
    ring.sign(ALDER)
    assert ring.said() == {ALDER: ("signed", 2), BIRCH: ("proposed", 1)}
    assert ring.title_at(ALDER) == "Banks and insurers"
    assert ring.title_at(BIRCH) == "Banks"

    ring.add(CEDAR)
    ring.carry()
    ring.sign(CEDAR)
    assert ring.of(CEDAR).runs == 1  # its first version has the second edition of the text
    assert ring.title_at(CEDAR) == "Banks and insurers"

    ring.reject(BIRCH, "Not with insurers.")
    assert ring.said() == {ALDER: ("signed", 2), BIRCH: ("rejected", 1), CEDAR: ("signed", 2)}
    assert ring.of(BIRCH).reason == "Not with insurers."
    assert ring.title_at(BIRCH) == "Banks"

    groups.remove(ring.hub, NAME, BIRCH, "It left.", now=ring.tick())
    ring.carry()
    assert ring.said()[BIRCH] == ("ended", None)
    assert ring.of(BIRCH).reason == "It left."
    assert ring.title_at(ALDER) == ring.title_at(CEDAR) == "Banks and insurers"
    with ring.members[BIRCH].store.read() as tx:
        gone = in_force(tx, ring.of(BIRCH).agreement_id, now=ring.now)
    assert gone is not None
    assert gone.state == "terminated"


def test_a_member_that_is_away_holds_up_nobody(ring: Ring) -> None:
    ring.form(ALDER, BIRCH)
    ring.away = {BIRCH}
    ring.propose("Two")
    ring.carry()
    ring.sign(ALDER)
    ring.propose("Three")
    ring.carry()
    ring.sign(ALDER)
    assert ring.said() == {ALDER: ("signed", 3), BIRCH: ("proposed", 1)}
    ring.away = set()
    ring.carry()
    ring.sign(BIRCH)
    assert ring.title_at(BIRCH) == "Three"
    assert ring.of(BIRCH).runs == 3  # the second was taken back before it came


def test_done_again_it_asks_only_who_was_not_asked(ring: Ring) -> None:
    ring.form(ALDER, BIRCH)
    ring.propose("Two")
    ring.carry()
    ring.sign(ALDER)
    ring.reject(BIRCH, "No.")
    again = [*ring.propose("Two"), *groups.offer(ring.hub, NAME, now=ring.tick())]
    assert not any(each.done for each in again)
    assert len(groups.show(ring.hub, NAME, now=ring.now).editions) == 2
    (asked,) = ring.add(BIRCH)  # by name it is asked anew
    assert asked.done
    ring.carry()
    ring.sign(BIRCH)
    assert ring.said() == {ALDER: ("signed", 2), BIRCH: ("signed", 2)}


def test_what_goes_wrong_with_one_stops_nobody_else(ring: Ring) -> None:
    add_plain(ring.hub, "Elm Bakery", now=ring.tick())
    block_party(ring.hub, BIRCH, "A doubt.", now=ring.tick())
    groups.new(ring.hub, NAME, ring.text(), now=ring.tick())
    done = ring.add("elm-bakery", "nobody", BIRCH, ALDER, ALDER)
    assert [each.done for each in done] == [False, False, False, True]
    assert "has no node" in str(done[0].problem)
    assert "is not a partner" in str(done[1].problem)
    assert "is blocked" in str(done[2].problem)
    assert list(ring.said()) == [ALDER]


def test_a_change_waits_for_an_activation_under_way(ring: Ring) -> None:
    ring.form(ALDER)
    ring.propose("Two")
    ring.carry()
    ring.away = {ALDER}
    signing.countersign(ring.members[ALDER], ring.of(ALDER).agreement_id, now=ring.tick())
    for _, document in outbox.export_messages(ring.members[ALDER], now=ring.tick()):
        receive(ring.hub, document, now=ring.now)
    (offer,) = ring.propose("Three")
    assert isinstance(offer.problem, RefusedError) or offer.done
    ring.away = set()
    ring.carry()
    (offer,) = ring.propose("Three")
    ring.carry()
    ring.sign(ALDER)
    assert ring.title_at(ALDER) == "Three"


def test_who_left_is_asked_anew_under_a_new_number(ring: Ring) -> None:
    ring.form(ALDER)
    before = ring.of(ALDER).agreement_id
    groups.remove(ring.hub, NAME, ALDER, "A mistake.", now=ring.tick())
    ring.carry()
    with pytest.raises(MisuseError, match="not in the group"):
        groups.remove(ring.hub, NAME, ALDER, "Again.", now=ring.tick())
    ring.add(ALDER)
    ring.carry()
    ring.sign(ALDER)
    assert ring.of(ALDER).agreement_id != before
    assert ring.said() == {ALDER: ("signed", 1)}


def test_back_to_a_former_text_is_an_edition_of_its_own(ring: Ring) -> None:
    ring.form(ALDER, BIRCH, title="One")
    ring.propose("Two")
    ring.carry()
    ring.sign(ALDER)
    ring.propose("One")
    assert ring.said() == {ALDER: ("proposed", 2), BIRCH: ("signed", 3)}
    ring.carry()
    ring.sign(ALDER)
    assert ring.title_at(ALDER) == ring.title_at(BIRCH) == "One"


# ---------------------------------------------------------------------------------- the template


def test_a_pair_proves_that_it_is_the_template(ring: Ring) -> None:
    ring.form(ALDER, BIRCH)
    texts = []
    for slug in (ALDER, BIRCH):
        home = ring.members[slug]
        with home.store.read() as tx:
            (version,) = agreements.versions(tx, ring.of(slug).agreement_id)
        terms = parse_json(version.terms)
        texts.append((terms.template, terms.clause, terms.topic, terms.title))
    assert texts[0] == texts[1]
    assert texts[0][0] == read_draft(ring.text()).hash


def test_a_pair_that_is_not_the_template_is_refused(ring: Ring) -> None:
    draft = read_draft(ring.text())
    card = ring.members[ALDER].card
    terms = pair(
        draft, card, id_="urn:uuid:5d3bd1a4-7f0a-4e8f-9a53-0d6ef04c2a10", version=1, replaces=None
    )
    document = to_bytes(terms)
    assert parse_json(document) == terms
    for before, after in ((b"TLP:AMBER", b"TLP:GREEN"), (b'"Banks"', b'"Bonks"')):
        with pytest.raises(InputError, match="another text than the template"):
            parse_json(document.replace(before, after, 1))
    with pytest.raises(InputError, match="another text than the template"):
        parse_json(document.replace(draft.hash.encode(), b"sha256:" + b"0" * 64))


@pytest.mark.parametrize(
    ("more", "place"),
    [
        ('id = "urn:uuid:5d3bd1a4-7f0a-4e8f-9a53-0d6ef04c2a10"\n', "id"),
        ("version = 2\n", "version"),
        (f'replaces = "sha256:{"0" * 64}"\n', "replaces"),
        (f'template = "sha256:{"0" * 64}"\n', "template"),
        ("one_sided = true\n", "one_sided"),
        ('surprise = "yes"\n', "agreement"),
        ('[party.member]\nname = "Alder Bank"\n', "party.member"),
        ('[party.third]\nname = "Third"\nslug = "third"\n', "party"),
    ],
)
def test_a_template_says_nothing_of_one_member(ring: Ring, more: str, place: str) -> None:
    with pytest.raises(InputError) as caught:
        read_draft(ring.text(more=more))
    assert place in caught.value.place


def test_the_commented_template_is_one(ring: Ring) -> None:
    draft = read_draft(group_template(ring.hub.card, now=NOW))
    assert draft_of(draft.body) == draft
    assert any("the member" in each.casefold() for each in draft.sentences)
    assert not any("0000" in each for each in draft.sentences)
    role = (
        group_template(ring.hub.card, now=NOW)
        .replace("# [party", "[party")
        .replace('# role = "controller"\n\n[purpose', 'role = "controller"\n\n[purpose')
    )
    assert any("The member is a controller" in each for each in read_draft(role).sentences)


def test_a_group_is_ours_and_its_text_is_of_no_other(ring: Ring) -> None:
    groups.new(ring.hub, NAME, ring.text(), now=ring.tick())
    groups.new(ring.hub, NAME, ring.text(), now=ring.tick())
    with pytest.raises(RefusedError, match="another text"):
        groups.new(ring.hub, NAME, ring.text("Two"), now=ring.tick())
    with pytest.raises(RefusedError, match="text of the group banks"):
        groups.new(ring.hub, "others", ring.text(), now=ring.tick())
    with pytest.raises(RefusedError, match="not us"):
        groups.new(ring.members[ALDER], NAME, ring.text(), now=ring.tick())
    with pytest.raises(MisuseError, match="no group called"):
        groups.show(ring.hub, "others", now=ring.now)
    with pytest.raises(MisuseError, match="small letters"):
        groups.new(ring.hub, "Two Words", ring.text("Two"), now=ring.tick())


def test_an_agreement_by_hand_may_not_name_a_template(ring: Ring) -> None:
    text = ring.text(more=f'id = "urn:uuid:{"0" * 8}-0000-4000-8000-{"0" * 12}"\nversion = 1\n')
    text = text.replace("member", "alder") + party("alder", ring.members[ALDER])
    assert parse_toml(text).template is None
    with pytest.raises(InputError, match="is called 'member'"):
        parse_toml(text.replace("version = 1\n", f'version = 1\ntemplate = "sha256:{"0" * 64}"\n'))


# ---------------------------------------------------------------------------------- any course

ACTS = st.lists(
    st.tuples(
        st.sampled_from(["add", "propose", "sign", "reject", "remove", "carry", "away", "offer"]),
        st.sampled_from(SLUGS),
        st.integers(1, 3),
    ),
    max_size=14,
)


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(acts=ACTS)
def test_in_any_course_each_stands_as_it_said(
    tmp_path_factory: pytest.TempPathFactory, acts: list[tuple[str, str, int]]
) -> None:
    ring = new_ring(tmp_path_factory.mktemp("course"))
    try:
        groups.new(ring.hub, NAME, ring.text("Text 1"), now=ring.tick())
        for act in acts:
            play(ring, *act)
            check(ring)
        ring.away = set()
        ring.carry()
        check(ring)
        assert_both_sides_agree(ring)
    finally:
        ring.close()


def play(ring: Ring, act: str, slug: str, number: int) -> None:
    """Do one thing; that it is refused is as good as done."""
    if act == "add":
        ring.add(slug)
    elif act == "propose":
        ring.propose(f"Text {number}")
    elif act == "offer":
        groups.offer(ring.hub, NAME, now=ring.tick())
    elif act == "carry":
        ring.carry()
    elif act == "away":
        ring.away ^= {slug}
    elif slug in ring.shown():
        try:
            if act == "sign":
                ring.sign(slug)
            elif act == "reject":
                ring.reject(slug, "No.")
            else:
                groups.remove(ring.hub, NAME, slug, "Out.", now=ring.tick())
        except (MisuseError, RefusedError):
            pass


def check(ring: Ring) -> None:
    """What is shown of each member follows from its statements alone, and from nobody else's."""
    editions = groups.show(ring.hub, NAME, now=ring.now).editions
    texts = {each.edition: draft_of(each.body).terms.title for each in editions}
    for slug, member in ring.shown().items():
        with ring.hub.store.read() as tx:
            versions = agreements.versions(tx, member.agreement_id)
            bound = in_force(tx, member.agreement_id, now=ring.now)
        assert {each.partner for each in versions} == {slug}
        live = [v for v in versions if v.state in {"countersigned", "active", "suspended"}]
        assert (member.runs is None) == (not live)
        assert sum(each.state == "proposed" for each in versions) <= 1
        if live:
            assert texts[member.runs_edition or 0] == live[-1].title
            assert bound is not None
        if member.said == "signed":
            assert live[-1].title == texts[editions[-1].edition]


def assert_both_sides_agree(ring: Ring) -> None:
    for slug, member in ring.shown().items():
        for_them, for_us = (
            {v.hash: v.state for v in _versions(home, member.agreement_id)}
            for home in (ring.members[slug], ring.hub)
        )
        assert for_them == for_us


def _versions(home: Home, agreement_id: str) -> list[agreements.Version]:
    with home.store.read() as tx:
        return agreements.versions(tx, agreement_id)
