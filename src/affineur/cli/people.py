"""Commands about what people may do on a project: roles, limits."""

from __future__ import annotations

from typing import Annotated

import typer

from .options import AsJson, Config, Data, Project

role = typer.Typer(help="Say who may publish to a project.", no_args_is_help=True)

Account = Annotated[str, typer.Argument(help="Name of the account.", show_default=False)]


def register(app: typer.Typer) -> None:
    """Add the commands of this module to ``app``."""
    app.add_typer(role, name="role")
    app.command()(limit)


@role.command("add")
def role_add(
    project: Project,
    account: Account,
    as_: Annotated[str, typer.Option("--as", metavar="ROLE", help="`owner` or `maintainer`.")] = "maintainer",
    data: Data = None,
    config: Config = None,
) -> None:
    """Give an account a role on a project.

    It takes the place of the one it has. Maintainers publish and yank; owners also archive and deprecate.
    """
    from .start import EXIT_USAGE, fail

    if as_ not in ("owner", "maintainer"):
        fail(f"--as is {as_!r}, but must be owner or maintainer.", EXIT_USAGE)
    changed = _set_role(project, account, as_, data, config)
    typer.echo(f"{account} is {as_} of {project}{'' if changed else ' already'}.")


@role.command("remove")
def role_remove(project: Project, account: Account, data: Data = None, config: Config = None) -> None:
    """Take an account's role on a project away."""
    changed = _set_role(project, account, None, data, config)
    typer.echo(f"{account} has no role on {project}{' any more' if changed else ''}.")


@role.command("list")
def role_list(project: Project, data: Data = None, config: Config = None, as_json: AsJson = False) -> None:
    """List who may publish to a project, and since when."""
    from affineur.core.names import parse_name
    from affineur.shell.store import grants, projects

    from .start import EXIT_REFUSED, fail, open_existing, print_json

    name = parse_name(project)
    index = open_existing(data, config)
    with index.store.read() as connection:
        found = projects.find(connection, name)
        if found is None:
            fail(f"There is no project '{name}' on this index.", EXIT_REFUSED)
        people = grants.roles(connection, found.id)
    index.close()
    if as_json:
        print_json([{"user": user, "role": given, "since": since} for user, given, since in people])
        return
    for user, given, since in people:
        typer.echo(f"{user}  {given}  since {since:%Y-%m-%d}")
    if not people:
        typer.echo(f"Nobody has a role on {name}: only operators may publish to it.", err=True)


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


def _set_role(project: str, account: str, role: str | None, data: Data, config: Config) -> bool:
    from datetime import UTC, datetime

    from affineur.actions.grant import set_role
    from affineur.core.names import parse_name
    from affineur.core.security import console

    from .start import open_existing

    name = parse_name(project)
    index = open_existing(data, config)
    try:
        given = role if role in ("owner", "maintainer") else None
        return set_role(index, console(datetime.now(UTC)), name, account, given)  # type: ignore[arg-type]
    finally:
        index.close()
