"""Commands about the journal: its head, its entries, a copy of it, and the proof that nothing in it was changed."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO, TypeVar

import typer

from .options import AsJson, Config, Data

if TYPE_CHECKING:
    from affineur.core.history.journal import Entry
    from affineur.shell.index import Index
    from affineur.shell.progress import Tell

T = TypeVar("T")

journal = typer.Typer(help="Read, copy and prove the journal of every change.", no_args_is_help=True)

STEP = "entries"
SHOWN_FAULTS = 20
_TELL_EVERY = 1_000

Since = Annotated[int, typer.Option(help="Only entries after this serial.", min=0)]
Expected = Annotated[
    str | None,
    typer.Option("--head", metavar="SERIAL:HASH", help="What `journal head` or /journal/head said, at any time."),
]


def register(app: typer.Typer) -> None:
    """Add the commands of this module to ``app``."""
    app.add_typer(journal, name="journal")


@journal.command()
def head(data: Data = None, config: Config = None, as_json: AsJson = False) -> None:
    """Print serial and hash of the newest entry, as `verify --head` takes them.

    Whoever keeps this line can prove later that nothing was changed up to here.
    """
    from affineur.shell.store import journal as stored

    from .start import open_existing, print_json

    index = open_existing(data, config)
    with index.store.read() as connection:
        serial, digest = stored.head(connection)
        at = stored.moment(connection, serial)
    index.close()
    if as_json:
        print_json({"serial": serial, "hash": digest, "at": at.isoformat(timespec="microseconds")})
    else:
        typer.echo(f"{serial}:{digest}")


@journal.command()
def show(
    project: Annotated[str | None, typer.Option(help="Only entries about this project, in any spelling.")] = None,
    since: Since = 0,
    limit: Annotated[int, typer.Option(help="At most so many, the newest; 0: all.", min=0)] = 100,
    data: Data = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Show entries in words, oldest first.

    With `--json` one entry a line, as in a copy.
    """
    from affineur.core.history.chronicle import entry_line
    from affineur.core.history.chronicle_words import ACTORS, sentence

    from .remote.problems import printable
    from .start import open_existing

    index = open_existing(data, config)
    try:
        for entry in _wanted(index, project, since, limit):
            if as_json:
                sys.stdout.buffer.write(entry_line(entry))
                continue
            event = entry.event
            said = f"{sentence(event)}  (by {ACTORS.get(event.actor_class, 'somebody')})"
            typer.echo(printable(f"{entry.serial}  {entry.at:%Y-%m-%d %H:%M:%S}  {event.project}  {said}"))
    finally:
        index.close()


@journal.command()
def export(
    file: Annotated[Path, typer.Argument(help="Where to; `-` is standard output.", show_default=False)],
    since: Since = 0,
    data: Data = None,
    config: Config = None,
) -> None:
    """Write a copy of the journal: one entry a line, as JSON.

    `affineur journal verify FILE` proves such a copy anywhere. A file that is there already is replaced when the
    new one is whole.
    """
    import os

    from affineur.core.history.chronicle import entry_line

    from .progress import progress
    from .start import open_existing

    index = open_existing(data, config)
    try:
        with progress() as tell:
            lines = map(entry_line, _told(_kept(index, since), tell, _length(index) - since))
            if str(file) == "-":
                sys.stdout.buffer.writelines(lines)
                sys.stdout.buffer.flush()
                return
            beside = file.with_name(f".{file.name}.{os.getpid()}")
            try:
                with beside.open("xb") as copy:
                    copy.writelines(lines)
                    copy.flush()
                    os.fsync(copy.fileno())
                beside.replace(file)
            finally:
                beside.unlink(missing_ok=True)
    finally:
        index.close()


