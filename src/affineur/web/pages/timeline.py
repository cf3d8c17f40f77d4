"""The timeline of the journal, as pages show it: a part of it, newest first, and the way to the older part.

What does not live here: the sentences (`core.history.chronicle_words`), and the pages around it (`project`, `journal`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

import sqlalchemy as sa
from starlette.requests import Request

from affineur.core.history.chronicle import MAXIMUM_SERIAL
from affineur.core.history.chronicle_kinds import Kind, kind_of
from affineur.core.history.chronicle_words import ACTORS, sentence
from affineur.core.history.journal import Entry
from affineur.core.names import NormalizedName
from affineur.core.rules import RULES
from affineur.shell.store import chronicle

SHOWN = 50
"""Entries of a page."""


@dataclass(frozen=True, slots=True)
class Told:
    """An entry as a page shows it."""

    entry: Entry
    kind: Kind
    sentence: str
    actor: str

    @property
    def rule_page(self) -> str | None:
        """Where the rule is explained, below ``/help/``; None for one that this program does not know."""
        return _page_of(self.entry.event.rule or "")


def of_project(request: Request, connection: sa.Connection, name: NormalizedName) -> dict[str, object]:
    """The part of a project's history that ``request`` asks for, as its templates take it."""
    found = chronicle.back(connection, before(request), SHOWN, project=name)
    return {"entries": told(found.entries), "older": found.older, "before": before(request)}


def told(entries: Iterable[Entry]) -> list[Told]:
    """Each of ``entries`` in words."""
    return [tell(entry) for entry in entries]


def tell(entry: Entry) -> Told:
    """One entry in words."""
    event = entry.event
    return Told(entry, kind_of(event.event), sentence(event), ACTORS.get(event.actor_class, "somebody"))


def before(request: Request) -> int | None:
    """The serial before which ``request`` wants to look; None: from the newest on."""
    text = request.query_params.get("before", "")
    serial = int(text) if text.isascii() and text.isdigit() and len(text) <= 19 else 0
    return serial if 0 < serial <= MAXIMUM_SERIAL else None


@lru_cache(maxsize=1024)
def _page_of(rule: str) -> str | None:
    """Of a rule, its page; of an act, the page of its rule or the place where its rules begin."""
    known = next((name for name in (rule, f"lifecycle.{rule}") if name in RULES), None)
    first = next((name for name in RULES if rule and name.startswith(f"{rule}.")), None)
    return f"rules/{known}" if known else f"rules#{first}" if first else None
