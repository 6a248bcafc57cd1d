import base64
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import requests
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from http_message_signatures import (
    HTTPMessageSigner,
    HTTPMessageVerifier,
    HTTPSignatureKeyResolver,
    algorithms,
)
from hypothesis import given
from hypothesis import strategies as st

from tearline.agreement.cards_held import our_cards
from tearline.agreement.home import create_home
from tearline.agreement.renewing import revoke, rotate
from tearline.agreement.rotation import Span
from tearline.exchange.signatures import (
    NOBODY,
    SKEW_US,
    TAG,
    WINDOW_US,
    Claim,
    Signatory,
    Signer,
    UnprovenError,
    claim_of,
    digest_of,
    keyid_of,
    signatory_of,
    target_of,
)

URL = "https://north.example/here"
PATH = "/taxii2/agreements/"
QUERY = "limit=3&added_after=2026-01-01T00%3A00%3A00Z"
AGREEMENT = "sha256:" + "5" * 64
NOW = 1_800_000_000_000_000
KEY = Ed25519PrivateKey.from_private_bytes(b"\5" * 32)
SIGNER = Signer("south-isac/sign+0a1b2c3d", KEY)
PUBLIC = KEY.public_key().public_bytes_raw()
SIGNATORY = Signatory("south-isac", {SIGNER.keyid: (PUBLIC, Span(0, None, None))}, NOW + 10**15, ())
Headers = dict[str, str]


def signed(
    method: str = "GET", path: str = f"{PATH}?{QUERY}", body: bytes = b"", at: int = NOW
) -> Headers:
    made = SIGNER.headers(method, target_of(URL, path), agreement=AGREEMENT, body=body, at=at)
    return {"Tearline-Agreement": AGREEMENT, **made}


def claim(headers: Headers, method: str = "GET", **parts: Any) -> Claim:  # noqa: ANN401
    said = {"url": URL, "path": PATH.encode(), "query": QUERY.encode()} | parts
    raw = [(name.lower().encode(), value.encode("latin-1")) for name, value in headers.items()]
    found = claim_of(method, headers=raw, **said)
    assert found is not None
    return found


def refused(act: Callable[[], object]) -> str:
    with pytest.raises(UnprovenError) as caught:
        act()
    return caught.value.code


# ------------------------------------------------------------------------------------ what holds


def test_a_signed_request_holds() -> None:
    found = claim(signed())
    found.check_moment(NOW)
    found.check_key(SIGNATORY, NOW)
    found.check_body(b"")
    assert (found.party, found.digest) == ("south-isac", None)
    assert found.base.decode().splitlines()[:3] == [
        '"@method": GET',
        f'"@target-uri": {URL}{PATH}?{QUERY}',
        f'"tearline-agreement": {AGREEMENT}',
    ]


def test_a_body_is_covered_by_its_digest() -> None:
    found = claim(signed("POST", body=b"a message"), "POST")
    found.check_key(SIGNATORY, NOW)
    found.check_body(b"a message")
    assert refused(lambda: found.check_body(b"another")) == "digest"
    assert refused(lambda: found.check_body(b"")) == "digest"
    assert refused(lambda: claim(signed("POST"), "POST").check_body(b"added")) == "digest"


def test_each_request_has_a_nonce_of_its_own() -> None:
    assert len({claim(signed()).nonce for _ in range(100)}) == 100


def test_the_signer_of_a_home_is_the_one_its_card_names(tmp_path: Path) -> None:
    home = create_home(tmp_path / "home", "South ISAC", None, NOW)
    with home.store.read() as tx:
        signatory = signatory_of(our_cards(tx, home))
    signer = Signer.of(home)
    assert [signer.keyid] == list(signatory.keys) == [keyid_of(home.card.sign)]
    made = signer.headers(
        "GET", target_of(URL, f"{PATH}?{QUERY}"), agreement=None, body=b"", at=NOW
    )
    claim(made).check_key(signatory, NOW)
    home.store.close()


