"""Commands of those who answer for automation accounts, on an index elsewhere: invitations to it, and tokens.

The console of an index is nobody in particular, so it answers for no machine. What does not live here: making and
retiring machines, and what operators do (`machines`).
"""

from __future__ import annotations

from typing import Annotated

import typer

from .listing import show_list
from .options import AsJson, Id, TokenActions, TokenLabel, TokenProjects
from .place import Place, elsewhere
from .remote.paths import path

Machine = Annotated[str, typer.Argument(help="Name of the automation account.", show_default=False)]

invitation = typer.Typer(help="See and answer invitations to answer for a machine.", no_args_is_help=True)
token = typer.Typer(help="Create, list and revoke tokens of a machine you answer for.", no_args_is_help=True)


def register(machine: typer.Typer) -> None:
    """Add the commands of this module to ``machine``, the commands about automation accounts."""
    for group, name, command in (
        (machine, "invite", invite),
        (machine, "leave", leave),
        (invitation, "list", invitation_list),
        (invitation, "accept", invitation_accept),
        (invitation, "refuse", invitation_refuse),
        (invitation, "withdraw", invitation_withdraw),
        (token, "create", token_create),
        (token, "list", token_list),
        (token, "revoke", token_revoke),
    ):
        group.command(name)(elsewhere(command))
    machine.add_typer(invitation, name="invitation")
    machine.add_typer(token, name="token")


def invite(
    place: Place,
    name: Machine,
    account: Annotated[str, typer.Argument(help="Name of a person's account.", show_default=False)],
) -> None:
    """Ask somebody to answer for an automation account, too."""
    made = place.ask(lambda remote: remote.post(path("machines", name, "invitations"), {"account": account}))
    typer.echo(f"{account} is asked to answer for {name}; the invitation is {made['id']}.")


def leave(place: Place, name: Machine) -> None:
    """Cease to answer for an automation account; the last one cannot."""
    place.ask(lambda remote: remote.delete(path("machines", name, "sponsorship")))
    typer.echo(f"You do not answer for {name} any more.")


def invitation_list(place: Place, as_json: AsJson = False) -> None:
    """List invitations to you to answer for automation accounts."""
    show_list(place, "/machine-invitations", "{id}  {machine}, by {by}, until {expires_at:.10}", as_json)


def invitation_accept(place: Place, invitation_id: Id) -> None:
    """Accept to answer for an automation account."""
    _answer(place, invitation_id, "accept")


def invitation_refuse(place: Place, invitation_id: Id) -> None:
    """Refuse to answer for an automation account."""
    _answer(place, invitation_id, "refuse")


def invitation_withdraw(place: Place, invitation_id: Id) -> None:
    """Take an invitation back that was not answered, as one who answers for the machine."""
    place.ask(lambda remote: remote.delete(path("machine-invitations", invitation_id)))
    typer.echo("The invitation is withdrawn.")


def token_create(
    place: Place,
    name: Machine,
    project: TokenProjects = None,
    action: TokenActions = None,
    expires_in_days: Annotated[float, typer.Option(help="Days until it ends.")] = 30.0,
    label: TokenLabel = "",
) -> None:
    """Create a token of a machine and print it, once.

    It is for certain projects, and to upload unless --action says otherwise.
    """
    from affineur.core.names import parse_name

    from .tokens import actions_of, end_of

    body = {
        "actions": actions_of(action) or ["upload"],
        "projects": [parse_name(each) for each in project or ()],
        "expires_at": end_of(expires_in_days),
        "label": label,
    }
    made = place.ask(lambda remote: remote.post(path("machines", name, "tokens"), body))
    typer.echo(f"Token {made['id']} of {name}, shown only now: {made['token']}")


def token_list(place: Place, name: Machine, as_json: AsJson = False) -> None:
    """List the tokens of a machine that are in force."""
    line = "{id}  {label}  {actions} on {projects}, until {expires_at:.10}"
    show_list(place, path("machines", name, "tokens"), line, as_json, none="There is no token in force.")


def token_revoke(place: Place, name: Machine, token_id: Id) -> None:
    """Revoke a token of a machine: it is refused from now on."""
    place.ask(lambda remote: remote.delete(path("machines", name, "tokens", token_id)))
    typer.echo(f"Token {token_id} is revoked.")


def _answer(place: Place, invitation_id: str, answer: str) -> None:
    place.ask(lambda remote: remote.post(path("machine-invitations", invitation_id), {"answer": answer}))
    typer.echo(f"The invitation is {answer.removesuffix('e')}ed.")
