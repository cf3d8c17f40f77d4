"""Asking the API of an index elsewhere. Source: ``docs/reference/api.md``, which that index serves as OpenAPI too.

A request that may be repeated without harm is sent again where the connection broke; one that may not carries an
``Idempotency-Key``, so that it may. What does not live here: which token (`keeping`), and what is shown of an answer.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
import orjson

from affineur import __version__

from . import problems
from .problems import RemoteFault

_PREFIX = "api/v1"
_TIMEOUT = httpx.Timeout(60, connect=10)
_ATTEMPTS = 3
_LONGEST_PAUSE_SECONDS = 5.0
_LOOPBACK = ("all://127.0.0.1", "all://localhost", "all://[::1]")


class Remote:
    """An index elsewhere, asked with a token. Close it, or use it in a ``with``.

    Every method answers decoded JSON (None where the answer has no body) or raises `RemoteFault`. Redirects are not
    followed: a token goes to the address it was given for and to no other.
    """

    def __init__(self, index: str, token: str) -> None:
        self.index = index
        self._client = httpx.Client(
            base_url=index + _PREFIX,
            timeout=_TIMEOUT,
            headers={
                "authorization": f"Bearer {token}",
                "accept": "application/json, application/problem+json",
                "user-agent": f"affineur/{__version__}",
            },
            mounts=dict.fromkeys(_LOOPBACK),  # proxies are for other machines
        )

    def get(self, where: str, query: Mapping[str, Any] | None = None) -> Any:
        """Read what is at ``where``."""
        return self._ask("GET", where, query=query)

    def every(self, where: str, query: Mapping[str, Any] | None = None, *, most: int | None = None) -> Iterator[Any]:
        """The items of a list, page after page, at most ``most``."""
        asked = {"limit": 100 if most is None else max(1, min(most, 100)), **(query or {})}
        given = 0
        while True:
            page = self._ask("GET", where, query=asked)
            for item in page["items"]:
                if given == most:
                    return
                given += 1
                yield item
            if not page["next"] or given == most:
                return
            # Of the address only the position is taken: a token never follows a link.
            asked["after"] = httpx.URL(page["next"]).params["after"]

    def post(self, where: str, body: Mapping[str, Any] | None = None) -> Any:
        """Do what ``where`` stands for; never twice."""
        return self._ask("POST", where, body=body, key=True)

    def put(self, where: str, body: Mapping[str, Any]) -> Any:
        """Set what is at ``where``."""
        return self._ask("PUT", where, body=body)

    def patch(self, where: str, body: Mapping[str, Any]) -> Any:
        """Change what is at ``where``; never twice."""
        return self._ask("PATCH", where, body=body, key=True)

    def delete(self, where: str) -> Any:
        """Remove what is at ``where``."""
        return self._ask("DELETE", where)

    def _ask(
        self,
        method: str,
        where: str,
        *,
        query: Mapping[str, Any] | None = None,
        body: Mapping[str, Any] | None = None,
        key: bool = False,
    ) -> Any:
        wanted = {name: value for name, value in (query or {}).items() if value is not None}
        request = self._client.build_request(
            method,
            where,
            params=wanted or None,
            content=None if body is None else orjson.dumps(dict(body), default=str),
            headers={
                **({"content-type": "application/json"} if body is not None else {}),
                **({"idempotency-key": f'"{uuid4()}"'} if key else {}),
            },
        )
        for attempt in range(1, _ATTEMPTS + 1):
            last = attempt == _ATTEMPTS
            response = self._send(request, last=last)
            if response is None:
                continue
            try:
                return self._answer(response)
            except RemoteFault as fault:
                if last or fault.rule != "api.idempotency-running":
                    raise
                time.sleep(_pause_seconds(response))
        raise AssertionError("the last attempt answers or raises")

    def _send(self, request: httpx.Request, *, last: bool) -> httpx.Response | None:
        """The response; None where the connection broke and the request may be sent again."""
        try:
            return self._client.send(request)
        except (httpx.ReadError, httpx.WriteError, httpx.RemoteProtocolError) as error:
            if last:
                raise problems.away(self.index, _why(error)) from error
            time.sleep(0.2)
            return None
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise problems.away(self.index, _why(error)) from error

    def _answer(self, response: httpx.Response) -> Any:
        kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        if response.is_success and not response.content:
            return None
        if response.is_redirect:
            where = problems.printable(response.headers.get("location", "another address"))
            raise problems.away(self.index, f"it points to {where}. Log in to the address that is meant.")
        if kind not in ("application/json", "application/problem+json"):
            raise problems.away(self.index, f"it answers {response.status_code} in a form that no Affineur has.")
        try:
            found = orjson.loads(response.content)
        except orjson.JSONDecodeError as error:
            raise problems.away(self.index, "its answer is no JSON.") from error
        if response.is_success:
            return found
        if not isinstance(found, dict):
            raise problems.away(self.index, f"it answers {response.status_code} in a form that no Affineur has.")
        raise problems.refused(self.index, response.status_code, found)

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    def __enter__(self) -> Remote:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _pause_seconds(response: httpx.Response) -> float:
    given = response.headers.get("retry-after", "")
    return min(float(given), _LONGEST_PAUSE_SECONDS) if given.isdigit() else 1.0


def _why(error: Exception) -> str:
    if isinstance(error, httpx.TimeoutException):
        return "it does not answer in time."
    said = problems.printable(error) or type(error).__name__
    return f"{said.rstrip('.')}."


def host_of(index: str) -> str:
    """The host of an index, as people call it."""
    return urlsplit(index).netloc
