"""Commands about what is kept off offer: quarantine, clear, condemn, withhold, unwithhold; report and appeal.

Each works on this machine's own index and on one elsewhere. What does not live here: the moderators' queue (`cases`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from .options import AsJson, Project, Reason
from .place import Place, somewhere
from .remote.paths import of_project

if TYPE_CHECKING:
    from affineur.core.life.lifecycle import Act
    from affineur.core.security import Caller
    from affineur.shell.index import Index

    from .remote.client import Remote

Version = Annotated[str | None, typer.Argument(help="Only this release.", show_default=False)]
File = Annotated[str | None, typer.Option("--file", help="Only the file of this name.")]
Code = Annotated[
    str | None,
    typer.Option(
        "--code",
        help="Why, in one word: malware, spam, dependency-confusion, look-alike, compromised-account, legal, secret, "
        "personal-data, other.",
    ),
]
Right = Annotated[
    bool, typer.Option("--upheld", help="The reports were right all the same: what they told of is repaired.")
]
Kind = Annotated[str, typer.Option("--kind", help="malware, spam, dependency-confusion, look-alike or other.")]
Summary = Annotated[str, typer.Option("--summary", help="What you have seen, and where; `-` reads standard input.")]
Shown = Annotated[
    str | None,
    typer.Option("--evidence", help="What the project's people are shown beyond the reason; `-` reads standard input."),
]
Evidence = Annotated[list[str] | None, typer.Option("--evidence", metavar="URL", help="A link; may be repeated.")]
Text = Annotated[str, typer.Option("--text", help="What it says; `-` reads standard input.")]
OfCase = Annotated[str | None, typer.Option("--case", help="The case, where several hold something.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this module to ``app``."""
    for command in (quarantine, clear, condemn, withhold, unwithhold, report, appeal):
        app.command()(somewhere(command))


def quarantine(
    place: Place,
    project: Project,
    version: Version = None,
    file: File = None,
    reason: Reason = None,
    code: Code = None,
    evidence: Shown = None,
    as_json: AsJson = False,
) -> None:
    """Quarantine a project, a release or a file: take it off offer for now.

    Nothing of it is on offer until it is cleared. Holds at once on the machine of the index, and tells mirrors to
    hide it. Nothing is deleted; tokens for the project pause, and no account does.
    """
    _hold(place, "quarantine", project, version, file, {"reason": reason, "code": code, "evidence": evidence}, as_json)


def clear(
    place: Place,
    project: Project,
    version: Version = None,
    file: File = None,
    upheld: Right = False,
    as_json: AsJson = False,
) -> None:
    """Lift a quarantine: everything is as it was before.

    Its reporters are told that they were wrong, or with --upheld that they were right.
    """
    _hold(place, "clear", project, version, file, {"verdict": "upheld" if upheld else None}, as_json)


def condemn(
    place: Place,
    project: Project,
    version: Version = None,
    file: File = None,
    reason: Reason = None,
    code: Code = None,
    evidence: Shown = None,
    as_json: AsJson = False,
) -> None:
    """Condemn what is quarantined: the review found it harmful, and it does not come back.

    Takes a note in the case that says what was found and, unless next to nobody uses the project, a second moderator:
    the first one asks, `affineur case confirm` agrees. Freezes no account: that is another decision.
    """
    _hold(place, "condemn", project, version, file, {"reason": reason, "code": code, "evidence": evidence}, as_json)


def withhold(
    place: Place,
    project: Project,
    version: Version = None,
    file: File = None,
    reason: Reason = None,
    code: Code = None,
    evidence: Shown = None,
    as_json: AsJson = False,
) -> None:
    """Withhold a file or a release: a secret, personal data, or the law; moderators also a whole project.

    Its digest stays known. It is looked at again within days.
    """
    _hold(place, "withhold", project, version, file, {"reason": reason, "code": code, "evidence": evidence}, as_json)


def unwithhold(
    place: Place, project: Project, version: Version = None, file: File = None, as_json: AsJson = False
) -> None:
    """Give back what was withheld."""
    _hold(place, "unwithhold", project, version, file, {}, as_json)


