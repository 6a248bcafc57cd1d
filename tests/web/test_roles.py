"""Role by route: who gets each page, form and call, and for whom it is not there."""

import re

import pytest

from tearline.web.page import Call, Form
from tearline.web.pages import CALLS, FORMS, PAGES
from tearline.web.signing_in import ROLES
from tests.pair import Pair, make_pair
from tests.web.site import site

ALL: set[str] = set(ROLES)
WEIGHING = ALL - {"reader"}
APPROVING = {"approver", "officer"}
ADMIN = {"admin"}
WRITING = {"analyst", "officer", "admin"}
BINDING = {"officer", "admin"}
JUDGING = {"analyst", "officer"}
WATCHING = {"officer", "overseer", "admin"}

# Written out here once more, so that a role that is changed by mistake is seen.
PAGES_FOR = {
    "/": ALL,
    "/queue": WEIGHING,
    "/queue/{item}": WEIGHING,
    "/objects": ALL,
    "/objects/counts": ALL,
    "/objects/{id}": ALL,
    "/objects/{id}/recall/{party}": BINDING,
    "/claims": ALL,
    "/claims/{id}": ALL,
    "/sources/{id}": ALL,
    "/map": ALL,
    "/explore": ALL,
    "/hypotheses": ALL,
    "/hypotheses/{id}": ALL,
    "/agreements": ALL,
    "/agreements/new": WRITING,
    "/agreements/{id}": ALL,
    "/agreements/{id}/change": WRITING,
    "/agreements/{id}/statements/{statement}": ALL,
    "/partners": ALL,
    "/partners/{party}": ALL,
    "/partners/{party}/exit": WATCHING,
    "/recalls": ALL,
    "/quarantine": WEIGHING,
    "/quarantine/{agreement}/{hash}": WEIGHING,
    "/holds": WEIGHING,
    "/log": WEIGHING,
    "/log/check": WEIGHING,
    "/log/{side}/{id}": WEIGHING,
    "/log/{side}/{id}/{leaf}": WEIGHING,
    "/import": WRITING,
    "/import/{id}": WRITING,
    "/settings": ALL,
    "/account": ALL,
}
ACTS_FOR = {
    "/objects/views": ALL,
    "/objects/views/delete": ALL,
    "/objects/{id}/say": WRITING,
    "/objects/{id}/recall/{party}": BINDING,
    "/claims/{id}/grade": JUDGING,
    "/claims/{id}/alike": JUDGING,
    "/claims/{id}/apart": JUDGING,
    "/claims/{id}/tie": JUDGING,
    "/sources/{id}/discredit": JUDGING,
    "/sources/{id}/rely": JUDGING,
    "/sources/{id}/same": JUDGING,
    "/sources/{id}/apart": JUDGING,
    "/agreements/new": WRITING,
    "/agreements/{id}/change": WRITING,
    "/agreements/{id}/change/drop": WRITING,
    "/agreements/{id}/propose": BINDING,
    "/agreements/{id}/step": BINDING,
    "/quarantine/{agreement}/{hash}": WRITING,
    "/partners/{party}/exit": BINDING,
    "/holds": WRITING,
    "/holds/end": BINDING,
    "/import/{id}/cancel": WRITING,
    "/hypotheses": WRITING,
    "/hypotheses/{id}/change": WRITING,
    "/hypotheses/{id}/rate": WRITING,
    "/settings/end": ADMIN,
    "/account/passkeys/rename": ALL,
    "/account/passkeys/remove": ALL,
    "/account/sessions/end": ALL,
    "/account/passkeys/begin": ALL,
    "/account/passkeys": ALL,
    "/queue/{item}/begin": APPROVING,
    "/queue/{item}/say": APPROVING,
}
PROVEN = {
    "/objects/{id}/say",
    "/objects/{id}/recall/{party}",
    "/claims/{id}/grade",
    "/claims/{id}/alike",
    "/claims/{id}/apart",
    "/claims/{id}/tie",
    "/sources/{id}/discredit",
    "/sources/{id}/rely",
    "/sources/{id}/same",
    "/sources/{id}/apart",
    "/agreements/{id}/propose",
    "/agreements/{id}/step",
    "/partners/{party}/exit",
    "/holds/end",
    "/settings/end",
    "/account/passkeys/remove",
    "/account/passkeys/begin",
    "/account/passkeys",
}
"""What is done only by whoever showed of late who they are: it binds, or it changes keys."""


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    return make_pair(tmp_path_factory.mktemp("roles"))


def test_every_route_is_in_the_table() -> None:
    assert {each.path for each in PAGES} == PAGES_FOR.keys()
    acts: list[Form | Call] = [*FORMS, *CALLS]
    assert {each.path for each in acts} == ACTS_FOR.keys()
    assert {each.path for each in acts if each.proven} == PROVEN


@pytest.mark.parametrize("role", ROLES)
def test_what_a_role_may_not_is_not_there(pair: Pair, role: str) -> None:
    """Where there is such a thing an act answers with a refusal, and never as if it were absent."""
    with site(pair.north, role) as client:
        for path, roles in PAGES_FOR.items():
            if "{" in path:
                continue
            may = role in roles
            assert client.get(path).status_code == (200 if may else 404), path
            beside = "/home.json" if path == "/" else f"{path}.json"
            assert client.get(beside).status_code == (200 if may else 404), path
        for path, roles in ACTS_FOR.items():
            reply = client.post(re.sub(r"\{\w+\}", "none", path))
            absent = "There is no such page" in reply.text
            assert absent == (role not in roles), (path, reply.text)
            fine = {404} if absent else {200, 303, 400, 404}
            assert reply.status_code in fine, path


@pytest.mark.parametrize("role", sorted(ALL - WEIGHING))
def test_a_thing_behind_a_page_is_not_there_either(pair: Pair, role: str) -> None:
    with site(pair.north, role) as client:
        for path in (
            each for each, roles in PAGES_FOR.items() if "{" in each and role not in roles
        ):
            for at in (path, f"{path}.json"):
                reply = client.get(re.sub(r"\{\w+\}", "none", at))
                assert (reply.status_code, "no such page" in reply.text) == (404, True)
