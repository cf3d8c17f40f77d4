"""From a request to an answer, the same way for every operation of the API.

Who calls, what the token permits, query, body, repetition, the handler in a thread, the answer: in this order, and
the first that does not hold answers. What does not live here: what is asked of body and query (`reading`), how a
refusal looks (`problems`), and what operations there are (``OPERATIONS`` of the subject modules).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route, Router
from starlette.types import Receive, Scope, Send

from affineur.core.access import INDEX, Actor, Resource, may, not_frozen
from affineur.core.decision import Decision, Refused, deny, refuse
from affineur.core.permissions import ACTIONS
from affineur.core.views.negotiation import media_ranges, quality
from affineur.shell.index import Index
from affineur.web.addresses import base_url
from affineur.web.identity import caller_of, identify
from affineur.web.refused import acts, note_refusal

from . import path_parameters, reading, replays
from .operation import Call, Listing, Made, Operation
from .problems import FAILED, HEADERS, Unidentified, problem
from .replays import Reply

log = logging.getLogger(__name__)

PREFIX = "/api/v1"


def router(operations: Iterable[Operation]) -> Router:
    """What answers everything below ``/api``: the operations, and for every other address a problem.

    ValueError where two operations have one name, or one method at one path.
    """
    declared = tuple(operations)
    if len({each.name for each in declared}) < len(declared):
        raise ValueError("Two operations of the API have one name.")
    by_path: dict[str, dict[str, Operation]] = {}
    for each in declared:
        if by_path.setdefault(each.path, {}).setdefault(each.method, each) is not each:
            raise ValueError(f"Two operations of the API are {each.method} {each.path}.")
    # A path without parameters is stronger than one with: `/tokens/mine` is not the token `mine`.
    paths = sorted(by_path, key=lambda path: path.count("{"))
    routes = [Route(PREFIX + path, _Resource(by_path[path])) for path in paths]
    return Router(routes, redirect_slashes=False, default=_nowhere)


class _Resource:
    """What answers at one path, by method."""

    def __init__(self, operations: dict[str, Operation]) -> None:
        self.operations = operations
        read = ["HEAD"] if "GET" in operations else []
        self.allow = ", ".join(sorted([*operations, *read, "OPTIONS"]))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        response = await self._answer(request)
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        if request.method == "OPTIONS":
            return Response(status_code=204, headers={**HEADERS, "allow": self.allow})
        operation = self.operations.get("GET" if request.method == "HEAD" else request.method)
        if operation is None:
            decision = deny("api.method", "This address does not take this method.", f"Use one of {self.allow}.")
            return problem(request, decision, {"allow": self.allow})
        try:
            return await _perform(operation, request)
        except Refused as refused:
            await note_refusal(request, refused.decision)
            return problem(request, refused)
        except ClientDisconnect:
            return Response(status_code=400)
        except Exception:  # the client gets a problem as always, the operator the traceback
            log.exception("An operation of the API failed.", extra={"operation": operation.name})
            return problem(request, FAILED)


@dataclass(frozen=True, slots=True)
class _Asked:
    """A call, and what the request says beside it."""

    call: Call
    query: list[tuple[str, str]]
    address: str
    key: replays.Key | None


async def _perform(operation: Operation, request: Request) -> Response:
    index: Index = request.app.state.index
    now = datetime.now(UTC)
    _require_json_is_wanted(request)
    actor = await asyncio.to_thread(_actor, index, operation, request.headers.get("authorization"), now)
    if actor is not None:
        acts(request, actor)  # a refusal from here on is theirs
        _require_permitted(operation, actor, now)
    query = request.query_params.multi_items()
    wanted, page = reading.parse_query(operation, query)
    data = await reading.read_body(request)
    body = reading.parse_body(operation, request.headers, data)
    call = Call(
        index=index,
        by=None if actor is None else caller_of(request, actor, now),
        now=now,
        path=_path_parameters(operation, request),
        body=body,
        query=wanted,
        page=page,
        base_url=base_url(request),
    )
    address = f"{call.base_url}{request.url.path.lstrip('/')}"
    asked = _Asked(call, query, address, _key(operation, request, actor, data))
    take = request.app.state.questions.take if operation.asks_much else asyncio.to_thread
    return _respond(await take(_reply, operation, asked), call.base_url)


def _actor(index: Index, operation: Operation, authorization: str | None, now: datetime) -> Actor | None:
    """Who calls; None only where anybody may. `Refused` without an identity.

    The one place in which the API asks who somebody is.
    """
    private = index.settings.read == "token"
    if operation.public and not private:
        return None
    actor = identify(index, authorization, now)
    if isinstance(actor, Decision):
        raise Unidentified(actor)
    return actor


def _require_permitted(operation: Operation, actor: Actor, now: datetime) -> None:
    """`Refused` where ``actor`` may not do this at all. Of a project, or a machine, the act asks."""
    if operation.public:
        may(actor, "read", INDEX, now).require()
    elif operation.needs is None:
        not_frozen(actor).require()
    elif ACTIONS[operation.needs].on not in ("project", "machine"):
        may(actor, operation.needs, Resource(account_id=actor.account_id), now).require()


def _reply(operation: Operation, asked: _Asked) -> Reply:
    """Do it, or find that it was done. Runs in a thread."""
    store, key = asked.call.index.store, asked.key
    if key is None:
        return _do(operation, asked)
    done = replays.begin(store, key, asked.call.now)
    if done is not None:
        return done
    try:
        reply = _do(operation, asked)
    except Refused:
        replays.release(store, key)
        raise
    replays.finish(store, key, reply, secret=operation.secret)
    return reply


def _do(operation: Operation, asked: _Asked) -> Reply:
    result = operation.handler(asked.call)
    if isinstance(result, Listing):
        return _page_of(operation, result, asked)
    if isinstance(result, Made):
        return Reply(
            status=operation.status, body=_encoded(operation, result.answer), location=result.at, made=result.id
        )
    return Reply(status=operation.status, body=_encoded(operation, result))


def _page_of(operation: Operation, listing: Listing, asked: _Asked) -> Reply:
    after = listing.after
    next_page = None if after is None else reading.next_address(asked.address, asked.query, after)
    body = _encoded(operation, {"items": listing.items, "next": next_page})
    return Reply(status=operation.status, body=body, next_page=next_page)


def _encoded(operation: Operation, value: object) -> bytes:
    return b"" if operation.answer is None else msgspec.json.encode(value)


def _respond(reply: Reply, address: str) -> Response:
    headers = dict(HEADERS)
    if reply.location is not None:
        headers["location"] = f"{address}{PREFIX.lstrip('/')}{reply.location}"
    if reply.next_page is not None:
        headers["link"] = f'<{reply.next_page}>; rel="next"'
    if reply.repeated:
        headers["idempotency-replayed"] = "true"
    return Response(reply.body, reply.status, headers, media_type="application/json" if reply.body else None)


def _require_json_is_wanted(request: Request) -> None:
    accept = request.headers.get("accept", "").strip()
    if not accept:
        return
    ranges = list(media_ranges(accept[:4096]))
    if quality("application/json", ranges)[0] <= 0:
        refuse("api.accept", "The API answers in JSON, which this request does not accept.", "Accept application/json.")


def _path_parameters(operation: Operation, request: Request) -> dict[str, str]:
    found = {name: str(request.path_params[name]) for name in operation.parameters}
    if not all(path_parameters.fits(name, value) for name, value in found.items()):
        raise Refused(_NOT_FOUND)
    return found


def _key(operation: Operation, request: Request, actor: Actor | None, data: bytes) -> replays.Key | None:
    """The key that the client repeats this request by; None where there is none, or repeating does no harm."""
    sent = request.headers.getlist("idempotency-key")
    if not sent or not operation.takes_key or actor is None:
        return None
    if actor.account_id is None:
        refuse("api.idempotency-key", "Idempotency-Key is for callers with an account: a trusted publisher has none.")
    authorization = request.headers.get("authorization", "")
    target = f"{request.url.path}?{request.url.query}"
    mark = replays.fingerprint(request.method, target, authorization, data)
    return replays.Key(actor.account_id, replays.read_key(", ".join(sent)), mark)


_NOT_FOUND = deny(
    "api.not-found",
    "There is nothing at this address of the API.",
    f"What there is, is listed at {PREFIX}/openapi.json.",
)


async def _nowhere(scope: Scope, receive: Receive, send: Send) -> None:
    await problem(Request(scope, receive), _NOT_FOUND)(scope, receive, send)
