"""The description of the TAXII surface against a node: schemathesis asks for all that it names."""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, NoReturn

import pytest
import requests
import schemathesis
from hypothesis import given, settings
from schemathesis import Case, GenerationMode, Response
from schemathesis.config import (
    CoveragePhaseConfig,
    GenerationConfig,
    PhasesConfig,
    ProjectConfig,
    ProjectsConfig,
    SchemathesisConfig,
)
from schemathesis.core.result import Ok
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.checks import ignored_auth

from tearline import clock
from tearline.agreement import signing
from tearline.exchange import accounts
from tearline.exchange.access import Door
from tearline.exchange.taxii_server import Taxii
from tearline.release import collecting
from tests.docs.pages import ROOT
from tests.exchange.local import PASSWORD, TAXII, indicator
from tests.exchange.nodes import Nodes, free_socket, give, make_nodes, serving, url_of
from tests.plain import sign

FILE = ROOT / "docs" / "reference" / "taxii-openapi.json"
DESCRIBED: dict[str, Any] = json.loads(FILE.read_bytes())
LONG = 5_000
"""An address that could be longer than 64 kB ends at the HTTP server, which is not ours."""
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
OTHERS = {"get", "put", "post", "delete", "options", "patch"}


class Who(NamedTuple):
    """A caller: what it brings, and one page of the root that is for it."""

    brings: dict[str, Any]
    collection: str = ""
    objects: tuple[str, ...] = ()
    token: str = ""
    agreement: str = ""


class Served(NamedTuple):
    """A node that answers, and who asks it."""

    url: str
    account: Who
    partner: Who


def account_of(nodes: Nodes) -> tuple[dict[str, Any], str]:
    """An account that may read and write, and its collection; two more have one right each."""
    made = collecting.add_collection(nodes.north, "feed", "Feed", "", now=clock.now())
    rights = {"read": ["feed"], "write": ["feed"]}
    accounts.add_account(nodes.north, "alice", PASSWORD, **rights, now=clock.now())
    for right in rights:
        half = {right: ["feed"]}
        accounts.add_account(nodes.north, f"only-{right}", PASSWORD, **half, now=clock.now())
    return {"auth": ("alice", PASSWORD)}, made.id


def who(url: str, brings: dict[str, Any], root: str, collection: str, agreement: str = "") -> Who:
    """What a caller knows after its first page."""
    path = f"{url}/taxii2/{root}/collections/{collection}/objects/"
    page = requests.get(path, params={"limit": 2}, timeout=30, **brings).json()
    ids = tuple(each["id"] for each in page["objects"])
    return Who(brings, collection, ids, page["next"], agreement)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with free_socket() as sock:
        nodes = make_nodes(tmp_path_factory.mktemp("described"), url_of(sock))
        sign(nodes, reach=2)
        assert give(nodes, 20) == 43
        key = signing.open_account(nodes.north, nodes.agreement_id, now=nodes.tick())
        alice, feed = account_of(nodes)
        with serving(nodes.north, sock) as url:
            path = f"{url}/taxii2/local/collections/{feed}/objects/"
            body = json.dumps({"objects": [indicator() for _ in range(20)]})
            headers = {"Content-Type": TAXII}
            assert requests.post(path, body, headers=headers, timeout=30, **alice).ok
            yield Served(
                url,
                who(url, alice, "local", feed),
                who(
                    url,
                    {"headers": {"X-API-Key": key}},
                    "agreements",
                    nodes.collection,
                    str(nodes.last_hash),
                ),
            )
        nodes.close()


# ------------------------------------------------------------------------------------- schemathesis


SCHEMA = schemathesis.openapi.from_dict(
    DESCRIBED,
    config=SchemathesisConfig(
        projects=ProjectsConfig(
            default=ProjectConfig(
                generation=GenerationConfig(
                    allow_extra_parameters=False,
                    allow_x00=False,
                    with_security_parameters=False,
                ),
                phases=PhasesConfig(coverage=CoveragePhaseConfig(unexpected_methods=OTHERS)),
            )
        )
    ),
)
OPERATIONS = {
    each["operationId"]: each["tags"][0]
    for path in DESCRIBED["paths"].values()
    for name, each in path.items()
    if name != "parameters"
}
Operation = APIOperation[Any, Any, Any, Any]
AnyCase = Case[Operation]
Asking = Callable[[AnyCase], None]


def operation_of(operation_id: str) -> Operation:
    (found,) = SCHEMA.include(operation_id=operation_id).get_all_operations()
    assert isinstance(found, Ok)
    return found.ok()


def ask_systematically(operation: Operation, asking: Asking) -> None:
    """Every parameter at its borders and beyond, one after the other; other methods too."""
    for case in SCHEMA.iter_coverage_cases(
        operation,
        generation_modes=list(GenerationMode),
        generation_config=SCHEMA.config.generation,
    ):
        asking(case)


def ask_made_up(operation: Operation, asking: Asking, mode: GenerationMode, most: int) -> None:
    """So many requests that fit the description, or do not; always the same ones."""
    bounds = settings(max_examples=most, derandomize=True, database=None, deadline=None)
    bounds(given(operation.as_strategy(generation_mode=mode))(asking))()


