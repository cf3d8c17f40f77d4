"""Commands about people and what they may: tokens, roles, limits."""

from __future__ import annotations

from typing import Annotated

import typer

from . import narrowing
from .options import AsJson, Config, Data, Project

token = typer.Typer(help="Create, list and revoke tokens for publishing.", no_args_is_help=True)
role = typer.Typer(help="Say who may publish to a project.", no_args_is_help=True)

Account = Annotated[str, typer.Argument(help="Name of the account.", show_default=False)]


def register(app: typer.Typer) -> None:
    """Add the commands of this module to ``app``."""
    narrowing.register(token)
    app.add_typer(token, name="token")
    app.add_typer(role, name="role")
    app.command()(limit)


@token.command("create")
def token_create(
    user: Annotated[str, typer.Option("--user", help="Account the token is for; made where there is none.")],
    project: Annotated[
        list[str] | None, typer.Option("--project", help="Narrow the token to this project; may be repeated.")
    ] = None,
    action: Annotated[
        list[str] | None,
        typer.Option("--action", help="What it may do: upload, yank, archive, read, manage; may be repeated."),
    ] = None,
    expires_in_days: Annotated[
        float | None, typer.Option(help="Days until it ends.", show_default="maximum_token_days")
    ] = None,
    label: Annotated[str, typer.Option(help="What it is for; shown in lists.")] = "",
    operator: Annotated[
        bool, typer.Option("--operator", help="Make the new account an operator, who may do everything.")
    ] = False,
    data: Data = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Create a token and print it, once.

    An account is made along with its first token; it needs no password and no other step.
    """
    from datetime import UTC, datetime, timedelta
    from typing import get_args

    from affineur.actions.tokens import create_token
    from affineur.core.caveats import TokenAction
    from affineur.core.names import parse_name
    from affineur.core.security import console

    from .start import EXIT_USAGE, fail, open_existing, print_json

    actions = [known for known in get_args(TokenAction) if known in (action or get_args(TokenAction))]
    if action and set(action) != set(actions):
        fail(f"--action must be one of {', '.join(get_args(TokenAction))}.", EXIT_USAGE)
    now = datetime.now(UTC)
    ends = None if expires_in_days is None else now + timedelta(days=expires_in_days)
    names = tuple(parse_name(name) for name in project or ())
    index = open_existing(data, config)
    made = create_token(
        index,
        console(now),
        user,
        label=label,
        actions=actions,
        projects=names or None,
        expires_at=ends,
        operator=operator,
    )
    index.close()
    if as_json:
        print_json(
            {
                "id": made.id,
                "token": made.secret,
                "user": made.account,
                "new_account": made.new_account,
                "expires_at": made.expires_at,
            }
        )
        return
    if made.new_account:
        typer.echo(f"There was no account {user}; it was made{' as an operator' if operator else ''}.", err=True)
    typer.echo(f"Token {made.id} of {user}, shown only now: {made.secret}")


@token.command("list")
def token_list(
    every: Annotated[bool, typer.Option("--all", help="Also those that were revoked or have expired.")] = False,
    data: Data = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """List tokens, newest first.

    The secrets themselves are not known any more.
    """
    from datetime import UTC, datetime

    from affineur.core.caveats import describe
    from affineur.shell.store import tokens

    from .start import open_existing, print_json

    now = datetime.now(UTC)
    index = open_existing(data, config)
    with index.store.read() as connection:
        found = tokens.listed(connection)
    index.close()
    shown = [row for row in found if every or row.state(now) == "valid"]
    if as_json:
        print_json(
            [
                {
                    "id": row.id,
                    "user": row.account,
                    "label": row.label,
                    "actions": sorted(row.grant.actions),
                    "projects": None if row.grant.projects is None else sorted(row.grant.projects),
                    "created_at": row.created_at,
                    "expires_at": row.expires_at,
                    "revoked_at": row.revoked_at,
                    "last_used_at": row.last_used_at,
                    "state": row.state(now),
                }
                for row in shown
            ]
        )
        return
    for row in shown:
        label = f"  {row.label}" if row.label else ""
        used = f", last used {row.last_used_at:%Y-%m-%d}" if row.last_used_at else ""
        typer.echo(f"{row.id}  {row.account}  {describe(row.grant)}  ({row.state(now)}{used}){label}")
    if not shown:
        typer.echo("There is no token in force." if not every else "There has never been a token.", err=True)


@token.command("revoke")
def token_revoke(
    token_id: Annotated[str, typer.Argument(metavar="ID", help="As `token list` shows it.", show_default=False)],
    data: Data = None,
    config: Config = None,
) -> None:
    """Revoke a token: it is refused from now on."""
    from datetime import UTC, datetime

    from affineur.actions.tokens import revoke_token
    from affineur.core.security import console

    from .start import open_existing

    index = open_existing(data, config)
    revoked = revoke_token(index, console(datetime.now(UTC)), token_id)
    index.close()
    typer.echo(f"Token {revoked} is revoked.")


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
