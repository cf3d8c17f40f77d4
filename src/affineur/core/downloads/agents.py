"""User agents: which program asked for a file, and what it says of the system that it runs on.

The library `linehaul` knows the programs; what it reads is cut to the columns of `tables` here, since whoever writes
a user agent may write anything. Its parsers are asked one by one, in an order that does not change: a user agent that
two of them would take is told the same way today and tomorrow.
What does not live here: what sort of program it is (`classes`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from .tables import EVENTS, Fields

MAXIMUM_LENGTH = 1024
"""Characters of a user agent that are read and kept."""
MAXIMUM_VALUE = 100
"""Characters of a single value in it."""

Details = Mapping[str, Any]
"""A value of the column ``details``: texts, a truth, None, and records of them."""

_DETAILS: Fields = next(column.type for column in EVENTS if column.name == "details" and isinstance(column.type, tuple))
_FIRST = ("Pip6UserAgent", "UvUserAgent", "Pip1_4UserAgent")
_CPYTHON = "cpython"
_HEAD = re.compile(r"(pip|uv|poetry|pdm|hatch|devpi|pulpcore)(?:-server)?/([0-9][^\s;,]*)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Agent:
    """What a user agent tells. ``installer`` is the program's name, as `linehaul` calls it; None: none it knows."""

    installer: str | None
    details: Details


def parse(user_agent: str) -> Agent:
    """What ``user_agent`` tells; nothing, for one that no parser knows. Never fails, whatever it is given.

    Cost: 20 µs for the common ones, 200 µs for one that nobody knows; bounded by `MAXIMUM_LENGTH`.
    """
    text = plain(user_agent)
    record = _shaped(_DETAILS, _read(text)) or {}
    installer = record.get("installer")
    implementation = record.get("implementation")
    if not record.get("python") and implementation and (implementation["name"] or "").lower() == _CPYTHON:
        record["python"] = implementation["version"]  # Poetry and PDM say no more than this, and it is the same
    return Agent(
        installer["name"] if installer else None, {column.name: record.get(column.name) for column in _DETAILS}
    )


def plain(user_agent: str) -> str:
    """``user_agent`` as it is kept: cut to `MAXIMUM_LENGTH`, without characters that control anything."""
    cut = user_agent[:MAXIMUM_LENGTH]
    return cut if cut.isprintable() else "".join(each for each in cut if each.isprintable())


def _read(text: str) -> object:
    """What the first parser says that knows ``text``; None where none does."""
    for parser in _parsers():
        try:
            return parser(text)
        except Exception:  # noqa: S112 -- "not mine", or what hostile JSON and versions do to it
            continue
    # Cut off by a log, or of a form that is newer than the library: name and version are told all the same.
    head = _HEAD.match(text)
    return {"installer": {"name": head[1], "version": head[2]}} if head else None


@lru_cache(maxsize=1)
def _parsers() -> tuple[Callable[[str], object], ...]:
    """The parsers of `linehaul`: those of the most used programs first, the others by name."""
    from linehaul.ua import parser
    from linehaul.ua.impl import UserAgentParser

    found: dict[str, Callable[[str], object]] = {
        name: each for name, each in vars(parser).items() if isinstance(each, UserAgentParser)
    }
    order = sorted(found, key=lambda name: (_FIRST.index(name) if name in _FIRST else len(_FIRST), name))
    return tuple(found[name] for name in order)


def _shaped(fields: Fields, value: object) -> dict[str, Any] | None:
    """A record of exactly ``fields``, of what ``value`` has that fits them; None where nothing does."""
    if not isinstance(value, dict):
        return None
    record: dict[str, Any] = {}
    for field in fields:
        found = value.get(field.name)
        if isinstance(field.type, tuple):
            record[field.name] = _shaped(field.type, found)
        elif field.type == "truth":
            record[field.name] = found if isinstance(found, bool) else None
        else:
            record[field.name] = _text(found)
    return record if any(each is not None for each in record.values()) else None


def _text(value: object) -> str | None:
    return value[:MAXIMUM_VALUE] if isinstance(value, str) and value and value.isprintable() else None