def report(
    place: Place,
    project: Project,
    version: Version = None,
    *,
    kind: Kind,
    summary: Summary,
    evidence: Evidence = None,
    as_json: AsJson = False,
) -> None:
    """Tell the moderators that something is wrong with a project.

    You are told by mail what became of it. What was reported already is not added again.
    """
    from affineur.core.moderation.reports import read_report

    from .start import print_json

    said = read_report(kind, project, words(summary), version=version, evidence=evidence or ())

    def here(index: Index, by: Caller) -> dict[str, Any]:
        from affineur.actions.report import report as act

        outcome = act(index, by, said)
        return {"case": outcome.case, "duplicate": outcome.duplicate, "held": outcome.held}

    def there(remote: Remote) -> dict[str, Any]:
        asked = {
            "kind": said.kind,
            "summary": said.summary,
            "version": said.version,
            "evidence": list(said.evidence),
        }
        found: dict[str, Any] = remote.post(of_project(project, "reports"), asked)
        return found

    found = place.carry_out(here, there)
    if as_json:
        print_json(found)
        return
    added = "You reported that already; it waits in" if found["duplicate"] else "Thank you. Your report is in"
    held = " It is on hold until a moderator has looked." if found["held"] else ""
    typer.echo(f"{added} case {found['case']}.{held}")


def appeal(place: Place, project: Project, text: Text, case: OfCase = None, as_json: AsJson = False) -> None:
    """Object to what is held of a project, as one of its people.

    The moderators answer by mail; whoever placed the hold does not, where there is another one.
    """
    from .start import print_json

    said = words(text)

    def here(index: Index, by: Caller) -> dict[str, Any]:
        from affineur.actions.appeal import appeal as act
        from affineur.core.names import parse_name

        made = act(index, by, parse_name(project), said, case)
        return {"id": made.id, "case": made.case_number, "project": made.project}

    def there(remote: Remote) -> dict[str, Any]:
        found: dict[str, Any] = remote.post(of_project(project, "appeals"), {"text": said, "case": case})
        return found

    found = place.carry_out(here, there)
    if as_json:
        print_json(found)
        return
    typer.echo(f"Your appeal is in case {found['case']}; it will be answered by mail.")


def _hold(
    place: Place,
    act: Act,
    name: str,
    version: str | None,
    file: str | None,
    with_it: dict[str, str | None],
    as_json: bool,
) -> None:
    from affineur.core.names import parse_name
    from affineur.core.versions import canonical, parse_version

    from .remote.problems import printable
    from .start import print_json

    project = parse_name(name)
    release = canonical(parse_version(version)) if version else None
    if evidence := with_it.get("evidence"):
        with_it = {**with_it, "evidence": words(evidence)}

    def here(index: Index, by: Caller) -> dict[str, Any]:
        from affineur.actions.hold import hold
        from affineur.core.life.lifecycle import Place as Part
        from affineur.core.life.lifecycle import Said
        from affineur.core.life.standing import statuses

        said = Said(with_it.get("reason"), with_it.get("code"), evidence=with_it.get("evidence"))
        verdict: Any = with_it.get("verdict")
        outcome = hold(index, by, act, project, Part(release, file), said, verdict)
        status = outcome.status
        return {
            "project": project, "status": status.status, "reason": status.reason,
            "statuses": statuses(outcome.standing), "changed": outcome.changed, "case": outcome.case,
            "waits": outcome.waits,
        }  # fmt: skip

    def there(remote: Remote) -> dict[str, Any]:
        found: dict[str, Any] = remote.post(of_project(project, act), {"version": release, "file": file, **with_it})
        return found

    now = place.carry_out(here, there)
    if as_json:
        print_json(now)
        return
    for line in _told(now, act, file or (f"{project} {release}" if release else project)):
        typer.echo(printable(line))


def _told(now: dict[str, Any], act: Act, what: str) -> list[str]:
    words = {
        "quarantine": "quarantined",
        "clear": "no longer on hold",
        "condemn": "condemned",
        "withhold": "withheld",
        "unwithhold": "given back",
    }
    case = f" (case {now['case']})" if now["case"] else ""
    if now["waits"]:
        return [
            f"{what}: noted{case}. It takes effect when another moderator agrees: affineur case confirm {now['case']}"
        ]
    already = "" if now["changed"] else " already; nothing was changed"
    why = f" ({now['reason']})" if now["reason"] else ""
    return [f"{what} is {words[act]}{case}{already}.", f"{now['project']} is {now['status']}{why}."]


def words(given: str) -> str:
    """What was given, or what stands in standard input."""
    import sys

    return sys.stdin.read() if given == "-" else given
