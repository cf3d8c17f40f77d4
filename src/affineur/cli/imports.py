"""`affineur import`: take over what a folder, a devpi or another index has."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .options import AsJson, Config, Data

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from affineur.core.names import NormalizedName
    from affineur.shell.upstream.offers import Source

    from .ledger import Ledger

arrivals = typer.Typer(
    help="Take over what a folder, a devpi or another index has. Run it again to go on where it stopped.",
    no_args_is_help=True,
)

Owner = Annotated[
    str | None, typer.Option(help="Account that gets the new projects.", show_default="they belong to nobody")
]
Jobs = Annotated[int, typer.Option(min=1, max=32, help="Projects and downloads at a time.")]
Report = Annotated[
    Path | None, typer.Option(help="File that gets one line of JSON for each file, with what became of it.")
]
Token = Annotated[
    str | None,
    typer.Option(
        envvar="UPSTREAM_TOKEN",
        help="Password or token of a private upstream. Give it in the environment: arguments are seen by everyone "
        "on the machine.",
    ),
]


def register(app: typer.Typer) -> None:
    """Add the commands of this module to ``app``."""
    app.add_typer(arrivals, name="import")


@arrivals.command("folder")
def import_folder(
    path: Annotated[Path, typer.Argument(help="The folder; its sub-folders count, too.", show_default=False)],
    owner: Owner = None,
    jobs: Jobs = 4,
    report: Report = None,
    data: Data = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Take in a folder of wheels and sdists, such as that of a pypiserver.

    A file's time of change counts as the time of its upload.
    """

    def source() -> Source:
        from affineur.shell.upstream.folder import Folder

        return Folder(path)

    _run(source, None, owner, jobs, report, (data, config), as_json)


@arrivals.command("devpi")
def import_devpi(
    origin: Annotated[
        str,
        typer.Argument(
            metavar="FOLDER|URL", help="What `devpi-export` wrote, or https://host/user/index", show_default=False
        ),
    ],
    stage: Annotated[
        str | None, typer.Option(help="Index of an export: `user/index`.", show_default="the only one with files")
    ] = None,
    token: Token = None,
    owner: Owner = None,
    jobs: Jobs = 4,
    report: Report = None,
    data: Data = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Take in one index of a devpi: what was published to it, not what it inherits or mirrors."""

    def source() -> Source:
        from affineur.shell.upstream.devpi import DevpiExport, DevpiServer

        return DevpiServer(origin, token) if "://" in origin else DevpiExport(Path(origin), stage)

    _run(source, None, owner, jobs, report, (data, config), as_json)


@arrivals.command("index")
def import_index(
    url: Annotated[str, typer.Argument(help="Its simple API: https://host/simple/", show_default=False)],
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[PROJECT]...", help="Projects to take in.", show_default=False)
    ] = None,
    projects: Annotated[
        Path | None, typer.Option(help="File with more projects: one a line, `#` begins a comment.")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Take in every project it has.")] = False,
    token: Token = None,
    owner: Owner = None,
    jobs: Jobs = 4,
    report: Report = None,
    data: Data = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Take in projects of any index that has a simple API, in JSON or HTML.

    Every digest is verified. Upload times, yanks and project statuses come along.
    """
    from .start import EXIT_USAGE, fail

    chosen = [*(names or ()), *(_listed(projects) if projects else ())]
    if every == bool(chosen):
        fail("Name the projects (as arguments or in a file with --projects), or give --all.", EXIT_USAGE)

    def source() -> Source:
        from affineur.shell.upstream.simple_index import SimpleIndex

        return SimpleIndex(url, token)

    _run(source, None if every else chosen, owner, jobs, report, (data, config), as_json)


def _listed(path: Path) -> list[str]:
    lines = (line.partition("#")[0].strip() for line in path.read_text().splitlines())
    return [line for line in lines if line]


def _run(
    open_source: Callable[[], Source],
    chosen: Sequence[str] | None,
    owner: str | None,
    jobs: int,
    report: Path | None,
    where: tuple[Path | None, Path | None],
    as_json: bool,
) -> None:
    """Take in ``chosen`` projects, or all; print the summary and end with the exit status."""
    from datetime import UTC, datetime

    from affineur.core.names import parse_name
    from affineur.projections import follow

    from .importing import Order, take_in
    from .ledger import Ledger
    from .progress import progress
    from .start import EXIT_REFUSED, open_existing

    names = None if chosen is None else [*dict.fromkeys(parse_name(name) for name in chosen)]
    index = open_existing(*where)
    with ExitStack() as closing:
        closing.callback(index.close)
        ledger = Ledger(closing.enter_context(report.open("wb")) if report else None)
        source = open_source()
        closing.callback(source.close)
        wanted: Sequence[NormalizedName] = source.names() if names is None else names
        try:
            with progress() as tell:
                take_in(index, source, wanted, Order(datetime.now(UTC), owner, jobs), ledger, tell)
        finally:
            if sys.exc_info()[0] is None or ledger.files:
                _show(ledger, as_json)
        follow.bring_up(index)
    if not ledger.is_clean:
        raise typer.Exit(EXIT_REFUSED)


def _show(ledger: Ledger, as_json: bool) -> None:
    from .start import print_json

    if as_json:
        print_json(ledger.summary())
        return
    for line in ledger.lines():
        typer.echo(line)
