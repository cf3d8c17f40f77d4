"""Pages of people who sign in: their account, how it is protected, their tokens, publishers, projects, invitations.

Every subject is a module with ``ROUTES``. A page reads what it shows and asks an action for what it does; what
may be done is decided there (`core.access`). `frame` has what all of them share.
"""

from __future__ import annotations

from importlib import import_module

from starlette.routing import BaseRoute

SUBJECTS: tuple[str, ...] = (
    "frozen",
    "log",
    "messages",
    "machines",
    "overview",
    "sign_in",
    "company",
    "recovery",
    "confirm",
    "second_factor",
    "security",
    "registering",
    "passwords",
    "emails",
    "tokens",
    "projects",
    "project",
    "invitations",
    "publishing",
    "project_publishing",
    "project_unarchiving",
    "project_state",
    "project_webhooks",
    "reports",
    "vouchers",
)
"""The modules of this package that have ``ROUTES``, in the order in which they are asked."""

OPEN_SUBJECTS = ("reports", "appeals", "impact")
"""Those with ``OPEN_ROUTES``: pages below that of a project, which everybody may read."""


def routes() -> list[BaseRoute]:
    """The routes of all pages for people who sign in."""
    return [route for subject in SUBJECTS for route in import_module(f"{__name__}.{subject}").ROUTES]


def open_routes() -> list[BaseRoute]:
    """The routes of their pages about a project that everybody may read; to be asked before the project's own."""
    return [route for subject in OPEN_SUBJECTS for route in import_module(f"{__name__}.{subject}").OPEN_ROUTES]
