"""Commands for moderators: the queue, a case, and whose reports are trusted.

Each works on this machine's own index and on one elsewhere, and prints what the API answers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .holds import Text, words
from .options import Account, AsJson
from .place import Place, somewhere
from .remote.paths import path

if TYPE_CHECKING:
    from affineur.core.security import Caller
    from affineur.shell.index import Index

    from .remote.client import Remote

case = typer.Typer(help="Work through the moderators' queue.", no_args_is_help=True)
reporter = typer.Typer(help="Say whose reports are trusted.", no_args_is_help=True)

Number = Annotated[str, typer.Argument(metavar="CASE", help="The number of a case, such as 2026-0042.")]
Which = Annotated[str, typer.Option("--which", help="open, overdue, mine or closed.")]
OfKind = Annotated[str | None, typer.Option("--kind", help="Only with a report of this kind.")]
OfProject = Annotated[str | None, typer.Option("--project", help="Only about this project.")]
AppealId = Annotated[int, typer.Argument(metavar="APPEAL", help="As the case shows it.")]
Lift = Annotated[bool, typer.Option("--lift/--keep", help="Lift what is held in the case, or keep it.")]
BackAgain = Annotated[bool, typer.Option("--back", help="Give it back: let others take it.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this module to ``app``."""
    for name, command in (
        ("list", case_list),
        ("show", case_show),
        ("take", case_take),
        ("note", case_note),
        ("dismiss", case_dismiss),
        ("confirm", case_confirm),
        ("answer", case_answer),
    ):
        case.command(name)(somewhere(command))
    for called, verb in (("trust", reporter_trust), ("untrust", reporter_untrust), ("show", reporter_show)):
        reporter.command(called)(somewhere(verb))
    app.add_typer(case, name="case")
    app.add_typer(reporter, name="reporter")


def case_list(
    place: Place, which: Which = "open", kind: OfKind = None, project: OfProject = None, as_json: AsJson = False
) -> None:
    """List cases, by when each is due."""
    from typing import get_args

    from affineur.core.moderation.reports import KINDS
    from affineur.shell.store.case_queue import Which as AllOf

    from .start import EXIT_USAGE, fail, print_json

    for given, known in ((which, get_args(AllOf)), (kind, tuple(KINDS))):
        if given is not None and given not in known:
            fail(f"'{given}' is none of {', '.join(known)}.", EXIT_USAGE)
    asked = {"which": which, "kind": kind, "project": project}

    def here(index: Index, by: Caller) -> list[Any]:
        import msgspec

        from affineur.shell.store import case_queue
        from affineur.web.api.moderation import WhichCases, shown

        wanted = msgspec.convert(asked, WhichCases)
        with index.store.read() as connection:
            found = case_queue.queue(connection, wanted.wanted(by.actor.account_id), by.now, limit=1000)
        return [msgspec.to_builtins(shown(each)) for each in found]

    found = place.carry_out(here, lambda remote: list(remote.every("/cases", asked, most=1000)))
    if as_json:
        print_json(found)
        return
    for each in found:
        typer.echo(_line(_brief(each)))
    if not found:
        typer.echo("There is no such case.")


def case_show(place: Place, number: Number, as_json: AsJson = False) -> None:
    """Show a case: its reports, notes, appeals, and what is on hold."""
    _show(place.carry_out(lambda index, by: _whole(index, number), lambda remote: remote.get(_at(number))), as_json)


def case_take(place: Place, number: Number, back: BackAgain = False, as_json: AsJson = False) -> None:
    """Take a case, so that others see who works on it; or give it back."""

    def here(index: Index, by: Caller) -> Any:
        from affineur.actions.moderate import give_back, take

        (give_back if back else take)(index, by, number)
        return _whole(index, number)

    def there(remote: Remote) -> Any:
        where = _at(number, "taken")
        return remote.delete(where) if back else remote.put(where, {})

    _show(place.carry_out(here, there), as_json)


def case_note(place: Place, number: Number, text: Text, as_json: AsJson = False) -> None:
    """Write in a case, for moderators only."""
    _write(place, number, "notes", text, as_json)


def case_dismiss(place: Place, number: Number, text: Text, as_json: AsJson = False) -> None:
    """Dismiss the reports of a case and close it: nothing was held, and nothing has to be.

    The text says why, to other moderators. Reporters are told that nothing was found.
    """
    _write(place, number, "dismiss", text, as_json)


def case_confirm(place: Place, number: Number, as_json: AsJson = False) -> None:
    """Agree with what another moderator, or the index itself, did: the second look."""
    from .start import print_json

    def here(index: Index, by: Caller) -> dict[str, Any]:
        from affineur.actions.moderate import confirm

        done = confirm(index, by, number)
        return {"case": done.case, "act": done.act, "closed": done.closed}

    found = place.carry_out(here, lambda remote: remote.post(_at(number, "confirm")))
    if as_json:
        print_json(found)
        return
    what = f"agreed: {found['act']}" if found["act"] else "looked at; what is held stays held"
    typer.echo(f"Case {found['case']}: {what}{' (closed)' if found['closed'] else ''}.")


