"""`affineur limit`: what a project may hold."""

from __future__ import annotations

from typing import Annotated

import typer

from .options import AsJson, Config, Data, Project


def register(app: typer.Typer) -> None:
    """Add the commands of this module to ``app``."""
    app.command()(limit)


def limit(
    project: Project,
    file_bytes: Annotated[
        str, typer.Option(help="Largest file: bytes, or with a unit as in `200MiB`; `default`: the index's own.")
    ] = "",
    total_bytes: Annotated[
        str, typer.Option(help="Largest total size of all files, written alike; `default`: the index's own.")
    ] = "",
    data: Data = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Show or set the size limits of a project."""
    from datetime import UTC, datetime

    from affineur.actions.grant import set_limits
    from affineur.core.names import parse_name
    from affineur.core.security import console
    from affineur.shell.store import projects

    from .start import EXIT_REFUSED, fail, open_existing, print_json

    name = parse_name(project)
    index = open_existing(data, config)
    with index.store.read() as connection:
        found = projects.find(connection, name)
    if found is None:
        fail(f"There is no project '{name}' on this index.", EXIT_REFUSED)
    of_file, total = _limit(file_bytes, found.file_limit_bytes), _limit(total_bytes, found.total_limit_bytes)
    if file_bytes or total_bytes:
        set_limits(index, console(datetime.now(UTC)), name, of_file, total)
    index.close()
    if as_json:
        print_json({"project": name, "file_limit_bytes": of_file, "total_limit_bytes": total})
        return
    for what, own, general in (
        ("a file", of_file, index.settings.maximum_file_bytes),
        ("all files", total, index.settings.maximum_project_bytes),
    ):
        typer.echo(f"{name}: {what} at most {own or general:,} bytes{'' if own else ' (the limit of the index)'}")


def _limit(text: str, present: int | None) -> int | None:
    from .sizes import parse_size
    from .start import EXIT_USAGE, fail

    if not text:
        return present
    if text == "default":
        return None
    size = parse_size(text)
    if not size:
        fail(f"{text!r} is no size. Write bytes (104857600) or a unit (100MiB, 10GiB).", EXIT_USAGE)
    return size
