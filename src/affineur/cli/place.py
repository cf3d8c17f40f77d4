"""Where a command is carried out: on this machine's own index, or on one elsewhere through its API.

A command that works in both places is declared once, with `somewhere`, which gives it ``--data``, ``--config`` and
``--index``; it says in `Place.carry_out` how it is done here and how there, and shows what comes back alike. What
does not live here: the API (`remote`), and opening an index (`start`).
"""

from __future__ import annotations

import functools
import inspect
import os
import typing
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from .options import Config, Data

if TYPE_CHECKING:
    from affineur.core.security import Caller
    from affineur.shell.index import Index

    from .remote.client import Remote

T = TypeVar("T")

RemoteIndex = Annotated[
    str | None,
    typer.Option(
        "--index",
        metavar="URL",
        help="An index elsewhere, with the token of `affineur login`.",
        show_default="AFFINEUR_INDEX, else where you logged in last",
    ),
]
_HERE = ("AFFINEUR_DATA", "AFFINEUR_CONFIG", "AFFINEUR_DATABASE")


@dataclass(frozen=True, slots=True)
class Place:
    """An index: the one of a data folder of this machine, or (``index``) one elsewhere."""

    data: Path | None = None
    config: Path | None = None
    index: str | None = None

    @property
    def is_remote(self) -> bool:
        """Whether it is an index elsewhere."""
        return self.index is not None

    def carry_out(self, here: Callable[[Index, Caller], T], there: Callable[[Remote], T]) -> T:
        """Do ``here`` with the opened index as its console, or ``there`` with its API."""
        if self.index is not None:
            return self.ask(there)
        from datetime import UTC, datetime

        from affineur.core.security import console

        from .start import open_existing

        index = open_existing(self.data, self.config)
        try:
            return here(index, console(datetime.now(UTC)))
        finally:
            index.close()

    def ask(self, there: Callable[[Remote], T]) -> T:
        """Do something that only the API of an index elsewhere does. Ends the program where none is meant."""
        from .remote.client import Remote
        from .remote.keeping import token_for
        from .start import EXIT_USAGE, fail

        if self.index is None:
            fail("Which index? Name it with --index, or run `affineur login URL` first.", EXIT_USAGE)
        warn_of_plain_http(self.index)
        with Remote(self.index, token_for(self.index)) as remote:
            return there(remote)


def somewhere(verb: Callable[..., None]) -> Callable[..., None]:
    """A command that works here and elsewhere: ``verb``, whose first parameter is the `Place`."""
    return _with_options(verb, {"data": Data, "config": Config, "index": RemoteIndex}, choose)


def elsewhere(verb: Callable[..., None]) -> Callable[..., None]:
    """A command about an index elsewhere only, such as what one's own account is there."""
    return _with_options(verb, {"index": RemoteIndex}, lambda index: Place(index=named(index)))


def choose(data: Path | None, config: Path | None, index: str | None) -> Place:
    """The index that is meant. What is given as an option is stronger than the environment, which is stronger than
    what lies here: a data folder, else the index logged in to last. Ends the program where that is unclear.
    """
    from .start import EXIT_USAGE, fail

    if index is not None and (data is not None or config is not None):
        fail("--index is an index elsewhere, and --data one of this machine: give one of them.", EXIT_USAGE)
    if index is not None:
        return Place(index=named(index))
    if data is not None or config is not None:
        return Place(data, config)
    here = [name for name in _HERE if os.environ.get(name)]
    if os.environ.get("AFFINEUR_INDEX"):
        if here:
            fail(f"AFFINEUR_INDEX and {here[0]} are both set. Say which with --index or --data.", EXIT_USAGE)
        return Place(index=named(None))
    if here or (Path("data") / "affineur.db").exists() or (Path("data") / "affineur.toml").exists():
        return Place()
    return Place(index=named(None))


def warn_of_plain_http(index: str) -> None:
    """Say so, on standard error, where everyone on the way to ``index`` could read a token."""
    from .remote.keeping import is_plain_http

    if is_plain_http(index):
        typer.echo(f"affineur: {index} is not encrypted: on the way everyone can read the token.", err=True)


def named(index: str | None) -> str | None:
    """The address of the index elsewhere that is meant; None where none is known."""
    from .remote.keeping import INDEX_VARIABLE, default_index, parse_index

    given = index or os.environ.get(INDEX_VARIABLE)
    return parse_index(given) if given else default_index()


def _with_options(
    verb: Callable[..., None], options: dict[str, object], place: Callable[..., Place]
) -> Callable[..., None]:
    """``verb`` as a command: instead of its first parameter it takes ``options``, from which ``place`` makes it."""
    hints = typing.get_type_hints(verb, include_extras=True)
    own = [each.replace(annotation=hints[each.name]) for each in inspect.signature(verb).parameters.values()][1:]
    added = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=kind)
        for name, kind in options.items()
    ]
    # All are given by name; --json stays last in the help.
    shown = [each.replace(kind=inspect.Parameter.KEYWORD_ONLY) for each in own]
    last = [each for each in shown if each.name == "as_json"]
    ordered = [*(each for each in shown if each.name != "as_json"), *added, *last]

    @functools.wraps(verb)
    def command(**given: typing.Any) -> None:
        verb(place(**{name: given.pop(name) for name in options}), **given)

    del command.__wrapped__  # or the signature would be that of the verb
    command.__signature__ = inspect.Signature(ordered)  # type: ignore[attr-defined]
    command.__annotations__ = {each.name: each.annotation for each in ordered}
    return command