@journal.command()
def verify(
    file: Annotated[
        Path | None,
        typer.Argument(help="A copy, one entry a line; `-` is standard input.", show_default="the index's own journal"),
    ] = None,
    expected: Expected = None,
    data: Data = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Prove that a journal is whole; needs no network, and of a copy no index.

    Finds every edit, removal and reorder; with `--head` also that the end is missing, or that all was written anew
    from some entry on. The exit status is 0 where it is whole, 1 where there are faults.
    """
    from affineur.core.history.chronicle import parse_head

    from .progress import progress

    told_head = None if expected is None else parse_head(expected)
    with progress() as tell:
        seen = [0]
        if file is None:
            found = list(_own_faults(data, config, told_head, tell, seen))
        else:
            found = list(_copy_faults(file, told_head, tell, seen))
    _say_faults(found, seen[0], as_json)


def _say_faults(found: list[str], count: int, as_json: bool) -> None:
    from .remote.problems import printable
    from .start import EXIT_REFUSED, print_json

    if as_json:
        print_json({"whole": not found, "entries": count, "faults": found})
    else:
        for fault in found[:SHOWN_FAULTS]:
            typer.echo(printable(fault))
        if len(found) > SHOWN_FAULTS:
            typer.echo(f"… and {len(found) - SHOWN_FAULTS:,} more faults.")
        if not found:
            typer.echo(f"The journal is whole: {count:,} entries.")
    if found:
        raise typer.Exit(EXIT_REFUSED)


def _own_faults(
    data: Path | None, config: Path | None, expected: tuple[int, str] | None, tell: Tell, seen: list[int]
) -> Iterator[str]:
    """Faults of the stored journal, held against the stored head, and against the one that is expected."""
    from affineur.core.history.chronicle import chain_faults
    from affineur.shell.store import journal as stored

    from .start import open_existing

    index = open_existing(data, config)
    try:
        with index.store.read() as connection:
            own = stored.head(connection)
            entries = _counted(_told(stored.entries(connection), tell, own[0]), seen)
            yield from chain_faults(entries, [own] if expected is None else [own, expected])
    finally:
        index.close()


def _copy_faults(file: Path, expected: tuple[int, str] | None, tell: Tell, seen: list[int]) -> Iterator[str]:
    from affineur.core.history.chronicle import copy_faults

    if str(file) == "-":
        yield from copy_faults(_counted(_told(_lines(sys.stdin.buffer), tell, None), seen), expected)
        return
    with file.open("rb") as copy:
        yield from copy_faults(_counted(_told(_lines(copy), tell, None), seen), expected)


def _wanted(index: Index, project: str | None, since: int, limit: int) -> Iterable[Entry]:
    """The entries to show, oldest first. Ends the program where there is no such project."""
    from affineur.core.names import parse_name
    from affineur.shell.store import chronicle
    from affineur.shell.store import journal as stored

    from .start import EXIT_REFUSED, fail

    if project is not None:
        name = parse_name(project)
        with index.store.read() as connection:
            found = chronicle.newest_of(connection, name, limit or None, since)
            if not found and not chronicle.newest_of(connection, name, 1):
                fail(f"The journal knows no project '{name}'.", EXIT_REFUSED)
        return found[::-1]
    with index.store.read() as connection:
        last, _ = stored.head(connection)
    return _kept(index, max(since, last - limit) if limit else since)


def _kept(index: Index, since: int) -> Iterator[Entry]:
    from affineur.shell.store import journal as stored

    with index.store.read() as connection:
        yield from stored.entries(connection, since)


def _length(index: Index) -> int:
    from affineur.shell.store import journal as stored

    with index.store.read() as connection:
        return stored.head(connection)[0]


def _lines(stream: BinaryIO) -> Iterator[bytes]:
    """The lines of a copy; one that is too long in pieces, so that nothing grows with it."""
    from affineur.core.history.chronicle import MAXIMUM_LINE_BYTES

    return iter(lambda: stream.readline(MAXIMUM_LINE_BYTES + 1), b"")


def _told(each: Iterable[T], tell: Tell, total: int | None) -> Iterator[T]:
    """The same, while the progress is told."""
    for done, one in enumerate(each, 1):
        if done % _TELL_EVERY == 0:
            tell(STEP, done, total)
        yield one


def _counted(each: Iterable[T], seen: list[int]) -> Iterator[T]:
    """The same; ``seen[0]`` is how many there were."""
    for one in each:
        seen[0] += 1
        yield one
