"""Pages for people: home, search, projects, help, and what is shown where there is nothing.

Every page is made on the server and complete without a script. `rendering` is the one way from a template to
an answer, with its headers. What does not live here: what programs read (`simple_api`, `json_api`).
"""

from __future__ import annotations

from starlette.routing import BaseRoute, Route

from . import (
    account,
    admin,
    dependents,
    dependents_why,
    help,
    home,
    journal,
    project,
    rules,
    searching,
    static,
    statistics,
)
from .errors import handlers, private_page, wants_html

__all__ = ["handlers", "private_page", "routes", "wants_html"]


def routes() -> list[BaseRoute]:
    """The routes of all pages, and of the files that they load."""
    return [
        Route("/", home.home),
        Route("/search", searching.search),
        Route("/search/", searching.search),
        *account.open_routes(),
        *dependents.ROUTES,
        *dependents_why.ROUTES,
        *statistics.ROUTES,
        Route("/project/{rest:path}", project.project),
        Route("/journal/", journal.entries),
        Route("/journal/{serial}", journal.entry),
        Route("/help", help.words),
        Route("/help/", help.words),
        Route("/help/rules", rules.every),
        Route("/help/rules/", rules.every),
        Route("/help/rules/changes", rules.changes),
        Route("/help/rules/changes.atom", rules.changes_feed),
        Route("/help/rules/{rule}", rules.one),
        *account.routes(),
        *admin.routes(),
        Route("/favicon.ico", static.favicon),
        Route("/static/{digest}/{file}", static.file),
    ]
