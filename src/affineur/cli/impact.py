"""Commands about impact: run a measurement, repeat one, and explain why a project has its class."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .options import AsJson, Config, Data, Project

if TYPE_CHECKING:
    from affineur.core.impact.explain import Explanation
    from affineur.shell.impact.evidence import Beside, Past
    from affineur.shell.store.impact import Run

impact = typer.Typer(help="Measure how much depends on each project, and explain it.", no_args_is_help=True)

At = Annotated[str | None, typer.Option("--at", metavar="DATE", help="As of the end of this day, such as 2026-01-31.")]
Number = Annotated[int, typer.Argument(metavar="RUN", help="Number of the run, as `runs` lists it.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this module to ``app``."""
    app.add_typer(impact, name="impact")


@impact.command("explain")
def explain(
    project: Project,
    at: At = None,
    data: Data = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Explain a project's class: every number, what it counts, over which days, from where, and its limit.

    As the newest run up to the date recorded it. Today's installers and chains stand beside, where no date is given.
    """
    from affineur.core.names import parse_name
    from affineur.shell.impact.evidence import beside, explained

    from .start import open_existing, print_json

    index, name = open_existing(data, config), parse_name(project)
    try:
        past = explained(index, name, _end_of(at))
        shown = beside(index, name, past.run) if at is None else None
    finally:
        index.close()
    if as_json:
        print_json(_as_values(past, shown))
    else:
        for line in _lines(past, shown):
            typer.echo(line)


@impact.command("run")
def run(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Measure and record; give no class.")] = False,
    data: Data = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Measure every project now, and give classes by it. May be interrupted: the next run goes on."""
    from affineur.actions.classify import run as carry_out

    from .progress import progress
    from .start import open_existing, print_json

    index = open_existing(data, config)
    try:
        with progress() as tell:
            made = carry_out(index, lambda: datetime.now(UTC), dry=dry_run, tell=tell)
    finally:
        index.close()
    if as_json:
        print_json(_run_as_values(made))
        return
    typer.echo(_run_line(made))
    for jump in made.jumps:
        typer.echo(
            f"  waits for you: {jump.project}, measured as {jump.measured}, grew from {jump.before:,} to {jump.now:,}; "
            f"accept with `affineur reclassify {jump.measured} {jump.project} "
            f"--basis downloads-{made.numbers.window_days}d`"
        )


@impact.command("runs")
def runs(data: Data = None, config: Config = None, as_json: AsJson = False) -> None:
    """List the runs, newest first."""
    from affineur.shell.store import impact as recorded

    from .start import open_existing, print_json

    index = open_existing(data, config)
    with index.store.read() as connection:
        found = recorded.runs(connection)
    index.close()
    if as_json:
        print_json([_run_as_values(each) for each in found])
        return
    for each in found:
        typer.echo(_run_line(each))


@impact.command("repeat")
def repeat(number: Number, data: Data = None, config: Config = None, as_json: AsJson = False) -> None:
    """Judge a run again from the facts it recorded, and compare.

    The exit status is that of damage where it comes to something else.
    """
    from affineur.actions.classify import repeat as judge_again

    from .start import EXIT_DAMAGED, open_existing, print_json

    index = open_existing(data, config)
    try:
        found = judge_again(index, number)
    finally:
        index.close()
    told = {"run": number, "same": found.same, "recorded": found.run.sha256, "again": found.sha256}
    if as_json:
        print_json(told)
    elif found.same:
        typer.echo(f"Run {number} comes to the same: {found.run.projects:,} projects, SHA-256 {found.sha256}.")
    else:
        typer.echo(f"Run {number} comes to something else: recorded {found.run.sha256}, again {found.sha256}.")
    if not found.same:
        raise typer.Exit(EXIT_DAMAGED)


@impact.command("history")
def history(project: Project, data: Data = None, config: Config = None, as_json: AsJson = False) -> None:
    """Show what the newest runs said of a project."""
    from affineur.core.names import parse_name
    from affineur.shell.impact.evidence import history as of_project

    from .start import open_existing, print_json

    index = open_existing(data, config)
    try:
        found = of_project(index, parse_name(project))
    finally:
        index.close()
    if as_json:
        print_json([_as_values(each, None) for each in found])
        return
    for each in found:
        told = each.explanation
        waits = f"; {told.waits.sentence}" if told.waits else ""
        typer.echo(f"{told.day}  {told.impact}  (run {told.run}, measured {told.verdict.measured}{waits})")


@impact.command("release")
def release(project: Project, data: Data = None, config: Config = None) -> None:
    """Leave a class that was said by hand to the next run; until then it stays."""
    from affineur.actions.status import set_status
    from affineur.core.access import SYSTEM
    from affineur.core.impact.basis import TO_MEASURE, is_measured
    from affineur.core.life.lifecycle import Said
    from affineur.core.names import parse_name
    from affineur.shell.store import projects

    from .start import EXIT_REFUSED, fail, open_existing

    index, name = open_existing(data, config), parse_name(project)
    with index.store.read() as connection:
        found = projects.find(connection, name)
    if found is None or found.standing.impact is None or is_measured(found.standing.impact_basis):
        index.close()
        fail(f"The class of project '{name}' was not said by hand.", EXIT_REFUSED)
    said = Said(value=found.standing.impact, basis=TO_MEASURE)
    set_status(index, SYSTEM, "reclassify", name, datetime.now(UTC), said)
    index.close()
    typer.echo(f"{name} stays {found.standing.impact}; the next run measures it.")


@impact.command("tell")
def tell(data: Data = None, config: Config = None) -> None:
    """Tell everybody the classes that were given while the setting `impact_public` was off."""
    from affineur.actions.tell_classes import tell_classes

    from .start import open_existing

    index = open_existing(data, config)
    told = tell_classes(index, datetime.now(UTC))
    index.close()
    typer.echo(f"Told of {told:,} projects.")


def _end_of(day: str | None) -> datetime | None:
    from .start import EXIT_USAGE, fail

    if day is None:
        return None
    try:
        return datetime.combine(date.fromisoformat(day), time.max, UTC)
    except ValueError:
        fail(f"'{day}' is no date. Write it as 2026-01-31.", EXIT_USAGE)


def _lines(past: Past, shown: Beside | None) -> list[str]:
    told = past.explanation
    lines = [
        f"{told.project} is {told.impact} since run {told.run} ({past.run.at:%Y-%m-%d}, downloads until {told.day}), "
        f"{_basis(told)}. Before: {told.before or 'not measured'}."
    ]
    if told.waits:
        lines.append(f"{told.waits.sentence} ({told.waits.rule})")
    for each in told.numbers:
        lines += [
            f"  {'met    ' if each.met else 'not met'}  {each.sentence}  ({each.rule})",
            f"           counts {each.counts}; {each.window}; {each.source}",
        ]
    if shown:
        lines.append(
            f"All downloads in the window: {shown.downloads:,}; by installers, not capped: {shown.installs:,}."
        )
    if shown and shown.installers:
        lines.append(
            "Installed by: " + ", ".join(f"{one.value or 'not known'} {one.downloads:,}" for one in shown.installers)
        )
    lines += [f"Depended on by: {' → '.join(chain)}" for chain in (shown.chains if shown else ())]
    return lines


def _basis(told: Explanation) -> str:
    from affineur.core.impact.basis import words

    return words(told.verdict.basis)


def _as_values(past: Past, shown: Beside | None) -> dict[str, Any]:
    told = past.explanation
    return {
        "project": told.project,
        "run": told.run,
        "at": past.run.at,
        "last_day": told.day,
        "class": told.impact,
        "basis": told.verdict.basis,
        "measured": told.verdict.measured,
        "before": told.before,
        "waits": told.waits and {"rule": told.waits.rule, "reason": told.waits.sentence},
        "numbers": [
            {
                "rule": each.rule,
                "what": each.what,
                "value": each.value,
                "limit": each.limit,
                "met": each.met,
                "counts": each.counts,
                "window": each.window,
                "source": each.source,
                "rank": each.rank,
                "among": each.among,
            }
            for each in told.numbers
        ],
        "installers": [{"name": one.value, "installs": one.downloads} for one in (shown.installers if shown else ())],
        "downloads": shown and shown.downloads,
        "installs": shown and shown.installs,
        "chains": [list(chain) for chain in (shown.chains if shown else ())],
    }


def _run_line(run: Run) -> str:
    classes = ", ".join(f"{name} {count:,}" for name, count in run.counts.items())
    return f"Run {run.id} of {run.at:%Y-%m-%d %H:%M} ({run.state}), downloads until {run.last_day}: {classes}"


def _run_as_values(run: Run) -> dict[str, Any]:
    from dataclasses import asdict

    return {
        "run": run.id,
        "at": run.at,
        "last_day": run.last_day,
        "state": run.state,
        "projects": run.projects,
        "counts": dict(run.counts),
        "numbers": asdict(run.numbers),
        "thresholds": asdict(run.thresholds),
        "sha256": run.sha256,
        "facts": run.facts,
        "jumps": [asdict(each) for each in run.jumps],
    }
