"""The published description holds: it is valid, has examples, and no request it describes meets a bug of ours."""

from __future__ import annotations

import io
import json
import re
from typing import Any

import httpx2
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from openapi_spec_validator import OpenAPIV31SpecValidator
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance

from gateway.sdk.client import Client
from tests.api.everything import everything
from tests.space import (
    HOSPITAL,
    OPERATOR,
    PHARMA,
    Space,
    data_space,
    token_of,
)

EXAMPLES = 12


@pytest.fixture(scope="module")
def document(space: Space) -> dict[str, Any]:
    found: dict[str, Any] = httpx2.get(space.url + "/openapi.json").json()
    return found


def operations(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {
        f"{method.upper()} {path}": operation
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }


def test_it_is_a_valid_openapi_3_1_document(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1.")
    assert list(OpenAPIV31SpecValidator(document).iter_errors()) == []


def test_every_operation_says_what_it_does_and_how_it_refuses(document: dict[str, Any]) -> None:
    found = operations(document)
    assert [name for name, operation in found.items() if not operation.get("summary")] == []
    ids = [operation["operationId"] for operation in found.values()]
    assert len(set(ids)) == len(ids)
    for name, operation in found.items():
        problem = operation["responses"]["default"]["content"]["application/problem+json"]["schema"]
        assert problem == {"$ref": "#/components/schemas/Problem"}, name
        secured = operation.get("security") == [{"token": []}]
        assert secured is (" /v1/" in name and name not in ("POST /v1/token", "GET /v1/status/1")), name


def test_every_body_and_every_id_has_an_example(document: dict[str, Any]) -> None:
    without = []
    for name, operation in operations(document).items():
        for media in operation.get("requestBody", {}).get("content", {}).values():
            schema, given = media["schema"], {*media, *media["schema"]} & {"example", "examples"}
            while "$ref" in schema:
                schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
                given |= {*schema} & {"example", "examples"}
            parts = schema.get("properties", {}).values()
            if not given and not all({"example", "examples"} & {*part} for part in parts):
                without.append(f"{name} body")
        for parameter in operation.get("parameters", []):
            if parameter["in"] == "path" and not {"example", "examples"} & {*parameter, *parameter["schema"]}:
                without.append(f"{name} {parameter['name']}")
    assert without == []


AGENTS = {
    "operator": (OPERATOR, "operator"),
    "admin": (PHARMA, "admin"),
    "provider": (HOSPITAL, "provider"),
    "researcher": (PHARMA, "researcher"),
    "officer": (PHARMA, "officer"),
}


@pytest.mark.parametrize("role", AGENTS)
def test_nothing_that_the_description_allows_meets_a_bug_of_ours(role: str, tmp_path_factory: Any) -> None:
    """Schemathesis, signed in as each role, on a space of its own: what it finds to suspend, it may."""
    with data_space(tmp_path_factory.mktemp("fuzzed")) as space:
        contract = space.agree(space.datasets["csv"])
        schema = schemathesis.openapi.from_url(space.url + "/openapi.json")
        did, name = AGENTS[role]
        client = space.agent(did, name)
        known = {"contract": contract, "dataset": space.datasets["csv"], "participant": PHARMA}
        for result in schema.get_all_operations():
            if (
                result.ok().path != "/v1/audit/stream"
            ):  # has no end where it is permitted; tests/stories/test_reviewing.py
                attack(space, client, result.ok(), known)


def attack(space: Space, client: Client, operation: Any, known: dict[str, str]) -> None:
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy())
    def run(case: Any) -> None:
        # Half of the ids are real: what lies behind them must stand it too.
        if case.path_parameters and len(repr(case.body)) % 2:
            case.path_parameters.update({n: known[n] for n in case.path_parameters if n in known})
        if operation.path == "/v1/access" and isinstance(case.body, dict) and len(repr(case.query)) % 2 == 0:
            case.body["contract"] = known["contract"]
        response = case.call(headers=token_of(client))
        told = f"{case.method} {case.formatted_path} {case.body!r}: {response.status_code} {response.text[:300]}"
        assert response.status_code < 500 or response.status_code == 503, told
        if response.status_code >= 400:
            assert response.headers["content-type"] == ["application/problem+json"], told
            assert response.json()["status"] == response.status_code, told
        case.validate_response(response, checks=[response_schema_conformance, content_type_conformance])

    run()


def successes(space: Space) -> dict[str, float]:
    """How often each operation succeeded so far, as the gateway itself counts."""
    text = space.http.get("/metrics").text
    found = re.findall(r'^corridor_requests_total\{method="(\w+)",route="([^"]+)",status="2xx"\} (\S+)$', text, re.M)
    return {f"{method} {route}": float(count) for method, route, count in found}


def test_every_operation_succeeds_for_one_who_may(space: Space, document: dict[str, Any]) -> None:
    before = successes(space)
    everything(space)
    for path in operations(document):
        method, _, route = path.partition(" ")
        if method == "GET" and not route.startswith("/v1/") and "{" not in route:
            assert space.http.get(route).status_code == 200, route
    problem = json.load(io.StringIO(space.call(None, "GET", "/v1/me").text))
    page = problem["type"].removeprefix(space.url)
    assert space.http.get(page).status_code == 200
    after = successes(space)
    assert {name for name in operations(document) if after.get(name, 0) <= before.get(name, 0)} == set()
