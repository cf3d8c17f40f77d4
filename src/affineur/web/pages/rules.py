"""The register of rules: all of them, one with its reason, numbers and history, and what changed, also as a feed.

Numbers are those of this index. What does not live here: the rules (`core.rules`), and refusals (`web.answers`).
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from affineur.core.rules import FIRST, GROUPS, NOTICE, RULES, Rule
from affineur.core.rules.history import News, news
from affineur.core.rules.rule import spoken
from affineur.core.views.atom import AtomEntry, AtomFeed, atom
from affineur.settings import Settings
from affineur.web.addresses import base_url
from affineur.web.documents import document

from .rendering import page, settings_of

_DEFAULTS = Settings()


async def every(request: Request) -> Response:
    """``/help/rules``: one entry a rule, its id as the anchor."""
    return page(request, "rules.html", {"groups": GROUPS, "settings": settings_of(request)})


async def one(request: Request) -> Response:
    """``/help/rules/<rule>``: where a refusal leads to."""
    rule = RULES.get(request.path_params["rule"])
    if rule is None:
        raise HTTPException(404)
    settings, today = settings_of(request), datetime.now(UTC).date()
    group = next(each for each in GROUPS if rule in each.rules)
    values = {
        "rule": rule,
        "group": group,
        "settings": settings,
        "numbers": _numbers(rule, settings),
        "coming": [change for change in rule.changes if change.on > today],
        "history": list(enumerate(rule.changes, start=2))[::-1],
    }
    return page(request, "rule.html", values)


def _numbers(rule: Rule, settings: Settings) -> list[tuple[str, str, str]]:
    """Each setting that decides with the rule: its name, its value here, its default, as prose."""
    return [
        (name, spoken(getattr(settings, name), name), spoken(getattr(_DEFAULTS, name), name))
        for name in rule.deciding_settings
    ]


async def changes(request: Request) -> Response:
    """``/help/rules/changes``: what came and what changed, newest first."""
    return page(request, "rules_changes.html", {"news": news(GROUPS), "notice": spoken(NOTICE)})


async def changes_feed(request: Request) -> Response:
    """``/help/rules/changes.atom``: the same for feed readers."""
    base, name = base_url(request), settings_of(request).index_name
    where = f"{base}help/rules/changes"
    entries = [
        AtomEntry(
            f"{where}#{each.key}",
            each.title,
            _link(base, each),
            _midnight(each.on),
            name,
            each.text,
            "change" if each.change else "rules",
        )
        for each in news(GROUPS)
    ]
    feed = AtomFeed(where, f"{name}: changes of the rules", where, f"{where}.atom", entries, _midnight(FIRST))
    return document(request, atom(feed), "application/atom+xml")


def _link(base: str, each: News) -> str:
    return f"{base}help/rules/{each.rules[0].id}" if each.change else f"{base}help/rules#{each.rules[0].id}"


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
