"""Commands about who depends on whom: `affineur dependents`, `why`, `cut` and `notice`.

Here and on an index elsewhere alike. What does not live here: the answers (`shell.dependents.telling`), and
learning what an upstream's projects require (`learning`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from . import learning
from .options import AsJson, Project
from .place import Place, somewhere
from .remote.paths import of_project

if TYPE_CHECKING:
    from affineur.core.security import Caller
    from affineur.shell.index import Index

    from .remote.client import Remote

Told = dict[str, Any]

Kinds = Annotated[
    list[str] | None,
    typer.Option("--kind", help="Only who requires it so: always, marker or extra; may be repeated."),
]
Sources = Annotated[
    list[str] | None, typer.Option("--source", help="Only projects of ours, or of the upstream; may be repeated.")
]
Start = Annotated[
    list[str] | None, typer.Option("--from", metavar="PROJECT", help="Start at this project; may be repeated.")
]
StartFile = Annotated[
    Path | None, typer.Option("--from-file", help="Start at what a requirements file names; `-` is standard input.")
]
StartOwner = Annotated[str | None, typer.Option("--owner", help="Start at every project of this account.")]
Extras = Annotated[bool, typer.Option("--extras", help="Follow what is required for an extra, too.")]
_KINDS, _SOURCES = ("always", "marker", "extra"), ("ours", "upstream")
_WORDS = {"always": "always", "marker": "under a condition", "extra": "for an extra"}
_AT_A_TIME = 100


class ShowUnlessTold(TyperGroup):
    """A group whose command `show` need not be named: what is no command is a project to be shown."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """See `click.Command.parse_args`."""
        if args and args[0] not in (*self.commands, "--help"):
            args = ["show", *args]
        return super().parse_args(ctx, args)


group = typer.Typer(
    cls=ShowUnlessTold,
    help="Who depends on a project: `affineur dependents PROJECT`.",
    no_args_is_help=True,
)


def register(app: typer.Typer) -> None:
    """Add the commands of this module to ``app``."""
    group.command("show")(somewhere(show))
    group.command("learn")(learning.learn)
    app.add_typer(group, name="dependents")
    for command in (why, cut, notice):
        app.command()(somewhere(command))


def show(
    place: Place,
    project: Project,
    indirect: Annotated[bool, typer.Option("--indirect", help="List those that get it through others.")] = False,
    kind: Kinds = None,
    source: Sources = None,
    owner: Annotated[str | None, typer.Option("--owner", help="Only projects of this account.")] = None,
    older: Annotated[
        bool, typer.Option("--older", help="Also by older releases that are still widely installed.")
    ] = False,
    limit: Annotated[int, typer.Option(min=1, help="At most so many lines.")] = 100,
    as_json: AsJson = False,
) -> None:
    """Show who depends on a project: how many, and which, most installed first. `show` may be left out."""
    from .start import print_json

    asked: Told = {"kind": _known(kind, _KINDS, "--kind"), "source": _known(source, _SOURCES, "--source")}
    which = {**asked, "owner": owner} if indirect else {**asked, "owner": owner, "older": older}
    where = ("dependents", "indirect" if indirect else "direct")

    def here(index: Index, _: Caller) -> Told:
        return {**_here(index, "counts", project, asked), "dependents": _listed(index, project, which, limit)}

    def there(remote: Remote) -> Told:
        found: Told = remote.get(of_project(project, "dependents"), asked)
        query = {name: str(value).lower() if isinstance(value, bool) else value for name, value in which.items()}
        return {**found, "dependents": list(remote.every(of_project(project, *where), query, most=limit))}

    found = place.carry_out(here, there)
    if as_json:
        print_json(found)
        return
    _say(_shown(found, indirect))


def why(
    place: Place,
    project: Annotated[str, typer.Argument(metavar="PROJECT", help="What is pulled in.", show_default=False)],
    start: Start = None,
    file: StartFile = None,
    owner: StartOwner = None,
    extras: Extras = False,
    as_json: AsJson = False,
) -> None:
    """Explain why a project is installed: all shortest chains to it from what you start at."""
    asked = _start(start, file, owner, extras)
    _ask(place, "why", project, asked, as_json, _chains)


def cut(
    place: Place,
    project: Annotated[str, typer.Argument(metavar="PROJECT", help="What to be rid of.", show_default=False)],
    start: Start = None,
    file: StartFile = None,
    owner: StartOwner = None,
    extras: Extras = False,
    as_json: AsJson = False,
) -> None:
    """Find the single requirement that, if replaced, removes most of a project's reach.

    Without a start, of its reach over all who depend on it.
    """
    asked = _start(start, file, owner, extras)
    _ask(place, "cut", project, asked, as_json, _cuts)


def notice(
    place: Place,
    project: Project,
    version: Annotated[str, typer.Argument(help="The release.", show_default=False)],
    as_json: AsJson = False,
) -> None:
    """Tell who would notice if a release were yanked, by what they require."""
    _ask(place, "notice", project, {"version": version}, as_json, _noticing)


def _ask(
    place: Place,
    question: str,
    project: str,
    asked: Told,
    as_json: bool,
    lines: Callable[[Told], Iterable[str]],
) -> None:
    from .start import print_json

    def there(remote: Remote) -> Told:
        where = of_project(project, question)
        found: Told = remote.post(where, asked) if "requirements" in asked else remote.get(where, asked)
        return found

    found = place.carry_out(lambda index, _: _here(index, question, project, asked), there)
    if as_json:
        print_json(found)
        return
    _say(lines(found))


def _here(index: Index, question: str, project: str, asked: Told) -> Told:
    """As the API tells it: its own answers, without a request."""
    import msgspec

    from affineur.core.names import parse_name
    from affineur.shell.dependents import telling

    name = parse_name(project)
    told: object
    if question == "counts":
        told = telling.counts_told(index, name, telling.Part(**asked))
    elif question == "notice":
        told = telling.noticing_told(index, name, asked["version"])
    else:
        text, owner, extras = asked.get("requirements", ""), asked["owner"], bool(asked.get("extras"))
        starts = telling.starts_of(index, asked["start"], text, owner)
        if question == "why":
            told = telling.why_told(index, name, starts, extras=extras)
        else:
            has_start = bool(asked["start"] or text.strip() or owner)
            told = telling.cuts_told(index, name, starts if has_start else None, extras=extras)
    found: Told = msgspec.to_builtins(told)
    return found


def _listed(index: Index, project: str, which: Told, limit: int) -> list[Told]:
    """Every dependent asked for, at most ``limit``."""
    import msgspec

    from affineur.core.names import parse_name
    from affineur.shell.dependents import telling

    name, part = parse_name(project), telling.Part(**which)
    some = telling.direct_told if "older" in which else telling.indirect_told

    def every() -> Iterable[object]:
        offset = 0
        while found := some(index, name, part, _AT_A_TIME, offset):
            yield from found
            offset += _AT_A_TIME

    return [msgspec.to_builtins(each) for each in islice(every(), limit)]


def _start(start: list[str] | None, file: Path | None, owner: str | None, extras: bool) -> Told:
    """Where to start, as the API is asked. Ends the program where a file cannot be read."""
    import sys

    asked: Told = {"start": start or [], "owner": owner, "extras": extras}
    if file is not None:
        asked["requirements"] = sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8")
    elif not extras:
        del asked["extras"]  # a query says it, or leaves it out
    else:
        asked["extras"] = "true"
    return asked


def _known(given: list[str] | None, known: tuple[str, ...], option: str) -> list[str]:
    from .start import EXIT_USAGE, fail

    for each in given or ():
        if each not in known:
            fail(f"{option} is '{each}', and may be {', '.join(known)}.", EXIT_USAGE)
    return list(given or ())


def _say(lines: Iterable[str]) -> None:
    """Print lines, with their indentation; what comes from elsewhere does nothing to a terminal."""
    from .remote.problems import printable

    for line in lines:
        indentation = line[: len(line) - len(line.lstrip(" "))]
        typer.echo(f"{indentation}{printable(line)}")


def _shown(found: Told, indirect: bool) -> Iterable[str]:
    yield found["sentence"]
    if found["unknown"]:
        yield f"Not counted: {found['unknown']} that say only when they are built what they require."
    yield from _limits(found)
    if found["dependents"]:
        yield ""
    for each in found["dependents"]:
        installs = "" if each["installs"] is None else f", {each['installs']:,} installs in 30 days"
        upstream = ", known from the upstream" if each["source"] == "upstream" else ""
        if indirect:
            yield f"{each['name']}  {each['distance']} steps away{installs}{upstream}"
            continue
        older = "" if each["newest"] else ", by an older release"
        lines = " or ".join(each["requirements"])
        yield f"{each['name']} {each['version']}  requires {lines}  ({_WORDS[each['kind']]}{older}{upstream}{installs})"


def _chains(found: Told) -> Iterable[str]:
    if not found["chains"]:
        yield f"No chain leads to {found['project']}."
    for chain in found["chains"]:
        yield f"{chain[0]['dependent']} {chain[0]['version']}"
        for depth, step in enumerate(chain, start=1):
            following = chain[depth] if depth < len(chain) else None
            version = f" {following['version']}" if following else ""
            said = " or ".join(step["requirement"].split("\n"))
            kind = "" if step["kind"] == "always" else f", {_WORDS[step['kind']]}"
            yield f"{'  ' * depth}requires {step['target']}{version}  ({said}{kind})"
    if found["more"]:
        yield f"{found['more']} more chains, as short as these, are not shown."
    for member, meaning in (
        ("unconnected", f"No chain to {found['project']} from"),
        ("unknown", "Nothing is known here of"),
        ("dynamic", "What these require is only known when they are built"),
        ("passed_over", "Lines that name no project"),
    ):
        if found[member]:
            yield f"{meaning}: {', '.join(found[member])}."
    yield from _limits(found)


def _cuts(found: Told) -> Iterable[str]:
    if not found["reach"]:
        yield f"Nothing that was asked about needs {found['project']}."
    elif not found["cuts"]:
        yield f"No single requirement does it: each of {found['reach']} projects has more than one way to it."
    for each in found["cuts"]:
        freed = f" ({', '.join(each['roots_removed'][:5])})" if each["roots_removed"] else ""
        yield f"{each['sentence']}{freed}"
    if found["passed_over"]:
        yield f"Lines that name no project: {', '.join(found['passed_over'])}."
    yield from _limits(found)


def _noticing(found: Told) -> Iterable[str]:
    yield found["sentence"]
    for each in found["breaking"]:
        yield f"no other release fits: {_line(each)}"
    for each in found["moving"]:
        yield f"would get {each['instead']}: {_line(each['dependent'])}"
    yield from _limits(found)


def _line(each: Told) -> str:
    return f"{each['name']} {each['version']}  requires {' or '.join(each['requirements'])}"


def _limits(found: Told) -> Iterable[str]:
    yield f"As of {str(found['as_of'])[:16].replace('T', ' ')} UTC, journal entry {found['serial']}. {found['limits']}"
