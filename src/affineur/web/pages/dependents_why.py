"""``/project/<name>/why/``: all shortest chains to a project from what somebody installs, and what to replace first.

An address asks it (``?from=a,b``), or a form with the text of a requirements file, which is too long for one. The
form changes nothing and keeps nothing. What does not live here: finding chains (`shell.dependents.questions`).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from urllib.parse import urlencode

from starlette.datastructures import FormData
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Message, Receive

from affineur.core.decision import Decision, Refused, refuse
from affineur.core.dependents.starts import Starts
from affineur.core.names import NormalizedName
from affineur.core.views.dependents import CutsTold, WhyTold
from affineur.shell.dependents.telling import cuts_told, starts_of, why_told
from affineur.shell.store.projects import ProjectRow
from affineur.web.addresses import base_url
from affineur.web.answers import status_of

from .dependents import about, frame
from .rendering import index_of, page

WHY = "/project/{name}/why/"
MAXIMUM_BYTES = 512 * 1024
"""Of a requirements file, and of all that is sent with it."""
_LONGEST_LINK = 1500


@dataclass(frozen=True, slots=True)
class Typed:
    """What the form says. ``file`` is the text of a file that was sent along."""

    text: str = ""
    owner: str = ""
    extras: bool = False
    file: str = ""

    @property
    def is_empty(self) -> bool:
        """Whether nothing is asked yet."""
        return not (self.text.strip() or self.owner or self.file.strip())


async def why(request: Request) -> Response:
    """``GET /project/<name>/why/?from=…&owner=…&extras=yes``: an address that can be passed on."""
    given = request.query_params
    owner = given.get("owner", "").replace("\0", "").strip()[:100]  # which PostgreSQL has no text with
    typed = Typed("\n".join(given.getlist("from")), owner, given.get("extras") == "yes")
    return await _in_turn(request, typed)


async def why_of_file(request: Request) -> Response:
    """``POST /project/<name>/why/``: the same of a text or a file, however long."""
    try:
        typed = await _sent(request)
    except Refused as refused:
        return await _in_turn(request, Typed(), refused.decision)
    except ClientDisconnect:
        return Response(status_code=400)
    return await _in_turn(request, typed)


async def _sent(request: Request) -> Typed:
    """The form. `Refused` (``form.size``, ``form.encoding``) for one that is too long or no text."""
    from starlette.formparsers import MultiPartException

    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAXIMUM_BYTES:
            refuse("form.size", f"A requirements file has at most {MAXIMUM_BYTES // 1024} KiB here.", "Send less text.")
    whole = Request(request.scope, _once(bytes(body)))
    try:
        async with whole.form(max_files=1, max_fields=10, max_part_size=MAXIMUM_BYTES) as form:
            return await _typed(form)
    except MultiPartException:
        refuse("form.encoding", "The form cannot be read.", "Send it from the page, as UTF-8.")
    except UnicodeDecodeError:
        refuse("form.encoding", "The file is no text in UTF-8.", "Send a requirements file.")


async def _typed(form: FormData) -> Typed:
    given = {name: value for name, value in form.items() if isinstance(value, str)}
    file = form.get("requirements")
    text = "" if file is None or isinstance(file, str) else (await file.read()).decode("utf-8")
    if "\0" in text + given.get("from", "") + given.get("owner", ""):
        refuse("form.encoding", "The file is no text in UTF-8.", "Send a requirements file.")
    return Typed(given.get("from", ""), given.get("owner", "").strip()[:100], given.get("extras") == "yes", text)


def _once(body: bytes) -> Receive:
    """What gives a body that has been read already."""

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    return receive


async def _in_turn(request: Request, typed: Typed, refused: Decision | None = None) -> Response:
    answer: Response = await request.app.state.questions.take(_page, request, typed, refused)
    return answer


def _page(request: Request, typed: Typed, refused: Decision | None = None) -> Response:
    return about(request, WHY, lambda request, name, found: _answer(request, name, found, typed, refused))


def _answer(
    request: Request, name: NormalizedName, found: ProjectRow | None, typed: Typed, refused: Decision | None
) -> Response:
    index, told, cuts = index_of(request), None, None
    starts = None if typed.is_empty else starts_of(index, (), f"{typed.text}\n{typed.file}", typed.owner or None)
    try:
        if starts is not None:
            told = why_told(index, name, starts, extras=typed.extras)
        if refused is None:
            cuts = cuts_told(index, name, starts, extras=typed.extras)
    except Refused as no:
        refused = no.decision
    named = _named(told, cuts)
    called = found.display_name if found else name
    values = {
        **frame(request, name, found, "why", f"Why {called} is installed", named),
        "typed": typed,
        "why": told,
        "cuts": cuts,
        "count": len(told.chains) + told.more if told else 0,
        "grouped": [(root, list(each)) for root, each in groupby(told.chains, lambda chain: chain[0].dependent)]
        if told
        else [],
        "link": _link(request, name, starts, typed),
        "refused": refused,
    }
    return page(request, "dependents_why.html", values, status=status_of(refused) if refused else 200)


def _named(told: WhyTold | None, cuts: CutsTold | None) -> set[str]:
    roots = {chain[0].dependent for chain in told.chains} if told else set()
    return roots | ({cut.dependent for cut in cuts.cuts} if cuts else set())


def _link(request: Request, name: NormalizedName, starts: Starts | None, typed: Typed) -> str | None:
    """The address that asks the same, where it is not too long for one."""
    if starts is None or not starts.names:
        return None
    pairs = {"from": ",".join(starts.names), "extras": "yes" if typed.extras else ""}
    query = urlencode({name: value for name, value in pairs.items() if value}, safe=",")
    return f"{base_url(request)}{WHY.format(name=name).lstrip('/')}?{query}" if len(query) <= _LONGEST_LINK else None


ROUTES = [
    Route("/project/{name}/why", why, methods=["GET"]),
    Route(WHY, why, methods=["GET"]),
    Route(WHY, why_of_file, methods=["POST"]),
]