def ask(case: AnyCase, url: str, caller: Who) -> Response:
    """Ask, and hold the answer against the description and against what every refusal has."""
    answer = case.call(base_url=url, **caller.brings)
    case.validate_response(answer, excluded_checks=[ignored_auth])
    assert answer.headers["content-type"] == [TAXII]
    if answer.status_code >= 400:
        assert json.loads(answer.content)["http_status"] == str(answer.status_code)
    return answer


def fill(case: AnyCase, caller: Who) -> None:
    """Let a made-up request name what is there; what it was made to have wrong stays wrong."""
    if UUID.fullmatch(str(case.path_parameters.get("collection", ""))):
        case.path_parameters["collection"] = caller.collection
    if "Tearline-Agreement" in case.headers:
        case.headers["Tearline-Agreement"] = caller.agreement
    if case.meta is None or case.meta.generation.mode != GenerationMode.POSITIVE:
        return
    if "object" in case.path_parameters and len(case.query) % 2:
        case.path_parameters["object"] = caller.objects[len(str(case.query)) % 2]
    if "next" in case.query:
        case.query["next"] = "" if "object" in case.path_parameters else caller.token


def operations(*tags: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(
        "operation", [each for each, tag in OPERATIONS.items() if tag in tags]
    )


def thoroughly(name: str, url: str, caller: Who) -> None:
    def asking(case: AnyCase) -> None:
        if len(str(case.query)) < LONG:
            fill(case, caller)
            ask(case, url, caller)

    operation = operation_of(name)
    ask_systematically(operation, asking)
    ask_made_up(operation, asking, GenerationMode.POSITIVE, 5)
    if len(operation.query) or len(operation.body):
        ask_made_up(operation, asking, GenerationMode.NEGATIVE, 5)


@operations("discovery", "local")
def test_an_account_gets_what_is_described(operation: str, served: Served) -> None:
    thoroughly(operation, served.url, served.account)


@pytest.mark.parametrize("name", ["only-read", "only-write"])
@operations("local")
def test_an_account_with_one_right_gets_what_is_described(
    operation: str, name: str, served: Served
) -> None:
    caller = served.account._replace(brings={"auth": (name, PASSWORD)})

    def asking(case: AnyCase) -> None:
        fill(case, caller)
        ask(case, served.url, caller)

    ask_made_up(operation_of(operation), asking, GenerationMode.POSITIVE, 2)


@operations("discovery", "agreements")
def test_a_partner_gets_what_is_described(operation: str, served: Served) -> None:
    thoroughly(operation, served.url, served.partner)


@operations("discovery", "local", "agreements")
def test_whoever_brings_no_key_is_told_nothing(operation: str, served: Served) -> None:
    def asking(case: AnyCase) -> None:
        assert ask(case, served.url, Who({})).status_code == 401

    ask_made_up(operation_of(operation), asking, GenerationMode.POSITIVE, 4)


def test_a_caller_that_relies_on_another_version_is_answered_so(served: Served) -> None:
    for each, tag in OPERATIONS.items():
        if tag != "local":
            case = operation_of(each).Case(
                path_parameters={"collection": served.partner.collection, "object": "x"},
                headers={"Tearline-Agreement": f"sha256:{'0' * 64}"},
            )
            assert ask(case, served.url, served.partner).status_code == 409


@pytest.mark.parametrize("method", ["TRACE", "QUERY"])
def test_a_method_that_nobody_knows_is_refused_as_every_other(method: str, served: Served) -> None:
    reply = requests.request(method, f"{served.url}/taxii2/", timeout=30, **served.account.brings)
    assert (reply.status_code, reply.headers["Allow"]) == (405, "GET, HEAD")
    assert reply.headers["Content-Type"] == TAXII


@pytest.mark.parametrize("root", ["local", "agreements"])
def test_a_filter_that_no_object_can_meet_finds_nothing(root: str, served: Served) -> None:
    caller = served.account if root == "local" else served.partner
    url = f"{served.url}/taxii2/{root}/collections/{caller.collection}/objects/"
    reply = requests.get(url, params={"match[id]": "a\x00b"}, timeout=30, **caller.brings)
    assert (reply.status_code, reply.json()) == (200, {})


# ------------------------------------------------------------------------------- in step with code


def _nobody() -> NoReturn:
    raise AssertionError


def test_the_description_is_one_of_openapi() -> None:
    SCHEMA.validate()


def test_every_route_and_method_is_described(served: Served) -> None:
    """A method that no address has is told which ones this address has."""
    assert set(Taxii(_nobody, Door()).paths) == set(DESCRIBED["paths"])
    for path, described in DESCRIBED["paths"].items():
        caller = served.partner if "/agreements/" in path else served.account
        url = served.url + path.format(collection=caller.collection, object="x", status="x")
        reply = requests.put(url, timeout=30, **caller.brings)
        methods = {each.upper() for each in described if each != "parameters"}
        assert set(reply.headers["Allow"].split(", ")) == methods | {"HEAD"}, path
