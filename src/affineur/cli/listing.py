"""Lists of an index elsewhere, printed: one line an item, or as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from .place import Place


def show_list(place: Place, where: str, line: str, as_json: bool, *, none: str = "There are none.") -> None:
    """Print what the API lists at ``where``, each item by ``line`` (a format of its fields).

    ``none`` is said where the list is empty. What items hold does nothing to a terminal.
    """
    from .remote.problems import printable
    from .start import print_json

    rows = place.ask(lambda remote: list(remote.every(where)))
    if as_json:
        print_json(rows)
        return
    for row in rows:
        typer.echo(printable(line.format(**row)))
    if not rows:
        typer.echo(none, err=True)
