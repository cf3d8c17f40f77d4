"""Commands about trusted publishers: which jobs publish for a project, and whether only they may; here and elsewhere.

Those of projects to come belong to an account, so they are added on an index elsewhere only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from .listing import show_list
from .options import AsJson, Id, Project
from .place import Place, elsewhere, somewhere
from .remote.paths import of_project, path

if TYPE_CHECKING:
    from affineur.core.security import Caller
    from affineur.shell.index import Index
    from affineur.shell.store.publishers import Registered

    from .remote.client import Remote

publisher = typer.Typer(help="Say which jobs of a CI service publish for a project.", no_args_is_help=True)
pending = typer.Typer(help="Publishers of projects that they will make, which will be yours.", no_args_is_help=True)

Kind = Annotated[
    str, typer.Argument(help="github, gitlab, google, activestate, or oidc for others.", show_default=False)
]
Field = Annotated[
    list[str] | None,
    typer.Option("--field", metavar="NAME=VALUE", help="What describes the job, such as owner=olga; repeated."),
]
Issuer = Annotated[str, typer.Option("--issuer", help="Address of the service, where there are several of the kind.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this module to ``app``."""
    publisher.command("list")(somewhere(publisher_list))
    publisher.command("add")(somewhere(publisher_add))
    publisher.command("confirm")(somewhere(publisher_confirm))
    publisher.command("remove")(somewhere(publisher_remove))
    publisher.command("only")(somewhere(publisher_only))
    pending.command("add")(elsewhere(pending_add))
    pending.command("list")(elsewhere(pending_list))
    pending.command("remove")(elsewhere(pending_remove))
    publisher.add_typer(pending, name="pending")
    app.add_typer(publisher, name="publisher")


def publisher_list(place: Place, project: Project, as_json: AsJson = False) -> None:
    """List the trusted publishers of a project."""
    from .remote.problems import printable
    from .start import print_json

    def here(index: Index, by: Caller) -> list[dict[str, Any]]:
        from affineur.actions.publishers import publishers_of
        from affineur.core.names import parse_name

        return [_facts(each) for each in publishers_of(index, by, parse_name(project))]

    found = place.carry_out(here, lambda remote: list(remote.every(of_project(project, "publishers"))))
    if as_json:
        print_json(found)
        return
    for each in found:
        used = f"last used {str(each['last_used_at'])[:10]}" if each["last_used_at"] else "never used"
        waits = "; waits to be confirmed" if each["unconfirmed"] else ""
        typer.echo(printable(f"{each['id']}  {each['display']}  ({used}{waits})"))
    if not found:
        typer.echo(f"{project} has no trusted publisher.", err=True)


def publisher_add(
    place: Place,
    project: Project,
    kind: Kind,
    field: Field = None,
    issuer: Issuer = "",
) -> None:
    """Let a job of a CI service publish for a project. A refusal names the fields that are missing."""
    fields = _fields(field or [])

    def here(index: Index, by: Caller) -> str:
        from affineur.actions.publishers import add_publisher
        from affineur.core.names import parse_name
        from affineur.core.publishers import admitted_by

        known = [each.url for each in admitted_by(index.settings.publisher_issuers) if each.kind == kind]
        chosen = _issuer(issuer, kind, known)
        return add_publisher(index, by, parse_name(project), kind, chosen, dict(fields)).id

    def there(remote: Remote) -> str:
        return str(remote.post(of_project(project, "publishers"), _described(remote, kind, issuer, fields))["id"])

    typer.echo(f"Publisher {place.carry_out(here, there)} publishes for {project} from now on.")


def publisher_confirm(
    place: Place,
    project: Project,
    publisher_id: Id,
) -> None:
    """Let a trusted publisher publish again, after its project was unarchived."""

    def here(index: Index, by: Caller) -> object:
        from affineur.actions.publishers import confirm_publisher
        from affineur.core.names import parse_name

        return confirm_publisher(index, by, parse_name(project), publisher_id)

    place.carry_out(here, lambda remote: remote.post(of_project(project, "publishers", publisher_id, "confirm")))
    typer.echo(f"The publisher publishes for {project} again.")


