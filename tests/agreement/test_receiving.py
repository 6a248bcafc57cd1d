"""What a partner who lies, or someone who pretends to be the partner, can bring about: nothing."""

import uuid
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tearline.agreement import chain, jws, messages, receiving, signing
from tearline.agreement.card import card_hash, check_words
from tearline.agreement.document import Terms
from tearline.agreement.evidence import check
from tearline.agreement.home import Home, create_home
from tearline.agreement.messages import MessageRefusedError
from tearline.agreement.partners import add_party, block_party, unblock_party
from tearline.agreement.receiving import receive
from tearline.agreement.state import Statement, parse_statement, statement_bytes
from tearline.agreement.terms import agreement_hash, to_bytes
from tearline.errors import RefusedError
from tearline.log import record
from tearline.log.checkpoint import parse_vkey, vkey
from tearline.stix import canonical
from tearline.stix.timestamp import format_timestamp
from tearline.store import agreements, evidence, logs, parties
from tests.agreement.sides import (
    DAY,
    ID,
    NOW,
    Sides,
    carry,
    outgoing,
    states,
    steps,
    terms,
    versions,
)


def refused(home: Home, document: bytes, *, now: int = NOW) -> str:
    """Return the code with which a message is refused, after checking that it changed nothing."""
    before = steps(home), states(home)
    with pytest.raises(MessageRefusedError) as caught:
        receive(home, document, now=now)
    assert (steps(home), states(home)) == before
    return caught.value.code


def send(
    home: Home, to: Home, kind: str, body: dict[str, Any], agreement: str | None, at: int = NOW
) -> bytes:
    """Return a well-signed message with whatever its sender wants to have in it."""
    return messages.seal(
        home, kind, to.slug, body, message_id=str(uuid.uuid4()), agreement=agreement, at=at
    )


def opened(document: bytes) -> dict[str, Any]:
    content = canonical.parse_canonical(jws.load(document).body)
    assert isinstance(content, dict)
    return content


def again(home: Home, to: Home, document: bytes, **changed: object) -> bytes:
    """Return a message of `home` once more, with other content, signed as it should be."""
    content = {**opened(document), **changed}
    header = ("schema", "kind", "id", "from", "to", "at", "agreement")
    body = {key: value for key, value in content.items() if key not in header}
    return send(home, to, content["kind"], body, content["agreement"])


def stated(home: Home, agreement: str, step: str, **changed: object) -> dict[str, Any]:
    """Return a signed statement, next in its chain unless something is changed."""
    with home.store.read() as tx:
        ours = agreements.last_statement(tx, ID, ours=True)
        theirs = agreements.last_statement(tx, ID, ours=False)
    values: dict[str, Any] = {
        "schema": "tearline-statement/1",
        "id": ID,
        "agreement": agreement,
        "step": step,
        "previous": ours.hash if ours else None,
        "seen": theirs.hash if theirs else None,
        "by": home.slug.partition("-")[0],
        "at": format_timestamp(NOW),
        "reason": None,
        "proof": None,
    }
    body = statement_bytes(msgspec.convert({**values, **changed}, Statement))
    return jws.builtins(jws.sign(body, home.keys.sign, home.card.sign))


def made_active(sides: Sides) -> str:
    version = signing.propose(sides.north, terms(sides), now=NOW)
    carry(sides)
    signing.countersign(sides.south, ID, now=NOW)
    carry(sides)
    assert set(states(sides.north).values()) == {"active"}
    return version.hash


def proposed(sides: Sides) -> str:
    version = signing.propose(sides.north, terms(sides), now=NOW)
    carry(sides)
    return version.hash


def refusals(home: Home) -> list[str]:
    with home.store.read() as tx:
        return [each.code for each in parties.refusals(tx)]


# ------------------------------------------------------------------------------------- hostile


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(
    document=st.one_of(
        st.binary(max_size=300),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(max_size=5),
            lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=9), inner),
        ).map(msgspec.json.encode),
        st.binary(max_size=100).map(lambda body: msgspec.json.encode({"payload": str(body)})),
    )
)
def test_bytes_that_are_no_message_are_refused(sides: Sides, document: bytes) -> None:
    assert refused(sides.north, document) == "form"


