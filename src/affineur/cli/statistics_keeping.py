"""Commands that look after download statistics: how far they are, rolling them up, and classing them anew."""

from __future__ import annotations

import typer

from .options import AsJson, Config, Data
from .statistics_index import counted, statistics_of


def roll_up(data: Data = None, config: Config = None, as_json: AsJson = False) -> None:
    """Add up now what was counted; put small files together, forget what is past its time.

    The background does the same by itself.
    """
    from datetime import UTC, datetime

    from .progress import progress
    from .start import print_json

    with statistics_of(data, config) as index:
        with progress() as tell:
            days = index.lake.roll_up(datetime.now(UTC).date(), tell)
        index.lake.sweep(datetime.now(UTC))
    if as_json:
        print_json({"days": days})
    else:
        typer.echo(f"Rolled up: {counted(days, 'day')}.")


def reclass(data: Data = None, config: Config = None, as_json: AsJson = False) -> None:
    """Class all stored downloads by the newest table of classes, and add them up anew.

    For downloads that an older table classed. Of days whose networks are forgotten, what each network's cap had left
    moves in proportion.
    """
    from .progress import progress
    from .start import print_json

    with statistics_of(data, config) as index, progress() as tell:
        events = index.lake.reclass(tell)
    if as_json:
        print_json({"downloads": events})
    else:
        typer.echo(f"Classed anew: {counted(events, 'download')}.")


def state(data: Data = None, config: Config = None, as_json: AsJson = False) -> None:
    """Show which days are counted whole, and what waits to be added up."""
    from affineur.core.downloads.classes import TABLE_VERSION

    from .start import print_json

    with statistics_of(data, config) as index:
        found = index.lake.state()
    if as_json:
        print_json(
            {
                "first_day": found.first_day,
                "last_day": found.last_day,
                "waiting": found.events,
                "table_versions": list(found.table_versions),
                "newest_table_version": TABLE_VERSION,
            }
        )
        return
    whole = f"Whole days: {found.first_day} to {found.last_day}." if found.last_day else "No day is counted whole yet."
    typer.echo(f"{whole} Waiting to be rolled up: {counted(found.events, 'download')}.")
    if any(version < TABLE_VERSION for version in found.table_versions):
        typer.echo("Some downloads were classed by an older table: `affineur statistics reclass`.")
