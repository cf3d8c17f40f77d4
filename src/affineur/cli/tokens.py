"""Commands about tokens: create, list, revoke; here and on an index elsewhere, where they are one's own.

What does not live here: narrowing, which needs no index (`narrowing`).
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Annotated, Any

import typer

from . import narrowing
from .options import AsJson, Id, TokenActions, TokenLabel, TokenProjects
from .place import Place, somewhere
from .remote.paths import path

if TYPE_CHECKING:
    from datetime import datetime

    from affineur.core.names import NormalizedName
    from affineur.core.people.caveats import TokenAction
    from affineur.core.security import Caller
    from affineur.shell.index import Index
    from affineur.shell.store.tokens import TokenRow

    from .remote.client import Remote

token = typer.Typer(help="Create, list and revoke tokens for publishing.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the commands of this module to ``app``."""
    narrowing.register(token)
    token.command("create")(somewhere(token_create))
    token.command("list")(somewhere(token_list))
    token.command("revoke")(somewhere(token_revoke))
    app.add_typer(token, name="token")


def token_create(
    place: Place,
    user: Annotated[
        str | None,
        typer.Option(
            "--user", help="Account the token is for, made where there is none; elsewhere it is always your own."
        ),
    ] = None,
    project: TokenProjects = None,
    action: TokenActions = None,
    expires_in_days: Annotated[
        float | None, typer.Option(help="Days until it ends.", show_default="maximum_token_days")
    ] = None,
    label: TokenLabel = "",
    operator: Annotated[
        bool, typer.Option("--operator", help="Make the new account an operator, who may do everything.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Create a token and print it, once.

    On this machine an account is made along with its first token; it needs no password and no other step. Without
    --action such a token may do everything. Elsewhere it takes a token that may manage and that you have confirmed
    on its page within the last five minutes; without --action the new one may upload and read.
    """
    from affineur.core.names import parse_name

    from .start import EXIT_USAGE, fail, print_json

    actions, ends = actions_of(action), end_of(expires_in_days)
    names = tuple(parse_name(name) for name in project or ())
    if place.is_remote and (user is not None or operator):
        fail("On an index elsewhere a token is always your own: leave out --user and --operator.", EXIT_USAGE)
    if not place.is_remote and user is None:
        fail("Whose token? Name the account with --user.", EXIT_USAGE)

    def here(index: Index, by: Caller) -> dict[str, Any]:
        return _create_here(index, by, str(user), label, actions, names, ends, operator)

    def there(remote: Remote) -> dict[str, Any]:
        asked = {"label": label, "actions": actions, "projects": list(names), "expires_at": ends}
        made = remote.post("/tokens", {name: value for name, value in asked.items() if value})
        return {**made, "user": remote.get("/account")["name"], "new_account": False}

    made = place.carry_out(here, there)
    if as_json:
        print_json(made)
        return
    if made["new_account"]:
        typer.echo(f"There was no account {user}; it was made{' as an operator' if operator else ''}.", err=True)
    typer.echo(f"Token {made['id']} of {made['user']}, shown only now: {made['token']}")


def token_list(
    place: Place,
    every: Annotated[bool, typer.Option("--all", help="Also those that were revoked or have expired.")] = False,
    as_json: AsJson = False,
) -> None:
    """List tokens, newest first: all of this machine's index, or your own elsewhere.

    The secrets themselves are not known any more.
    """
    from .remote.problems import printable
    from .start import print_json

    def here(index: Index, by: Caller) -> list[dict[str, Any]]:
        from affineur.shell.store import tokens

        with index.store.read() as connection:
            return [_facts(row, by.now) for row in tokens.listed(connection)]

    def there(remote: Remote) -> list[dict[str, Any]]:
        user = remote.get("/account")["name"]
        return [{**each, "user": user} for each in remote.every("/tokens")]

    shown = [row for row in place.carry_out(here, there) if every or row["state"] == "valid"]
    if as_json:
        print_json(shown)
        return
    for row in shown:
        used = f", last used {str(row['last_used_at'])[:10]}" if row["last_used_at"] else ""
        parts = (row["id"], row["user"], row["may"], f"({row['state']}{used})", row["label"])
        typer.echo("  ".join(printable(each) for each in parts if each))
    if not shown:
        typer.echo("There is no token in force." if not every else "There has never been a token.", err=True)


def token_revoke(
    place: Place,
    token_id: Id,
) -> None:
    """Revoke a token: it is refused from now on."""

    def here(index: Index, by: Caller) -> str:
        from affineur.actions.tokens import revoke_token

        return revoke_token(index, by, token_id)

    def there(remote: Remote) -> str:
        remote.delete(path("tokens", token_id))
        return token_id

    typer.echo(f"Token {place.carry_out(here, there)} is revoked.")


def actions_of(given: Collection[str] | None) -> list[TokenAction]:
    """The actions that were named, in their usual order; none where none was. Ends the program for any other."""
    from typing import get_args

    from affineur.core.people.caveats import TokenAction

    from .start import EXIT_USAGE, fail

    known: tuple[TokenAction, ...] = get_args(TokenAction)
    if set(given or ()) - set(known):
        fail(f"--action must be one of {', '.join(known)}.", EXIT_USAGE)
    return [each for each in known if each in (given or ())]


def end_of(days: float | None) -> datetime | None:
    """The end of a token that lives for ``days``; None: as late as the index allows. Ends the program for no time."""
    from datetime import UTC, datetime, timedelta

    from .start import EXIT_USAGE, fail

    try:
        return None if days is None else datetime.now(UTC) + timedelta(days=days)
    except (OverflowError, ValueError):
        fail("--expires-in-days is no number of days.", EXIT_USAGE)


def _create_here(
    index: Index,
    by: Caller,
    user: str,
    label: str,
    actions: list[TokenAction],
    projects: tuple[NormalizedName, ...],
    ends: datetime | None,
    operator: bool,
) -> dict[str, Any]:
    from affineur.actions.tokens import create_token
    from affineur.core.people.caveats import ALL_ACTIONS

    made = create_token(
        index,
        by,
        user,
        label=label,
        actions=actions or ALL_ACTIONS,
        projects=projects or None,
        expires_at=ends,
        operator=operator,
    )
    return {
        "id": made.id,
        "token": made.secret,
        "user": made.account,
        "new_account": made.new_account,
        "expires_at": made.expires_at,
    }


def _facts(row: TokenRow, now: datetime) -> dict[str, Any]:
    from affineur.core.people.caveats import scope_of

    return {
        "id": row.id,
        "user": row.account,
        "label": row.label,
        "actions": sorted(row.grant.actions),
        "projects": None if row.grant.projects is None else sorted(row.grant.projects),
        "may": scope_of(row.grant),
        "created_at": row.created_at,
        "expires_at": row.expires_at,
        "revoked_at": row.revoked_at,
        "last_used_at": row.last_used_at,
        "state": row.state(now),
    }