def publisher_remove(
    place: Place,
    project: Project,
    publisher_id: Id,
) -> None:
    """Take a trusted publisher off a project: tokens it holds end at once."""

    def here(index: Index, by: Caller) -> object:
        from affineur.actions.publishers import remove_publisher
        from affineur.core.names import parse_name

        return remove_publisher(index, by, parse_name(project), publisher_id)

    place.carry_out(here, lambda remote: remote.delete(of_project(project, "publishers", publisher_id)))
    typer.echo(f"The publisher does not publish for {project} any more.")


def publisher_only(
    place: Place,
    project: Project,
    on: Annotated[bool, typer.Option("--on/--off", help="Only they may upload, or tokens too.")] = True,
) -> None:
    """Let only trusted publishers upload to a project, at once; or tokens too, in three days."""

    def here(index: Index, by: Caller) -> None:
        from affineur.actions.publishers_only import release_publishers, require_publishers
        from affineur.core.names import parse_name

        (require_publishers if on else release_publishers)(index, by, parse_name(project))

    place.carry_out(here, lambda remote: remote.put(of_project(project, "publishers-only"), {"required": on}))
    typer.echo(
        f"Only trusted publishers may upload to {project} now."
        if on
        else f"In three days tokens may upload to {project} again; every owner is told."
    )


def pending_add(place: Place, project: Project, kind: Kind, field: Field = None, issuer: Issuer = "") -> None:
    """Let a job of a CI service make a project, which will be yours. Its name is not reserved."""
    fields = _fields(field or [])

    def there(remote: Remote) -> dict[str, Any]:
        asked = {"project": project, **_described(remote, kind, issuer, fields)}
        made: dict[str, Any] = remote.post("/account/pending-publishers", asked)
        return made

    made = place.ask(there)
    typer.echo(f"Publisher {made['id']} can make {made['project']} until {made['expires_at'][:10]}.")


def pending_list(place: Place, as_json: AsJson = False) -> None:
    """List the publishers that you have pending for projects to come."""
    line = "{id}  {project}: {display}, until {expires_at:.10}"
    show_list(place, "/account/pending-publishers", line, as_json, none="No publisher is pending.")


def pending_remove(place: Place, publisher_id: Id) -> None:
    """Withdraw a publisher that is pending."""
    place.ask(lambda remote: remote.delete(path("account", "pending-publishers", publisher_id)))
    typer.echo("The publisher is not pending any more.")


def _described(remote: Remote, kind: str, issuer: str, fields: dict[str, str]) -> dict[str, Any]:
    """A publisher as the API is told of it; a service that is the only one of its kind need not be named."""
    known = [each["issuer"] for each in remote.every("/publisher-issuers") if each["kind"] == kind]
    return {"kind": kind, "issuer": _issuer(issuer, kind, known), "fields": fields}


def _facts(found: Registered) -> dict[str, Any]:
    from affineur.core.publishers import display

    return {
        "id": found.id,
        "project": found.project,
        "kind": found.publisher.kind,
        "issuer": found.publisher.issuer,
        "fields": dict(found.publisher.fields),
        "display": display(found.publisher),
        "added_at": found.added_at,
        "added_by": found.added_by,
        "last_used_at": found.last_used_at,
        "unconfirmed": found.unconfirmed,
    }


def _issuer(given: str, kind: str, known: list[str]) -> str:
    from .start import EXIT_USAGE, fail

    if given:
        return given
    if len(known) != 1:
        listed = f" one of {', '.join(known)}" if known else ""
        fail(f"Which {kind}? Name it with --issuer{listed}.", EXIT_USAGE)
    return known[0]


def _fields(given: list[str]) -> dict[str, str]:
    from .start import EXIT_USAGE, fail

    pairs = [each.partition("=") for each in given]
    if unfit := [name for name, equals, _ in pairs if not name or not equals]:
        fail(f"--field is {unfit[0][:40]!a}, but must be NAME=VALUE.", EXIT_USAGE)
    return {name: value for name, _, value in pairs}
