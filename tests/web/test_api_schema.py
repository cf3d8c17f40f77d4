"""The API held to its own description: every operation, with data that fits and data that does not.

Schemathesis reads the OpenAPI document of a real server and asks what it describes. Its checks are all on (statuses,
content types, schemas of answers, no fault of the server, what is asked without a token, by other methods …) but for
one, which is replaced: see `fitting_data_is_not_refused_for_its_form`. ``API_EXAMPLES`` sets how many cases an
operation gets; the seed is fixed, so that a run can be had again.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import msgspec
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, seed, settings
from schemathesis import Case, CheckContext, Response
from schemathesis.specs.openapi.checks import positive_data_acceptance
from tests.services.affineur import Server, initialise, serve
from tests.web.uploading import a_wheel, published, upload

from affineur.web import api
from affineur.web.api import openapi

EXAMPLES = int(os.environ.get("API_EXAMPLES", "8"))
PROJECT = "brie"
OF_FORM = {"api.fields", "api.syntax", "api.content-type", "api.idempotency-key"}
"""The rules by which a request is refused for its form."""

document = openapi.document(api.operations(), "http://127.0.0.1/", private=False)
described = schemathesis.openapi.from_dict(json.loads(msgspec.json.encode(document)))


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    data = tmp_path_factory.mktemp("described") / "data"
    with serve(data, initialise(data)) as running:
        published(upload(running, a_wheel(PROJECT)))
        yield running


@schemathesis.check
def fitting_data_is_not_refused_for_its_form(_: CheckContext, response: Response, case: Case) -> None:
    """What fits the description may be refused by rules (there is no such project), but not for its form.

    A made-up position of a list fits the description, as a text, and is refused all the same: positions are taken
    from `next`, and no schema says which there are.
    """
    if case.meta is None or not case.meta.generation.mode.is_positive or response.status_code < 400:
        return
    problem = response.json()
    assert problem["rule"] not in OF_FORM or _is_about_a_position(problem), problem["detail"]


def _is_about_a_position(problem: dict[str, Any]) -> bool:
    at_fault = {each["pointer"] for each in problem.get("errors", [])}
    return at_fault == {"/after"} or problem["detail"].startswith("after is not a position")


@described.parametrize()
@seed(20261101)
@settings(max_examples=EXAMPLES, deadline=None, database=None, phases=[Phase.explicit, Phase.generate],
          suppress_health_check=list(HealthCheck))  # fmt: skip
def test_every_operation_does_what_its_description_says(case: Case, served: Server) -> None:
    is_sound = case.meta is None or case.meta.generation.mode.is_positive
    if is_sound and any(name.lower() == "idempotency-key" for name in case.headers or ()):
        # A key is for one request, and cases share what is drawn; besides, the tool takes a drawn `"0"` for JSON and
        # sends the number. Cases in which the key is meant to be at fault keep what they have.
        case.headers["Idempotency-Key"] = f'"{uuid4()}"'
    case.call_and_validate(
        base_url=f"{served.url}api/v1",
        headers={"Authorization": f"Bearer {served.token}"},
        excluded_checks=[positive_data_acceptance],
        additional_checks=[fitting_data_is_not_refused_for_its_form],
    )
