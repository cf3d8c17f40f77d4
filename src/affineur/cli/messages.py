"""The command that writes to the people of a project, as one of them, on an index elsewhere."""

from __future__ import annotations

from typing import Annotated

import typer

from .options import Project
from .place import Place, elsewhere
from .remote.paths import of_project


def register(app: typer.Typer) -> None:
    """Add the commands of this module to ``app``."""
    app.command()(elsewhere(message))


def message(
    place: Place,
    project: Project,
    topic: Annotated[
        str, typer.Option("--topic", help="release, security, access, maintenance, future or other.")
    ] = "other",
    to: Annotated[str | None, typer.Option("--to", metavar="ACCOUNT", help="Only to this one of them.")] = None,
) -> None:
    """Write to the people of a project; the text is read from standard input.

    It is mailed to whoever takes messages. No address is shown to anybody, and you are not told who got it.
    """
    import sys

    text = sys.stdin.read()
    body = {"topic": topic, "text": text, "to": to}
    place.ask(lambda remote: remote.post(of_project(project, "messages"), body))
    typer.echo("The message is on its way.")
