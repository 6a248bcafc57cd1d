"""A small OpenID provider on loopback, with keys of its own, which can be told to lie."""

import base64
import hashlib
from typing import Any
from urllib.parse import parse_qs, urlencode

from joserfc import jwt
from joserfc.jwk import RSAKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

CLIENT, SECRET = "tearline", "a secret: of both/alone"


class Provider:
    """Signs in whoever comes as `claims` say; `lies` goes over what is true, `key` signs."""

    def __init__(self) -> None:
        self.url = ""
        self.now = 0
        self.key = self.shown = RSAKey.generate_key(2048, parameters={"kid": "one"})
        self.claims: dict[str, Any] = {
            "sub": "ada-1",
            "preferred_username": "Ada",
            "groups": ["staff", "release"],
        }
        self.lies: dict[str, Any] = {}
        self.codes: dict[str, dict[str, str]] = {}
        self.asked: dict[str, str] = {}

    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/.well-known/openid-configuration", self._configuration),
                Route("/authorize", self._authorize),
                Route("/token", self._token, methods=["POST"]),
                Route("/keys", self._keys),
            ]
        )

    def _configuration(self, _request: Request) -> Response:
        found = {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/keys",
        }
        return JSONResponse(found | self.lies.get("configuration", {}))

    def _authorize(self, request: Request) -> Response:
        self.asked = dict(request.query_params)
        assert self.asked["response_type"] == "code"
        assert self.asked["client_id"] == CLIENT
        assert self.asked["code_challenge_method"] == "S256"
        code = f"code-{len(self.codes)}"
        self.codes[code] = self.asked
        back = {"code": code, "state": self.asked["state"], "iss": self.url}
        back |= self.lies.get("back", {})
        return RedirectResponse(f"{self.asked['redirect_uri']}?{urlencode(back)}", 303)

    async def _token(self, request: Request) -> Response:
        form = {k: v[0] for k, v in parse_qs((await request.body()).decode()).items()}
        name, _, secret = (
            base64.b64decode(request.headers["authorization"].removeprefix("Basic "))
            .decode()
            .partition(":")
        )
        asked = self.codes.pop(form["code"], None)
        proof = hashlib.sha256(form["code_verifier"].encode()).digest()
        right = (
            asked is not None
            and (name, secret) == (CLIENT, "a%20secret%3A%20of%20both%2Falone")
            and base64.urlsafe_b64encode(proof).rstrip(b"=").decode() == asked["code_challenge"]
            and form["redirect_uri"] == asked["redirect_uri"]
        )
        if not right or asked is None:
            return JSONResponse({"error": "invalid_grant"}, 400)
        now = self.now // 1_000_000
        said = {"iss": self.url, "aud": CLIENT, "iat": now, "exp": now + 300, "auth_time": now}
        said |= {"nonce": asked["nonce"]} | self.claims | self.lies.get("claims", {})
        said = {k: v for k, v in said.items() if v is not None}
        header = {"alg": "RS256", "kid": "one"} | self.lies.get("header", {})
        token = jwt.encode(header, said, self.key, algorithms=[header["alg"]])
        return JSONResponse({"access_token": "x", "token_type": "Bearer", "id_token": token})

    def _keys(self, _request: Request) -> Response:
        return JSONResponse({"keys": [self.shown.as_dict(private=False)]})