def test_deep_and_large_documents_are_refused(sides: Sides) -> None:
    assert refused(sides.north, b"[" * 100_000) == "form"
    assert refused(sides.north, b" " * (messages.MAX_BYTES + 1)) == "size"
    nested: Any = []
    for _ in range(900):
        nested = [nested]
    deep = {"schema": messages.SCHEMA, "kind": "statement", "more": nested}
    body = msgspec.json.encode(deep)
    signed = jws.sign(body, sides.south.keys.sign, sides.south.card.sign)
    assert refused(sides.north, jws.dump(signed)) == "form"


def test_a_message_with_any_one_bit_turned_is_refused(sides: Sides) -> None:
    signing.propose(sides.north, terms(sides), now=NOW)
    (document,) = outgoing(sides.north)
    with sides.south.store.read() as tx:
        for place in range(len(document)):
            altered = bytearray(document)
            altered[place] ^= 1 << place % 8
            with pytest.raises(MessageRefusedError):
                messages.open_message(tx, sides.south, bytes(altered), now=NOW)
    assert receive(sides.south, document, now=NOW) == "taken"


def test_a_stranger_is_refused_and_cannot_fill_the_log(sides: Sides, tmp_path: Path) -> None:
    stranger = create_home(tmp_path / "stranger", "Far ISAC", None, NOW)
    document = send(stranger, sides.north, "statement", {}, None)
    for _ in range(5):
        assert refused(sides.north, document) == "unknown"
    assert refusals(sides.north) == []
    stranger.store.close()


def test_who_signs_with_another_key_is_refused_and_logged(sides: Sides, tmp_path: Path) -> None:
    pretender = create_home(tmp_path / "pretender", "South ISAC", None, NOW)
    proposed(sides)
    document = send(pretender, sides.north, "statement", {}, None)
    assert refused(sides.north, document) == "key"
    assert refusals(sides.north) == ["key"]
    with sides.north.store.read() as tx:
        size = logs.head(tx, record.PRIVATE).size
        leaf = logs.leaves(tx, record.PRIVATE, size - 1, size)[0]
    entry = canonical.parse_canonical(leaf)
    assert entry["kind"] == "refusal"
    assert set(entry) == {"v", "kind", "at", "count", "root"}  # nothing of what was in it
    pretender.store.close()


def test_refusals_in_one_name_are_logged_so_often_and_no_oftener(
    sides: Sides, tmp_path: Path
) -> None:
    pretender = create_home(tmp_path / "pretender", "South ISAC", None, NOW)
    for _ in range(70):
        refused(sides.north, send(pretender, sides.north, "statement", {}, None))
    assert len(refusals(sides.north)) == 60
    pretender.store.close()


def test_a_message_for_someone_else_is_refused(sides: Sides) -> None:
    document = send(sides.south, sides.south, "statement", {}, None)
    assert refused(sides.north, document) == "addressee"


def test_a_message_from_the_future_is_refused_and_one_from_last_week_is_not(sides: Sides) -> None:
    signing.propose(sides.north, terms(sides), now=NOW)
    (document,) = outgoing(sides.north)
    assert refused(sides.south, document, now=NOW - DAY) == "clock"
    assert receive(sides.south, document, now=NOW + 7 * DAY) == "taken"


def test_a_blocked_partner_is_refused_until_it_is_unblocked(sides: Sides) -> None:
    made_active(sides)
    signing.suspend(sides.north, ID, "we have doubts", now=NOW)
    block_party(sides.south, "North CERT", "stolen keys", now=NOW)
    (document,) = outgoing(sides.north)
    assert refused(sides.south, document) == "blocked"
    assert refusals(sides.south) == ["blocked"]
    unblock_party(sides.south, "North CERT", "new keys", now=NOW)
    assert receive(sides.south, document, now=NOW) == "taken"
    assert set(states(sides.south).values()) == {"suspended"}


# ----------------------------------------------------------------------------------- proposals


