"""Paths of the API of an index elsewhere. Light: every command module imports it."""

from __future__ import annotations

from urllib.parse import quote


def path(*parts: str) -> str:
    """A path below ``/api/v1``, of its parts."""
    return "".join("/" + quote(part, safe="") for part in parts)


def of_project(project: str, *parts: str) -> str:
    """A path below a project, in any spelling of its name. `Refused` (``name.…``) for what is no name."""
    from affineur.core.names import parse_name

    return path("projects", parse_name(project), *parts)
