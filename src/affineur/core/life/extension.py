"""The extension: what this index tells of a project beyond the standards, as the one member ``_index``.

Keys that begin with an underscore are an index's own (PyPA "simple repository API"); clients that do not know this
one lose nothing. It carries ``origin``, so that a mirror that passes it on cannot be taken for whoever said it.
What does not live here: the standard's own members (`simple`), and the facts (`standing`).
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from ..names import NormalizedName
from .standing import Hold, Standing, statuses

SCHEMA = 1
"""Counts up when a member changes its meaning; new members do not move it."""


def public(standing: Standing, *, impact: bool) -> Standing:
    """What everybody may know of a project: without its class of ``impact``, where the settings keep that to few."""
    if impact or standing.impact is None:
        return standing
    return replace(standing, impact=None, impact_since=None, impact_basis=None)


def member(
    standing: Standing, name: NormalizedName, first_seen: datetime, origin: str, root: str = "../../"
) -> dict[str, object]:
    """The value of ``_index`` for a project.

    ``standing`` is as `public` gives it. Links are relative to the project's page, as those of files are, or begin with
    ``root``, an address that ends in /.
    """
    about = f"{root}project/{name}/"
    return {
        "origin": origin,
        "schema": SCHEMA,
        "stability": "experimental",
        "statuses": statuses(standing),
        "maintenance": {"state": standing.maintenance, "since": _day_and_time(standing.maintenance_since)},
        "advice": {
            "state": standing.advice,
            "since": _day_and_time(standing.advice_since),
            "replacements": [{"name": one.name, "specifier": one.specifier} for one in standing.replacements],
        },
        "custody": {
            "state": standing.custody,
            "epoch": standing.custody_epoch,
            "changed_at": _day_and_time(standing.custody_since),
            "wish": standing.wish,
        },
        "safety": {"state": standing.safety, "holds": [_hold(hold) for hold in standing.holds]},
        "availability": {
            "state": "withheld" if standing.withheld else standing.availability,
            "withdrawal_date": _day_and_time(standing.withdraws_at),
        },
        "name": {"generation": standing.generation, "first_seen": _day_and_time(first_seen)},
        **_impact(standing),
        "links": {"history": f"{about}history/", "appeal": f"{about}appeal/" if standing.holds else None},
    }


def _impact(standing: Standing) -> dict[str, object]:
    if standing.impact is None:
        return {}
    since = _day_and_time(standing.impact_since)
    return {"impact": {"class": standing.impact, "since": since, "basis": standing.impact_basis}}


def _hold(hold: Hold) -> dict[str, object]:
    return {
        "state": hold.kind,
        "origin": hold.origin,
        "level": hold.level,
        **({"version": hold.version} if hold.version else {}),
        **({"filename": hold.filename} if hold.filename else {}),
        "code": hold.code,
        "reason": hold.reason,
        "case": hold.case,
        "since": _day_and_time(hold.since),
    }


def _day_and_time(moment: datetime | None) -> str | None:
    """In whole seconds, UTC: what people and programs compare."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if moment else None