def offer(sides: Sides, made: Terms) -> bytes:
    """Return a proposal by North that its own checks would not let out."""
    document = to_bytes(made)
    name = agreement_hash(document)
    signed = jws.sign(document, sides.north.keys.sign, sides.north.card.sign)
    body = {
        "signed": jws.builtins(signed),
        "statement": stated(sides.north, name, "proposed", id=made.id),
    }
    return send(sides.north, sides.south, "proposal", body, name)


def test_an_agreement_with_other_keys_than_the_cards_is_refused(sides: Sides) -> None:
    made = terms(sides)
    assert receive(sides.south, offer(sides, made), now=NOW) == "taken"
    fresh = msgspec.structs.replace(made, id=f"urn:uuid:{uuid.uuid4()}")
    for slot in ("north", "south"):
        for key in ("key", "log"):
            stranger = Ed25519PrivateKey.generate().public_key().public_bytes_raw()
            name = parse_vkey(str(getattr(made.party[slot], key)))[0]
            party = msgspec.structs.replace(made.party[slot], **{key: vkey(name, stranger)})
            other = msgspec.structs.replace(fresh, party={**made.party, slot: party})
            assert refused(sides.south, offer(sides, other)) == "agreement"


def test_of_two_versions_offered_at_once_only_one_can_be_countersigned(sides: Sides) -> None:
    for title in ("Hospitals", "Clinics"):
        document = offer(sides, terms(sides, title=title))
        assert receive(sides.south, document, now=NOW) == "taken"
        with sides.north.store.write() as tx:  # North's chain goes on, as if it had checked
            statement = jws.convert(opened(document)["statement"])
            chain.keep(tx, parse_statement(statement.body), statement, ours=True, now=NOW)
    one, other = states(sides.south)
    signing.countersign(sides.south, one, now=NOW)
    with pytest.raises(RefusedError, match="not active yet"):
        signing.countersign(sides.south, other, now=NOW)


def test_an_agreement_between_two_others_is_refused(sides: Sides) -> None:
    made = terms(sides)
    party = msgspec.structs.replace(made.party["south"], slug="far-isac")
    other = msgspec.structs.replace(made, party={**made.party, "south": party})
    assert refused(sides.south, offer(sides, other)) == "agreement"


def test_a_version_that_follows_on_nothing_is_refused(sides: Sides) -> None:
    made = msgspec.structs.replace(terms(sides), version=2, replaces=f"sha256:{'7' * 64}")
    assert refused(sides.south, offer(sides, made)) == "agreement"


def test_bytes_that_are_not_canonical_are_refused(sides: Sides) -> None:
    document = to_bytes(terms(sides)).replace(b'"version":1', b'"version": 1')
    name = agreement_hash(document)
    signed = jws.sign(document, sides.north.keys.sign, sides.north.card.sign)
    body = {
        "signed": jws.builtins(signed),
        "statement": stated(sides.north, name, "proposed"),
    }
    assert refused(sides.south, send(sides.north, sides.south, "proposal", body, name)) == (
        "agreement"
    )


def test_a_partner_cannot_speak_about_our_agreement_with_another(
    sides: Sides, tmp_path: Path
) -> None:
    agreement = made_active(sides)
    third = create_home(tmp_path / "third", "Third CERT", None, NOW)
    words = check_words(card_hash(third.card))
    add_party(sides.south, (third.path / "card.json").read_bytes(), words, now=NOW)
    for previous in (None, *sorted(steps(sides.south))):
        statement = stated(third, agreement, "terminated", by="north", previous=previous, seen=None)
        document = send(third, sides.south, "statement", {"statement": statement}, agreement)
        try:
            outcome = receive(sides.south, document, now=NOW)
        except MessageRefusedError as error:
            outcome = "waiting" if error.code == "agreement" else "taken"
        assert outcome == "waiting"
    assert set(states(sides.south).values()) == {"active"}
    third.store.close()


# ----------------------------------------------------------------------- signatures and proofs


