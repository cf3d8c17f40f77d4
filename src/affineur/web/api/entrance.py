"""Where the API begins: what it is, where its description lies. Anybody may ask, unless the index is private."""

from __future__ import annotations

from typing import Any

from affineur import __version__

from . import openapi
from .operation import Call, Operation, Output


class Entrance(Output):
    """What this index is, and where to go on."""

    name: str
    version: str
    openapi: str
    account: str
    rules: str


def entrance(call: Call) -> Entrance:
    """The index's name, the version of the program, and links."""
    return Entrance(
        name=call.index.settings.index_name,
        version=__version__,
        openapi=f"{call.base_url}api/v1/openapi.json",
        account=f"{call.base_url}api/v1/account",
        rules=f"{call.base_url}help/rules",
    )


def description(call: Call) -> dict[str, Any]:
    """The OpenAPI document."""
    from . import operations  # the list of which this is a part

    return openapi.document(operations(), call.base_url, private=call.index.settings.read == "token")


OPERATIONS = (
    Operation(
        method="GET",
        path="/",
        name="getEntrance",
        summary="What this index is, and where to go on.",
        tag="entrance",
        handler=entrance,
        answer=Entrance,
        public=True,
    ),
    Operation(
        method="GET",
        path="/openapi.json",
        name="getDescription",
        summary="This API as an OpenAPI document.",
        tag="entrance",
        handler=description,
        answer=dict[str, Any],
        public=True,
    ),
)
