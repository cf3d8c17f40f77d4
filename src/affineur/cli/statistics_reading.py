"""`affineur statistics show`, `top` and `export`: what downloads add up to, read from the lake of this machine's index.

What does not live here: counting them (`cli.statistics`), and the same for programs elsewhere (the HTTP API).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .options import AsJson, Config, Data
from .statistics_index import counted, statistics_of

if TYPE_CHECKING:
    from affineur.core.views.statistics import Asked
    from affineur.shell.lake.port import Lake

Count = Annotated[str, typer.Option("--count", help="What counts: without-mirrors, installs or all.")]
Days = Annotated[int, typer.Option("--days", help="The last so many days, unless --from is given.", min=1)]
From = Annotated[str | None, typer.Option("--from", help="First day, such as 2026-01-31.")]
To = Annotated[str | None, typer.Option("--to", help="Last day.")]
_USUAL_DAYS = 30
_NOTHING = (
    "No download is added up yet. `affineur statistics collect` reads the log, `affineur statistics roll-up` adds up; "
    "the background does both by itself."
)


def register(statistics: typer.Typer) -> None:
    """Add the commands of this module to the group ``statistics``."""
    statistics.command("show")(show)
    statistics.command("top")(top)
    statistics.command("export")(export)


def show(
    project: Annotated[str, typer.Argument(help="Name of a project; none: the whole index.")] = "",
    by: Annotated[
        str | None,
        typer.Option("--by", help="Told apart by version, installer, python_minor, system, country, class or ci."),
    ] = None,
    count: Count = "without-mirrors",
    days: Days = _USUAL_DAYS,
    first: From = None,
    last: To = None,
    data: Data = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Show the downloads of a project, or of the whole index, with what counts and over which days."""
    from affineur.core.names import parse_name

    from .start import print_json

    name = str(parse_name(project)) if project else ""
    with _question(data, config, count, days, first, last, by) as (lake, asked):
        total = lake.total(name, asked.window, asked.where)
        shares = lake.shares(name, asked.window, asked.where, asked.by) if asked.by else []
        rank = lake.rank(name, asked.window, asked.where) if name else None
    if as_json:
        print_json(
            {
                "project": name or None,
                **_said(asked),
                "downloads": total,
                "rank": rank.rank if rank else None,
                "among": rank.among if rank else None,
                "by": asked.by,
                "shares": [{"value": each.value, "downloads": each.downloads} for each in shares],
            }
        )
        return
    typer.echo(f"{name or 'The whole index'}: {counted(total, 'download')} {_when(asked)}.")
    typer.echo(f"Counted: {asked.where.sentence}.")
    if rank and rank.rank:
        typer.echo(f"Rank {rank.rank:,} of {rank.among:,}.")
    for each in shares:
        part = each.downloads / total if total else 0
        typer.echo(f"{each.downloads:>14,}  {part:6.1%}  {'not known' if each.value is None else each.value}")


def top(
    limit: Annotated[int, typer.Option("--limit", help="At most so many projects.", min=1)] = 20,
    count: Count = "without-mirrors",
    days: Days = _USUAL_DAYS,
    first: From = None,
    last: To = None,
    data: Data = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """List the most downloaded projects."""
    from .start import print_json

    with _question(data, config, count, days, first, last) as (lake, asked):
        found = lake.top(asked.window, asked.where, limit)
    if as_json:
        rows = [{"rank": each.rank, "project": each.project, "downloads": each.downloads} for each in found]
        print_json({**_said(asked), "projects": rows})
        return
    typer.echo(f"Most downloaded {_when(asked)}.")
    typer.echo(f"Counted: {asked.where.sentence}.")
    for each in found:
        typer.echo(f"{each.rank:>7,}  {each.downloads:>14,}  {each.project}")


def export(
    target: Annotated[Path, typer.Argument(help="File to write: its ending says the form, .csv, .jsonl or .parquet.")],
    project: Annotated[
        list[str] | None, typer.Option("--project", help="Of this project only; may be repeated.")
    ] = None,
    days: Days = _USUAL_DAYS,
    first: From = None,
    last: To = None,
    data: Data = None,
    config: Config = None,
) -> None:
    """Write the daily numbers, by everything that is known of each download, to a file."""
    from affineur.core.names import parse_name
    from affineur.shell.lake.port import ExportForm

    from .start import EXIT_REFUSED, fail

    forms: dict[str, ExportForm] = {".csv": "csv", ".jsonl": "jsonl", ".parquet": "parquet"}
    form = forms.get(target.suffix)
    if form is None:
        fail(f"{target} ends in none of {', '.join(forms)}.", EXIT_REFUSED)
    names = [parse_name(each) for each in project or ()]
    with _question(data, config, "all", days, first, last) as (lake, asked):
        rows = lake.export(target, asked.window, form, names)
    typer.echo(f"{counted(rows, 'row')}, downloads {_when(asked)}: {target}")


@contextmanager
def _question(data: Path | None, config: Path | None, count: str, days: int, first: str | None, last: str | None,
              by: str | None = None) -> Iterator[tuple[Lake, Asked]]:  # fmt: skip
    """The lake of the index, and the question; while no day is over, about today; ends the program without downloads.

    Pages tell whole days only: what is not over would look like a fall. Who asks on the machine is told which it is.
    """
    from datetime import UTC, datetime

    from affineur.core.downloads.figures import EVERYTHING
    from affineur.core.views.statistics import asked, asked_of

    from .start import EXIT_NOT_READY, fail

    said = {"count": count, "by": by or "", "days": str(days), "from": first or "", "to": last or ""}
    with statistics_of(data, config) as index:
        question = asked(said, index.lake.state()) or asked_of(datetime.now(UTC).date(), said)
        if not question.is_whole and not index.lake.total("", question.window, EVERYTHING):
            fail(_NOTHING, EXIT_NOT_READY)
        yield index.lake, question


def _when(asked: Asked) -> str:
    if not asked.is_whole:
        return f"so far, until {asked.window.last}: no day is counted whole yet"
    return f"from {asked.window.first} to {asked.window.last}"


def _said(asked: Asked) -> dict[str, object]:
    window = asked.window
    return {"filter": asked.where.sentence, "first_day": window.first, "last_day": window.last, "whole": asked.is_whole}
