"""Commands about the people of a project: roles, invitations to them, leaving, and proposals to remove somebody.

What an owner or an operator does works here and elsewhere; what one does as oneself works elsewhere only, since the
console of an index is nobody in particular.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from .listing import show_list
from .options import Account, AsJson, Project
from .place import Place, elsewhere, somewhere
from .remote.paths import of_project, path

if TYPE_CHECKING:
    from affineur.core.permissions import Role
    from affineur.core.security import Caller
    from affineur.shell.index import Index

    from .remote.client import Remote

role = typer.Typer(help="Say who may publish to a project.", no_args_is_help=True)
invitation = typer.Typer(help="See and answer invitations to you, on an index elsewhere.", no_args_is_help=True)
removal = typer.Typer(help="Propose to remove somebody from a project, and answer that.", no_args_is_help=True)

AsRole = Annotated[str, typer.Option("--as", metavar="ROLE", help="`owner` or `maintainer`.")]
Number = Annotated[int, typer.Argument(metavar="ID", help="As the list shows it.", show_default=False)]
Why = Annotated[str, typer.Option("--reason", help="Why; the owners and whoever is concerned read it.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this module to ``app``."""
    for group, name, command, wrapped in (
        (role, "add", role_add, somewhere),
        (role, "remove", role_remove, somewhere),
        (role, "list", role_list, somewhere),
        (role, "invite", role_invite, somewhere),
        (role, "leave", role_leave, elsewhere),
        (invitation, "list", invitation_list, elsewhere),
        (invitation, "accept", invitation_accept, elsewhere),
        (invitation, "refuse", invitation_refuse, elsewhere),
        (removal, "propose", removal_propose, elsewhere),
        (removal, "list", removal_list, elsewhere),
        (removal, "withdraw", removal_withdraw, elsewhere),
        (removal, "object", removal_object, elsewhere),
        (removal, "consent", removal_consent, elsewhere),
    ):
        group.command(name)(wrapped(command))
    app.add_typer(role, name="role")
    app.add_typer(invitation, name="invitation")
    app.add_typer(removal, name="removal")


def role_add(place: Place, project: Project, account: Account, as_: AsRole = "maintainer") -> None:
    """Give an account a role on a project without asking, as an operator.

    It takes the place of the one it has. Maintainers publish and yank; owners also archive and deprecate. Whoever is
    no operator invites: `affineur role invite`.
    """
    given = _role(as_)

    def there(remote: Remote) -> bool:
        remote.put(of_project(project, "people", account), {"role": given})
        return True

    changed = place.carry_out(lambda index, by: _set_role(index, by, project, account, given), there)
    typer.echo(f"{account} is {given} of {project}{'' if changed else ' already'}.")


def role_remove(place: Place, project: Project, account: Account) -> None:
    """Take an account's role on a project away at once, as a moderator or operator.

    Owners propose it instead (`affineur removal propose`), and may give up their own role (`affineur role leave`).
    """

    def there(remote: Remote) -> bool:
        remote.delete(of_project(project, "people", account))
        return True

    changed = place.carry_out(lambda index, by: _set_role(index, by, project, account, None), there)
    typer.echo(f"{account} has no role on {project}{' any more' if changed else ''}.")


def role_list(place: Place, project: Project, as_json: AsJson = False) -> None:
    """List who may publish to a project, and since when."""
    from .remote.problems import printable
    from .start import print_json

    def there(remote: Remote) -> list[dict[str, Any]]:
        people = remote.every(of_project(project, "people"))
        return [{"user": each["name"], "role": each["role"], "since": each["granted_at"]} for each in people]

    people = place.carry_out(lambda index, _: _holders(index, project), there)
    if as_json:
        print_json(people)
        return
    for each in people:
        typer.echo(printable(f"{each['user']}  {each['role']}  since {str(each['since'])[:10]}"))
    if not people:
        typer.echo(f"Nobody has a role on {project}: only operators may publish to it.", err=True)


