"""Download statistics for programs: the pypistats API, the list of the most downloaded, badges, exports.

What does not live here: what is counted (`shell.lake`), the forms (`core.views`), the pages for people
(`web.pages.statistics`), and the API of our own (`web.api.downloads`).
"""

from __future__ import annotations

from starlette.routing import Route

from . import badges, exports, pypistats, top

ROUTES = (
    Route("/api/packages/{name}/{kind}", pypistats.figures),
    Route("/api/packages/{rest:path}", pypistats.elsewhere, methods=["GET", "OPTIONS"]),
    Route("/badges/{name}/{what}.svg", badges.one),
    Route("/statistics/top-30-days.json", top.whole),
    Route("/statistics/top-30-days.min.json", top.small),
    Route("/statistics/top-30-days.csv", top.table),
    Route("/statistics/export.{form}", exports.of_index),
    Route("/project/{name}/statistics.{form}", exports.of_project),
)
