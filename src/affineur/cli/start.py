"""What every command does first: read settings, open the index, say clearly what is wrong."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import NoReturn

import orjson
import typer

from affineur.settings import Loaded, Settings, SettingsError, load
from affineur.shell import logs
from affineur.shell.index import Index, open_index
from affineur.shell.store import SchemaMismatch

from .errors import EXIT_CODES, EXIT_DAMAGED, EXIT_NOT_READY, EXIT_REFUSED, EXIT_USAGE

__all__ = [
    "EXIT_CODES",
    "EXIT_DAMAGED",
    "EXIT_NOT_READY",
    "EXIT_REFUSED",
    "EXIT_USAGE",
    "fail",
    "open_existing",
    "open_unchecked",
    "print_json",
    "read_settings",
    "require_files",
]


def read_settings(data: Path | None, config: Path | None = None, **flags: object) -> Loaded:
    """Settings from flags, environment and file; ends the program with `EXIT_USAGE` where one does not fit."""
    try:
        return load({"data": data, **flags}, file=config)
    except SettingsError as error:
        fail(str(error), EXIT_USAGE)


def open_existing(data: Path | None, config: Path | None = None, **flags: object) -> Index:
    """Open an index that was set up before; ends the program with `EXIT_NOT_READY` where there is none."""
    index = open_unchecked(data, config, **flags)
    try:
        index.store.require_current()
    except SchemaMismatch as error:
        fail(str(error), EXIT_NOT_READY)
    return index


def open_unchecked(data: Path | None, config: Path | None = None, **flags: object) -> Index:
    """Open an index whose database may be of any schema, or damaged."""
    settings = read_settings(data, config, **flags).settings
    require_files(settings)
    logs.configure(settings.log_level)  # to standard error: what a command prints stays its own
    return open_index(settings)


def require_files(settings: Settings) -> None:
    """End the program with `EXIT_NOT_READY` where the data folder holds no index; nothing is made by looking."""
    if not settings.database and not (settings.data / "affineur.db").exists():
        from .place import named

        elsewhere = named(None)
        ways_out = f"Run `affineur init --data {settings.data}` first."
        if elsewhere is not None:
            ways_out = f"This is done on the machine of the index; on {elsewhere}, ask its operators."
        fail(f"There is no index in {settings.data}. {ways_out}", EXIT_NOT_READY)


def print_json(value: object) -> None:
    """Print ``value`` for programs: moments in ISO 8601, paths and the like as text."""
    typer.echo(orjson.dumps(value, option=orjson.OPT_INDENT_2, default=str).decode())


def fail(message: str, code: int) -> NoReturn:
    """End the program with a message on standard error."""
    sys.stderr.write(f"affineur: {message}\n")
    raise typer.Exit(code)
