"""Pages of those who hold an office: accounts of the index, its security log, invitations to it, its cases, vouchers.

Each is shown to whom `core.access` allows what it shows; everybody else reads why not. `frame` has what they share.
"""

from __future__ import annotations

from starlette.routing import BaseRoute

from . import accounts, campaigns, cases, examine, holding, invitations, log, webhooks


def routes() -> list[BaseRoute]:
    """The routes of all of them."""
    return [
        *accounts.ROUTES,
        *cases.ROUTES,
        *holding.ROUTES,
        *log.ROUTES,
        *examine.ROUTES,
        *invitations.ROUTES,
        *webhooks.ROUTES,
        *campaigns.ROUTES,
    ]
