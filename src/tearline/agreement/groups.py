"""Groups: one template, many members, and each member's pair for itself.

A group is a list of pairs and the editions of one text. Everything else about a member follows from
the statements of its pair: who was offered an edition has signed it, rejected it, or not said
anything yet. Every act is one transaction for each pair, so none waits for the others and what goes
wrong with one is told and stops nobody else. Each can be done again: it offers what is missing.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Literal, NamedTuple, TypeAlias

import msgspec

from tearline import clock
from tearline.agreement import drafting, signing
from tearline.agreement.drafting import Draft
from tearline.agreement.fitting import LIVE, pinned
from tearline.agreement.home import Home, slug_of
from tearline.agreement.partners import find_party
from tearline.agreement.state import ENDED, parse_statement
from tearline.errors import MisuseError, RefusedError, TearlineError
from tearline.store import agreements, groups, parties
from tearline.store.agreements import Version
from tearline.store.database import Tx
from tearline.store.groups import Edition

Said: TypeAlias = Literal["proposed", "signed", "rejected", "withdrawn", "unasked", "ended"]
_STEPS: dict[Said, frozenset[str]] = {
    "proposed": frozenset({"proposed"}),
    "signed": frozenset({"countersigned"}),
    "rejected": frozenset({"rejected"}),
    "withdrawn": frozenset({"withdrawn"}),
    "unasked": frozenset(),
    "ended": frozenset({"terminated", "rejected", "withdrawn"}),
}
_OVERTAKEN = "Another edition of the group's text takes its place."


class Member(NamedTuple):
    """How one member stands.

    `said` is its answer to the newest edition, `at` when, `reason` why if it said so; *ended* means
    that nothing runs and nothing is offered. `version` is the newest one on the table, `edition`
    whose text it has (None: a text of its own). `runs` is the version that was signed last and not
    ended, `runs_edition` whose text that is, `state` how it stands.
    """

    party: str
    name: str
    agreement_id: str
    said: Said
    at: int | None
    reason: str | None
    version: int
    edition: int | None
    runs: int | None
    runs_edition: int | None
    state: str


class Group(NamedTuple):
    """A group: its name, the editions of its text, the newest of them, and all members."""

    name: str
    editions: list[Edition]
    draft: Draft
    members: list[Member]


class Offer(NamedTuple):
    """What one act did with one member: the version on the table, or what went wrong.

    `done` is false where nothing had to be done any more.
    """

    party: str
    version: Version | None
    done: bool
    problem: TearlineError | None = None


# ---------------------------------------------------------------------------------------- acts


def new(home: Home, name: str, text: str, *, now: int) -> Draft:
    """Make a group with the template in `text`; the same again changes nothing.

    InputError when it is no template, RefusedError when we are not its party or the name is taken.
    """
    if name != slug_of(name):
        raise MisuseError(
            "A group is called by small letters, digits and hyphens.", do="Give it another name."
        )
    draft = drafting.read_draft(text)
    _check_ours(home, draft)
    with home.store.write() as tx:
        known = groups.editions(tx, name)
        if known and known[-1].hash != draft.hash:
            raise RefusedError(
                f"There is a group called {name} already, with another text.",
                do="Change its text with `tearline group propose`, or take another name.",
            )
        if not known:
            _check_text(tx, name, draft)
            groups.add_edition(tx, Edition(name, 1, draft.hash, draft.body, now))
    return draft


def add(home: Home, name: str, names: Sequence[str], *, now: int) -> list[Offer]:
    """Make the pair of each party and propose it; who is offered it already is left alone.

    Who left, or said no, is asked anew. MisuseError when there is no such group.
    """
    draft = _newest(home, name)
    return _each(names, lambda party: _add(home, name, draft, party, now))


def propose(home: Home, name: str, text: str, *, now: int) -> list[Offer]:
    """Offer every member another text, as the next version of its pair; again: what is missing.

    What was offered before and is not signed yet is withdrawn in the same step. InputError when it
    is no template; MisuseError when there is no such group.
    """
    draft = drafting.read_draft(text)
    _check_ours(home, draft)
    with home.store.write() as tx:
        known = _editions(tx, name)
        if known[-1].hash != draft.hash:
            _check_text(tx, name, draft)
            edition = Edition(name, known[-1].edition + 1, draft.hash, draft.body, now)
            groups.add_edition(tx, edition)
    return offer(home, name, now=now)


def offer(home: Home, name: str, *, now: int) -> list[Offer]:
    """Offer the newest text to every member that was not asked yet."""
    draft = _newest(home, name)
    with home.store.read() as tx:
        members = _members(tx, name, now)
    present = {each.party: each for each in members if each.said != "ended"}
    return _each(present, lambda party: _offer(home, draft, present[party].agreement_id, now))


def remove(home: Home, name: str, party: str, reason: str, *, now: int) -> list[Version]:
    """End the pair of a member, or take its offer back; the others do not notice.

    MisuseError when it is no member.
    """
    if not reason.strip():
        raise MisuseError("A removal needs a reason.", do="Say why in one sentence.")
    with home.store.read() as tx:
        _editions(tx, name)
        partner = find_party(tx, party)
        found = [each for each in _members(tx, name, now) if each.party == partner.slug]
    if not found or found[-1].said == "ended":
        raise MisuseError(
            f"{partner.slug} is not in the group {name}.", do="See `tearline group show`."
        )
    return signing.terminate(home, found[-1].agreement_id, reason, now=now)


# ------------------------------------------------------------------------------------- reading


def show(home: Home, name: str, *, now: int) -> Group:
    """Return a group, and of each member how it stands; MisuseError when there is none."""
    with home.store.read() as tx:
        known = _editions(tx, name)
        return Group(name, known, drafting.draft_of(known[-1].body), _members(tx, name, now))


def all_groups(home: Home, *, now: int) -> list[Group]:
    """Return every group."""
    with home.store.read() as tx:
        names = groups.names(tx)
    return [show(home, each, now=now) for each in names]


def _members(tx: Tx, name: str, now: int) -> list[Member]:
    """Return the members by short name, each by the pair that was made last for it."""
    editions = {each.hash: each.edition for each in groups.editions(tx, name)}
    found: dict[str, Member] = {}
    for agreement_id in groups.pairs(tx, name):
        member = _member(tx, agreement_id, editions, now)
        found[member.party] = member
    return [found[each] for each in sorted(found)]


def _member(tx: Tx, agreement_id: str, editions: dict[str, int], now: int) -> Member:
    versions = agreements.versions(tx, agreement_id)
    newest = versions[-1]
    running = next((each for each in reversed(versions) if each.state in LIVE), None)
    current = max(editions.values())
    asked = [each for each in versions if _edition(each, editions) == current]
    over = next((each for each in reversed(versions) if each.state == "terminated"), None)
    said, about = _said(asked[-1] if asked else None, newest, running, over, now)
    at, reason = _when(tx, about, said)
    partner = parties.partner_of(tx, newest.partner)
    return Member(
        party=newest.partner,
        name=partner.name if partner else newest.partner,
        agreement_id=agreement_id,
        said=said,
        at=at,
        reason=reason,
        version=newest.version,
        edition=_edition(newest, editions),
        runs=running.version if running else None,
        runs_edition=_edition(running, editions) if running else None,
        state=_state(running or about, now),
    )


def _said(
    asked: Version | None,
    newest: Version,
    running: Version | None,
    ended: Version | None,
    now: int,
) -> tuple[Said, Version]:
    """What a member answered to the newest text, and the version by which that is known."""
    if running is None and newest.state in ENDED:
        return "ended", ended or newest
    if running is not None and now >= running.until_at and newest.state != "proposed":
        return "ended", running
    if asked is None or asked.state == "superseded":
        return "unasked", newest
    if asked.state in LIVE:
        return "signed", asked
    if asked.state == "rejected":
        return "rejected", asked
    return ("proposed" if asked.state == "proposed" else "withdrawn"), asked


def _when(tx: Tx, version: Version, said: Said) -> tuple[int | None, str | None]:
    """When that was said, and for which reason, by the statement that says it."""
    rows = agreements.statements(tx, version.agreement_id)
    for row in reversed(rows):
        statement = parse_statement(row.body)
        if row.agreement == version.hash and statement.step in _STEPS[said]:
            return row.at, statement.reason
    return None, None


def _state(version: Version, now: int) -> str:
    over = now >= version.until_at and version.state not in ENDED
    return "expired" if over else version.state


class _Named(msgspec.Struct):
    template: str | None = None


def _edition(version: Version, editions: dict[str, int]) -> int | None:
    """The newest edition that has the text of a version; the text itself was checked before."""
    named = msgspec.json.decode(version.terms, type=_Named).template
    return editions.get(named or "")


# ------------------------------------------------------------------------------------ offering


def _each(names: Iterable[str], act: Callable[[str], Offer]) -> list[Offer]:
    """Do something for every member; what goes wrong with one is told, and the rest goes on."""
    done = []
    for each in dict.fromkeys(names):
        try:
            done.append(act(each))
        except TearlineError as error:
            done.append(Offer(each, None, done=False, problem=error))
    return done


def _add(home: Home, name: str, draft: Draft, party: str, now: int) -> Offer:
    with home.store.write() as tx:
        partner = find_party(tx, party)
        if partner.card is None:
            raise RefusedError(
                f"{partner.slug} has no node, so it has no key to sign its pair with.",
                means="A group signs pairs between nodes.",
                do="Write a one-sided agreement for it: `tearline agreement new --one-sided`.",
            )
        members = {each.party: each for each in _members(tx, name, now)}
        before = members.get(partner.slug)
        if before is not None and before.said != "ended":
            return _offer_in(tx, home, draft, before.agreement_id, now, again=True)
        id_ = f"urn:uuid:{clock.fresh_uuid()}"
        card = pinned(tx, partner.slug, now=now).newest
        terms = drafting.pair(draft, card, id_=id_, version=1, replaces=None)
        version = signing.propose_in(tx, home, terms, now=now)
        groups.add_pair(tx, id_, name, at=now)
        return Offer(partner.slug, version, done=True)


def _offer(home: Home, draft: Draft, agreement_id: str, now: int) -> Offer:
    with home.store.write() as tx:
        return _offer_in(tx, home, draft, agreement_id, now, again=False)


def _offer_in(
    tx: Tx, home: Home, draft: Draft, agreement_id: str, now: int, *, again: bool
) -> Offer:
    """Offer a text as the next version of a pair, in the place of what is open there.

    Who signed it, is asked already, or said no and is not asked `again`, is left alone.
    """
    versions = agreements.versions(tx, agreement_id)
    newest = versions[-1]
    known = {draft.hash: 1}
    asked = [each for each in versions if _edition(each, known)]
    settled = LIVE | {"proposed"} | (frozenset() if again else {"rejected"})
    if asked and asked[-1].state in settled:
        return Offer(newest.partner, asked[-1], done=False)
    card = pinned(tx, newest.partner, now=now).newest
    if newest.state == "proposed" and newest.ours:
        signing.say(tx, home, newest, "withdrawn", _OVERTAKEN, now=now)
    terms = drafting.pair(
        draft, card, id_=agreement_id, version=newest.version + 1, replaces=newest.hash
    )
    return Offer(newest.partner, signing.propose_in(tx, home, terms, now=now), done=True)


def _editions(tx: Tx, name: str) -> list[Edition]:
    found = groups.editions(tx, name)
    if not found:
        raise MisuseError(f"There is no group called {name!r}.", do="See `tearline group list`.")
    return found


def _newest(home: Home, name: str) -> Draft:
    with home.store.read() as tx:
        return drafting.draft_of(_editions(tx, name)[-1].body)


def _check_ours(home: Home, draft: Draft) -> None:
    slot = draft.terms.slot_of(home.slug)
    ours = draft.terms.party[slot] if slot else None
    if ours is None or (ours.key, ours.log) != (home.card.sign, home.card.log):
        raise RefusedError(
            "The party of this template is not us, or has other keys than our card.",
            means="We sign every pair of our group.",
            do="Copy `name`, `slug`, `key` and `log` from `tearline card`.",
        )


def _check_text(tx: Tx, name: str, draft: Draft) -> None:
    """One text is of one group, so that a pair shows by its template whose it is."""
    others = [each for each in groups.named_by(tx, draft.hash) if each != name]
    if others:
        raise RefusedError(
            f"This is the text of the group {others[0]} already.",
            means="Members could not tell the two groups apart.",
            do="Give it another title.",
        )
