"""Every route of the program, from its own table: so that what comes new is looked at, too.

Test support, not tests.
"""

from __future__ import annotations

import re

from starlette.routing import Route

from affineur.web import api
from affineur.web.app import routes

CASE = "2020-0001"
"""The number of the case that `scene.open_case` opens."""

_FILLED = {
    "name": "brie",
    "id": "999999",
    "offer": "none",
    "version": "1.0",
    "rest": "brie",
    "digest": "0",
    "file": "x",
    "number": CASE,
    "kind": "recent",
    "what": "month",
    "form": "csv",
}


def every() -> list[Route]:
    """All of them."""
    return [each for each in routes() if isinstance(each, Route)]


def personal() -> list[Route]:
    """Pages of people who sign in, or are about to."""
    return [each for each in every() if each.path.startswith(("/account", "/admin"))]


def forms() -> list[str]:
    """The paths that take a form."""
    return sorted({each.path for each in personal() if "POST" in (each.methods or ())})


def shown() -> list[str]:
    """The paths of personal pages that can be looked at."""
    return sorted({each.path for each in personal() if "GET" in (each.methods or ())})


def operations() -> list[str]:
    """The names of the operations of the API."""
    return [each.name for each in api.operations()]


def filled(path: str) -> str:
    """A path of a route filled: the project brie, the machine robo, the account other, a case."""
    for place, name in (("/account/machines/", "robo"), ("/admin/accounts/", "other")):
        path = path.replace(f"{place}{{name}}", f"{place}{name}")
    return re.sub(r"\{([a-z]+)(?::[a-z]+)?\}", lambda found: _FILLED[found[1]], path)