def test_while_keys_overlap_either_signs_and_a_revoked_one_never(tmp_path: Path) -> None:
    home = create_home(tmp_path / "home", "South ISAC", None, NOW)
    target, now = target_of(URL, f"{PATH}?{QUERY}"), NOW

    def by(signer: Signer, at: int) -> str | None:
        made = signer.headers("GET", target, agreement=None, body=b"", at=at)
        with home.store.read() as tx:
            signatory = signatory_of(our_cards(tx, home))
        try:
            claim(made).check_key(signatory, at)
        except UnprovenError as error:
            return error.code
        return None

    old = Signer.of(home)
    rotate(home, "sign", overlap_days=1, now=now + 1)
    new = Signer.of(home)
    assert old.keyid != new.keyid
    assert (by(old, now + 2), by(new, now + 2)) == (None, None)
    later = now + 86_400_000_000 + 1
    assert (by(old, later), by(new, later)) == ("key", None)
    revoke(home, "sign", now + 2, "lost", now=now + 3)
    assert (by(old, now + 4), by(new, now + 4)) == ("key", "key")
    assert by(Signer.of(home), now + 4) is None
    home.store.close()


# ------------------------------------------------------------------------- what does not hold


def test_a_request_without_a_signature_claims_nothing() -> None:
    assert claim_of("GET", URL, b"/", b"", [(b"accept", b"*/*")]) is None


@pytest.mark.parametrize(
    ("method", "parts"),
    [
        ("HEAD", {}),
        ("GET", {"path": b"/taxii2/other/"}),
        ("GET", {"query": QUERY.encode() + b"0"}),
        ("GET", {"query": b""}),
        ("GET", {"url": "https://south.example/here"}),
        ("GET", {"url": "http://north.example/here"}),
    ],
)
def test_a_signature_of_another_request_is_refused(method: str, parts: dict[str, Any]) -> None:
    found = claim(signed(), method, **parts)
    assert refused(lambda: found.check_key(SIGNATORY, NOW)) == "signature"


def test_a_signature_for_another_agreement_is_refused() -> None:
    moved = signed() | {"Tearline-Agreement": "sha256:" + "6" * 64}
    assert refused(lambda: claim(moved).check_key(SIGNATORY, NOW)) == "signature"
    bare = signed()
    del bare["Tearline-Agreement"]
    assert refused(lambda: claim(bare)) == "covers"
    added = SIGNER.headers("GET", target_of(URL, PATH), agreement=None, body=b"", at=NOW)
    assert refused(lambda: claim(added | {"Tearline-Agreement": AGREEMENT})) == "covers"


def test_another_key_is_refused_and_so_is_one_whose_card_expired() -> None:
    key = SIGNATORY.keys[SIGNER.keyid]
    other = SIGNATORY._replace(keys={"south-isac/sign+ffffffff": key})
    stolen = SIGNATORY._replace(keys={SIGNER.keyid: (b"\7" * 32, key[1])})
    assert refused(lambda: claim(signed()).check_key(other, NOW)) == "key"
    assert refused(lambda: claim(signed()).check_key(NOBODY, NOW)) == "key"
    assert refused(lambda: claim(signed()).check_key(stolen, NOW)) == "signature"
    assert refused(lambda: claim(signed()).check_key(SIGNATORY, SIGNATORY.expires_at)) == "key"


@pytest.mark.parametrize("way", [-1, 1])
def test_a_minute_is_the_window_and_two_the_end(way: int) -> None:
    found = claim(signed())
    found.check_moment(NOW + way * WINDOW_US)
    assert refused(lambda: found.check_moment(NOW + way * (WINDOW_US + 1))) == "window"
    assert refused(lambda: found.check_moment(NOW + way * SKEW_US)) == "window"
    assert refused(lambda: found.check_moment(NOW + way * (SKEW_US + 1))) == "clock"
    assert refused(lambda: found.check_moment(NOW + way * 600_000_000)) == "clock"


def test_as_long_as_it_is_good_its_nonce_is_kept() -> None:
    found = claim(signed(at=NOW + 999_999))
    assert refused(lambda: found.check_moment(found.until_at)) == "window"


@pytest.mark.parametrize(
    ("header", "before", "after"),
    [
        ("Signature-Input", "tearline=", "other="),
        ("Signature-Input", TAG, "other-tag"),
        ("Signature-Input", ";created=", ";created=0"),
        ("Signature-Input", ";created=", ";expires=9;created="),
        ("Signature-Input", "/sign+", "/log+"),
        ("Signature-Input", '"@method"', '"@method" "@method"'),
        ("Signature-Input", '"@method" ', ""),
        ("Signature-Input", '"@target-uri" ', '"@path" '),
        ("Signature", ":", ""),
        ("Signature", "==", "="),
        ("Signature", "tearline=:", "tearline=:AAAA"),
        ("Signature", "tearline=", "tearline=:AA==:, tearline="),
    ],
)
def test_what_is_written_in_another_form_is_refused(header: str, before: str, after: str) -> None:
    bent = signed()
    assert before in bent[header]
    bent[header] = bent[header].replace(before, after)
    assert refused(lambda: claim(bent)) in {"form", "covers"}


