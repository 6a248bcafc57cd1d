"""The sign-on of the organisation by OpenID Connect: who comes back from it, and with which role.

Authorization code flow with PKCE (RFC 7636), state and nonce. An ID token is believed when a key of
the issuer signed it for us, just now, in answer to this very question (OpenID Connect Core,
3.1.3.7). What goes out is three requests to the one issuer that the settings name, and nothing that
a browser or a token says changes where they go.
"""

import base64
import hashlib
from collections.abc import Mapping
from typing import Any, NamedTuple, get_args
from urllib.parse import quote, urlencode, urlsplit

import httpx
import msgspec
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from tearline.config import Settings
from tearline.errors import MisuseError, ProofError, TearlineError
from tearline.web.signing_in import Role

_KINDS = ["RS256", "PS256", "ES256", "Ed25519", "EdDSA"]
"""Signatures by keys that the issuer alone has; never none, never a shared secret."""
_SECONDS = 10
_MOST_BYTES = 1 << 20
_SKEW_S = 60
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}


class SignOnError(TearlineError):
    """The sign-on could not be asked, or answered what cannot be believed."""


class Provider(NamedTuple):
    """Where an issuer takes people, gives tokens, and shows its keys."""

    issuer: str
    authorize: str
    token: str
    keys: str


class Known(NamedTuple):
    """Who somebody is at the sign-on: subject, name, the role that the mapping gives, and since."""

    subject: str
    name: str
    role: Role | None
    shown_at_s: int | None


def is_set(settings: Settings) -> bool:
    """Whether the settings name a sign-on."""
    return bool(settings.oidc_issuer and settings.oidc_client_id)


def provider(settings: Settings) -> Provider:
    """Read where the issuer's parts are (OpenID Connect Discovery 4)."""
    issuer = settings.oidc_issuer.rstrip("/")
    said = _asked("GET", f"{issuer}/.well-known/openid-configuration")
    if str(said.get("issuer", "")).rstrip("/") != issuer:
        raise SignOnError("The sign-on calls itself otherwise than the settings do.")
    parts = [said.get(n) for n in ("authorization_endpoint", "token_endpoint", "jwks_uri")]
    if not all(isinstance(each, str) and _safe(each) for each in parts):
        raise SignOnError("The sign-on does not say where it is, or not over HTTPS.")
    return Provider(str(said["issuer"]), *map(str, parts))


def way(  # what the browser takes along
    found: Provider,
    settings: Settings,
    back: str,
    state: str,
    nonce: str,
    verifier: str,
    *,
    anew: bool,
) -> str:
    """The address to which a browser goes to sign in; `anew` asks for it even who is signed in."""
    challenge = hashlib.sha256(verifier.encode()).digest()
    query = {
        "response_type": "code",
        "client_id": settings.oidc_client_id,
        "redirect_uri": back,
        "scope": settings.oidc_scopes,
        "state": state,
        "nonce": nonce,
        "code_challenge": base64.urlsafe_b64encode(challenge).rstrip(b"=").decode(),
        "code_challenge_method": "S256",
    }
    query |= {"prompt": "login", "max_age": "0"} if anew else {}
    joint = "&" if urlsplit(found.authorize).query else "?"
    return f"{found.authorize}{joint}{urlencode(query)}"