def test_a_countersignature_over_other_bytes_is_refused(sides: Sides) -> None:
    proposed(sides)
    other = to_bytes(terms(sides, title="Everything"))
    signing.countersign(sides.south, ID, now=NOW)
    (document,) = outgoing(sides.south)
    both = jws.join(
        jws.sign(other, sides.north.keys.sign, sides.north.card.sign),
        jws.sign(other, sides.south.keys.sign, sides.south.card.sign),
    )
    altered = again(sides.south, sides.north, document, signed=jws.builtins(both))
    assert refused(sides.north, altered) == "agreement"


def test_a_countersignature_without_the_second_signature_is_refused(sides: Sides) -> None:
    proposed(sides)
    signing.countersign(sides.south, ID, now=NOW)
    (document,) = outgoing(sides.south)
    one = opened(document)["signed"]
    one["signatures"] = one["signatures"][:1]
    altered = again(sides.south, sides.north, document, signed=one)
    assert refused(sides.north, altered) == "signature"


def test_a_receipt_of_something_else_does_not_make_it_active(sides: Sides) -> None:
    agreement = proposed(sides)
    signing.countersign(sides.south, ID, now=NOW)
    (document,) = outgoing(sides.south)
    with sides.south.store.read() as tx:
        log, origin = record.our_log(ID), record.origin_of("south-isac", ID)
        key = sides.south.log_vkey(ID)
        other = record.receipt(tx, log, 0, 0, origin=origin, vkey=key)
    altered = again(sides.south, sides.north, document, receipt=other)
    assert refused(sides.north, altered) == "proof"
    broken = {**opened(document)["receipt"], "index": 0}
    assert refused(sides.north, again(sides.south, sides.north, document, receipt=broken)) == (
        "proof"
    )
    pieces: list[dict[str, Any]] = [
        {},
        {"schema": []},
        {**broken, "record": 7},
        {**broken, "item": []},
    ]
    for junk in pieces:
        altered = again(sides.south, sides.north, document, receipt=junk)
        assert refused(sides.north, altered) == "proof"
    assert states(sides.north)[agreement] == "proposed"


def test_an_activation_that_relies_on_no_receipt_of_ours_is_refused(sides: Sides) -> None:
    proposed(sides)
    signing.countersign(sides.south, ID, now=NOW)
    receive(sides.north, outgoing(sides.south)[0], now=NOW)
    document = outgoing(sides.north)[-1]
    statement = jws.convert(opened(document)["statement"])
    kept = parse_statement(statement.body)
    for proof in (None, f"sha256:{'1' * 64}"):
        lie = statement_bytes(msgspec.structs.replace(kept, proof=proof))
        signed = jws.builtins(jws.sign(lie, sides.north.keys.sign, sides.north.card.sign))
        altered = again(sides.north, sides.south, document, statement=signed)
        assert refused(sides.south, altered) == "proof"
    assert receive(sides.south, document, now=NOW) == "taken"


def test_a_step_that_the_state_does_not_allow_is_refused(sides: Sides) -> None:
    agreement = proposed(sides)
    for step in ("suspended", "resumed", "terminated", "rejected"):
        statement = stated(sides.north, agreement, step)
        document = send(sides.north, sides.south, "statement", {"statement": statement}, agreement)
        assert refused(sides.south, document) == "step"


def test_a_statement_that_its_side_did_not_sign_is_refused(sides: Sides) -> None:
    agreement = made_active(sides)
    body = jws.convert(stated(sides.north, agreement, "terminated")).body
    for key, kid in (
        (sides.south.keys.sign, sides.south.card.sign),
        (sides.north.keys.log, sides.north.card.sign),
        (sides.north.keys.log, sides.north.card.log),
    ):
        signed = jws.builtins(jws.sign(body, key, kid))
        document = send(sides.north, sides.south, "statement", {"statement": signed}, agreement)
        assert refused(sides.south, document) == "signature"


def test_a_step_by_the_other_side_is_refused(sides: Sides) -> None:
    agreement = made_active(sides)
    statement = stated(sides.north, agreement, "terminated", by="south")
    document = send(sides.north, sides.south, "statement", {"statement": statement}, agreement)
    assert refused(sides.south, document) == "agreement"


