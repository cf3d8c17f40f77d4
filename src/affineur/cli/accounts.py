"""Commands about the accounts of people: make, invite, let in, look at, delete.

Those who hold an office invite and look elsewhere, too, as everybody may look at their own account there. Making,
letting in and deleting are done on the machine of the index.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from .listing import show_list
from .options import Account, AsJson, Config, Data
from .place import Place, elsewhere, somewhere
from .remote.paths import path
from .vouching import account_vouch

if TYPE_CHECKING:
    from affineur.core.permissions import Office
    from affineur.core.security import Caller
    from affineur.settings import Settings
    from affineur.shell.index import Index

    from .remote.client import Remote

account = typer.Typer(help="Make, invite, list and delete accounts of people.", no_args_is_help=True)

AsOffice = Annotated[
    str | None, typer.Option("--office", help="What they are to be on this index: operator, moderator or auditor.")
]


def register(app: typer.Typer) -> None:
    """Add the commands of this module to ``app``."""
    account.command("create")(account_create)
    account.command("invite")(somewhere(account_invite))
    account.command("invitations")(elsewhere(account_invitations))
    account.command("withdraw-invitation")(elsewhere(account_withdraw_invitation))
    account.command("password-link")(account_password_link)
    account.command("list")(somewhere(account_list))
    account.command("show")(somewhere(account_show))
    account.command("sessions")(elsewhere(account_sessions))
    account.command("sign-out")(elsewhere(account_sign_out))
    account.command("vouch")(account_vouch)
    account.command("delete")(account_delete)
    app.add_typer(account, name="account")


def account_create(
    name: Account,
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


def account_invite(
    place: Place,
    address: Annotated[str, typer.Argument(help="E-mail address of whom you invite.", show_default=False)],
    office: AsOffice = None,
    as_json: AsJson = False,
) -> None:
    """Invite somebody to make an account: the link is mailed, and on the machine of the index printed.

    The link works once, for 14 days.
    """
    from .start import print_json

    wanted = _office(office)

    def here(index: Index, by: Caller) -> dict[str, Any]:
        from affineur.actions.invite_account import invite_account

        made = invite_account(index, by, address, wanted)
        if not index.settings.mail_server:
            typer.echo("There is no mail server (setting mail_server): hand the link over yourself.", err=True)
        link = f"{_address(index.settings)}{made.path}"
        return {"email": made.address, "office": made.office, "expires_at": made.expires_at, "link": link}

    def there(remote: Remote) -> dict[str, Any]:
        made: dict[str, Any] = remote.post("/invitations", {"email": address, "office": wanted})
        return made

    made = place.carry_out(here, there)
    if as_json:
        print_json(made)
        return
    link = f" The link, good once:\n{made['link']}" if "link" in made else ""
    typer.echo(f"{made['email']} is invited until {str(made['expires_at'])[:10]}.{link}")


def account_invitations(place: Place, as_json: AsJson = False) -> None:
    """List the invitations to make an account that are open: for those who hold an office."""
    show_list(place, "/invitations", "{email}  until {expires_at:.10}", as_json)


def account_withdraw_invitation(
    place: Place, address: Annotated[str, typer.Argument(help="E-mail address that was invited.", show_default=False)]
) -> None:
    """Take an invitation to make an account back."""
    place.ask(lambda remote: remote.post("/invitations/withdraw", {"email": address}))
    typer.echo(f"The invitation of {address} is withdrawn.")


def account_password_link(
    name: Account,
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


def account_list(
    place: Place,
    every: Annotated[bool, typer.Option("--all", help="On this machine: also those that were deleted.")] = False,
    as_json: AsJson = False,
) -> None:
    """List accounts, by name; elsewhere for those who hold an office."""
    from .remote.problems import printable
    from .start import print_json

    def here(index: Index, _: Caller) -> list[dict[str, Any]]:
        from affineur.shell.store import accounts

        shown = ("name", "kind", "office", "created_at", "frozen_at", "deleted_at")
        with index.store.read() as connection:
            found = [row for row in accounts.listed(connection) if every or row.deleted_at is None]
        return [{name: getattr(row, name) for name in shown} for row in found]

    found = place.carry_out(here, lambda remote: [{**each, "deleted_at": None} for each in remote.every("/accounts")])
    if as_json:
        print_json(found)
        return
    for each in found:
        state = "deleted" if each["deleted_at"] else "frozen" if each["frozen_at"] else each["office"] or each["kind"]
        typer.echo(printable(f"{each['name']}  {state}  since {str(each['created_at'])[:10]}"))


def account_show(
    place: Place,
    name: Annotated[
        str | None, typer.Argument(help="Name of the account; elsewhere your own where none is given.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show an account: its addresses, roles, and where it is signed in. Elsewhere those of your own only."""
    from .remote.problems import printable
    from .start import EXIT_USAGE, fail, print_json

    if name is None and not place.is_remote:
        fail("Which account? Name it.", EXIT_USAGE)

    def there(remote: Remote) -> dict[str, Any]:
        if name is None:
            return _own(remote)
        found: dict[str, Any] = remote.get(path("accounts", name))
        return found

    shown = place.carry_out(lambda index, by: _facts(index, by, str(name)), there)
    if as_json:
        print_json(shown)
        return
    for key, value in shown.items():
        said = ", ".join(map(str, value)) if isinstance(value, list) else value
        typer.echo(printable(f"{key.replace('_', ' ')}: {'-' if said is None or said == '' else said}"))