def redeem(  # what the issuer is held against
    found: Provider,
    settings: Settings,
    back: str,
    code: str,
    nonce: str,
    verifier: str,
    *,
    now: int,
) -> Known:
    """Turn a code into who somebody is; ProofError when the answer cannot be believed."""
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": back,
        "code_verifier": verifier,
        "client_id": settings.oidc_client_id,
    }
    secret = _secret(settings)
    auth = None
    if secret:
        auth = httpx.BasicAuth(quote(settings.oidc_client_id, safe=""), quote(secret, safe=""))
    said = _asked("POST", found.token, form, auth)
    claims = _believed(str(said.get("id_token", "")), found, settings, nonce, now // 1_000_000)
    shown = claims.get("auth_time")
    return Known(
        f"{found.issuer} {claims['sub']}",
        str(claims.get(settings.oidc_name_claim) or claims["sub"]),
        role_of(claims.get(settings.oidc_claim), settings.oidc_roles),
        shown if isinstance(shown, int) else None,
    )


def role_of(claim: object, mapping: str) -> Role | None:
    """The role that a claim gives, by the first pair `value=role` that fits; None for none.

    MisuseError when the mapping cannot be read.
    """
    values = {str(each) for each in claim} if isinstance(claim, list) else {str(claim)}
    for pair in filter(None, (each.strip() for each in mapping.split(","))):
        value, mark, role = pair.rpartition("=")
        if not mark or role not in get_args(Role):
            raise MisuseError(f"TEARLINE_OIDC_ROLES: {pair} is no value=role.", do="Write it anew.")
        if value in values:
            return role  # type: ignore[return-value]  # one of them, as was just seen
    return None


def _believed(
    token: str, found: Provider, settings: Settings, nonce: str, now_s: int
) -> Mapping[str, Any]:
    try:
        keys = KeySet.import_key_set(_asked("GET", found.keys))  # type: ignore[arg-type]
        claims = jwt.decode(token, keys, algorithms=_KINDS).claims
    except (JoseError, ValueError, KeyError, TypeError) as error:
        raise _not_believed("no key of the issuer signed it") from error
    heard = claims.get("aud")
    hearers = heard if isinstance(heard, list) else [heard]
    until, since = claims.get("exp"), claims.get("iat")
    faults = {
        "it is of another issuer": claims.get("iss") != found.issuer,
        "it is for somebody else": settings.oidc_client_id not in hearers
        or claims.get("azp", settings.oidc_client_id) != settings.oidc_client_id
        or (len(hearers) > 1 and "azp" not in claims),
        "it is over": not isinstance(until, int | float) or until + _SKEW_S <= now_s,
        "it is of a time to come": not isinstance(since, int | float) or since - _SKEW_S > now_s,
        "it answers another question": claims.get("nonce") != nonce,
        "it names nobody": not isinstance(claims.get("sub"), str) or not claims["sub"],
    }
    for why, wrong in faults.items():
        if wrong:
            raise _not_believed(why)
    return claims


def _not_believed(why: str) -> ProofError:
    return ProofError(f"The sign-on's answer is not believed: {why}.", do="Sign in again.")


def _secret(settings: Settings) -> str:
    if settings.oidc_secret_file is None:
        return ""
    try:
        return settings.oidc_secret_file.read_text("utf-8").strip()
    except OSError as error:
        raise MisuseError(
            "The secret of the sign-on cannot be read.", do="See TEARLINE_OIDC_SECRET_FILE."
        ) from error


def _safe(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)


def _asked(
    method: str, url: str, form: Mapping[str, str] | None = None, auth: httpx.Auth | None = None
) -> dict[str, Any]:
    """Ask the issuer for a JSON object, in a bounded time and size; follows nowhere."""
    if not _safe(url):
        raise MisuseError("The sign-on has to be asked over HTTPS.", do="See TEARLINE_OIDC_ISSUER.")
    trust = urlsplit(url).hostname not in _LOOPBACK
    body = b""
    try:
        with (
            httpx.Client(timeout=_SECONDS, follow_redirects=False, trust_env=trust) as client,
            client.stream(method, url, data=form, auth=auth or httpx.USE_CLIENT_DEFAULT) as reply,
        ):
            for part in reply.iter_bytes():
                body += part
                if len(body) > _MOST_BYTES:
                    raise SignOnError("The sign-on answered too much.")
            if not reply.is_success:
                raise SignOnError(f"The sign-on answered {reply.status_code}.", do="Sign in again.")
        return msgspec.json.decode(body, type=dict[str, Any])
    except (httpx.HTTPError, msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise SignOnError(
            "The sign-on cannot be reached, or does not answer as one.",
            do="Try again, or sign in with a password.",
        ) from error