def test_a_statement_that_saw_what_we_never_said_is_refused(sides: Sides) -> None:
    agreement = made_active(sides)
    statement = stated(sides.north, agreement, "suspended", seen=f"sha256:{'2' * 64}")
    document = send(sides.north, sides.south, "statement", {"statement": statement}, agreement)
    assert refused(sides.south, document) == "seen"


def test_two_statements_after_the_same_one_are_kept_as_evidence_and_suspend(sides: Sides) -> None:
    agreement = made_active(sides)
    first = stated(sides.north, agreement, "suspended", reason="to you")
    second = stated(sides.north, agreement, "suspended", reason="to others")
    document = send(sides.north, sides.south, "statement", {"statement": first}, agreement)
    assert receive(sides.south, document, now=NOW) == "taken"
    document = send(sides.north, sides.south, "statement", {"statement": second}, agreement)
    with pytest.raises(MessageRefusedError, match="same one") as caught:
        receive(sides.south, document, now=NOW)
    assert caught.value.code == "two-faces"
    with sides.south.store.read() as tx:
        (found,) = evidence.all_of(tx, about=ID)
        last = agreements.last_statement(tx, ID, ours=True)
    proven = check(found.document)
    assert (proven.kind, proven.party) == ("two-statements", "north-cert")
    assert b"to others" in b"".join(
        jws.convert(each).body for each in canonical.parse_canonical(found.document)["both"]
    )
    assert last is not None
    assert parse_statement(last.body).step == "suspended"


# ------------------------------------------------------------------------------ order and keys


def test_what_comes_too_early_waits_and_is_taken_in_its_turn(sides: Sides) -> None:
    proposed(sides)
    signing.withdraw(sides.north, ID, now=NOW)
    later = outgoing(sides.north)
    last = versions(sides.north)[0].hash
    signing.propose(sides.north, terms(sides, version=2, replaces=last), now=NOW)
    (newest,) = [each for each in outgoing(sides.north) if each not in later]
    assert receive(sides.south, newest, now=NOW) == "waiting"
    assert receive(sides.south, newest, now=NOW) == "waiting"
    assert list(states(sides.south).values()) == ["proposed"]
    assert receive(sides.south, later[0], now=NOW) == "taken"
    assert list(states(sides.south).values()) == ["withdrawn", "proposed"]
    assert receive(sides.south, newest, now=NOW) == "known"


def test_so_many_messages_wait_and_no_more(sides: Sides, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receiving, "_MOST_WAITING", 3)
    agreement = proposed(sides)
    for number in range(3):
        previous = f"sha256:{number:064}"
        statement = stated(sides.north, agreement, "withdrawn", previous=previous)
        document = send(sides.north, sides.south, "statement", {"statement": statement}, agreement)
        assert receive(sides.south, document, now=NOW) == "waiting"
    statement = stated(sides.north, agreement, "withdrawn", previous=f"sha256:{'9' * 64}")
    document = send(sides.north, sides.south, "statement", {"statement": statement}, agreement)
    assert refused(sides.south, document) == "order"


def test_only_hashes_of_keys_travel_and_each_opens_the_other_door(sides: Sides) -> None:
    proposed(sides)
    signing.countersign(sides.south, ID, now=NOW)
    carried = outgoing(sides.south)
    carry(sides)
    for home in sides.both:
        partner = sides.other(home)
        with home.store.read() as tx:
            secret = parties.credential_of(tx, ID)
        assert secret is not None
        assert all(secret.encode() not in jws.load(each).body for each in carried)
        with partner.store.read() as tx:
            account = parties.account_of(tx, canonical.sha256(secret.encode()))
        assert account is not None
        assert (account.party, account.agreement_id) == (home.slug, ID)


def test_a_blocked_party_has_no_key(sides: Sides) -> None:
    made_active(sides)
    block_party(sides.south, "north-cert", "stolen keys", now=NOW)
    with sides.north.store.read() as tx:
        secret = parties.credential_of(tx, ID)
    assert secret is not None
    with sides.south.store.read() as tx:
        assert parties.account_of(tx, canonical.sha256(secret.encode())) is None
    with pytest.raises(RefusedError, match="blocked"):
        signing.resume(sides.south, ID, now=NOW)
