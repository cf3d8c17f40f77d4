"""What a browser and a program are told where a route raises, with the application itself around the route."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from tests.coroutines import run
from tests.indexes import new_index

from affineur.core.decision import refuse
from affineur.shell.store import security
from affineur.shell.store.security import Filter
from affineur.web.app import build
from affineur.web.requestlog import RequestLog, address_keeper

HTML = {"accept": "text/html"}


async def refusing(request: Request) -> Response:
    refuse(request.path_params["rule"], "No <b>cheese</b> today.", "Come back tomorrow.", strength="proof")


async def broken(request: Request) -> Response:
    raise LookupError("a row with a secret in it")


@dataclass
class Client:
    app: Starlette

    def get(self, path: str, headers: dict[str, str]) -> httpx.Response:
        return run(self._get(path, headers))

    async def _get(self, path: str, headers: dict[str, str]) -> httpx.Response:
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://index.example.org") as client:
            return await client.get(path, headers=headers)


@pytest.fixture
def client(tmp_path: Path) -> Iterator[Client]:
    index = new_index(tmp_path / "data")
    log = RequestLog(index.settings.logs, address_keeper("none", b""))
    app = build(index, log)
    app.router.routes[:0] = [Route("/refusing/{rule}", refusing), Route("/broken", broken)]
    yield Client(app)
    log.close()
    index.close()


@pytest.mark.parametrize(
    ("rule", "status"),
    [("access.role", 403), ("throttle.relay", 429), ("company.away", 503), ("company.off", 404), ("made.up", 400)],
)
def test_a_refusal_that_no_page_caught_is_a_page_with_its_sentence(client: Client, rule: str, status: int) -> None:
    page = client.get(f"/refusing/{rule}", headers=HTML)
    assert page.status_code == status
    assert "No &lt;b&gt;cheese&lt;/b&gt; today." in page.text and "Come back tomorrow." in page.text
    assert f"/help/rules/{rule}" in page.text
    assert page.headers["cache-control"] == "no-store"
    plain = client.get(f"/refusing/{rule}", headers={"accept": "*/*"})
    assert (plain.status_code, plain.headers["content-type"]) == (status, "text/plain; charset=utf-8")
    assert "No <b>cheese</b> today." in plain.text


def test_a_dangerous_act_that_was_refused_so_is_in_the_log(client: Client) -> None:
    client.get("/refusing/access.role", headers=HTML)
    with client.app.state.index.store.read() as connection:
        logged = [each.rule for each in security.recorded(connection, Filter(outcome="refused"))]
    assert logged == ["access.role"]


def test_what_is_no_refusal_stays_a_failure_that_tells_nothing(client: Client) -> None:
    page = client.get("/broken", headers=HTML)
    assert page.status_code == 500
    assert "secret" not in page.text and "failed on the server" in page.text
