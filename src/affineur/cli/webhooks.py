"""Commands about webhooks: who is told of the journal, of a project or of the whole index; here and elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from .options import AsJson, Id
from .place import Place, somewhere
from .remote.paths import of_project, path

if TYPE_CHECKING:
    from affineur.core.names import NormalizedName
    from affineur.core.security import Caller
    from affineur.shell.index import Index
    from affineur.shell.store.webhooks import DeliveryRow, HookRow

webhook = typer.Typer(help="Have others told of what the journal says, signed.", no_args_is_help=True)

OfProject = Annotated[
    str | None,
    typer.Option("--project", metavar="NAME", help="Of this project.", show_default="the whole index"),
]
Event = Annotated[
    list[str] | None, typer.Option("--event", help="Only this event, such as ProjectQuarantined; may be repeated.")
]
Hint = Annotated[
    list[str] | None, typer.Option("--hint", help="Only with this hint: refresh, hide, restore, purge; repeated.")
]
Url = Annotated[str, typer.Argument(help="Where it is sent: https://….", show_default=False)]


def register(app: typer.Typer) -> None:
    """Add the commands of this module to ``app``."""
    for name, verb in (
        ("add", webhook_add),
        ("list", webhook_list),
        ("change", webhook_change),
        ("remove", webhook_remove),
        ("pause", webhook_pause),
        ("resume", webhook_resume),
        ("secret", webhook_secret),
        ("test", webhook_test),
        ("log", webhook_log),
        ("redeliver", webhook_redeliver),
    ):
        webhook.command(name)(somewhere(verb))
    app.add_typer(webhook, name="webhook")


def webhook_add(place: Place, url: Url, project: OfProject = None, event: Event = None, hint: Hint = None) -> None:
    """Have an address told of everything from now on.

    Prints the secret that signs, which is shown only now.
    """

    def here(index: Index, by: Caller) -> dict[str, Any]:
        from affineur.actions.webhooks import add_webhook

        made = add_webhook(index, by, _named(project), url, event or (), hint or ())
        return {"webhook": _facts(made.hook), "secret": made.secret}

    asked = {"url": url, "events": event or [], "hints": hint or []}
    where = of_project(project, "webhooks") if project else "/webhooks"
    made = place.carry_out(here, lambda remote: remote.post(where, asked))
    typer.echo(f"Webhook {made['webhook']['id']}. Secret, shown only now: {made['secret']}")


def webhook_list(place: Place, project: OfProject = None, as_json: AsJson = False) -> None:
    """List the webhooks of a project, or those of the whole index."""
    from .remote.problems import printable
    from .start import print_json

    def here(index: Index, by: Caller) -> list[dict[str, Any]]:
        from affineur.actions.webhooks import webhooks_of

        return [_facts(each) for each in webhooks_of(index, by, _named(project))]

    where = of_project(project, "webhooks") if project else "/webhooks"
    found = place.carry_out(here, lambda remote: list(remote.every(where)))
    if as_json:
        print_json(found)
        return
    for each in found:
        fails = f", fails since {str(each['failing_since'])[:16]}" if each["failing_since"] else ""
        narrowed = " ".join([*each["events"], *each["hints"]]) or "everything"
        typer.echo(printable(f"{each['id']}  {each['url']}  ({each['state']}{fails}; {narrowed})"))
    if not found:
        typer.echo("There is no webhook.", err=True)


def webhook_change(
    place: Place,
    webhook_id: Id,
    url: Annotated[str | None, typer.Option("--url", help="A new address.")] = None,
    event: Event = None,
    hint: Hint = None,
    everything: Annotated[bool, typer.Option("--everything", help="All events and hints, from now on.")] = False,
) -> None:
    """Change the address of a webhook, or what it is sent. What is not named stays."""
    events, hints = ([], []) if everything else (event, hint)

    def here(index: Index, by: Caller) -> object:
        from affineur.actions.webhooks import change_webhook

        return change_webhook(index, by, webhook_id, url=url, events=events, hints=hints)

    asked = {"url": url, "events": events, "hints": hints}
    place.carry_out(here, lambda remote: remote.patch(_path(webhook_id), asked))
    typer.echo(f"Webhook {webhook_id} is changed.")


def webhook_remove(place: Place, webhook_id: Id) -> None:
    """Remove a webhook and its log."""

    def here(index: Index, by: Caller) -> object:
        from affineur.actions.webhooks import remove_webhook

        return remove_webhook(index, by, webhook_id)

    place.carry_out(here, lambda remote: remote.delete(_path(webhook_id)))
    typer.echo(f"Webhook {webhook_id} is removed.")


def webhook_pause(place: Place, webhook_id: Id) -> None:
    """Send nothing until it is resumed; what happens meanwhile is sent then."""

    def here(index: Index, by: Caller) -> object:
        from affineur.actions.webhooks import pause_webhook

        return pause_webhook(index, by, webhook_id)

    place.carry_out(here, lambda remote: remote.post(_path(webhook_id, "pause")))
    typer.echo(f"Webhook {webhook_id} is paused.")


def webhook_resume(
    place: Place,
    webhook_id: Id,
    from_now: Annotated[bool, typer.Option("--from-now", help="Leave out what it was not sent so far.")] = False,
) -> None:
    """Go on at once, also with a webhook that fails or was switched off."""

    def here(index: Index, by: Caller) -> object:
        from affineur.actions.webhooks import resume_webhook

        return resume_webhook(index, by, webhook_id, from_now=from_now)

    place.carry_out(here, lambda remote: remote.post(_path(webhook_id, "resume"), {"from_now": from_now}))
    typer.echo(f"Webhook {webhook_id} goes on.")


def webhook_secret(place: Place, webhook_id: Id) -> None:
    """Give a webhook a new secret, and print it; for a day the one before signs as well."""

    def here(index: Index, by: Caller) -> str:
        from affineur.actions.webhooks import renew_secret

        return renew_secret(index, by, webhook_id).secret

    secret = place.carry_out(here, lambda remote: str(remote.post(_path(webhook_id, "secret"))["secret"]))
    typer.echo(f"New secret, shown only now: {secret}")


def webhook_test(place: Place, webhook_id: Id) -> None:
    """Send a ping, and say what became of it. Ends with 1 where it was not taken."""

    def here(index: Index, by: Caller) -> dict[str, Any]:
        from affineur.actions.webhooks import ping_webhook

        return _tried(ping_webhook(index, by, webhook_id))

    _say(place.carry_out(here, lambda remote: remote.post(_path(webhook_id, "ping"))))


def webhook_log(
    place: Place,
    webhook_id: Id,
    limit: Annotated[int, typer.Option(help="How many, newest first.", min=1, max=1000)] = 50,
    as_json: AsJson = False,
) -> None:
    """Show what was sent lately, and what became of it."""
    from .remote.problems import printable
    from .start import print_json

    def here(index: Index, by: Caller) -> list[dict[str, Any]]:
        from affineur.actions.webhooks import deliveries_of

        return [_tried(each) for each in deliveries_of(index, by, webhook_id, limit)]

    where = _path(webhook_id, "deliveries")
    found = place.carry_out(here, lambda remote: list(remote.every(where, most=limit)))
    if as_json:
        print_json(found)
        return
    for each in found:
        what = "ping" if each["serial"] is None else f"entry {each['serial']}"
        again = f", again at {str(each['next_at'])[:19]}" if each["next_at"] else ""
        typer.echo(printable(f"{each['id']}  {str(each['at'])[:19]}  {what}: {_outcome(each)}{again}"))
    if not found:
        typer.echo("Nothing was sent yet.", err=True)


def webhook_redeliver(
    place: Place,
    webhook_id: Id,
    delivery: Annotated[int, typer.Argument(metavar="DELIVERY", help="As the log shows it.", show_default=False)],
) -> None:
    """Send the entry of a delivery once more. Ends with 1 where it was not taken."""

    def here(index: Index, by: Caller) -> dict[str, Any]:
        from affineur.actions.webhooks import redeliver

        return _tried(redeliver(index, by, webhook_id, delivery))

    where = _path(webhook_id, "deliveries", str(delivery), "redeliver")
    _say(place.carry_out(here, lambda remote: remote.post(where)))


def _say(tried: dict[str, Any]) -> None:
    from affineur.core.history.webhooks import verdict_on

    from .remote.problems import printable

    typer.echo(printable(_outcome(tried)))
    if verdict_on(tried["status"]) != "taken":
        raise typer.Exit(1)


def _outcome(tried: dict[str, Any]) -> str:
    said = tried["error"] or f"{tried['status']} {tried['answer'][:100]}".strip()
    return f"{said} ({tried['duration_ms']} ms)"


def _named(project: str | None) -> NormalizedName | None:
    from affineur.core.names import parse_name

    return None if project is None else parse_name(project)


def _path(webhook_id: str, *parts: str) -> str:
    return path("webhooks", webhook_id, *parts)


def _facts(found: HookRow) -> dict[str, Any]:
    return {
        "id": found.id,
        "project": found.project,
        "url": found.url,
        "events": sorted(found.wanted.events),
        "hints": sorted(found.wanted.hints),
        "state": found.state,
        "position": found.position,
        "failures": found.failures,
        "failing_since": found.failing_since,
        "due_at": found.due_at,
        "made_by": found.made_by,
        "made_at": found.made_at,
        "former_secret_until": found.former_until,
    }


def _tried(row: DeliveryRow) -> dict[str, Any]:
    from dataclasses import asdict

    return {name: value for name, value in asdict(row).items() if name != "webhook_id"}
