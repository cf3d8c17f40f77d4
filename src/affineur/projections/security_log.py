"""The security log as people take it away: one event a line, as JSON or CSV, however many there are.

Read in pieces, each in a transaction of its own, so that a slow reader holds nothing open. What does not live here:
who may read it (`core.access`), and the log itself (`shell.store.security`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType

import orjson

from affineur.core import spreadsheet
from affineur.shell.index import Index
from affineur.shell.store import security
from affineur.shell.store.security import Filter, Recorded

_PIECE = 1000
_BY_OFFICE = ("AccountFrozen", "AccountThawed")
"""Done in the name of the index: its holder is not told by which moderator."""
COLUMNS = (
    "id", "at", "event", "sentence", "outcome", "account", "actor", "project", "rule", "address", "user_agent", "facts",
)  # fmt: skip


def events(index: Index, wanted: Filter, own: str | None = None) -> Iterator[Recorded]:
    """Every event that ``wanted`` names, newest first. ``own``: as the account of that name may see it (`seen_by`)."""
    before: int | None = None
    while True:
        with index.store.read() as connection:
            piece = list(security.recorded(connection, wanted, before=before, limit=_PIECE))
        yield from (each if own is None else seen_by(each, own) for each in piece)
        if len(piece) < _PIECE:
            return
        before = piece[-1].id


def seen_by(found: Recorded, name: str) -> Recorded:
    """An event as the account ``name`` may see it: not from where others act on it, nor which moderator it was."""
    if found.event in _BY_OFFICE:
        return replace(found, actor=None, address=None, user_agent=None)
    if found.actor not in (None, name):
        return replace(found, address=None, user_agent=None)
    return found


def row(found: Recorded) -> dict[str, object]:
    """An event as a JSON object with the fields `COLUMNS`."""
    values = {column: getattr(found, column) for column in COLUMNS}
    return values | {"at": found.at.isoformat().replace("+00:00", "Z"), "facts": dict(found.facts)}


def json_lines(found: Iterable[Recorded]) -> Iterator[bytes]:
    """Events as JSON, one a line, in UTF-8."""
    for each in found:
        yield orjson.dumps(row(each), option=orjson.OPT_APPEND_NEWLINE)


def csv_lines(found: Iterable[Recorded]) -> Iterator[bytes]:
    """Events as CSV with a line of names; facts are JSON within a cell."""
    yield spreadsheet.line(COLUMNS)
    for each in found:
        values = row(each)
        values["facts"] = orjson.dumps(values["facts"]).decode() if values["facts"] else None
        yield spreadsheet.line(values.values())


FORMS: Mapping[str, tuple[str, Callable[[Iterable[Recorded]], Iterator[bytes]]]] = MappingProxyType(
    {"jsonl": ("application/x-ndjson", json_lines), "csv": ("text/csv; charset=utf-8", csv_lines)}
)
"""Ending of a file's name → media type, and what writes it."""