def case_answer(place: Place, appeal: AppealId, text: Text, lift: Lift = False, as_json: AsJson = False) -> None:
    """Answer an appeal; the text is mailed.

    With --lift, everything that is held in its case is given back.
    """
    from .start import print_json

    outcome = "lifted" if lift else "kept"

    def here(index: Index, by: Caller) -> dict[str, Any]:
        from affineur.actions.appeal import answer

        done = answer(index, by, appeal, words(text), lift=lift)
        return {"id": done.appeal, "case": done.case, "project": done.project, "outcome": done.outcome}

    def there(remote: Remote) -> Any:
        return remote.post(path("appeals", str(appeal), "answer"), {"text": words(text), "outcome": outcome})

    found = place.carry_out(here, there)
    if as_json:
        print_json(found)
        return
    typer.echo(f"Answered; the hold is {'lifted' if found['outcome'] == 'lifted' else 'kept'} (case {found['case']}).")


def reporter_trust(place: Place, account: Account, as_json: AsJson = False) -> None:
    """Trust the reports of an account: with another one, it can begin a hold.

    Trust ends by itself where too many of its reports were wrong.
    """
    _trust(place, account, True, as_json)


def reporter_untrust(place: Place, account: Account, as_json: AsJson = False) -> None:
    """Cease to trust the reports of an account."""
    _trust(place, account, False, as_json)


def reporter_show(place: Place, account: Account, as_json: AsJson = False) -> None:
    """Show what the reports of an account weigh, and why."""
    _show_reporter(
        place.carry_out(lambda index, by: _reporter(index, account), lambda remote: remote.get(_of(account))), as_json
    )


def _write(place: Place, number: str, how: str, text: str, as_json: bool) -> None:
    said = words(text)

    def here(index: Index, by: Caller) -> Any:
        from affineur.actions import moderate

        act: Callable[[Index, Caller, str, str], object] = moderate.note if how == "notes" else moderate.dismiss
        act(index, by, number, said)
        return _whole(index, number)

    _show(place.carry_out(here, lambda remote: remote.post(_at(number, how), {"text": said})), as_json)


def _trust(place: Place, account: str, trusted: bool, as_json: bool) -> None:
    def here(index: Index, by: Caller) -> Any:
        from affineur.actions.moderate import set_trusted

        set_trusted(index, by, account, trusted)
        return _reporter(index, account)

    def there(remote: Remote) -> Any:
        return remote.put(_of(account), {}) if trusted else remote.delete(_of(account))

    _show_reporter(place.carry_out(here, there), as_json)


def _whole(index: Index, number: str) -> Any:
    import msgspec

    from affineur.web.api.moderation import whole

    with index.store.read() as connection:
        return msgspec.to_builtins(whole(connection, number))


def _reporter(index: Index, account: str) -> Any:
    import msgspec

    from affineur.web.api.moderation import reporter

    with index.store.read() as connection:
        return msgspec.to_builtins(reporter(connection, account))


def _at(number: str, *parts: str) -> str:
    return path("cases", number, *parts)


def _of(account: str) -> str:
    return path("accounts", account, "trusted-reporter")


# -- as people read it


def _show(found: Any, as_json: bool) -> None:
    from .start import print_json

    if as_json:
        print_json(found)
        return
    for line in _told(found):
        typer.echo(_line(line))


def _show_reporter(found: Any, as_json: bool) -> None:
    from .start import print_json

    if as_json:
        print_json(found)
        return
    marked = "trusted" if found["trusted"] else "no longer trusted" if found["marked_trusted"] else "not trusted"
    record = f"{found['upheld']} upheld, {found['dismissed']} dismissed"
    typer.echo(_line(f"{found['account']}: {marked}; {record}; a report weighs {found['weight']}."))


def _brief(each: dict[str, Any]) -> str:
    due = f"due {each['due_at'][:16]}" if each["due_at"] else each["verdict"] or ""
    held = f", {len(each['held'])} on hold" if each["held"] else ""
    appeals = f", {each['appeals']} to answer" if each["appeals"] else ""
    taken = f", {each['taken_by']} works on it" if each["taken_by"] else ""
    kinds = ", ".join(each["kinds"]) or "no report"
    score = f"{each['reports']} open, score {each['score']}"
    return f"{each['number']}  {each['project']}  {due}  {kinds} ({score}){held}{appeals}{taken}"


def _told(found: dict[str, Any]) -> list[str]:
    lines = [_brief(found["case"])]
    for each in found["case"]["held"]:
        what = each["filename"] or each["version"] or "the whole project"
        lines.append(f"* {what}: {each['state']}, {each['code'] or 'no code'}: {each['reason'] or 'no reason'}")
    if found["case"]["proposed"]:
        lines.append(f"! waits for a second moderator: {found['case']['proposed']}, by {found['proposed_by']}")
    for each in found["reports"]:
        about = f" of {each['version']}" if each["version"] else ""
        weight = f"weighs {each['weight']}{', trusted' if each['trusted'] else ''}"
        lines += ["", f"{each['at'][:16]}  {each['kind']}{about}, by {each['reporter'] or 'nobody now'} ({weight})"]
        lines += [f"  {line}" for line in each["summary"].splitlines()] + [f"  {link}" for link in each["evidence"]]
    for each in found["notes"]:
        lines += ["", f"{each['at'][:16]}  note by {each['by'] or 'the console'}"]
        lines += [f"  {line}" for line in each["text"].splitlines()]
    for each in found["appeals"]:
        lines += [
            "",
            f"{each['at'][:16]}  appeal {each['id']} by {each['by'] or 'nobody now'}: {each['outcome'] or 'open'}",
        ]
        lines += [f"  {line}" for line in each["text"].splitlines()]
    return lines


def _line(text: str) -> str:
    """A line from elsewhere that does nothing to a terminal; blanks at its beginning are kept."""
    return "".join(character if character.isprintable() else " " for character in text)
