"""Looking into the files of a project: `affineur examine`, on this machine's own index and on one elsewhere.

It prints what the pages of moderators show, for whoever would rather read it in a terminal, or pass it on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from .options import AsJson, Project
from .place import Place, somewhere
from .remote.paths import of_project

if TYPE_CHECKING:
    from affineur.core.security import Caller
    from affineur.shell.index import Index

    from .remote.client import Remote

Version = Annotated[str | None, typer.Argument(help="A release; unless told, the newest.", show_default=False)]
Against = Annotated[
    str | None,
    typer.Option("--against", metavar="VERSION", help="Compare with this release; `earlier`: the one before."),
]
File = Annotated[str | None, typer.Option("--file", help="The file of this name; unless told, the telling one.")]
MemberPath = Annotated[
    str | None, typer.Option("--member", metavar="PATH", help="Print the text of this member of the file.")
]


def register(app: typer.Typer) -> None:
    """Add the command of this module to ``app``."""
    app.command()(somewhere(examine))


def examine(
    place: Place,
    project: Project,
    version: Version = None,
    against: Against = None,
    file: File = None,
    member: MemberPath = None,
    as_json: AsJson = False,
) -> None:
    """Look into a file, on offer or held: what lies in it, or what it changed.

    Prints what is worth noticing and a listing; with --against, what is not as it was, with the differences of
    texts. Nothing is unpacked to disk, and nothing of it is run.
    """
    from .start import EXIT_USAGE, fail, print_json

    if against is not None and member is not None:
        fail("--member is the text of one member, and --against a comparison: give one of them.", EXIT_USAGE)
    if member is not None:
        if file is None:
            fail("In which file? Name it with --file.", EXIT_USAGE)
        found = _member(place, project, file, member)
    elif against is not None:
        found = _comparison(place, project, version, against, file)
    else:
        found = _listing(place, project, version, file)
    if as_json:
        print_json(found)
        return
    for line in _told(found):
        typer.echo(line)


def _listing(place: Place, name: str, version: str | None, file: str | None) -> dict[str, Any]:
    def here(index: Index, by: Caller) -> Any:
        from affineur.actions.examine import examine
        from affineur.core.names import parse_name
        from affineur.web.api.examine import listed

        return listed(examine(index, by, parse_name(name), version, file))

    def there(remote: Remote) -> Any:
        return remote.get(of_project(name, "contents"), {"version": version, "file": file})

    return _plain(place.carry_out(here, there))


def _comparison(place: Place, name: str, version: str | None, against: str, file: str | None) -> dict[str, Any]:
    def here(index: Index, by: Caller) -> Any:
        from affineur.actions.examine import compare_files
        from affineur.core.names import parse_name
        from affineur.web.api.examine import compared

        return compared(compare_files(index, by, parse_name(name), version, against, file))

    def there(remote: Remote) -> Any:
        asked = {"version": version, "against": against, "file": file}
        return remote.get(of_project(name, "comparison"), asked)

    return _plain(place.carry_out(here, there))


def _member(place: Place, name: str, file: str, path: str) -> dict[str, Any]:
    def here(index: Index, by: Caller) -> Any:
        from affineur.actions.examine import read_member
        from affineur.core.names import parse_name
        from affineur.web.api.examine import text_of

        return text_of(read_member(index, by, parse_name(name), file, path))

    def there(remote: Remote) -> Any:
        return remote.get(of_project(name, "contents", "member"), {"file": file, "path": path})

    return _plain(place.carry_out(here, there))


def _plain(found: Any) -> dict[str, Any]:
    """An answer as JSON has it, wherever it comes from."""
    import msgspec

    plain: dict[str, Any] = msgspec.to_builtins(found)
    return plain


# -- as people read it


def _told(found: dict[str, Any]) -> list[str]:
    if "text" in found:
        from affineur.core.moderation.comparison_text import lines_of

        return [_line(line) for line in lines_of(found["text"])]
    return _told_comparison(found) if "unchanged" in found else _told_listing(found)


def _told_listing(found: dict[str, Any]) -> list[str]:
    from affineur.core.views.presentation import size

    file = found["file"]
    lines = [
        f"{_line(file['filename'])}: {size(file['size_bytes'])}, unpacked {size(found['unpacked_bytes'])}",
        f"sha256 {_line(file['sha256'])}, uploaded {_line(file['uploaded_at'])}",
        *([f"! {_line(found['fault'])}"] if found["fault"] else []),
        *_told_signals(found["signals"]),
        "",
    ]
    for each in found["members"]:
        what = f"→ {each['link']}" if each["link"] else each["format"] or each["kind"]
        lines.append(f"{size(each['size_bytes']):>12}  {_line(each['path'])}  {_line(what)}")
    return [*lines, *_left_out(found)]


def _told_comparison(found: dict[str, Any]) -> list[str]:
    from affineur.core.moderation.comparison_text import lines_of

    old, new = found["old"], found["new"]
    was = old["filename"] if old else f"no such file of {found['against']}" if found["against"] else "nothing"
    lines = [f"{_line(was)} → {_line(new['filename'])}", *(f"! {_line(each)}" for each in found["faults"])]
    lines += [*_told_signals(found["signals"]), ""]
    for each in found["metadata"]:
        lines += [f"- {_line(each['field'])}: {_line(value)}" for value in each["removed"]]
        lines += [f"+ {_line(each['field'])}: {_line(value)}" for value in each["added"]]
    lines += [f"{each['change']:>8}  {_line(each['name'])}" for each in found["members"]]
    lines += [*_left_out(found), f"{found['unchanged']:>8}  not changed"]
    for each in found["members"]:
        if each["diff"]:
            lines += ["", f"=== {_line(each['name'])}", *map(_line, lines_of(each["diff"]))]
    return lines


def _told_signals(signals: list[dict[str, Any]]) -> list[str]:
    words = {"new": "new: ", "changed": "changed: ", "same": "as before: "}
    lines = []
    for each in signals:
        places = each["places"]
        where = f" ({', '.join(places[:5])}{' …' if len(places) > 5 else ''})" if places else ""
        lines.append(f"* {words.get(each['state'], '')}{_line(each['says'] + where)}")
    return lines


def _left_out(found: dict[str, Any]) -> list[str]:
    return [f"… and {found['left_out']} more"] if found["left_out"] else []


def _line(value: object) -> str:
    """A line from elsewhere that does nothing to a terminal; blanks at its beginning are kept."""
    from affineur.core.moderation.comparison_text import shown

    return shown(str(value)).rstrip()
