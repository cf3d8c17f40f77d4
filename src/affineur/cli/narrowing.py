"""`affineur token narrow`: make a weaker token out of one that is at hand, without index or network.

What does not live here: making and revoking tokens (`tokens`).
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

if TYPE_CHECKING:
    from affineur.core.names import NormalizedName
    from affineur.core.people.caveats import TokenAction
    from affineur.core.people.macaroons import Macaroon

VARIABLE = "AFFINEUR_TOKEN"
"""The environment variable a token is read from. It is no setting, though it has their prefix."""

_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}
_MOST_DIGITS = 6


def register(group: typer.Typer) -> None:
    """Add the command to ``group``, the commands about tokens."""
    group.command("narrow")(narrow)


def narrow(
    project: Annotated[
        list[str] | None, typer.Option("--project", help="Only for this project; may be repeated.")
    ] = None,
    action: Annotated[
        list[str] | None,
        typer.Option("--action", help="Only to upload, yank, archive, read or manage; may be repeated."),
    ] = None,
    expires_in: Annotated[str | None, typer.Option(help="Ends after this time: 15m, 12h, 30d or 8w.")] = None,
    until: Annotated[
        str | None, typer.Option(help="Ends at this moment: 2030-12-31 or 2030-12-31T18:00 (UTC).")
    ] = None,
    not_before: Annotated[str | None, typer.Option(help="Begins at this moment, not earlier.")] = None,
) -> None:
    """Make a weaker token out of one, offline, and print it.

    The token is read from the variable AFFINEUR_TOKEN or, where that is not set, from standard input; never from an
    argument, since everyone on a machine can see those. Both tokens are revoked together.
    """
    from datetime import UTC

    from affineur.core.names import parse_name
    from affineur.core.people import caveats, macaroons

    now = datetime.now(UTC)
    projects = frozenset(parse_name(name) for name in project or ())
    actions = _actions(action or ())
    window = _window(expires_in, until, not_before, now)
    added = [
        *([caveats.for_projects(projects)] if projects else []),
        *([caveats.for_actions(actions)] if actions else []),
        *([caveats.expiry(*window)] if window else []),
    ]
    if not added:
        _fail("There is nothing to narrow by. Give --project, --action, --expires-in, --until or --not-before.")
    try:
        whole = macaroons.read(given_token())
        _check_use(whole, projects, actions, now)
        weaker = macaroons.narrow(whole, *added)
        text = macaroons.write(weaker)
    except ValueError as error:  # its sentence tells nothing of the token
        _fail(str(error))
    typer.echo(text)
    left = caveats.limits(weaker.caveats)
    typer.echo(caveats.describe(left) if isinstance(left, caveats.Grant) else left.reason, err=True)


def _check_use(
    token: Macaroon, projects: frozenset[NormalizedName], actions: frozenset[TokenAction], now: datetime
) -> None:
    """`Refused` for a token that has expired; ends the program where what was asked for would leave nothing.

    A token that this program cannot read in full is narrowed all the same: its index may know more.
    """
    from affineur.core.people.caveats import Grant, granted, limits

    decision = granted(token.caveats, now)
    if not isinstance(decision, Grant) and decision.rule == "token.expired":
        decision.require()
    before = limits(token.caveats)
    if not isinstance(before, Grant):
        return
    if projects and before.projects is not None and not projects & before.projects:
        _fail(f"The token is not for {', '.join(sorted(projects))}; narrowing cannot change that.")
    if actions and not actions & before.actions:
        _fail(f"The token may not {', '.join(sorted(actions))}; narrowing cannot change that.")


def given_token() -> str:
    """The token from the environment or, where there is none, from standard input (asked for on a terminal)."""
    import os
    import sys

    from affineur.core.people.macaroons import MAXIMUM_TEXT

    if given := os.environ.get(VARIABLE, "").strip():
        return given
    if sys.stdin.isatty():
        return str(typer.prompt("Token", hide_input=True, err=True)).strip()
    # Room for line ends and spaces around it; longer than that is no token, and need not be read to its end.
    try:
        return sys.stdin.read(MAXIMUM_TEXT + 64).strip()
    except UnicodeDecodeError:
        _fail("What came on standard input is no token.")


def _actions(given: Collection[str]) -> frozenset[TokenAction]:
    from affineur.core.people.caveats import ALL_ACTIONS

    for one in given:
        if one not in ALL_ACTIONS:
            _fail(f"--action is {one[:40]!a}, but must be one of {', '.join(sorted(ALL_ACTIONS))}.")
    return frozenset(action for action in ALL_ACTIONS if action in given)


def _window(
    expires_in: str | None, until: str | None, not_before: str | None, now: datetime
) -> tuple[datetime, datetime] | None:
    """The moments ``(end, start)`` that were asked for; None where none was.

    The caveat needs both. What is left open is put where it limits nothing, so that a clock that is a little behind
    does not refuse a token just made.
    """
    from datetime import UTC

    if expires_in is not None and until is not None:
        _fail("Give --expires-in or --until, not both.")
    if expires_in is None and until is None and not_before is None:
        return None
    end = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
    if expires_in is not None:
        end = min(end, _after(expires_in, now, end))
    elif until is not None:
        end = _moment("--until", until)
    start = datetime.fromtimestamp(0, UTC) if not_before is None else _moment("--not-before", not_before)
    if end <= now:
        _fail("The narrowed token would have ended already.")
    if end.replace(microsecond=0) <= start:
        _fail("The narrowed token would end before it begins.")
    return end, start


def _after(text: str, now: datetime, latest: datetime) -> datetime:
    """The moment that lies ``text`` (``12h``) after ``now``, at most ``latest``."""
    digits, unit = text[:-1], _UNITS.get(text[-1:])
    if unit is None or not (digits.isascii() and digits.isdigit()) or len(digits) > _MOST_DIGITS or not int(digits):
        _fail(f"--expires-in is {text[:40]!a}, but must be a number with m, h, d or w, as in 12h.")
    try:
        return now + int(digits) * unit
    except OverflowError:
        return latest


def _moment(option: str, text: str) -> datetime:
    """The moment in ISO 8601 that ``text`` is; in UTC where it names no offset."""
    from datetime import UTC

    try:
        moment = datetime.fromisoformat(text)
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        _fail(f"{option} is {text[:40]!a}, but must be a moment, as in 2030-12-31T18:00Z.")
    if moment.year < 1970:
        _fail(f"{option} is {text[:40]!a}, which is before 1970.")
    return moment


def _fail(message: str) -> NoReturn:
    from .start import EXIT_USAGE, fail

    fail(message, EXIT_USAGE)
