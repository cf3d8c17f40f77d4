"""The API held to its own description: every operation, with data that fits and data that does not.

Schemathesis reads the OpenAPI document of a real server and asks what it describes. Its checks are all on (statuses,
content types, schemas of answers, no fault of the server, what is asked without a token, by other methods …) but for
one, which is replaced: see `fitting_data_is_not_refused_for_its_form`. ``API_EXAMPLES`` sets how many cases an
operation gets (``make describe`` runs many); the seed is fixed, so that a run can be had again. The token stands for
fresh and strong proof throughout, and about half of the sound cases are about things that are there: so what takes
both is reached, too.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import msgspec
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, seed, settings
from schemathesis import Case, CheckContext, Response
from schemathesis.specs.openapi.checks import positive_data_acceptance
from tests.services.affineur import Server, initialise, serve
from tests.web.people import sign_up, store_of
from tests.web.uploading import a_wheel, ask, published, upload

from affineur.core.people.second_factor import StepUp
from affineur.shell.store import tokens
from affineur.web import api
from affineur.web.api import openapi
from affineur.web.api.reading import Paging

EXAMPLES = int(os.environ.get("API_EXAMPLES", "8"))
THERE = {"project": "brie", "account": "olga", "machine": "robot"}
"""What is there to be named by paths."""
OF_FORM = {"api.fields", "api.syntax", "api.content-type", "api.idempotency-key"}
"""The rules by which a request is refused for its form."""
UNSAYABLE = {
    "Text has no character U+0000",
    "Expected a moment of the years 1 to 9999 in UTC",
}
"""What is found unfit, and no schema can say."""

document = openapi.document(api.operations(), "http://127.0.0.1/", private=False)
described = schemathesis.openapi.from_dict(json.loads(msgspec.json.encode(document)))


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    data = tmp_path_factory.mktemp("described") / "data"
    with serve(data, initialise(data)) as running:
        published(upload(running, a_wheel(THERE["project"])))
        sign_up(running, THERE["account"], factors=("passkey",))
        sign_up(running, THERE["machine"], kind="automation")
        yield running


@pytest.fixture
def proven(served: Server) -> Server:
    """The server, whose token was just confirmed with a passkey in a browser that is long known."""
    now = datetime.now(UTC)
    with store_of(served) as store, store.write() as connection:
        for row in tokens.listed(connection):
            tokens.confirm(connection, row.id, StepUp(now, "passkey", now - timedelta(days=30)))
    return served


@schemathesis.check
def fitting_data_is_not_refused_for_its_form(_: CheckContext, response: Response, case: Case) -> None:
    """What fits the description may be refused by rules (there is no such project), but not for its form.

    A made-up position of a list fits the description, as a text, and is refused all the same: positions are taken
    from `next`, and no schema says which there are. Nor does one say of every text that it lacks U+0000, or of a
    moment that it lies within the years that UTC can write.
    """
    if case.meta is None or not case.meta.generation.mode.is_positive or response.status_code < 400:
        return
    problem = response.json()
    assert problem["rule"] not in OF_FORM or _is_unsayable(problem), problem["detail"]


def _is_unsayable(problem: dict[str, Any]) -> bool:
    if problem["detail"].startswith("after is not a position"):
        return True
    faults = problem.get("errors", [])
    return bool(faults) and all(each["pointer"] == "/after" or each["message"] in UNSAYABLE for each in faults)


def test_every_number_that_is_taken_has_bounds_and_every_moment_a_zone() -> None:
    def plain(found: object) -> Iterator[object]:
        yield found
        for name in ("type", "item_type", "value_type"):
            if hasattr(found, name):
                yield from plain(getattr(found, name))
        for each in getattr(found, "types", ()):
            yield from plain(each)

    for operation in api.operations():
        for kind in (operation.body or Paging, operation.query or Paging, Paging):
            for field in msgspec.structs.fields(kind):
                for found in plain(msgspec.inspect.type_info(field.type)):
                    where = f"{operation.name}: {field.name}"
                    if isinstance(found, msgspec.inspect.IntType | msgspec.inspect.FloatType):
                        assert found.ge is not None and found.le is not None, where
                    if isinstance(found, msgspec.inspect.DateTimeType):
                        assert found.tz, where


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00+23:00", "9999-12-31T23:59:59-23:00"])
def test_a_moment_beyond_what_can_be_written_in_utc_does_not_fit(served: Server, moment: str) -> None:
    where = f"/api/v1/events?{urlencode({'since': moment})}"
    answer = ask(served, "GET", where, authorization=f"Bearer {served.token}")
    assert (answer.status, answer.json["errors"][0]["pointer"]) == (422, "/since")


@described.parametrize()
@seed(20261101)
@settings(max_examples=EXAMPLES, deadline=None, database=None, phases=[Phase.explicit, Phase.generate],
          suppress_health_check=list(HealthCheck))  # fmt: skip
def test_every_operation_does_what_its_description_says(case: Case, proven: Server) -> None:
    is_sound = case.meta is None or case.meta.generation.mode.is_positive
    if (
        is_sound and sum(len(str(each)) for each in case.path_parameters.values()) % 2
    ):  # of the case itself, so that it can be had again
        case.path_parameters.update({name: THERE[name] for name in case.path_parameters if name in THERE})
    if is_sound and any(name.lower() == "idempotency-key" for name in case.headers or ()):
        # A key is for one request, and cases share what is drawn; besides, the tool takes a drawn `"0"` for JSON and
        # sends the number. Cases in which the key is meant to be at fault keep what they have.
        case.headers["Idempotency-Key"] = f'"{uuid4()}"'
    case.call_and_validate(
        base_url=f"{proven.url}api/v1",
        headers={"Authorization": f"Bearer {proven.token}"},
        excluded_checks=[positive_data_acceptance],
        additional_checks=[fitting_data_is_not_refused_for_its_form],
    )
