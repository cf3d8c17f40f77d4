"""Commands about the accounts of people: make, invite, let in, look at, delete."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from .options import AsJson, Config, Data

if TYPE_CHECKING:
    from affineur.core.access import Office
    from affineur.settings import Settings

account = typer.Typer(help="Make, invite, list and delete accounts of people.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="Name of the account.", show_default=False)]
AsOffice = Annotated[
    str | None, typer.Option("--office", help="What they are to be on this index: operator, moderator or auditor.")
]


def register(app: typer.Typer) -> None:
    """Add the commands of this module to ``app``."""
    app.add_typer(account, name="account")


@account.command("create")
def account_create(
    name: Name,
    email: Annotated[str | None, typer.Option(help="Their address; taken as verified.")] = None,
    office: AsOffice = None,
    data: Data = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Make an account, and print the link at which its holder chooses a password.

    The link works once, for 24 hours. It needs no mail: hand it over in a way you trust.
    """
    from datetime import UTC, datetime

    from affineur.actions.invite_account import create_account
    from affineur.actions.passwords import password_link
    from affineur.core.security import console

    from .start import open_existing, print_json

    index = open_existing(data, config)
    by = console(datetime.now(UTC))
    create_account(index, by, name, email, _office(office))
    link = _address(index.settings) + password_link(index, by, name)
    index.close()
    if as_json:
        print_json({"account": name, "email": email, "office": office, "password_link": link})
    else:
        typer.echo(f"The account {name} is made. Its holder chooses a password here, once, within 24 hours:\n{link}")


@account.command("invite")
def account_invite(
    address: Annotated[str, typer.Argument(help="E-mail address of whom you invite.", show_default=False)],
    office: AsOffice = None,
    data: Data = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Invite somebody to make an account: the link is mailed, and printed.

    The link works once, for 14 days.
    """
    from datetime import UTC, datetime

    from affineur.actions.invite_account import invite_account
    from affineur.core.security import console

    from .start import open_existing, print_json

    index = open_existing(data, config)
    made = invite_account(index, console(datetime.now(UTC)), address, _office(office))
    link = f"{_address(index.settings)}{made.path}"
    mailed = bool(index.settings.mail_server)
    index.close()
    if as_json:
        print_json({"email": made.address, "office": made.office, "expires_at": made.expires_at, "link": link})
        return
    typer.echo(f"{made.address} is invited until {made.expires_at:%Y-%m-%d}. The link, good once:\n{link}")
    if not mailed:
        typer.echo("There is no mail server (setting mail_server): hand the link over yourself.", err=True)


@account.command("password-link")
def account_password_link(
    name: Name,
    data: Data = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Print a link at which the holder of an account chooses a password.

    It works once, for 24 hours, and ends every session of the account. This is how the first operator comes to sign
    in, and the way in for somebody who has lost both password and mailbox. The second factor is still asked for.
    """
    from datetime import UTC, datetime

    from affineur.actions.passwords import password_link
    from affineur.core.security import console

    from .start import open_existing, print_json

    index = open_existing(data, config)
    link = _address(index.settings) + password_link(index, console(datetime.now(UTC)), name)
    index.close()
    if as_json:
        print_json({"account": name, "password_link": link})
    else:
        typer.echo(link)


@account.command("list")
def account_list(
    every: Annotated[bool, typer.Option("--all", help="Also those that were deleted.")] = False,
    data: Data = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """List accounts, by name."""
    from affineur.shell.store import accounts

    from .start import open_existing, print_json

    index = open_existing(data, config)
    with index.store.read() as connection:
        found = [row for row in accounts.listed(connection) if every or row.deleted_at is None]
    index.close()
    if as_json:
        print_json(
            [
                {
                    "name": row.name,
                    "kind": row.kind,
                    "office": row.office,
                    "created_at": row.created_at,
                    "frozen_at": row.frozen_at,
                    "deleted_at": row.deleted_at,
                }
                for row in found
            ]
        )
        return
    for row in found:
        state = "deleted" if row.deleted_at else "frozen" if row.frozen_at else row.office or row.kind
        typer.echo(f"{row.name}  {state}  since {row.created_at:%Y-%m-%d}")


@account.command("show")
def account_show(
    name: Name,
    data: Data = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Show an account: its addresses, roles, and where it is signed in."""
    from datetime import UTC, datetime

    from affineur.core.devices import spoken
    from affineur.shell.store import accounts, departures, emails, sessions

    from .start import EXIT_REFUSED, fail, open_existing, print_json

    index = open_existing(data, config)
    with index.store.read() as connection:
        row = accounts.find(connection, name)
        if row is None:
            fail(f"There is no account {name}.", EXIT_REFUSED)
        shown: dict[str, object] = {
            "name": row.name,
            "kind": row.kind,
            "office": row.office,
            "created_at": row.created_at,
            "has_password": row.password_hash is not None,
            "frozen_at": row.frozen_at,
            "frozen_reason": row.frozen_reason,
            "emails": [
                f"{each.address} ({'verified' if each.verified_at else 'not verified'})"
                for each in emails.listed(connection, row.id)
            ],
            "roles": [f"{role} of {project}" for project, _, role in departures.roles_of(connection, row.id)],
            "sessions": [
                f"{spoken(each.user_agent)}, last seen {each.seen_at:%Y-%m-%d %H:%M} UTC"
                for each in sessions.listed(connection, row.id, datetime.now(UTC))
            ],
        }
    index.close()
    if as_json:
        print_json(shown)
        return
    for key, value in shown.items():
        said = ", ".join(map(str, value)) if isinstance(value, list) else value
        typer.echo(f"{key.replace('_', ' ')}: {'-' if said is None or said == '' else said}")


@account.command("delete")
def account_delete(
    name: Name,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask again.")] = False,
    data: Data = None,
    config: Config = None,
) -> None:
    """Delete an account for good: projects and files stay, the name is never given again.

    Refused while the account is the only owner of a project.
    """
    from datetime import UTC, datetime

    from affineur.actions.delete_account import delete_account
    from affineur.core.security import console

    from .start import open_existing

    index = open_existing(data, config)
    if not yes:
        typer.confirm(f"Delete the account {name}? This cannot be undone", abort=True)
    left = delete_account(index, console(datetime.now(UTC)), name)
    index.close()
    typer.echo(f"The account {name} is deleted; it had a role on {len(left)} projects.")


def _office(text: str | None) -> Office | None:
    from typing import get_args

    from affineur.core.access import Office

    from .start import EXIT_USAGE, fail

    if text is None:
        return None
    if text not in get_args(Office):
        fail(f"--office must be one of {', '.join(get_args(Office))}.", EXIT_USAGE)
    found: Office = text  # type: ignore[assignment]
    return found


def _address(settings: Settings) -> str:
    """Where links lead: the setting base_url, else where the server listens; as in mail."""
    from affineur.shell.mail.rendering import House

    return House.of(settings).address
