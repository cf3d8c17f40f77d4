"""``/account/projects/{name}/webhooks``: who is told of what happens to a project, for its owners.

What does not live here: the pages themselves (`pages.webhooks`).
"""

from __future__ import annotations

from affineur.web.pages.webhooks import Place, routes
from affineur.web.session import signed_in

from .project_frame import name_of, no_project

ROUTES = routes(
    Place("/account/projects/{name}/webhooks", name_of, signed_in, {"section": "/account/projects"}, no_project)
)
