"""The OpenAPI document of the API, from the declarations of its operations.

Source: OpenAPI 3.1.1; schemas are JSON Schema 2020-12, as msgspec derives them from the types. What does not live
here: the reference page for people (``scripts/generate-reference``).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from http import HTTPStatus
from typing import Any

import msgspec

from affineur import __version__
from affineur.core.permissions import ACTIONS

from . import path_parameters
from .operation import Input, Operation
from .problems import CONTENT_TYPE, Problem
from .reading import Paging
from .serving import PREFIX

_REF = "#/components/schemas/{name}"
_SCHEMES = {
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "description": "A token of this index.",
    },
    "basic": {
        "type": "http",
        "scheme": "basic",
        "description": "The user name `__token__`, and a token of this index as the password.",
    },
}
_KEY_PARAMETER = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "A text in quotes, new for each request. Within 24 hours the same request with the same key is "
    "done once, and answered alike (draft-ietf-httpapi-idempotency-key-header-07).",
    "schema": {"type": "string", "minLength": 3, "maxLength": 257, "pattern": '^"[ !#-\\[\\]-~]+"$'},
}


def document(operations: Sequence[Operation], base_url: str, *, private: bool) -> dict[str, Any]:
    """The document as plain values. ``private``: even what is public asks for a token here."""
    types = [kind for each in operations for kind in (each.body, each.answer) if kind is not None]
    references, components = msgspec.json.schema_components([Problem, *types], ref_template=_REF)
    by_type = dict(zip([Problem, *types], references, strict=True))
    paths: dict[str, dict[str, Any]] = {}
    for each in operations:
        paths.setdefault(each.path, {})[each.method.lower()] = _operation(each, by_type, private=private)
    return {
        "openapi": "3.1.1",
        "info": {
            "title": "Affineur",
            "version": __version__,
            "description": f"What each rule asks for: {base_url}help/rules",
        },
        "servers": [{"url": f"{base_url}{PREFIX.lstrip('/')}"}],
        "tags": [{"name": tag} for tag in sorted({each.tag for each in operations})],
        "paths": dict(sorted(paths.items())),
        "components": {"schemas": components, "securitySchemes": _SCHEMES},
    }


def refusals(operation: Operation) -> tuple[int, ...]:
    """The statuses by which an operation can be refused, in order."""
    found = {400, 406, 413, 429, 500, 503}
    if not operation.public:
        found |= {401, 403}
    if operation.parameters or operation.body or operation.query:
        found.add(404)
    if operation.method != "GET":
        found.add(409)
    if operation.body:
        found.add(415)
    return tuple(sorted(found | {422}))  # an unknown parameter of the query is refused everywhere


def parameters(kind: type[Input]) -> Iterable[dict[str, Any]]:
    """The fields of a query as parameters."""
    _, components = msgspec.json.schema_components([kind], ref_template=_REF)
    schema = components[kind.__name__]
    for name, value in schema["properties"].items():
        shown = {key: each for key, each in value.items() if key != "description"}
        if shown.get("default", ...) is None:  # a parameter is left out, never null
            del shown["default"]
            others = [each for each in shown.get("anyOf", []) if each != {"type": "null"}]
            shown = dict(others[0]) if len(others) == 1 else {**shown, "anyOf": others}
        said = value.get("description") or shown.pop("description", None)
        yield {
            "name": name,
            "in": "query",
            "required": name in schema.get("required", []),
            **({"description": said} if said else {}),
            "schema": shown,
        }


def _operation(operation: Operation, schemas: dict[type, dict[str, Any]], *, private: bool) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": operation.name,
        "summary": operation.summary,
        "tags": [operation.tag],
        "security": [] if operation.public and not private else [{"bearer": []}, {"basic": []}],
        "parameters": list(_parameters(operation)),
        "responses": _responses(operation, schemas, private=private),
    }
    if operation.needs is not None:
        need = ACTIONS[operation.needs]
        needs = {"action": operation.needs, "token": need.right, "strength": need.strength}
        if need.strength_when_closed is not None:
            needs["strength-when-closed"] = need.strength_when_closed
        described["x-affineur-needs"] = needs
    if operation.body is not None:
        described["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": schemas[operation.body]}},
        }
    return described


def _parameters(operation: Operation) -> Iterable[dict[str, Any]]:
    for name in operation.parameters:
        yield path_parameters.described(name)
    if operation.query is not None:
        yield from parameters(operation.query)
    if operation.paged:
        yield from parameters(Paging)
    if operation.takes_key:
        yield _KEY_PARAMETER


def _responses(operation: Operation, schemas: dict[type, dict[str, Any]], *, private: bool) -> dict[str, Any]:
    found: dict[str, Any] = {str(operation.status): _answer(operation, schemas)}
    problem = {CONTENT_TYPE: {"schema": schemas[Problem]}}
    for status in sorted({*refusals(operation), *((401,) if private else ())}):
        found[str(status)] = {"description": HTTPStatus(status).phrase, "content": problem}
    return found


def _answer(operation: Operation, schemas: dict[type, dict[str, Any]]) -> dict[str, Any]:
    described: dict[str, Any] = {"description": operation.summary}
    if operation.answer is None:
        return described
    schema = schemas[operation.answer]
    if operation.paged:
        described["headers"] = {
            "Link": {"description": 'The following page, as rel="next" (RFC 8288).', "schema": {"type": "string"}}
        }
        schema = {
            "type": "object",
            "properties": {
                "items": {"type": "array", "items": schema},
                "next": {"type": ["string", "null"], "description": "The address of the following page."},
            },
            "required": ["items", "next"],
        }
    if operation.status == 201:
        described["headers"] = {"Location": {"description": "What was made.", "schema": {"type": "string"}}}
    described["content"] = {"application/json": {"schema": schema}}
    return described