def account_sessions(place: Place, as_json: AsJson = False) -> None:
    """List where your account is signed in, newest use first."""
    line = "{id}  {device}  {address}  last seen {seen_at:.16}"
    show_list(place, "/account/sessions", line, as_json, none="Your account is signed in nowhere.")


def account_sign_out(
    place: Place,
    session: Annotated[
        str | None, typer.Argument(metavar="ID", help="The session, as `account sessions` shows it.")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Every session of your account.")] = False,
) -> None:
    """End a session of your account, or all of them. Tokens go on."""
    from .start import EXIT_USAGE, fail

    if (session is None) != every:
        fail("Give the ID of a session, or --all.", EXIT_USAGE)
    if session is not None:
        place.ask(lambda remote: remote.delete(path("account", "sessions", str(session))))
        typer.echo("The session has ended.")
        return
    ended = place.ask(lambda remote: remote.delete("/account/sessions"))["ended"]
    typer.echo(f"{ended} session{'' if ended == 1 else 's'} ended.")


def account_delete(
    name: Account,
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


def _facts(index: Index, by: Caller, name: str) -> dict[str, Any]:
    """An account of this machine's index. Ends the program where there is none."""
    from affineur.core.people.devices import spoken
    from affineur.shell.store import accounts, departures, emails, sessions

    from .start import EXIT_REFUSED, fail

    with index.store.read() as connection:
        row = accounts.find(connection, name)
        if row is None:
            fail(f"There is no account {name}.", EXIT_REFUSED)
        return {
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
                for each in sessions.listed(connection, row.id, by.now)
            ],
        }


def _own(remote: Remote) -> dict[str, Any]:
    """The account that calls, as the API tells its parts."""
    caller = remote.get("/account")
    seen = [(each["device"], each["seen_at"][:16].replace("T", " ")) for each in remote.every("/account/sessions")]
    return {
        **{name: caller[name] for name in ("name", "kind", "office")},
        "emails": [
            f"{each['address']} ({'verified' if each['verified_at'] else 'not verified'})"
            for each in remote.every("/account/emails")
        ],
        "roles": [f"{each['role']} of {each['project']}" for each in remote.every("/account/projects")],
        "sessions": [f"{device}, last seen {at} UTC" for device, at in seen],
    }


def _office(text: str | None) -> Office | None:
    from typing import get_args

    from affineur.core.permissions import Office

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
