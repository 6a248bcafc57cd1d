"""What a person does with an agreement: propose, countersign, reject, suspend, resume, end.

Each act is one transaction: it decides by `state`, writes the statement and its leaf, and puts the
message for the partner into the outbox. None of them needs the network or a running node.
"""

from collections.abc import Callable
from typing import Any

from tearline import clock
from tearline.agreement import jws
from tearline.agreement.chain import issue, state_of
from tearline.agreement.fitting import LIVE, check_free, check_listening, check_open, match
from tearline.agreement.home import Home
from tearline.agreement.outbox import enqueue
from tearline.agreement.state import Step
from tearline.agreement.terms import Terms, agreement_hash, parse_json, to_bytes
from tearline.errors import MisuseError, RefusedError
from tearline.stix import canonical
from tearline.store import agreements, parties
from tearline.store.agreements import StatementRow, Version
from tearline.store.database import Tx
from tearline.store.parties import Account, Partner

_KEY_BYTES = 32
_SHORTEST = 4


def propose(home: Home, terms: Terms, *, now: int) -> Version:
    """Sign an agreement and offer it to the partner it names; once, however often it is called.

    A one-sided agreement is active by this: its receiver signed paper. RefusedError when it does
    not name us and a partner with exactly the keys on the cards, or does not follow on what is
    there.
    """
    with home.store.write() as tx:
        return propose_in(tx, home, terms, now=now)


def propose_in(tx: Tx, home: Home, terms: Terms, *, now: int) -> Version:
    """Do what `propose` does inside a transaction of the caller."""
    document = to_bytes(terms)
    terms = parse_json(document)
    before = agreements.version_of(tx, agreement_hash(document))
    if before is not None:
        return _again(before)
    version = match(tx, home, terms, now=now)
    check_open(tx, version, now=now)
    signed = home.sign(document)
    version = version._replace(ours=True, signed=jws.dump(signed))
    if terms.one_sided:
        _add_paper_partner(tx, terms, version, now)
    agreements.add_version(tx, version)
    row = issue(tx, home, version, "proposed", now=now)
    if terms.one_sided:
        issue(tx, home, version, "activated", now=now)
    else:
        body = {"signed": jws.builtins(signed), "statement": _statement(row)}
        _send(tx, version, "proposal", body, row, now=now)
    return _reload(tx, version)


def countersign(home: Home, ref: str, *, now: int) -> Version:
    """Sign what the partner proposed; `ref` is the agreement's id, the start of it, or its hash."""
    with home.store.write() as tx:
        version = _choose(tx, ref, "countersign", _theirs_open)
        match(tx, home, parse_json(version.terms), now=now)
        check_free(tx, version, now=now)
        mine = home.sign(version.terms)
        signed = jws.join(jws.load(version.signed), mine)
        agreements.set_signed(tx, version.hash, jws.dump(signed))
        row = issue(tx, home, version, "countersigned", now=now)
        body = {
            "signed": jws.builtins(signed),
            "statement": _statement(row),
            "key_hash": our_key_hash(tx, version.agreement_id, now=now),
        }
        _send(tx, version, "countersignature", body, row, now=now, leaf=row.leaf)
        return _reload(tx, version)


def reject(home: Home, ref: str, reason: str, *, now: int) -> Version:
    """Say no to what the partner proposed."""
    return _one(home, ref, "rejected", reason, now=now, ours=False)


def withdraw(home: Home, ref: str, reason: str | None = None, *, now: int) -> Version:
    """Take back what we proposed, while nobody has countersigned it."""
    return _one(home, ref, "withdrawn", reason, now=now, ours=True)


def suspend(home: Home, ref: str, reason: str, *, now: int) -> list[Version]:
    """Stop every running version of an agreement at once."""
    with home.store.write() as tx:
        versions = [each for each in versions_of(tx, ref) if each.state in LIVE]
        done = suspend_all(tx, home, versions, reason, now=now)
        if not done:
            raise _nothing_to("suspend")
        return done


def suspend_all(
    tx: Tx, home: Home, versions: list[Version], reason: str, *, now: int
) -> list[Version]:
    """Suspend those of `versions` that we have not suspended yet; the rest of an act is around."""
    done = []
    for version in versions:
        state = state_of(tx, version)
        if version.state in LIVE and version.our_slot not in state.suspended_by:
            done.append(say(tx, home, version, "suspended", reason, now=now))
    return done


def resume(home: Home, ref: str, reason: str | None = None, *, now: int) -> list[Version]:
    """Ask to end a suspension, or agree when the partner asked: it takes both."""
    with home.store.write() as tx:
        done = []
        for version in versions_of(tx, ref):
            partner = parties.partner_of(tx, version.partner)
            if partner is not None:
                check_listening(partner)
            state = state_of(tx, version)
            if version.state == "suspended" and version.our_slot not in state.resume_asked_by:
                asked = version.one_sided or version.their_slot in state.resume_asked_by
                step: Step = "resumed" if asked else "resume-asked"
                done.append(say(tx, home, version, step, reason, now=now))
        if not done:
            raise _nothing_to("resume")
        return done


def terminate(home: Home, ref: str, reason: str, *, now: int) -> list[Version]:
    """End an agreement for good: every version that is signed or still open."""
    with home.store.write() as tx:
        done = []
        for version in versions_of(tx, ref):
            if version.state in LIVE:
                done.append(say(tx, home, version, "terminated", reason, now=now))
            elif version.state == "proposed":
                step: Step = "withdrawn" if version.ours else "rejected"
                done.append(say(tx, home, version, step, reason, now=now))
        if not done:
            raise _nothing_to("terminate")
        return done


