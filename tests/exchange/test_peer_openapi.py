"""The description of what nodes ask of each other, against a node: schemathesis asks for it all."""

import json
import threading
from collections.abc import Iterator
from typing import Any, NamedTuple, NoReturn

import httpx
import pytest
import schemathesis
import uvicorn
from hypothesis import given, settings
from schemathesis import Case, GenerationMode
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

from tearline.agreement import outbox
from tearline.approval.attempts import Attempts
from tearline.exchange import peer_server
from tearline.exchange.signatures import REASONS
from tearline.node.app import create_app
from tests.docs.pages import ROOT
from tests.exchange.nodes import Nodes, Signs, free_socket, give, make_nodes, url_of

FILE = ROOT / "docs" / "reference" / "peer-openapi.json"
DESCRIBED: dict[str, Any] = json.loads(FILE.read_bytes())
OPERATIONS = [each["operationId"] for path in DESCRIBED["paths"].values() for each in path.values()]
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
                phases=PhasesConfig(coverage=CoveragePhaseConfig(unexpected_methods=set())),
            )
        )
    ),
)
AnyCase = Case[APIOperation[Any, Any, Any, Any]]
SIGNED = ("Signature", "Signature-Input", "Content-Digest")
PATHS = ("0/000.p/1", "entries/000.p/1", "0/000", "1/000.p/9")
LONG = 5_000


class Served(NamedTuple):
    """A node that answers, and the partner that asks it."""

    url: str
    nodes: Nodes
    key: dict[str, str]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with free_socket() as sock:
        nodes = make_nodes(tmp_path_factory.mktemp("described"), url_of(sock))
        nodes.agree(reach=2)
        give(nodes, 2)
        app = create_app(nodes.north.path, jobs=False)
        # Else only the first thirty would be heard.
        app.state.door._attempts = Attempts(most=10**9, span_us=1)  # noqa: SLF001  # as said
        server = uvicorn.Server(
            uvicorn.Config(app, log_config=None, access_log=False, timeout_graceful_shutdown=2)
        )
        thread = threading.Thread(target=server.run, kwargs={"sockets": [sock]}, daemon=True)
        thread.start()
        while not server.started and thread.is_alive():
            thread.join(0.01)
        yield Served(url_of(sock), nodes, {"X-API-Key": nodes.key})
        server.should_exit = True
        thread.join(20)
        nodes.close()


def ask(case: AnyCase, served: Served, signs: Signs | None, key: dict[str, str]) -> int:
    """Ask, and hold the answer against the description; who signs, signs what was made up."""
    if signs is not None:
        for each in SIGNED:
            case.headers.pop(each, None)
    answer = case.call(base_url=served.url, auth=signs, headers=key)
    case.validate_response(answer, excluded_checks=[ignored_auth])
    return int(answer.status_code)


def fill(case: AnyCase, nodes: Nodes) -> None:
    """Let some of the made-up requests name what is there."""
    if case.meta is None or case.meta.generation.mode != GenerationMode.POSITIVE:
        return
    number = len(str(case.path_parameters)) + len(str(case.headers))
    if "agreement" in case.path_parameters and number % 4:
        case.path_parameters["agreement"] = nodes.agreement_id.removeprefix("urn:uuid:")
    if "Tearline-Agreement" in case.headers and number % 5:
        case.headers["Tearline-Agreement"] = nodes.last_hash
    if "path" in case.path_parameters:
        case.path_parameters["path"] = PATHS[number % len(PATHS)]


def operation_of(name: str) -> APIOperation[Any, Any, Any, Any]:
    (found,) = SCHEMA.include(operation_id=name).get_all_operations()
    assert isinstance(found, Ok)
    return found.ok()


def made_up(name: str, asking: Any, mode: GenerationMode, most: int) -> None:  # noqa: ANN401
    bounds = settings(max_examples=most, derandomize=True, database=None, deadline=None)
    bounds(given(operation_of(name).as_strategy(generation_mode=mode))(asking))()


@pytest.mark.parametrize("name", OPERATIONS)
def test_a_partners_node_gets_what_is_described(name: str, served: Served) -> None:
    signs = Signs(served.nodes.south, served.url, None)
    seen: set[int] = set()

    def asking(case: AnyCase) -> None:
        if len(str(case.query)) + len(str(case.path_parameters)) < LONG:
            fill(case, served.nodes)
            seen.add(ask(case, served, signs, served.key))

    for case in SCHEMA.iter_coverage_cases(
        operation_of(name),
        generation_modes=list(GenerationMode),
        generation_config=SCHEMA.config.generation,
    ):
        asking(case)
    made_up(name, asking, GenerationMode.POSITIVE, 20)
    made_up(name, asking, GenerationMode.NEGATIVE, 10)
    assert seen & {200, 403}
    assert 401 not in seen


@pytest.mark.parametrize("name", OPERATIONS)
def test_whoever_signs_nothing_or_nonsense_gets_a_reason(name: str, served: Served) -> None:
    def asking(case: AnyCase) -> None:
        fill(case, served.nodes)
        assert ask(case, served, None, served.key) == 401

    made_up(name, asking, GenerationMode.POSITIVE, 10)


@pytest.mark.parametrize("name", [each for each in OPERATIONS if each != "take_message"])
def test_whoever_has_no_key_is_told_nothing(name: str, served: Served) -> None:
    def asking(case: AnyCase) -> None:
        assert ask(case, served, Signs(served.nodes.south, served.url, None), {}) == 401

    made_up(name, asking, GenerationMode.POSITIVE, 4)


def test_a_message_that_holds_is_taken_as_described(served: Served) -> None:
    nodes = served.nodes.beside(3)
    nodes.south, nodes.north = served.nodes.north, served.nodes.south  # South proposes
    ((_, document),) = _proposed(nodes)
    case = operation_of("take_message").Case(body=json.loads(document))
    signs = Signs(served.nodes.south, served.url, None)
    sent = httpx.post(f"{served.url}/peer/messages", content=document, auth=signs, trust_env=False)
    assert (sent.status_code, sent.json()) == (202, {"outcome": "taken"})
    assert ask(case, served, signs, {}) in {202, 403}


def _proposed(nodes: Any) -> list[tuple[str, bytes]]:  # noqa: ANN401  # a pair
    nodes.propose()
    return list(outbox.export_messages(nodes.north, now=nodes.tick()))


# ------------------------------------------------------------------------------- in step with code


def _nobody() -> NoReturn:
    raise AssertionError


def test_the_description_is_one_of_openapi() -> None:
    SCHEMA.validate()


def test_every_route_and_method_is_described() -> None:
    routes = peer_server.routes(_nobody, _nobody)  # type: ignore[arg-type]  # only listed
    known = {each.path.replace(":path", ""): (each.methods or set()) - {"HEAD"} for each in routes}
    said = {path: {each.upper() for each in found} for path, found in DESCRIBED["paths"].items()}
    assert said == known


def test_every_reason_is_described() -> None:
    schema = DESCRIBED["components"]["schemas"]["unproven"]
    assert set(schema["properties"]["code"]["enum"]) == REASONS
    table = (ROOT / "docs" / "tls.md").read_text("utf-8").partition("## When a request is")[2]
    rows = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    assert {code.strip(" `") for row in rows for code in row.split(",")} == REASONS