def test_the_bits_that_base64_leaves_over_have_to_be_nothing() -> None:
    """Else one signature could be sent in sixteen ways, and a balancer would not know it again."""
    made = signed()
    head, last = made["Signature"][:-4], made["Signature"][-4]
    reasons = {last: "form"}
    for other in "ABCDEFGHIJKLMNOPQRSTUVWXYZ".replace(last, ""):
        bent = made | {"Signature": f"{head}{other}==:"}
        reasons[other] = refused(partial(_check, bent))
    assert set(reasons.values()) <= {"form", "signature"}
    assert [reasons[each] for each in "BCDEF" if each != last] == ["form"] * (5 - (last in "BCDEF"))


def _check(headers: Headers) -> None:
    claim(headers).check_key(SIGNATORY, NOW)


def test_a_header_that_comes_twice_is_refused() -> None:
    raw = [(name.lower().encode(), value.encode()) for name, value in signed().items()]
    for each in raw:
        assert refused(partial(claim_of, "GET", URL, b"/", b"", [*raw, each])) == "form"


@given(
    st.dictionaries(
        st.sampled_from(["Signature", "Signature-Input", "Content-Digest", "Tearline-Agreement"]),
        st.text(st.characters(max_codepoint=255)),
        min_size=1,
    ),
    st.binary(max_size=40),
)
def test_whatever_the_headers_hold_the_answer_is_a_reason(bent: Headers, path: bytes) -> None:
    headers = signed() | bent
    raw = [(name.lower().encode(), value.encode("latin-1")) for name, value in headers.items()]

    def check() -> None:
        found = claim_of("GET", URL, path, b"", raw)
        assert found is not None
        found.check_key(SIGNATORY, NOW)

    assert refused(check) in {"form", "covers", "signature", "key"}


# ------------------------------------------------------------------------- as others understand it


class Known(HTTPSignatureKeyResolver):
    def resolve_public_key(self, key_id: str) -> Any:  # noqa: ANN401
        assert key_id == SIGNER.keyid
        return KEY.public_key()

    def resolve_private_key(self, key_id: str) -> Any:  # noqa: ANN401
        assert key_id == SIGNER.keyid
        return KEY


@pytest.fixture
def asked() -> requests.PreparedRequest:
    return requests.Request("POST", f"{URL}{PATH}?{QUERY}", data=b"a message").prepare()


def test_another_implementation_verifies_what_we_sign(asked: requests.PreparedRequest) -> None:
    made = SIGNER.headers(
        "POST",
        target_of(URL, f"{PATH}?{QUERY}"),
        agreement=AGREEMENT,
        body=b"a message",
        at=int(datetime.now(UTC).timestamp() * 1_000_000),
    )
    asked.headers.update({"Tearline-Agreement": AGREEMENT, **made})
    verifier = HTTPMessageVerifier(signature_algorithm=algorithms.ED25519, key_resolver=Known())
    covered = ("@method", "@target-uri", "content-digest", "tearline-agreement")
    results = verifier.verify(
        asked,
        max_age=timedelta(seconds=60),
        expect_tag=TAG,
        require_components=covered,
        body=b"a message",
    )
    (result,) = results
    assert result.parameters["tag"] == TAG


def test_we_verify_what_another_implementation_signs(asked: requests.PreparedRequest) -> None:
    at = datetime.fromtimestamp(NOW // 1_000_000, UTC)
    asked.headers["Tearline-Agreement"] = AGREEMENT
    asked.headers["Content-Digest"] = digest_of(b"a message")
    HTTPMessageSigner(signature_algorithm=algorithms.ED25519, key_resolver=Known()).sign(
        asked,
        key_id=SIGNER.keyid,
        created=at,
        nonce="a-nonce-of-their-own",
        label="tearline",
        tag=TAG,
        include_alg=False,
        covered_component_ids=("@method", "@target-uri", "content-digest", "tearline-agreement"),
        use_existing_digest=True,
    )
    said = str(asked.headers["Signature-Input"])
    assert f';keyid="{SIGNER.keyid}"' in said
    found = claim({name: str(value) for name, value in asked.headers.items()}, "POST")
    found.check_key(SIGNATORY, NOW)
    found.check_body(b"a message")
    assert base64.b64encode(found.signature).decode() in str(asked.headers["Signature"])
