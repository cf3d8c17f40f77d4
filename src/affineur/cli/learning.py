"""`affineur dependents learn`: what an upstream's projects require, into the graph of dependents, marked as such.

What does not live here: reading an upstream (`shell.upstream`), and the graph (`projections.dependents`).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .options import AsJson, Config, Data

if TYPE_CHECKING:
    from collections.abc import Iterator

    from affineur.core.names import NormalizedName
    from affineur.shell.index import Index
    from affineur.shell.upstream.offers import Source

MOST_PROJECTS = 1000
"""Of one call, so that `--deep` does not walk through a whole index by accident."""


def learn(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[PROJECT]...", help="Projects to learn of.", show_default=False)
    ] = None,
    projects: Annotated[
        Path | None, typer.Option(help="File with more projects: one a line, `#` begins a comment.")
    ] = None,
    upstream: Annotated[
        str,
        typer.Option(
            metavar="URL",
            envvar="PIP_INDEX_URL",
            help="The simple API of the upstream: https://host/simple/",
        ),
    ] = "",
    deep: Annotated[
        bool, typer.Option("--deep", help=f"Also what these require, and so on, at most {MOST_PROJECTS:,} projects.")
    ] = False,
    data: Data = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Learn what projects of an upstream require, so that chains through them are seen.

    Reads the metadata of each project's newest release, and keeps only who requires whom, marked as the upstream's.
    What this index has itself is never changed by it. Ends with 1 where a project that was named is not to be had.
    """
    from affineur.core.names import parse_name
    from affineur.shell.upstream.simple_index import SimpleIndex

    from .start import EXIT_REFUSED, EXIT_USAGE, fail, open_existing, print_json

    listed = projects.read_text(encoding="utf-8").splitlines() if projects else []
    chosen = [*(names or ()), *(line.partition("#")[0].strip() for line in listed)]
    wanted = list(dict.fromkeys(parse_name(name) for name in chosen if name))
    if not wanted or not upstream:
        fail("Name the projects, and the upstream with --upstream (or PIP_INDEX_URL).", EXIT_USAGE)
    index = open_existing(data, config)
    source = SimpleIndex(upstream)
    found: dict[str, list[str]] = {"learned": [], "ours": [], "missing": [], "refused": []}
    try:
        for name, became in _learned(index, source, wanted, deep):
            found[became].append(name)
    finally:
        source.close()
        index.close()
    if as_json:
        print_json(found)
    else:
        _show(found)
    if not set(wanted).isdisjoint(found["missing"] + found["refused"]):
        raise typer.Exit(EXIT_REFUSED)


def _learned(
    index: Index, source: Source, wanted: list[NormalizedName], deep: bool
) -> Iterator[tuple[NormalizedName, str]]:
    """What became of each project: learned, ours, missing or refused."""
    from affineur.core.decision import Refused
    from affineur.projections.dependents import Upstream, learn
    from affineur.shell.upstream.receiving import spool_folder
    from affineur.shell.upstream.requirements import read_requirements

    waiting, seen = list(wanted), set(wanted)
    with spool_folder(index.settings.spool) as folder:
        while waiting:
            name = waiting.pop(0)
            try:
                said = read_requirements(source, name, folder)
            except Refused as refused:
                typer.echo(f"{name}: {refused.decision.sentence}  [{refused.decision.rule}]", err=True)
                yield name, "refused"
                continue
            if said is None:
                yield name, "missing"
                continue
            is_new = learn(index, Upstream(name, said.version, said.requires_dist))
            yield name, "learned" if is_new else "ours"
            if deep and is_new:
                more = [each for each in _targets(said.requires_dist or ()) if each not in seen]
                more = more[: max(0, MOST_PROJECTS - len(seen))]
                seen.update(more)
                waiting += more


def _targets(lines: tuple[str, ...]) -> list[NormalizedName]:
    """The projects that are required without an extra."""
    from packaging.requirements import InvalidRequirement, Requirement

    from affineur.core.decision import Refused
    from affineur.core.dependents.edges import Kind, kind_of
    from affineur.core.names import parse_name

    found: dict[NormalizedName, None] = {}
    for line in lines:
        try:
            requirement = Requirement(line)
            if kind_of(requirement) is not Kind.EXTRA:
                found[parse_name(requirement.name)] = None
        except (InvalidRequirement, Refused):
            continue
    return list(found)


def _show(found: dict[str, list[str]]) -> None:
    for became, meaning in (
        ("learned", "Learned what these require"),
        ("ours", "On this index itself, so nothing was changed"),
        ("missing", "The upstream has no release of"),
        ("refused", "Not to be believed"),
    ):
        if found[became]:
            typer.echo(f"{meaning}: {', '.join(found[became])}.")
