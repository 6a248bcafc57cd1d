"""The organisation's sign-on, against a real small provider: who gets in, and every lie."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from joserfc.jwk import OctKey, RSAKey
from playwright.sync_api import Browser
from starlette.applications import Starlette
from starlette.testclient import TestClient

from tearline import clock
from tearline.agreement.home import create_home
from tearline.config import Settings
from tearline.errors import MisuseError
from tearline.web import oidc, sign_on, signing_in, where
from tearline.web.app import routes
from tests.pair import START
from tests.web.provider import CLIENT, SECRET, Provider
from tests.web.served import NEEDS_CHROMIUM, ONE_BROWSER, on_a_port
from tests.web.site import PASSWORD

AT = "http://localhost:8400"


@pytest.fixture(scope="module")
def made() -> Iterator[Provider]:
    found = Provider()
    with on_a_port(found.app()) as url:
        found.url = url
        yield found


@pytest.fixture
def provider(made: Provider) -> Provider:
    fresh = Provider()
    for name in ("key", "shown", "claims", "lies", "codes"):
        setattr(made, name, getattr(fresh, name) if name != "key" else made.key)
    made.shown = made.key
    return made


def put(patch: pytest.MonkeyPatch, folder: Path, issuer: str, **other: object) -> None:
    """Let the settings name a provider."""
    secret = folder / "secret"
    secret.write_text(f"{SECRET}\n")
    given = {
        "pages_url": AT,
        "oidc_issuer": issuer,
        "oidc_client_id": CLIENT,
        "oidc_secret_file": secret,
        "oidc_name": "the house",
        "oidc_roles": "release=officer, staff=reader, root=admin",
    }
    found = Settings.model_validate(given | other)
    for module in (sign_on, where):
        patch.setattr(module, "settings", lambda: found)


class Alone:
    """A home, and its clock."""

    def __init__(self, folder: Path) -> None:
        self.north = create_home(folder / "north", "North CERT", None, START)
        self.now = START

    def tick(self, span: int = 1_000_000) -> int:
        self.now += span
        return self.now


class Site:
    """A browser at the pages of North, which follows to the provider and back."""

    def __init__(self, pair: Alone, provider: Provider, client: TestClient) -> None:
        self.pair, self.provider, self.client = pair, provider, client

    def out(self, query: str = "?next=/queue") -> str:
        reply = self.client.get(f"/sign-in/sign-on{query}")
        assert reply.status_code == 303, reply.text
        return reply.headers["location"]

    def at_the_house(self, way: str) -> str:
        self.provider.now = self.pair.now
        reply = httpx2.get(way, follow_redirects=False)
        assert reply.status_code == 303, reply.text
        back: str = reply.headers["location"]
        assert back.startswith(f"{AT}/sign-in/sign-on/back?")
        return back.removeprefix(AT)

    def sign_in(self, query: str = "?next=/queue") -> httpx2.Response:
        return self.client.get(self.at_the_house(self.out(query)))


@pytest.fixture
def site(tmp_path: Path, provider: Provider, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    pair = Alone(tmp_path)
    monkeypatch.setattr(clock, "now", pair.tick)
    put(monkeypatch, tmp_path, provider.url)
    app = Starlette(routes=routes(lambda: pair.north))
    with TestClient(app, base_url=AT, follow_redirects=False, headers={"Origin": AT}) as client:
        yield Site(pair, provider, client)


def test_who_has_a_role_there_comes_in_and_goes_on_by_a_page_of_ours(site: Site) -> None:
    assert "Sign in with the house" in site.client.get("/sign-in").text
    reply = site.sign_in()
    assert reply.status_code == 200, reply.text
    assert 'content="0; url=/queue"' in reply.text
    assert "SameSite=strict" in reply.headers["set-cookie"]
    found = site.client.get("/account.json").json()
    assert (found["name"], found["role"]) == ("ada", "officer")
    site.provider.claims["groups"] = "staff"
    assert site.sign_in().status_code == 200
    assert site.client.get("/account.json").json()["role"] == "reader", "as it is there now"
    names = [each.name for each in signing_in.everybody(site.pair.north)]
    assert names == ["ada"]
    given = {"name": "ada", "password": ""}
    assert site.client.post("/sign-in", data=given).status_code == 403


def _kept(**claims: object) -> dict[str, object]:
    return {"claims": claims}


@pytest.mark.parametrize(
    ("lies", "why"),
    [
        (_kept(nonce="another"), "answers another question"),
        (_kept(nonce=None), "answers another question"),
        (_kept(aud="somebody"), "for somebody else"),
        (_kept(aud=[CLIENT, "somebody"]), "for somebody else"),
        (_kept(aud=CLIENT, azp="somebody"), "for somebody else"),
        (_kept(aud=None), "for somebody else"),
        (_kept(iss="https://elsewhere.example"), "of another issuer"),
        (_kept(exp=1), "it is over"),
        (_kept(exp=None), "it is over"),
        (_kept(iat=2**40), "a time to come"),
        (_kept(sub=""), "names nobody"),
        (_kept(sub=7), "names nobody"),
        ({"header": {"kid": "two"}}, "no key of the issuer"),
        ({"configuration": {"issuer": "https://elsewhere.example"}}, "calls itself otherwise"),
        ({"configuration": {"token_endpoint": "http://elsewhere.example/"}}, "not over HTTPS"),
        ({"back": {"iss": "https://elsewhere.example"}}, "let nobody in"),
        ({"back": {"code": "another"}}, "answered 400"),
        ({"back": {"state": "AAAA"}}, "counts no more"),
        ({"back": {"state": "not base64"}}, "not base64url"),
    ],
)
def test_a_lie_lets_nobody_in(site: Site, lies: dict[str, Any], why: str) -> None:
    way = site.out()
    site.provider.lies = lies
    reply = site.client.get(site.at_the_house(way))
    assert reply.status_code == 403
    assert why in reply.text
    assert site.client.get("/").status_code == 303
    assert signing_in.everybody(site.pair.north) == []


def test_another_key_or_a_shared_secret_signs_nothing(site: Site) -> None:
    site.provider.key = RSAKey.generate_key(2048, parameters={"kid": "one"})
    assert "no key of the issuer" in site.sign_in().text
    site.provider.key = OctKey.import_key(SECRET * 2)  # type: ignore[assignment]
    site.provider.lies = {"header": {"alg": "HS256"}}
    assert "no key of the issuer" in site.sign_in().text
    site.provider.key = site.provider.shown


def test_a_way_back_counts_once_and_in_one_browser(site: Site) -> None:
    back = site.at_the_house(site.out())
    app = site.client.app
    with TestClient(app, base_url=AT, follow_redirects=False) as other:
        assert "counts no more" in other.get(back).text
    assert "counts no more" in site.client.get(back).text, "it was tried"
    back = site.at_the_house(site.out())
    assert site.client.get(back).status_code == 200
    assert site.client.get(back).status_code == 403
    back = site.at_the_house(site.out())
    site.pair.tick(601_000_000)
    assert "counts no more" in site.client.get(back).text


def test_who_has_no_role_has_no_account_and_loses_the_session(site: Site) -> None:
    site.provider.claims["groups"] = ["visitors"]
    assert "does not let you in" in site.sign_in().text
    assert signing_in.everybody(site.pair.north) == []
    site.provider.claims["groups"] = ["release"]
    site.sign_in()
    cookie = site.client.cookies["tearline"]
    site.provider.claims["groups"] = []
    assert "does not let you in" in site.sign_in().text
    assert signing_in.viewer(site.pair.north, cookie, now=clock.now()) is None


def test_who_was_ended_here_stays_ended(site: Site) -> None:
    site.sign_in()
    signing_in.end(site.pair.north, "ada", "left", now=clock.now())
    assert "does not let you in" in site.sign_in().text
    assert site.client.get("/").status_code == 303


def test_a_name_that_is_taken_is_not_given(site: Site) -> None:
    token = signing_in.invite(site.pair.north, "ada", "admin", now=clock.now())
    signing_in.accept(site.pair.north, token, PASSWORD, now=clock.now())
    assert "somebody called ada" in site.sign_in().text
    site.provider.claims["sub"] = "ada-2"
    site.provider.claims["preferred_username"] = "bo"
    assert site.sign_in().status_code == 200


def test_what_binds_is_proven_at_the_sign_on_anew(site: Site) -> None:
    site.sign_in()
    site.pair.tick(signing_in.PROVEN)
    assert "Go on with the house" in site.client.get("/prove?next=/account").text
    query = "?prove=1&next=/account"
    site.provider.lies = _kept(auth_time=None)
    assert "just signed in" in site.sign_in(query).text
    site.provider.lies = _kept(auth_time=site.pair.now // 1_000_000 - 3_600)
    assert "just signed in" in site.sign_in(query).text
    site.provider.lies = _kept(sub="somebody")
    assert "Somebody else" in site.sign_in(query).text
    site.provider.lies = {}
    who = signing_in.viewer(site.pair.north, site.client.cookies["tearline"], now=clock.now())
    assert who is not None
    before = who.proven_at
    assert 'content="0; url=/account"' in site.sign_in(query).text
    assert (site.provider.asked["prompt"], site.provider.asked["max_age"]) == ("login", "0")
    who = signing_in.viewer(site.pair.north, site.client.cookies["tearline"], now=clock.now())
    assert who is not None
    assert who.proven_at > before


def test_without_settings_there_is_no_such_door(
    site: Site, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    put(monkeypatch, tmp_path, "")
    assert "the house" not in site.client.get("/sign-in").text
    assert site.client.get("/sign-in/sign-on").status_code == 400
    assert site.client.get("/sign-in/sign-on/back?state=AAAA&code=x").status_code == 403
    put(monkeypatch, tmp_path, "http://sign-on.example")
    assert "over HTTPS" in site.client.get("/sign-in/sign-on").text
    put(monkeypatch, tmp_path, "http://127.0.0.1:9")
    assert "cannot be reached" in site.client.get("/sign-in/sign-on").text


@pytest.mark.parametrize("to", ["https://elsewhere.example/", "//elsewhere.example"])
def test_nobody_is_sent_elsewhere(site: Site, to: str) -> None:
    assert 'content="0; url=/"' in site.sign_in(f"?next={to}").text


def test_the_first_pair_that_fits_is_the_role() -> None:
    mapping = "a=admin, cn=x,dc=y=reader , b=officer"
    assert oidc.role_of(["b", "a"], mapping.replace("cn=x,", "")) == "admin"
    assert oidc.role_of("dc=y", mapping.replace("cn=x,", "")) == "reader"
    assert oidc.role_of(["c"], "a=admin") is None
    assert oidc.role_of(None, "") is None
    for wrong in ("a", "a=root", "=x"):
        with pytest.raises(MisuseError):
            oidc.role_of("a", wrong)


@NEEDS_CHROMIUM
@ONE_BROWSER
def test_a_real_browser_goes_there_and_back(
    tmp_path: Path, provider: Provider, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    pair = Alone(tmp_path)
    provider.now = clock.now()
    app = Starlette(routes=routes(lambda: pair.north))
    with on_a_port(app, "localhost") as at:
        put(monkeypatch, tmp_path, provider.url, pages_url=at)
        page = browser.new_page()
        page.goto(f"{at}/queue")
        page.click("text=Sign in with the house")
        page.wait_for_url(f"{at}/queue")
        assert "ada" in page.inner_text("header")
