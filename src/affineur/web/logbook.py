"""What pages of the security log have in common: the filter in their query, the part that is shown, and its export."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

import sqlalchemy as sa
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from affineur.core.decision import Decision, deny
from affineur.core.moments import moment
from affineur.core.security import EVENTS
from affineur.projections.security_log import FORMS, events, seen_by
from affineur.shell.index import Index
from affineur.shell.store import security
from affineur.shell.store.security import Filter, Recorded

from .answers import refusal

PAGE = 50
FIELDS = ("account", "event", "outcome", "project", "since", "until")


@dataclass(frozen=True, slots=True)
class Asked:
    """What a reader asks for: the filter, as typed, the id before which to go on, and what does not fit of it."""

    wanted: Filter
    typed: Mapping[str, str]
    before: int | None
    refused: Decision | None

    @property
    def query(self) -> str:
        """The filter as a query, to go on with it."""
        return urlencode({name: value for name, value in self.typed.items() if value})


def asked(request: Request, account_id: int | None) -> Asked:
    """The filter in the query of ``request``, about the account of that id (None: everybody)."""
    typed = {name: request.query_params.get(name, "").strip()[:200] for name in FIELDS}
    typed["event"] = typed["event"] if typed["event"] in EVENTS else ""
    typed["outcome"] = typed["outcome"] if typed["outcome"] in ("done", "refused") else ""
    since, until = moment(typed["since"]), moment(typed["until"], end=True)
    unfit = [name for name, found in (("since", since), ("until", until)) if typed[name] and found is None]
    refused = deny("log.time", f"{typed[unfit[0]]!a} is no date.", "Write it as 2026-01-31.") if unfit else None
    before = request.query_params.get("before", "")
    wanted = Filter(
        account_id=account_id,
        project=typed["project"].replace("\0", "") or None,
        event=typed["event"] or None,
        outcome=typed["outcome"] or None,
        since=since,
        until=until,
    )
    position = int(before) if before.isascii() and before.isdigit() and len(before) < 19 else None
    return Asked(wanted, typed, position, refused)


def shown(connection: sa.Connection, ask: Asked, own: str | None = None) -> tuple[list[Recorded], int | None]:
    """The events of one page, and where the next one begins (None: there is none). ``own`` as in `events`."""
    found = list(security.recorded(connection, ask.wanted, before=ask.before, limit=PAGE + 1))
    more = found[PAGE - 1].id if len(found) > PAGE else None
    return [each if own is None else seen_by(each, own) for each in found[:PAGE]], more


def export(request: Request, ask: Asked, name: str, own: str | None = None) -> Response:
    """Everything that is asked for, as a file: read as it is sent. Its form is the ending of the path asked for."""
    if ask.refused is not None:
        return refusal(request, ask.refused)
    index: Index = request.app.state.index
    form = request.url.path.rpartition(".")[2]
    media_type, lines = FORMS[form]
    headers = {
        "content-disposition": f'attachment; filename="{name}.{form}"',
        "cache-control": "no-store, private",
        "x-content-type-options": "nosniff",
    }
    return StreamingResponse(lines(events(index, ask.wanted, own)), headers=headers, media_type=media_type)
