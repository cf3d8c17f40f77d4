"""What every command does first: read settings, open the index, say clearly what is wrong."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import NoReturn

import typer

from affineur.core.decision import Refused
from affineur.settings import Loaded, SettingsError, load
from affineur.shell.index import Index, open_index
from affineur.shell.store import SchemaMismatch

EXIT_REFUSED = 1
EXIT_USAGE = 2
EXIT_NOT_READY = 3
EXIT_DAMAGED = 4

EXIT_CODES = {
    0: "done",
    EXIT_REFUSED: "refused: a rule forbids it (the message names the rule), or part of the work was refused",
    EXIT_USAGE: "usage: an unknown option, or a setting that does not fit",
    EXIT_NOT_READY: "not ready: no index here, its database is of another version, or a service is away",
    EXIT_DAMAGED: "damaged: `fsck` found something",
}


def read_settings(data: Path | None, config: Path | None = None, **flags: object) -> Loaded:
    """Settings from flags, environment and file; ends the program with `EXIT_USAGE` where one does not fit."""
    try:
        return load({"data": data, **flags}, file=config)
    except SettingsError as error:
        fail(str(error), EXIT_USAGE)


def open_existing(data: Path | None, config: Path | None = None, **flags: object) -> Index:
    """Open an index that was set up before; ends the program with `EXIT_NOT_READY` where there is none."""
    settings = read_settings(data, config, **flags).settings
    if settings.is_sqlite and not (settings.data / "affineur.db").exists() and not settings.database:
        fail(
            f"There is no index in {settings.data}. Run `affineur init --data {settings.data}` first.",
            EXIT_NOT_READY,
        )
    index = open_index(settings)
    try:
        index.store.require_current()
    except SchemaMismatch as error:
        fail(str(error), EXIT_NOT_READY)
    return index


def refused(error: Refused) -> NoReturn:
    """End the program with the rule's own sentence."""
    fail(f"{error.decision.sentence}  [{error.decision.rule}]", EXIT_REFUSED)


def fail(message: str, code: int) -> NoReturn:
    """End the program with a message on standard error."""
    sys.stderr.write(f"affineur: {message}\n")
    raise typer.Exit(code)
