"""What the pages of one project share: they are shown to its people only, and their forms end on the page again.

What does not live here: what each of them shows (`project`, `project_publishing`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from affineur.core.decision import Decision, Refused
from affineur.core.names import NormalizedName, parse_name
from affineur.web.session import Page, Session, signed_in

from .frame import NOTHING, Form, Typed, account_page, form_on

Values = Callable[[Request, Session, Decision | None, Typed], Mapping[str, object]]
"""What a page shows, after a refusal and what was typed; `Refused` where the project is nobody's business."""


@dataclass(frozen=True, slots=True)
class ProjectPage:
    """A page of one project. ``path`` has the project as ``{name}``."""

    path: str
    template: str
    values: Values

    async def shown(
        self, request: Request, session: Session, refused: Decision | None = None, typed: Typed = NOTHING
    ) -> Response:
        """The page, after a form was answered by ``refused``, if it was."""
        return await asyncio.to_thread(self._shown, request, session, refused, typed)

    def form(self, handler: Form) -> Page:
        """A form of the page: a refusal is said on it, and one that asks for a proof leads to that and back."""
        return signed_in(form_on(self.path, self.shown)(handler))

    def _shown(self, request: Request, session: Session, refused: Decision | None, typed: Typed) -> Response:
        try:
            values = self.values(request, session, refused, typed)
        except Refused as unseen:
            return no_project(request, session, refused or unseen.decision)
        return account_page(request, session, self.template, values, refused=refused)


def no_project(request: Request, session: Session, why: Decision) -> Response:
    """Instead of a page of a project: there is no such project, or it is nobody's business."""
    missing = why.rule in ("project.exists", "name.format")
    return account_page(request, session, "no_project.html", refused=why, status=404 if missing else None)


def name_of(request: Request) -> NormalizedName:
    """The project in the path; `Refused` (``name.format``) where it cannot be one."""
    return parse_name(request.path_params["name"])