def open_account(home: Home, ref: str, *, keep: bool = True, now: int) -> str:
    """Return a fresh key for the partner of a one-sided agreement; only its hash is kept.

    Without `keep`, the keys that opened before end with it.
    """
    with home.store.write() as tx:
        version = _choose(tx, ref, "open an account for", _on_paper)
        if not keep:
            parties.end_accounts(tx, version.agreement_id, at=now)
        key = clock.fresh_bytes(_KEY_BYTES).hex()
        entry = Account(canonical.sha256(key.encode()), version.agreement_id, version.partner, now)
        parties.add_account(tx, entry)
        return key


# -------------------------------------------------------------------- what receiving uses too


def say(
    tx: Tx, home: Home, version: Version, step: Step, reason: str | None, *, now: int
) -> Version:
    """Issue a statement and put it into the outbox."""
    row = issue(tx, home, version, step, now=now, reason=reason)
    if not version.one_sided:
        _send(tx, version, "statement", {"statement": _statement(row)}, row, now=now)
    return _reload(tx, version)


def activate(tx: Tx, home: Home, version: Version, leaf: int, proof: str, *, now: int) -> None:
    """Say that we hold the partner's proof, and send ours: the receipt of `leaf` in our log."""
    row = issue(tx, home, version, "activated", now=now, proof=proof)
    body = {
        "statement": _statement(row),
        "key_hash": our_key_hash(tx, version.agreement_id, now=now),
    }
    _send(tx, version, "activation", body, row, now=now, leaf=leaf)


def our_key_hash(tx: Tx, agreement_id: str, *, now: int) -> str:
    """Return the hash of the key that we use at the partner's node, made when first asked for."""
    secret = parties.credential_of(tx, agreement_id)
    if secret is None:
        secret = clock.fresh_bytes(_KEY_BYTES).hex()
        parties.save_credential(tx, agreement_id, secret, at=now)
    return canonical.sha256(secret.encode())


# ---------------------------------------------------------------------------- choosing, adding


def _again(version: Version) -> Version:
    if not version.ours:
        raise RefusedError(
            "The partner proposed exactly this.",
            do="Sign it with `tearline agreement countersign`.",
        )
    return version


def _add_paper_partner(tx: Tx, terms: Terms, version: Version, now: int) -> None:
    them = terms.party[version.their_slot]
    known = parties.partner_of(tx, them.slug)
    if known is not None and (known.card is not None or known.blocked_at is not None):
        raise RefusedError(
            f"{them.slug} is a partner with a card, or is blocked.",
            means="A one-sided agreement is for a receiver who has no node.",
            do="Write a two-sided agreement, or give the receiver another short name.",
        )
    if known is None:
        parties.save_partner(tx, Partner(them.slug, them.name, None, None, now, None, None))


def _one(home: Home, ref: str, step: Step, reason: str | None, *, ours: bool, now: int) -> Version:
    """Say something about the open proposal of one side."""
    with home.store.write() as tx:
        what = "reject" if step == "rejected" else "withdraw"
        version = _choose(tx, ref, what, _ours_open if ours else _theirs_open)
        return say(tx, home, version, step, reason, now=now)


def versions_of(tx: Tx, ref: str) -> list[Version]:
    """Return the versions of the agreement that `ref` names, oldest first.

    `ref` is an id with or without `urn:uuid:`, at least four characters of its start, or a hash.
    MisuseError when it names none or more than one.
    """
    found = agreements.version_of(tx, ref)
    if found is not None:
        return agreements.versions(tx, found.agreement_id)
    start = ref.removeprefix("urn:uuid:").casefold()
    ids = [
        each
        for each in agreements.agreement_ids(tx)
        if len(start) >= _SHORTEST and each.removeprefix("urn:uuid:").startswith(start)
    ]
    if len(ids) != 1:
        what = "names more than one agreement" if ids else "names no agreement"
        raise MisuseError(f"{ref!r} {what}.", do="Take the id from `tearline agreement list`.")
    return agreements.versions(tx, ids[0])


def _ours_open(tx: Tx, version: Version) -> bool:
    state = state_of(tx, version)
    return state.name == "proposed" and version.our_slot in state.proposed_by


def _theirs_open(tx: Tx, version: Version) -> bool:
    state = state_of(tx, version)
    return state.name == "proposed" and version.their_slot in state.proposed_by


def _on_paper(_: Tx, version: Version) -> bool:
    return version.one_sided and version.state in LIVE


def _choose(tx: Tx, ref: str, what: str, fits: Callable[[Tx, Version], bool]) -> Version:
    named = [each for each in versions_of(tx, ref) if fits(tx, each)]
    exact = [each for each in named if each.hash == ref] or named
    if not exact:
        raise _nothing_to(what)
    return exact[-1]


def _reload(tx: Tx, version: Version) -> Version:
    found = agreements.version_of(tx, version.hash)
    return found or version


def _nothing_to(what: str) -> RefusedError:
    return RefusedError(
        f"There is nothing to {what} in this agreement.",
        means="No version of it is in a state that allows it.",
        do="Look at `tearline agreement show`.",
    )


# ------------------------------------------------------------------------------------ messages


def _statement(row: StatementRow) -> dict[str, Any]:
    return jws.builtins(jws.load(row.signed))


def _send(
    tx: Tx,
    version: Version,
    kind: str,
    body: dict[str, Any],
    row: StatementRow,
    *,
    now: int,
    leaf: int | None = None,
) -> None:
    enqueue(
        tx,
        kind,
        version.partner,
        body,
        now=now,
        version=version,
        leaf=leaf,
        statement=row.hash,
    )
