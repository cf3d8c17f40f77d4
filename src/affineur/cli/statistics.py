"""Commands about downloads: counting them from logs, and what is told of them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from . import statistics_keeping, statistics_reading
from .options import AsJson, Config, Data
from .statistics_index import counted, statistics_of

if TYPE_CHECKING:
    from affineur.core.downloads.foreign import Form
    from affineur.shell.index import Index
    from affineur.shell.store.lake_logs import Counted

statistics = typer.Typer(help="Count downloads, and see what they add up to.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the commands of this module to ``app``."""
    statistics.command("collect")(collect)
    statistics.command("import")(import_logs)
    statistics.command("roll-up")(statistics_keeping.roll_up)
    statistics.command("reclass")(statistics_keeping.reclass)
    statistics.command("state")(statistics_keeping.state)
    statistics_reading.register(statistics)
    app.add_typer(statistics, name="statistics")


def collect(data: Data = None, config: Config = None, as_json: AsJson = False) -> None:
    """Count now what is new in the request log of this machine.

    The background does the same every `collect_seconds`.
    """
    from affineur.shell.lake import collecting

    from .progress import progress
    from .start import EXIT_NOT_READY, fail, print_json

    with statistics_of(data, config) as index:
        try:
            with progress() as tell:
                found = collecting.collect(index.settings, index.store, lambda: index.lake, tell=tell)
        except collecting.Busy:
            fail("Another process is collecting on this machine. Try again in a moment.", EXIT_NOT_READY)
    if as_json:
        print_json(_facts(found))
    else:
        typer.echo(_sentence(found))


def import_logs(
    files: Annotated[
        list[Path],
        typer.Argument(help="Logs, the oldest first; packed by gzip, bzip2 or xz or not.", metavar="FILE..."),
    ],
    form: Annotated[
        str, typer.Option("--form", help="`auto`, `combined`, `fastly`, `nginx-json` or `requests`.")
    ] = "auto",
    data: Data = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Count the downloads in logs of another or an older server.

    A file that was imported before counts once, whatever it is called now; one that has grown since, only
    what is new in it.
    """
    from affineur.core.downloads.foreign import FORMS

    from .start import EXIT_USAGE, fail, print_json

    chosen = next((each for each in FORMS if each == form), None)
    if chosen is None and form != "auto":
        fail(f"There is no form {form}; there are auto, {', '.join(sorted(FORMS))}.", EXIT_USAGE)
    missing = [str(path) for path in files if not path.is_file()]
    if missing:
        fail(f"There is no file {', '.join(missing)}.", EXIT_USAGE)
    with statistics_of(data, config) as index:
        own = [str(path) for path in files if path.resolve().parent == index.settings.logs.resolve()]
        if own:
            fail(f"{own[0]} is read by `affineur statistics collect`; nothing was imported.", EXIT_USAGE)
        done = _import_all(index, files, chosen, quiet=as_json)
    if as_json:
        print_json(done)


def _import_all(index: Index, files: list[Path], form: Form | None, *, quiet: bool) -> list[dict[str, object]]:
    import lzma
    import zlib

    from affineur.shell.lake.collecting import Into
    from affineur.shell.lake.importing import UnknownForm, import_log

    from .progress import progress
    from .start import EXIT_USAGE, fail

    into = Into(index.lake, index.store, index.settings.lake / ".new" / f"importing-{os.getpid()}")
    done: list[dict[str, object]] = []
    for path in files:
        try:
            with progress() as tell:
                found = import_log(path, form, into, tell=tell)
        except UnknownForm:
            fail(f"{path}: its lines show no form that is known here; say which with --form.", EXIT_USAGE)
        except (EOFError, OSError, lzma.LZMAError, zlib.error) as error:
            fail(f"{path}: it cannot be read: {error}", EXIT_USAGE)
        done.append({"file": str(path), "form": found.form, "bytes_before": found.before} | _facts(found.counted))
        if not quiet:
            before = f" What was counted before: {counted(found.before, 'byte')}." if found.before else ""
            typer.echo(f"{path} ({found.form}): {_sentence(found.counted)}{before}")
    return done


def _facts(found: Counted) -> dict[str, object]:
    return {"lines": found.lines, "downloads": found.events, "unreadable": found.unreadable}


def _sentence(found: Counted) -> str:
    unreadable = f", {found.unreadable:,} of which nobody can read" if found.unreadable else ""
    return f"{counted(found.events, 'download')} in {counted(found.lines, 'new line')}{unreadable}."
