"""`affineur rule`: what a rule asks for, why, and with which numbers here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from .options import AsJson, Config, Data

if TYPE_CHECKING:
    from affineur.core.rules import Rule
    from affineur.settings import Settings


def register(app: typer.Typer) -> None:
    """Add the commands of this module to ``app``."""
    app.command()(rule)


def rule(
    id: Annotated[
        str, typer.Argument(help="Id of a rule, as a refusal names it, or its first part; empty: all.", metavar="ID")
    ] = "",
    data: Data = None,
    config: Config = None,
    document: Annotated[bool, typer.Option("--document", help="Print all of it as Markdown, to be published.")] = False,
    as_json: AsJson = False,
) -> None:
    """Explain a rule, with its reason, its numbers on this index, and what can be done.

    Without an id, or with the first part of one, list the rules. Needs no index: numbers are then the usual ones.
    """
    from affineur.core.rules import GROUPS, RULES
    from affineur.core.rules.policy_page import as_markdown

    from .start import print_json, read_settings

    settings = read_settings(data, config).settings
    if document:
        typer.echo(as_markdown(GROUPS, settings), nl=False)
        return
    one = RULES.get(id)
    if one is None:
        _list(id, settings, as_json)
    elif as_json:
        print_json(_as_values(one, settings))
    else:
        _explain(one, settings)


def _explain(rule: Rule, settings: Settings) -> None:
    from affineur.core.rules.rule import spoken

    typer.echo(f"{rule.id}\n  {rule.said(settings)}\n  Why: {rule.because(settings)}")
    for way in rule.ways:
        typer.echo(f"  Way out: {way}")
    for name in rule.deciding_settings:
        typer.echo(f"  Setting: {name} = {spoken(getattr(settings, name), name)}")
    for version, change in enumerate(rule.changes, start=2):
        typer.echo(f"  Version {version} from {change.on}, announced {change.announced}: {change.what}")
    typer.echo(f"  Since {rule.since}.")


def _list(part: str, settings: Settings, as_json: bool) -> None:
    """All rules whose ids begin with ``part``; ends the program where there is none."""
    from affineur.core.rules import RULES

    from .start import EXIT_REFUSED, fail, print_json

    prefix = f"{part.rstrip('.')}." if part else ""
    found = [rule for rule in RULES.values() if rule.id.startswith(prefix)]
    if not found:
        fail(f"There is no rule '{part}'. `affineur rule` lists them all.", EXIT_REFUSED)
    if as_json:
        print_json([_as_values(rule, settings) for rule in found])
        return
    for rule in found:
        typer.echo(f"{rule.id}: {rule.said(settings)}")


def _as_values(rule: Rule, settings: Settings) -> dict[str, Any]:
    return {
        "id": rule.id,
        "version": rule.version,
        "since": rule.since,
        "text": rule.said(settings),
        "why": rule.because(settings),
        "ways_out": list(rule.ways),
        "settings": {name: getattr(settings, name) for name in rule.deciding_settings},
        "changes": [
            {"announced": each.announced, "on": each.on, "what": each.what, "at_once": each.at_once or None}
            for each in rule.changes
        ],
    }
