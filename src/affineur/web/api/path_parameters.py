"""Parameters of paths: what each may be, by its name. One that does not fit names nothing that could be here: 404.

What does not live here: whether there is such a thing (the act asks).
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any

import msgspec

from affineur.core import names

Text = Annotated[str, msgspec.Meta(min_length=1)]

PARAMETERS: Mapping[str, Any] = MappingProxyType(
    {
        "project": Annotated[
            str,
            msgspec.Meta(
                min_length=1,
                max_length=names.MAXIMUM_LENGTH,
                pattern="^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$",
                description="The name of a project, in any spelling.",
            ),
        ],
    }
)
"""By name; those that are not named here are any `Text`."""


def fits(name: str, value: str) -> bool:
    """Whether ``value`` can be the parameter ``name``.

    U+0000 is in none, since PostgreSQL takes it in no question, and no line feed, which a pattern's end overlooks.
    """
    try:
        msgspec.convert(value, PARAMETERS.get(name, Text))
    except msgspec.ValidationError:
        return False
    return not {"\0", "\n"} & set(value)


def described(name: str) -> dict[str, Any]:
    """The parameter as OpenAPI has it."""
    schema = msgspec.json.schema(PARAMETERS.get(name, Text))
    said = schema.pop("description", None)
    return {"name": name, "in": "path", "required": True, **({"description": said} if said else {}), "schema": schema}