def role_invite(
    place: Place,
    project: Project,
    whom: Annotated[str, typer.Argument(help="Name of an account, or an e-mail address.", show_default=False)],
    as_: AsRole = "maintainer",
) -> None:
    """Invite somebody to a role on a project; it is theirs when they accept."""
    given = _role(as_)

    def here(index: Index, by: Caller) -> str:
        from affineur.actions.invite import invite
        from affineur.core.names import parse_name

        return str(invite(index, by, parse_name(project), whom, given).expires_at)

    def there(remote: Remote) -> str:
        return str(remote.post(of_project(project, "invitations"), {"whom": whom, "role": given})["expires_at"])

    typer.echo(f"{whom} is invited to be {given} of {project}, until {place.carry_out(here, there)[:10]}.")


def role_leave(place: Place, project: Project) -> None:
    """Give up your own role on a project, on an index elsewhere."""
    place.ask(lambda remote: remote.post(of_project(project, "leave")))
    typer.echo(f"You have no role on {project} any more.")


def invitation_list(place: Place, as_json: AsJson = False) -> None:
    """List invitations to roles that you can answer."""
    show_list(place, "/account/invitations", "{id}  {role} of {project}, by {by}, until {expires_at:.10}", as_json)


def invitation_accept(place: Place, number: Number) -> None:
    """Accept an invitation to a role."""
    _answer(place, number, "accept")


def invitation_refuse(place: Place, number: Number) -> None:
    """Refuse an invitation to a role."""
    _answer(place, number, "refuse")


def removal_propose(place: Place, project: Project, account: Account, reason: Why) -> None:
    """Propose to remove somebody, who has 14 days to object; as an owner."""
    body = {"account": account, "reason": reason}
    made = place.ask(lambda remote: remote.post(of_project(project, "removals"), body))
    typer.echo(f"{account} is told." if made["id"] is not None else f"{account} has no role on {project} any more.")


def removal_list(place: Place, project: Project, as_json: AsJson = False) -> None:
    """List proposals to remove somebody: to owners all of them, to others those about themselves."""
    line = "{id}  {account}, by {by}, due {due_at:.10}: {reason}"
    show_list(place, of_project(project, "removals"), line, as_json)


def removal_withdraw(place: Place, project: Project, number: Number) -> None:
    """Withdraw your own proposal."""
    place.ask(lambda remote: remote.delete(of_project(project, "removals", str(number))))
    typer.echo("The proposal is withdrawn.")


def removal_object(place: Place, project: Project, number: Number, reason: Why) -> None:
    """Object to your own removal: you stay."""
    place.ask(lambda remote: remote.post(of_project(project, "removals", str(number), "object"), {"objection": reason}))
    typer.echo("Your objection is recorded; you stay.")


def removal_consent(place: Place, project: Project, number: Number) -> None:
    """Agree to your own removal, at once."""
    place.ask(lambda remote: remote.post(of_project(project, "removals", str(number), "consent")))
    typer.echo(f"You have no role on {project} any more.")


def _answer(place: Place, number: int, answer: str) -> None:
    place.ask(lambda remote: remote.post(path("account", "invitations", str(number), answer)))
    typer.echo(f"The invitation is {answer.removesuffix('e')}ed.")


def _role(text: str) -> Role:
    from .start import EXIT_USAGE, fail

    if text not in ("owner", "maintainer"):
        fail(f"--as is {text!r}, but must be owner or maintainer.", EXIT_USAGE)
    return "owner" if text == "owner" else "maintainer"


def _set_role(index: Index, by: Caller, project: str, account: str, given: Role | None) -> bool:
    from affineur.actions.grant import set_role
    from affineur.core.names import parse_name

    return set_role(index, by, parse_name(project), account, given)


def _holders(index: Index, project: str) -> list[dict[str, Any]]:
    from affineur.core.names import parse_name
    from affineur.shell.store import grants, projects

    from .start import EXIT_REFUSED, fail

    name = parse_name(project)
    with index.store.read() as connection:
        found = projects.find(connection, name)
        if found is None:
            fail(f"There is no project '{name}' on this index.", EXIT_REFUSED)
        people = grants.roles(connection, found.id)
    return [{"user": user, "role": given, "since": since} for user, given, since in people]
